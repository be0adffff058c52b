//! One audit entry as it is written and read: the JSON body of a frame.
//!
//! Whoever makes a [`Record`] has already redacted it: this file knows no secret and removes none.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::identity::Identity;
use crate::event::{Fault, Finding};
use crate::policy::Decision;

/// What happened, what was decided and why. Empty members are not written, unknown ones are
/// tolerated when reading, so that older and newer versions can read each other's segments.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// Version of this shape: 1.
    pub v: u32,
    /// The call id that a person sees; `audit show` finds it again.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// `message`, `answer`, `launch`, `link`, `guard`, `feed`, `policy`, `override`, `pin`, `daemon`, `update`; the ledger itself writes
    /// `start`, `stop` and `heartbeat`.
    #[serde(rename = "type")]
    pub what: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub link: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub client: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub server: String,
    /// `ecosystem:name@version`, when known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// Of a launch: what would run, as the disk said before it ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// [`Direction::word`](crate::event::Direction::word).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub direction: String,
    /// [`Kind::word`](crate::event::Kind::word).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub method: String,
    /// Tool, prompt or URI: what the kind says.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Absent where nothing was decided: life cycle, feed and policy changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    /// Hexadecimal SHA-256 of the message's bytes, so that a saved message can be matched to it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub digest: String,
    /// Length of the message.
    pub bytes: u64,
    /// How many events the message made.
    pub events: u32,
    /// Redacted summary of what the message said.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub subject: Value,
    pub elapsed_us: u64,
    /// What detectors want to remember of it: the index of steps is filled again from here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub memos: Vec<Memo>,
    /// The shim asked again after it lost the daemon.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub resent: bool,
    /// Our own words, never an attacker's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One detector's memo of one event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memo {
    pub detector: String,
    /// The event's id: of a frame with several events, which one.
    pub event: String,
    /// When, in milliseconds since the Unix epoch: a record is written a little later.
    pub at_ms: u64,
    /// Under whose history it belongs; see `judge`.
    pub client_key: String,
    /// Base 64. Detectors leave fingerprints, never what they saw.
    pub bytes: String,
}
