//! The daemon behind the guard API: status, inspections, questions and answers.

use super::start::Parts;
use crate::api::{self, Guard};
use crate::approval::{self, AnswerError, Approver};
use crate::audit::{self, Durability, Record};
use crate::judge::inspect::{Answer, Check};
use crate::judge::{Judge, MAX_LISTED, asker, call_id, now_ms};
use crate::policy::{Action, Decision};
use serde_json::{Value, json};
use std::sync::{Arc, Weak};

struct Service {
    /// Weak: the API's tasks outlive the accept loop and must not keep the ledger open.
    parts: Weak<Parts>,
}

/// Starts the guard API. Without it messages are judged as before, so a port that is taken is said
/// loudly in the log, the ledger and `status`, and does not stop the daemon.
pub(super) fn serve(parts: &Arc<Parts>) {
    let service = Arc::new(Service {
        parts: Arc::downgrade(parts),
    });
    let started = api::start(
        service,
        &parts.home,
        parts.config.api_listen,
        parts.runtime.handle(),
    );
    let outcome = started.map_err(|error| match std::error::Error::source(&error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    });
    if let Err(error) = &outcome {
        tracing::error!(error, "the guard API is not served");
        parts.note("daemon", "api-not-served", error.clone());
    }
    let _ = parts.api.set(outcome);
}

impl Guard for Service {
    fn status(&self) -> Value {
        self.parts
            .upgrade()
            .map_or(Value::Null, |parts| parts.status())
    }

    fn inspect(&self, line: &str) -> Value {
        let Some(parts) = self.parts.upgrade() else {
            return json!({ "id": null, "error": "the daemon is stopping" });
        };
        let judge = &parts.judge;
        let mut answer = judge.inspector(|inspector| inspector.answer(line));
        let record = inspected(line, &mut answer);
        recorded(judge, &record, answer.json)
    }

    fn check(&self, check: &api::Check, pid: Option<u32>) -> Value {
        let Some(parts) = self.parts.upgrade() else {
            return json!({ "error": "the daemon is stopping" });
        };
        let judge = &parts.judge;
        // Unproven: what the caller calls itself, cut to what a record can show.
        let agent = check.agent().map(|agent| agent.chars().take(64).collect());
        let agent: Option<String> = agent;
        let client = asker(pid, agent.as_deref(), |key| judge.histories().knows(key));
        let (call, result) = (check.call(), check.result());
        let asked = Check {
            server: api::SERVER,
            call: &call,
            result: result.as_deref(),
        };
        let (answer, mut record) =
            judge.inspector(|inspector| inspector.check(&asked, client, judge.histories()));
        if let Some(agent) = agent {
            record.client = agent;
        }
        recorded(judge, &record, answer)
    }

    fn record(&self, id: &str) -> Result<Option<Value>, String> {
        let parts = self.parts.upgrade().ok_or("the daemon is stopping")?;
        let dir = parts.home.audit_dir();
        let told = audit::show(&dir, id)
            .and_then(|found| found.map(|found| audit::told(&dir, &found)).transpose());
        told.map_err(|error| error.to_string())
    }

    fn approvals(&self) -> Value {
        self.parts.upgrade().map_or(
            Value::Null,
            |parts| json!({ "questions": parts.judge.desk().list() }),
        )
    }

    fn answer(
        &self,
        id: &str,
        answer: approval::Answer,
        pid: Option<u32>,
    ) -> Result<Value, AnswerError> {
        let parts = self.parts.upgrade().ok_or(AnswerError::Unknown)?;
        let by = Approver {
            door: "api".into(),
            user: "token".into(),
            pid,
        };
        parts.settle_question(id, answer, by)
    }
}

/// The record of an inspection.
fn inspected(line: &str, answer: &mut Answer) -> Record {
    // A record that is too long is none: then a question with many findings would be a fault.
    answer.findings.truncate(MAX_LISTED);
    answer.faults.truncate(MAX_LISTED);
    let not_understood = || Decision::deny("inspect", "the question was not understood");
    Record {
        v: 1,
        id: call_id(),
        at_ms: now_ms(),
        what: "guard".into(),
        kind: "guard-check".into(),
        direction: "local".into(),
        decision: Some(answer.decision.clone().unwrap_or_else(not_understood)),
        findings: std::mem::take(&mut answer.findings),
        faults: std::mem::take(&mut answer.faults),
        bytes: line.len() as u64,
        digest: clawdefender_trust::Sha256Digest::of(line.as_bytes()).to_string(),
        ..Record::default()
    }
}

/// Writes the record, and only then lets the answer go: without it the answer is a denial.
fn recorded(judge: &Judge, record: &Record, mut answer: Value) -> Value {
    let denied = record
        .decision
        .as_ref()
        .is_some_and(|decision| decision.action == Action::Deny);
    let durability = if denied {
        Durability::Now
    } else {
        Durability::Group
    };
    let written = judge.append(record, durability).is_some();
    if let Some(members) = answer.as_object_mut() {
        members.insert("call".into(), json!(record.id));
        if !written {
            members.insert("decision".into(), json!(Action::Deny));
            members.insert("rule".into(), json!("fault:audit"));
            if members.contains_key("reason") {
                members.insert("reason".into(), json!("it could not be recorded"));
            }
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Category, Finding, Severity};

    #[test]
    fn an_inspection_with_more_findings_than_a_record_holds_is_recorded_all_the_same() {
        let finding = Finding {
            detector: "injection".into(),
            rule: "injection.override".into(),
            category: Category("prompt-injection".into()),
            severity: Severity::High,
            confidence_pct: 90,
            message: "m".repeat(400),
            spans: Vec::new(),
            steps: Vec::new(),
            refs: Vec::new(),
            package: None,
            overridden: None,
            attrs: std::collections::BTreeMap::new(),
        };
        let mut answer = Answer {
            json: json!({}),
            decision: None,
            findings: vec![finding; 5000],
            faults: Vec::new(),
            known: None,
            package: None,
        };
        let record = inspected("line", &mut answer);
        assert_eq!(record.findings.len(), 64);
        let bytes = serde_json::to_vec(&record).unwrap().len();
        assert!(bytes < audit::MAX_BODY_BYTES, "{bytes}");
    }
}
