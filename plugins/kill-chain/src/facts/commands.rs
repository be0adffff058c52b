//! What command lines and code do: which files each program reads, which it only names, where it
//! sends.

use super::{Facts, host_of};
use crate::action::{Action, Actions, Place, flag};
use crate::lexicon::Lexicon;
use crate::print::Printer;
use crate::shell::Command;

/// Where nothing is kept.
const SCRATCH: [&str; 4] = ["/tmp/", "/var/tmp/", "/dev/shm/", "./."];

impl Facts {
    pub(super) fn commands(&mut self, commands: &[Command], lexicon: &Lexicon, printer: &Printer) {
        // What a loop reads it hands to the commands inside.
        let loops = commands
            .iter()
            .any(|command| matches!(command.program.as_str(), "read" | "for"));
        for (number, command) in commands.iter().enumerate() {
            self.command(command, loops, lexicon, printer);
            // What was just brought here is started at once, from where nothing is kept.
            let from = |path: &String| SCRATCH.iter().any(|place| path.starts_with(place));
            let brings = |own: &Command| lexicon.command(own).0.has(Action::Download);
            if command.by_path.as_ref().is_some_and(from)
                && commands.iter().take(number).any(brings)
            {
                self.actions.add(Action::RunUnseen);
            }
            // On another machine the same is no better.
            if command.program == "ssh" {
                for line in command.words.iter().filter(|word| word.contains(' ')) {
                    let mut inner = Self::default();
                    inner.commands(&crate::shell::commands(line), lexicon, printer);
                    if inner.actions.has(Action::RunUnseen) {
                        self.actions.add(Action::RunUnseen);
                        self.flags |= inner.flags & flag::OUTSIDE;
                    }
                }
            }
        }
        let asks = |command: &Command| lexicon.usage.asks(&command.program);
        self.asks_only = !commands.is_empty() && commands.iter().all(asks);
        let plain = |command: &Command| !command.piped || lexicon.usage.is_filter(&command.program);
        self.unpiped = commands.iter().all(plain);
    }

    fn command(&mut self, command: &Command, loops: bool, lexicon: &Lexicon, printer: &Printer) {
        let (mut actions, flags) = lexicon.command(command);
        let program = command.program.as_str();
        if command.login {
            actions.0 &= !Action::ReadSecret.bit().0;
        }
        let takes_host = lexicon.takes_host(program);
        let loop_word = |word: &String| loops && word.contains('$');
        // An address that holds what another command says carries it out.
        if actions.has(Action::Fetch)
            && !takes_host
            && (command.holds || command.words.iter().any(loop_word))
        {
            actions.add(Action::Send);
        }
        self.flags |= flags;
        if flags & flag::MASS != 0 {
            self.flags |= if lexicon.usage.is_wide(command) {
                flag::WIDE
            } else {
                0
            };
        }
        if let Some(path) = &command.by_path {
            actions.add(Action::Execute);
            self.object(path, printer);
        }
        self.actions = self.actions.union(actions);
        let reads = actions.meets(reading()) && !lexicon.usage.edits(command);
        let target = lexicon.usage.target(command);
        let packs = actions.has(Action::Archive) || actions.has(Action::Encode);
        self.copies |= target.is_some() || packs;
        let mut before = "";
        for (number, word) in command.words.iter().enumerate() {
            let option = std::mem::replace(&mut before, word);
            if lexicon.is_key_option(program, option) || lexicon.usage.passes_over(option, word) {
                self.name(word.rsplit('=').next().unwrap_or(word), false);
                continue;
            }
            if word.starts_with("ssh ") {
                // `rsync -e 'ssh -i key'`.
                let inner: Vec<&str> = word.split_whitespace().collect();
                let keys = inner.windows(2).filter_map(|two| match two {
                    [option, key] if lexicon.is_key_option("ssh", option) => Some(*key),
                    _ => None,
                });
                keys.for_each(|key| self.name(key, false));
            }
            if !lexicon.usage.logs_in(option, word, &lexicon.secrets) {
                self.outward.push_str(word);
                self.outward.push(' ');
            }
            let written = Some(number) == target || lexicon.usage.is_output(program, option);
            let own = reads && !written || command.reads.contains(word);
            // `@file`, `key=file`, `host:path`: the name may hide behind a mark.
            for part in word.split(['=', '@', ',']) {
                self.part(part, own, lexicon, printer);
            }
            if lexicon.usage.shows_secret(option, word, &lexicon.secrets)
                && actions.has(Action::Fetch)
            {
                self.actions.add(Action::ReadSecret);
                self.actions.add(Action::Send);
            }
            // `detour` knows where these lead.
            if !lexicon.usage.is_route_option(program, option) {
                self.destination(word, takes_host, lexicon, printer);
            }
        }
        for file in &command.writes {
            self.part(file, false, lexicon, printer);
            self.actions.add(Action::Write);
            if lexicon.places(file) & Place::Persistence.bit() != 0 {
                self.actions.add(Action::Persist);
            }
            if let Some(rest) = file
                .strip_prefix("/dev/tcp/")
                .or_else(|| file.strip_prefix("/dev/udp/"))
            {
                self.actions.add(Action::Send);
                let host = rest.split('/').next().unwrap_or_default();
                self.host(host, lexicon, Some(printer));
            }
        }
        self.operands(command, actions, lexicon, printer);
        self.detour(command, lexicon, printer);
        self.outward.push_str(&command.lines);
        // Lines that are handed over are data: what they name is not read.
        let lines = command
            .lines
            .split(|char: char| char.is_whitespace() || "`'\"".contains(char));
        lines
            .filter(|word| word.contains(['/', '.']))
            .for_each(|word| self.name(word, false));
        let code = lexicon.usage.code(command);
        code.for_each(|code| self.code(code, lexicon));
    }

