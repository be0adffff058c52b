//! What a message touches: paths, programs, hosts, URLs and recipients, wherever they are written.
//!
//! Every string of the arguments is looked at, at any depth. Text for people is searched for
//! addresses only, so that a file which merely mentions `~/.ssh` is no access to it. Reading paths,
//! lines and addresses is done next door; whether touching something is bad is policy's to say.

mod lines;
mod paths;
mod routes;
mod uris;

use std::collections::HashSet;

use super::address::{addresses, host, leads_away, stripped};
use super::place::{Places, is_drive, looks_like_path};
use super::shell::{Simple, commands, program};
use super::usage::{self, Runs, Usage};
use super::{Asset, AssetKind, Role, Text, programs};
use lines::{is_left_out, is_sentence, leaves_out, names_program};
use routes::{is_remote, writes_to};

/// Where the strings of one event are seen from.
pub struct Seen<'a> {
    pub places: &'a Places,
    /// The directory that relative paths start from: the server's.
    pub cwd: &'a str,
    /// Tool, prompt or guard action: it tells whether strings are run.
    pub tool: &'a str,
}

/// Everything that the arguments among `texts` touch, and the URIs of any message.
pub fn assets(texts: &[Text], seen: &Seen<'_>) -> Vec<Asset> {
    let mut finder = Finder::new(seen);
    for text in texts.iter().filter(|text| text.role == Role::Argument) {
        finder.told |= usage::of_pointer(&text.pointer) == Usage::Command;
        if usage::is_base_key(&text.pointer) {
            finder.add_base(&text.original);
        }
    }
    for (index, text) in texts.iter().enumerate() {
        finder.text = Some(index);
        match text.role {
            Role::Argument => finder.argument(&text.original, usage::of_pointer(&text.pointer)),
            Role::Key if looks_like_path(&text.original) => finder.path(&text.original),
            Role::Uri => {
                finder.uri(&text.original);
                if let Some(clean) = stripped(&text.original) {
                    finder.uri(&clean);
                }
            }
            _ => {}
        }
    }
    finder.found
}

/// What one string touches when its use is known from elsewhere.
pub fn assets_of(text: &str, usage: Usage, seen: &Seen<'_>) -> Vec<Asset> {
    let mut finder = Finder::new(seen);
    finder.text = Some(0);
    finder.argument(text, usage);
    finder.found
}

/// What a program started with these words touches.
pub fn assets_of_argv(argv: &[String], seen: &Seen<'_>) -> Vec<Asset> {
    let mut finder = Finder::new(seen);
    finder.simple(
        &Simple {
            words: argv.to_vec(),
            ..Simple::default()
        },
        0,
    );
    finder.found
}

struct Finder<'a> {
    places: &'a Places,
    /// The server's directory first, then those that the message names.
    bases: Vec<String>,
    runs: Runs,
    /// Another argument is a line by its name.
    told: bool,
    /// Bytes of directories that words may still be put into.
    joined: usize,
    /// What is looked at stands in a line that a shell reads.
    shell: bool,
    text: Option<usize>,
    found: Vec<Asset>,
    known: HashSet<(AssetKind, String, bool)>,
    /// Raw strings already located, so that a repeated one costs no second look at the disk.
    located: HashSet<(String, usize, bool)>,
}

impl<'a> Finder<'a> {
    fn new(seen: &Seen<'a>) -> Self {
        Self {
            places: seen.places,
            bases: vec![seen.cwd.to_owned()],
            runs: usage::runs(seen.tool),
            told: false,
            joined: paths::MAX_JOINED_BYTES,
            shell: false,
            text: None,
            found: Vec::new(),
            known: HashSet::new(),
            located: HashSet::new(),
        }
    }

