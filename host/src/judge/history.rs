//! What detectors remember: memos of past events, per client and detector, bounded.
//!
//! Kept in memory for the hot path. Each memo is also handed to a sink (the rebuildable index), and
//! a client's memos are read back from it the first time the client is seen again.

use crate::plugin::{History, Step};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// Steps kept per client and detector. Detectors are handed at most this many.
const MAX_STEPS: usize = 512;

/// Clients remembered at once; the one that was silent longest is forgotten in memory first.
const MAX_CLIENTS: usize = 64;

type Steps = BTreeMap<String, VecDeque<Arc<Step>>>;

/// Where steps are kept across restarts.
pub trait Shelf: Send + Sync {
    fn put(&self, client: &str, detector: &str, step: &Step);
    /// The newest steps of a client, oldest first, with their detector.
    fn load(&self, client: &str, max: usize) -> Vec<(String, Step)>;
}

/// The histories of all clients.
#[derive(Default)]
pub struct Histories {
    clients: Mutex<BTreeMap<String, Known>>,
    shelf: Option<Arc<dyn Shelf>>,
}

#[derive(Default)]
struct Known {
    steps: Steps,
    last_ms: u64,
}

impl Histories {
    pub fn with_shelf(shelf: Arc<dyn Shelf>) -> Self {
        Self {
            clients: Mutex::default(),
            shelf: Some(shelf),
        }
    }

    /// Keeps a memo.
    pub fn keep(&self, client: &str, detector: &str, step: Step) {
        // Before it is on the shelf, from which a client that was forgotten is read again.
        self.with(client, |known| {
            known.last_ms = known.last_ms.max(step.at_ms);
            push(&mut known.steps, detector.to_owned(), step.clone());
        });
        if let Some(shelf) = &self.shelf {
            shelf.put(client, detector, &step);
        }
    }

    /// Whether anything is remembered of a client.
    pub fn knows(&self, client: &str) -> bool {
        let clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = clients.get(client) {
            return !known.steps.is_empty();
        }
        drop(clients);
        let shelf = self.shelf.as_ref();
        shelf.is_some_and(|shelf| !shelf.load(client, 1).is_empty())
    }

    /// One client's history, as detectors read it.
    pub fn of<'h>(&'h self, client: &'h str) -> impl History + 'h {
        ClientHistory { all: self, client }
    }

    fn with<R>(&self, client: &str, f: impl FnOnce(&mut Known) -> R) -> R {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if !clients.contains_key(client) {
            if clients.len() >= MAX_CLIENTS
                && let Some(oldest) = clients
                    .iter()
                    .min_by_key(|(_, known)| known.last_ms)
                    .map(|(key, _)| key.clone())
            {
                clients.remove(&oldest);
            }
            let mut known = Known::default();
            if let Some(shelf) = &self.shelf {
                for (detector, step) in shelf.load(client, MAX_STEPS) {
                    known.last_ms = known.last_ms.max(step.at_ms);
                    push(&mut known.steps, detector, step);
                }
            }
            clients.insert(client.to_owned(), known);
        }
        f(clients.entry(client.to_owned()).or_default())
    }
}

fn push(steps: &mut Steps, detector: String, step: Step) {
    let queue = steps.entry(detector).or_default();
    if queue.len() >= MAX_STEPS {
        queue.pop_front();
    }
    queue.push_back(Arc::new(step));
}

struct ClientHistory<'h> {
    all: &'h Histories,
    client: &'h str,
}

impl History for ClientHistory<'_> {
    fn recent(&self, detector: &str, max: usize) -> Vec<Arc<Step>> {
        self.all
            .with(self.client, |known| match known.steps.get(detector) {
                Some(queue) => queue
                    .iter()
                    .skip(queue.len().saturating_sub(max))
                    .cloned()
                    .collect(),
                None => Vec::new(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(id: usize) -> Step {
        Step {
            id: id.to_string(),
            at_ms: id as u64,
            server: String::new(),
            link: String::new(),
            memo: vec![1],
        }
    }

    #[test]
    fn the_newest_steps_come_oldest_first_and_are_bounded() {
        let all = Histories::default();
        for id in 0..MAX_STEPS + 10 {
            all.keep("a", "chain", step(id));
        }
        all.keep("b", "chain", step(9999));
        let recent = all.of("a").recent("chain", 3);
        let ids: Vec<_> = recent.iter().map(|step| step.at_ms).collect();
        assert_eq!(ids, [519, 520, 521]);
        assert_eq!(all.of("a").recent("chain", usize::MAX).len(), MAX_STEPS);
        assert!(all.of("a").recent("other", 9).is_empty());
    }

    #[test]
    fn many_clients_do_not_grow_memory_without_bound() {
        let all = Histories::default();
        for client in 0..MAX_CLIENTS * 3 {
            all.keep(&client.to_string(), "chain", step(client));
        }
        assert_eq!(all.clients.lock().unwrap().len(), MAX_CLIENTS);
        assert_eq!(
            all.of(&(MAX_CLIENTS * 3 - 1).to_string())
                .recent("chain", 9)
                .len(),
            1
        );
    }
}
