//! Words pulled apart ("i g n o r e", "i.g.n.o.r.e") or run together ("ignoreallprevious…").

use std::ops::Range;

use super::survey::runs;
use super::{Finds, apart, ceil};
use crate::scan::Scanner;

/// Fewer lone letters are initials, options and table cells.
const MIN_LETTERS: usize = 5;
/// Of a run of them, those that have another one on both sides.
pub const MIN_INNER: usize = MIN_LETTERS - 2;
/// Characters between two letters of a run.
const MAX_GAP: usize = 3;
/// Bytes after a run that are read with it.
const FOLLOWING: usize = 120;
/// The longest English words are shorter.
pub const MIN_SQUASHED: usize = 25;
/// Known words that no long name has by chance.
const MANY_WORDS: usize = 5;

/// Joins runs of lone letters. Two separators in a row are a space between words; without any,
/// the words are found by the scanner's own list. `rows` is where words of one letter stand.
pub fn spaced(text: &str, rows: &[Range<usize>], scanner: &Scanner, found: &mut Finds) {
    let mut places: Vec<Range<usize>> = Vec::new();
    for place in rows.iter().map(|row| around(text, row)) {
        match places.last_mut() {
            Some(last) if place.start <= last.end => last.end = place.end.max(last.end),
            _ => places.push(place),
        }
    }
    let runs = places
        .iter()
        .flat_map(|place| lone_letter_runs(text, place));
    let mut runs = runs.peekable();
    while let Some(run) = runs.next() {
        let mut said = joined(text, &run, scanner);
        let mut end = run.end;
        // Often only the telling word is pulled apart; what follows completes the sentence.
        while let Some(next) = runs.next_if(|next| next.start - end <= FOLLOWING) {
            let between = text.get(end..next.start).unwrap_or_default();
            // One mark among the letters, such as that of an address.
            let mark = between.trim();
            said.push_str(if mark.len() == 1 { mark } else { between });
            said.push_str(&joined(text, &next, scanner));
            end = next.end;
        }
        let after = ceil(text, (end + FOLLOWING).min(text.len()));
        let after = runs.peek().map_or(after, |next| after.min(next.start));
        said.push_str(text.get(end..after).unwrap_or_default());
        let range = run.start..after;
        if said.bytes().filter(u8::is_ascii_digit).count() * 5 > said.len() {
            for respelt in super::letters::unleeted(&said, scanner) {
                let respelt = match respelt.contains(' ') {
                    true => respelt,
                    false => apart(&respelt, scanner),
                };
                found.add("letter-spaced", range.clone(), respelt);
            }
        }
        found.add("letter-spaced", range, said);
    }
}

/// One run as words.
fn joined(text: &str, run: &Range<usize>, scanner: &Scanner) -> String {
    let mut joined = String::new();
    let mut gap = 0;
    for letter in text.get(run.clone()).unwrap_or_default().chars() {
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
    match joined.contains(' ') {
        true => joined,
        false => apart(&joined, scanner),
    }
}

/// Puts spaces around the known words inside very long ones.
pub fn squashed(text: &str, scanner: &Scanner, found: &mut Finds) {
    let bytes = text.as_bytes();
    let inside = |at| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
    for range in runs(bytes.len(), MIN_SQUASHED, inside) {
        let word = text.get(range.clone()).unwrap_or_default();
        let words = scanner.words(word).map(|word| word.len());
        let (count, known) = words.fold((0, 0), |(count, all), length| (count + 1, all + length));
        // Few known words inside a long name are chance, and capitals show a name's parts anyway.
        let is_name = word.bytes().skip(1).any(|byte| byte.is_ascii_uppercase());
        let mostly = match is_name {
            true => known * 4 >= word.len() * 3,
            false => known * 2 >= word.len() || count >= MANY_WORDS,
        };
        if count >= 2 && mostly {
            found.add("run-together", range, apart(word, scanner));
        }
    }
}

fn is_separator(letter: char) -> bool {
    matches!(letter, ' ' | '.' | '-' | '_' | '*' | '|' | '/' | ',')
}

/// A row with the first and the last letter of its run, to which marks above ASCII may stick, and what
/// stands beside those.
fn around(text: &str, row: &Range<usize>) -> Range<usize> {
    let before = text.get(..row.start).unwrap_or_default().char_indices();
    let start = before.rev().take(MAX_GAP + 2).last();
    let after = text.get(row.end..).unwrap_or_default().chars();
    let bytes: usize = after.take(MAX_GAP + 2).map(char::len_utf8).sum();
    start.map_or(row.start, |(at, _)| at)..row.end + bytes
}

/// Stretches in which single letters alternate with one to three separators.
fn lone_letter_runs(text: &str, place: &Range<usize>) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let before = text.get(..place.start).unwrap_or_default();
    let inside_word = before
        .chars()
        .next_back()
        .is_some_and(char::is_alphanumeric);
    let (mut start, mut end, mut letters) = (0, 0, 0);
    let mut gap = usize::from(!inside_word);
    let here = text.get(place.clone()).unwrap_or_default();
    let letters_at = here
        .char_indices()
        .map(|(at, letter)| (place.start + at, letter));
    for (at, letter) in letters_at {
        if is_separator(letter) {
            gap += 1;
        } else if letter.is_alphanumeric() && (1..=MAX_GAP).contains(&gap) {
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
        if gap > MAX_GAP {
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
    use super::super::survey::Survey;
    use super::super::tests::pieces;
    use super::*;

    #[test]
    fn marks_that_stick_to_letters_take_none_away() {
        let scanner = Scanner::new(Vec::new()).unwrap();
        for (text, said) in [
            ("“i g n o r e  a l l  o f  i t”", "ignore all of it”"),
            ("👉i g n o r e — and more", "ignore — and more"),
            ("“i g n o r e” “p r i o r”", "ignore” “prior”"),
        ] {
            let found = pieces(text, |text, found| {
                spaced(text, &Survey::of(text).lone_letters, &scanner, found);
            });
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!(found[0].text, said);
        }
    }

    #[test]
    fn runs_of_lone_letters_are_found_among_words() {
        let text = "note: i g n o r e  a l l  o f it";
        let runs = lone_letter_runs(text, &(0..text.len()));
        assert_eq!(runs.len(), 1);
        assert!(text[runs[0].clone()].starts_with("i g n o r e  a l l"));
        let few = "ls -l a b c; and so on";
        assert!(lone_letter_runs(few, &(0..few.len())).is_empty());
    }
}
