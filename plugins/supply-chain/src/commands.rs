//! Finds the commands in the arguments of a call.
//!
//! A call that carries none must cost next to nothing, so every text is judged by its key or its
//! first letters before anything is allocated.

use std::collections::BTreeMap;

use clawdefender_sdk::{Role, Text};

/// A command found in a call.
#[derive(Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// One string for a shell.
    Line(&'a str),
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
            if !line.contains(char::is_whitespace) {
                programs.insert(parent, line);
            }
            found.push(Command::Line(line));
            continue;
        }
        if starts_with_installer(line) {
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

fn starts_with_installer(line: &str) -> bool {
    const STARTS: [&str; 45] = [
        "npm i ",
        "npm install ",
        "npm add ",
        "npm exec ",
        "npm x ",
        "npx ",
        "pnpm add ",
        "pnpm i ",
        "pnpm install ",
        "pnpm dlx ",
        "pnpx ",
        "yarn add ",
        "yarn dlx ",
        "yarn global add ",
        "bun add ",
        "bun i ",
        "bun install ",
        "bunx ",
        "bun x ",
        "pip install ",
        "pip3 install ",
        "uv add ",
        "uv pip install ",
        "uv tool ",
        "uvx ",
        "pipx ",
        "npm create ",
        "npm init ",
        "npm config ",
        "npm set ",
        "pnpm create ",
        "yarn create ",
        "bun create ",
        "cargo install ",
        "cargo add ",
        "go install ",
        "go run ",
        "go get ",
        "gem install ",
        "deno run ",
        "docker run ",
        "docker pull ",
        "podman run ",
        "curl ",
        "wget ",
    ];
    let line = line.trim_start();
    let line = line.strip_prefix("sudo ").unwrap_or(line);
    matches!(
        line.as_bytes().first(),
        Some(b'n' | b'p' | b'y' | b'b' | b'u' | b'c' | b'w' | b'g' | b'd')
    ) && (STARTS.iter().any(|start| line.starts_with(start))
        || (line.starts_with("python") && line.contains(" -m pip ")))
}

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
            text("/params/arguments/query", "how do I install npm?"),
            text("/params/arguments/city", "Paris"),
        ];
        let argv = ["npx", "-y", "evil"].map(str::to_owned).to_vec();
        assert_eq!(
            commands(&texts),
            [
                Command::Line("npx"),
                Command::Line("pip install evil"),
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
