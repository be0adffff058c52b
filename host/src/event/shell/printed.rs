//! Lines that one program prints for another to run: `echo 'cat .env' | sh`.
//!
//! Which of a script's commands reads what another prints is not told from the script alone (groups,
//! files, descriptors), so it is enough that something prints, that what is printed goes somewhere,
//! and that something of the script runs what it reads.

use data_encoding::{BASE32, BASE64, Encoding, HEXLOWER_PERMISSIVE};

use super::super::programs::{interprets, is_program, is_program_or_word, precedes_program};
use super::enclosed::ansi_c;
use super::{Simple, lex, program, separated};

/// Programs that print their words.
const PRINTERS: [&str; 6] = [
    "echo",
    "printf",
    "print",
    "yes",
    "write-output",
    "write-host",
];

/// Programs that turn what they read into something else.
const DECODERS: [&str; 6] = ["base64", "gbase64", "openssl", "base32", "xxd", "rev"];

/// What such a program makes of a text.
fn undone(decoder: &str, text: &str) -> Option<String> {
    let decoded = |encoding: &Encoding| {
        let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        String::from_utf8(encoding.decode(plain.as_bytes()).ok()?).ok()
    };
    match decoder {
        "rev" => Some(text.chars().rev().collect()),
        "xxd" => decoded(&HEXLOWER_PERMISSIVE),
        "base32" => decoded(&BASE32),
        _ => decoded(&BASE64),
    }
}

/// Chosen: `echo "echo 'echo …' | sh" | sh` is three.
const MAX_ROUNDS: usize = 4;
/// Bytes of what is printed for each of the script: three readings, two of them nested.
const SHARE: usize = 6;

/// Adds what the commands of a script print for something else of it to run.
pub(super) fn lex_all(script: &str, found: &mut Vec<Simple>) {
    if !goes_on(script) {
        return;
    }
    let mut from = 0;
    let mut left = SHARE * script.len();
    for _ in 0..MAX_ROUNDS {
        if from == found.len() || !found.iter().any(Simple::may_run_files) {
            return;
        }
        let interpreter = interpreter(found);
        let lines = lines(found, from);
        from = found.len();
        for line in lines {
            // All readings of all that is printed: more than that is none's to run.
            let Some(rest) = left.checked_sub(line.len()) else {
                return found.push(Simple {
                    unread: true,
                    ..Simple::default()
                });
            };
            left = rest;
            lex_line(line, interpreter.as_ref(), found);
        }
    }
}

/// The interpreter among the commands: to it, what is given to read is program text.
pub(super) fn interpreter(commands: &[Simple]) -> Option<String> {
    let mut words = commands.iter().flat_map(|simple| &simple.words);
    words.find(|word| interprets(&program(word))).cloned()
}

/// Lexes a line that something of the script may run.
pub(super) fn lex_line(line: String, interpreter: Option<&String>, found: &mut Vec<Simple>) {
    lex(&separated(&line), 1, found);
    found.extend(interpreter.map(|program| Simple {
        words: vec![program.clone(), line],
        ..Simple::default()
    }));
}

/// Whether what a script prints may go anywhere but to whoever reads the terminal.
fn goes_on(script: &str) -> bool {
    script.contains(['|', '>', '`']) || ["$(", "<("].iter().any(|mark| script.contains(mark))
}

/// What these commands print that may be lines, of those from `from` on.
fn lines(commands: &[Simple], from: usize) -> Vec<String> {
    let words = commands.iter().flat_map(|simple| &simple.words);
    let mut decoders: Vec<String> = words
        .map(|word| program(word))
        .filter(|name| DECODERS.contains(&name.as_str()))
        .collect();
    decoders.sort_unstable();
    decoders.dedup();
    let is_printer = |word: &&String| PRINTERS.contains(&program(word).as_str());
    let prints = |simple: &&Simple| simple.words.iter().any(|word| is_printer(&word));
    let mut lines = Vec::new();
    for simple in commands.get(from..).unwrap_or_default() {
        // A here-string is read as a line already.
        let words = if prints(&simple) {
            simple.words.as_slice()
        } else {
            &[]
        };
        let printed = words.iter().skip_while(|word| !is_printer(word)).skip(1);
        let printed: Vec<&str> = printed.map(String::as_str).collect();
        let joined = printed.join(" ");
        let inputs = simple.input.iter().map(String::as_str);
        for text in printed.into_iter().chain([joined.as_str()]).chain(inputs) {
            lines.extend(decoders.iter().filter_map(|name| undone(name, text)));
        }
        for word in words {
            let escaped = word.contains('\\');
            let parts = |c: char| c.is_whitespace() || "<>|;&`$(){}'\"".contains(c);
            if word.contains(parts) && (simple.piped || !is_remark(word)) || escaped {
                lines.push(word.clone());
            }
            if escaped {
                lines.push(ansi_c(&mut word.chars().peekable()));
                // The octal escapes of `echo -e` begin with a zero.
                lines.push(ansi_c(&mut word.replace("\\0", "\\").chars().peekable()));
            }
        }
    }
    lines
}

/// Reads like what people are told, and begins with no program: "Set your .env first".
fn is_remark(text: &str) -> bool {
    const SIGNS: &[char] = &[
        '|', ';', '$', '`', '>', '<', '&', '*', '=', '\\', '(', '{', '\n', '/', '~',
    ];
    let first = text.split_whitespace().next().unwrap_or_default();
    let name = program(first);
    let runs = is_program(&name) || is_program_or_word(&name) || precedes_program(&name);
    let written = first.starts_with(|c: char| c.is_alphabetic());
    let sentence = text.split_whitespace().count() > 3;
    let begins = first.starts_with(char::is_uppercase);
    written && !text.contains(SIGNS) && (begins || sentence && !runs)
}
