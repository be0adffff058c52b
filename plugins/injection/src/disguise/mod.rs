//! Disguises: encodings and spellings that a model reads and a pattern does not.
//!
//! One cheap pass over the bytes decides which are plausible at all; ordinary text pays for that
//! pass only. Every unveiled text is bounded and knows where it came from.

use crate::place::Place;
use crate::scan::{Hints, Scanner};

mod encoded;
mod letters;
mod spaced;
mod survey;

use survey::Survey;

pub use letters::telltales;

/// A text that was hidden in another one.
pub struct Unveiled {
    pub text: String,
    pub place: Place,
    pub name: &'static str,
}

/// What hides in `text`, at most [`MAX_PIECES`] pieces of [`MAX_BYTES`] together.
pub fn unveil(text: &str, hints: &Hints, scanner: &Scanner) -> Vec<Unveiled> {
    let survey = Survey::of(text);
    let mut found = Vec::new();
    if survey.longest_run >= encoded::MIN_RUN {
        encoded::base64_and_hex(text, &mut found);
    }
    if survey.percents >= encoded::MIN_ESCAPES {
        encoded::percent(text, &mut found);
    }
    if survey.entities >= encoded::MIN_ESCAPES {
        encoded::entities(text, &mut found);
    }
    if survey.backslashes >= encoded::MIN_ESCAPES {
        encoded::backslashes(text, &mut found);
    }
    if survey.lone_letters >= spaced::MIN_LETTERS {
        spaced::spaced(text, scanner, &mut found);
    }
    if survey.longest_word >= spaced::MIN_SQUASHED {
        spaced::squashed(text, scanner, &mut found);
    }
    if text.len() <= MAX_BYTES {
        if survey.looks_leet() {
            letters::leet(text, &mut found);
        }
        letters::backwards_or_rot13(text, &hints.telltales, &mut found);
    }
    bound(found)
}

/// Pieces unveiled from one text.
const MAX_PIECES: usize = 16;
/// Bytes unveiled from one text, and the longest text that is respelt as a whole.
const MAX_BYTES: usize = 16 << 10;

fn bound(mut found: Vec<Unveiled>) -> Vec<Unveiled> {
    let mut left = MAX_BYTES;
    found.truncate(MAX_PIECES);
    for piece in &mut found {
        let mut end = piece.text.len().min(left);
        while !piece.text.is_char_boundary(end) {
            end -= 1;
        }
        piece.text.truncate(end);
        left -= end;
    }
    found.retain(|piece| !piece.text.is_empty());
    found
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
