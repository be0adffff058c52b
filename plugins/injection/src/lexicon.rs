//! The lexicon: words of many languages by what they mean, so that a rule or a weight learnt in
//! one language holds in all.
//!
//! A word is a stem and takes any ending unless it is closed with `|`. Stems of several words allow
//! any white space or joining mark between them. Nothing here knows what a combination means.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::letters::Folded;

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

/// One stem, and what it means in which languages.
struct Stem {
    /// Its first eight letters up to the first space, and which bits of them it has: nearly every
    /// other word differs here.
    head: u64,
    mask: u64,
    /// Its letters in [`Lexicon::letters`].
    start: u32,
    end: u32,
    /// Its last letter is of a script without spaces, where nothing ends a word.
    unspaced: bool,
    /// Nothing may follow in the same word.
    closed: bool,
    concepts: u64,
    languages: u64,
}

/// All stems, found by how they begin.
pub struct Lexicon {
    /// Names of the languages, in the order of their bits.
    languages: Vec<String>,
    stems: Vec<Stem>,
    /// The letters of all stems, one after the other, as they are compared.
    letters: Vec<u8>,
    /// Ranges of `stems` by hashed beginning.
    buckets: Vec<(u32, u32)>,
    /// A bit per bucket that is not empty: most words of most texts end here.
    filled: Vec<u64>,
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
                    let closed = word.ends_with('|');
                    let stem = Folded::of(word.trim_end_matches('|')).text;
                    let stem = stem.replace(['\'', '-', '_'], " ");
                    if key_of(stem.as_bytes(), stem.len(), closed).is_none() {
                        return Err(format!(
                            "{}: {word:?} is too short for an open stem",
                            words.language
                        ));
                    }
                    let entry = known.entry((stem, closed)).or_default();
                    entry.0 |= 1 << bit;
                    entry.1 |= match words.language.as_str() {
                        ANY => u64::MAX,
                        _ => 1 << language,
                    };
                }
            }
        }
        let mut keyed: Vec<_> = known
            .into_iter()
            .filter_map(|((text, closed), meaning)| {
                let key = key_of(text.as_bytes(), text.len(), closed)?;
                Some((key, text, closed, meaning))
            })
            .collect();
        keyed.sort();
        let mut lexicon = Self {
            languages,
            stems: Vec::with_capacity(keyed.len()),
            letters: Vec::new(),
            buckets: vec![(0, 0); BUCKETS],
            filled: vec![0; BUCKETS / 64],
        };
        for (key, text, closed, (concepts, languages)) in keyed {
            let number = |count: usize| u32::try_from(count).map_err(|_| "too many words");
            let index = number(lexicon.stems.len())?;
            let start = number(lexicon.letters.len())?;
            lexicon.letters.extend(text.bytes());
            let (head, mask) = head_of(text.as_bytes());
            lexicon.stems.push(Stem {
                head,
                mask,
                start,
                end: number(lexicon.letters.len())?,
                unspaced: unspaced_at_end(&text),
                closed,
                concepts,
                languages,
            });
            if let (Some(bucket), Some(bits)) = (
                lexicon.buckets.get_mut(key),
                lexicon.filled.get_mut(key / 64),
            ) {
                if bucket.1 == 0 {
                    bucket.0 = index;
                }
                bucket.1 = index + 1;
                *bits |= 1 << (key % 64);
            }
        }
        Ok(lexicon)
    }

    /// What begins at `at`; a word runs to `word_end`, which is also where a script without spaces
    /// ends the sentence.
    #[inline]
    pub fn look_up(&self, text: &[u8], at: usize, word_end: usize) -> Meaning {
        let head = head(text, at);
        let mut meaning = Meaning::default();
        if head & 0x80 == 0 {
            let length = word_end.saturating_sub(at);
            let few = if length < 3 { 8 * length } else { 24 };
            self.look_into(mix(head & low(few), 0), head, text, at, &mut meaning);
            if length >= 5 {
                self.look_into(mix(head & low(40), 0), head, text, at, &mut meaning);
            }
            return meaning;
        }
        for key in keys(text.get(at..word_end).unwrap_or_default()) {
            self.look_into(key, head, text, at, &mut meaning);
        }
        meaning
    }

    /// Adds what the stems of one bucket mean at `at`.
    #[inline]
    fn look_into(&self, key: usize, head: u64, text: &[u8], at: usize, meaning: &mut Meaning) {
        let filled = self.filled.get(key / 64);
        if filled.is_none_or(|bits| bits >> (key % 64) & 1 == 0) {
            return;
        }
        let (start, end) = self.buckets.get(key).copied().unwrap_or_default();
        let stems = self.stems.get(start as usize..end as usize);
        for stem in stems.unwrap_or_default() {
            if (head ^ stem.head) & stem.mask != 0 {
                continue;
            }
            let letters = self.letters.get(stem.start as usize..stem.end as usize);
            if let Some(end) = stem.matches(letters.unwrap_or_default(), text, at) {
                meaning.concepts |= stem.concepts;
                meaning.languages |= stem.languages;
                meaning.end = meaning.end.max(end);
            }
        }
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

impl Stem {
    /// The end of the match that begins at `at`.
    #[inline]
    fn matches(&self, letters: &[u8], text: &[u8], at: usize) -> Option<usize> {
        // The head was compared before.
        let known = (self.mask.count_ones() / 8) as usize;
        let mut here = at + known;
        for &letter in letters.get(known..)? {
            if letter == b' ' {
                let gap = text
                    .get(here..)?
                    .iter()
                    .take(MAX_GAP)
                    .take_while(|byte| joins(**byte))
                    .count();
                if gap == 0 {
                    return None;
                }
                here += gap;
            } else {
                if *text.get(here)? != letter {
                    return None;
                }
                here += 1;
            }
        }
        if !self.unspaced {
            let rest = text.get(here..)?;
            if self.closed {
                if rest.first().is_some_and(|byte| is_word_byte(*byte)) && !starts_mark(rest) {
                    return None;
                }
            } else {
                here += rest
                    .iter()
                    .take(MAX_ENDING)
                    .take_while(|byte| is_word_byte(**byte))
                    .count();
                // Never inside a character.
                while here < text.len() && text.get(here).is_some_and(|byte| byte & 0xc0 == 0x80) {
                    here += 1;
                }
            }
        }
        Some(here)
    }
}

/// The name of what is the same in every language.
const ANY: &str = "any";
/// A power of two; more than twice as many as there are beginnings.
const BUCKETS: usize = 1 << 15;
/// Bytes between two words of one stem.
const MAX_GAP: usize = 4;
/// Bytes of an ending.
const MAX_ENDING: usize = 24;

fn joins(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t' | b'\r' | b'\n' | b'_' | b'*' | b'-' | b'"' | b'\'' | b'`'
    )
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

/// The bucket of a stem: hashed from as many of its first letters as it surely has. Only a closed
/// stem may be shorter than the fewest.
fn key_of(text: &[u8], first_word: usize, closed: bool) -> Option<usize> {
    let word_end = text
        .iter()
        .take(first_word)
        .position(|byte| *byte == b' ')
        .unwrap_or(first_word);
    let word = text.get(..word_end)?;
    let whole = closed || word_end < text.len() || unspaced_at_start(word);
    let [short, few, many] = keys(word);
    match (many < BUCKETS, few < BUCKETS, whole) {
        (true, _, _) => Some(many),
        (false, true, _) => Some(few),
        (false, false, true) => Some(short),
        (false, false, false) => None,
    }
}

/// The buckets of a word: that of words this short, that of its first few letters, and that of
/// somewhat more; what a word has none of is no bucket.
fn keys(word: &[u8]) -> [usize; 3] {
    let Some(&lead) = word.first() else {
        return [NONE; 3];
    };
    let (few, many) = match lead {
        0..0x80 => (3, 5),
        0x80..0xe0 => (4, 8),
        0xe0..0xf0 if unspaced_at_start(word) => (3, 6),
        0xe0..0xf0 => (6, 12),
        _ => (8, 16),
    };
    match (word.get(..few), word.get(..many)) {
        (Some(few), Some(many)) => [NONE, hash(few), hash(many)],
        (Some(few), None) => [NONE, hash(few), NONE],
        _ => [hash(word), NONE, NONE],
    }
}

/// The lowest bits.
#[inline]
fn low(bits: usize) -> u64 {
    (1 << bits) - 1
}

/// No bucket.
const NONE: usize = usize::MAX;

/// At most sixteen bytes.
fn hash(bytes: &[u8]) -> usize {
    mix(head(bytes, 0), head(bytes, 8))
}

#[inline]
fn mix(low: u64, high: u64) -> usize {
    let mixed = (low ^ high.rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 40) as usize & (BUCKETS - 1)
}

/// Eight bytes from `at` on, the first one lowest, with zeros after the end.
#[inline]
pub fn head(text: &[u8], at: usize) -> u64 {
    let rest = text.get(at..).unwrap_or_default();
    match rest.first_chunk::<8>() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => rest
            .iter()
            .rev()
            .fold(0, |head, byte| head << 8 | u64::from(*byte)),
    }
}

/// What a stem's first letters are compared with. After a space anything may follow.
fn head_of(stem: &[u8]) -> (u64, u64) {
    let length = stem
        .iter()
        .take(8)
        .position(|byte| *byte == b' ')
        .unwrap_or(stem.len().min(8));
    let mask = match length {
        8 => u64::MAX,
        _ => (1 << (8 * length)) - 1,
    };
    (head(stem, 0) & mask, mask)
}

#[cfg(test)]
mod tests;
