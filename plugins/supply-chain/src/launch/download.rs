//! Whether a script runs what it downloads, or what it prints.

use std::collections::{BTreeMap, BTreeSet};

use super::fetchers::{base_name, fetches};
use super::lexer::Variables;
use super::shell::{NestedKind, Script, Simple, mark};
use crate::effort;

impl Script {
    /// Whether something that was just downloaded is handed to an interpreter.
    pub fn runs_download(&self) -> bool {
        if !self.fetches {
            return false;
        }
        let fetched = self.fetched();
        let marked = |word: &&str| {
            effort::spend(word.len());
            !fetched.is_empty() && word.chars().any(|c| fetched.contains(&c))
        };
        let sinks = self.sinks();
        let mut downloading = false;
        let mut group = Group::default();
        let mut files: BTreeSet<&str> = BTreeSet::new();
        let mut programs: BTreeSet<&str> = BTreeSet::new();
        for (at, command) in self.commands.iter().enumerate() {
            downloading &= group.takes(command, downloading);
            let takes =
                || command.runs_its_input() || (group.is_open() && command.runs_what_is_read());
            let runs_file = || command.runs().iter().any(|name| files.contains(name));
            let bare = || command.bare_program().is_some_and(|p| programs.contains(p));
            if downloading && takes()
                || !files.is_empty() && (runs_file() || bare())
                || command.run_texts().iter().any(marked)
            {
                return true;
            }
            let prints = command.printed().iter().map(String::as_str);
            let fetches = command.is_download() || prints.into_iter().any(|word| marked(&word));
            if (downloading || fetches) && sinks.contains(&at) {
                return true;
            }
            if downloading || fetches {
                files.extend(command.downloaded());
            }
            programs.extend(command.makes_programs().filter(|name| files.contains(name)));
            downloading |= fetches || command.names_address();
        }
        // A substitution that is the program, or stands in what is run.
        self.nested.iter().any(|nested| {
            let parent = self.commands.get(nested.parent);
            nested.kind == NestedKind::Substitution
                && parent.is_none_or(Simple::runs_its_substitution)
                && is_download(&nested.text)
        })
    }

    /// What stands in words for the substitutions that download something.
    fn fetched(&self) -> BTreeSet<char> {
        let nested = self.nested.iter().enumerate();
        nested
            .filter(|(_, one)| one.kind == NestedKind::Substitution && is_download(&one.text))
            .filter_map(|(at, _)| mark(at))
            .collect()
    }

    /// The commands whose output goes to a shell of its own: `curl … | tee >(sh)`.
    fn sinks(&self) -> BTreeSet<usize> {
        let sinks = self.nested.iter().filter(|one| {
            let script = || Self::lex(&one.text, &mut Variables::new(), &mut 0);
            one.kind == NestedKind::Sink
                && script()
                    .commands
                    .first()
                    .is_some_and(Simple::runs_its_input)
        });
        sinks.map(|one| one.parent).collect()
    }

    /// Whether what each command prints is run: by a later part of the pipeline, or because the file
    /// that it is written to is run.
    pub fn outputs_run(&self) -> Vec<bool> {
        // Where each file is run for the last time.
        let mut last_run: BTreeMap<&str, usize> = BTreeMap::new();
        for (at, command) in self.commands.iter().enumerate() {
            for name in command.runs() {
                last_run.insert(name, at);
            }
        }
        let runs_later = |name: &str, at: usize| last_run.get(name).is_some_and(|last| *last > at);
        // From the last to the first: whether what comes out of a pipeline here is run, and whether
        // a file is that a `tee` from here on writes.
        let (mut taken, mut kept) = (false, false);
        let mut found: Vec<bool> = Vec::new();
        for (at, command) in self.commands.iter().enumerate().rev() {
            let mut written = command.written.iter().map(|file| base_name(file));
            let copies = command.copies();
            let mut copied = copies.iter().map(|file| base_name(file));
            let own = copied.any(|name| runs_later(name, at));
            found.push(if command.written.is_empty() {
                taken || own
            } else {
                kept || own || written.any(|name| runs_later(name, at))
            });
            if command.piped && command.takes_commands() {
                taken = true;
            } else if command.piped && !copies.is_empty() {
                kept |= own;
                // What it reads goes on to the next part, if there is one.
                let next = self.commands.get(at + 1);
                taken = kept || (taken && next.is_some_and(|next| next.piped));
            }
        }
        found.reverse();
        found
    }
}

fn is_download(text: &str) -> bool {
    fetches(text)
        && Script::lex(text, &mut Variables::new(), &mut 0)
            .commands
            .iter()
            .any(Simple::is_download)
}

/// Commands that share one input: `curl … | (cd x; sh)`, `… | while read l; do …; done`.
#[derive(Default)]
struct Group {
    /// Brackets around the pipe that began it.
    around: Option<u32>,
    /// Words like `{` and `while` that wait for their end.
    open: u32,
    before: u32,
}

impl Group {
    /// Whether this command reads from the pipe, too.
    fn takes(&mut self, command: &Simple, downloading: bool) -> bool {
        const OPENS: [&str; 6] = ["{", "while", "until", "for", "if", "case"];
        const CLOSES: [&str; 4] = ["}", "done", "fi", "esac"];
        let first = command.words.first().map_or("", String::as_str);
        let begins = command.piped && downloading;
        if begins && command.inner > self.before {
            self.around = Some(self.before);
        }
        self.around = self.around.filter(|around| command.inner > *around);
        let inside = self.is_open();
        if OPENS.contains(&first) && (begins || inside) {
            self.open += 1;
        } else if CLOSES.contains(&first) {
            self.open = self.open.saturating_sub(1);
        }
        self.before = command.inner;
        command.piped || inside
    }

    fn is_open(&self) -> bool {
        self.open > 0 || self.around.is_some()
    }
}

#[cfg(test)]
mod tests;
