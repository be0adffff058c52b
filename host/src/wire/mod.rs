//! What the shim and the daemon say to each other over the Unix socket.
//!
//! Length-prefixed binary messages, both halves of one version: `u32le length | u8 tag | body`.
//! The shim never reads JSON-RPC: it holds each message's bytes until the daemon's [`Ruling`] says
//! where they go. What the daemon must know again after a restart it leaves with the shim as
//! *tickets*, opaque bytes that the shim hands back when it reconnects.

mod codec;
pub mod connections;
pub mod peer;
pub mod serve;

pub use codec::{WireError, read_message, write_message};

use crate::event::Launch;
use crate::judge::pins::What;
use crate::link::{End, Link};
use crate::mcp::message::Id;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Changes with any change of the messages below; both sides refuse another one.
pub const PROTOCOL: u32 = 5;

/// One message is at most this long: the largest frame, a replacement of it, and tickets.
pub const MAX_MESSAGE_BYTES: usize = 40 << 20;

/// What a frame's replacement and tickets may come to. Chosen: the rest is far more than all else
/// that a ruling on a frame can hold.
pub const MAX_RULING_BYTES: usize = MAX_MESSAGE_BYTES - (1 << 20);

/// Which end of the pipe a frame came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    Client,
    Server,
}

/// How a shim introduces itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    pub protocol: u32,
    /// The program's version: a newer shim finds an older daemon that way.
    pub version: String,
    /// The process that started the shim, by the number that it has there (0: outside of what the
    /// shim sees); `None` when it is gone by now.
    pub parent: Option<i32>,
    /// Chosen by the shim, the same across reconnects.
    pub link: String,
    /// The server's name in the client's configuration.
    pub server: String,
    pub launch: Launch,
    /// The server is already running: only its link is to be taken up again.
    pub resumed: bool,
    /// The server was not started because its launch was refused: nothing on the link passes.
    pub refused: bool,
    /// What earlier rulings asked to keep: (key, value).
    pub tickets: Vec<(String, String)>,
}

/// The daemon's answer to [`Hello`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    pub protocol: u32,
    pub version: String,
    /// Whether the server may be started. When not, the shim starts nothing and every request is
    /// answered by the daemon's rulings.
    pub launch: bool,
    pub max_frame_bytes: usize,
}

/// Where a frame's bytes go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forward {
    Nothing,
    /// The bytes as they came.
    Original,
    /// These instead, line end included.
    Instead(Vec<u8>),
}

/// What is to be done with one frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    pub seq: u64,
    pub forward: Forward,
    /// A line to send back to where the frame came from.
    pub reply: Option<Vec<u8>>,
    /// Tickets to keep.
    pub keep: Vec<(String, String)>,
    /// Tickets that are done.
    pub discard: Vec<String>,
}

/// Whether a ticket stands for a request of the client that has no answer yet.
pub fn is_awaited(ticket: &str) -> bool {
    ticket.starts_with(crate::link::OPEN_CLIENT)
}

/// The ticket of a side's request that has no answer yet.
pub fn open_ticket(from: Side, id: &Id) -> String {
    let from = match from {
        Side::Client => End::Client,
        Side::Server => End::Server,
    };
    Link::open_key(from, id)
}

/// The tickets that go into a [`Hello`]: first those that hide names, which are few and short, then
/// the others while there is room. One that stays behind makes its link stricter: an answer that
/// nobody asked for is refused. A Hello that is too long would end the link for good.
#[must_use]
pub fn fitting(tickets: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let (hiding, others): (Vec<_>, Vec<_>) = tickets.iter().partition(|(key, _)| Link::hides(key));
    let mut room = TICKET_BYTES;
    let mut fits = |ticket: &(&String, &String)| {
        let length = serde_json::to_vec(ticket).map_or(usize::MAX, |json| json.len() + 1);
        let left = room.checked_sub(length);
        room = left.unwrap_or(room);
        left.is_some()
    };
    let fitting = hiding.into_iter().chain(others).filter(|one| fits(one));
    fitting
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Of a [`Hello`]. Chosen: what is left is more than a command line and its variables can have.
const TICKET_BYTES: usize = MAX_MESSAGE_BYTES - (8 << 20);

/// Asked over the same socket by the command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Control {
    Status,
    Approvals,
    Answer {
        id: String,
        answer: ControlAnswer,
    },
    FeedStatus,
    /// From one place, or from where the configuration and the feeds themselves say.
    FeedUpdate {
        from: Option<String>,
        /// Say what would change, and change nothing.
        dry_run: bool,
    },
    /// How far the download of a running update is.
    FeedProgress,
    FeedRollback {
        feed: Option<String>,
    },
    FeedRemove {
        feed: String,
    },
    FeedExport {
        feed: Option<String>,
        to: String,
    },
    PluginInstall {
        from: String,
        key: String,
    },
    Plugins,
    PolicyReload,
    /// For the log: the program is replaced by a process of its own.
    SelfUpdate(SelfUpdate),
    Overrides,
    OverrideAdd {
        advisory: String,
        package: String,
        reason: String,
        days: u32,
    },
    OverrideRemove {
        id: String,
    },
    Pins,
    /// `seen` is what was refused, as the person saw it.
    PinAccept {
        server: String,
        seen: Vec<What>,
    },
    PinRemove {
        server: String,
    },
    PinsReset,
    Stop,
}

