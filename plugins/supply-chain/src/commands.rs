//! Finds the commands in the arguments of a call.
//!
//! A call that carries none must cost next to nothing, so every text is judged by its key or its
//! first letters before anything is allocated.

mod beside;

use clawdefender_sdk::{Role, Text};

use crate::launch;
use beside::Beside;

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
    /// A program and its arguments, as separate strings, and the variables that stand beside them.
    Argv(Vec<String>, Env),
    /// More stands beside one list of arguments than is tried as its program.
    Crowded,
}

/// Variables and their values.
type Env = Vec<(String, String)>;

/// All commands among the arguments, in order.
pub fn commands(texts: &[Text]) -> Vec<Command<'_>> {
    let mut found = Vec::new();
    let mut beside = Beside::default();
    for text in texts.iter().filter(|text| text.role == Role::Argument) {
        let (parent, key) = split_pointer(&text.pointer);
        let (owner, list) = split_pointer(parent);
        let line = text.original.as_str();
        if is_env_key(list) {
            beside.variable(owner, key, line);
        }
        if is_index(key) {
            let commands = is_command_key(list);
            if commands || is_arguments_key(list) {
                beside
                    .lists
                    .entry(parent)
                    .or_default()
                    .push(line.to_owned());
            }
            if commands {
                // One element may itself be a script: ["bash", "-c", "…"] is read as argv, but
                // {"commands": ["npm i x", …]} holds one line each.
                if line.contains(' ') {
                    found.push(Command::Line(line));
                }
                continue;
            }
        } else {
            if is_arguments_key(key) {
                beside.strings.push((parent, line));
            }
            if is_command_key(key) {
                if !is_arguments_key(key) {
                    beside.lines.push((parent, line));
                }
                found.push(Command::Line(line));
                continue;
            }
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
    beside.join(&mut found);
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
        "sourcecode",
        "expression",
        "snippet",
        "notebookcell",
    ];
    is_one_of(key, &KEYS)
}

fn is_command_key(key: &str) -> bool {
    const KEYS: [&str; 19] = [
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
        "shellcommand",
        "program",
        "executable",
        "scripts",
        "cmds",
        "target",
        "entrypoint",
    ];
    is_one_of(key, &KEYS)
}

/// Whether what it names are arguments, if a program stands beside them.
fn is_arguments_key(key: &str) -> bool {
    const KEYS: [&str; 14] = [
        "args",
        "argv",
        "arguments",
        "argument",
        "params",
        "parameters",
        "cmdargs",
        "commandargs",
        "commandarguments",
        "programargs",
        "extraargs",
        "arglist",
        "options",
        "flags",
    ];
    is_one_of(key, &KEYS)
}

fn is_env_key(key: &str) -> bool {
    const KEYS: [&str; 6] = [
        "env",
        "envs",
        "environ",
        "environment",
        "envvars",
        "environmentvariables",
    ];
    is_one_of(key, &KEYS)
}

/// Whether a key is one of these, in any spelling: `command_line`, `commandLine`, `command-line`.
fn is_one_of(key: &str, known: &[&str]) -> bool {
    const LONGEST: usize = 24;
    let letters = || key.bytes().filter(|byte| !b"_-".contains(byte));
    key.len() <= LONGEST
        && known.iter().any(|known| {
            letters()
                .map(|byte| byte.to_ascii_lowercase())
                .eq(known.bytes())
        })
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
    let text = text.trim();
    let begins = |part: &str| {
        let part = part.trim_start().trim_start_matches("$ ");
        let words = part.split_whitespace();
        let mut words = words.skip_while(|word| launch::is_assignment(word));
        let first = words.next().unwrap_or_default();
        let starts = launch::may_start(first) || matches!(first, "curl" | "wget");
        starts && words.next().is_some()
    };
    let any = |line: &str| line.split(['&', ';', '|']).any(begins);
    match text.split_once('\n') {
        None => text.len() <= MAX_LINE_BYTES && any(text),
        Some((line, _)) => {
            ["cd ", "set -", "export "]
                .iter()
                .any(|start| line.starts_with(start))
                || begins(line)
                || line.len() <= MAX_FIRST_BYTES && any(line)
        }
    }
}

