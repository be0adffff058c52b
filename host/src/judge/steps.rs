//! Steps across restarts: kept in the rebuildable index, filled again from the ledger when it is lost.

use super::history::Shelf;
use crate::audit::{self, Query};
use crate::plugin::Step;
use crate::store::{Index, StoreError};
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

const TREE: &str = "steps";
const MARKS: &str = "steps-marks";
/// Stands there after an orderly end.
const CLOSED: &[u8] = b"closed";

/// What a killed daemon may not have saved here. Source: sled writes every 500 ms; chosen: much more.
const UNSAVED_MS: u64 = 60_000;

/// Older steps are of no use to any pattern. Chosen: a week covers a chain that waits for Monday.
const KEEP_MS: u64 = 7 * 24 * 3600 * 1000;

/// Steps that are put between two looks for old ones. Chosen: a look reads the whole index.
const LOOK_EVERY: u32 = 8192;

/// The index of steps.
pub struct Steps {
    index: Index,
    /// Put since the start.
    put: AtomicU32,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    detector: String,
    id: String,
    at_ms: u64,
    server: String,
    link: String,
    memo: String,
}

impl Steps {
    /// Opens the index; one that had to be begun anew, or has never been filled, is filled from the
    /// ledger in `audit_dir`.
    ///
    /// # Errors
    /// [`StoreError`] when not even an empty index can be made.
    pub fn open(dir: &Path, audit_dir: &Path, now_ms: u64) -> Result<Self, StoreError> {
        let fresh = !dir.exists();
        let index = Index::open(dir)?;
        let lost = fresh || index.rebuilt_from.is_some();
        let closed = index.get(MARKS, CLOSED).is_ok_and(|mark| mark.is_some());
        let steps = Self {
            index,
            put: AtomicU32::new(0),
        };
        if lost {
            steps.refill(audit_dir, "since:7d", now_ms, KEEP_MS);
        } else {
            if !closed {
                // What this start has written of itself is not the end of the last daemon.
                steps.refill(audit_dir, "-type:start", now_ms, UNSAVED_MS);
            }
            steps.forget_before(now_ms.saturating_sub(KEEP_MS));
        }
        steps.index.remove_older(MARKS, CLOSED, &[u8::MAX])?;
        steps.index.flush_async();
        Ok(steps)
    }

    /// Puts what the ledger has of its last `reach_ms`; what is there already stays as it is.
    fn refill(&self, audit_dir: &Path, query: &str, now_ms: u64, reach_ms: u64) {
        let Ok(query) = Query::parse(query, now_ms) else {
            return;
        };
        let mut newest = None;
        let Ok(found) = audit::search(audit_dir, &query) else {
            return;
        };
        for record in found.filter_map(Result::ok).map(|found| found.record) {
            let newest = *newest.get_or_insert(record.at_ms);
            if newest.saturating_sub(record.at_ms) > reach_ms {
                break;
            }
            for memo in &record.memos {
                let at_ms = if memo.at_ms == 0 {
                    record.at_ms
                } else {
                    memo.at_ms
                };
                let step = Step {
                    id: memo.event.clone(),
                    at_ms,
                    server: record.server.clone(),
                    link: record.link.clone(),
                    memo: BASE64.decode(memo.bytes.as_bytes()).unwrap_or_default(),
                };
                self.put(&memo.client_key, &memo.detector, &step);
            }
        }
    }

    fn forget_before(&self, before_ms: u64) {
        let Ok(entries) = self.index.range_rev(TREE, b"", usize::MAX) else {
            return;
        };
        for (key, value) in entries {
            let old =
                serde_json::from_slice::<Kept>(&value).map_or(true, |kept| kept.at_ms < before_ms);
            if old {
                let mut after = key.clone();
                after.push(0);
                let _ = self.index.remove_older(TREE, &key, &after);
            }
        }
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        // Without this mark the next start looks at what the ledger has that may not be here.
        let _ = self.index.put(MARKS, CLOSED, b"");
    }
}

impl Shelf for Steps {
    fn put(&self, client: &str, detector: &str, step: &Step) {
        let before = self.put.fetch_add(1, Ordering::Relaxed);
        if before % LOOK_EVERY == LOOK_EVERY - 1 {
            self.forget_before(step.at_ms.saturating_sub(KEEP_MS));
        }
        let kept = Kept {
            detector: detector.to_owned(),
            id: step.id.clone(),
            at_ms: step.at_ms,
            server: step.server.clone(),
            link: step.link.clone(),
            memo: BASE64.encode(&step.memo),
        };
        let Ok(value) = serde_json::to_vec(&kept) else {
            return;
        };
        let mut key = prefix(client);
        key.extend_from_slice(&step.at_ms.to_be_bytes());
        key.extend_from_slice(step.id.as_bytes());
        key.push(0);
        key.extend_from_slice(detector.as_bytes());
        // The ledger has it as well; losing it here costs a refill.
        if let Err(error) = self.index.put(TREE, &key, &value) {
            tracing::warn!(%error, "a step was not indexed");
        }
    }

