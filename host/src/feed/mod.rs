//! The threat feed of this host: where trust starts, and what a fresh machine detects with.

pub mod root;
