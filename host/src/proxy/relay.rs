//! The relay: reads both sides, asks the daemon about every frame, does what its rulings say.
//!
//! Five threads that never wait for each other in a circle: one reader and one writer per side,
//! one for the daemon's rulings. A reader stops when too much of its side is still undecided or
//! unwritten, so memory stays bounded and the pressure reaches the sender.

use super::child::Child;
use super::contact::{Greeting, Standing};
use super::outlet::Outlet;
use super::place::Place;
use crate::config::Home;
use crate::mcp::frame;
use crate::wire::{self, Forward, FromDaemon, Ruling, Side, ToDaemon, Unread, Welcome};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::{ExitCode, ExitStatus};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// How many frames of one side may be undecided or unwritten before its reader stops.
const MAX_HELD_FRAMES: usize = 1024;

pub(super) struct Relay {
    pub(super) home: Home,
    pub(super) greeting: Greeting,
    max_frame_bytes: usize,
    pub(super) standing: Standing,
    /// Taken before `state` when both are needed, and held while a frame is written, so that frames
    /// reach the daemon in the order of their numbers.
    pub(super) to_daemon: Mutex<Option<UnixStream>>,
    /// How many daemons were found after the first: who is late with an older one's socket drops it.
    pub(super) daemons: AtomicU64,
    state: Mutex<State>,
    /// For [`Relay::supervise`]: something ended, or its end came nearer.
    pub(super) changed: Condvar,
    /// For the readers: a frame is decided and written.
    room: Condvar,
}

#[derive(Clone)]
pub(super) struct Held {
    pub(super) from: Side,
    /// The one copy of the frame in this process: it is sent from here and forwarded from here.
    /// Empty when the daemon is told of something else.
    pub(super) bytes: Arc<[u8]>,
    kind: HeldKind,
}

#[derive(Clone)]
enum HeldKind {
    Frame,
    /// What could not be read.
    Unread(Unread),
    /// The side ended.
    End,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) next_seq: u64,
    /// Sent to the daemon, not ruled on yet.
    pub(super) pending: BTreeMap<u64, Held>,
    pub(super) tickets: BTreeMap<String, String>,
    /// A reader waits for room.
    crowded: bool,
    pub(super) client: Flow,
    pub(super) server: Flow,
    /// How the server ended, and when.
    pub(super) exit: Option<(ExitStatus, Instant)>,
    /// A signal reached us and was passed on.
    pub(super) terminating: Option<Instant>,
    pub(super) over: bool,
}

#[derive(Default)]
pub(super) struct Flow {
    /// How often this side was heard.
    pub(super) heard: u64,
    pub(super) frames: usize,
    pub(super) bytes: usize,
    /// No more frames will come from this side.
    pub(super) ended: bool,
    /// Nothing can be written to this side any more.
    pub(super) deaf: bool,
}

impl State {
    fn flow(&mut self, side: Side) -> &mut Flow {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }
}

pub(super) struct Outlets {
    pub(super) client: Outlet,
    pub(super) server: Outlet,
}

impl Relay {
    pub(super) fn new(
        home: Home,
        greeting: Greeting,
        stream: UnixStream,
        welcome: &Welcome,
    ) -> Self {
        let standing = if welcome.launch {
            Standing::Running
        } else {
            Standing::Refused
        };
        Self {
            home,
            greeting,
            max_frame_bytes: welcome.max_frame_bytes,
            standing,
            to_daemon: Mutex::new(Some(stream)),
            daemons: AtomicU64::new(0),
            state: Mutex::default(),
            changed: Condvar::new(),
            room: Condvar::new(),
        }
    }

