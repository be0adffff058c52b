//! Disguises: encodings and spellings that a model reads and a pattern does not.
//!
//! One cheap pass over the bytes decides which are plausible at all; ordinary text pays for that
//! pass only. What is unveiled knows where it came from, and is paid for out of one budget for the
//! whole text, disguises inside disguises included: what it does not cover is said, not dropped.

use std::ops::Range;

use crate::place::Place;
use crate::scan::{Hints, Scanner};

mod codes;
mod encoded;
mod escapes;
mod frames;
mod letters;
mod signs;
mod spaced;
mod survey;

use survey::Survey;

pub use letters::{TELLTALES, telltales};

/// A text that was hidden in another one.
pub struct Unveiled {
    pub text: String,
    pub place: Place,
    pub name: &'static str,
}

/// How many bytes may still be unveiled.
pub struct Budget {
    left: usize,
    /// Something hides that was not read.
    pub spent: bool,
}

impl Budget {
    /// For a message's text of `bytes`: [`FACTOR`] times as much, and some for short texts.
    pub fn of(bytes: usize) -> Self {
        Self {
            left: bytes.saturating_mul(FACTOR).saturating_add(ALLOWANCE),
            spent: false,
        }
    }

    fn pay(&mut self, bytes: usize) -> bool {
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => self.spent = true,
        }
        !self.spent
    }
}

/// Chosen: every encoding shrinks when it is read, and a passage is seldom respelt in more than three
/// ways; the figure also bounds the work.
const FACTOR: usize = 3;
const ALLOWANCE: usize = 4 << 10;

/// What was unveiled so far.
struct Finds<'b> {
    pieces: Vec<Unveiled>,
    budget: &'b mut Budget,
}

impl Finds<'_> {
    /// Decoded from a range as a whole.
    fn add(&mut self, name: &'static str, range: Range<usize>, text: String) {
        self.put(name, Place::Whole(range), text);
    }

    fn put(&mut self, name: &'static str, place: Place, text: String) {
        if !text.is_empty() && self.budget.pay(text.len()) {
            self.pieces.push(Unveiled { text, place, name });
        }
    }
}

/// What hides in `text`, as far as `budget` reaches.
pub fn unveil(text: &str, hints: &Hints, scanner: &Scanner, budget: &mut Budget) -> Vec<Unveiled> {
    let survey = Survey::of(text);
    let mut found = Finds {
        pieces: Vec::new(),
        budget,
    };
    if survey.long_run {
        encoded::runs_of_letters(text, &mut found);
    }
    if survey.long_stretch {
        frames::base85(text, &mut found);
    }
    if survey.percents >= escapes::MIN_ESCAPES {
        escapes::percent(text, &mut found);
    }
    if survey.equals >= escapes::MIN_ESCAPES {
        escapes::quoted_printable(text, &mut found);
    }
    if survey.entities >= escapes::MIN_ESCAPES {
        escapes::entities(text, &mut found);
    }
    if survey.backslashes >= escapes::MIN_ESCAPES {
        escapes::backslashes(text, &mut found);
    }
    for place in &survey.codes {
        codes::numbers(text, place, scanner, &mut found);
    }
    if survey.strokes >= signs::MIN_STROKES {
        signs::morse(text, &mut found);
    }
    if !text.is_ascii() {
        signs::braille(text, &mut found);
    }
    if !survey.lone_letters.is_empty() {
        spaced::spaced(text, &survey.lone_letters, scanner, &mut found);
    }
    if survey.long_word {
        spaced::squashed(text, scanner, &mut found);
    }
    if survey.looks_leet() {
        letters::leet(text, scanner, &mut found);
    }
    if hints.spelt {
        signs::spelling_alphabet(text, scanner, &mut found);
    }
    frames::uuencode(text, &mut found);
    letters::respelt(text, hints, &mut found);
    found.pieces
}

/// Reads as text: valid UTF-8, printable, with letters.
fn readable(bytes: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(bytes).ok()?;
    let odd = text
        .chars()
        .filter(|c| c.is_control() && !c.is_whitespace())
        .count();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let all = text.chars().count();
    (all >= 8 && odd * 20 <= all && letters * 2 >= all).then_some(text)
}

/// Whether bytes that begin so can be text: a cheap no for images and digests.
fn promising(bytes: &[u8]) -> bool {
    let odd = bytes
        .iter()
        .filter(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace())
        .count();
    let whole = match std::str::from_utf8(bytes) {
        Ok(_) => true,
        // Cut inside a character.
        Err(error) => error.error_len().is_none(),
    };
    whole && odd * 8 <= bytes.len()
}

/// Maximal runs of bytes in the class. Only cuts at ASCII, so the ranges are whole characters as
/// long as the class holds all or none of the bytes above ASCII.
fn runs(text: &str, class: impl Fn(u8) -> bool) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let bytes = text.as_bytes();
        let rest = bytes.get(at..)?;
        let start = at + rest.iter().position(|byte| class(*byte))?;
        let length = bytes
            .get(start..)?
            .iter()
            .take_while(|byte| class(**byte))
            .count();
        at = start + length;
        Some(start..at)
    })
}

/// Letters that were run together, with spaces around the known words among them.
fn apart(word: &str, scanner: &Scanner) -> String {
    let mut out = String::with_capacity(word.len() * 2);
    let mut at = 0;
    for range in scanner.words(word) {
        out.push_str(word.get(at..range.start).unwrap_or_default());
        out.push(' ');
        out.push_str(word.get(range.clone()).unwrap_or_default());
        out.push(' ');
        at = range.end;
    }
    out.push_str(word.get(at..).unwrap_or_default());
    out
}

/// The first character boundary from `at` on.
fn ceil(text: &str, at: usize) -> usize {
    (at..text.len())
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(text.len())
}

fn hex_byte(pair: &[u8]) -> Option<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    match pair {
        [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Budget, Finds, Unveiled};

    /// What one disguise's reader finds in a text of its own.
    pub fn pieces(text: &str, unveil: impl FnOnce(&str, &mut Finds)) -> Vec<Unveiled> {
        let mut budget = Budget::of(text.len());
        let mut found = Finds {
            pieces: Vec::new(),
            budget: &mut budget,
        };
        unveil(text, &mut found);
        found.pieces
    }
}
