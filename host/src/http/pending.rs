//! Which exchanges of a caller without a session have a request open: a cancellation comes on an
//! exchange of its own and names only the request's id.

use crate::link::Link;
use crate::mcp::message::Id;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Each open request's id with the links of the exchanges that carry it; more than one when two
/// clients in one process use the same ids.
#[derive(Default)]
pub(super) struct Pending(Mutex<HashMap<Id, Vec<Weak<Mutex<Link>>>>>);

impl Pending {
    pub fn note(&self, ids: &[Id], link: &Arc<Mutex<Link>>) {
        let mut known = self.lock();
        for id in ids {
            known
                .entry(id.clone())
                .or_default()
                .push(Arc::downgrade(link));
        }
    }

    /// The exchange of this link is over.
    pub fn forget(&self, ids: &[Id], link: &Arc<Mutex<Link>>) {
        let mut known = self.lock();
        for id in ids {
            if let Some(links) = known.get_mut(id) {
                links.retain(|other| !std::ptr::eq(other.as_ptr(), Arc::as_ptr(link)));
                if links.is_empty() {
                    known.remove(id);
                }
            }
        }
    }

    /// The link on which a request of this id is open; `None` when there is none, and when there are
    /// several, because cancelling the wrong one would be worse than cancelling none.
    pub fn only(&self, id: &Id) -> Option<Arc<Mutex<Link>>> {
        match self.lock().get(id)?.as_slice() {
            [link] => link.upgrade(),
            _ => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Id, Vec<Weak<Mutex<Link>>>>> {
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
        pending.note(&[id("2")], &two);
        assert!(Arc::ptr_eq(&found("1").unwrap(), &one));
        assert!(found("2").is_none(), "two clients use this id");
        assert!(pending.only(&Id::Text("1".into())).is_none());
        pending.forget(&[id("1"), id("2")], &one);
        assert!(found("1").is_none());
        assert!(Arc::ptr_eq(&found("2").unwrap(), &two));
        pending.forget(&[id("2")], &two);
        assert!(pending.lock().is_empty());
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
