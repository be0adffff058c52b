//! What outlives one exchange: sessions, what callers without one share, and names that were
//! hidden.
//!
//! A session's id is only where we find its link again. Policy and history know the caller, not
//! the session.

use super::hidden::{Hidden, LearnError};
use super::pending::Pending;
use crate::judge::{Barred, Judge};
use crate::link::hidden::Full;
use crate::link::{Asked, Client, Link};
use crate::mcp::message::Id;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Sessions and callers that are remembered. Chosen: far above what one user's agents have open; a
/// client that makes more loses its oldest, which then begins anew.
const MAX_KEPT: usize = 1024;

/// Chosen: longer than a working day, so that a session that was left open in the evening goes on.
const IDLE: Duration = Duration::from_secs(24 * 3600);

/// Answers whose requests are remembered for a stream that is resumed. Chosen: what a server
/// replays after a break is what the break lost, which is little.
const MAX_ANSWERED: usize = 256;

/// A link that several exchanges share.
pub struct Session {
    pub link: Arc<Mutex<Link>>,
    /// How much of what was hidden from others this link has taken over.
    hidden: AtomicU64,
    /// Requests that were answered on a stream with event ids, which may be replayed.
    answered: Mutex<VecDeque<(Id, Asked)>>,
    /// Requests of exchanges that have links of their own.
    pub(super) pending: Pending,
}

pub struct Memory {
    judge: Arc<Judge>,
    sessions: Mutex<Sessions>,
    hidden: Mutex<Hidden>,
}

type Sessions = HashMap<Key, (Arc<Session>, Instant)>;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    /// Of one caller's: another one that knows its id has a link of its own.
    Session {
        server: String,
        id: String,
        key: String,
    },
    Caller {
        server: String,
        key: String,
    },
}

impl Memory {
    pub fn new(judge: Arc<Judge>, hidden: Hidden) -> Self {
        Self {
            judge,
            sessions: Mutex::default(),
            hidden: Mutex::new(hidden),
        }
    }

    /// A link of its own for one exchange.
    pub fn fresh(&self, server: &str, client: &Client) -> Link {
        let mut link = Link::new(
            format!("{:016x}", rand::random::<u64>()),
            client.clone(),
            crate::event::Server {
                name: server.to_owned(),
                package: None,
            },
            crate::event::Launch::default(),
        );
        link.hide_all(&self.hidden().at(server).1);
        link
    }

    /// What this caller's exchanges without a session share.
    pub fn caller(&self, server: &str, client: &Client) -> Arc<Session> {
        let key = Key::Caller {
            server: server.to_owned(),
            key: client.key.clone(),
        };
        self.find_or_keep(key, || self.fresh(server, client))
    }

    /// A session of the server's. One that is not known, because the daemon was started anew
    /// meanwhile, is taken up without open requests.
    pub fn session(&self, server: &str, id: &str, client: &Client) -> Arc<Session> {
        let key = Key::Session {
            server: server.to_owned(),
            id: id.to_owned(),
            key: client.key.clone(),
        };
        self.find_or_keep(key, || self.fresh(server, client))
    }

    /// The exchange of this link began a session.
    pub fn begin(
        &self,
        server: &str,
        id: &str,
        client: &Client,
        link: &Arc<Mutex<Link>>,
    ) -> Arc<Session> {
        let key = Key::Session {
            server: server.to_owned(),
            id: id.to_owned(),
            key: client.key.clone(),
        };
        let session = Session::of(Arc::clone(link));
        self.keep(key, session)
    }

    /// A session is over.
    pub fn end(&self, server: &str, id: &str, client: &Client) {
        let key = Key::Session {
            server: server.to_owned(),
            id: id.to_owned(),
            key: client.key.clone(),
        };
        let gone = self.lock().remove(&key);
        if let Some((session, _)) = gone {
            self.judge.link_closed(&session.link);
        }
    }

    /// Takes over what a verdict wants to be remembered: names that are hidden or shown again. A
    /// name hidden from one caller is hidden from all.
    ///
    /// # Errors
    /// [`Full`]: the list from which they were cut must not pass.
    pub fn learn(
        &self,
        server: &str,
        keep: &[(String, String)],
        discard: &[String],
    ) -> Result<(), Full> {
        match self.hidden().learn(server, keep, discard) {
            Err(LearnError::Full(full)) => return Err(full),
            Err(LearnError::Write(error)) => {
                tracing::error!(%error, server, "hidden names were not written; they hold until the daemon ends");
            }
            Ok(()) => {}
        }
        Ok(())
    }

