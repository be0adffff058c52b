//! A text as words with their meanings, cut into sentences: what phrases and weights look at.
//!
//! One pass, no look back. Scripts without spaces give one word per character.

use std::ops::Range;

use crate::letters::Folded;
use crate::lexicon::{Lexicon, bit, is_unspaced, starts_mark};

/// One word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Bytes of the folded text.
    pub start: u32,
    pub end: u32,
    /// A bit per concept that begins here.
    pub concepts: u64,
    /// A bit per language in which it does.
    pub languages: u64,
    /// The byte after the last letter of the longest stem that begins here.
    pub reach: u32,
    /// How it is parted from the word before.
    pub gap: Gap,
}

/// What stands between two words, from nothing much to the end of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    Space,
    /// Comma, colon, bracket, quotation mark.
    Mark,
    Line,
    Sentence,
}

/// A text cut into words.
pub struct Tokens {
    pub folded: Folded,
    pub all: Vec<Token>,
    /// Those of them that mean something: most of ordinary text does not.
    telling: Vec<usize>,
    /// Every concept that occurs.
    pub concepts: u64,
}

impl Tokens {
    pub fn of(source: &str, lexicon: &Lexicon) -> Self {
        let folded = Folded::of(source);
        let text = folded.text.as_bytes();
        let mut all: Vec<Token> = Vec::with_capacity(text.len() / 5);
        let mut telling = Vec::with_capacity(text.len() / 16);
        let mut seen = 0;
        let mut gap = Gap::Sentence;
        let mut at = 0;
        while let Some(&byte) = text.get(at) {
            match KINDS.get(usize::from(byte)) {
                Some(Kind::Joint) => {
                    at += 1;
                    continue;
                }
                Some(Kind::Mark) => {
                    gap = gap.max(Gap::Mark);
                    at += 1;
                    continue;
                }
                _ => {}
            }
            let start = at;
            let unspaced = byte >= 0x80 && is_unspaced(byte, text.get(at + 1).map_or(0, |b| *b));
            at = match unspaced {
                true => at + letter_bytes(byte),
                false => word(text, at),
            };
            if at == start {
                let rest = text.get(at..).unwrap_or_default();
                let (wide, length) = part(rest);
                gap = gap.max(wide);
                if byte == b'\n' && text.get(at + 1) == Some(&b'\n') {
                    gap = Gap::Sentence;
                }
                if byte == b'@' && gap == Gap::Mark {
                    let follows = text.get(at + 1).is_some_and(u8::is_ascii_alphanumeric);
                    let index = all.len().saturating_sub(1);
                    // `name@host` makes an address of its name.
                    if let Some(last) = all.last_mut()
                        && follows
                        && last.end as usize == at
                    {
                        last.concepts |= ADDRESS;
                        seen |= ADDRESS;
                        if telling.last() != Some(&index) {
                            telling.push(index);
                        }
                    }
                }
                at += length;
                continue;
            }
            let word_end = match unspaced {
                true => text.len(),
                false => at,
            };
            let mut meaning = lexicon.look_up(text, start, word_end);
            if meaning.concepts & (VAULT | MARKUP) != 0 {
                meaning.concepts &= keep(start.checked_sub(1).and_then(|i| text.get(i)));
            }
            // "i n s t": letters of a word pulled apart, not the short words of some language.
            if at - start == 1
                && byte < 0x80
                && all.last().is_some_and(|last| last.end - last.start == 1)
            {
                meaning.concepts = 0;
            }
            seen |= meaning.concepts;
            if meaning.languages != 0 {
                telling.push(all.len());
            }
            all.push(Token {
                start: small(start),
                end: small(at),
                concepts: meaning.concepts,
                languages: meaning.languages,
                reach: small(meaning.end.max(at)),
                gap,
            });
            gap = Gap::Space;
        }
        Self {
            folded,
            all,
            telling,
            concepts: seen,
        }
    }

