//! The canonical view of a text: what a reader perceives, with a way back to the original bytes.

use std::ops::Range;

/// A canonical text and its anchors into the original.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canonical {
    /// The text as a reader perceives it.
    pub text: String,
    /// Where the two stop advancing in step: (canonical offset, original offset), ascending.
    anchors: Vec<(u32, u32)>,
}

/// Makes the canonical view, or `None` when it equals `original`.
pub fn canonical(original: &str) -> Option<Canonical> {
    let _ = original;
    None
}

impl Canonical {
    /// The original bytes that made the canonical range `span`.
    pub fn origin(&self, span: Range<usize>) -> Range<usize> {
        span
    }
}
