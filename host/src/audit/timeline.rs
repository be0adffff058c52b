//! What led to a finding: its steps in order, looked up in the log.
//!
//! A finding names past events; the records that left them say when, where and with what. A step
//! whose record is not there (the log was cut, or the index is older than it) is named as such.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::AuditError;
use super::query::Query;
use super::record::Record;
use super::search::{Found, search};

/// Steps are remembered so long, in milliseconds; older records can't be one. Source:
/// `judge::steps`, seven days, and a day for a clock that was set.
const REMEMBERED_MS: u64 = 8 * 24 * 3600 * 1000;

/// The steps of one finding, oldest first; the last is the event that completes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Timeline {
    /// Which of the record's findings, from 0.
    pub finding: usize,
    /// The chain, what flowed, `from` and `to` which servers, within how many seconds: as the
    /// detector said it.
    #[serde(flatten)]
    pub facts: BTreeMap<String, String>,
    pub steps: Vec<Stop>,
}

/// One step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stop {
    /// The event.
    pub id: String,
    /// Whether the log has its record; if not, nothing below is known of it but the actions.
    pub in_log: bool,
    /// The record, for `audit show`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub call: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<u64>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub server: String,
    /// Tool or URI.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// What the detector took it for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub actions: String,
}

/// The timelines of the findings in `record` that name steps; the log is in `dir`.
///
/// # Errors
/// [`AuditError::Io`] if a segment can't be read.
pub fn timelines(dir: &Path, record: &Record) -> Result<Vec<Timeline>, AuditError> {
    let mut wanted: BTreeSet<&str> = BTreeSet::new();
    for finding in &record.findings {
        wanted.extend(finding.steps.iter().map(String::as_str));
    }
    let mut found: BTreeMap<String, Stop> = BTreeMap::new();
    if !wanted.is_empty() {
        for each in search(dir, &Query::default())? {
            let past = each?.record;
            if past.at_ms.saturating_add(REMEMBERED_MS) < record.at_ms {
                break;
            }
            // A step is the event that left a memo; of a batch one record has several.
            let left = past.memos.iter().map(|memo| memo.event.as_str());
            for id in left.filter(|id| wanted.contains(id)) {
                let stop = stop(id, &past);
                found.entry(id.to_owned()).or_insert(stop);
            }
            if found.len() == wanted.len() {
                break;
            }
        }
    }
    let with_steps = |finding: &crate::event::Finding| !finding.steps.is_empty();
    let told = record.findings.iter().enumerate();
    Ok(told
        .filter(|(_, finding)| with_steps(finding))
        .map(|(at, finding)| {
            let mut facts = finding.attrs.clone();
            let actions = facts.remove("actions").unwrap_or_default();
            let mut actions = actions.split("; ").map(str::to_owned);
            let mut steps: Vec<Stop> = Vec::with_capacity(finding.steps.len() + 1);
            for id in &finding.steps {
                steps.push(found.get(id).cloned().unwrap_or_else(|| Stop {
                    id: id.clone(),
                    ..Stop::default()
                }));
            }
            steps.push(stop(&record.id, record));
            for step in &mut steps {
                step.actions = actions.next().unwrap_or_default();
            }
            Timeline {
                finding: at,
                facts,
                steps,
            }
        })
        .collect())
}

/// A record as JSON with its place in the log and its timelines: what `audit show --json` prints
/// and the guard API answers.
///
/// # Errors
/// [`AuditError`] if the log can't be read.
pub fn told(dir: &Path, found: &Found) -> Result<Value, AuditError> {
    let mut value = found.json()?;
    let timelines = timelines(dir, &found.record)?;
    if let Some(members) = value.as_object_mut().filter(|_| !timelines.is_empty()) {
        members.insert("timeline".into(), serde_json::to_value(timelines)?);
    }
    Ok(value)
}

fn stop(id: &str, record: &Record) -> Stop {
    Stop {
        id: id.to_owned(),
        in_log: true,
        call: record.id.clone(),
        at_ms: Some(record.at_ms),
        server: record.server.clone(),
        name: record.name.clone(),
        kind: record.kind.clone(),
        actions: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::audit::{Durability, Ledger, Memo};
    use crate::event::{Category, Finding, Severity};

    fn record(id: &str, at_ms: u64, name: &str, event: &str) -> Record {
        Record {
            v: 1,
            id: id.into(),
            at_ms,
            what: "message".into(),
            server: "files".into(),
            kind: "tool-call".into(),
            name: name.into(),
            memos: vec![Memo {
                detector: "kill-chain".into(),
                event: event.into(),
                ..Memo::default()
            }],
            ..Record::default()
        }
    }

    #[test]
    fn steps_are_told_in_order_and_those_that_are_not_in_the_log_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(dir.path(), Arc::new(|| 1)).unwrap();
        let day = 24 * 3600 * 1000;
        let mut last = record("cccc", 30 * day, "post", "cccc");
        last.findings.push(Finding {
            detector: "kill-chain".into(),
            rule: "kill-chain.pattern".into(),
            category: Category("kill-chain".into()),
            severity: Severity::High,
            confidence_pct: 60,
            message: "m".into(),
            spans: Vec::new(),
            steps: ["gone", "aaaa", "bbbb.b1"].map(str::to_owned).to_vec(),
            refs: Vec::new(),
            package: None,
            overridden: None,
            attrs: [
                ("flow", "secret"),
                ("from", "files"),
                ("actions", "list; read-secret; encode; send"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        });
        for record in [
            // Of the same name, but too old to be remembered.
            record("dddd", 3 * day, "old", "gone"),
            record("aaaa", 29 * day, "read_file", "aaaa"),
            record("bbbb", 29 * day + 5, "encode", "bbbb.b1"),
            last.clone(),
        ] {
            ledger.append(&record, Durability::Group).unwrap();
        }
        let [timeline] = timelines(dir.path(), &last).unwrap().try_into().unwrap();
        let told: Vec<_> = timeline
            .steps
            .iter()
            .map(|step| format!("{} {} {} {}", step.id, step.in_log, step.name, step.actions))
            .collect();
        assert_eq!(
            told,
            [
                "gone false  list",
                "aaaa true read_file read-secret",
                "bbbb.b1 true encode encode",
                "cccc true post send"
            ]
        );
        assert_eq!(timeline.facts["flow"], "secret");
        assert!(!timeline.facts.contains_key("actions"));

        let found = crate::audit::show(dir.path(), "cccc").unwrap().unwrap();
        let value = super::told(dir.path(), &found).unwrap();
        assert_eq!(value["timeline"][0]["steps"][1]["call"], "aaaa");
        assert_eq!(value["timeline"][0]["from"], "files");
        let found = crate::audit::show(dir.path(), "aaaa").unwrap().unwrap();
        let value = super::told(dir.path(), &found).unwrap();
        assert!(value.get("timeline").is_none());
    }
}
