//! What one event does: actions, places, names, read out of tool name, arguments and assets.
//!
//! The host's assets are used where there are any; the arguments are read as well, because a path
//! or a host can stand where only a shell would find it.

use clawdefender_sdk::{AssetKind, Direction, Event, Kind, Role, Text};

use crate::action::{Action, Actions, Place, flag};
use crate::lexicon::{Lexicon, name_words};
use crate::obey::Told;
use crate::order::pairs;
use crate::print::{Printer, plain, settle};
use crate::reader::Reader;
use crate::shell::{self, Command};
use crate::stem::stem;
use crate::vocabulary::Vocabulary;
use crate::words::{self, forms, is_address, is_name, parts, words};

/// The most bytes of one argument, and of all of a call, that are looked at for names and commands;
/// prints are bounded on their own. Chosen: more than a model writes in one call.
const MAX_ARGUMENT: usize = 64 * 1024;
const MAX_ARGUMENTS: usize = 256 * 1024;
/// Arguments looked at. Chosen: no call of a person's tool has so many.
const MAX_TEXTS: usize = 4096;

/// One event as chains see it.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub actions: Actions,
    /// Those of them that the tool's definition does not give: only these can excuse anything.
    pub own: Actions,
    pub flags: u16,
    pub places: u8,
    pub tool: u32,
    /// Hashes of the file names it touches, sorted.
    pub objects: Vec<u32>,
    /// What an order is compared with.
    pub told: Told,
}

/// Words of one argument, and arguments, that are compared with orders.
const MAX_VALUE_WORDS: usize = 64;
const MAX_VALUES: usize = 32;
/// A longer argument may pass on an overt order that it was given, which is not obeying it.
const MAX_QUOTE: usize = 120;
/// Bytes in which an overt order must begin for that.
const MAX_LOOK: usize = 4096;
/// A longer argument is prose or code.
const MAX_PLAIN: usize = 80;

/// What a text is for the detector: the reader's view when it differs from the bytes.
pub fn seen(text: &Text) -> &str {
    text.canonical.as_deref().unwrap_or(&text.original)
}

/// Whether the event asks for something to be done.
pub fn is_call(event: &Event) -> bool {
    match event.kind {
        Kind::ToolCall | Kind::GuardCheck | Kind::ServerLaunch => true,
        // What a client hands to a server leaves the machine as an argument does.
        Kind::Completion | Kind::Elicitation | Kind::Sampling => {
            event.direction == Direction::ToServer
        }
        _ => false,
    }
}

/// Whether the event brings content.
pub fn is_result(event: &Event) -> bool {
    matches!(event.kind, Kind::ToolResult | Kind::ResourceContent)
}

/// The facts of a call of a tool that does `defined` by its definition. What an order could have
/// said of it is only read when it is `ordered`.
pub fn of_call(
    event: &Event,
    lexicon: &Lexicon,
    vocabulary: &Vocabulary,
    printer: &Printer,
    (ordered, defined): (bool, Actions),
) -> Facts {
    let mut facts = Facts {
        tool: printer.word(&event.name),
        ..Facts::default()
    };
    let words = name_words(&event.name);
    facts.actions = lexicon.tool(&words).union(defined);
    let telling = words
        .iter()
        .filter_map(|word| vocabulary.content(word, vocabulary.meaning(printer.word(word))));
    facts.told.tool = telling.collect();
    facts.told.whole = printer.name(&event.name);
    facts.told.joined = (words.len() > 1).then(|| printer.plain(stem(&event.name)));
    // Content arrives with the answer.
    facts.actions.0 &= !Action::ReadUntrusted.bit().0;
    if matches!(
        event.kind,
        Kind::Elicitation | Kind::Sampling | Kind::Completion
    ) {
        facts.actions.add(Action::Send);
    }
    let shell_tool = facts.actions.has(Action::Shell);
    let mut left = MAX_ARGUMENTS;
    for text in event
        .texts
        .iter()
        .filter(|text| text.role == Role::Argument || text.role == Role::Uri)
        .take(MAX_TEXTS)
    {
        let value = head(seen(text), MAX_ARGUMENT.min(left));
        left -= value.len();
        let key = key(&text.pointer);
        if ordered {
            facts.told(value, lexicon, vocabulary, printer);
        } else {
            facts.addresses(value, lexicon);
        }
        // A request with a body carries something out.
        if facts.actions.has(Action::Fetch) && lexicon.is_body(key, value) {
            facts.actions.add(Action::Send);
        }
        if shell_tool || lexicon.is_shell_key(key) {
            let commands = shell::commands(value);
            facts.commands(&commands, lexicon, printer);
            // What is written where programs start from will be run.
            if facts.actions.has(Action::Persist) {
                let words = commands.iter().flat_map(|command| &command.words);
                for line in words.filter(|word| word.contains(' ')) {
                    facts.commands(&shell::commands(line), lexicon, printer);
                }
            }
        } else if value.len() <= 1024 {
            facts.word(value, lexicon, printer);
            if lexicon.is_host_key(key) {
                facts.host(host_of(value).unwrap_or(value), lexicon);
            }
        }
    }
    for asset in &event.assets {
        match asset.kind {
            AssetKind::Path => facts.path(&asset.value, lexicon, printer),
            AssetKind::Host => facts.host(&asset.value, lexicon),
            _ => {}
        }
        if asset
            .attrs
            .iter()
            .any(|(name, value)| name == "class" && value == "credential")
        {
            facts.places |= Place::Credential.bit();
        }
    }
    if let Some(launch) = &event.launch {
        facts.commands(&shell::from_words(&launch.argv), lexicon, printer);
    }
    facts.conclude();
    let added = defined.0 & !lexicon.tool(&words).0;
    facts.own = Actions(facts.actions.0 & !added);
    facts
}

