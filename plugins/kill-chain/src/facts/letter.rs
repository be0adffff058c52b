//! Whether what is sent is a letter that somebody wrote, or things that were collected.

use super::Facts;
use crate::action::Action;

/// Words of a letter. Chosen: a list of two or three things has fewer.
const LEAST: usize = 8;
/// Bytes of a letter; a longer one may hold anything.
const MOST: usize = 600;

/// What the arguments of a call are, one by one.
#[derive(Default)]
pub struct Letters {
    written: bool,
    other: bool,
}

impl Letters {
    pub fn see(&mut self, key: &str, value: &str) {
        let key = key.to_ascii_lowercase();
        let along = key.contains("attach") || key.contains("file");
        let long = value.split_whitespace().nth(LEAST - 1).is_some();
        let written = long && is_written(value);
        self.written |= written;
        self.other |= !value.is_empty() && along || long && !written;
    }

    /// A letter, and nothing that goes along.
    pub fn is_one(&self) -> bool {
        self.written && !self.other
    }
}

impl Facts {
    /// It sends words by a tool for that, and no program or payment does.
    pub fn is_talk(&self) -> bool {
        let others = [Action::Shell, Action::Pay, Action::Fetch, Action::Execute];
        self.own.has(Action::Send) && !self.actions.meets(others.into_iter().collect())
    }
}

/// Whether a text is sentences: most of its words are words, and half of them begin small. Lists of
/// people, places or numbers are not; neither are addresses.
fn is_written(value: &str) -> bool {
    let (mut all, mut plain, mut small) = (0, 0, 0);
    for word in value.split_whitespace() {
        let bare = word.trim_matches(|char: char| char.is_ascii_punctuation());
        let is_plain = bare
            .chars()
            .all(|char| char.is_alphabetic() || matches!(char, '\'' | '\u{2019}' | '-'));
        if word.contains('@') || word.contains("://") {
            return false;
        }
        all += 1;
        plain += usize::from(is_plain && !bare.is_empty());
        small += usize::from(is_plain && bare.starts_with(char::is_lowercase));
    }
    value.len() <= MOST && plain * 3 >= all * 2 && small * 2 >= all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_letters_and_lists_are_not() {
        for (text, is) in [
            (
                "Dear Ms Okafor, the parcel arrived today and all the cups are whole. Thank you!",
                true,
            ),
            (
                "Ana Ruiz, Bo Lind, Kim Soo, Lee Park, Tim Berg, Uma Sen",
                false,
            ),
            (
                "ana@a.example and bo@b.example are the people on the list you wanted",
                false,
            ),
            (
                "name,phone Ana Ruiz,+34600111222 Bo Lind,+46701234567 Uma,+4670 x,1 y,2",
                false,
            ),
        ] {
            assert_eq!(is_written(text), is, "{text}");
        }
    }
}
