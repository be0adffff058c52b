//! Words pulled apart ("i g n o r e", "i.g.n.o.r.e") or run together ("ignoreallprevious…").

use std::ops::Range;

use super::{Finds, apart, ceil};
use crate::scan::Scanner;

/// Fewer lone letters are initials, options and table cells.
pub const MIN_LETTERS: usize = 5;
/// Bytes after a run that are read with it.
const FOLLOWING: usize = 120;
/// The longest English words are shorter.
pub const MIN_SQUASHED: usize = 28;
/// Known words that no long name has by chance.
const MANY_WORDS: usize = 5;

/// Joins runs of lone letters. Two separators in a row are a space between words; without any,
/// the words are found by the scanner's own list.
pub fn spaced(text: &str, scanner: &Scanner, found: &mut Finds) {
    let mut runs = lone_letter_runs(text).into_iter().peekable();
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
