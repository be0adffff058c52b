//! Detector.
pub mod package;
pub mod version;
