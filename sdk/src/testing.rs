//! The native test harness: runs `cases/*.toml` against a detector without WASM.
