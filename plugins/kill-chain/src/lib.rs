//! Detector.
