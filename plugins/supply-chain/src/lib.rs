//! Detector.
pub mod launch;
pub mod package;
pub mod version;
