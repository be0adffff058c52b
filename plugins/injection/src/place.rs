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
    /// The same place, of a text that was derived from one that stands at `outer`.
    pub fn inside(self, outer: &Self) -> Self {
        match (outer, self) {
            (Self::Whole(source), _) => Self::Whole(source.clone()),
            (Self::Shift(by), Self::Shift(more)) => Self::Shift(by + more),
            (outer @ Self::Shift(_), Self::Whole(range)) => Self::Whole(outer.source(range)),
        }
    }

    /// The source bytes behind `range` of the derived text.
    pub fn source(&self, range: Range<usize>) -> Range<usize> {
        match self {
            Self::Shift(by) => range.start + by..range.end + by,
            Self::Whole(source) => source.clone(),
        }
    }
}
