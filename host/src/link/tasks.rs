//! Which request a task is the deferred answer of: its result is judged as that request's.
//!
//! Source: MCP 2025-11-25, tasks; the tasks extension of 2026-07-28.

use super::End;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Tasks of one link that are remembered. Chosen: far above what runs at once; who has more gets
/// the oldest ones' results judged as a tool's without a name.
const MAX_TASKS: usize = 1024;

/// Longer ids are not remembered.
const MAX_ID_BYTES: usize = 1024;

/// The request that made a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    pub method: String,
    /// Tool, prompt or URI.
    pub name: String,
}

/// Keyed by who asked: each side names the tasks that it runs for the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Tasks {
    known: BTreeMap<(End, String), Task>,
    order: VecDeque<(End, String)>,
}

impl Tasks {
    /// Remembers a task; the key of one that had to go for it.
    pub(super) fn learn(&mut self, asker: End, id: &str, task: Task) -> Option<(End, String)> {
        if id.is_empty() || id.len() > MAX_ID_BYTES {
            return None;
        }
        let key = (asker, id.to_owned());
        if self.known.insert(key.clone(), task).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() <= MAX_TASKS {
            return None;
        }
        let oldest = self.order.pop_front()?;
        self.known.remove(&oldest);
        Some(oldest)
    }

    pub(super) fn find(&self, asker: End, id: &str) -> Option<&Task> {
        self.known.get(&(asker, id.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_task_goes_first_and_sides_do_not_meet() {
        let mut tasks = Tasks::default();
        let task = |name: &str| Task {
            method: "tools/call".into(),
            name: name.into(),
        };
        for n in 0..MAX_TASKS {
            assert_eq!(tasks.learn(End::Client, &n.to_string(), task("t")), None);
        }
        assert_eq!(tasks.learn(End::Client, "0", task("again")), None);
        assert_eq!(tasks.find(End::Client, "0").unwrap().name, "again");
        assert_eq!(tasks.find(End::Server, "0"), None);
        let gone = tasks.learn(End::Server, "new", task("s"));
        assert_eq!(gone, Some((End::Client, "0".to_owned())));
        assert_eq!(tasks.find(End::Client, "0"), None);
        assert_eq!(tasks.find(End::Server, "new").unwrap().name, "s");
        let long = "x".repeat(MAX_ID_BYTES + 1);
        assert_eq!(tasks.learn(End::Client, &long, task("t")), None);
        assert_eq!(tasks.find(End::Client, &long), None);
    }
}