    fn argument(&mut self, text: &str, usage: Usage) {
        if usage == Usage::LeftOut && self.runs == Runs::No && is_left_out(text) {
            return;
        }
        // What is an address as a whole is read as one, with all that prose would end it with.
        if usage != Usage::Address || text.trim().contains(char::is_whitespace) {
            addresses(text)
                .into_iter()
                .for_each(|address| self.address(address));
        }
        let one_line = !text.trim().contains('\n');
        let short = text.len() <= MAX_UNTOLD_BYTES;
        if let Some(clean) =
            stripped(text).filter(|clean| short && (usage == Usage::Address || leads_away(clean)))
        {
            self.uri(&clean);
        }
        self.misnamed(text, usage);
        match usage {
            Usage::Command => self.script(text, 0),
            Usage::Words => self.words(text),
            Usage::Path | Usage::LeftOut => self.path_value(text),
            Usage::Address => {
                self.uri(text);
                self.hidden_path(text);
            }
            Usage::Recipient => self.recipients(text),
            Usage::Code => {
                if !self.whole_command(text) && !self.whole_path(text) {
                    self.code(text);
                    self.hidden_path(text);
                }
            }
            Usage::Prose | Usage::Remark if !text.trim().contains(char::is_whitespace) => {
                if !self.whole_path(text) {
                    self.hidden_path(text);
                }
            }
            Usage::Prose | Usage::Remark => {}
            Usage::Untold if self.runs != Runs::No => self.script(text, 0),
            Usage::Untold if one_line => {
                let path = self.whole_path(text);
                let command = text.len() <= MAX_UNTOLD_BYTES && self.whole_command(text);
                if !path && !command {
                    self.quoted(text);
                    self.hidden_path(text);
                }
            }
            // A document inside a string: only what it quotes as JSON would.
            Usage::Untold if text.trim_start().starts_with(['{', '[']) => self.quoted(text),
            Usage::Untold => {}
        }
    }

    /// A line for a shell under a name that says something else: `{"text":"cat …"}` for `run_shell`.
    fn misnamed(&mut self, text: &str, usage: Usage) {
        if !text.trim().contains(char::is_whitespace) {
            return;
        }
        match (usage, self.runs) {
            // Read as commands in any case.
            (Usage::Command | Usage::Words | Usage::Untold, _) => {}
            (Usage::Remark | Usage::Prose, Runs::No) => {}
            // Said beside the line that is run.
            (Usage::Remark, _) if self.told => {}
            (Usage::Remark, _) | (_, Runs::No | Runs::Something) => {
                if names_program(text, true) {
                    self.script(text, 0);
                }
            }
            // `~/Library/Application Support/x` is no line, `./x.sh .env` may be one.
            (Usage::Path, Runs::Lines) if looks_like_path(text) => {
                if !self.whole_command(text) {
                    text.split_whitespace()
                        .for_each(|piece| self.hidden_path(piece));
                }
            }
            (Usage::Prose, Runs::Lines) if !names_program(text, true) && is_sentence(text) => {}
            (_, Runs::Lines) => self.script(text, 0),
        }
    }

    /// A string under a name that says nothing: a command only if it reads like one.
    fn whole_command(&mut self, text: &str) -> bool {
        let joined = ["|", ";", "&&", "$(", "`", ">", "<"]
            .iter()
            .any(|meta| text.contains(meta));
        let is = names_program(text, false)
            || (joined
                && text
                    .split(['|', ';', '&', '(', '`', '>', '<', ' '])
                    .any(|part| {
                        looks_like_path(part) || {
                            let name = program(part.split_whitespace().next().unwrap_or(""));
                            part.contains(' ') && programs::is_program(&name)
                        }
                    }));
        if is {
            self.script(text, 0);
        }
        is
    }

    /// One element of `args`: a word, or a line for the shell that runs it.
    fn words(&mut self, text: &str) {
        if text.trim().contains(char::is_whitespace) {
            self.script(text, 0);
            return;
        }
        let simples = commands(text);
        let before = std::mem::replace(&mut self.shell, true);
        if simples.iter().any(|simple| simple.unread) {
            self.too_many();
        }
        for word in simples
            .iter()
            .flat_map(|s| s.words.iter().chain(&s.redirected).chain(&s.also))
        {
            if programs::is_program(&program(word)) {
                self.push(AssetKind::Command, program(word), Vec::new(), false);
            }
            self.word(word, "");
        }
        self.shell = before;
    }

    fn script(&mut self, script: &str, depth: usize) {
        for simple in commands(script) {
            self.simple(&simple, depth);
        }
    }

    fn simple(&mut self, simple: &Simple, depth: usize) {
        let before = std::mem::replace(&mut self.shell, true);
        self.simple_of_shell(simple, depth);
        self.shell = before;
    }

