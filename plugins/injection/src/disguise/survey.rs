//! The cheap look that says which disguises are plausible in a text.
//!
//! Marks are searched many bytes at once, and a run is refuted from its far end, so that most bytes
//! of ordinary text are not looked at one by one.

use std::ops::Range;

use memchr::memchr3_iter;

use super::{codes, encoded, frames, letters, spaced};

/// What a text has that ordinary text has not.
#[derive(Default)]
pub struct Survey {
    /// [`encoded::MIN_RUN`] base64 letters in a row, letters above ASCII among them.
    pub long_run: bool,
    /// A word of [`spaced::MIN_SQUASHED`] ASCII letters and digits.
    pub long_word: bool,
    /// [`frames::MIN_STRETCH`] bytes without white space.
    pub long_stretch: bool,
    pub percents: usize,
    pub entities: usize,
    pub backslashes: usize,
    /// Of the equals signs, those that could be escapes: before two digits of a hexadecimal number
    /// or the end of a line.
    pub equals: usize,
    /// Dots and dashes that stand beside no word, but before another one or a space.
    pub strokes: usize,
    /// Where [`codes::MIN_CODES`] short words or more in a row could be numbers of letters: `69 67`,
    /// `0x69`, `105`.
    pub codes: Vec<Range<usize>>,
    /// Where [`spaced::MIN_INNER`] words of one letter or more stand in a row, in any script.
    pub lone_letters: Vec<Range<usize>>,
    /// Words with both letters and the digits that stand for letters.
    leet_words: usize,
}

impl Survey {
    pub fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let is = |at: usize, classes: Class| class_at(bytes, at) & classes != 0;
        let all = bytes.len();
        let long_run = has_run(all, encoded::MIN_RUN, |at| is(at, WORD | JOINT));
        let mut survey = Self {
            long_run,
            long_word: long_run && has_long_word(bytes),
            long_stretch: has_run(all, frames::MIN_STRETCH, |at| !is(at, SPACE)),
            ..Self::default()
        };
        survey.count_marks(bytes);
        // A row of lone letters has no two letters side by side; all else that words tell has digits.
        let apart = |at: usize| !(is(at, WORD) && is(at + 1, WORD));
        // Not `any`: a whole pass is many bytes at once.
        let digits = bytes
            .iter()
            .fold(false, |found, byte| found | byte.is_ascii_digit());
        let plain = text.is_ascii() && !digits;
        if !plain || has_run(all, 2 * spaced::MIN_INNER - 2, apart) {
            survey.count_words(text);
        }
        survey
    }

    fn count_marks(&mut self, bytes: &[u8]) {
        for at in memchr3_iter(b'%', b'&', b'\\', bytes) {
            match class_at(bytes, at) {
                PERCENT => self.percents += 1,
                AMPERSAND => self.entities += 1,
                _ => self.backslashes += 1,
            }
        }
        for at in memchr3_iter(b'=', b'.', b'-', bytes) {
            let after = bytes.get(at + 1..).unwrap_or_default();
            if class_at(bytes, at) == EQUALS {
                // A number that is assigned has more digits, or fewer.
                let is_escape = match after {
                    [b'\r' | b'\n', ..] => true,
                    [high, low, rest @ ..] => {
                        high.is_ascii_hexdigit()
                            && low.is_ascii_hexdigit()
                            && !rest.first().is_some_and(u8::is_ascii_digit)
                    }
                    _ => false,
                };
                self.equals += usize::from(is_escape);
            } else if matches!(after, [b'.' | b'-' | b' ', ..]) {
                let before = at
                    .checked_sub(1)
                    .map_or(0, |before| class_at(bytes, before));
                self.strokes += usize::from(before & WORD == 0);
            }
        }
    }

    fn count_words(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut at = 0;
        let mut lone = Row::default();
        let mut row = Row::default();
        while let Some(rest) = bytes.get(at..) {
            let Some(gap) = rest.iter().position(|byte| class(byte) & WORD != 0) else {
                break;
            };
            let start = at + gap;
            let mut all = 0;
            let word = rest.get(gap..).unwrap_or_default();
            let end = word.iter().position(|byte| {
                all |= class(byte);
                class(byte) & WORD == 0
            });
            let length = end.unwrap_or(word.len());
            at = start + length;
            let lead = bytes.get(start).copied().unwrap_or_default();
            if length == 1 || (length <= 4 && length == lead.leading_ones() as usize) {
                lone.take(start..at);
            } else {
                lone.end(spaced::MIN_INNER, &mut self.lone_letters);
            }
            // Few words have both.
            if all & (LETTER | DIGIT | HIGH) == LETTER | DIGIT {
                let word = text.get(start..at).unwrap_or_default();
                self.leet_words += usize::from(letters::is_leet(word));
            }
            if all & (BEYOND | HIGH | DIGIT) == DIGIT && length <= LONGEST_CODE {
                row.take(start..at);
            } else {
                row.end(codes::MIN_CODES, &mut self.codes);
            }
        }
        lone.end(spaced::MIN_INNER, &mut self.lone_letters);
        row.end(codes::MIN_CODES, &mut self.codes);
    }

    /// Letters are written as digits in some words.
    pub fn looks_leet(&self) -> bool {
        self.leet_words >= 3 || (self.leet_words > 0 && self.long_word)
    }
}

/// Words of one sort that follow one another.
#[derive(Default)]
struct Row {
    words: usize,
    place: Range<usize>,
}

