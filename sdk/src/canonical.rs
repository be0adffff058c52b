//! The canonical view of a text: what a reader perceives, with a way back to the original bytes.
//!
//! In order: hidden carriers are read (Unicode tags, variation selectors), invisible characters
//! go, piled-up accents go, NFKC, and look-alike letters fold to the script of their word
//! (`canonical/fold.rs`). The pass is linear, never panics, and leaves ordinary text of any
//! language as NFKC leaves it. It decides nothing: that something was hidden is for a detector.

use std::ops::Range;

use unicode_normalization::char::{
    canonical_combining_class, decompose_canonical, decompose_compatible,
};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

mod confusables;
mod fold;
mod hidden;

/// A canonical text and its anchors into the original.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canonical {
    /// The text as a reader perceives it.
    pub text: String,
    /// Where a stretch begins in both texts, ascending; the last one ends with both texts.
    anchors: Vec<Anchor>,
    original_len: u32,
}

/// The start of a stretch. Offsets saturate: frames are bounded far below 4 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Anchor {
    canonical: u32,
    original: u32,
    /// Both texts hold the same bytes here, so they advance in step. Otherwise the stretch maps
    /// as a whole: "ﬃ" and "ffi" are equally long and still not the same characters.
    copied: bool,
}

/// Makes the canonical view, or `None` when it equals `original`.
pub fn canonical(original: &str) -> Option<Canonical> {
    if original.is_ascii() {
        return None;
    }
    let perceived = perceive(original);
    let folded = fold::fold(perceived);
    (folded.text != original).then_some(folded)
}

/// The plain Latin letter under accents and strokes: `e` for é, `o` for ø, `d` for đ. Any other
/// character is returned as it is.
///
/// For detectors that match words however their author typed them; it loses meaning, so it is no
/// part of the canonical view.
pub fn unaccented(letter: char) -> char {
    match letter {
        '\0'..='\x7f' => letter,
        'ı' => 'i',
        'đ' | 'ð' => 'd',
        'Đ' | 'Ð' => 'D',
        'ł' => 'l',
        'Ł' => 'L',
        'ø' => 'o',
        'Ø' => 'O',
        'À'..='ɏ' | 'Ḁ'..='ỿ' => {
            let mut base = None;
            decompose_canonical(letter, |part| {
                base.get_or_insert(part);
            });
            base.filter(char::is_ascii_alphabetic).unwrap_or(letter)
        }
        _ => letter,
    }
}

impl Canonical {
    /// The original bytes that made the canonical range `span`.
    ///
    /// Any range is answered: it is cut to the text and widened to whole characters first. The
    /// answer always lies on character boundaries of the original.
    pub fn origin(&self, span: Range<usize>) -> Range<usize> {
        let mut end = span.end.min(self.text.len());
        let mut start = span.start.min(end);
        let empty = start == end;
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        let from = self
            .stretch(start)
            .map_or(0, |stretch| stretch.original_at(start));
        if empty {
            return from..from;
        }
        // The last byte decides, so that a stretch that only begins at `end` stays outside.
        let to = self
            .stretch(end - 1)
            .map_or(0, |stretch| match stretch.copied {
                true => stretch.original_at(end),
                false => stretch.original.end,
            });
        from..to.max(from)
    }

    /// The last stretch that begins at or before the canonical byte `at`.
    fn stretch(&self, at: usize) -> Option<Stretch> {
        let after = self
            .anchors
            .partition_point(|anchor| anchor.canonical as usize <= at);
        self.nth(after.checked_sub(1)?)
    }

    fn nth(&self, index: usize) -> Option<Stretch> {
        let anchor = self.anchors.get(index)?;
        let next = self.anchors.get(index + 1);
        let canonical_end = next.map_or(self.text.len(), |next| next.canonical as usize);
        let original_end = next.map_or(self.original_len, |next| next.original) as usize;
        Some(Stretch {
            canonical: anchor.canonical as usize..canonical_end,
            original: anchor.original as usize..original_end,
            copied: anchor.copied,
        })
    }

    fn stretches(&self) -> impl Iterator<Item = Stretch> {
        (0..self.anchors.len()).filter_map(|index| self.nth(index))
    }
}

/// A range of the canonical text and the range it came from.
struct Stretch {
    canonical: Range<usize>,
    original: Range<usize>,
    copied: bool,
}

impl Stretch {
    fn original_at(&self, canonical: usize) -> usize {
        match self.copied {
            true => self.original.start + (canonical - self.canonical.start),
            false => self.original.start,
        }
    }
}

/// Grows a [`Canonical`] from left to right.
struct Builder {
    text: String,
    anchors: Vec<Anchor>,
    /// Where the next stretch begins in the original.
    at: usize,
    /// A stretch that came out empty joins the next one, so that every original byte is covered.
    pending: Option<usize>,
}

impl Builder {
    fn with_capacity(bytes: usize) -> Self {
        Self {
            text: String::with_capacity(bytes),
            anchors: Vec::new(),
            at: 0,
            pending: None,
        }
    }

    /// The next bytes of the original stay as they are.
    fn copy(&mut self, same: &str) {
        if same.is_empty() {
            return;
        }
        if self.pending.is_some() {
            let first = same.chars().next().map_or(0, char::len_utf8);
            let (head, tail) = same.split_at(first);
            self.replace(first, head);
            return self.copy(tail);
        }
        if !self.anchors.last().is_some_and(|anchor| anchor.copied) {
            self.anchor(self.at, true);
        }
        self.text.push_str(same);
        self.at += same.len();
    }

