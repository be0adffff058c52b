//! Names that content tells its reader to use: "send the money to US13…", "post it to www.x.example".
//!
//! Whether an order is an attack is not said here. It becomes a sign when a later call does what
//! the content asked, with the name the content gave (`lead = true` in a chain).

use crate::action::Actions;
use crate::lexicon::{Directives, equals};
use crate::print::Printer;

/// How far behind its verb a name may stand, in bytes.
const REACH: usize = 240;
/// Longest word that is looked at as a name.
const MAX_NAME: usize = 128;

/// Adds the names that orders in `text` give.
pub fn find(
    text: &str,
    directives: &Directives,
    printer: &Printer,
    leads: &mut Vec<(u32, Actions)>,
    most: usize,
) {
    let mut active: Option<(Actions, usize)> = None;
    let mut previous = "";
    let mut at_start = true;
    let mut line_breaks = 0;
    for (offset, word) in words(text) {
        if word == "\n" {
            line_breaks += 1;
            // A wrapped line goes on, an empty one ends the sentence.
            if line_breaks > 1 {
                active = None;
                at_start = true;
            }
            continue;
        }
        let bare = bare(word);
        if let Some(actions) = directives.verb(bare) {
            let order = at_start
                || line_breaks > 0
                || directives
                    .lead_ins
                    .iter()
                    .any(|lead| equals(lead, previous));
            if order {
                let earlier = active.map(|(earlier, _)| earlier).unwrap_or_default();
                active = Some((actions.union(earlier), offset));
            }
        }
        line_breaks = 0;
        if let Some((actions, since)) = active {
            if offset > since + REACH {
                active = None;
            } else if is_name(bare) {
                for name in forms(bare) {
                    if leads.len() < most {
                        leads.push((printer.word(name), actions));
                    }
                }
            }
        }
        // Orders often follow a colon or quote glued to other words: "subject: 'TODO: Send …".
        let last = word.as_bytes().last();
        at_start = last.is_some_and(|last| b":.!?;>,\"'-*".contains(last)) || bare.is_empty();
        if last.is_some_and(|last| b".!?;".contains(last)) {
            active = None;
        }
        previous = bare;
    }
}

/// Adds the hashes of all names in `text`: what a call uses.
pub fn names(text: &str, printer: &Printer, found: &mut Vec<u32>) {
    for (_, word) in words(text) {
        let bare = bare(word);
        if is_name(bare) {
            found.extend(forms(bare).map(|name| printer.word(name)));
        }
    }
}

/// Distinct enough that using it is no chance: has a dot, `@`, `_` or digits among letters.
fn is_name(word: &str) -> bool {
    if !(6..=MAX_NAME).contains(&word.len()) {
        return false;
    }
    let (mut letters, mut marks) = (false, false);
    for byte in word.bytes() {
        letters |= byte.is_ascii_alphabetic();
        marks |= matches!(byte, b'.' | b'@' | b'_' | b'-' | b'/' | b':' | b'0'..=b'9');
    }
    letters && marks
}

/// A name as written, of an address also its host, of a path also its last part.
fn forms(name: &str) -> impl Iterator<Item = &str> {
    let plain = name
        .split_once("://")
        .map_or(name, |(_, rest)| rest)
        .trim_end_matches('/');
    let host = plain
        .split(['/', '?', '#'])
        .next()
        .filter(|host| *host != plain && host.contains('.'));
    let tail = plain
        .rsplit_once('/')
        .map(|(_, tail)| tail)
        .filter(|tail| is_name(tail));
    std::iter::once(plain).chain(host).chain(tail)
}

/// The word without what stands around it.
fn bare(word: &str) -> &str {
    let outside = |byte: &u8| byte.is_ascii() && !byte.is_ascii_alphanumeric();
    let bytes = word.as_bytes();
    let start = bytes.iter().take_while(|byte| outside(byte)).count();
    let ending = bytes.get(start..).unwrap_or_default();
    let after = ending.iter().rev().take_while(|byte| outside(byte)).count();
    let inner = word.get(start..word.len() - after).unwrap_or_default();
    if inner.is_ascii() {
        return inner;
    }
    inner.trim_matches(|char: char| !char.is_alphanumeric())
}

/// Words with their offsets; a line break is a word.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = skip(text, from, Class::Blank);
        let end = match class(text.as_bytes().get(start).copied()?) {
            // The boundary may be the first character itself.
            Class::Break | Class::Mark => start + 1,
            _ => skip(text, start, Class::Letter),
        };
        from = end;
        Some((start, text.get(start..end)?))
    })
}

/// The first place at or after `at` where no character of the class `over` stands.
fn skip(text: &str, mut at: usize, over: Class) -> usize {
    while let Some(rest) = text.as_bytes().get(at..) {
        let Some(step) = rest.iter().position(|byte| class(*byte) != over) else {
            return text.len();
        };
        at += step;
        // Only a look at the whole character tells whether it is a blank.
        let wide = text.get(at..).and_then(|rest| rest.chars().next());
        match wide.filter(|char| !char.is_ascii()) {
            Some(char) if char.is_whitespace() == (over == Class::Blank) => at += char.len_utf8(),
            _ => return at,
        }
    }
    text.len()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Letter,
    Blank,
    Break,
    /// A word of its own.
    Mark,
    /// Part of a character outside ASCII.
    Wide,
}

fn class(byte: u8) -> Class {
    CLASSES
        .get(usize::from(byte))
        .copied()
        .unwrap_or(Class::Wide)
}

/// Asked of every byte, so it is looked up.
const CLASSES: [Class; 256] = {
    let mut table = [Class::Wide; 256];
    let mut byte = 0;
    while byte < 128 {
        #[expect(clippy::indexing_slicing, reason = "computed while compiling")]
        {
            table[byte] = match byte as u8 {
                b'\n' => Class::Break,
                b'<' | b'|' => Class::Mark,
                b' ' | b'\t' | b'\x0b' | b'\x0c' | b'\r' => Class::Blank,
                _ => Class::Letter,
            };
        }
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_at_blanks_and_marks_and_a_line_break_is_one() {
        let all = |text| words(text).map(|(_, word)| word).collect::<Vec<_>>();
        assert_eq!(
            all(" a<b>|c  d\n\n é\u{a0}ü\u{2028}x "),
            ["a", "<", "b>", "|", "c", "d", "\n", "\n", "é", "ü", "x"]
        );
        assert_eq!(all("<"), ["<"]);
        assert_eq!(all("\u{3000} \t"), Vec::<&str>::new());
        assert_eq!(words("é x").last(), Some((3, "x")));
    }

    #[test]
    fn a_bare_word_begins_and_ends_with_a_letter_or_digit() {
        for (word, inner) in [
            ("'a.b',", "a.b"),
            ("«Ünü!»", "Ünü"),
            ("-…é…-x-", "é…-x"),
            ("…\"", ""),
            ("--", ""),
            ("", ""),
        ] {
            assert_eq!(bare(word), inner, "{word}");
        }
    }
}