/// What `self-update` is about to do, could not do, or refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelfUpdate {
    pub step: UpdateStep,
    /// The version that runs.
    pub from: String,
    /// The version that is offered.
    pub to: String,
    /// Hexadecimal SHA-256 of the archive, as its source says.
    pub sha256: String,
    /// Length of the archive, as its source says.
    pub length: u64,
    /// The id of the release key that must have signed it.
    pub key: String,
    /// Where it is offered.
    pub source: String,
    /// Why not; empty when the update begins.
    pub why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UpdateStep {
    /// It was checked, and the program is replaced next.
    Begun,
    /// It was checked and could not be put in place.
    Failed,
    /// It is not what it must be.
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControlAnswer {
    Deny,
    AllowOnce,
    AllowHour,
}

/// The daemon's answer to a [`Control`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControlReply {
    Done(serde_json::Value),
    Refused {
        code: String,
        message: String,
        hint: String,
    },
}

/// What the shim knows of a frame that it could not read whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    pub why: String,
    pub len: u64,
    /// Hexadecimal SHA-256 of the bytes, when they all went by.
    pub digest: String,
    /// See `Salvaged::bones` in `mcp`: a few bytes that say whom to answer.
    pub bones: Vec<u8>,
}

/// Shim or command line to daemon.
#[derive(Clone, Debug, PartialEq)]
pub enum ToDaemon<'a> {
    Hello(Box<Hello>),
    /// One frame, without its line end. `resent`: an earlier daemon may have seen it.
    Frame {
        seq: u64,
        from: Side,
        resent: bool,
        /// Lent by the shim, which holds them; owned by the daemon, which read them.
        bytes: Cow<'a, [u8]>,
    },
    /// A frame that could not be read whole; it is dropped and must be recorded.
    Unreadable {
        seq: u64,
        from: Side,
        what: Unread,
    },
    /// This side ended: no more frames will come from it.
    Ended {
        seq: u64,
        from: Side,
    },
    Control(Control),
}

/// Daemon to shim or command line.
#[derive(Clone, Debug, PartialEq)]
pub enum FromDaemon {
    Welcome(Welcome),
    Ruling(Ruling),
    Reply(ControlReply),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Asked;
    use crate::link::hidden::MAX_HIDDEN;

    #[test]
    fn a_hello_is_never_too_long_and_always_hides_what_was_hidden() {
        let asked = |name: String| Asked {
            method: "tools/call".into(),
            name,
            call: "c".into(),
            stateless: false,
            question: None,
            task: None,
        };
        let open = |n: usize, name: &str| {
            Link::open_ticket(
                End::Client,
                &Id::Integer(n.to_string()),
                &asked(name.into()),
            )
        };
        let (key, value) = Link::hidden_ticket("tool");
        let name = Link::hidden_key("tool").split_off("hidden ".len());
        let hidden = |n: usize| {
            let other = format!("{n:064x}");
            (key.replace(&name, &other), value.replace(&name, &other))
        };
        let mut tickets: BTreeMap<_, _> = (0..MAX_HIDDEN).map(hidden).collect();
        tickets.extend([open(1, "small"), open(3, "small")]);
        assert_eq!(fitting(&tickets).len(), tickets.len());
        tickets.extend([open(2, &"\u{1}".repeat(4 << 20))]);
        let fitted = fitting(&tickets);
        assert_eq!(fitted.len(), tickets.len() - 1);
        let long = Link::open_key(End::Client, &Id::Integer("2".into()));
        assert!(fitted.iter().all(|(key, _)| *key != long));
        assert!(serde_json::to_vec(&fitted).unwrap().len() <= TICKET_BYTES);
    }
}
