//! Letters by other signs: Morse code, Braille, and the spelling alphabet of radio.

use std::ops::Range;

use super::survey::runs;
use super::{Finds, apart};
use crate::scan::Scanner;

/// Fewer dots and dashes are an ellipsis or a rule.
pub const MIN_STROKES: usize = 12;
/// Letters of a passage.
const MIN_LETTERS: usize = 8;

/// `.. --. -. --- .-. .`: letters parted by a space, words by a slash or more space.
pub fn morse(text: &str, found: &mut Finds) {
    let bytes = text.as_bytes();
    let inside = |at| bytes.get(at).is_some_and(is_morse);
    for run in runs(bytes.len(), 2 * MIN_LETTERS - 1, inside) {
        // A word that only ends or begins so is none of these letters.
        let here = bytes.get(run.clone()).unwrap_or_default();
        let start = match run.start {
            0 => Some(0),
            start => here.iter().position(parts).map(|first| start + first),
        };
        let end = match run.end == bytes.len() {
            true => Some(run.end),
            false => here.iter().rposition(parts).map(|last| run.start + last),
        };
        if let (Some(start), Some(end)) = (start, end) {
            morse_in(text, start..end.max(start), found);
        }
    }
}

/// A byte of a dot, of a dash or of what parts letters.
fn is_morse(byte: &u8) -> bool {
    let of_stroke = matches!(
        byte,
        b'.' | b'-' | b'_' | 0xc2 | 0xb7 | 0xe2 | 0x80 | 0xa2 | 0x93 | 0x94 | 0x88 | 0x92
    );
    of_stroke || parts(byte)
}

fn parts(byte: &u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'/' | b'|')
}

fn morse_in(text: &str, place: Range<usize>, found: &mut Finds) {
    let from = place.start;
    let text = text.get(place).unwrap_or_default();
    let mut said = String::new();
    let (mut start, mut end) = (0, 0);
    let mut letters = 0;
    let mut finish = |range: Range<usize>, said: &mut String, letters: &mut usize| {
        let said = std::mem::take(said);
        let range = from + range.start..from + range.end;
        // A table's rule is one letter again and again.
        let first = said.chars().next().unwrap_or_default();
        if std::mem::take(letters) >= MIN_LETTERS && said.chars().any(|c| c != first && c != ' ') {
            found.add("morse", range, said);
        }
    };
    for word in super::runs(text, |byte| !parts(&byte)) {
        let gap = text.get(end..word.start).unwrap_or_default();
        match text.get(word.clone()).and_then(morse_letter) {
            Some(letter) => {
                if letters == 0 {
                    start = word.start;
                } else if gap.len() > 1 {
                    said.push(' ');
                }
                said.push(letter);
                letters += 1;
            }
            None => finish(start..end, &mut said, &mut letters),
        }
        end = word.end;
    }
    finish(start..end, &mut said, &mut letters);
}

fn morse_letter(word: &str) -> Option<char> {
    let mut code = 1usize;
    for stroke in word.chars() {
        let long = match stroke {
            '.' | '·' | '•' => 0,
            '-' | '–' | '—' | '−' | '_' => 1,
            _ => return None,
        };
        code = code << 1 | long;
        if code >= 1 << 7 {
            return None;
        }
    }
    let at = MORSE.iter().position(|(known, _)| *known == code)?;
    MORSE.get(at).map(|(_, letter)| *letter)
}

/// A leading one, then a bit per stroke, long ones set.
///
/// Source: Recommendation ITU-R M.1677-1.
const MORSE: [(usize, char); 41] = [
    (0b101, 'a'),
    (0b11000, 'b'),
    (0b11010, 'c'),
    (0b1100, 'd'),
    (0b10, 'e'),
    (0b10010, 'f'),
    (0b1110, 'g'),
    (0b10000, 'h'),
    (0b100, 'i'),
    (0b10111, 'j'),
    (0b1101, 'k'),
    (0b10100, 'l'),
    (0b111, 'm'),
    (0b110, 'n'),
    (0b1111, 'o'),
    (0b10110, 'p'),
    (0b11101, 'q'),
    (0b1010, 'r'),
    (0b1000, 's'),
    (0b11, 't'),
    (0b1001, 'u'),
    (0b10001, 'v'),
    (0b1011, 'w'),
    (0b11001, 'x'),
    (0b11011, 'y'),
    (0b11100, 'z'),
    (0b111111, '0'),
    (0b101111, '1'),
    (0b100111, '2'),
    (0b100011, '3'),
    (0b100001, '4'),
    (0b100000, '5'),
    (0b110000, '6'),
    (0b111000, '7'),
    (0b111100, '8'),
    (0b111110, '9'),
    (0b1010101, '.'),
    (0b1110011, ','),
    (0b1001100, '?'),
    (0b1010010, '&'),
    (0b1111000, ':'),
];

/// Braille cells, a letter each: uncontracted, which any encoder writes.
pub fn braille(text: &str, found: &mut Finds) {
    let mut at = 0;
    while let Some(start) = next_cell(text, at) {
        let mut said = String::new();
        let mut cells = 0;
        let mut end = start;
        for letter in text.get(start..).unwrap_or_default().chars() {
            match letter {
                '\u{2801}'..='\u{28ff}' => {
                    cells += 1;
                    said.extend(cell_letter(letter));
                }
                ' ' | '\n' | '\u{2800}' => said.push(' '),
                _ => break,
            }
            end += letter.len_utf8();
        }
        if cells >= MIN_LETTERS {
            found.add("braille", start..end, said);
        }
        at = end;
    }
}

