//! Requests that an exchange passed on: who answers them when it ends without an answer.

use super::exchange::{Exchange, lock};
use super::memory::Session;
use crate::link::{End, Link};
use crate::mcp::message::Id;
use crate::mcp::reply::Refusal;
use std::sync::{Arc, Mutex};

/// Requests that were passed on and wait for their answers. When the exchange ends, however it
/// ends, those that nobody can answer any more are closed.
pub(super) struct Owed {
    link: Arc<Mutex<Link>>,
    ids: Vec<Id>,
    kept: bool,
    /// Where this exchange is found by who cancels one of its requests; none where all exchanges
    /// that could carry a cancellation share its link.
    listed: Option<Arc<Session>>,
}

impl Owed {
    pub fn new(link: &Arc<Mutex<Link>>, ids: Vec<Id>, shared: &Arc<Session>) -> Self {
        let apart = !Arc::ptr_eq(link, &shared.link) && !ids.is_empty();
        let listed = apart.then(|| Arc::clone(shared));
        if let Some(shared) = &listed {
            shared.pending.note(&ids, link);
        }
        Self {
            link: Arc::clone(link),
            ids,
            kept: false,
            listed,
        }
    }

    /// Their answers may come elsewhere: on a stream that is resumed.
    pub fn keep(&mut self) {
        self.kept = true;
    }

    /// The stream ended and can be resumed, by an exchange that has `session`.
    pub fn hand_over(&mut self, session: &Session) {
        if !Arc::ptr_eq(&self.link, &session.link) {
            let link = lock(&self.link);
            let open = self.ids.iter().filter_map(|id| {
                let asked = link.asked(End::Client, id)?;
                Some((id.clone(), asked.clone()))
            });
            session.expect(open.collect());
        }
        self.keep();
    }

    /// The one request that this exchange carried, if it was one.
    pub fn only(&self) -> Option<&Id> {
        match self.ids.as_slice() {
            [id] if !self.kept => Some(id),
            _ => None,
        }
    }

    pub fn link(&self) -> &Arc<Mutex<Link>> {
        &self.link
    }

    /// Nobody waits for an answer.
    pub fn is_empty(&self) -> bool {
        self.kept || self.ids.is_empty()
    }

    pub fn has(&self, id: &Id) -> bool {
        self.ids.contains(id)
    }

    /// Answers of ours for those that are still open.
    pub fn abandon(&self, exchange: &Exchange, refusal: &Refusal<'_>, why: &str) -> Vec<Vec<u8>> {
        if self.kept {
            return Vec::new();
        }
        let judge = &exchange.gateway.judge;
        judge.abandon(&self.link, &self.ids, refusal, why)
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        if let Some(shared) = &self.listed {
            shared.pending.forget(&self.ids, &self.link);
        }
        if !self.kept && !self.ids.is_empty() {
            let mut link = lock(&self.link);
            for id in &self.ids {
                link.forget(End::Client, id);
            }
        }
    }
}
