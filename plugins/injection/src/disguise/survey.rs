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
    /// Words of one letter.
    pub lone_letters: usize,
    words: usize,
    /// Words with both letters and the digits that stand for letters.
    mixed_words: usize,
}

impl Survey {
    pub fn of(text: &str) -> Self {
        let mut survey = Self::default();
        let bytes = text.as_bytes();
        // Where the current run of base64 letters began, and where the text goes on.
        let (mut run, mut at) = (0, 0);
        while at < bytes.len() {
            let start = at;
            let mut digits = 0;
            for class in bytes.get(at..).unwrap_or_default().iter().map(class) {
                match class {
                    Class::Letter => {}
                    Class::Digit => digits += 1,
                    _ => break,
                }
                at += 1;
            }
            let word = at - start;
            if word > 0 {
                survey.words += 1;
                survey.longest_word = survey.longest_word.max(word);
                survey.lone_letters += usize::from(word == 1);
                survey.mixed_words += usize::from(digits > 0 && digits < word);
            }
            let Some(mark) = bytes.get(at).map(class) else {
                break;
            };
            if mark != Class::Joint {
                survey.longest_run = survey.longest_run.max(at - run);
                run = at + 1;
            }
            match mark {
                Class::Percent => survey.percents += 1,
                Class::Ampersand => survey.entities += 1,
                Class::Backslash => survey.backslashes += 1,
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Letter,
    Digit,
    /// Stands between letters in base64 and in addresses.
    Joint,
    Percent,
    Ampersand,
    Backslash,
    Other,
}

fn class(byte: &u8) -> Class {
    CLASSES
        .get(usize::from(*byte))
        .copied()
        .unwrap_or(Class::Other)
}

/// Asked of every byte, so it is looked up.
const CLASSES: [Class; 256] = {
    let mut table = [Class::Other; 256];
    let mut byte = 0;
    while byte < table.len() {
        #[expect(clippy::indexing_slicing, reason = "computed while compiling")]
        {
            table[byte] = match byte as u8 {
                b'a'..=b'z' | b'A'..=b'Z' => Class::Letter,
                b'0'..=b'9' => Class::Digit,
                b'+' | b'/' | b'-' | b'_' => Class::Joint,
                b'%' => Class::Percent,
                b'&' => Class::Ampersand,
                b'\\' => Class::Backslash,
                _ => Class::Other,
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
        assert_eq!(counts, [5, 3, 1, 1, 1, 5, 8, 1]);
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