    fn load(&self, client: &str, max: usize) -> Vec<(String, Step)> {
        let mut entries = self
            .index
            .range_rev(TREE, &prefix(client), max)
            .unwrap_or_default();
        entries.reverse();
        entries
            .into_iter()
            .filter_map(|(_, value)| {
                let kept: Kept = serde_json::from_slice(&value).ok()?;
                let memo = BASE64.decode(kept.memo.as_bytes()).ok()?;
                let step = Step {
                    id: kept.id,
                    at_ms: kept.at_ms,
                    server: kept.server,
                    link: kept.link,
                    memo,
                };
                Some((kept.detector, step))
            })
            .collect()
    }
}

fn prefix(client: &str) -> Vec<u8> {
    let mut prefix = client.as_bytes().to_vec();
    prefix.push(0);
    prefix
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(id: &str, at_ms: u64) -> Step {
        Step {
            id: id.into(),
            at_ms,
            server: "s".into(),
            link: "l".into(),
            memo: vec![1, 2, 255],
        }
    }

    #[test]
    fn a_daemon_that_runs_for_weeks_forgets_as_well() {
        let dir = tempfile::tempdir().unwrap();
        let (index, audit) = (dir.path().join("index"), dir.path().join("audit"));
        let steps = Steps::open(&index, &audit, 0).unwrap();
        steps.put("gone", "chain", &step("old", 1));
        for number in 1..LOOK_EVERY {
            assert_eq!(steps.load("gone", 1).len(), 1);
            steps.put("client", "chain", &step(&number.to_string(), KEEP_MS + 2));
        }
        assert!(steps.load("gone", 1).is_empty());
    }

    #[test]
    fn what_a_killed_daemon_did_not_save_is_taken_from_the_ledger_however_late() {
        use crate::audit::{Durability, Ledger, Memo, Record};
        use std::sync::Arc;
        let dir = tempfile::tempdir().unwrap();
        let (index, audit) = (dir.path().join("index"), dir.path().join("audit"));
        let ledger = Ledger::open(&audit, Arc::new(|| 1_000)).unwrap();
        for (event, at_ms) in [("old", 1_000), ("new", 100_000)] {
            let memo = Memo {
                detector: "chain".into(),
                event: event.into(),
                client_key: "client".into(),
                bytes: "AQ==".into(),
                ..Memo::default()
            };
            let record = Record {
                at_ms,
                memos: vec![memo],
                ..Record::default()
            };
            ledger.append(&record, Durability::Group).unwrap();
        }
        // Killed: the index is there and was not closed.
        drop((ledger, Index::open(&index).unwrap()));
        let later = 100_000 + 10 * UNSAVED_MS;
        let _ledger = Ledger::open(&audit, Arc::new(move || later)).unwrap();
        let steps = Steps::open(&index, &audit, later).unwrap();
        let kept = steps.load("client", 10);
        let ids: Vec<_> = kept.iter().map(|(_, step)| step.id.as_str()).collect();
        assert_eq!(ids, ["new"]);
    }

    #[test]
    fn steps_survive_a_restart_in_order_and_old_ones_are_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let (index, audit) = (dir.path().join("index"), dir.path().join("audit"));
        let day = 24 * 3600 * 1000;
        {
            let steps = Steps::open(&index, &audit, 10 * day).unwrap();
            steps.put("client", "chain", &step("old", day));
            steps.put("client", "chain", &step("b", 9 * day + 2));
            steps.put("client", "chain", &step("a", 9 * day + 1));
            steps.put("client2", "chain", &step("x", 9 * day));
        }
        let steps = Steps::open(&index, &audit, 10 * day).unwrap();
        let ids: Vec<_> = steps
            .load("client", 10)
            .into_iter()
            .map(|(_, step)| step.id)
            .collect();
        assert_eq!(ids, ["a", "b"]);
        assert_eq!(
            steps.load("client", 1).first().unwrap().1,
            step("b", 9 * day + 2)
        );
        assert!(steps.load("clien", 10).is_empty());
    }
}
