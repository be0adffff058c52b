//! What detectors say ([`Finding`]) and what happens when a part fails to say it ([`Fault`]).
//!
//! The two never mix: a fault is not a low-confidence finding, it is the absence of an answer.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

/// The category's word, one of those in `wit/detector.wit` or the detector's own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Category(pub String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum View {
    Original,
    Canonical,
}

/// A range in one of the event's texts, in bytes of the original text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Index into the event's texts; checked against it.
    pub text: usize,
    pub start: usize,
    pub end: usize,
}

/// One detector's claim, checked and bounded by the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub detector: String,
    pub rule: String,
    pub category: Category,
    pub severity: Severity,
    /// 0–100.
    #[serde(rename = "confidence")]
    pub confidence_pct: u8,
    pub message: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
    /// Past events that are part of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refs: Vec<String>,
    /// What the detector says it is about, as `ecosystem:name@version`: an override names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The id of the person's override because of which it does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden: Option<String>,
    /// What else the detector says of it: for the record and for people, never for a decision.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attrs: BTreeMap<String, String>,
}

/// Why a part gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FaultKind {
    /// The detector trapped.
    Trap,
    /// It ran past its deadline.
    Deadline,
    /// It asked for more memory than its limit.
    Memory,
    /// It handed back more than its limit, or something that contradicts the contract.
    Output,
    /// No detector is loaded although one is required.
    Missing,
    /// Policy could not be read and there is no last good one.
    Policy,
    /// The record could not be written.
    Audit,
    /// Too much is waiting.
    Overload,
}

/// A part failed to answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Detector id, or the part's name.
    pub part: String,
    pub kind: FaultKind,
    /// For the record and the operator; never sent to a client.
    pub detail: String,
}
