//! Joins what only together makes a command: a program, the arguments and the variables beside it.

use std::collections::BTreeMap;

use super::{Command, Env, is_arguments_key, is_command_key, is_index, split_pointer};
use crate::launch;

/// Words beside a list of arguments that may be its program; nobody has more keys for one.
const MAX_PROGRAMS: usize = 8;
/// Bytes of a call's words and variables that are copied for further readings of them.
const MAX_JOINED: usize = 256 * 1024;

/// What only makes a command together with something else in the same object.
#[derive(Default)]
pub(super) struct Beside<'a> {
    /// Lists of words by the pointer of their array.
    pub(super) lists: BTreeMap<&'a str, Vec<String>>,
    /// Arguments in one string, by the object.
    pub(super) strings: Vec<(&'a str, &'a str)>,
    /// Command lines, which may be no more than a program, by the object.
    pub(super) lines: Vec<(&'a str, &'a str)>,
    variables: BTreeMap<&'a str, Env>,
}

impl<'a> Beside<'a> {
    /// A member of an object, or `NAME=value` in a list.
    pub(super) fn variable(&mut self, owner: &'a str, key: &str, value: &str) {
        let pair = if is_index(key) {
            value.split_once('=')
        } else {
            Some((key, value))
        };
        if let Some((name, value)) = pair {
            let pair = (name.to_owned(), value.to_owned());
            self.variables.entry(owner).or_default().push(pair);
        }
    }

    pub(super) fn join(self, found: &mut Vec<Command<'a>>) {
        let mut programs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (owner, line) in &self.lines {
            let known = programs.entry(owner).or_default();
            let line = line.trim();
            if may_go_on(line) && !known.contains(&line) && known.len() <= MAX_PROGRAMS {
                known.push(line);
            }
        }
        let programs = |owner: &str| programs.get(owner).map(Vec::as_slice).unwrap_or_default();
        let env = |owner: &str| {
            self.variables
                .get(owner)
                .map(Vec::as_slice)
                .unwrap_or_default()
        };
        let mut joined = Joined {
            found,
            left: MAX_JOINED,
        };
        for (pointer, words) in &self.lists {
            let (owner, list) = split_pointer(pointer);
            let programs = programs(owner);
            let alone = is_command_key(list) && (programs.is_empty() || !is_arguments_key(list));
            if alone {
                joined.keep(words.clone(), env(owner), true);
            }
            for (at, program) in programs.iter().take(MAX_PROGRAMS).enumerate() {
                let argv = with_words(program, words);
                joined.keep(argv, env(owner), at == 0 && !alone);
            }
            if programs.len() > MAX_PROGRAMS {
                joined.crowded();
            }
        }
        for (owner, line) in &self.strings {
            let programs = programs(owner);
            // Behind anything else the string is prose, or a command that is read as it stands.
            let launchers = programs.iter().take(MAX_PROGRAMS);
            let launchers = launchers.filter(|program| ends_with_launcher(program));
            for (at, program) in launchers.enumerate() {
                let argv = if line.contains(OPERATORS) {
                    shell(&format!("{program} {line}"))
                } else {
                    with_words(program, &split(line))
                };
                joined.keep(argv, env(owner), at == 0);
            }
            if programs.len() > MAX_PROGRAMS {
                joined.crowded();
            }
        }
        for (owner, line) in &self.lines {
            if !env(owner).is_empty() {
                joined.keep(shell(line), env(owner), true);
            }
        }
    }
}

/// The commands that are made.
struct Joined<'f, 'a> {
    found: &'f mut Vec<Command<'a>>,
    /// What copies may still take.
    left: usize,
}

impl Joined<'_, '_> {
    /// Keeps a command; its words count unless they are the first copy of what was read.
    fn keep(&mut self, argv: Vec<String>, env: &[(String, String)], first: bool) {
        const EACH: usize = 32;
        if self.left == 0 && !env.is_empty() {
            return self.crowded();
        }
        let words = argv.iter().filter(|_| !first).map(|word| word.len() + EACH);
        let values = env
            .iter()
            .map(|(name, value)| name.len() + value.len() + EACH);
        let cost = words.chain(values).sum();
        match self.left.checked_sub(cost) {
            Some(left) => {
                self.left = left;
                self.found.push(Command::Argv(argv, env.to_vec()));
            }
            None => {
                self.left = 0;
                self.crowded();
            }
        }
    }

    fn crowded(&mut self) {
        if self.found.last() != Some(&Command::Crowded) {
            self.found.push(Command::Crowded);
        }
    }
}

/// What parts commands, or makes words of something else, in a line for a shell.
const OPERATORS: [char; 10] = ['|', '&', ';', '<', '>', '(', ')', '$', '`', '\n'];

fn shell(line: &str) -> Vec<String> {
    ["sh", "-c", line].map(str::to_owned).to_vec()
}

/// Words with open quotes are still words.
fn split(line: &str) -> Vec<String> {
    let plain = || line.split_whitespace().map(str::to_owned).collect();
    shlex::split(line).unwrap_or_else(plain)
}

/// Whether a line may be the beginning of a command that goes on beside it.
fn may_go_on(line: &str) -> bool {
    const MAX_BYTES: usize = 1024;
    !line.is_empty() && line.len() <= MAX_BYTES && !line.starts_with('-')
}

/// `C:\Program Files\nodejs\npx.cmd` is one word.
fn is_path(line: &str) -> bool {
    line.contains('\\') && launch::may_start(line)
}

fn ends_with_launcher(line: &str) -> bool {
    let last = line.rsplit(OPERATORS).next().unwrap_or_default();
    let mut words = last.split_whitespace();
    is_path(line) || words.next().is_some_and(launch::may_start)
}

/// A command, gone on by words.
fn with_words(line: &str, words: &[String]) -> Vec<String> {
    let first = if is_path(line) || !line.contains(char::is_whitespace) {
        vec![line.to_owned()]
    } else if line.contains(OPERATORS) {
        let quoted = shlex::try_join(words.iter().map(String::as_str));
        let words = quoted.unwrap_or_else(|_| words.join(" "));
        return shell(&format!("{line} {words}"));
    } else {
        split(line)
    };
    [&first, words].concat()
}
