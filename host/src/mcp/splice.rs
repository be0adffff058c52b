//! Edits original bytes in place of re-serialising them: what isn't edited stays as it was.
//!
//! Which passages to redact and which entries to drop is decided elsewhere. The outcome is parsed
//! again before it leaves, so an edit can make a message fail but never make it ambiguous.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::json::{JsonError, Limits, Node, parse};

/// Edits to one message, applied together by [`Splice::finish`].
///
/// Edits may come in any order. One inside a part that goes away is moot.
#[derive(Debug)]
pub struct Splice<'s, 'a> {
    original: &'s [u8],
    /// Keyed by where the array starts.
    removals: BTreeMap<usize, (&'s Node<'a>, BTreeSet<usize>)>,
    /// Keyed by where the literal starts: its end, and passages of its decoded text.
    redactions: BTreeMap<usize, (usize, Vec<Passage>)>,
    replacements: Vec<Edit>,
}

type Passage = (Range<usize>, String);
type Edit = (Range<usize>, Vec<u8>);

impl<'s, 'a> Splice<'s, 'a> {
    /// `original` is what the nodes and spans given later were parsed from; a line end after the
    /// value may be part of it and is kept.
    #[must_use]
    pub fn new(original: &'s [u8]) -> Self {
        Self {
            original,
            removals: BTreeMap::new(),
            redactions: BTreeMap::new(),
            replacements: Vec::new(),
        }
    }

    /// Drops one element of `array`, and the comma it no longer needs.
    ///
    /// # Errors
    /// [`SpliceError::NoElement`] if `array` is none or has no such element.
    pub fn remove(&mut self, array: &'s Node<'a>, index: usize) -> Result<(), SpliceError> {
        let len = array.as_array().unwrap_or_default().len();
        if index >= len {
            return Err(SpliceError::NoElement { index, len });
        }
        let (_, removed) = self
            .removals
            .entry(array.span.start)
            .or_insert_with(|| (array, BTreeSet::new()));
        removed.insert(index);
        Ok(())
    }

    /// Replaces a passage within a string literal; `literal` is its span, quotes included, and
    /// `passage` counts bytes of its decoded text. Overlapping passages become one, under the
    /// placeholder of the one that starts first.
    ///
    /// # Errors
    /// [`SpliceError::NotAString`] or [`SpliceError::NoPassage`] for spans that name no such place.
    pub fn redact(
        &mut self,
        literal: Range<usize>,
        passage: Range<usize>,
        placeholder: &str,
    ) -> Result<(), SpliceError> {
        let node = self.literal(&literal)?;
        let text = node
            .as_str()
            .ok_or(SpliceError::NotAString { at: literal.start })?;
        if text.get(passage.clone()).is_none() {
            return Err(SpliceError::NoPassage {
                start: passage.start,
                end: passage.end,
            });
        }
        let entry = self
            .redactions
            .entry(literal.start)
            .or_insert((literal.end, Vec::new()));
        entry.1.push((passage, placeholder.to_owned()));
        Ok(())
    }

    /// Replaces all that a string literal says; `literal` is its span, quotes included.
    ///
    /// # Errors
    /// [`SpliceError::NotAString`] for a span that is no such literal.
    pub fn redact_whole(
        &mut self,
        literal: Range<usize>,
        placeholder: &str,
    ) -> Result<(), SpliceError> {
        let length = self.literal(&literal)?.as_str().map(str::len);
        let length = length.ok_or(SpliceError::NotAString { at: literal.start })?;
        self.redact(literal, 0..length, placeholder)
    }

    /// Puts `json` in place of the value at `span`.
    ///
    /// # Errors
    /// [`SpliceError::Replacement`] unless `json` is one strict value; [`SpliceError::LineBreak`]
    /// if it would cut the line.
    pub fn replace(&mut self, span: Range<usize>, json: &[u8]) -> Result<(), SpliceError> {
        parse(json, &Limits::default()).map_err(SpliceError::Replacement)?;
        if memchr::memchr2(b'\n', b'\r', json).is_some() {
            return Err(SpliceError::LineBreak);
        }
        if self.original.get(span.clone()).is_none() {
            return Err(SpliceError::NoPassage {
                start: span.start,
                end: span.end,
            });
        }
        self.replacements.push((span, json.to_owned()));
        Ok(())
    }

