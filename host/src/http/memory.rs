//! What outlives one exchange: sessions, what callers without one share, and names that were
//! hidden.
//!
//! A session's id is only where we find its link again. Policy and history know the caller, not
//! the session.

use crate::judge::Judge;
use crate::link::{Asked, Client, Link};
use crate::mcp::message::Id;
use std::collections::{BTreeMap, HashMap, VecDeque};
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
    /// Requests that were answered on a stream with event ids, which may be replayed.
    answered: Mutex<VecDeque<(Id, Asked)>>,
}

pub struct Memory {
    judge: Arc<Judge>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    sessions: HashMap<Key, (Arc<Session>, Instant)>,
    /// Per server: tickets of names that are hidden.
    hidden: HashMap<String, BTreeMap<String, String>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Session { server: String, id: String },
    Caller { server: String, key: String },
}

impl Memory {
    pub fn new(judge: Arc<Judge>) -> Self {
        Self {
            judge,
            kept: Mutex::default(),
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
        let hidden = self.lock().hidden.get(server).cloned().unwrap_or_default();
        link.resume(&hidden.into_iter().collect::<Vec<_>>());
        link
    }

    /// What this caller's exchanges without a session share.
    pub fn caller(&self, server: &str, client: &(Client, Option<i32>)) -> Arc<Session> {
        let key = Key::Caller {
            server: server.to_owned(),
            key: client.0.key.clone(),
        };
        self.find_or_keep(key, client, || self.fresh(server, &client.0))
    }

    /// A session of the server's. One that is not known, because the daemon was started anew
    /// meanwhile, is taken up without open requests.
    pub fn session(&self, server: &str, id: &str, client: &(Client, Option<i32>)) -> Arc<Session> {
        let key = Key::Session {
            server: server.to_owned(),
            id: id.to_owned(),
        };
        self.find_or_keep(key, client, || self.fresh(server, &client.0))
    }

    /// The exchange of this link began a session.
    pub fn begin(
        &self,
        server: &str,
        id: &str,
        client: &(Client, Option<i32>),
        link: &Arc<Mutex<Link>>,
    ) -> Arc<Session> {
        let key = Key::Session {
            server: server.to_owned(),
            id: id.to_owned(),
        };
        let session = Session::of(Arc::clone(link));
        self.keep(key, client, session)
    }

    /// A session is over.
    pub fn end(&self, server: &str, id: &str) {
        let key = Key::Session {
            server: server.to_owned(),
            id: id.to_owned(),
        };
        let gone = self.lock().sessions.remove(&key);
        if let Some((session, _)) = gone {
            self.judge.link_closed(&session.link);
        }
    }

    /// Takes over what a verdict wants to be remembered: names that are hidden or shown again. A
    /// name hidden from one caller is hidden from all.
    pub fn learn(&self, server: &str, keep: &[(String, String)], discard: &[String]) {
        let hidden = |key: &str| key.starts_with(Link::hidden_key("").as_str());
        if !keep.iter().any(|(key, _)| hidden(key)) && !discard.iter().any(|key| hidden(key)) {
            return;
        }
        let mut kept = self.lock();
        let names = kept.hidden.entry(server.to_owned()).or_default();
        for (key, value) in keep.iter().filter(|(key, _)| hidden(key)) {
            names.insert(key.clone(), value.clone());
        }
        for key in discard {
            names.remove(key);
        }
    }

    fn find_or_keep(
        &self,
        key: Key,
        client: &(Client, Option<i32>),
        make: impl FnOnce() -> Link,
    ) -> Arc<Session> {
        if let Some((session, used)) = self.lock().sessions.get_mut(&key) {
            *used = Instant::now();
            return Arc::clone(session);
        }
        self.keep(key, client, Session::of(Arc::new(Mutex::new(make()))))
    }

    fn keep(&self, key: Key, client: &(Client, Option<i32>), session: Session) -> Arc<Session> {
        let session = Arc::new(session);
        let mut gone = Vec::new();
        {
            let mut kept = self.lock();
            if let Some((other, used)) = kept.sessions.get_mut(&key) {
                // Another exchange of the same session was quicker, or the server gave an id twice.
                *used = Instant::now();
                return Arc::clone(other);
            }
            let idle: Vec<Key> = kept
                .sessions
                .iter()
                .filter(|(_, (_, used))| used.elapsed() > IDLE)
                .map(|(key, _)| key.clone())
                .collect();
            gone.extend(idle.iter().filter_map(|key| kept.sessions.remove(key)));
            if kept.sessions.len() >= MAX_KEPT {
                let oldest = kept.sessions.iter().min_by_key(|(_, (_, used))| *used);
                let oldest = oldest.map(|(key, _)| key.clone());
                gone.extend(oldest.and_then(|key| kept.sessions.remove(&key)));
            }
            kept.sessions
                .insert(key, (Arc::clone(&session), Instant::now()));
        }
        for (session, _) in gone {
            self.judge.link_closed(&session.link);
        }
        let link = session.lock();
        self.judge
            .guard_processes(&link.id, client.1.into_iter().collect());
        self.judge.link_opened(&link);
        drop(link);
        session
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    pub fn of(link: Arc<Mutex<Link>>) -> Self {
        Self {
            link,
            answered: Mutex::default(),
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
                answered.retain(|(known, _)| known != id);
                if answered.len() >= MAX_ANSWERED {
                    answered.pop_front();
                }
                answered.push_back((id.clone(), asked.clone()));
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
}
