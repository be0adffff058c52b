//! The daemon's half of the wire: one thread per connection, which rules on frames in their order.
//!
//! Only a message that waits for a person leaves that order: its ruling is sent when it is there.

use super::connections::Connections;
use super::{
    Control, ControlReply, Forward, FromDaemon, Hello, PROTOCOL, Ruling, Side, ToDaemon, Welcome,
    WireError, peer,
};
use crate::judge::{self, Judge, Outcome, Verdict};
use crate::link::{Client, End, Link};
use crate::mcp::salvage::salvage;
use std::io::BufReader;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};

/// Answers what the command line asks.
pub trait Controller: Send + Sync {
    fn control(&self, control: Control, peer: peer::Peer) -> ControlReply;
}

/// Serves one connection until it closes.
///
/// # Errors
/// [`WireError`] when the peer speaks nonsense; its connection is closed.
pub fn serve(
    stream: UnixStream,
    judge: &Arc<Judge>,
    controller: &dyn Controller,
    connections: &Arc<Connections>,
) -> Result<(), WireError> {
    let peer = peer::of(&stream)?;
    if !peer::is_us(peer) {
        // The directory is 0700; who gets here anyway is told nothing.
        return Ok(());
    }
    let Some(_seat) = connections.enter(&stream)? else {
        return Ok(());
    };
    let mut reader = BufReader::new(stream.try_clone()?);
    let writer = Arc::new(Mutex::new(stream));
    loop {
        match super::read_message(&mut reader) {
            Ok(ToDaemon::Control(control)) => {
                send(
                    &writer,
                    &FromDaemon::Reply(controller.control(control, peer)),
                )?;
            }
            Ok(ToDaemon::Hello(hello)) => {
                return follow(*hello, peer, reader, &writer, judge, connections);
            }
            Ok(_) => return Err(WireError::Malformed("a frame before the introduction")),
            Err(WireError::Closed) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

fn follow(
    hello: Hello,
    peer: peer::Peer,
    mut reader: BufReader<UnixStream>,
    writer: &Arc<Mutex<UnixStream>>,
    judge: &Arc<Judge>,
    connections: &Connections,
) -> Result<(), WireError> {
    let max_frame_bytes = judge.max_frame_bytes();
    let welcome = |launch| {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        FromDaemon::Welcome(Welcome {
            protocol: PROTOCOL,
            version,
            launch,
            max_frame_bytes,
        })
    };
    if hello.protocol != PROTOCOL {
        return send(writer, &welcome(false));
    }
    let (client, barred) = judge::client_of(peer.pid, hello.parent);
    judge.guard_processes(&hello.link, &barred);
    let link = introduce(&hello, client, judge);
    let _open = Open { judge, link: &link };
    let launch = {
        let mut link = link.lock().unwrap_or_else(PoisonError::into_inner);
        judge.launch(&mut link, hello.resumed)
    };
    send(writer, &welcome(launch))?;
    loop {
        if connections.closing() {
            return Ok(());
        }
        let (seq, outcome) = match super::read_message(&mut reader) {
            Ok(ToDaemon::Frame {
                seq,
                from,
                resent,
                bytes,
            }) => (seq, judge.rule(&link, from.end(), resent, &bytes)),
            Ok(ToDaemon::Ended { seq, from }) => (seq, judge.gone(&link, from.end())),
            Ok(ToDaemon::Unreadable { seq, from, what }) => {
                let unread = judge::Unread {
                    why: what.why,
                    len: what.len,
                    digest: what.digest,
                    salvaged: salvage(&what.bones),
                };
                (seq, judge.unread(&link, from.end(), unread))
            }
            Ok(_) => return Err(WireError::Malformed("an introduction in the middle")),
            Err(WireError::Closed) => return Ok(()),
            Err(error) => return Err(error),
        };
        match outcome {
            Outcome::Now(verdict) => send(writer, &ruling(seq, verdict))?,
            Outcome::Later(question) => {
                let writer = Arc::clone(writer);
                judge.when_answered(&link, question, move |verdict| {
                    // A shim that is gone asks again through its next connection.
                    let _ = send(&writer, &ruling(seq, verdict));
                });
            }
        }
    }
}

/// A link that is closed however its connection ends.
struct Open<'a> {
    judge: &'a Judge,
    link: &'a Mutex<Link>,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.judge.link_closed(self.link);
    }
}

fn introduce(hello: &Hello, client: Client, judge: &Judge) -> Arc<Mutex<Link>> {
    let server = crate::event::Server {
        name: hello.server.clone(),
        package: None,
    };
    let mut link = Link::new(hello.link.clone(), client, server, hello.launch.clone());
    if hello.resumed {
        link.resume(&hello.tickets);
    }
    if hello.refused {
        link.refuse_launch("launch-refused");
    }
    judge.link_opened(&link);
    Arc::new(Mutex::new(link))
}

fn send(writer: &Mutex<UnixStream>, message: &FromDaemon) -> Result<(), WireError> {
    let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
    super::write_message(&mut *writer, message)
}

fn ruling(seq: u64, verdict: Verdict) -> FromDaemon {
    let parts = verdict.into_parts();
    FromDaemon::Ruling(Ruling {
        seq,
        forward: match parts.forward {
            judge::Forward::Nothing => Forward::Nothing,
            judge::Forward::Original => Forward::Original,
            judge::Forward::Instead(bytes) => Forward::Instead(bytes),
        },
        reply: parts.reply,
        keep: parts.keep,
        discard: parts.discard,
    })
}

impl Side {
    fn end(self) -> End {
        match self {
            Self::Client => End::Client,
            Self::Server => End::Server,
        }
    }
}
