//! Write a ClawDefender detector: implement [`Detector`], export it, test it natively.
//!
//! A detector is a pure function over one [`Event`] and the [`Step`]s it chose to remember. It is
//! compiled to a WASM component that imports nothing; this crate holds the generated types, the
//! trait, the export macro, the canonical view that the host computes (so that native tests see
//! what production sees) and the test harness. Nothing here knows about policy or the daemon.

pub mod canonical;

#[cfg(feature = "guest")]
#[allow(
    missing_docs,
    unsafe_code,
    clippy::all,
    reason = "generated from wit/detector.wit"
)]
#[doc(hidden)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../wit",
        world: "detector",
        pub_export_macro: true,
        export_macro_name: "export_component",
        default_bindings_module: "clawdefender_sdk::bindings",
        additional_derives: [Clone, PartialEq],
    });
}

#[cfg(feature = "guest")]
mod construct;
#[cfg(feature = "guest")]
mod detector;
#[cfg(feature = "guest")]
mod history;
#[cfg(feature = "guest")]
pub use construct::attr;
#[cfg(feature = "guest")]
pub use detector::*;
#[cfg(feature = "guest")]
pub use history::Step;

#[cfg(feature = "testing")]
pub mod testing;