    /// A part of a word that may be a path, which the program reads or only names.
    fn part(&mut self, part: &str, reads: bool, lexicon: &Lexicon, printer: &Printer) {
        let path = part.rsplit_once(':').map_or(part, |(_, path)| path);
        let path = if part.contains("://") { part } else { path };
        let places = |path: &str| match path.len() >= 3
            && !path.contains([' ', '\n'])
            && !path.contains("://")
        {
            true => lexicon.places(path),
            false => 0,
        };
        let held = places(part) | places(path);
        self.word(part, lexicon, printer);
        self.places |= held;
        self.name(part, reads);
        if reads && held & Place::Credential.bit() != 0 {
            self.actions.add(Action::ReadSecret);
        }
    }

    /// Where a word of a command leads.
    fn destination(&mut self, word: &str, takes_host: bool, lexicon: &Lexicon, printer: &Printer) {
        let bare = !word.contains('/') && !word.starts_with('-');
        if takes_host && bare {
            let host = word.rsplit('@').next().unwrap_or(word);
            self.host(host, lexicon, Some(printer));
        }
        if let Some(host) = host_of(word) {
            // `user@host` alone may be mail.
            let host_path = word
                .rsplit('@')
                .next()
                .is_some_and(|rest| rest.contains(':'));
            let data = word.contains(['"', '{', ' ']);
            let mail =
                word.contains('@') && (data || !host_path) && !word.contains("://") && !takes_host;
            self.metadata(host);
            self.host(host, lexicon, Some(printer).filter(|_| !mail));
        }
    }

    /// What code does that is handed to an interpreter.
    pub(super) fn code(&mut self, code: &str, lexicon: &Lexicon) {
        let lower = code.to_ascii_lowercase();
        let (sends, reads, environment) = lexicon.usage.does(&lower);
        if sends {
            self.actions.add(Action::Send);
            self.actions.add(Action::Fetch);
        }
        let quoted = code.split(['"', '\'', '`']);
        let mut held = 0;
        for text in quoted.filter(|text| text.len() >= 3 && text.len() <= 512) {
            for word in text.split_whitespace() {
                held |= lexicon.places(word);
            }
            if let Some(host) = host_of(text) {
                self.host(host, lexicon, None);
            }
        }
        self.places |= held;
        if environment || (reads && held & Place::Credential.bit() != 0) {
            self.actions.add(Action::ReadSecret);
        }
    }
}

/// Actions that read the files which their command names.
pub(super) fn reading() -> Actions {
    [
        Action::ReadFile,
        Action::Fetch,
        Action::Send,
        Action::Encode,
        Action::Archive,
        Action::Search,
    ]
    .into_iter()
    .collect()
}