/// The facts of what came back for a call of the tool `event.name`, which does `defined` by its
/// definition. That something is public is not for a definition to say.
pub fn of_result(event: &Event, lexicon: &Lexicon, printer: &Printer, defined: Actions) -> Facts {
    let named = lexicon.tool(&name_words(&event.name));
    let tool = named.union(defined);
    let web = named.has(Action::Fetch)
        || (event.kind == Kind::ResourceContent && event.name.starts_with("http"));
    let mut facts = Facts {
        tool: printer.word(&event.name),
        flags: flag::RESULT,
        own: named,
        ..Facts::default()
    };
    if web || tool.has(Action::Fetch) || tool.has(Action::ReadUntrusted) {
        facts.actions.add(Action::ReadUntrusted);
    }
    if web {
        facts.flags |= flag::PUBLIC;
    }
    if tool.has(Action::ReadSecret) {
        facts.actions.add(Action::ReadSecret);
    }
    facts
}

impl Facts {
    fn commands(&mut self, commands: &[Command], lexicon: &Lexicon, printer: &Printer) {
        for command in commands {
            let (actions, mass) = lexicon.command(command);
            self.actions = self.actions.union(actions);
            self.flags |= if mass { flag::MASS } else { 0 };
            if let Some(path) = &command.by_path {
                self.actions.add(Action::Execute);
                self.object(path, printer);
            }
            let takes_host = lexicon.takes_host(&command.program);
            let mut before = "";
            for word in command.words.iter().chain(&command.writes) {
                let is_key = lexicon.is_key_option(&command.program, before);
                before = word;
                if is_key {
                    continue;
                }
                // `@file`, `key=file`, `host:path`: the name may hide behind a mark.
                for part in word.split(['=', '@', ',']) {
                    self.word(part, lexicon, printer);
                }
                self.address(word, lexicon);
                if takes_host && !word.contains('/') && !word.starts_with('-') {
                    self.host(word, lexicon);
                }
            }
            for file in &command.writes {
                self.actions.add(Action::Write);
                if lexicon.places(file) & Place::Persistence.bit() != 0 {
                    self.actions.add(Action::Persist);
                }
            }
        }
    }

    /// Notes where the addresses in an argument lead.
    fn addresses(&mut self, value: &str, lexicon: &Lexicon) {
        let bytes = value.as_bytes();
        let mut from = 0;
        // Only what holds one of these leads anywhere; it is read with what stands around it.
        while let Some(mark) = address_mark(bytes, from) {
            let before = bytes.get(from..mark).unwrap_or_default();
            let start = before.iter().rposition(u8::is_ascii_whitespace);
            let start = start.map_or(from, |at| from + at);
            let rest = bytes.get(mark..).unwrap_or_default();
            let length = rest.iter().position(u8::is_ascii_whitespace);
            from = length.map_or(bytes.len(), |length| mark + length);
            let run = value.get(start..from).unwrap_or_default();
            for word in words(run).filter(|word| word.is_rich(run)) {
                parts(word.bare(run)).for_each(|part| self.address(part, lexicon));
            }
        }
    }

