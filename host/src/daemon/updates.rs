//! What `self-update` does, recorded: a process of its own replaces the program, and this is how the
//! log hears of it, whether a daemon runs or not.

use super::control::refused;
use super::start::{self, DaemonError, Parts};
use crate::audit::{Durability, Ledger, Record};
use crate::config::Home;
use crate::judge::{self, now_ms};
use crate::policy::Decision;
use crate::wire::{ControlReply, SelfUpdate, UpdateStep};
use serde_json::json;
use std::sync::Arc;

/// The longest text of a process that is taken over into a record. Chosen: a path, or two sentences.
const MAX_TEXT: usize = 300;

/// Writes a step of `self-update` into the log of a home that no daemon serves. `false` when one is
/// starting or stopping just now: then it is to be asked.
///
/// # Errors
/// [`DaemonError`] when the log can't be opened or takes no record.
pub fn record_alone(home: &Home, update: &SelfUpdate) -> Result<bool, DaemonError> {
    // As long as it is held no daemon opens the log; one that starts meanwhile is started again.
    let Some(_lock) = start::lock(home)? else {
        return Ok(false);
    };
    let ledger = Ledger::open(&home.audit_dir(), Arc::new(now_ms))?;
    ledger.append(&record(update, std::process::id().into()), Durability::Now)?;
    ledger.close()?;
    Ok(true)
}

impl Parts {
    pub(super) fn record_update(&self, update: &SelfUpdate, pid: i64) -> ControlReply {
        match self.judge.append(&record(update, pid), Durability::Now) {
            Some(_) => ControlReply::Done(json!({ "recorded": true })),
            None => refused(
                "not-recorded",
                "the log takes no records",
                "clawdefender audit verify",
            ),
        }
    }
}

fn record(update: &SelfUpdate, pid: i64) -> Record {
    let cut = |text: &str| text.chars().take(MAX_TEXT).collect::<String>();
    let (kind, reason) = match update.step {
        UpdateStep::Begun => ("update-begun", None),
        UpdateStep::Failed => ("update-failed", None),
        UpdateStep::Refused => ("update-refused", Some("the release was refused")),
    };
    let mut note = format!(
        "{} to {} from {}, release key {}, by process {pid}",
        cut(&update.from),
        cut(&update.to),
        cut(&update.source),
        cut(&update.key),
    );
    if !update.why.is_empty() {
        note.push_str(": ");
        note.push_str(&cut(&update.why));
    }
    Record {
        v: 1,
        id: judge::call_id(),
        at_ms: now_ms(),
        what: "update".into(),
        kind: kind.into(),
        name: cut(&update.to),
        digest: cut(&update.sha256),
        bytes: update.length,
        decision: reason.map(|reason| Decision::deny("update", reason)),
        note: Some(note),
        ..Record::default()
    }
}