    /// The next `original_bytes` read as `text`.
    fn replace(&mut self, original_bytes: usize, text: &str) {
        let start = self.pending.take().unwrap_or(self.at);
        self.at += original_bytes;
        if text.is_empty() {
            self.pending = Some(start);
            return;
        }
        self.anchor(start, false);
        self.text.push_str(text);
    }

    fn anchor(&mut self, original: usize, copied: bool) {
        self.anchors.push(Anchor {
            canonical: saturate(self.text.len()),
            original: saturate(original),
            copied,
        });
    }

    fn finish(mut self) -> Canonical {
        // What came out empty at the very end belongs to the last character before it.
        if let (Some(_), Some(last)) = (self.pending, self.text.chars().next_back()) {
            let last_start = self.text.len() - last.len_utf8();
            if let Some(anchor) = self.anchors.last().copied()
                && anchor.copied
                && (anchor.canonical as usize) < last_start
            {
                let into = saturate(last_start) - anchor.canonical;
                self.anchors.push(Anchor {
                    canonical: saturate(last_start),
                    original: anchor.original + into,
                    copied: false,
                });
            } else if let Some(anchor) = self.anchors.last_mut() {
                anchor.copied = false;
            }
        }
        Canonical {
            text: self.text,
            anchors: self.anchors,
            original_len: saturate(self.at),
        }
    }
}

fn saturate(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

/// Everything but the look-alike letters.
fn perceive(original: &str) -> Canonical {
    let mut out = Builder::with_capacity(original.len());
    let mut rest = original;
    while let Some(first) = rest.chars().next() {
        if first.is_ascii() {
            let run = rest.bytes().take_while(u8::is_ascii).count();
            // The last one may carry accents that follow; alone it is a cluster like any other.
            let plain = if run < rest.len() { run - 1 } else { run };
            let (same, tail) = rest.split_at(plain);
            out.copy(same);
            rest = tail;
            if rest.is_empty() {
                break;
            }
        }
        let (length, reading) = match hidden::read(rest) {
            Some((length, said)) => (length, Some(said)),
            None => {
                let length = cluster(rest);
                (length, read_cluster(rest.get(..length).unwrap_or(rest)))
            }
        };
        let (head, tail) = rest.split_at(length);
        match reading {
            Some(text) => out.replace(length, &text),
            None => out.copy(head),
        }
        rest = tail;
    }
    out.finish()
}

/// Bytes of the character at the start of `text` with all that attaches to it. At least one
/// character, so that the caller always advances.
fn cluster(text: &str) -> usize {
    let mut chars = text.char_indices();
    let mut previous = chars.next().map(|(_, first)| first);
    let end = chars.find(|&(at, next)| {
        // Asked once per run of selectors, not at each of them, or a long run costs its square.
        let carrier = hidden::is_selector(next)
            && !previous.is_some_and(hidden::is_selector)
            && hidden::read(text.get(at..).unwrap_or_default()).is_some();
        previous = Some(next);
        carrier || !attaches(next)
    });
    end.map_or(text.len(), |(at, _)| at)
}

/// Normalisation may join `letter` to the character before it, or it is invisible.
fn attaches(letter: char) -> bool {
    if is_settled(letter) {
        return false;
    }
    if hidden::is_invisible(letter) {
        return true;
    }
    let mut first = None;
    decompose_compatible(letter, |part| {
        first.get_or_insert(part);
    });
    let first = first.unwrap_or(letter);
    canonical_combining_class(first) != 0
        || is_nfkc_quick(std::iter::once(first)) == IsNormalized::Maybe
}

/// The most frequent letters that normalisation never touches, without asking its tables.
fn is_settled(letter: char) -> bool {
    matches!(letter,
        '\0'..='\x7f' | 'À'..='ı' | 'Ĵ'..='ľ' | 'Ł'..='ň' | 'Ŋ'..='ž' | 'Ѐ'..='ҁ' | 'Ҋ'..='ԯ'
        | 'ぁ'..='ゖ' | 'ァ'..='ヺ' | '一'..='鿿' | '가'..='힣')
}

/// What a reader makes of one cluster; `None` when that is the cluster itself.
fn read_cluster(cluster: &str) -> Option<String> {
    let mut chars = cluster.chars();
    let single = chars.next().filter(|_| chars.next().is_none());
    if single.is_some_and(is_settled) {
        return None;
    }
    let marks = cluster
        .chars()
        .filter(|letter| is_generic_mark(*letter))
        .count();
    let strikes = cluster.chars().any(is_overlay);
    let hides = cluster.chars().any(hidden::is_invisible);
    if marks <= MAX_MARKS && !strikes && !hides {
        if is_nfkc_quick(cluster.chars()) == IsNormalized::Yes {
            return None;
        }
        let text: String = cluster.nfkc().collect();
        return (text != cluster).then_some(text);
    }
    let keep_marks = marks <= MAX_MARKS;
    let text = cluster
        .chars()
        .filter(|letter| !hidden::is_invisible(*letter) && !is_overlay(*letter))
        .nfkd()
        .filter(|letter| keep_marks || !is_generic_mark(*letter))
        .nfc()
        .collect();
    Some(text)
}

/// Accents on one letter that still mean something; Vietnamese needs two. A higher pile is
/// decoration over the letters that a model still reads, so the whole pile goes.
const MAX_MARKS: usize = 2;

/// Accents that fit any letter: the material of piled-up ("zalgo") text.
fn is_generic_mark(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Strokes through and frames around a letter, which leave it readable.
fn is_overlay(letter: char) -> bool {
    matches!(letter, '\u{334}'..='\u{338}' | '\u{20d0}'..='\u{20f0}')
}

#[cfg(test)]
mod tests;
