//! Where output goes: data on stdout, talk on stderr, colour only where a person looks at it.
//!
//! A reader that closes the pipe early (`| head`) is no failure: the rest is dropped and the verb
//! still ends with its own exit code.

use super::escape;
use crate::policy::Action;
use serde_json::{Value, json};
use std::cell::Cell;
use std::io::{ErrorKind, IsTerminal, Write};

pub struct Terminal {
    pub json: bool,
    quiet: bool,
    pub ink: Ink,
    closed: Cell<bool>,
}

/// Whether words are coloured. Meaning never rests on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    Plain,
    Colour,
}

impl Terminal {
    pub fn new(json: bool, quiet: bool) -> Self {
        let ink = ink(std::io::stdout().is_terminal(), |name| {
            std::env::var(name).ok()
        });
        Self {
            json,
            quiet,
            ink,
            closed: Cell::new(false),
        }
    }

    /// Writes data, a line end included.
    ///
    /// # Errors
    /// When stdout can't be written for another reason than a reader that has left.
    pub fn data(&self, text: &str) -> std::io::Result<()> {
        if self.closed.get() {
            return Ok(());
        }
        let mut out = std::io::stdout().lock();
        let end = if text.ends_with('\n') { "" } else { "\n" };
        match write!(out, "{text}{end}").and_then(|()| out.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed.set(true);
                Ok(())
            }
            written => written,
        }
    }

    /// Writes one object on one line; its shape's version is `v`.
    ///
    /// # Errors
    /// See [`Terminal::data`].
    pub fn object(&self, mut value: Value) -> std::io::Result<()> {
        if let Some(object) = value.as_object_mut() {
            object.entry("v").or_insert(json!(1));
        }
        self.data(&escape::json(&value.to_string()))
    }

    /// Talk: progress, hints. Silent with `--quiet`.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            complain(text);
        }
    }

    pub fn quiet(&self) -> bool {
        self.quiet
    }

    /// The reader of our data has left.
    pub fn closed(&self) -> bool {
        self.closed.get()
    }
}

/// What must be said even with `--quiet`. A closed stderr is nobody's failure.
pub fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

impl Ink {
    /// A decision as sign and word.
    pub fn action(self, action: Action) -> String {
        match action {
            Action::Allow => self.green("✔ allow"),
            Action::Log => self.green("✔ log"),
            Action::Redact => self.cyan("~ redact"),
            Action::Ask => self.yellow("? ask"),
            Action::Deny => self.red("✖ deny"),
        }
    }

    pub fn red(self, text: &str) -> String {
        self.paint("31", text)
    }
    pub fn green(self, text: &str) -> String {
        self.paint("32", text)
    }
    pub fn yellow(self, text: &str) -> String {
        self.paint("33", text)
    }
    pub fn cyan(self, text: &str) -> String {
        self.paint("36", text)
    }
    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }
    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colour => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}

/// Sources: no-color.org (any non-empty value); bixense.com/clicolors for `CLICOLOR_FORCE`.
fn ink(is_terminal: bool, var: impl Fn(&str) -> Option<String>) -> Ink {
    let set = |name: &str| var(name).filter(|value| !value.is_empty());
    if set("NO_COLOR").is_some() {
        return Ink::Plain;
    }
    if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return Ink::Colour;
    }
    if is_terminal && set("TERM").is_none_or(|term| term != "dumb") {
        Ink::Colour
    } else {
        Ink::Plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(is_terminal: bool, vars: &[(&str, &str)], expected: Ink) {
        let var = |name: &str| {
            vars.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(ink(is_terminal, var), expected, "{vars:?}");
    }

    #[test]
    fn colour_only_where_a_person_looks_and_wants_it() {
        check(true, &[], Ink::Colour);
        check(false, &[], Ink::Plain);
        check(true, &[("NO_COLOR", "1")], Ink::Plain);
        check(true, &[("NO_COLOR", "")], Ink::Colour);
        check(true, &[("TERM", "dumb")], Ink::Plain);
        check(false, &[("CLICOLOR_FORCE", "1")], Ink::Colour);
        check(false, &[("CLICOLOR_FORCE", "0")], Ink::Plain);
        check(
            false,
            &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")],
            Ink::Plain,
        );
    }

    #[test]
    fn a_decision_can_be_read_without_colour() {
        let words = [
            Action::Allow,
            Action::Log,
            Action::Redact,
            Action::Ask,
            Action::Deny,
        ]
        .map(|a| Ink::Plain.action(a));
        assert_eq!(words, ["✔ allow", "✔ log", "~ redact", "? ask", "✖ deny"]);
        assert_eq!(
            Ink::Colour.action(Action::Deny),
            "\u{1b}[31m✖ deny\u{1b}[0m"
        );
    }
}