/// The first cell from `at` on that is not blank. Cells begin with the same byte in UTF-8.
fn next_cell(text: &str, at: usize) -> Option<usize> {
    let rest = text.as_bytes().get(at..)?;
    memchr::memchr_iter(0xe2, rest)
        .map(|gap| at + gap)
        .find(|at| {
            let letter = text.get(*at..).and_then(|rest| rest.chars().next());
            matches!(letter, Some('\u{2801}'..='\u{28ff}'))
        })
}

fn cell_letter(cell: char) -> Option<char> {
    // Dots 1–6 are the low six bits; a capital or number sign before a letter is none itself.
    let dots = u32::from(cell) & 0x3f;
    let at = CELLS.iter().position(|known| u32::from(*known) == dots)?;
    char::from_u32(u32::from('a') + u32::try_from(at).ok()?)
}

/// Dots of a to z.
///
/// Source: ISO 11548-1, the six-dot letters.
const CELLS: [u8; 26] = [
    0x01, 0x03, 0x09, 0x19, 0x11, 0x0b, 0x1b, 0x13, 0x0a, 0x1a, 0x05, 0x07, 0x0d, 0x1d, 0x15, 0x0f,
    0x1f, 0x17, 0x0e, 0x1e, 0x25, 0x27, 0x3a, 0x2d, 0x3d, 0x35,
];

/// `India Golf November …`, which the scanner noticed.
pub fn spelling_alphabet(text: &str, scanner: &Scanner, found: &mut Finds) {
    let mut said = String::new();
    let (mut start, mut end) = (0, 0);
    let mut finish = |range, said: &mut String| {
        let said = std::mem::take(said);
        if said.len() >= MIN_LETTERS {
            let said = if said.contains(' ') {
                said
            } else {
                apart(&said, scanner)
            };
            found.add("spelling-alphabet", range, said);
        }
    };
    for word in super::runs(text, |byte| byte.is_ascii_alphabetic() || byte >= 0x80) {
        let gap = text.get(end..word.start).unwrap_or_default();
        let known = text.get(word.clone()).filter(|word| spells(word));
        let letter = known.and_then(|word| word.chars().next());
        if (letter.is_none() || gap.len() > 4) && !said.is_empty() {
            finish(start..end, &mut said);
        }
        if let Some(letter) = letter {
            if said.is_empty() {
                start = word.start;
            } else if gap.contains(['/', '|', '\n']) || gap.len() > 2 {
                said.push(' ');
            }
            said.push(letter.to_ascii_lowercase());
        }
        end = word.end;
    }
    finish(start..end, &mut said);
}

fn spells(word: &str) -> bool {
    SPELLING
        .iter()
        .any(|known| known.eq_ignore_ascii_case(word))
}

/// The words of the alphabet; of those that have two spellings both.
///
/// Source: ICAO Annex 10, volume II, 5.2.1.3.
pub const SPELLING: [&str; 29] = [
    "alfa", "alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india",
    "juliett", "juliet", "kilo", "lima", "mike", "november", "oscar", "papa", "quebec", "romeo",
    "sierra", "tango", "uniform", "victor", "whiskey", "whisky", "x-ray", "yankee", "zulu",
];

#[cfg(test)]
mod tests {
    use super::super::tests::pieces;
    use super::*;

    #[track_caller]
    fn check(unveil: impl Fn(&str, &mut Finds), text: &str, expected: &[&str]) {
        let found = pieces(text, unveil);
        let texts: Vec<&str> = found.iter().map(|piece| piece.text.as_str()).collect();
        assert_eq!(texts, expected, "{text}");
    }

    #[test]
    fn morse_is_read_and_rules_are_not() {
        check(
            morse,
            "x .... .. -.. -.. . -. / .-- --- .-. -.. ... y",
            &["hidden words"],
        );
        check(
            morse,
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
            &[],
        );
        check(morse, "- one\n- two\n- three\n... and so on ... - - -", &[]);
    }

    #[test]
    fn every_morse_letter_is_its_own() {
        let mut codes: Vec<usize> = MORSE.iter().map(|(code, _)| *code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), MORSE.len());
    }

    #[test]
    fn braille_is_read() {
        check(braille, "see ⠓⠊⠙⠙⠑⠝⠀⠺⠕⠗⠙⠎ here", &["hidden words "]);
        check(braille, "⠋⠙⠹ loading", &[]);
    }

    #[test]
    fn the_spelling_alphabet_is_read() {
        let scanner = Scanner::new(Vec::new()).unwrap();
        let read = |text: &str, found: &mut Finds| spelling_alphabet(text, &scanner, found);
        let text = "hotel india delta delta echo november / whiskey oscar romeo delta sierra";
        check(read, text, &["hidden words"]);
        check(
            read,
            "The hotel in Lima: ask for Victor or Mike in November.",
            &[],
        );
    }
}
