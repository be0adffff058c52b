//! Rows of numbers that stand for letters: `69 67 6e`, `0x69, 0x67`, `105 103`, `01101001 …`.

use std::ops::Range;

use super::{Finds, apart, promising, readable};
use crate::scan::Scanner;

/// Fewer numbers in a row are data.
pub const MIN_CODES: usize = 8;
/// Bytes between two numbers of a row.
const MAX_GAP: usize = 4;

/// Reads what stands at `place`: words that could be numbers, one after the other.
pub fn numbers(text: &str, place: &Range<usize>, scanner: &Scanner, found: &mut Finds) {
    let mut row: Vec<Range<usize>> = Vec::new();
    let here = text.get(place.clone()).unwrap_or_default();
    let mut words = super::runs(here, |byte| byte.is_ascii_alphanumeric() || byte >= 0x80)
        .map(|word| place.start + word.start..place.start + word.end)
        .peekable();
    while let Some(word) = words.next() {
        let is_code = word.len() <= 8
            && text.get(word.clone()).is_some_and(|word| {
                word.bytes().any(|byte| byte.is_ascii_digit())
                    && word
                        .bytes()
                        .all(|byte| byte.is_ascii_hexdigit() || byte == b'x')
            });
        let end = word.end;
        if is_code {
            row.push(word);
        }
        let goes_on = is_code && words.peek().is_some_and(|next| next.start - end <= MAX_GAP);
        if !goes_on {
            if row.len() >= MIN_CODES {
                read(text, &row, scanner, found);
            }
            row.clear();
        }
    }
}

/// The row in the first notation that gives text.
fn read(text: &str, row: &[Range<usize>], scanner: &Scanner, found: &mut Finds) {
    let codes = || {
        row.iter()
            .map(|word| text.get(word.clone()).unwrap_or_default())
    };
    let (Some(first), Some(last)) = (row.first(), row.last()) else {
        return;
    };
    let range = first.start..last.end;
    for (name, radix, digits) in NOTATIONS {
        let number = |code: &str| {
            let code = code.strip_prefix("0x").unwrap_or(code);
            if !digits.contains(&code.len()) {
                return None;
            }
            u8::from_str_radix(code, radix).ok()
        };
        let taste: Option<Vec<u8>> = codes().take(MIN_CODES).map(number).collect();
        if !taste.is_some_and(|taste| promising(&taste)) {
            continue;
        }
        let bytes: Option<Vec<u8>> = codes().map(number).collect();
        if let Some(text) = bytes.and_then(readable) {
            found.add(name, range, text);
            return;
        }
    }
    let place = |code: &str| match code.parse() {
        Ok(place @ 1..=26u8) => Some(char::from(b'a' + place - 1)),
        _ => None,
    };
    if let Some(letters) = codes().map(place).collect::<Option<String>>() {
        let said = apart(&letters, scanner);
        if said.bytes().filter(|byte| *byte == b' ').count() >= 4 {
            found.add("letter-numbers", range, said);
        }
    }
}

/// Name, radix, and how many digits one number has.
const NOTATIONS: [(&str, u32, std::ops::RangeInclusive<usize>); 4] = [
    ("binary", 2, 7..=8),
    ("hex", 16, 2..=2),
    ("decimal", 10, 2..=3),
    ("octal", 8, 2..=3),
];

#[cfg(test)]
mod tests {
    use super::super::survey::Survey;
    use super::super::tests::pieces;
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(&str, &str)>) {
        let scanner = Scanner::new(Vec::new()).unwrap();
        let found = pieces(text, |text, found| {
            for place in Survey::of(text).codes {
                numbers(text, &place, &scanner, found);
            }
        });
        let piece = found.first();
        assert_eq!(
            piece.map(|piece| (piece.name, piece.text.as_str())),
            expected,
            "{text}"
        );
    }

    #[test]
    fn rows_of_numbers_are_read_in_every_notation() {
        let row = |form: fn(u8) -> String, joint: &str| {
            let each: Vec<String> = "hidden words".bytes().map(form).collect();
            format!("see: {} end", each.join(joint))
        };
        let said = |name| Some((name, "hidden words"));
        check(&row(|b| format!("{b:02x}"), " "), said("hex"));
        check(&row(|b| format!("{b:02X}"), ":"), said("hex"));
        check(&row(|b| format!("0x{b:02x}"), ", "), said("hex"));
        check(&row(|b| format!("{b}"), ", "), said("decimal"));
        check(&row(|b| format!("{b:03o}"), " "), said("octal"));
        check(&row(|b| format!("{b:08b}"), " "), said("binary"));
    }

    #[test]
    fn data_are_not_text() {
        check("1 2 3 4 5 6 7 8 9 10 11 12", None);
        check("00 1f 8b 08 00 00 00 00 00 03 ab cd", None);
        check("2024 11 29 10 15 2024 11 29 10 16", None);
    }
}
