//! The host's view of `wit/detector.wit` 1.0, generated. Nothing else lives here.
//!
//! Parameters borrow: an event is lowered straight from the host's own strings.
#![allow(missing_docs, clippy::all, reason = "generated")]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "detector",
    ownership: Borrowing { duplicate_if_necessary: true },
});

pub use exports::clawdefender::detector::api;
