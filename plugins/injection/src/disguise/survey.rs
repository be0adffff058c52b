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
        let (mut run, mut word, mut digits) = (0, 0, 0);
        for byte in text.bytes().chain([b' ']) {
            if byte.is_ascii_alphanumeric() {
                run += 1;
                word += 1;
                digits += usize::from(byte.is_ascii_digit());
                continue;
            }
            if word > 0 {
                survey.words += 1;
                survey.longest_word = survey.longest_word.max(word);
                survey.lone_letters += usize::from(word == 1);
                survey.mixed_words += usize::from(digits > 0 && digits < word);
                (word, digits) = (0, 0);
            }
            if matches!(byte, b'+' | b'/' | b'-' | b'_') {
                run += 1;
                continue;
            }
            survey.longest_run = survey.longest_run.max(run);
            run = 0;
            match byte {
                b'%' => survey.percents += 1,
                b'&' => survey.entities += 1,
                b'\\' => survey.backslashes += 1,
                _ => {}
            }
        }
        survey
    }

    /// Letters written as digits in a good part of the words.
    pub fn looks_leet(&self) -> bool {
        let enough = self.mixed_words >= 3 || (self.mixed_words > 0 && self.longest_word >= 28);
        enough && self.mixed_words * 4 >= self.words
    }
}
