//! Finds listed words in a text: all of them in one pass, at the beginnings of words only.
//!
//! Signatures say `\b` before a word that begins with a letter, so what stands inside other words
//! is no hit. Nearly every word of ordinary text is dismissed by its first three letters.

use std::collections::BTreeMap;

use crate::lexicon::head;

/// The listed words, by how they begin.
pub struct Finder {
    words: Vec<Word>,
    /// Letters of all words in lower case, one after the other.
    letters: Vec<u8>,
    /// Ranges of `words` by beginning.
    buckets: Vec<(u32, u32)>,
    /// A bit per bucket that is not empty.
    filled: [u64; BUCKETS / 64],
    /// How a byte counts: inside a word, or a mark that begins a listed word.
    classes: [Class; 256],
}

/// One listed word.
struct Word {
    /// Its first letters up to the first space, and which bits of them it has.
    head: u64,
    mask: u64,
    /// Its letters in [`Finder::letters`]; a space stands for any that joins words.
    start: usize,
    end: usize,
    /// No letter may follow.
    closed: bool,
    /// What is reported.
    number: usize,
}

/// What a byte is.
type Class = u8;
const OTHER: Class = 0;
const WORD: Class = 1;
const MARK: Class = 2;

impl Finder {
    /// `words` are written as in the artifact, each with the numbers to report for it.
    ///
    /// # Errors
    /// One sentence naming the first word that can't be looked for.
    pub fn new(words: &BTreeMap<String, Vec<usize>>) -> Result<Self, String> {
        let mut finder = Self {
            words: Vec::new(),
            letters: Vec::new(),
            buckets: vec![(0, 0); BUCKETS],
            filled: [0; BUCKETS / 64],
            classes: [OTHER; 256],
        };
        for (byte, class) in (0u8..=255).zip(&mut finder.classes) {
            if is_word(byte) {
                *class = WORD;
            }
        }
        let mut keyed = Vec::new();
        for (written, numbers) in words {
            let stem = written.strip_suffix('|').unwrap_or(written);
            let lower = stem.to_ascii_lowercase();
            let bytes = lower.as_bytes();
            let first = bytes.first().copied().unwrap_or(b' ');
            let beginning = bytes.iter().take_while(|byte| is_word(**byte)).count();
            let whole = written.len() > stem.len() || beginning < bytes.len();
            if first == b' ' || (is_word(first) && beginning < LEAST && !whole) {
                return Err(format!("{written:?} can't be looked for: it is too short"));
            }
            if !is_word(first)
                && let Some(class) = finder.classes.get_mut(usize::from(first))
            {
                *class = MARK;
            }
            let key = key(head(bytes, 0), is_word(first));
            keyed.push((key, lower, written.len() > stem.len(), numbers));
        }
        keyed.sort();
        for (key, lower, closed, numbers) in keyed {
            let start = finder.letters.len();
            finder.letters.extend(lower.bytes());
            let plain = lower.split(' ').next().unwrap_or_default().len().min(8);
            let mask = u64::MAX.checked_shr(64 - 8 * plain as u32).unwrap_or(0);
            for number in numbers {
                let index = u32::try_from(finder.words.len()).unwrap_or(u32::MAX);
                finder.words.push(Word {
                    head: head(lower.as_bytes(), 0) & mask,
                    mask,
                    start,
                    end: finder.letters.len(),
                    closed,
                    number: *number,
                });
                if let Some(bucket) = finder.buckets.get_mut(key) {
                    if bucket.1 == 0 {
                        bucket.0 = index;
                    }
                    bucket.1 = index + 1;
                }
                if let Some(bits) = finder.filled.get_mut(key / 64) {
                    *bits |= 1 << (key % 64);
                }
            }
        }
        Ok(finder)
    }

    /// Calls `found` with the number of each listed word in `text` and the byte after it, in the
    /// order in which they begin.
    pub fn find(&self, text: &str, mut found: impl FnMut(usize, usize)) {
        let bytes = text.as_bytes();
        let is =
            |class: Class| move |byte: &u8| self.classes.get(usize::from(*byte)) == Some(&class);
        let (is_other, is_word) = (is(OTHER), is(WORD));
        let mut at = 0;
        while let Some(rest) = bytes.get(at..) {
            let Some(gap) = rest.iter().position(|byte| !is_other(byte)) else {
                break;
            };
            at += gap;
            let rest = rest.get(gap..).unwrap_or_default();
            let length = rest.iter().position(|byte| !is_word(byte));
            let length = length.unwrap_or(rest.len());
            self.at(bytes, at, length > 0, &mut found);
            at += length.max(1);
        }
    }

