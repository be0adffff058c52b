//! Words pulled apart ("i g n o r e", "i.g.n.o.r.e") or run together ("ignoreallprevious…").

use std::ops::Range;

use super::Unveiled;
use crate::place::Place;
use crate::scan::Scanner;

/// Fewer lone letters are initials, options and table cells.
pub const MIN_LETTERS: usize = 5;
/// Bytes after a run that are read with it.
const FOLLOWING: usize = 120;
/// The longest English words are shorter.
pub const MIN_SQUASHED: usize = 28;

/// Joins runs of lone letters. Two separators in a row are a space between words; without any,
/// the words are found by the scanner's own list.
pub fn spaced(text: &str, scanner: &Scanner, found: &mut Vec<Unveiled>) {
    for range in lone_letter_runs(text) {
        let run = text.get(range.clone()).unwrap_or_default();
        let mut joined = String::new();
        let mut gap = 0;
        for letter in run.chars() {
            if is_separator(letter) {
                gap += 1;
                continue;
            }
            if gap > 1 {
                joined.push(' ');
            }
            gap = 0;
            joined.push(letter);
        }
        let mut joined = if joined.contains(' ') {
            joined
        } else {
            apart(&joined, scanner)
        };
        // Often only the telling word is pulled apart; what follows completes the sentence.
        let mut end = (range.end + FOLLOWING).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        joined.push_str(text.get(range.end..end).unwrap_or_default());
        let (text, range) = (joined, range.start..end);
        let leet = text.bytes().filter(u8::is_ascii_digit).count() * 5 > text.len();
        let place = Place::Whole(range);
        if leet {
            let mut respelt = Vec::new();
            super::letters::leet(&text, &mut respelt);
            for piece in respelt {
                let text = if piece.text.contains(' ') {
                    piece.text
                } else {
                    apart(&piece.text, scanner)
                };
                found.push(Unveiled {
                    text,
                    place: place.clone(),
                    name: "letter-spaced",
                });
            }
        }
        found.push(Unveiled {
            text,
            place,
            name: "letter-spaced",
        });
    }
}

/// Puts spaces around the known words inside very long ones.
pub fn squashed(text: &str, scanner: &Scanner, found: &mut Vec<Unveiled>) {
    let mut at = 0;
    for word in text.split(|letter: char| !letter.is_ascii_alphanumeric()) {
        let range = at..at + word.len();
        at = range.end
            + text
                .get(range.end..)
                .and_then(|rest| rest.chars().next())
                .map_or(0, char::len_utf8);
        if word.len() < MIN_SQUASHED {
            continue;
        }
        let text = apart(word, scanner);
        // One known word inside a long token is chance.
        if text.bytes().filter(|byte| *byte == b' ').count() >= 4 {
            found.push(Unveiled {
                text,
                place: Place::Whole(range),
                name: "run-together",
            });
        }
    }
}

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

fn is_separator(letter: char) -> bool {
    matches!(letter, ' ' | '.' | '-' | '_' | '*' | '|' | '/' | ',')
}

/// Stretches in which single letters alternate with one to three separators.
fn lone_letter_runs(text: &str) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let (mut start, mut end, mut letters, mut gap) = (0, 0, 0, 1);
    for (at, letter) in text.char_indices() {
        if is_separator(letter) {
            gap += 1;
        } else if letter.is_alphanumeric() && (1..=3).contains(&gap) {
            if letters == 0 {
                start = at;
            }
            letters += 1;
            end = at + letter.len_utf8();
            gap = 0;
            continue;
        } else {
            if letters >= MIN_LETTERS {
                runs.push(start..end);
            }
            (letters, gap) = (0, usize::from(!letter.is_alphanumeric()));
        }
        if gap > 3 {
            if letters >= MIN_LETTERS {
                runs.push(start..end);
            }
            (letters, gap) = (0, 1);
        }
    }
    if letters >= MIN_LETTERS {
        runs.push(start..end);
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_lone_letters_are_found_among_words() {
        let text = "note: i g n o r e  a l l  o f it";
        let runs = lone_letter_runs(text);
        assert_eq!(runs.len(), 1);
        assert!(text[runs[0].clone()].starts_with("i g n o r e  a l l"));
        assert!(lone_letter_runs("ls -l a b c; and so on").is_empty());
    }
}