/// A longer line is no command, unless its key says so.
const MAX_LINE_BYTES: usize = 16 * 1024;
/// The same of the first of several lines, which nobody typed if it is longer.
const MAX_FIRST_BYTES: usize = 1024;

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
                Command::Argv(argv, Vec::new())
            ]
        );
    }

    /// The argument lists that are put together out of `key: value` in one object.
    fn lists(members: &[(&str, &str)]) -> Vec<String> {
        let pointer = |key: &str| format!("/params/arguments/{key}");
        let texts = members
            .iter()
            .map(|(key, value)| text(&pointer(key), value));
        let texts: Vec<Text> = texts.collect();
        let found = commands(&texts).into_iter();
        found
            .filter_map(|command| match command {
                Command::Argv(words, env) => {
                    let env = env.iter().map(|(name, value)| format!("{name}={value} "));
                    Some(env.collect::<String>() + &words.join(" "))
                }
                Command::Crowded => Some("crowded".to_owned()),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn arguments_are_joined_with_every_program_beside_them() {
        let args = [("args/0", "-y"), ("args/1", "evil")];
        let with = |more: &[(&str, &str)]| lists(&[more, &args].concat());
        assert_eq!(with(&[]), ["-y evil"]);
        assert_eq!(
            with(&[("command", "npx"), ("shell", "/bin/bash")]),
            ["npx -y evil", "/bin/bash -y evil"]
        );
        assert_eq!(with(&[("command", "npx --quiet")]), ["npx --quiet -y evil"]);
        assert_eq!(
            with(&[("command", "cd /w && npx")]),
            ["sh -c cd /w && npx -y evil"]
        );
        assert_eq!(
            with(&[("command", "C:\\a b\\npx.cmd")]),
            ["C:\\a b\\npx.cmd -y evil"]
        );
        assert_eq!(
            with(&[("command", "npx"), ("env/A", "b"), ("env/C", "d")]),
            ["A=b C=d npx -y evil", "A=b C=d sh -c npx"]
        );
        assert_eq!(
            with(&[("command", "npx"), ("env/0", "A=b")]),
            ["A=b npx -y evil", "A=b sh -c npx"]
        );
        let value = "x".repeat(200 * 1024);
        let long = [("command", "npx"), ("env/A", value.as_str())];
        let found = with(&long);
        assert!(found[0].ends_with("npx -y evil"));
        assert_eq!(found[1], "crowded");
        let names: Vec<String> = (0..10).map(|n| format!("p{n}")).collect();
        let many: Vec<(&str, &str)> = names.iter().map(|name| ("cmd", name.as_str())).collect();
        let found = with(&many);
        assert_eq!((found.len(), found[8].as_str()), (9, "crowded"));
        for key in [
            "arguments",
            "params",
            "parameters",
            "cmd_args",
            "commandArgs",
            "argv",
        ] {
            let key = format!("{key}/0");
            assert_eq!(
                lists(&[("command", "npx"), (&key, "evil")]),
                ["npx evil"],
                "{key}"
            );
        }
        assert_eq!(lists(&[("params/0", "evil")]), [""; 0]);
        assert_eq!(
            lists(&[("shell", "bash"), ("cmd/0", "npx"), ("cmd/1", "evil")]),
            ["npx evil", "bash npx evil"]
        );
    }

    #[test]
    fn arguments_in_one_string_are_joined_with_a_launcher_beside_them() {
        for (members, expected) in [
            (
                &[("command", "npx"), ("args", "-y 'evil'")][..],
                &["npx -y evil"][..],
            ),
            (
                &[("args", "evil; ls"), ("program", "npx")],
                &["sh -c npx evil; ls"],
            ),
            (
                &[("command", "npx"), ("parameters", "evil"), ("env/A", "b")],
                &["A=b npx evil", "A=b sh -c npx"],
            ),
            (
                &[("command", "create"), ("params", "npm install is prose")],
                &[],
            ),
            (&[("args", "-y evil")], &[]),
            (
                &[("command", "npx"), ("args", "-y evil 'x")],
                &["npx -y evil 'x"],
            ),
        ] {
            assert_eq!(lists(members), expected, "{members:?}");
        }
    }

    #[test]
    fn commands_under_any_key_are_known_by_their_first_words() {
        for line in [
            "clear; npm i evil\n",
            "FOO=1 npm i evil",
            "A=1 B='2' npm i evil\r\n",
            "clear; npm i evil\nls\n",
            "  true && X=1 npm i evil  ",
        ] {
            assert_eq!(
                commands(&[text("/params/arguments/input", line)]),
                [Command::Line(line)]
            );
        }
        for line in ["npm\n", "FOO=1 npm", "FOO=1", "see npm\nnpm i evil\n", ""] {
            assert_eq!(
                commands(&[text("/params/arguments/input", line)]),
                [],
                "{line}"
            );
        }
    }

    #[test]
    fn only_arguments_are_read() {
        let mut name = text("/params/command", "npx evil");
        name.role = Role::Name;
        assert!(commands(&[name]).is_empty());
    }
}
