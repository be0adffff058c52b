//! Detectors: signed WASM components that look at an event and say what they found.
//!
//! A detector is made only from [`Verified`] bytes, imports nothing, and lives within its limits.
//! Whatever it does wrong becomes a [`Fault`]; what a finding is worth is not known here.

mod bindings;
mod cache;
mod check;
mod compile;
mod deadline;
mod detector;
mod engine;
mod imports;
mod lower;
mod pool;

pub use cache::CodeCache;
pub use compile::compile;
pub use detector::{Detector, LoadError, Own, Package};
pub use engine::{MAX_DETECTORS, MAX_INSTANCES, Runtime};
pub use imports::{API_EXPORT, ShapeError};

use crate::event::{Event, Fault, FaultKind, Finding};
use std::sync::Arc;

/// A past event in which one detector left a memo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub id: String,
    pub at_ms: u64,
    pub server: String,
    pub link: String,
    pub memo: Vec<u8>,
}

/// Where a detector's past steps come from.
pub trait History {
    /// The newest `max` steps in which `detector` left a memo, oldest first.
    fn recent(&self, detector: &str, max: usize) -> Vec<Arc<Step>>;
}

/// No history: for single events and detectors that want none.
pub struct NoHistory;

impl History for NoHistory {
    fn recent(&self, _detector: &str, _max: usize) -> Vec<Arc<Step>> {
        Vec::new()
    }
}

/// What all detectors said about one event.
#[derive(Debug, Default)]
pub struct Inspection {
    pub findings: Vec<Finding>,
    pub faults: Vec<Fault>,
    /// (detector id, memo) to keep with this event.
    pub memos: Vec<(String, Vec<u8>)>,
    /// (detector id, name, value): facts a detector offers, such as the launched package.
    pub attrs: Vec<(String, String, String)>,
}

/// The enabled detectors of one feed generation.
pub struct Set {
    detectors: Vec<Arc<Detector>>,
    /// Detectors that should be here and could not be loaded: each is a fault on every event.
    missing: Vec<Fault>,
}

impl Set {
    pub fn new(detectors: Vec<Arc<Detector>>, missing: Vec<Fault>) -> Self {
        Self { detectors, missing }
    }

    pub fn detectors(&self) -> &[Arc<Detector>] {
        &self.detectors
    }

    pub fn missing(&self) -> &[Fault] {
        &self.missing
    }

    /// Asks every detector that wants this kind of event. Runs on the calling thread.
    pub fn inspect(&self, event: &Event, history: &dyn History) -> Inspection {
        let mut all = Inspection {
            faults: self.missing.clone(),
            ..Inspection::default()
        };
        if self.detectors.is_empty() {
            all.faults.push(Fault {
                part: "detectors".into(),
                kind: FaultKind::Missing,
                detail: "no detector is loaded".into(),
            });
        }
        for detector in &self.detectors {
            if !detector.wants(&event.kind) {
                continue;
            }
            match detector.inspect(event, history) {
                Ok(answer) => {
                    all.findings.extend(answer.findings);
                    if let Some(memo) = answer.memo {
                        all.memos.push((detector.id().to_owned(), memo));
                    }
                    let id = detector.id();
                    all.attrs
                        .extend(answer.attrs.into_iter().map(|(k, v)| (id.to_owned(), k, v)));
                }
                Err(fault) => all.faults.push(fault),
            }
        }
        all
    }
}
