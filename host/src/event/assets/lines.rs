//! Whether a text is a line for a shell, when its name does not say so; and which words of one only
//! say what is left alone.

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

/// Names or patterns to leave out, as a search takes them: nothing that begins at a root or goes up.
pub(super) fn is_left_out(text: &str) -> bool {
    let inner = |c: char| c.is_alphanumeric() || "._-*?/[]{},!@+".contains(c);
    text.chars().all(inner) && !text.starts_with('/') && !text.contains("..")
}

/// Whether the program leaves alone what the word at `at` names, or says no more than its name.
///
/// Sources: the manuals of these programs; only options that must have a value.
pub(super) fn leaves_out(words: &[String], at: usize, program: &str) -> bool {
    const EXCLUDE: &[&str] = &[
        "borg", "bsdtar", "diff", "du", "egrep", "fgrep", "grep", "gtar", "rclone", "restic",
        "rsync", "tar",
    ];
    let word = |at: Option<usize>| at.and_then(|at| words.get(at)).map_or("", String::as_str);
    let (own, last) = (word(Some(at)), word(at.checked_sub(1)));
    if own.starts_with('-') || !is_left_out(own) {
        return false;
    }
    match program {
        "zip" => {
            let before = words.get(..at).unwrap_or_default();
            let option = before.iter().rfind(|word| word.starts_with('-'));
            option.is_some_and(|option| option == "-x")
        }
        "git" => match word(Some(1)) {
            "check-ignore" | "ls-files" => true,
            "rm" => words.iter().any(|word| word == "--cached"),
            _ => false,
        },
        _ => EXCLUDE.contains(&program) && ["--exclude", "--exclude-dir"].contains(&last),
    }
}