    /// Keeps what an order could have said of this argument, and where its addresses lead.
    fn told(&mut self, value: &str, lexicon: &Lexicon, vocabulary: &Vocabulary, printer: &Printer) {
        let quoted =
            value.len() > MAX_QUOTE && Reader::quotes(head(value, MAX_LOOK), vocabulary, printer);
        // A document mentions many names; only where something goes counts there.
        let prose = value.len() > MAX_PLAIN || value.contains('\n');
        let (mut own, named) = (Vec::new(), self.told.names.len());
        for word in words(value) {
            let full = own.len() >= MAX_VALUE_WORDS;
            match word.kind {
                words::Kind::Dense if !full => {
                    own.extend(pairs(word.text(value), printer));
                }
                words::Kind::Plain if word.is_rich(value) => {
                    for part in parts(word.bare(value)) {
                        self.address(part, lexicon);
                        if is_name(part) && (!prose || is_address(part)) {
                            let names = forms(part).map(|form| printer.name(form));
                            self.told.names.extend(names);
                            let first = forms(part).next().unwrap_or(part);
                            own.push(plain(printer.word(first)));
                        } else if !full && says(part) {
                            own.extend(content(part, vocabulary, printer));
                        }
                    }
                }
                words::Kind::Plain | words::Kind::Letters if !full => {
                    own.extend(content(word.bare(value), vocabulary, printer));
                }
                _ => {}
            }
        }
        if quoted {
            self.told.names.truncate(named);
            return;
        }
        own.truncate(MAX_VALUE_WORDS);
        if self.told.values.len() < MAX_VALUES {
            self.told.values.push(own);
        }
    }

    fn word(&mut self, word: &str, lexicon: &Lexicon, printer: &Printer) {
        if word.contains("://") {
            self.address(word, lexicon);
            self.object(word, printer);
        } else if word.len() >= 3 && !word.starts_with('-') && !word.contains(' ') {
            self.path(word, lexicon, printer);
        }
    }

    fn path(&mut self, path: &str, lexicon: &Lexicon, printer: &Printer) {
        self.places |= lexicon.places(path);
        self.object(path, printer);
    }

    fn object(&mut self, path: &str, printer: &Printer) {
        let path = path
            .split(['?', '#'])
            .next()
            .unwrap_or(path)
            .trim_end_matches(['/', '\\']);
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        if name.len() >= 3 && path.len() <= 512 && (name.contains('.') || name.len() < path.len()) {
            self.objects.push(printer.word(name));
        }
    }

    fn address(&mut self, word: &str, lexicon: &Lexicon) {
        if let Some(host) = host_of(word) {
            if host == "169.254.169.254" || host == "metadata.google.internal" {
                self.places |= Place::Metadata.bit() | Place::Credential.bit();
            }
            self.host(host, lexicon);
        }
    }

    fn host(&mut self, host: &str, lexicon: &Lexicon) {
        if host.contains('.') && !lexicon.is_inside(&host.to_ascii_lowercase()) {
            self.flags |= flag::OUTSIDE;
        }
    }

    /// Turns "reads" and "writes" into what they are, given where.
    fn conclude(&mut self) {
        let reads = [
            Action::ReadFile,
            Action::Fetch,
            Action::Send,
            Action::Encode,
            Action::Archive,
            Action::Search,
        ];
        let writes = [Action::Write, Action::Delete, Action::Permission];
        if self.places & Place::Credential.bit() != 0
            && self.actions.meets(reads.into_iter().collect())
        {
            self.actions.add(Action::ReadSecret);
        }
        if self.places & Place::Persistence.bit() != 0 && self.actions.has(Action::Write) {
            self.actions.add(Action::Persist);
        }
        if self.places & Place::Log.bit() != 0
            && self.actions.meets(writes.into_iter().collect())
            && !self.actions.has(Action::Shell)
            || (self.places & Place::Log.bit() != 0 && self.actions.has(Action::Delete))
        {
            self.actions.add(Action::Impair);
        }
        settle(&mut self.objects, crate::memo::MAX_OBJECTS);
        settle(&mut self.told.names, 4096);
        if self.actions.meets(effects()) {
            self.actions.add(Action::Change);
        }
    }
}

