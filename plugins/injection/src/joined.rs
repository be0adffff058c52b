//! One text out of several: what a server spread over the items of a list is still one sentence to
//! the model that reads them.

use std::ops::Range;

use clawdefender_sdk::{Event, Role, Span, View};

/// Neighbouring texts of an event, one after the other.
pub struct Joined {
    pub text: String,
    /// Which text stands where: its number, its view, where in `text`, and from which byte of its own.
    parts: Vec<(usize, View, Range<usize>, usize)>,
}

impl Joined {
    /// Windows over the texts that say something. Neighbouring windows overlap, and of a long text, which
    /// is read on its own, its ends stand in two of them.
    pub fn of(event: &Event) -> Vec<Self> {
        let mut all = Vec::new();
        let mut here = Self::empty();
        let mut left = MAX_BYTES;
        for (index, view, text) in event.text_views() {
            let role = event.texts.get(index).map(|text| &text.role);
            if !matches!(role, Some(Role::Content | Role::Description | Role::Error)) {
                continue;
            }
            let whole = text.len() <= 2 * END;
            let first = if whole { text } else { head(text) };
            if first.len() > left {
                break;
            }
            left = left.saturating_sub(if whole { text.len() } else { 2 * END });
            let full = here.parts.len() == MAX_TEXTS || here.text.len() + first.len() > WINDOW;
            if full {
                let next = here.tail();
                all.push(std::mem::replace(&mut here, next));
            }
            here.push(index, &view, first, 0);
            if !whole {
                all.push(std::mem::replace(&mut here, Self::empty()));
                let last = tail(text);
                here.push(index, &view, last, text.len() - last.len());
            }
        }
        all.push(here);
        all.retain(|joined| joined.parts.len() > 1);
        all
    }

    fn empty() -> Self {
        Self {
            text: String::new(),
            parts: Vec::new(),
        }
    }

    fn push(&mut self, index: usize, view: &View, text: &str, from: usize) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        let start = self.text.len();
        self.text.push_str(text);
        let place = start..self.text.len();
        self.parts.push((index, view.clone(), place, from));
    }

    /// The last texts once more, as the beginning of the next window.
    fn tail(&self) -> Self {
        let mut kept = Self::empty();
        let long = |place: &Range<usize>| self.text.len() - place.start > END;
        let after = self.parts.len().saturating_sub(MAX_TEXTS / 2);
        for (number, (index, view, place, from)) in self.parts.iter().enumerate() {
            if number >= after && !long(place) {
                let text = self.text.get(place.clone()).unwrap_or_default();
                kept.push(*index, view, text, *from);
            }
        }
        kept
    }

    /// The pieces of `range`, each in its own text.
    pub fn parts(&self, range: &Range<usize>) -> impl Iterator<Item = Span> + '_ {
        let range = range.clone();
        self.parts
            .iter()
            .filter_map(move |(index, view, place, from)| {
                let start = range.start.max(place.start);
                let end = range.end.min(place.end);
                let own = |at: usize| at - place.start + from;
                (start < end).then(|| Span::new(*index, view.clone(), own(start)..own(end)))
            })
    }
}

/// The first [`END`] bytes.
fn head(text: &str) -> &str {
    let mut at = text.len().min(END);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    text.get(..at).unwrap_or_default()
}

/// The last [`END`] bytes.
fn tail(text: &str) -> &str {
    let mut at = text.len().saturating_sub(END);
    while !text.is_char_boundary(at) {
        at += 1;
    }
    text.get(at..).unwrap_or_default()
}

/// Texts and bytes of one window. Chosen: a sentence over more pieces is read by no model as one.
const MAX_TEXTS: usize = 32;
const WINDOW: usize = 4 << 10;
/// Bytes at either end of a text that can belong to a sentence with its neighbours, and that two windows
/// share at most. Chosen: longer than what a signature or a phrase spans.
const END: usize = 512;
/// Bytes of one event that are read once more this way. Chosen: what is longer is a table, and reading
/// it costs a few milliseconds at most.
const MAX_BYTES: usize = 64 << 10;
