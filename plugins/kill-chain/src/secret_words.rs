//! The part of the data that says what a secret looks like: shapes, names, placeholders.

use serde::Deserialize;

use crate::lexicon::glob_matches;

/// What a secret looks like.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretWords {
    shapes: Vec<Shape>,
    /// Parts of names whose value is a secret.
    names: Vec<String>,
    /// Parts of names whose value is none although the above says so.
    not_names: Vec<String>,
    /// Names of secrets that a person makes up, of which words may be one.
    passwords: Vec<String>,
    /// Parts of values that stand for a secret.
    placeholders: Vec<String>,
    /// Providers of video meetings, whose links may hold a password, as globs.
    #[serde(default)]
    meeting_hosts: Vec<String>,
    /// Words that make the password behind them a meeting's.
    #[serde(default)]
    meeting_names: Vec<String>,
    /// Parts of texts that speak of cards to pay with.
    #[serde(default)]
    card_words: Vec<String>,
    /// Parts of names of arguments in which numbers of cards and accounts belong.
    #[serde(default)]
    number_keys: Vec<String>,
    /// The least that any shape asks for.
    #[serde(skip)]
    shortest: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    prefix: String,
    /// Characters in all, at least.
    min: usize,
}

/// Shortest password of letters alone: below that it is a word of the language. Chosen.
pub const LETTERS: usize = 12;

impl SecretWords {
    /// Builds what look-ups need.
    pub fn compile(&mut self) {
        let lengths = self.shapes.iter().map(|shape| shape.min);
        self.shortest = lengths.min().map_or(LETTERS, |least| least.min(LETTERS));
    }

    /// No value shorter than this has the shape of a secret.
    pub fn shortest(&self) -> usize {
        self.shortest
    }

    pub fn has_shape(&self, value: &str) -> bool {
        value.len() >= self.shortest
            && self
                .shapes
                .iter()
                .any(|shape| value.len() >= shape.min && value.starts_with(&shape.prefix))
            && !self.is_placeholder(value)
    }

    pub fn names_secret(&self, name: &str) -> bool {
        holds(name, &self.names) && !holds(name, &self.not_names)
    }

    /// Whether the name, or its last part, is one for what a person made up.
    pub fn names_password(&self, name: &str) -> bool {
        let name = name.as_bytes();
        self.passwords.iter().any(|own| {
            let end = name
                .len()
                .checked_sub(own.len())
                .and_then(|at| name.get(at..));
            end.is_some_and(|end| end.eq_ignore_ascii_case(own.as_bytes()))
        })
    }

    pub fn is_meeting_host(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let mut hosts = self.meeting_hosts.iter();
        hosts.any(|glob| glob_matches(glob.as_bytes(), host.as_bytes()))
    }

    pub fn names_meeting(&self, word: &str) -> bool {
        let mut names = self.meeting_names.iter();
        names.any(|name| name.eq_ignore_ascii_case(word))
    }

    pub fn speaks_of_cards(&self, text: &str) -> bool {
        holds(text, &self.card_words)
    }

    pub fn names_number(&self, key: &str) -> bool {
        holds(key, &self.number_keys)
    }

    pub fn is_placeholder(&self, value: &str) -> bool {
        holds(value, &self.placeholders)
    }
}

/// Whether `text` holds one of `parts`, whatever the case of its letters.
fn holds(text: &str, parts: &[String]) -> bool {
    let text = text.as_bytes();
    let part_at = |at: usize, part: &String| {
        let here = text.get(at..at + part.len());
        here.is_some_and(|here| here.eq_ignore_ascii_case(part.as_bytes()))
    };
    let first =
        |byte: u8, part: &String| part.as_bytes().first() == Some(&byte.to_ascii_lowercase());
    text.iter().enumerate().any(|(at, byte)| {
        let mut begun = parts.iter().filter(|part| first(*byte, part));
        begun.any(|part| part_at(at, part))
    })
}
