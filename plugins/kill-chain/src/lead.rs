//! Names that content tells its reader to use: "send the money to US13…", "post it to www.x.example".
//!
//! Whether an order is an attack is not said here. It becomes a sign when a later call does what
//! the content asked, with the name the content gave (`lead = true` in a chain).

use crate::action::Actions;
use crate::lexicon::Directives;
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
        let bare = word.trim_matches(|char: char| !char.is_alphanumeric());
        let lower = bare.to_ascii_lowercase();
        if let Some(actions) = directives.verb(&lower) {
            let order = at_start
                || line_breaks > 0
                || directives
                    .lead_ins
                    .iter()
                    .any(|lead| lead == previous.to_ascii_lowercase().as_str());
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
        at_start = word.ends_with([':', '.', '!', '?', ';', '>', ',', '"', '\'', '-', '*'])
            || bare.is_empty();
        if word.ends_with(['.', '!', '?', ';']) {
            active = None;
        }
        previous = bare;
    }
}

/// Adds the hashes of all names in `text`: what a call uses.
pub fn names(text: &str, printer: &Printer, found: &mut Vec<u32>) {
    for (_, word) in words(text) {
        let bare = word.trim_matches(|char: char| !char.is_alphanumeric());
        if is_name(bare) {
            found.extend(forms(bare).map(|name| printer.word(name)));
        }
    }
}

/// Distinct enough that using it is no chance: has a dot, `@`, `_` or digits among letters.
fn is_name(word: &str) -> bool {
    let letters = word.bytes().any(|byte| byte.is_ascii_alphabetic());
    let marks = word
        .bytes()
        .any(|byte| b".@_-/:".contains(&byte) || byte.is_ascii_digit());
    (6..=MAX_NAME).contains(&word.len()) && letters && marks
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

/// Words with their offsets; a line break is a word.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let rest = text.get(from..)?;
        let skipped = rest.find(|char: char| char == '\n' || !char.is_whitespace())?;
        let start = from + skipped;
        let rest = text.get(start..)?;
        let length = match rest.starts_with('\n') {
            true => 1,
            false => rest
                .find(|char: char| char.is_whitespace() || char == '<' || char == '|')
                .unwrap_or(rest.len())
                .max(1),
        };
        // The boundary may be the first character itself.
        let length = if rest.is_char_boundary(length) {
            length
        } else {
            rest.chars().next()?.len_utf8()
        };
        from = start + length;
        Some((start, rest.get(..length)?))
    })
}