    /// Relays until one side is over. Without a child every request is answered by rulings alone.
    pub(super) fn run(self: Arc<Self>, child: Option<Child>) -> ExitCode {
        let (Ok(input), Ok(output)) = (own(&std::io::stdin()), own(&std::io::stdout())) else {
            return ExitCode::FAILURE;
        };
        // Before anybody asks: who writes to the daemon holds the socket until there is room, and
        // there is room only while its rulings are read.
        let rulings = self.reading_half();
        let deaf = |side: Side| {
            let relay = Arc::clone(&self);
            move || relay.note(|state| state.flow(side).deaf = true)
        };
        let client = Outlet::start(output, deaf(Side::Client));
        let group = child.as_ref().map(Child::group);
        let (server, waiter) = match child {
            Some(mut child) => {
                let server = match child.stdin.take() {
                    Some(stdin) => Outlet::start(stdin, deaf(Side::Server)),
                    None => Outlet::nowhere(),
                };
                if let Some(stdout) = child.stdout.take() {
                    let relay = Arc::clone(&self);
                    std::thread::spawn(move || relay.read(Side::Server, stdout));
                }
                let relay = Arc::clone(&self);
                let waiter = std::thread::spawn(move || {
                    let status = child.wait();
                    relay.note(|state| {
                        state.exit = status.map(|status| (status, Instant::now())).or(state.exit);
                    });
                });
                (server, Some(waiter))
            }
            None => (Outlet::nowhere(), None),
        };
        let outlets = Arc::new(Outlets { client, server });
        let (relay, to) = (Arc::clone(&self), Arc::clone(&outlets));
        std::thread::spawn(move || relay.follow(rulings, &to));
        if let Some(group) = group {
            self.pass_signals(group);
        }
        let relay = Arc::clone(&self);
        std::thread::spawn(move || relay.read(Side::Client, input));
        let code = self.supervise(&outlets, group);
        drop(waiter);
        code
    }

    /// Reads one side's frames and hands each to the daemon.
    fn read(&self, side: Side, input: impl Read) {
        let mut reader = frame::FrameReader::new(input);
        loop {
            self.wait_for_room(side);
            let held = match reader.next(self.max_frame_bytes) {
                Ok(Some(line)) if line.is_blank() => continue,
                Ok(Some(line)) => Held::frame(side, line.raw),
                Ok(None) => break,
                Err(error) => {
                    let over = matches!(error, frame::FrameError::Io(_));
                    self.ask(Held {
                        from: side,
                        bytes: Arc::default(),
                        kind: HeldKind::Unread(unread(&error)),
                    });
                    if over {
                        break;
                    }
                    continue;
                }
            };
            self.ask(held);
        }
        if side == Side::Server {
            // The daemon knows which requests now never get an answer and gives them one.
            self.ask(Held::end());
        }
        self.note(|state| state.flow(side).ended = true);
    }