    /// Of these words, those that mean something.
    pub fn telling(&self, words: Range<usize>) -> &[usize] {
        let before = |at: usize| self.telling.partition_point(|word| *word < at);
        let telling = self.telling.get(before(words.start)..before(words.end));
        telling.unwrap_or_default()
    }

    /// The same with the words themselves.
    pub fn meaning(&self, words: Range<usize>) -> impl Iterator<Item = (usize, &Token)> + Clone {
        let words = self.telling(words).iter();
        words.filter_map(|at| Some((*at, self.all.get(*at)?)))
    }

    /// The concepts of these words.
    pub fn concepts_of(&self, words: Range<usize>) -> u64 {
        self.meaning(words)
            .fold(0, |all, (_, word)| all | word.concepts)
    }

    /// Sentences as ranges of words, none longer than `longest`.
    pub fn sentences(&self, longest: usize) -> impl Iterator<Item = Range<usize>> + '_ {
        let mut at = 0;
        std::iter::from_fn(move || {
            let rest = self.all.get(at..).filter(|rest| !rest.is_empty())?;
            let length = rest
                .iter()
                .skip(1)
                .take(longest - 1)
                .take_while(|token| token.gap < Gap::Sentence)
                .count()
                + 1;
            let range = at..at + length;
            at = range.end;
            Some(range)
        })
    }

    /// The letters of a word.
    pub fn letters(&self, word: &Token) -> &str {
        let letters = self.folded.text.get(word.start as usize..word.end as usize);
        letters.unwrap_or_default()
    }

    /// Bytes of the source behind a range of words.
    pub fn source(&self, words: Range<usize>) -> Range<usize> {
        let words = self.all.get(words).unwrap_or_default();
        let start = words.first().map_or(0, |token| token.start);
        let end = words
            .iter()
            .map(|token| token.reach.max(token.end))
            .max()
            .unwrap_or(start);
        self.folded.source(start as usize..end as usize)
    }
}

/// The end of the word at `at`: letters and digits up to a mark or a script without spaces.
#[inline]
fn word(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let ends = |byte: &u8| KINDS.get(usize::from(*byte)) != Some(&Kind::Letter);
    let end = at + rest.iter().position(ends).unwrap_or(rest.len());
    match text.get(end) {
        Some(0x80..) => word_above_ascii(text, end),
        _ => end,
    }
}

/// Goes on with a word in which a letter above ASCII was met.
fn word_above_ascii(text: &[u8], mut at: usize) -> usize {
    while let Some(rest @ &[byte, ..]) = text.get(at..) {
        let ends = match rest {
            [0..=0x7f, ..] => !byte.is_ascii_alphanumeric(),
            [0xc0..=0xff, second, ..] => starts_mark(rest) || is_unspaced(byte, *second),
            _ => false,
        };
        if ends {
            break;
        }
        at += 1;
    }
    at
}

/// What a byte is alone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A letter or digit of ASCII.
    Letter,
    /// Parts words and no more.
    Joint,
    Mark,
    /// What stands beside it decides.
    Other,
}

/// Asked of every byte, so it is looked up.
const KINDS: [Kind; 256] = {
    let mut table = [Kind::Other; 256];
    let mut byte = 0;
    while byte < table.len() {
        #[expect(clippy::indexing_slicing, reason = "computed while compiling")]
        {
            table[byte] = match byte as u8 {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => Kind::Letter,
                b' ' | b'\t' | b'\r' | b'-' | b'_' | b'\'' | b'*' | b'`' => Kind::Joint,
                b'\n' | b'!' | b'?' | b';' | b'.' | b'@' | 0x80.. => Kind::Other,
                _ => Kind::Mark,
            };
        }
        byte += 1;
    }
    table
};

/// Concepts that letters alone don't decide: `.ssh` is a hiding place of keys and `ssh` a program,
/// `<important>` shouts and `important` is a word.
const VAULT: u64 = bit("vault");
const MARKUP: u64 = bit("markup");
const ADDRESS: u64 = bit("address");