    fn simple_of_shell(&mut self, simple: &Simple, depth: usize) {
        if simple.unread {
            self.too_many();
        }
        for (name, value) in &simple.assigned {
            self.word(value, "");
            self.proxy(name, value);
        }
        for file in &simple.redirected {
            self.redirected(file);
        }
        let mut name = String::new();
        let mut expects_program = true;
        let (mut led, mut joined) = (false, false);
        let mut before = "";
        for (at, word) in simple.words.iter().enumerate() {
            let last = std::mem::replace(&mut before, word);
            let is_option = word.starts_with('-') || word.chars().all(|c| c.is_ascii_digit());
            let assigns = expects_program && word.contains('=');
            if expects_program && !is_option && !assigns && !word.is_empty() {
                name = program(word);
                self.push(AssetKind::Command, name.clone(), Vec::new(), false);
                if looks_like_path(word) {
                    self.path(word);
                }
                // The program may be what a command before it prints: `$(echo cat) .env`.
                self.hidden_path(word);
                // It runs its words as one line.
                if name == "eval" && depth < MAX_NESTED && !std::mem::replace(&mut joined, true) {
                    let line = simple.words.get(at + 1..).unwrap_or_default().join(" ");
                    self.script(&line, depth + 1);
                }
                expects_program = programs::precedes_program(&name);
                led |= expects_program;
                continue;
            }
            // The body of a function or of a coprocess that has a name.
            expects_program |= word == "{";
            // `sudo -u root curl`: an option of the first may have been taken for the program.
            let next = program(word);
            if led && (programs::is_program(&next) || programs::is_program_or_word(&next)) {
                self.push(AssetKind::Command, next.clone(), Vec::new(), false);
                name = next;
            }
            match name.as_str() {
                "cd" | "pushd" => self.add_base(word),
                _ if ["-C", "--directory", "--chdir"].contains(&last) => self.add_base(word),
                "find" | "fd" if looks_like_path(word) => self.add_base(word),
                "find" | "fd" if ["-exec", "-execdir", "-x"].contains(&word.as_str()) => {
                    expects_program = true;
                }
                _ => {}
            }
            if leaves_out(&simple.words, at, &name) {
                continue;
            }
            self.nested(word, &name, depth);
            if writes_to(last, &name) {
                self.path(word);
                continue;
            }
            self.word(word, &name);
            // `git show HEAD:.env`, `dd if=.env`, `alias x='cat .env'`; what only loads or
            // leaves it out shows it to nobody.
            if let Some((before, file)) = word.rsplit_once([':', '=']) {
                if !["--env-file", "--exclude", "--exclude-dir"].contains(&before) {
                    self.hidden_path(file);
                }
                if name == "alias" && depth < MAX_NESTED {
                    self.script(file, depth + 1);
                }
            }
            if programs::is_network(&name) {
                self.routed(word, last, &name);
            }
            if let Some((variable, value)) = word.split_once('=') {
                self.proxy(variable, value);
            }
            // In a directory that the line names, any word may be a file of it.
            if self.bases.len() > 1 && is_bare(word) {
                self.path(word);
            }
        }
        for word in &simple.also {
            self.word(word, "");
        }
    }

    /// A word that is itself a line or a program text.
    fn nested(&mut self, word: &str, program: &str, depth: usize) {
        if !word.contains(|c: char| c.is_whitespace() || "(;|`$<>".contains(c)) {
            return;
        }
        // What a shell makes of such a name is not known: `/bin/ba?h -c …`, `$SHELL -c …`.
        let unknown = program.contains(['*', '?', '[', '$']);
        if programs::interprets(program) || unknown {
            self.code(word);
        }
        if programs::runs_shell(program) || unknown || word.contains("$(") {
            match depth < MAX_NESTED {
                true => self.script(word, depth + 1),
                false => word
                    .split_whitespace()
                    .for_each(|piece| self.word(piece, "")),
            }
        }
    }

    /// `/dev/tcp/HOST/PORT` is a connection, everything else a file.
    fn redirected(&mut self, file: &str) {
        let network = file
            .strip_prefix("/dev/tcp/")
            .or_else(|| file.strip_prefix("/dev/udp/"));
        match network.and_then(|rest| host(rest.split('/').next()?)) {
            Some(name) => self.host(name),
            None if file.chars().all(|c| c.is_ascii_digit() || c == '-') => {}
            None => self.path(file),
        }
    }

