//! What is enforced. Built from a decision *and* the receipt of its record, or as a refusal.

use crate::audit::Receipt;
use crate::policy::{Action, Decision};

/// Where the frame's bytes go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forward {
    Nothing,
    Original,
    /// These instead, line end included.
    Instead(Vec<u8>),
}

/// What to do with one frame. Only a recorded decision can forward anything.
#[derive(Debug)]
pub struct Verdict(Parts);

#[derive(Debug)]
pub struct Parts {
    pub forward: Forward,
    /// A line back to where the frame came from.
    pub reply: Option<Vec<u8>>,
    pub keep: Vec<(String, String)>,
    pub discard: Vec<String>,
}

/// What stops a frame: nothing of it passes, somebody may be answered.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Stop {
    /// A line of ours to where the frame was going, in place of it.
    pub onward: Option<Vec<u8>>,
    /// A line of ours back to where the frame came from.
    pub back: Option<Vec<u8>>,
    pub discard: Vec<String>,
}

impl Verdict {
    /// Lets a frame pass, as it came or changed. `None` when the decision does not say so.
    pub fn pass(
        decision: &Decision,
        _receipt: &Receipt,
        changed: Option<Vec<u8>>,
        keep: Vec<(String, String)>,
        discard: Vec<String>,
    ) -> Option<Self> {
        let forward = match (decision.action, changed) {
            (Action::Allow | Action::Log, None) => Forward::Original,
            (Action::Allow | Action::Log | Action::Redact, Some(bytes)) => Forward::Instead(bytes),
            // A redaction that changed nothing did not redact; asked and denied frames don't pass.
            _ => return None,
        };
        Some(Self(Parts {
            forward,
            reply: None,
            keep,
            discard,
        }))
    }

    /// Stops a frame. Needs no receipt: when nothing can be recorded this is what is left.
    pub fn stop(stop: Stop) -> Self {
        Self(Parts {
            forward: stop.onward.map_or(Forward::Nothing, Forward::Instead),
            reply: stop.back,
            keep: Vec::new(),
            discard: stop.discard,
        })
    }

    /// For the wire.
    pub fn into_parts(self) -> Parts {
        self.0
    }
}
