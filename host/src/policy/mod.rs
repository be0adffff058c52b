//! Policy: turns findings and facts into one [`Decision`]. Pure: never asks, writes or reads.

use serde::{Deserialize, Serialize};

/// What to do, from mildest to strictest; the strictest that applies wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Allow,
    /// Forward and mark the record.
    Log,
    Redact,
    Ask,
    Deny,
}

/// What a failed part means for the message it should have judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFault {
    Deny,
    Allow,
}

/// Policy's answer. A value: enforcing it needs an audit receipt as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub action: Action,
    /// The rule that won: a policy rule's id, `finding:RULE`, `default:PROFILE`, `fault:PART`.
    pub rule: String,
    /// One sentence for the person and the record. Fixed text and ids only.
    pub reason: String,
    /// Under `monitor`: what would have been done otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub would: Option<Action>,
    /// The other rules that matched, with what they wanted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losers: Vec<(String, Action)>,
}