    /// Before a link is used again: what was hidden from another one meanwhile is hidden here too.
    pub fn refresh(&self, server: &str, session: &Session) {
        // Under the link's lock, so that nobody who sees the new version uses the link before.
        let mut link = session.lock();
        let (version, hidden) = self.hidden().at(server);
        if session.hidden.swap(version, Ordering::Relaxed) != version {
            link.hide_all(&hidden);
        }
    }

    fn hidden(&self) -> MutexGuard<'_, Hidden> {
        self.hidden.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a link known, for as long as a stream uses it.
    pub fn open(&self, link: &Link) {
        self.judge.guard_processes(&link.id, &Barred::default());
        self.judge.link_opened(link);
    }

    fn find_or_keep(&self, key: Key, make: impl FnOnce() -> Link) -> Arc<Session> {
        if let Some((session, used)) = self.lock().get_mut(&key) {
            *used = Instant::now();
            return Arc::clone(session);
        }
        // Two at once may both make one; the first that is kept is used.
        self.keep(key, Session::of(Arc::new(Mutex::new(make()))))
    }

    fn keep(&self, key: Key, session: Session) -> Arc<Session> {
        let session = Arc::new(session);
        let mut gone = Vec::new();
        {
            let mut kept = self.lock();
            if let Some((other, used)) = kept.get_mut(&key) {
                // Another exchange of the same session was quicker, or the server gave an id twice.
                *used = Instant::now();
                return Arc::clone(other);
            }
            // Known before it can be let go of again.
            self.open(&session.lock());
            let idle: Vec<Key> = kept
                .iter()
                .filter(|(_, (session, used))| used.elapsed() > IDLE && is_unused(session))
                .map(|(key, _)| key.clone())
                .collect();
            gone.extend(idle.iter().filter_map(|key| kept.remove(key)));
            if kept.len() >= MAX_KEPT {
                // Who makes many loses its own first.
                let unused = kept.iter().filter(|(_, (session, _))| is_unused(session));
                let oldest =
                    unused.min_by_key(|(other, (_, used))| (!other.is_of_caller(&key), *used));
                let oldest = oldest.map(|(key, _)| key.clone());
                gone.extend(oldest.and_then(|key| kept.remove(&key)));
            }
            kept.insert(key, (Arc::clone(&session), Instant::now()));
        }
        for (session, _) in gone {
            self.judge.link_closed(&session.link);
        }
        session
    }

    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// No exchange has it in hand.
fn is_unused(session: &Arc<Session>) -> bool {
    Arc::strong_count(session) == 1
}

impl Key {
    fn is_of_caller(&self, other: &Self) -> bool {
        let caller = |key: &Self| match key {
            Self::Session { key, .. } | Self::Caller { key, .. } => key.clone(),
        };
        caller(self) == caller(other)
    }
}

impl Session {
    pub fn of(link: Arc<Mutex<Link>>) -> Self {
        Self {
            link,
            hidden: AtomicU64::new(0),
            answered: Mutex::default(),
            pending: Pending::default(),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Before an answer on a stream that can be resumed is judged: what it answers is remembered,
    /// or, when it was answered before, is open once more. The replay is judged like the first.
    pub fn replayable(&self, id: &Id, resumed: bool) {
        let mut link = self.lock();
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        match link.asked(crate::link::End::Client, id) {
            Some(asked) => {
                push(&mut answered, id.clone(), asked.clone());
            }
            None if resumed => {
                if let Some((_, asked)) = answered.iter().find(|(known, _)| known == id) {
                    // Refused only when it is open, which was just looked up, or when too many are;
                    // then the answer is unsolicited, and refused.
                    let _ = link.open(crate::link::End::Client, id, asked.clone());
                }
            }
            None => {}
        }
    }

    /// Takes over requests whose stream ended and can be resumed: another exchange brings their
    /// answers.
    pub fn expect(&self, open: Vec<(Id, Asked)>) {
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, asked) in open {
            push(&mut answered, id, asked);
        }
    }
}

fn push(answered: &mut VecDeque<(Id, Asked)>, id: Id, asked: Asked) {
    answered.retain(|(known, _)| *known != id);
    if answered.len() >= MAX_ANSWERED {
        answered.pop_front();
    }
    answered.push_back((id, asked));
}