    /// One word of a command line that is not the program itself.
    fn word(&mut self, word: &str, program: &str) {
        let found = addresses(word);
        let had_address = !found.is_empty();
        found.into_iter().for_each(|address| self.address(address));
        if word.starts_with("/dev/tcp/") || word.starts_with("/dev/udp/") {
            return self.redirected(word);
        }
        let remote = is_remote(word, program);
        let plain = !had_address && !remote && !word.starts_with('-');
        let named = word.contains(['/', '\\']) || is_file_name(word);
        if looks_like_path(word) || (plain && named && !word.contains(char::is_whitespace)) {
            self.path(word);
        }
        if !had_address && !remote && !is_drive(word) {
            // `--file=~/x`, `if=/dev/sda`, `-F a=@~/x;type=t`, `-v ~/x:/y`.
            for piece in word
                .split(['=', '@', ':', ',', ';'])
                .filter(|p| p.len() < word.len())
            {
                if looks_like_path(piece) {
                    self.path(piece);
                }
            }
            if let Some(file) = word.strip_prefix('@') {
                self.path(file);
            }
            // `-i~/.ssh/id_rsa`, `-I/usr/include`.
            if let Some(at) = word
                .find(['/', '~'])
                .filter(|_| word.starts_with('-') && !word.contains('='))
            {
                self.path(word.get(at..).unwrap_or(""));
            }
        }
        self.named_host(word, program, had_address);
    }

    fn recipients(&mut self, text: &str) {
        let pieces = text.split([',', ';', '<', '>', ' ', '\n', '"']);
        let mails: Vec<&str> = pieces.filter(|p| p.contains('@') && p.len() > 2).collect();
        let whole = text.trim();
        if mails.is_empty() && !whole.is_empty() && whole.len() <= MAX_ACCOUNT_BYTES {
            self.push(AssetKind::Account, whole.to_lowercase(), Vec::new(), false);
        }
        for mail in mails {
            let mail = mail.trim_start_matches("mailto:").to_lowercase();
            self.push(AssetKind::Account, mail, Vec::new(), false);
        }
        self.whole_path(text);
    }

    fn push(&mut self, kind: AssetKind, value: String, aliases: Vec<String>, credential: bool) {
        let replaced = matches!(kind, AssetKind::Path | AssetKind::Command);
        let mut forms = std::iter::once(&value).chain(&aliases);
        let wild = self.shell && replaced && forms.any(|form| form.contains(['*', '?', '[']));
        let known = (kind.clone(), value.clone(), wild);
        if self.found.len() > MAX_ASSETS || !self.known.insert(known) {
            return;
        }
        if self.found.len() == MAX_ASSETS {
            return self.too_many();
        }
        self.found.push(Asset {
            kind,
            value,
            text: self.text,
            aliases,
            credential,
            wild,
        });
    }

    /// Whoever names more than anyone needs may be hiding one of them: read it as the worst.
    fn too_many(&mut self) {
        let kind = AssetKind::Other("too-many".to_owned());
        if self.known.insert((kind.clone(), String::new(), false)) {
            self.found.push(Asset {
                kind,
                value: String::new(),
                text: self.text,
                aliases: Vec::new(),
                credential: true,
                wild: false,
            });
        }
    }
}

/// A bare word with a leading dot or a letter-led extension: `.env`, `main.tf`, `id_rsa`.
fn is_file_name(word: &str) -> bool {
    let names = named_by(word);
    let extension = word
        .rsplit_once('.')
        .filter(|(stem, _)| !stem.is_empty())
        .map(|(_, e)| e);
    let extended = extension.is_some_and(|e| e.len() <= 8 && e.starts_with(char::is_alphabetic));
    word.len() > 1
        && word.chars().all(names)
        && (word.starts_with('.') || extended || word.starts_with("id_"))
}

/// The letters that a name is written with; a class of a wildcard may hold any.
fn named_by(word: &str) -> impl Fn(char) -> bool {
    let wild = word.contains('[');
    move |c| c.is_alphanumeric() || "._-*?[]".contains(c) || wild && !c.is_whitespace() && c != '/'
}

/// A word that could name a file of the directory where a command runs.
fn is_bare(word: &str) -> bool {
    let names = named_by(word);
    word.len() <= MAX_NAME_BYTES && !word.starts_with('-') && word.chars().all(names)
}

/// Chosen: ten times the longest argument list seen; past it the event carries `too-many`.
const MAX_ASSETS: usize = 4096;
const MAX_BASES: usize = 8;
/// Source: `NAME_MAX` of Linux.
const MAX_NAME_BYTES: usize = 255;
const MAX_NESTED: usize = 6;
const MAX_ACCOUNT_BYTES: usize = 256;
/// Above this an unnamed string is a document.
const MAX_UNTOLD_BYTES: usize = 2048;

#[cfg(test)]
mod tests;
