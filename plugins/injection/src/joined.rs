//! One text out of several: what a server spread over the items of a list is still one sentence to
//! the model that reads them.

use std::ops::Range;

use clawdefender_sdk::{Event, Role, Span, View};

/// The short texts of an event, one after the other.
pub struct Joined {
    pub text: String,
    /// Which text stands where, in which view.
    parts: Vec<(usize, View, Range<usize>)>,
}

impl Joined {
    /// `None` when there is nothing to join, or so much that it is data.
    pub fn of(event: &Event) -> Option<Self> {
        if !(2..=MAX_TEXTS).contains(&event.texts.len()) {
            return None;
        }
        let mut joined = Self {
            text: String::new(),
            parts: Vec::new(),
        };
        for (index, view, text) in event.text_views() {
            let role = event.texts.get(index).map(|text| &text.role);
            if !matches!(role, Some(Role::Content | Role::Description | Role::Error)) {
                continue;
            }
            if joined.text.len() + text.len() > MAX_BYTES {
                return None;
            }
            if !joined.text.is_empty() {
                joined.text.push(' ');
            }
            let start = joined.text.len();
            joined.text.push_str(text);
            joined.parts.push((index, view, start..joined.text.len()));
        }
        (joined.parts.len() > 1).then_some(joined)
    }

    /// The pieces of `range`, each in its own text.
    pub fn parts(&self, range: &Range<usize>) -> impl Iterator<Item = Span> + '_ {
        let range = range.clone();
        self.parts.iter().filter_map(move |(index, view, place)| {
            let start = range.start.max(place.start);
            let end = range.end.min(place.end);
            (start < end)
                .then(|| Span::new(*index, view.clone(), start - place.start..end - place.start))
        })
    }
}

/// Chosen: more short texts, or longer ones, are a table.
const MAX_TEXTS: usize = 32;
const MAX_BYTES: usize = 4 << 10;
