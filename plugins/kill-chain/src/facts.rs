//! What one event does: actions, places, names, read out of tool name, arguments and assets.
//!
//! The host's assets are used where there are any; the arguments are read as well, because a path
//! or a host can stand where only a shell would find it.

mod commands;
mod letter;
mod marks;
mod operands;
mod route;
mod told;
mod written;

use clawdefender_sdk::{AssetKind, Direction, Event, Kind, Role, Text};

use crate::action::{Action, Actions, Place, Shape, flag};
use crate::lexicon::{Lexicon, name_words};
use crate::obey::Told;
use crate::print::{Printer, settle};
use crate::shell;
use crate::stem::stem;
use crate::vocabulary::Vocabulary;
use commands::reading;
use letter::Letters;
use marks::Keys;
use operands::last_part;

/// The most bytes of one argument, and of all of a call, that are looked at for names and commands;
/// prints are bounded on their own. Chosen: more than a model writes in one call.
const MAX_ARGUMENT: usize = 64 * 1024;
const MAX_ARGUMENTS: usize = 256 * 1024;
/// Paths that are remembered as they are written.
const MAX_SPOKEN: usize = 256;
/// Arguments looked at. Chosen: no call of a person's tool has so many.
pub const MAX_TEXTS: usize = 4096;

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
    /// Hashes of the hosts that are asked or sent to; of mail addresses none.
    pub hosts: Vec<u32>,
    /// Of command lines what is not there to log in.
    pub outward: String,
    /// Hashes of the mail addresses it names.
    pub mails: Vec<u32>,
    /// It works on files or with programs here.
    pub local: bool,
    /// It writes a file where work is done: not where programs start or secrets lie.
    pub workspace: bool,
    /// It hands over a command line.
    pub runs: bool,
    /// What an order is compared with.
    pub told: Told,
    /// An argument leads it to a host outside, which is not among `hosts`.
    pub is_routed: bool,
    /// It gives something to log in with.
    logs_in: bool,
    /// It makes files of other files.
    pub copies: bool,
    /// Places that are read whatever program it is that reads.
    read: u8,
    /// Paths as they are written, and whether they are read.
    spoken: Vec<(String, bool)>,
    /// Its commands only ask hosts; none is given what another says, but filters.
    asks_only: bool,
    unpiped: bool,
    /// What a text that is written would do when it is started.
    started: Actions,
    /// It lets a program be run with more rights, and none that could run others.
    narrow: bool,
    /// Hashes of the hosts of its mail addresses, when there are several addresses.
    colleagues: Vec<u32>,
}

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
    matches!(
        event.kind,
        Kind::ToolResult | Kind::ResourceContent | Kind::PromptContent
    )
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
    let subjects = words.iter().filter_map(|word| {
        let meaning = vocabulary.meaning(printer.word(word));
        vocabulary
            .content(word, meaning)
            .filter(|_| meaning.is_subject())
    });
    facts.told.subjects = subjects.collect();
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
    let mut keys = Keys::default();
    let mut letters = Letters::default();
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
        keys.see(key, value, lexicon);
        letters.see(key, value);
        facts.route(key, value, lexicon);
        if ordered {
            facts.told(value, lexicon, vocabulary, printer);
        } else {
            facts.addresses(value, lexicon, printer);
        }
        if !shell_tool && lexicon.usage.leaves_out(key, value) {
            continue;
        }
        // A request with a body carries something out.
        if facts.actions.has(Action::Fetch) && lexicon.is_body(key, value) {
            facts.actions.add(Action::Send);
        }
        if shell_tool && lexicon.usage.is_code_key(key) {
            facts.code(value, lexicon);
        }
        if shell_tool || lexicon.is_shell_key(key) {
            let commands = shell::commands(value);
            facts.runs = true;
            facts.commands(&commands, lexicon, printer);
            // What is written where programs start from will be run.
            if facts.actions.has(Action::Persist) {
                let words = commands.iter().flat_map(|command| &command.words);
                for line in words.filter(|word| word.contains(' ')) {
                    facts.commands(&shell::commands(line), lexicon, printer);
                }
            }
            for command in commands.iter().filter(|command| !command.writes.is_empty()) {
                facts.script(&command.lines, lexicon, printer);
            }
        } else if value.len() <= 1024 {
            let target = lexicon.usage.is_target_key(key);
            facts.copies |= target;
            let before = facts.places;
            if value.contains(' ') && lexicon.usage.is_path_key(key) && !value.contains("://") {
                facts.path(value, lexicon, printer);
            }
            let opens = matches!(key, "url" | "uri" | "href") && value.starts_with("http");
            if opens && facts.actions.0 == 0 {
                facts.actions.add(Action::Fetch);
            }
            facts.word(value, lexicon, printer);
            if target || lexicon.usage.is_path_key(key) {
                facts.operand(value, printer);
            }
            if facts.actions.has(Action::Download) {
                let name = last_part(value).into_iter();
                name.for_each(|name| facts.operand(name, printer));
            }
            let own = lexicon.places(value);
            facts.read |= if target {
                0
            } else {
                own | (facts.places & !before)
            };
            facts.name(value, !target);
            if lexicon.is_host_key(key) || text.role == Role::Uri {
                facts.host(host_of(value).unwrap_or(value), lexicon, Some(printer));
            }
        }
        if lexicon.usage.is_statement_key(key) {
            facts.statement(value);
        }
        let line = shell_tool || lexicon.is_shell_key(key);
        if facts.actions.has(Action::Write) && !line {
            facts.script(value, lexicon, printer);
        }
        if facts.actions.has(Action::Change) || facts.actions.meets(effects()) {
            facts.note(value);
        }
        if lexicon.usage.sees_secrets(&words, value) {
            facts.actions.add(Action::ReadSecret);
            facts.actions.add(Action::Write);
        }
        // What is deleted by its number may be what an answer gave.
        let number = key.ends_with("id") || key.ends_with("ids");
        if number && value.len() <= 64 && facts.actions.has(Action::Delete) {
            facts.objects.push(printer.word(value));
        }
        facts.rights(value);
        facts.laden(value);
    }
    for asset in &event.assets {
        let credential = asset
            .attrs
            .iter()
            .any(|(name, value)| name == "class" && value == "credential");
        let bit = if credential {
            Place::Credential.bit()
        } else {
            0
        };
        match asset.kind {
            AssetKind::Path => {
                facts.path(&asset.value, lexicon, printer);
                let held = bit | lexicon.places(&asset.value);
                facts.read |= if facts.only_names(&asset.value) {
                    0
                } else {
                    held
                };
            }
            AssetKind::Host => {
                facts.host(&asset.value, lexicon, None);
                facts.read |= bit;
            }
            _ => facts.read |= bit,
        }
        facts.places |= bit;
    }
    if let Some(launch) = &event.launch {
        facts.commands(&shell::from_words(&launch.argv), lexicon, printer);
    }
    facts.conclude();
    let added = defined.0 & !lexicon.tool(&words).0;
    facts.own = Actions(facts.actions.0 & !added);
    facts.place(&keys);
    facts.told.is_letter = letters.is_one() && facts.is_talk() && !facts.mails.is_empty();
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
    pub fn shape(&self) -> Shape {
        Shape {
            actions: self.actions,
            flags: self.flags,
            places: self.places,
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

    fn address(&mut self, word: &str, lexicon: &Lexicon) {
        if let Some(host) = host_of(word) {
            self.metadata(host);
            self.host(host, lexicon, None);
        }
    }

    /// The address at which a cloud's machine gets the keys of its role.
    fn metadata(&mut self, host: &str) {
        let number = host.parse().is_ok_and(|number: u32| number == 0xa9fe_a9fe);
        if number || host == "169.254.169.254" || host == "metadata.google.internal" {
            self.places |= Place::Metadata.bit() | Place::Credential.bit();
            self.read |= Place::Credential.bit();
        }
    }

    /// Notes a host; with a printer it is one that is asked or sent to.
    fn host(&mut self, host: &str, lexicon: &Lexicon, asked: Option<&Printer>) {
        let host = host.to_ascii_lowercase();
        let inside = lexicon.is_inside(&host);
        if host.contains('.') && !inside {
            self.flags |= flag::OUTSIDE;
        } else if inside {
            self.flags |= flag::INSIDE;
        }
        let full = self.hosts.len() >= 2 * crate::memo::MAX_HOSTS;
        if let Some(printer) = asked.filter(|_| (host.contains('.') || inside) && !full) {
            self.hosts.push(printer.word(&host));
        }
    }

    /// Remembers a path as it is written, and whether it is read.
    fn name(&mut self, path: &str, reads: bool) {
        let mut path = path.trim_start_matches('/');
        for lead in ["~/", "$HOME/", "./", "../", ".\\"] {
            path = path.strip_prefix(lead).unwrap_or(path);
        }
        if path.len() >= 3 && path.len() <= 512 && self.spoken.len() < MAX_SPOKEN {
            self.spoken.push((path.to_owned(), reads));
        }
    }

    /// Whether everything that wrote the path of an asset only names it.
    fn only_names(&self, asset: &str) -> bool {
        let is = |(path, _): &&(String, bool)| {
            let head = asset.len().checked_sub(path.len());
            let (before, end) = head
                .and_then(|at| asset.split_at_checked(at))
                .unwrap_or_default();
            end == path && (before.is_empty() || before.ends_with(['/', '\\']))
        };
        let mut said = self.spoken.iter().filter(is).peekable();
        said.peek().is_some() && said.all(|(_, reads)| !reads)
    }

    /// Turns "reads" and "writes" into what they are, given where.
    fn conclude(&mut self) {
        let writes = [Action::Write, Action::Delete, Action::Permission];
        if self.read & Place::Credential.bit() != 0 && self.actions.meets(reading()) {
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
        if self.narrow {
            self.actions.0 &= !Action::Persist.bit().0;
        }
        if self.actions.has(Action::Persist) {
            let talks = self.started.has(Action::Send);
            self.started.0 &= !Action::Send.bit().0;
            self.actions = self.actions.union(self.started);
            self.flags |= if talks { flag::TALKS } else { 0 };
        }
        if self.logs_in && self.actions.has(Action::Fetch) {
            self.flags |= flag::LOGS_IN;
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
        Account, Delete, Execute, Grave, Impair, Install, Pay, Permission, Persist, Schedule, Send,
        Write,
    };
    [
        Account, Delete, Execute, Grave, Impair, Install, Pay, Permission, Persist, Schedule, Send,
        Write,
    ]
    .into_iter()
    .collect()
}

/// The last member name of a JSON pointer, array positions skipped.
pub fn key(pointer: &str) -> &str {
    pointer
        .rsplit('/')
        .find(|part| {
            part.bytes()
                .any(|byte| byte.is_ascii_alphabetic() || byte >= 0x80)
        })
        .unwrap_or_default()
}

/// The host of a URL, of a mail address or of a word that starts with `www.`.
pub fn host_of(word: &str) -> Option<&str> {
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
    fn the_key_of_a_list_member_is_the_lists_name() {
        assert_eq!(key("/params/arguments/command/0"), "command");
        assert_eq!(key(""), "");
    }
}