impl Row {
    fn take(&mut self, word: Range<usize>) {
        if self.words == 0 {
            self.place.start = word.start;
        }
        self.place.end = word.end;
        self.words += 1;
    }

    /// Another word comes: the row is kept when it is long enough.
    fn end(&mut self, least: usize, rows: &mut Vec<Range<usize>>) {
        if std::mem::take(&mut self.words) >= least {
            rows.push(self.place.clone());
        }
    }
}

/// Where `least` places in a row of `all` are `inside`, each run once. Its last place is looked at
/// first: where that is outside, all before it are settled as well.
pub fn runs(
    all: usize,
    least: usize,
    inside: impl Fn(usize) -> bool,
) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        while start + least <= all {
            match (start..start + least).rev().find(|at| !inside(*at)) {
                Some(at) => start = at + 1,
                None => {
                    let end = (start + least..all).find(|at| !inside(*at)).unwrap_or(all);
                    let run = start..end;
                    start = end;
                    return Some(run);
                }
            }
        }
        None
    })
}

fn has_run(all: usize, least: usize, inside: impl Fn(usize) -> bool) -> bool {
    runs(all, least, inside).next().is_some()
}

/// A long word has no letter above ASCII.
fn has_long_word(bytes: &[u8]) -> bool {
    let inside = |at: usize| class_at(bytes, at) & WORD != 0;
    runs(bytes.len(), spaced::MIN_SQUASHED, inside)
        .any(|word| bytes.get(word).is_some_and(<[u8]>::is_ascii))
}

/// Eight binary digits.
const LONGEST_CODE: usize = 8;

/// What a byte is; several can be told at once.
type Class = u16;
const LETTER: Class = 1;
const DIGIT: Class = 2;
/// Part of a letter above ASCII.
const HIGH: Class = 4;
/// Stands between letters in base64 and in addresses.
const JOINT: Class = 8;
const PERCENT: Class = 16;
const AMPERSAND: Class = 32;
const BACKSLASH: Class = 64;
const EQUALS: Class = 128;
const SPACE: Class = 256;
/// A letter that no number has, however it is written.
const BEYOND: Class = 512;
const WORD: Class = LETTER | DIGIT | HIGH;

#[inline]
fn class_at(bytes: &[u8], at: usize) -> Class {
    bytes.get(at).map_or(0, class)
}

#[inline]
fn class(byte: &u8) -> Class {
    CLASSES.get(usize::from(*byte)).copied().unwrap_or_default()
}

/// Asked of every byte, so it is looked up.
const CLASSES: [Class; 256] = {
    let mut table: [Class; 256] = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        #[expect(clippy::indexing_slicing, reason = "computed while compiling")]
        {
            table[byte] = match byte as u8 {
                b'a'..=b'f' | b'A'..=b'F' | b'x' | b'X' => LETTER,
                b'a'..=b'z' | b'A'..=b'Z' => LETTER | BEYOND,
                b'0'..=b'9' => DIGIT,
                0x80.. => HIGH,
                b'-' | b'+' | b'/' | b'_' => JOINT,
                b'=' => EQUALS,
                b' ' | b'\t' | b'\r' | b'\n' => SPACE,
                b'%' => PERCENT,
                b'&' => AMPERSAND,
                b'\\' => BACKSLASH,
                _ => 0,
            };
        }
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_counted_to_its_end() {
        let survey = Survey::of("a-b+c d1e %41&#9;\\x -+ é 0x12 =A1 . . l3et");
        let rows = |text: &str| {
            let survey = Survey::of(text);
            let found = [survey.lone_letters, survey.codes];
            found.map(|rows| {
                rows.into_iter()
                    .map(|row| text[row].to_owned())
                    .collect::<Vec<_>>()
            })
        };
        let none: [Vec<String>; 2] = [vec![], vec![]];
        let lone = |row: &str| [vec![row.to_owned()], vec![]];
        let counts = [
            survey.percents,
            survey.entities,
            survey.backslashes,
            survey.equals,
            survey.strokes,
            survey.leet_words,
        ];
        assert_eq!(counts, [1, 1, 1, 1, 2, 2]);
        assert_eq!(rows("so i g n o r e it"), lone("i g n o r e"));
        assert_eq!(rows("a b c d e"), lone("a b c d e"));
        assert_eq!(rows("a b it 1 2 5a 6 7"), none);
        let codes = "69 67 0x6e 6f 72 65 20 31";
        assert_eq!(rows(&format!("see {codes}, too"))[1], [codes]);
    }

    #[test]
    fn long_runs_are_seen_wherever_they_stand() {
        let check = |text: &str, expected: [bool; 3]| {
            let survey = Survey::of(text);
            let found = [survey.long_run, survey.long_word, survey.long_stretch];
            assert_eq!(found, expected, "{text}");
        };
        for before in ["", "x ", "some words before, and \""] {
            for after in ["", " y", "\" or so; and words"] {
                let around = |run: &str| format!("{before}{run}{after}");
                check(&around(&"ab+/".repeat(6)), [true, false, false]);
                check(&around(&"ab+/".repeat(6)[1..]), [false; 3]);
                check(&around(&"abcd".repeat(7)), [true, true, false]);
                check(&around(&"abcdé".repeat(7)), [true, false, true]);
                check(&around(&"abc()".repeat(6)), [false; 3]);
            }
        }
        check(&"abc()".repeat(7), [false, false, true]);
    }
}
