//! The lexicon: words of many languages by what they mean, so that a rule or a weight learnt in
//! one language holds in all.
//!
//! A word is a stem and takes any ending unless it is closed with `|`. Stems of several words allow
//! any white space or joining mark between them. Nothing here knows what a combination means.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::letters::Folded;
use crate::trie::{Ending, Stop, Trie};

/// What words can mean, in the order of their bits. Weights refer to these numbers, so the list
/// only ever grows at its end.
pub const CONCEPTS: &[&str] = &[
    "drop",
    "prior",
    "every",
    "order",
    "fresh",
    "now",
    "stop",
    "solely",
    "obey",
    "become",
    "you",
    "free",
    "limits",
    "lift",
    "negate",
    "tell",
    "user",
    "covert",
    "show",
    "prompt",
    "system",
    "send",
    "secret",
    "private",
    "place",
    "ai",
    "urgent",
    "must",
    "please",
    "first",
    "tool",
    "file",
    "delete",
    "pay",
    "run",
    "visit",
    "answer",
    "task",
    "unasked",
    "tale",
    "test",
    "remember",
    "grant",
    "me",
    "mode",
    "text",
    "spell",
    "translate",
    "what",
    "evil",
    "talk",
    "address",
    "vault",
    "markup",
    "decode",
    "prefer",
    "told",
    "reader",
    "praise",
    "argument",
    "hush",
];

/// The number of a concept.
pub fn concept(name: &str) -> Option<u8> {
    let at = CONCEPTS.iter().position(|known| *known == name)?;
    u8::try_from(at).ok()
}

/// The bit of a concept; a name that is none stops the compiler.
pub const fn bit(name: &str) -> u64 {
    let mut at = 0;
    #[expect(clippy::indexing_slicing, reason = "computed while compiling")]
    while !is_same(CONCEPTS[at].as_bytes(), name.as_bytes()) {
        at += 1;
    }
    1 << at
}

#[expect(clippy::indexing_slicing, reason = "computed while compiling")]
const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// One language's words, as they are written: by concept, separated by commas.
#[derive(Debug, Deserialize)]
pub struct Words {
    pub language: String,
    #[serde(flatten)]
    pub of: BTreeMap<String, String>,
}

/// All stems, found by how they begin.
pub struct Lexicon {
    /// Names of the languages, in the order of their bits.
    languages: Vec<String>,
    stems: Trie,
    /// What stems mean: the trie's values. Many mean the same.
    meant: Vec<Meant>,
}

/// What a stem means in which languages.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Meant {
    concepts: u64,
    languages: u64,
    /// Its last letter is of a script without spaces, where nothing ends a word.
    unspaced: bool,
}

/// Found at one place: which concepts, in which languages, and the byte after its last letter.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Meaning {
    pub concepts: u64,
    pub languages: u64,
    /// Bytes of the longest stem with its ending; 0 when nothing was found.
    pub end: usize,
}

impl Lexicon {
    /// # Errors
    /// One sentence naming the first word that can't be used.
    pub fn new<'w>(all: impl IntoIterator<Item = &'w Words>) -> Result<Self, String> {
        // English first: where two languages explain a passage equally well, it is the likelier.
        let mut languages: Vec<String> = vec!["en".to_owned()];
        let mut known: BTreeMap<(String, bool), (u64, u64)> = BTreeMap::new();
        for words in all {
            let language = match languages.iter().position(|name| *name == words.language) {
                Some(index) => index,
                None => {
                    languages.push(words.language.clone());
                    languages.len() - 1
                }
            };
            if language >= 64 {
                return Err("more than 64 languages".into());
            }
            for (name, list) in &words.of {
                let bit = concept(name)
                    .ok_or_else(|| format!("{}: no concept {name:?}", words.language))?;
                for word in list
                    .split(',')
                    .map(str::trim)
                    .filter(|word| !word.is_empty())
                {
                    let stem = Folded::of(word.trim_end_matches('|')).text;
                    let stem = stem.replace(['\'', '-', '_'], " ");
                    let closed = word.ends_with('|');
                    if stem.is_empty() || (!closed && is_short(stem.as_bytes())) {
                        return Err(format!(
                            "{}: {word:?} is too short for an open stem",
                            words.language
                        ));
                    }
                    // Where nothing ends a word nothing has to.
                    let closed = closed && !unspaced_at_end(&stem);
                    let entry = known.entry((stem, closed)).or_default();
                    entry.0 |= 1 << bit;
                    entry.1 |= match words.language.as_str() {
                        ANY => u64::MAX,
                        _ => 1 << language,
                    };
                }
            }
        }
        let mut meant = Vec::new();
        let mut numbers = BTreeMap::new();
        let stems = Trie::new(known.into_iter().map(|((stem, closed), meaning)| {
            let meaning = Meant {
                concepts: meaning.0,
                languages: meaning.1,
                unspaced: unspaced_at_end(&stem),
            };
            let number = *numbers.entry(meaning).or_insert_with(|| {
                meant.push(meaning);
                meant.len() as u32 - 1
            });
            (stem, Ending::of(closed), number)
        }))?;
        Ok(Self {
            languages,
            stems,
            meant,
        })
    }

    /// What begins at `at`; a word runs to `word_end`, within which the first part of a stem lies.
    #[inline]
    pub fn look_up(&self, text: &[u8], at: usize, word_end: usize) -> Meaning {
        match self.stems.first(text, at, word_end) {
            Some(first) => self.meaning(first, text, word_end),
            None => Meaning::default(),
        }
    }

    // Apart, because most words mean nothing.
    #[inline(never)]
    fn meaning(&self, first: Stop, text: &[u8], word_end: usize) -> Meaning {
        let mut meaning = Meaning::default();
        let take = &mut |ending, number, end| {
            if let Some(meant) = self.meant.get(number as usize)
                && let Some(end) = meant.end(ending, text, end, word_end)
            {
                meaning.concepts |= meant.concepts;
                meaning.languages |= meant.languages;
                meaning.end = meaning.end.max(end);
            }
        };
        self.stems.walk(first, text, word_end, &gap, take);
        meaning
    }

    /// The first language of a set.
    pub fn language(&self, set: u64) -> Option<&str> {
        let bit = usize::try_from(set.trailing_zeros()).ok()?;
        self.languages.get(bit).map(String::as_str)
    }

    /// The bit of a language, 0 when there are no words of it.
    pub fn bit(&self, language: &str) -> u64 {
        let at = self.languages.iter().position(|name| name == language);
        at.map_or(0, |bit| 1 << bit)
    }
}