/// Actions that do more than look, whatever the tool is called.
fn effects() -> Actions {
    use Action::{
        Account, Delete, Execute, Impair, Install, Pay, Permission, Persist, Schedule, Send, Write,
    };
    [
        Account, Delete, Execute, Impair, Install, Pay, Permission, Persist, Schedule, Send, Write,
    ]
    .into_iter()
    .collect()
}

/// The last member name of a JSON pointer, array positions skipped.
fn key(pointer: &str) -> &str {
    pointer
        .rsplit('/')
        .find(|part| {
            part.bytes()
                .any(|byte| byte.is_ascii_alphabetic() || byte >= 0x80)
        })
        .unwrap_or_default()
}

/// Where the next `.`, `:` or `@` stands, without one of which nothing is an address. Eight bytes at
/// a time: a byte that is zero sets bit 7 of the difference.
fn address_mark(bytes: &[u8], from: usize) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * ONES;
    let is_mark = |byte: &u8| matches!(byte, b'.' | b':' | b'@');
    let rest = bytes.get(from..)?;
    let (chunks, _) = rest.as_chunks::<8>();
    let holds = |chunk: &[u8; 8]| {
        let chunk = u64::from_le_bytes(*chunk);
        [b'.', b':', b'@'].iter().any(|mark| {
            let other = chunk ^ (u64::from(*mark) * ONES);
            other.wrapping_sub(ONES) & !other & HIGH != 0
        })
    };
    let first = chunks.iter().position(holds).unwrap_or(chunks.len()) * 8;
    let rest = rest.get(first..)?;
    Some(from + first + rest.iter().position(is_mark)?)
}

/// The host of a URL, of a mail address or of a word that starts with `www.`.
fn host_of(word: &str) -> Option<&str> {
    // Most words are words; all of the below need one of these.
    if !word.bytes().any(|byte| matches!(byte, b'.' | b':' | b'@')) {
        return None;
    }
    let rest = match word.split_once("://") {
        Some((_, rest)) => rest,
        None if word.contains('@') => word.rsplit('@').next()?,
        None if word.starts_with("www.") => word,
        None => {
            let plain = word.split([':', '/']).next()?;
            let address = plain.split('.').count() == 4
                && plain.split('.').all(|part| part.parse::<u8>().is_ok());
            return address.then_some(plain);
        }
    };
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = host.split(':').next()?;
    (!host.is_empty()).then_some(host)
}

/// Whether a part of an argument can be compared: a word or a plain number, no date or amount.
fn says(part: &str) -> bool {
    let wordlike = |byte: u8| byte.is_ascii_alphabetic() || byte >= 0x80;
    part.bytes().any(wordlike) || part.bytes().all(|byte| byte.is_ascii_digit())
}

/// What a word of a call is compared by.
fn content(word: &str, vocabulary: &Vocabulary, printer: &Printer) -> Option<u32> {
    vocabulary.content(word, vocabulary.meaning(printer.word(word)))
}

/// At most the first `most` bytes.
fn head(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_parsed_and_not_guessed() {
        assert_eq!(
            host_of("https://good.example@evil.example:8080/x"),
            Some("evil.example")
        );
        assert_eq!(host_of("bob@corp.example"), Some("corp.example"));
        assert_eq!(host_of("10.0.0.1:80"), Some("10.0.0.1"));
        assert_eq!(host_of("report.pdf"), None);
    }

    #[test]
    fn the_first_mark_of_an_address_is_found_anywhere() {
        for (text, at) in [("", None), ("abcdefghijklmnop", None), ("a@b", Some(1))] {
            assert_eq!(address_mark(text.as_bytes(), 0), at, "{text}");
        }
        for at in 0..40 {
            for mark in [".", ":", "@"] {
                let text = format!("{}{mark}-/\u{ae}é{}", "é/-;".repeat(at), "x".repeat(9));
                assert_eq!(address_mark(text.as_bytes(), 0), text.find(mark), "{text}");
            }
        }
    }

    #[test]
    fn the_key_of_a_list_member_is_the_lists_name() {
        assert_eq!(key("/params/arguments/command/0"), "command");
        assert_eq!(key(""), "");
    }
}
