//! Finds the commands in the arguments of a call.
//!
//! A call that carries none must cost next to nothing, so every text is judged by its key or its
//! first letters before anything is allocated.

use std::collections::BTreeMap;

use clawdefender_sdk::{Role, Text};

use crate::launch;

/// A command found in a call.
#[derive(Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// One string for a shell.
    Line(&'a str),
    /// Source code of any language.
    Code(&'a str),
    /// A shell script that nothing says is run.
    File(&'a str),
    /// A program in another language than a shell's, which nothing says is run.
    Program(&'a str),
    /// A program and its arguments, as separate strings.
    Argv(Vec<String>),
}

/// All commands among the arguments, in order.
pub fn commands(texts: &[Text]) -> Vec<Command<'_>> {
    let mut found = Vec::new();
    // Argument lists by the pointer of their array, and the lone words that may be their program.
    let mut lists: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut programs: BTreeMap<&str, &str> = BTreeMap::new();
    for text in texts.iter().filter(|text| text.role == Role::Argument) {
        let (parent, key) = split_pointer(&text.pointer);
        let line = text.original.as_str();
        if is_index(key) {
            let (_, list) = split_pointer(parent);
            if is_command_key(list) {
                lists.entry(parent).or_default().push(line.to_owned());
                // One element may itself be a script: ["bash", "-c", "…"] is read as argv, but
                // {"commands": ["npm i x", …]} holds one line each.
                if line.contains(' ') {
                    found.push(Command::Line(line));
                }
                continue;
            }
        } else if is_command_key(key) {
            if line.len() <= MAX_LINE_BYTES && !line.contains(char::is_whitespace) {
                programs.insert(parent, line);
            }
            found.push(Command::Line(line));
            continue;
        }
        if is_code_key(key) {
            found.push(Command::Code(line));
        }
        if is_program(line) {
            found.push(Command::Program(line));
        } else if line.starts_with("#!") {
            found.push(Command::File(line));
        } else if is_command(line) {
            found.push(Command::Line(line));
        }
    }
    for (pointer, mut words) in lists {
        let (parent, _) = split_pointer(pointer);
        if let Some(program) = programs.get(parent) {
            words.insert(0, (*program).to_owned());
        }
        found.push(Command::Argv(words));
    }
    found
}

fn split_pointer(pointer: &str) -> (&str, &str) {
    pointer.rsplit_once('/').unwrap_or(("", pointer))
}

fn is_index(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_code_key(key: &str) -> bool {
    const KEYS: [&str; 8] = [
        "code",
        "python",
        "javascript",
        "js",
        "source_code",
        "expression",
        "snippet",
        "notebook_cell",
    ];
    KEYS.iter().any(|known| known.eq_ignore_ascii_case(key))
}

fn is_command_key(key: &str) -> bool {
    const KEYS: [&str; 20] = [
        "command",
        "cmd",
        "script",
        "args",
        "argv",
        "commands",
        "shell",
        "exec",
        "run",
        "bash",
        "cmdline",
        "commandline",
        "command_line",
        "shell_command",
        "shellcommand",
        "program",
        "executable",
        "scripts",
        "cmds",
        "target",
    ];
    // Longest key above; longer ones can't match.
    key.len() <= 13 && KEYS.iter().any(|known| known.eq_ignore_ascii_case(key))
}

/// Whether text is a file that Python, Node, Perl, Ruby or the like runs.
fn is_program(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    first.starts_with("#!")
        && [
            "python", "node", "perl", "ruby", "php", "deno", "bun", "awk", "uv run", "tsx", "lua",
            "Rscript",
        ]
        .iter()
        .any(|name| first.contains(name))
}

/// Whether text under a key that promises nothing is a command all the same: it begins with a
/// launcher, or a later part of its only line does. Text of several lines is mostly prose, and is
/// read as a script only when its first line is one.
fn is_command(text: &str) -> bool {
    let text = text.trim_start();
    let begins = |part: &str| {
        let part = part.trim_start().trim_start_matches("$ ");
        let first = part.split_whitespace().next().unwrap_or_default();
        first.len() < part.len() && (launch::may_start(first) || matches!(first, "curl" | "wget"))
    };
    match text.split_once('\n') {
        None => text.len() <= MAX_LINE_BYTES && text.split(['&', ';', '|']).any(begins),
        Some((line, _)) => {
            ["cd ", "set -", "export "]
                .iter()
                .any(|start| line.starts_with(start))
                || begins(line)
        }
    }
}

/// A longer line is no command, unless its key says so.
const MAX_LINE_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn text(pointer: &str, original: &str) -> Text {
        Text {
            pointer: pointer.to_owned(),
            role: Role::Argument,
            original: original.to_owned(),
            canonical: None,
            attrs: Vec::new(),
        }
    }

    #[test]
    fn commands_are_found_by_key_and_by_their_first_words() {
        let texts = [
            text("/params/arguments/command", "npx"),
            text("/params/arguments/args/0", "-y"),
            text("/params/arguments/args/1", "evil"),
            text("/params/arguments/note", "pip install evil"),
            text("/params/arguments/step", "true && npx -y evil"),
            text("/params/arguments/file", "#!/bin/sh\nnpx evil"),
            text("/params/arguments/code", "run(['npx', 'evil'])"),
            text("/params/arguments/query", "how do I install npm?"),
            text("/params/arguments/readme", "# Use\n\nnpx evil"),
            text("/params/arguments/city", "Paris"),
        ];
        let argv = ["npx", "-y", "evil"].map(str::to_owned).to_vec();
        assert_eq!(
            commands(&texts),
            [
                Command::Line("npx"),
                Command::Line("pip install evil"),
                Command::Line("true && npx -y evil"),
                Command::File("#!/bin/sh\nnpx evil"),
                Command::Code("run(['npx', 'evil'])"),
                Command::Argv(argv)
            ]
        );
    }

    #[test]
    fn only_arguments_are_read() {
        let mut name = text("/params/command", "npx evil");
        name.role = Role::Name;
        assert!(commands(&[name]).is_empty());
    }
}