    /// The edited message.
    ///
    /// # Errors
    /// [`SpliceError::Overlap`] for edits that cross, [`SpliceError::Outcome`] if the outcome is
    /// not strict JSON, as when two keys became one by redaction.
    pub fn finish(self) -> Result<Vec<u8>, SpliceError> {
        let mut edits = self.edits()?;
        // Outer before inner, so that an inner one is known to be moot.
        edits.sort_by_key(|(span, _)| (span.start, std::cmp::Reverse(span.end)));
        let mut edited = Vec::with_capacity(self.original.len());
        let mut done = 0;
        for (span, with) in edits {
            if span.end <= done {
                continue;
            }
            let kept = self.original.get(done..span.start);
            edited.extend_from_slice(kept.ok_or(SpliceError::Overlap { at: span.start })?);
            edited.extend_from_slice(&with);
            done = span.end;
        }
        edited.extend_from_slice(self.original.get(done..).unwrap_or_default());
        let limits = Limits {
            max_bytes: usize::MAX,
            max_depth: Limits::DEEPEST,
            ..Limits::default()
        };
        parse(&edited, &limits).map_err(SpliceError::Outcome)?;
        Ok(edited)
    }

    fn edits(&self) -> Result<Vec<Edit>, SpliceError> {
        let mut edits = self.replacements.clone();
        for (array, removed) in self.removals.values() {
            let cuts = cuts(array.as_array().unwrap_or_default(), removed);
            edits.extend(cuts.into_iter().map(|span| (span, Vec::new())));
        }
        for (start, (end, passages)) in &self.redactions {
            let node = self.literal(&(*start..*end))?;
            let text = node
                .as_str()
                .ok_or(SpliceError::NotAString { at: *start })?;
            let literal = serde_json::Value::from(redacted(text, passages)).to_string();
            edits.push((*start..*end, literal.into_bytes()));
        }
        Ok(edits)
    }

    fn literal(&self, span: &Range<usize>) -> Result<Node<'s>, SpliceError> {
        let not_a_string = SpliceError::NotAString { at: span.start };
        let bytes = self.original.get(span.clone()).ok_or(not_a_string)?;
        let limits = Limits {
            max_bytes: usize::MAX,
            ..Limits::default()
        };
        // Only a span that is exactly the literal may be edited as one.
        match parse(bytes, &limits) {
            Ok(node) if node.span == (0..bytes.len()) => Ok(node),
            _ => Err(SpliceError::NotAString { at: span.start }),
        }
    }
}

/// What to cut so that the rest of an array keeps exactly the commas it needs: an element goes
/// with the comma before it, or, while nothing before it stays, with the comma after it.
fn cuts(items: &[Node<'_>], removed: &BTreeSet<usize>) -> Vec<Range<usize>> {
    let first_kept = (0..items.len()).find(|index| !removed.contains(index));
    let cut = |index: &usize| {
        let item = items.get(*index)?;
        if first_kept.is_some_and(|kept| kept < *index) {
            let before = items.get(index.checked_sub(1)?)?;
            return Some(before.span.end..item.span.end);
        }
        let end = items
            .get(index + 1)
            .map_or(item.span.end, |after| after.span.start);
        Some(item.span.start..end)
    };
    removed.iter().filter_map(cut).collect()
}

fn redacted(text: &str, passages: &[Passage]) -> String {
    let mut passages: Vec<_> = passages.iter().collect();
    passages.sort_by_key(|(passage, _)| (passage.start, std::cmp::Reverse(passage.end)));
    let mut redacted = String::with_capacity(text.len());
    let mut done = 0;
    for (passage, placeholder) in passages {
        // A passage that begins within the last one only lengthens it.
        if passage.start >= done {
            redacted.push_str(text.get(done..passage.start).unwrap_or_default());
            redacted.push_str(placeholder);
        }
        done = done.max(passage.end);
    }
    redacted.push_str(text.get(done..).unwrap_or_default());
    redacted
}

/// Why a message can't be edited; it must not be forwarded unedited instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpliceError {
    #[error("no element {index} in an array of {len}")]
    NoElement { index: usize, len: usize },
    #[error("no string literal at byte {at}")]
    NotAString { at: usize },
    #[error("no text from {start} to {end}")]
    NoPassage { start: usize, end: usize },
    #[error("edits cross at byte {at}")]
    Overlap { at: usize },
    #[error("replacement holds a line break")]
    LineBreak,
    #[error("replacement is not strict json")]
    Replacement(#[source] JsonError),
    #[error("edited message is not strict json")]
    Outcome(#[source] JsonError),
}

#[cfg(test)]
mod tests;
