//! Whether a text is a line for a shell, when its name does not say so.

use super::super::place::looks_like_path;
use super::super::programs;
use super::super::shell::program;

/// Begins with a program, as a line does. `exactly` as it is written: "Copy" begins a sentence, and is
/// a program only to some systems.
pub(super) fn names_program(text: &str, exactly: bool) -> bool {
    let mut words = text.split_whitespace();
    let first = words.next().unwrap_or("");
    let next = words.next().unwrap_or("");
    let pathlike =
        next.starts_with(['-', '/', '~', '$', '.', '"', '\'', '<', '>', '|']) || next.contains('/');
    let name = program(first);
    let is_word = programs::is_program_or_word(&name);
    let written = !exactly || !first.starts_with(char::is_uppercase);
    (programs::is_program(&name) && !next.is_empty() && written) || (is_word && pathlike && written)
}

/// Reads like what people write to each other: several plain words, no place among them, no sign of a
/// shell.
pub(super) fn is_sentence(text: &str) -> bool {
    let words = text.split_whitespace();
    let first = text.trim_start().chars().next();
    words.clone().count() > MAX_LINE_WORDS
        && first.is_some_and(char::is_alphabetic)
        && !text.contains(['|', ';', '$', '`', '>', '<', '&', '*', '=', '\\', '"'])
        && !words
            .into_iter()
            .any(|word| word.contains('/') && looks_like_path(word) || word.starts_with(['-', '~']))
}

/// Chosen: `cat id_rsa notes` is a line, and three words say little to anybody.
const MAX_LINE_WORDS: usize = 3;
