//! The trait a detector implements and the macro that makes a component of it.
//!
//! The types are those of `wit/detector.wit`, lent to the detector: nothing is copied on the way
//! from the generated bindings to [`Detector::inspect`]. Only steps are taken out of their packing.

pub use crate::bindings::exports::clawdefender::detector::api::{
    Asset, AssetKind, Blob, Category, Direction, Event, Finding, History, Info, Kind, Launch,
    Report, Role, Rule, Server, Severity, Span, Text, View,
};

use crate::Step;

/// Name-value pairs from the daemon's configuration, in the order they were written.
pub type Settings = [(String, String)];

/// A detector: configured once per instance, then asked about one event at a time.
pub trait Detector: Sized {
    /// What this detector is. Must not depend on settings or data.
    fn describe() -> Info;

    /// Compiles patterns and loads threat data.
    ///
    /// # Errors
    /// One sentence for the operator when the settings or the data can't be used. The host then
    /// refuses the detector or keeps the data it had; it never runs one half configured.
    fn configure(settings: &Settings, data: &[Blob]) -> Result<Self, String>;

    /// The same with data of one's own: for a detector that keeps large data as it came, which
    /// would otherwise exist twice. The host calls this one.
    ///
    /// # Errors
    /// See [`Detector::configure`].
    fn configure_owned(settings: &Settings, data: Vec<Blob>) -> Result<Self, String> {
        Self::configure(settings, &data)
    }

    /// Looks at one event. `recent` holds the past events in which this detector left a memo,
    /// oldest first, at most [`Info::history`] of them.
    fn inspect(&self, event: &Event, recent: &[Step<'_>]) -> Report;
}

/// Makes the component's exports out of a [`Detector`].
///
/// ```ignore
/// clawdefender_sdk::export_detector!(MyDetector);
/// ```
#[macro_export]
macro_rules! export_detector {
    ($detector:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            use $crate::bindings::exports::clawdefender::detector::api::Guest;

            thread_local! {
                // One instance serves one call at a time, so a cell per instance is the whole state.
                static DETECTOR: ::core::cell::RefCell<::core::option::Option<$detector>> =
                    const { ::core::cell::RefCell::new(::core::option::Option::None) };
            }

            struct Component;

            impl Guest for Component {
                fn describe() -> $crate::Info {
                    <$detector as $crate::Detector>::describe()
                }

                fn configure(
                    settings: ::std::vec::Vec<(::std::string::String, ::std::string::String)>,
                    data: ::std::vec::Vec<$crate::Blob>,
                ) -> ::core::result::Result<(), ::std::string::String> {
                    let configured =
                        <$detector as $crate::Detector>::configure_owned(&settings, data)?;
                    DETECTOR
                        .with(|cell| *cell.borrow_mut() = ::core::option::Option::Some(configured));
                    ::core::result::Result::Ok(())
                }

                fn inspect(event: $crate::Event, recent: $crate::History) -> $crate::Report {
                    DETECTOR.with(|cell| match &*cell.borrow() {
                        ::core::option::Option::Some(detector) => {
                            $crate::Detector::inspect(detector, &event, &recent.unpack())
                        }
                        // The host configures first; an answer without it would read as "clean".
                        ::core::option::Option::None => ::core::panic!("inspect before configure"),
                    })
                }
            }

    $crate::bindings::export_component!(Component with_types_in $crate::bindings);
        };
    };
}
