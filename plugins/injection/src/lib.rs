//! Finds instructions hidden in what a server sends.
