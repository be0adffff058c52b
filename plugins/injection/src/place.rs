//! Where a derived text stands in the text it was derived from.

use std::ops::Range;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Byte for byte the same length, this far into the source.
    Shift(usize),
    /// Decoded from this range as a whole.
    Whole(Range<usize>),
}

impl Place {
    /// The source bytes behind `range` of the derived text.
    pub fn source(&self, range: Range<usize>) -> Range<usize> {
        match self {
            Self::Shift(by) => range.start + by..range.end + by,
            Self::Whole(source) => source.clone(),
        }
    }
}
