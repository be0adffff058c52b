//! See `pack` in `host/trust/tests/kit/hold.rs`.

#![no_main]

#[path = "../../trust/tests/kit/mod.rs"]
mod kit;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = kit::hold::pack(bytes);
});
