//! The one cheap pass that says which disguises are plausible in a text.

use super::letters::is_leet;

/// Counts over the bytes of a text.
#[derive(Default)]
pub struct Survey {
    /// The longest run of base64 letters.
    pub longest_run: usize,
    /// The longest run of ASCII letters and digits.
    pub longest_word: usize,
    pub percents: usize,
    pub entities: usize,
    pub backslashes: usize,
    /// Of them, those that could be escapes: before two digits of a hexadecimal number or the end
    /// of a line.
    pub equals: usize,
    /// Dots and dashes that stand beside no word, but before another one or a space.
    pub strokes: usize,
    /// The longest row of short words that could be numbers of letters: `69 67`, `0x69`, `105`.
    pub codes: usize,
    /// The longest stretch without white space.
    pub longest_stretch: usize,
    /// The longest row of words of one letter, in any script.
    pub lone_letters: usize,
    /// Words with both letters and the digits that stand for letters.
    leet_words: usize,
}

impl Survey {
    pub fn of(text: &str) -> Self {
        let mut survey = Self::default();
        let bytes = text.as_bytes();
        // Where the current run of base64 letters began, how many words of one letter stand before
        // here, and where the text goes on.
        let (mut run, mut lone, mut at) = (0, 0, 0);
        // How many codes stand in a row before here, and where the stretch began.
        let (mut codes, mut stretch) = (0, 0);
        while at < bytes.len() {
            let start = at;
            let mut all = 0;
            let rest = bytes.get(at..).unwrap_or_default();
            let end = rest.iter().position(|byte| {
                let class = class(byte);
                all |= class;
                class & WORD == 0
            });
            let word = end.unwrap_or(rest.len());
            at += word;
            if word > 0 {
                let lead = bytes.get(start).copied().unwrap_or_default();
                if word == 1 || (word <= 4 && word == lead.leading_ones() as usize) {
                    lone += 1;
                    survey.lone_letters = survey.lone_letters.max(lone);
                } else {
                    lone = 0;
                }
                if all & HIGH == 0 {
                    survey.longest_word = survey.longest_word.max(word);
                    // Few words have both.
                    if all & (LETTER | DIGIT) == LETTER | DIGIT {
                        let word = text.get(start..at).unwrap_or_default();
                        survey.leet_words += usize::from(is_leet(word));
                    }
                }
                if all & (BEYOND | HIGH | DIGIT) == DIGIT && word <= LONGEST_CODE {
                    codes += 1;
                    survey.codes = survey.codes.max(codes);
                } else {
                    codes = 0;
                }
            }
            let Some(mark) = bytes.get(at).map(class) else {
                break;
            };
            if word == 0 && mark & STROKE != 0 {
                let next = bytes.get(at + 1);
                survey.strokes += usize::from(matches!(next, Some(b'.' | b'-' | b' ')));
            }
            let mark = mark & !STROKE;
            if all & HIGH != 0 || mark != JOINT {
                survey.longest_run = survey.longest_run.max(at - run);
                run = at + 1;
            }
            match mark {
                PERCENT => survey.percents += 1,
                AMPERSAND => survey.entities += 1,
                BACKSLASH => survey.backslashes += 1,
                EQUALS => {
                    // A number that is assigned has more digits, or fewer.
                    let is_escape = match bytes.get(at + 1..) {
                        Some([b'\r' | b'\n', ..]) => true,
                        Some([high, low, rest @ ..]) => {
                            high.is_ascii_hexdigit()
                                && low.is_ascii_hexdigit()
                                && !rest.first().is_some_and(u8::is_ascii_digit)
                        }
                        _ => false,
                    };
                    survey.equals += usize::from(is_escape);
                }
                SPACE => {
                    survey.longest_stretch = survey.longest_stretch.max(at - stretch);
                    stretch = at + 1;
                }
                _ => {}
            }
            at += 1;
        }
        survey.longest_run = survey.longest_run.max(bytes.len() - run.min(bytes.len()));
        survey.longest_stretch = survey
            .longest_stretch
            .max(bytes.len() - stretch.min(bytes.len()));
        survey
    }

    /// Letters are written as digits in some words.
    pub fn looks_leet(&self) -> bool {
        self.leet_words >= 3 || (self.leet_words > 0 && self.longest_word >= 28)
    }
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
/// Of Morse code.
const STROKE: Class = 1024;
const WORD: Class = LETTER | DIGIT | HIGH;

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
                b'-' => JOINT | STROKE,
                b'+' | b'/' | b'_' => JOINT,
                b'.' => STROKE,
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
        let counts = [
            survey.longest_run,
            survey.longest_word,
            survey.percents,
            survey.entities,
            survey.backslashes,
            survey.equals,
            survey.strokes,
            survey.codes,
            survey.longest_stretch,
            survey.lone_letters,
            survey.leet_words,
        ];
        assert_eq!(counts, [5, 4, 1, 1, 1, 1, 2, 3, 9, 3, 2]);
        for (text, run, word) in [("", 0, 0), ("/ab", 3, 2), ("x ab-", 3, 2), (". abc", 3, 3)] {
            let survey = Survey::of(text);
            assert_eq!(
                (survey.longest_run, survey.longest_word),
                (run, word),
                "{text}"
            );
        }
    }
}
