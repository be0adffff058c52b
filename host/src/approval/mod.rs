//! Asking a person: one queue of questions, equal doors to answer them, and what an answer allows.
//!
//! Decides nothing by itself: no answer is a denial, and nothing is remembered that a person did
//! not choose. Doors (terminal, dashboard, notification) live elsewhere and only call [`Desk`].

mod descent;
mod desk;
mod grant;
mod guarded;
mod queue;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use descent::{Descent, ProcessTable, Processes, descent};
pub use desk::{Answered, Desk, DeskLimits, Listed, Ticket};
pub use grant::{Grant, Scope, Uses};
pub use guarded::Guarded;
use serde::{Deserialize, Serialize};

use crate::event::Finding;

/// What a person is asked.
///
/// Everything that a client or server wrote is data, in a field of its own: a door shows it as
/// such and never as a title, a button or a notification's line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Question {
    /// Milliseconds since the Unix epoch.
    pub at_ms: u64,
    pub client: String,
    pub server: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// Tool, prompt or URI: the event's name.
    pub tool: String,
    /// The event kind's word.
    pub kind: String,
    /// What would happen, in fixed text of ours.
    pub sentence: String,
    /// Bounded and redacted by whoever asks.
    pub arguments: serde_json::Value,
    /// The policy rule that wants to know.
    pub rule: String,
    pub reason: String,
    pub findings: Vec<Finding>,
    /// What an answer will be good for.
    pub scope: Scope,
}

/// What a person may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "answer")]
pub enum Answer {
    /// This once; the same call will ask again.
    Deny,
    AllowOnce,
    /// This exact call, for this long.
    AllowFor {
        #[serde(rename = "seconds", with = "seconds")]
        duration: Duration,
    },
}

/// Who answered, and through which door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approver {
    /// The door: `terminal`, `dashboard`, `webhook`.
    pub door: String,
    /// The operating system's name for the person.
    pub user: String,
    /// The process that brought the answer, when the door knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
}

/// How a question ended for the message that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Allowed {
        grant: Grant,
    },
    Denied {
        by: Approver,
    },
    /// Nobody answered in time. Deny this message; the question stays answerable.
    TimedOut,
    /// The question was taken back.
    Withdrawn,
    /// Too much is waiting already; the person was not asked.
    Overload,
}

/// Why an answer was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    #[error("no such question")]
    Unknown,
    #[error("already answered through {}", by.door)]
    AlreadyAnswered { answer: Answer, by: Approver },
    #[error("process {pid} belongs to an agent or one of its servers and can't approve")]
    SelfApproval { pid: u32 },
    #[error("the process that answers can't be traced to its ancestors")]
    UnknownProcess,
    #[error("a grant lasts between 1 second and {} seconds, not {}", longest.as_secs(), asked.as_secs())]
    BadDuration { asked: Duration, longest: Duration },
    #[error("the answer could not be recorded, so it is not taken; the question stays open")]
    NotRecorded,
}

mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(duration: &Duration, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_u64(duration.as_secs())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Duration, D::Error> {
        u64::deserialize(input).map(Duration::from_secs)
    }
}
