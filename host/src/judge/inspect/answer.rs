//! What was said about one line, gathered, and the answer made of it.

use super::InputError;
use crate::event::surface::Part;
use crate::event::{Fault, Finding, Severity};
use crate::judge::enforce;
use crate::judge::examine::Examined;
use crate::judge::history::Histories;
use crate::judge::weigh::Weighed;
use crate::link::Link;
use crate::policy::{Action, Decision};
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Instant;

/// What was said, gathered over all events of one line.
#[derive(Default)]
pub(super) struct Said {
    strictest: Option<Decision>,
    findings: Vec<(Option<usize>, Finding)>,
    faults: Vec<Fault>,
    known: Option<Known>,
    package: Option<String>,
}

/// What is known about the packages of one line, from the best to the worst.
///
/// A detector says it as an attribute of its report; a word that is not here says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Known {
    /// Advisories speak of the package, and of other versions only.
    NotAffected,
    /// No advisory speaks of it. That is not the same as harmless.
    NoData,
    /// An advisory speaks of it, and the version can't tell it apart.
    Possible,
    Affected,
    /// It is not the name of a package that could be looked up.
    Unreadable,
}

impl Known {
    const ALL: [(Self, &'static str); 5] = [
        (Self::NotAffected, "not-affected"),
        (Self::NoData, "no-data"),
        (Self::Possible, "possible"),
        (Self::Affected, "affected"),
        (Self::Unreadable, "unreadable"),
    ];

    fn read(word: &str) -> Option<Self> {
        let found = Self::ALL.into_iter().find(|(_, known)| *known == word);
        found.map(|(known, _)| known)
    }
}

/// An answer, and what a record of it needs.
pub struct Answer {
    pub json: Value,
    /// Absent when the input was not understood.
    pub decision: Option<Decision>,
    pub findings: Vec<Finding>,
    pub faults: Vec<Fault>,
    /// The worst that is known about a package of it; absent when no detector said so.
    pub known: Option<Known>,
    /// The one package that a launch certainly is.
    pub package: Option<String>,
}

impl Answer {
    pub(super) fn error(id: Value, error: &InputError) -> Self {
        let json = json!({ "id": id, "error": error.to_string() });
        Self {
            json,
            decision: None,
            findings: Vec::new(),
            faults: Vec::new(),
            known: None,
            package: None,
        }
    }
}

impl Said {
    pub(super) fn examined(
        &mut self,
        step: Option<usize>,
        examined: Examined,
        histories: &Histories,
        link: &Link,
    ) {
        let passes = examined.decision.action < Action::Ask;
        self.decide(&examined.decision);
        for (part, weighed) in examined.parts {
            if passes && (part == Part::Whole || weighed.decision.action < Action::Redact) {
                enforce::keep_memos(histories, link, &weighed);
            }
            self.take(step, weighed);
        }
    }

    pub(super) fn take(&mut self, step: Option<usize>, weighed: Weighed) {
        self.decide(&weighed.decision);
        self.findings
            .extend(weighed.findings.into_iter().map(|finding| (step, finding)));
        self.faults.extend(weighed.faults);
        for (_, name, value) in weighed.attrs {
            match name.as_str() {
                "answer" => self.known = self.known.max(Known::read(&value)),
                "package" if self.package.is_none() => self.package = Some(value),
                _ => {}
            }
        }
    }

    fn decide(&mut self, decision: &Decision) {
        if self
            .strictest
            .as_ref()
            .is_none_or(|strictest| decision.action > strictest.action)
        {
            self.strictest = Some(decision.clone());
        }
    }

    pub(super) fn into_answer(self, id: &Value, started: Instant) -> Answer {
        let decision = self
            .strictest
            .clone()
            .unwrap_or_else(|| Decision::deny("inspect", "nothing could be judged"));
        // Without findings a denial is policy's or the protocol's, and certain.
        let certain = if decision.action == Action::Deny && self.findings.is_empty() {
            100
        } else {
            0
        };
        let score = self
            .findings
            .iter()
            .map(|(_, finding)| score(finding))
            .max()
            .unwrap_or(certain);
        let findings: Vec<Value> = self
            .findings
            .iter()
            .map(|(step, finding)| {
                let mut shown = json!({
                    "detector": finding.detector,
                    "rule": finding.rule,
                    "category": finding.category,
                    "severity": finding.severity,
                    "confidence": finding.confidence_pct,
                    "message": finding.message,
                });
                if let Some(members) = shown.as_object_mut() {
                    let mut add = |name: &str, value: Option<Value>| {
                        members.extend(value.map(|value| (name.to_owned(), value)));
                    };
                    add("step", step.map(|step| json!(step)));
                    let refs = Some(&finding.refs).filter(|refs| !refs.is_empty());
                    let steps = Some(&finding.steps).filter(|steps| !steps.is_empty());
                    add("steps", steps.map(|steps| json!(steps)));
                    add("refs", refs.map(|refs| json!(refs)));
                    add(
                        "package",
                        finding.package.as_ref().map(|package| json!(package)),
                    );
                    add(
                        "overridden",
                        finding.overridden.as_ref().map(|id| json!(id)),
                    );
                }
                shown
            })
            .collect();
        let mut json = json!({
            "id": id,
            "decision": decision.action,
            "rule": decision.rule,
            "score": score,
            "findings": findings,
            "faults": self.faults,
            "elapsed_us": u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        });
        if let (Some(known), Some(members)) = (self.known, json.as_object_mut()) {
            members.insert("known".into(), json!(known));
        }
        Answer {
            json,
            decision: Some(decision),
            findings: self
                .findings
                .into_iter()
                .map(|(_, finding)| finding)
                .collect(),
            faults: self.faults,
            known: self.known,
            package: self.package,
        }
    }
}

/// 0–100: how bad times how sure. The weights are chosen so that a finding that `balanced` denies
/// is above 50 when it is sure, and one that it only logs never is.
fn score(finding: &Finding) -> u32 {
    let weight = match finding.severity {
        Severity::Info => 5,
        Severity::Low => 25,
        Severity::Medium => 50,
        Severity::High => 85,
        Severity::Critical => 100,
    };
    weight * u32::from(finding.confidence_pct.min(100)) / 100
}