impl Meant {
    /// The end of the word whose stem ends at `here`, if the stem may end there. The word that the
    /// stem begins with ends at `word_end`.
    #[inline]
    fn end(&self, ending: Ending, text: &[u8], mut here: usize, word_end: usize) -> Option<usize> {
        if self.unspaced {
            return Some(here);
        }
        if ending == Ending::Open
            && here <= word_end
            && text.get(word_end).is_some_and(u8::is_ascii)
        {
            return Some(word_end);
        }
        let rest = text.get(here..)?;
        if ending == Ending::Closed {
            let goes_on = rest.first().is_some_and(|byte| is_word_byte(*byte));
            return (!goes_on || starts_mark(rest)).then_some(here);
        }
        here += rest
            .iter()
            .take(MAX_ENDING)
            .take_while(|byte| is_word_byte(**byte))
            .count();
        // Never inside a character.
        while text.get(here).is_some_and(|byte| byte & 0xc0 == 0x80) {
            here += 1;
        }
        Some(here)
    }
}

/// The name of what is the same in every language.
const ANY: &str = "any";
/// Bytes between two words of one stem.
const MAX_GAP: usize = 4;
/// Bytes of an ending.
const MAX_ENDING: usize = 24;

/// What stands between two words of one stem.
fn gap(rest: &[u8]) -> usize {
    let joins = |byte: &&u8| {
        matches!(
            **byte,
            b' ' | b'\t' | b'\r' | b'\n' | b'_' | b'*' | b'-' | b'"' | b'\'' | b'`'
        )
    };
    rest.iter().take(MAX_GAP).take_while(joins).count()
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

/// Punctuation above ASCII: general, CJK and full width, Arabic, Armenian, Ethiopic, danda; and
/// symbols and emoji, which part words as well.
pub fn starts_mark(rest: &[u8]) -> bool {
    matches!(
        rest,
        [0xe2, 0x80..=0xaf, ..]
            | [0xf0, 0x9f, ..]
            | [0xe3, 0x80, 0x80..=0xbf, ..]
            | [0xef, 0xbc | 0xbd, ..]
            | [0xd8, 0x8c | 0x9b | 0x9f, ..]
            | [0xdb, 0x94, ..]
            | [0xe0, 0xa5, 0xa4 | 0xa5, ..]
            | [0xe1, 0x8d, 0xa1..=0xa8, ..]
            | [0xc2, 0x80..=0xbf, ..]
            | [0xd6, 0x89 | 0x8a | 0xbe, ..]
            | [0xd5, 0x9a | 0x9d | 0x9f, ..]
    )
}

/// Scripts written without spaces between words: Han, kana, Thai, Lao, Khmer, Burmese.
pub fn is_unspaced(lead: u8, second: u8) -> bool {
    matches!(
        (lead, second),
        (0xe3, 0x81..=0x83 | 0x90..=0xbf)
            | (0xe4..=0xe9, _)
            | (0xe0, 0xb8..=0xbb)
            | (0xe1, 0x80..=0x82 | 0x9e | 0x9f)
    )
}

fn unspaced_at_start(text: &[u8]) -> bool {
    matches!(text, [lead, second, ..] if is_unspaced(*lead, *second))
}

fn unspaced_at_end(text: &str) -> bool {
    let last = text.chars().next_back().map_or(0, char::len_utf8);
    match text.as_bytes().get(text.len() - last..) {
        Some([lead, second, ..]) => is_unspaced(*lead, *second),
        _ => false,
    }
}

/// Too short for a stem that takes any ending: fewer than three letters of ASCII or two others, and
/// nothing after them.
fn is_short(stem: &[u8]) -> bool {
    let least = match stem.first() {
        None | Some(0..0x80) => 3,
        Some(_) if unspaced_at_start(stem) => 3,
        Some(0x80..0xe0) => 4,
        Some(0xe0..0xf0) => 6,
        Some(_) => 8,
    };
    stem.len() < least && !stem.contains(&b' ')
}

#[cfg(test)]
mod tests;
