//! Finds listed words in a text: all of them in one pass, at the beginnings of words only.
//!
//! Signatures say `\b` before a word that begins with a letter, so what stands inside other words
//! is no hit.

use std::collections::BTreeMap;

use crate::trie::{Ending, Stop, Trie};

/// The listed words.
pub struct Finder {
    words: Trie,
    /// What is reported for each word of the trie.
    numbers: Vec<Vec<usize>>,
    /// How a byte counts: inside a word, or a mark that begins a listed word.
    classes: [Class; 256],
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
        let mut classes = [OTHER; 256];
        for (byte, class) in (0u8..=255).zip(&mut classes) {
            if is_word(byte) {
                *class = WORD;
            }
        }
        let mut known: BTreeMap<(String, bool), Vec<usize>> = BTreeMap::new();
        for (written, numbers) in words {
            let stem = written.strip_suffix('|').unwrap_or(written);
            let lower = stem.to_ascii_lowercase();
            let bytes = lower.as_bytes();
            let first = bytes.first().copied().unwrap_or(b' ');
            let beginning = bytes.iter().take_while(|byte| is_word(**byte)).count();
            let closed = written.len() > stem.len();
            let whole = closed || beginning < bytes.len();
            if first == b' ' || (is_word(first) && beginning < LEAST && !whole) {
                return Err(format!("{written:?} can't be looked for: it is too short"));
            }
            if !is_word(first)
                && let Some(class) = classes.get_mut(usize::from(first))
            {
                *class = MARK;
            }
            // After a mark there is no boundary that a letter could take away.
            let closed = closed && bytes.last().is_some_and(|last| is_word(*last));
            known.entry((lower, closed)).or_default().extend(numbers);
        }
        let (words, numbers): (Vec<_>, Vec<_>) = known.into_iter().unzip();
        let numbered = words.into_iter().zip(0..);
        let words =
            Trie::new(numbered.map(|((word, closed), number)| (word, Ending::of(closed), number)))?;
        Ok(Self {
            words,
            numbers,
            classes,
        })
    }

    /// Calls `found` with the number of each listed word in `text` and the byte after it, in the
    /// order in which they begin.
    pub fn find(&self, text: &str, mut found: impl FnMut(usize, usize)) {
        let text = text.to_ascii_lowercase();
        let bytes = text.as_bytes();
        let is = |byte: &u8, class| self.classes.get(usize::from(*byte)) == Some(&class);
        let mut at = 0;
        while let Some(rest) = bytes.get(at..) {
            let Some(gap) = rest.iter().position(|byte| !is(byte, OTHER)) else {
                break;
            };
            at += gap;
            if let Some(first) = self.words.first(bytes, at, bytes.len()) {
                self.take(first, bytes, &mut found);
            }
            let rest = rest.get(gap..).unwrap_or_default();
            let length = rest.iter().position(|byte| !is(byte, WORD));
            at += length.unwrap_or(rest.len()).max(1);
        }
    }

    // Apart from the loop, which stays small without it.
    #[inline(never)]
    fn take(&self, first: Stop, text: &[u8], found: &mut impl FnMut(usize, usize)) {
        let take = &mut |ending, number, end| {
            let open = text.get(end).is_some_and(|byte| is_word(*byte));
            if ending == Ending::Closed && open {
                return;
            }
            let numbers = self.numbers.get(number as usize);
            let numbers = numbers.into_iter().flatten();
            numbers.for_each(|number| found(*number, end));
        };
        self.words.walk(first, text, text.len(), &joints, take);
    }
}

/// Letters of a stem that is looked for; a shorter one would be met everywhere.
const LEAST: usize = 3;
/// Bytes between the parts of a listed word.
const MAX_JOINT: usize = 64;

/// What a signature allows between the parts of a listed word.
fn joints(rest: &[u8]) -> usize {
    let joins = |byte: &&u8| {
        matches!(
            **byte,
            b' ' | b'\t' | b'\r' | b'\n' | b'*' | b'_' | b'"' | b'\'' | b'-'
        )
    };
    rest.iter().take(MAX_JOINT).take_while(joins).count()
}

/// What `\b` of a regular expression without Unicode counts as part of a word.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
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
    fn a_word_that_begins_too_short_is_refused() {
        let words = [("ab".to_owned(), vec![0])].into();
        assert!(Finder::new(&words).is_err());
    }
}
