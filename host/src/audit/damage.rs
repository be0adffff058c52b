//! The words for what can be wrong with a log. How they are told apart is in `walk` and `classify`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One class of damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Damage {
    /// A frame's bytes are not those that were written.
    Altered,
    /// Frames were taken out.
    Missing,
    /// Frames stand in another order.
    Order,
    /// A frame stands there twice.
    Duplicate,
    /// A frame was put between two that follow each other.
    Inserted,
    /// A frame does not follow the one before it, and nothing later says whether one was changed or
    /// taken out.
    Unlinked,
    /// The end is missing: a signed checkpoint speaks of more.
    Truncated,
    /// The last frame is incomplete, as after a crash; the next start cuts and records it.
    TornTail,
    /// The frames follow each other but are not those that were signed.
    Rewritten,
    /// A checkpoint's signature is not over its text.
    Signature,
    /// A checkpoint or the start was made with another key than `key.pub`.
    KeyReplaced,
    /// Frames or checkpoints of another install.
    Foreign,
    /// A segment file is not there.
    SegmentMissing,
    /// The `checkpoint` file is gone or can't be read, so the end has no witness.
    CheckpointMissing,
    /// There is no usable `key.pub` to check with.
    KeyMissing,
    /// A file can't be read at all.
    Unreadable,
    /// Nothing at all: never begun, or deleted.
    Empty,
}

impl fmt::Display for Damage {
    /// The word that it has in JSON and in docs/audit.md.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(formatter)
    }
}

/// Where the first damage is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broken {
    /// The first frame that is wrong or not there. For [`Damage::Rewritten`] the first one after
    /// the last checkpoint that still holds: which one exactly is not knowable.
    pub seq: u64,
    pub damage: Damage,
    /// Segment number and byte offset in it, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<(u32, u64)>,
}
