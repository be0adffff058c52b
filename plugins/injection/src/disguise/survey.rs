//! The one cheap pass that says which disguises are plausible in a text.

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
    /// The longest row of words of one letter, in any script.
    pub lone_letters: usize,
    words: usize,
    /// Words with both letters and the digits that stand for letters.
    mixed_words: usize,
}

impl Survey {
    pub fn of(text: &str) -> Self {
        let mut survey = Self::default();
        let bytes = text.as_bytes();
        // Where the current run of base64 letters began, how many words of one letter stand before
        // here, and where the text goes on.
        let (mut run, mut lone, mut at) = (0, 0, 0);
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
            all &= WORD;
            at += word;
            if word > 0 {
                survey.words += 1;
                let lead = bytes.get(start).copied().unwrap_or_default();
                let is_lone = word == 1 || (word <= 4 && word == lead.leading_ones() as usize);
                lone = if is_lone { lone + 1 } else { 0 };
                survey.lone_letters = survey.lone_letters.max(lone);
                if all & HIGH == 0 {
                    survey.longest_word = survey.longest_word.max(word);
                    survey.mixed_words += usize::from(all == LETTER | DIGIT);
                }
            }
            let Some(mark) = bytes.get(at).map(class) else {
                break;
            };
            if all & HIGH != 0 || mark != JOINT {
                survey.longest_run = survey.longest_run.max(at - run);
                run = at + 1;
            }
            match mark {
                PERCENT => survey.percents += 1,
                AMPERSAND => survey.entities += 1,
                BACKSLASH => survey.backslashes += 1,
                _ => {}
            }
            at += 1;
        }
        survey.longest_run = survey.longest_run.max(bytes.len() - run.min(bytes.len()));
        survey
    }

    /// Letters written as digits in a good part of the words.
    pub fn looks_leet(&self) -> bool {
        let enough = self.mixed_words >= 3 || (self.mixed_words > 0 && self.longest_word >= 28);
        enough && self.mixed_words * 4 >= self.words
    }
}

/// What a byte is; several can be told at once.
type Class = u8;
const LETTER: Class = 1;
const DIGIT: Class = 2;
/// Part of a letter above ASCII.
const HIGH: Class = 4;
/// Stands between letters in base64 and in addresses.
const JOINT: Class = 8;
const PERCENT: Class = 16;
const AMPERSAND: Class = 32;
const BACKSLASH: Class = 64;
const WORD: Class = LETTER | DIGIT | HIGH;

#[inline]
fn class(byte: &u8) -> Class {
    CLASSES.get(usize::from(*byte)).copied().unwrap_or_default()
}

/// Asked of every byte, so it is looked up.
const CLASSES: [Class; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        #[expect(clippy::indexing_slicing, reason = "computed while compiling")]
        {
            table[byte] = match byte as u8 {
                b'a'..=b'z' | b'A'..=b'Z' => LETTER,
                b'0'..=b'9' => DIGIT,
                0x80.. => HIGH,
                b'+' | b'/' | b'-' | b'_' => JOINT,
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
        let survey = Survey::of("a-b+c d1e %41&#9;\\x -+ é 12");
        let counts = [
            survey.longest_run,
            survey.longest_word,
            survey.percents,
            survey.entities,
            survey.backslashes,
            survey.lone_letters,
            survey.words,
            survey.mixed_words,
        ];
        assert_eq!(counts, [5, 3, 1, 1, 1, 3, 9, 1]);
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