    fn wait_for_room(&self, side: Side) {
        let limit = self.max_frame_bytes.saturating_mul(2);
        let mut state = self.lock();
        loop {
            let flow = state.flow(side);
            if flow.frames < MAX_HELD_FRAMES && flow.bytes < limit {
                return;
            }
            state.crowded = true;
            state = self
                .room
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Holds a frame and sends it to the daemon. When the daemon is away it stays held, and
    /// [`Relay::reconnect`] sends it.
    pub(super) fn ask(&self, held: Held) {
        let mut socket = self
            .to_daemon
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut state = self.lock();
        let seq = state.next_seq;
        state.next_seq += 1;
        let flow = state.flow(held.from);
        flow.heard += 1;
        flow.frames += 1;
        flow.bytes += held.bytes.len();
        state.pending.insert(seq, held.clone());
        drop(state);
        if let Some(stream) = socket.as_mut()
            && wire::write_message(stream, &message(seq, &held, false)).is_err()
        {
            *socket = None;
        }
    }

    /// Follows the daemon's rulings, through as many daemons as it takes.
    pub(super) fn follow(self: &Arc<Self>, rulings: Option<UnixStream>, outlets: &Outlets) {
        let mut stream = rulings.map(BufReader::new);
        let mut in_vain = 0;
        loop {
            match stream.as_mut().map(wire::read_message::<FromDaemon>) {
                Some(Ok(FromDaemon::Ruling(ruling))) => {
                    in_vain = 0;
                    self.obey(ruling, outlets);
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => {
                    if self.lock().over {
                        return;
                    }
                    in_vain = self.weary(in_vain, outlets);
                    stream = self.reconnect(outlets).map(BufReader::new);
                }
            }
        }
    }

    pub(super) fn reading_half(&self) -> Option<UnixStream> {
        let socket = self
            .to_daemon
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        socket.as_ref().and_then(|stream| stream.try_clone().ok())
    }

    fn obey(self: &Arc<Self>, ruling: Ruling, outlets: &Outlets) {
        let mut state = self.lock();
        // A ruling on a frame that is no longer held was obeyed before; it must not act twice. This
        // is the only thread that takes frames out, so what is seen here stays.
        let Some(Held {
            from,
            bytes: original,
            ..
        }) = state.pending.get(&ruling.seq).cloned()
        else {
            return;
        };
        for key in &ruling.discard {
            state.tickets.remove(key);
        }
        state.tickets.extend(ruling.keep);
        drop(state);
        let (there, back) = match from {
            Side::Client => (&outlets.server, &outlets.client),
            Side::Server => (&outlets.client, &outlets.server),
        };
        // Room for the next frame is when all is written that came of this one, answers of ours too.
        let place = Arc::new(Place {
            relay: Arc::clone(self),
            side: from,
            bytes: original.len(),
        });
        if let Some(line) = ruling.reply {
            let place = Arc::clone(&place);
            back.send(line.into(), move |_| drop(place));
        }
        let bytes = match ruling.forward {
            Forward::Nothing => None,
            Forward::Original => Some(original),
            Forward::Instead(bytes) => Some(bytes.into()),
        };
        if let Some(bytes) = bytes {
            there.send(bytes, move |written| {
                if !written && from == Side::Client {
                    place.relay.say_undelivered();
                }
            });
        } else {
            drop(place);
        }
        // Last: a frame that is neither held nor queued would be lost to the one who ends the relay,
        // and only an end waits for rulings.
        let mut state = self.lock();
        state.pending.remove(&ruling.seq);
        let awaited = state.client.ended || state.server.ended;
        drop(state);
        if awaited {
            self.changed.notify_all();
        }
    }

    /// The server reads no more: whoever waits for it waits for nothing. The daemon knows who that is,
    /// and answers them.
    fn say_undelivered(self: &Arc<Self>) {
        let relay = Arc::clone(self);
        // Elsewhere: this may be the thread that reads the daemon's rulings.
        std::thread::spawn(move || {
            if !relay.lock().over {
                relay.ask(Held::end());
            }
        });
    }

    /// The server is gone though something keeps its pipe open: as if the pipe had ended.
    pub(super) fn say_gone(self: &Arc<Self>) {
        let relay = Arc::clone(self);
        // Elsewhere: to ask may take as long as the daemon does.
        std::thread::spawn(move || {
            relay.ask(Held::end());
            relay.note(|state| state.server.ended = true);
        });
    }

    pub(super) fn release(&self, side: Side, bytes: usize) {
        let mut state = self.lock();
        let flow = state.flow(side);
        flow.frames = flow.frames.saturating_sub(1);
        flow.bytes = flow.bytes.saturating_sub(bytes);
        let crowded = std::mem::take(&mut state.crowded);
        drop(state);
        if crowded {
            self.room.notify_all();
        }
    }

    pub(super) fn note(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    pub(super) fn frame(from: Side, raw: &[u8]) -> Self {
        Self {
            from,
            bytes: raw.into(),
            kind: HeldKind::Frame,
        }
    }

    /// The end of the server's side.
    fn end() -> Self {
        Self {
            from: Side::Server,
            bytes: Arc::default(),
            kind: HeldKind::End,
        }
    }

    /// Bytes that say who waits for an answer.
    pub(super) fn said(&self) -> &[u8] {
        match &self.kind {
            HeldKind::Unread(what) => &what.bones,
            HeldKind::Frame | HeldKind::End => &self.bytes,
        }
    }
}

pub(super) fn message(seq: u64, held: &Held, resent: bool) -> ToDaemon<'_> {
    let from = held.from;
    match &held.kind {
        HeldKind::Frame => {
            let json = frame::Frame { raw: &held.bytes }.json();
            ToDaemon::Frame {
                seq,
                from,
                resent,
                bytes: json.into(),
            }
        }
        HeldKind::Unread(what) => ToDaemon::Unreadable {
            seq,
            from,
            what: what.clone(),
        },
        HeldKind::End => ToDaemon::Ended { seq, from },
    }
}

pub(super) fn unread(error: &frame::FrameError) -> Unread {
    let why = error.to_string();
    match error {
        frame::FrameError::TooLong { line, .. } => Unread {
            why,
            len: line.len,
            digest: data_encoding::HEXLOWER.encode(&line.sha256),
            bones: line.salvaged.bones(),
        },
        frame::FrameError::CutOff { .. } | frame::FrameError::Io(_) => Unread {
            why,
            ..Unread::default()
        },
    }
}

/// A file of its own on the same descriptor: no buffering, no lock of the standard library.
pub(super) fn own(stream: &impl AsFd) -> std::io::Result<File> {
    Ok(File::from(stream.as_fd().try_clone_to_owned()?))
}
