//! The client's requests that nobody has answered yet.

use crate::mcp::era::Era;
use crate::mcp::message::Id;
use std::collections::HashMap;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};

/// A request as its exchange knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub id: Id,
    pub method: String,
    pub era: Era,
    /// Tells it from a later request with the same id.
    serial: u64,
}

impl Asked {
    pub(super) fn new(id: Id, method: &str, era: Era) -> Self {
        Self {
            id,
            method: method.to_owned(),
            era,
            serial: 0,
        }
    }
}

struct Request {
    asked: Asked,
    task: Option<AbortHandle>,
}

pub(super) struct Open {
    requests: HashMap<Id, Request>,
    next_serial: u64,
    count: watch::Sender<usize>,
}

impl Default for Open {
    fn default() -> Self {
        Self {
            requests: HashMap::new(),
            next_serial: 0,
            count: watch::Sender::new(0),
        }
    }
}

/// How a server hears of a cancelled request.
pub(super) enum Cancelled {
    /// By the end of its stream.
    Stream(AbortHandle),
    /// By the notification.
    Told,
}

impl Open {
    /// Notes requests that are about to be sent.
    pub(super) fn add(&mut self, asks: &[Asked]) -> Vec<Asked> {
        let mut noted = Vec::new();
        for asked in asks {
            self.next_serial += 1;
            let asked = Asked {
                serial: self.next_serial,
                ..asked.clone()
            };
            noted.push(asked.clone());
            self.requests
                .insert(asked.id.clone(), Request { asked, task: None });
        }
        self.count.send_replace(self.requests.len());
        noted
    }

    /// The requests noted last are in the hands of this task.
    pub(super) fn run_by(&mut self, task: &JoinHandle<()>) {
        for request in self.requests.values_mut() {
            if request.task.is_none() {
                request.task = Some(task.abort_handle());
            }
        }
    }

    /// A request was answered: whose it was, if it was open.
    pub(super) fn close(&mut self, id: &Id) -> Option<Asked> {
        let request = self.requests.remove(id)?;
        self.count.send_replace(self.requests.len());
        Some(request.asked)
    }

    /// The request with this id, if it is open.
    pub(super) fn asked(&self, id: &Id) -> Option<&Asked> {
        self.requests.get(id).map(|request| &request.asked)
    }

    /// Whether exactly this request still waits.
    pub(super) fn waits(&self, asked: &Asked) -> bool {
        self.requests
            .get(&asked.id)
            .is_some_and(|request| request.asked.serial == asked.serial)
    }

    /// The client no longer wants an answer.
    pub(super) fn cancel(&mut self, id: &Id) -> Option<Cancelled> {
        let asked = self.asked(id)?.clone();
        let request = self.requests.remove(id)?;
        self.count.send_replace(self.requests.len());
        Some(match (asked.era, request.task) {
            (Era::Stateless, Some(task)) => Cancelled::Stream(task),
            _ => Cancelled::Told,
        })
    }

    /// Subscriptions are answered only when they end, so a client that closed its side ends them.
    pub(super) fn end_subscriptions(&mut self) -> Vec<AbortHandle> {
        let gone: Vec<Id> = self
            .requests
            .values()
            .filter(|request| request.asked.method == SUBSCRIPTION)
            .map(|request| request.asked.id.clone())
            .collect();
        gone.iter()
            .filter_map(|id| match self.cancel(id)? {
                Cancelled::Stream(task) => Some(task),
                Cancelled::Told => None,
            })
            .collect()
    }

    pub(super) fn take_all(&mut self) -> Vec<Id> {
        let ids = self.requests.drain().map(|(id, _)| id).collect();
        self.count.send_replace(0);
        ids
    }

    /// Done when no request is open.
    pub(super) fn settled(&self) -> impl Future<Output = ()> + use<> {
        let mut count = self.count.subscribe();
        async move {
            let _ = count.wait_for(|open| *open == 0).await;
        }
    }
}

const SUBSCRIPTION: &str = "subscriptions/listen";

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(id: &str) -> Asked {
        Asked::new(Id::Integer(id.to_owned()), "tools/call", Era::Handshake)
    }

    #[test]
    fn an_id_that_is_used_again_is_another_request() {
        let mut open = Open::default();
        let first = open.add(&[asked("1")]).remove(0);
        assert!(open.waits(&first));
        assert_eq!(open.close(&first.id).as_ref(), Some(&first));
        let second = open.add(&[asked("1")]).remove(0);
        assert!(open.waits(&second) && !open.waits(&first));
        assert!(open.close(&Id::Text("1".into())).is_none(), "another type");
        assert_eq!(open.take_all(), [second.id]);
    }

    #[tokio::test]
    async fn only_the_stateless_era_cancels_by_closing() {
        let mut open = Open::default();
        let task = tokio::spawn(async {});
        let told = open.add(&[asked("1")]).remove(0);
        let closed = Asked {
            era: Era::Stateless,
            ..asked("2")
        };
        open.add(std::slice::from_ref(&closed));
        open.run_by(&task);
        assert!(matches!(open.cancel(&told.id), Some(Cancelled::Told)));
        assert!(matches!(
            open.cancel(&closed.id),
            Some(Cancelled::Stream(_))
        ));
        assert!(open.cancel(&closed.id).is_none());
        open.settled().await;
    }
}
