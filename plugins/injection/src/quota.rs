//! How many matches of one kind in one text are kept, and that quotations take no place from what is said.

use std::ops::Range;

use crate::mention::{Mention, mention};
use crate::opaque;
use crate::surface::Surface;

/// Counts matches as they are met.
pub struct Quota {
    most: usize,
    said: usize,
    mentioned: usize,
    seen: usize,
}

impl Quota {
    pub fn new(most: usize) -> Self {
        Self {
            most,
            said: 0,
            mentioned: 0,
            seen: 0,
        }
    }

    /// So many are said that more add nothing.
    pub fn is_full(&self) -> bool {
        self.said >= self.most
    }

    /// How the match of `rule` at `range` of `text` stands, when it is worth keeping.
    pub fn keep(
        &mut self,
        rule: &str,
        text: &str,
        range: &Range<usize>,
        surface: Surface,
    ) -> Option<Mention> {
        self.seen += 1;
        let stands = match self.seen > MAX_SEEN {
            true => Mention::Not,
            false if rule == opaque::RULE && !opaque::is_beside(text, range) => return None,
            false => mention(text, range, surface),
        };
        let count = match stands {
            Mention::Not => &mut self.said,
            Mention::Discussed | Mention::Quoted => &mut self.mentioned,
        };
        *count += 1;
        (*count <= self.most).then_some(stands)
    }
}

/// Matches of one kind whose surroundings are looked at; what comes after so many is taken as said.
/// Chosen: no document quotes as often, and it bounds the work.
const MAX_SEEN: usize = 512;