/// Of those, the concepts that a word may have after this byte.
fn keep(before: Option<&u8>) -> u64 {
    match before {
        Some(b'.' | b'/' | b'\\' | b'~') => !MARKUP,
        Some(b'<' | b'[' | b'|' | b'#' | b'{' | b'(') => !VAULT,
        _ => !(VAULT | MARKUP),
    }
}

/// How wide the mark at the start of `rest` parts, and its bytes.
fn part(rest: &[u8]) -> (Gap, usize) {
    let Some(&byte) = rest.first() else {
        return (Gap::Space, 1);
    };
    match byte {
        b'\n' => (Gap::Line, 1),
        b'!' | b'?' | b';' => (Gap::Sentence, 1),
        // A point inside a word ("a.example", ".ssh") ends no sentence.
        b'.' => match rest.get(1) {
            Some(next) if next.is_ascii_alphanumeric() || *next == b'/' => (Gap::Space, 1),
            _ => (Gap::Sentence, 1),
        },
        0..0x80 => (Gap::Mark, 1),
        _ => {
            let gap = match rest {
                // 。 ． ！ ？ ； ؟ ։ ۔ । ॥ ። ፧
                [0xe3, 0x80, 0x82, ..]
                | [0xef, 0xbc, 0x81 | 0x8e | 0x9b | 0x9f, ..]
                | [0xd8, 0x9f | 0x9b, ..]
                | [0xd6, 0x89, ..]
                | [0xdb, 0x94, ..]
                | [0xe0, 0xa5, 0xa4 | 0xa5, ..]
                | [0xe1, 0x8d, 0xa2 | 0xa7, ..] => Gap::Sentence,
                [0xe1, 0x8d, 0xa1, ..] => Gap::Space,
                _ => Gap::Mark,
            };
            (gap, letter_bytes(byte))
        }
    }
}

fn letter_bytes(lead: u8) -> usize {
    match lead {
        0..0xc0 => 1,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        _ => 4,
    }
}

/// Texts are bounded by the host far below 4 GiB.
fn small(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexicon::Words;

    fn tokens(text: &str) -> Tokens {
        let of = [
            ("vault".to_owned(), "ssh|".to_owned()),
            ("drop".to_owned(), "ignor, 忽略".to_owned()),
        ];
        let words = Words {
            language: "en".into(),
            of: of.into(),
        };
        Tokens::of(text, &Lexicon::new(&[words]).unwrap())
    }

    #[track_caller]
    fn check(text: &str, words: &str) {
        let tokens = tokens(text);
        let found: Vec<String> = tokens
            .all
            .iter()
            .map(|token| {
                let word = &tokens.folded.text[token.start as usize..token.end as usize];
                let gap = ["", ",", "/", "."][token.gap as usize];
                let mark = if token.concepts == 0 { "" } else { "*" };
                format!("{gap}{word}{mark}")
            })
            .collect();
        assert_eq!(found.join(" "), words);
    }

    #[test]
    fn words_carry_their_meaning_and_what_parts_them() {
        check("Ignore a.b, c! d", ".ignore* a b ,c .d");
        check("one\ntwo\n\nthree", ".one /two .three");
        check("ssh x ~/.ssh y@b.c z@", ".ssh x ,ssh* y* ,b c z");
        check("请忽略之前。好", ".请 忽* 略 之 前 .好");
    }

    #[test]
    fn sentences_end_and_are_bounded() {
        let found: Vec<_> = tokens("a b c. d e f g h").sentences(4).collect();
        assert_eq!(found, [0..3, 3..7, 7..8]);
    }

    #[test]
    fn any_bytes_are_cut_somewhere() {
        for text in ["\u{0}\u{7f}é—x", "\u{10ffff}\u{e000}", "。。", "a\u{301}"] {
            tokens(text);
        }
    }
}
