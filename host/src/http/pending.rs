//! Which exchanges of a caller without a session have a request open: a cancellation comes on an
//! exchange of its own and names only the request's id.

use crate::link::Link;
use crate::mcp::message::Id;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// How long the id of a request that is over may still be meant by a cancellation that crossed its
/// end. Chosen: as long as the official SDKs wait for an answer before they cancel.
const CROSSING: Duration = Duration::from_secs(60);
/// Ended ids that are remembered at most, the oldest being forgotten. Chosen: of a caller with more
/// in a minute a cancellation is a matter of luck anyway.
const MAX_ENDED: usize = 4096;

#[derive(Default)]
pub(super) struct Pending(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// Each open request's id with the links of the exchanges that carry it; more than one when two
    /// clients in one process use the same ids.
    open: HashMap<Id, Vec<Weak<Mutex<Link>>>>,
    ended: VecDeque<(Instant, Id)>,
}

impl Pending {
    pub fn note(&self, ids: &[Id], link: &Arc<Mutex<Link>>) {
        let mut known = self.lock();
        for id in ids {
            let links = known.open.entry(id.clone()).or_default();
            links.push(Arc::downgrade(link));
        }
    }

    /// The exchange of this link is over.
    pub fn forget(&self, ids: &[Id], link: &Arc<Mutex<Link>>) {
        let mut known = self.lock();
        let now = Instant::now();
        let fresh = |(ended, _): &(Instant, Id)| now.duration_since(*ended) < CROSSING;
        while known.ended.len() > MAX_ENDED || known.ended.front().is_some_and(|end| !fresh(end)) {
            known.ended.pop_front();
        }
        for id in ids {
            known.ended.push_back((now, id.clone()));
            if let Some(links) = known.open.get_mut(id) {
                links.retain(|other| !std::ptr::eq(other.as_ptr(), Arc::as_ptr(link)));
                if links.is_empty() {
                    known.open.remove(id);
                }
            }
        }
    }

    /// The link on which a request of this id is open; `None` when there is none, and when there are
    /// or just were several, because cancelling the wrong one would be worse than cancelling none.
    pub fn only(&self, id: &Id) -> Option<Arc<Mutex<Link>>> {
        let known = self.lock();
        let [link] = known.open.get(id)?.as_slice() else {
            return None;
        };
        let ended = known.ended.iter().filter(|(_, other)| other == id);
        let crossed = ended.filter(|(at, _)| at.elapsed() < CROSSING).count() > 0;
        link.upgrade().filter(|_| !crossed)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Launch, Server};
    use crate::link::Client;

    fn link() -> Arc<Mutex<Link>> {
        Arc::new(Mutex::new(Link::new(
            "l".into(),
            Client::default(),
            Server::default(),
            Launch::default(),
        )))
    }

    #[test]
    fn a_cancellation_finds_the_one_exchange_that_is_meant_or_none() {
        let (pending, one, two) = (Pending::default(), link(), link());
        let id = |n: &str| Id::Integer(n.into());
        let found = |of: &str| pending.only(&id(of));
        assert!(found("1").is_none());
        pending.note(&[id("1"), id("2")], &one);
        pending.note(&[id("2"), id("3")], &two);
        assert!(Arc::ptr_eq(&found("1").unwrap(), &one));
        assert!(found("2").is_none(), "two clients use this id");
        assert!(pending.only(&Id::Text("1".into())).is_none());
        pending.forget(&[id("1"), id("2")], &one);
        assert!(found("1").is_none());
        assert!(
            found("2").is_none(),
            "the one that is over may have been meant"
        );
        assert!(Arc::ptr_eq(&found("3").unwrap(), &two));
        pending.forget(&[id("2"), id("3")], &two);
        let known = pending.lock();
        assert!(known.open.is_empty());
        assert_eq!(known.ended.len(), 4);
    }

    #[test]
    fn an_exchange_that_is_gone_is_not_kept_alive() {
        let (pending, gone) = (Pending::default(), link());
        let ids = [Id::Text("a".into())];
        pending.note(&ids, &gone);
        drop(gone);
        assert!(pending.only(&ids[0]).is_none());
    }
}