    #[inline]
    fn at(&self, text: &[u8], at: usize, is_word: bool, found: &mut impl FnMut(usize, usize)) {
        let head = lower(head(text, at));
        let key = key(head, is_word);
        let filled = self.filled.get(key / 64);
        if filled.is_none_or(|bits| bits >> (key % 64) & 1 == 0) {
            return;
        }
        let (start, end) = self.buckets.get(key).copied().unwrap_or_default();
        let words = self.words.get(start as usize..end as usize);
        for word in words.unwrap_or_default() {
            if (head ^ word.head) & word.mask == 0
                && let Some(letters) = self.letters.get(word.start..word.end)
                && let Some(end) = matches(letters, word.closed, text, at)
            {
                found(word.number, end);
            }
        }
    }
}

/// Letters of a beginning.
const LEAST: usize = 3;
/// A power of two; some sixteen times as many as there are beginnings.
const BUCKETS: usize = 1 << 14;
/// Bytes between the parts of a listed word.
const MAX_JOINT: usize = 64;

/// The end of a listed word that begins at `at`.
fn matches(letters: &[u8], closed: bool, text: &[u8], at: usize) -> Option<usize> {
    let mut here = at;
    for &letter in letters {
        let rest = text.get(here..)?;
        if letter == b' ' {
            let joints = rest.iter().take(MAX_JOINT).take_while(|byte| joins(**byte));
            match joints.count() {
                0 => return None,
                count => here += count,
            }
        } else {
            if rest.first()?.to_ascii_lowercase() != letter {
                return None;
            }
            here += 1;
        }
    }
    let open = text.get(here).is_some_and(|byte| is_word(*byte));
    (!closed || !open || letters.last().is_some_and(|last| !is_word(*last))).then_some(here)
}

/// The bucket of what begins with `head`: three letters of a word, or one mark.
#[inline]
fn key(head: u64, is_word: bool) -> usize {
    let beginning = match is_word {
        false => head & 0xff,
        true => match head.to_le_bytes() {
            [_, second, third, ..] if is_letter(second) && is_letter(third) => head & 0xff_ffff,
            [_, second, ..] if is_letter(second) => head & 0xffff,
            _ => head & 0xff,
        },
    };
    (beginning.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize & (BUCKETS - 1)
}

/// ASCII capitals in lower case, eight bytes at once.
#[inline]
fn lower(head: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let low = head & (0x7f * EACH);
    let from_a = low + (0x80 - u64::from(b'A')) * EACH;
    let past_z = low + (0x7f - u64::from(b'Z')) * EACH;
    head | ((from_a & !past_z & !head & (0x80 * EACH)) >> 2)
}

/// What `\b` of a regular expression without Unicode counts as part of a word.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Not `_`, which also stands between the parts of a listed word.
#[inline]
fn is_letter(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9')
}

/// What a signature allows between the parts of a listed word.
fn joins(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t' | b'\r' | b'\n' | b'*' | b'_' | b'"' | b'\'' | b'-'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, usize)]) {
        let list = [
            "ignor",
            "to me|",
            "@",
            ".ssh",
            "don't tell",
            "api_key",
            "<|x|>",
            "i said",
        ];
        let words = list
            .iter()
            .enumerate()
            .map(|(number, word)| ((*word).to_owned(), vec![number]))
            .collect();
        let mut found = Vec::new();
        let finder = Finder::new(&words).unwrap();
        finder.find(text, |number, end| found.push((list[number], end)));
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn listed_words_are_found_where_words_begin() {
        check("IGNORING signore ignor", &[("ignor", 5), ("ignor", 22)]);
        check("to  _me. to men", &[("to me|", 7)]);
        check("a@b ~/.ssh/x", &[("@", 2), (".ssh", 10)]);
        check(
            "DON'T tell, api_keys",
            &[("don't tell", 10), ("api_key", 19)],
        );
        check("x<|X|>I said", &[("<|x|>", 6), ("i said", 12)]);
        check("é_ignore é ignore", &[("ignor", 18)]);
        check("", &[]);
    }

    #[test]
    fn capitals_are_lowered_and_nothing_else() {
        let all: Vec<u8> = (0..=255).collect();
        for eight in all.chunks(8) {
            let lowered = lower(head(eight, 0)).to_le_bytes();
            assert_eq!(lowered.to_vec(), eight.to_ascii_lowercase());
        }
    }

    #[test]
    fn a_word_that_begins_too_short_is_refused() {
        let words = [("ab".to_owned(), vec![0])].into();
        assert!(Finder::new(&words).is_err());
    }
}
