//! One client↔server pairing as we see it: which requests are open, what is hidden, which era.
//!
//! Memory only. What must survive the daemon is handed out as tickets (see `wire`) and taken back
//! by [`Link::resume`].

pub mod hidden;
mod tasks;

pub use tasks::Task;

use crate::event::{Launch, Server};
use crate::mcp::message::Id;
use hidden::{Full, Hidden, Name};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Requests of one side that may be open at once. Chosen: far above what clients do, low enough to
/// bound memory.
const MAX_OPEN: usize = 4096;

/// How the key of a ticket begins that keeps an open request of the client.
pub const OPEN_CLIENT: &str = "open client ";

/// Which end sent something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum End {
    Client,
    Server,
}

/// An open request: what an answer to it must be read as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub method: String,
    /// Tool, prompt or URI.
    pub name: String,
    /// The call id of its record.
    pub call: String,
    /// The stateless era's rules hold for the answer.
    pub stateless: bool,
    /// A person is being asked about it: the name under which it waits at the desk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// A request about a task: what the task answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<Task>,
}

/// Who calls, as far as the system says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// For people: program and process id.
    pub label: String,
    /// The same for every server that this client started: history is kept under it.
    pub key: String,
}

#[derive(Clone, Debug)]
pub struct Link {
    pub id: String,
    pub client: Client,
    pub server: Server,
    pub launch: Launch,
    /// The protocol revision, once the server named it.
    pub revision: Option<String>,
    open: BTreeMap<(End, Id), Asked>,
    /// Tools, prompts and resources taken out of a list: calling them is refused.
    hidden: Hidden,
    tasks: tasks::Tasks,
    /// The rule that refused the server's launch: then nothing on this link passes.
    refused: Option<String>,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LinkError {
    #[error("a request with this id is still open")]
    IdInUse,
    #[error("{MAX_OPEN} requests of this side are open")]
    TooManyOpen,
}

/// A ticket's content.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Ticket {
    Open {
        from: End,
        id: TicketId,
        asked: Asked,
    },
    /// As earlier versions wrote it.
    Hidden {
        name: String,
    },
    #[serde(rename = "hidden-sha256")]
    HiddenDigest(Name),
    Revision {
        revision: String,
    },
    Task {
        asker: End,
        id: String,
        task: Task,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TicketId {
    Text(String),
    Integer(String),
}

impl Link {
    pub fn new(id: String, client: Client, server: Server, launch: Launch) -> Self {
        Self {
            id,
            client,
            server,
            launch,
            revision: None,
            open: BTreeMap::new(),
            hidden: Hidden::default(),
            tasks: tasks::Tasks::default(),
            refused: None,
        }
    }

    /// Takes up what an earlier daemon knew. Tickets that make no sense are ignored: the answer
    /// they stood for is then unsolicited, which is refused.
    pub fn resume(&mut self, tickets: &[(String, String)]) {
        for (_, value) in tickets {
            match serde_json::from_str(value) {
                Ok(Ticket::Open { from, id, asked }) => {
                    let id = match id {
                        TicketId::Text(text) => Id::Text(text),
                        TicketId::Integer(lexeme) => Id::Integer(lexeme),
                    };
                    self.open.insert((from, id), asked);
                }
                Ok(Ticket::Hidden { name }) => self.hidden.extend([Name::of(&name)]),
                Ok(Ticket::HiddenDigest(name)) => self.hidden.extend([name]),
                Ok(Ticket::Task { asker, id, task }) => {
                    self.tasks.learn(asker, &id, task);
                }
                Ok(Ticket::Revision { revision }) => self.revision = Some(revision),
                Err(_) => tracing::warn!(link = self.id, "a ticket was not understood"),
            }
        }
    }

    /// Whether a ticket says what holds for all exchanges of one caller, not for one of them: the
    /// revision, and what a task answers.
    pub fn is_of_caller(ticket: &str) -> bool {
        ticket == REVISION || ticket.starts_with(TASK)
    }

    /// Takes over what [`Link::is_of_caller`] tickets say to another link of the same caller.
    pub fn inherit(&mut self, other: &Self) {
        self.revision.clone_from(&other.revision);
        self.tasks.clone_from(&other.tasks);
    }

    /// Notes a request.
    ///
    /// # Errors
    /// [`LinkError`]: such a request is refused.
    pub fn open(&mut self, from: End, id: &Id, asked: Asked) -> Result<(), LinkError> {
        let key = (from, id.clone());
        if self.open.contains_key(&key) {
            return Err(LinkError::IdInUse);
        }
        if self.open_of(from).count() >= MAX_OPEN {
            return Err(LinkError::TooManyOpen);
        }
        self.open.insert(key, asked);
        Ok(())
    }

    /// The request that a response from `from` answers; it is closed by that. The id leaves the map
    /// before the answer is forwarded: a second answer would otherwise ride on the same request.
    /// What a person is being asked about stays: `from` never saw it, so it can only have guessed.
    pub fn close(&mut self, from: End, id: &Id) -> Option<Asked> {
        let key = (from.other(), id.clone());
        self.open
            .get(&key)
            .is_some_and(|asked| asked.question.is_none())
            .then(|| self.open.remove(&key))
            .flatten()
    }

    /// Forgets a request of `from`: it was answered by us, or cancelled.
    pub fn forget(&mut self, from: End, id: &Id) -> Option<Asked> {
        self.open.remove(&(from, id.clone()))
    }

    pub fn asked(&self, from: End, id: &Id) -> Option<&Asked> {
        self.open.get(&(from, id.clone()))
    }

    pub fn asked_mut(&mut self, from: End, id: &Id) -> Option<&mut Asked> {
        self.open.get_mut(&(from, id.clone()))
    }

    /// All open requests of one side, for when the other side is gone.
    pub fn take_open(&mut self, from: End) -> Vec<(Id, Asked)> {
        let keys: Vec<_> = self.open_of(from).cloned().collect();
        keys.into_iter()
            .filter_map(|key| self.open.remove(&key).map(|asked| (key.1, asked)))
            .collect()
    }

    /// The ids of all open requests of one side.
    pub fn open_ids(&self, from: End) -> Vec<Id> {
        self.open_of(from).map(|(_, id)| id.clone()).collect()
    }

    fn open_of(&self, from: End) -> impl Iterator<Item = &(End, Id)> {
        self.open.keys().filter(move |(end, _)| *end == from)
    }

    /// As [`Self::take_open`], but what a person is being asked about stays: the other side never
    /// saw it, so nothing that it sends can be the answer.
    pub fn take_sent(&mut self, from: End) -> Vec<(Id, Asked)> {
        let (held, sent) = self
            .take_open(from)
            .into_iter()
            .partition(|(_, asked)| asked.question.is_some());
        let held: Vec<_> = held;
        let held = held.into_iter().map(|(id, asked)| ((from, id), asked));
        self.open.extend(held);
        sent
    }

    /// Whether the request of this call is still open: its id may be another's by now.
    pub fn is_open(&self, from: End, id: &Id, call: &str) -> bool {
        self.asked(from, id).is_some_and(|asked| asked.call == call)
    }

    pub fn refuse_launch(&mut self, rule: &str) {
        self.refused = Some(rule.to_owned());
    }

    /// The rule that refused the launch, if it was refused.
    pub fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// Notes what a task answers: the key of the ticket of one that is done.
    pub fn learn_task(&mut self, asker: End, id: &str, task: Task) -> Option<String> {
        let gone = self.tasks.learn(asker, id, task);
        gone.map(|(asker, id)| task_key(asker, &id))
    }

    /// What the task of this id, run for `asker`, answers.
    pub fn task(&self, asker: End, id: &str) -> Option<&Task> {
        self.tasks.find(asker, id)
    }

    /// # Errors
    /// [`Full`]: the list from which the name would be cut must not pass.
    pub fn hide(&mut self, name: &str) -> Result<(), Full> {
        self.hidden.insert(Name::of(name)).map(|_| ())
    }

    /// A later list showed it again.
    pub fn unhide(&mut self, name: &str) -> bool {
        self.hidden.remove(Name::of(name))
    }

    pub fn is_hidden(&self, name: &str) -> bool {
        self.hidden.contains(Name::of(name))
    }

    /// What is hidden elsewhere is hidden here too.
    pub fn hide_all(&mut self, hidden: &Hidden) {
        self.hidden.take_over(hidden);
    }

    /// The ticket that keeps an open request across daemons.
    pub fn open_ticket(from: End, id: &Id, asked: &Asked) -> (String, String) {
        let ticket = Ticket::Open {
            from,
            id: match id {
                Id::Text(text) => TicketId::Text(text.clone()),
                Id::Integer(lexeme) => TicketId::Integer(lexeme.clone()),
            },
            asked: asked.clone(),
        };
        (Self::open_key(from, id), json(&ticket))
    }

    pub fn open_key(from: End, id: &Id) -> String {
        let of = match from {
            End::Client => OPEN_CLIENT,
            End::Server => "open server ",
        };
        format!("{of}{id}")
    }

    pub fn hidden_ticket(name: &str) -> (String, String) {
        let name = Name::of(name);
        (format!("{HIDDEN}{name}"), json(&Ticket::HiddenDigest(name)))
    }

    pub fn hidden_key(name: &str) -> String {
        format!("{HIDDEN}{}", Name::of(name))
    }

    /// Whether a ticket of this key hides a name.
    pub fn hides(key: &str) -> bool {
        key.starts_with(HIDDEN)
    }

    /// The name that a ticket of this key hides.
    pub fn hidden_name(key: &str) -> Option<Name> {
        Name::try_from(key.strip_prefix(HIDDEN)?).ok()
    }

    /// The name that a ticket hides, also one that an earlier version wrote.
    pub fn hidden_by(ticket: &str) -> Option<Name> {
        match serde_json::from_str(ticket).ok()? {
            Ticket::Hidden { name } => Some(Name::of(&name)),
            Ticket::HiddenDigest(name) => Some(name),
            _ => None,
        }
    }

    pub fn task_ticket(asker: End, id: &str, task: &Task) -> (String, String) {
        let ticket = Ticket::Task {
            asker,
            id: id.to_owned(),
            task: task.clone(),
        };
        (task_key(asker, id), json(&ticket))
    }

    pub fn revision_ticket(revision: &str) -> (String, String) {
        (
            REVISION.into(),
            json(&Ticket::Revision {
                revision: revision.to_owned(),
            }),
        )
    }
}

impl End {
    pub fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

const HIDDEN: &str = "hidden ";
const REVISION: &str = "revision";
const TASK: &str = "task ";

fn task_key(asker: End, id: &str) -> String {
    let of = match asker {
        End::Client => "client",
        End::Server => "server",
    };
    format!("{TASK}{of} {id}")
}

fn json(ticket: &Ticket) -> String {
    // Strings and booleans only: serialising can't fail; an empty ticket would be ignored.
    serde_json::to_string(ticket).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> Link {
        Link::new(
            "l".into(),
            Client::default(),
            Server::default(),
            Launch::default(),
        )
    }

    fn asked(method: &str) -> Asked {
        Asked {
            method: method.into(),
            name: "n".into(),
            call: "c".into(),
            stateless: false,
            question: None,
            task: None,
        }
    }

    #[test]
    fn a_second_answer_finds_no_request() {
        let mut link = link();
        let id = Id::Integer("7".into());
        link.open(End::Client, &id, asked("tools/call")).unwrap();
        assert_eq!(link.close(End::Server, &id).unwrap().method, "tools/call");
        assert_eq!(link.close(End::Server, &id), None);
    }

    #[test]
    fn ids_of_the_two_sides_and_of_two_types_do_not_meet() {
        let mut link = link();
        let number = Id::Integer("7".into());
        link.open(End::Client, &number, asked("a")).unwrap();
        link.open(End::Server, &number, asked("b")).unwrap();
        assert_eq!(
            link.open(End::Client, &number, asked("c")),
            Err(LinkError::IdInUse)
        );
        assert_eq!(link.close(End::Server, &Id::Text("7".into())), None);
        assert_eq!(link.close(End::Client, &number).unwrap().method, "b");
        assert_eq!(link.close(End::Server, &number).unwrap().method, "a");
    }

    #[test]
    fn what_a_person_is_asked_about_has_no_answer_yet() {
        let mut link = link();
        let id = Id::Integer("7".into());
        let mut held = asked("tools/call");
        held.question = Some("q".into());
        link.open(End::Client, &id, held).unwrap();
        assert_eq!(link.close(End::Server, &id), None, "a guess");
        // The person said yes, and the server sees it.
        link.asked_mut(End::Client, &id).unwrap().question = None;
        assert_eq!(link.close(End::Server, &id), Some(asked("tools/call")));
    }

    #[test]
    fn what_one_side_leaves_open_is_not_counted_against_the_other() {
        let mut link = link();
        let id = |number: usize| Id::Integer(number.to_string());
        for number in 0..MAX_OPEN {
            link.open(End::Server, &id(number), asked("ping")).unwrap();
        }
        let more = link.open(End::Server, &id(MAX_OPEN), asked("ping"));
        assert_eq!(more, Err(LinkError::TooManyOpen));
        for number in 0..MAX_OPEN {
            link.open(End::Client, &id(number), asked("ping")).unwrap();
        }
        let more = link.open(End::Client, &id(MAX_OPEN), asked("ping"));
        assert_eq!(more, Err(LinkError::TooManyOpen));
    }

    #[test]
    fn tickets_bring_back_what_was_open_and_hidden() {
        let mut old = link();
        let id = Id::Text("x \"y\"".into());
        let open = Link::open_ticket(End::Client, &id, &asked("tools/list"));
        let hidden = Link::hidden_ticket("bad tool");
        let revision = Link::revision_ticket("2025-03-26");
        let sum = Task {
            method: "tools/call".into(),
            name: "sum".into(),
        };
        let task = Link::task_ticket(End::Client, "t 1", &sum);
        let nonsense = ("?".into(), "nonsense".into());
        old.resume(&[open, hidden, revision, task, nonsense]);
        assert_eq!(old.task(End::Client, "t 1"), Some(&sum));
        assert_eq!(old.task(End::Server, "t 1"), None);
        assert!(old.is_hidden("bad tool"));
        assert_eq!(old.revision.as_deref(), Some("2025-03-26"));
        assert_eq!(old.close(End::Server, &id).unwrap().method, "tools/list");
    }

    #[test]
    fn a_hidden_name_is_kept_in_little_room_however_long_it_is() {
        let long = format!("tool {}", "x".repeat(1 << 20));
        let (key, value) = Link::hidden_ticket(&long);
        assert!(key.len() + value.len() < 200, "{key} {value}");
        let mut link = link();
        link.resume(&[(key.clone(), value.clone())]);
        assert!(link.is_hidden(&long) && !link.is_hidden("tool x"));
        assert_eq!(Link::hidden_name(&key), Some(Name::of(&long)));
        assert_eq!(Link::hidden_by(&value), Some(Name::of(&long)));
        assert!(link.unhide(&long) && !link.is_hidden(&long));
    }

    #[test]
    fn a_name_that_an_earlier_version_hid_stays_hidden() {
        let old = ("hidden tool bad", r#"{"hidden":{"name":"tool bad"}}"#);
        let mut link = link();
        link.resume(&[(old.0.into(), old.1.into())]);
        assert!(link.is_hidden("tool bad"));
        assert_eq!(Link::hidden_by(old.1), Some(Name::of("tool bad")));
    }
}
