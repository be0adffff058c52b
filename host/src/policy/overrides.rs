//! Overrides: an advisory about one package that a person accepted, for a while.
//!
//! Pure. Who may make one and where they are kept is the daemon's part; what one is worth is here.

use serde::{Deserialize, Serialize};

use crate::event::Finding;

/// One advisory about one package that does not count until it expires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    pub id: String,
    /// One of the ids that a finding refers to.
    pub advisory: String,
    /// Exactly what a finding is about: `ecosystem:name@version`, or without a version where none
    /// was asked for. One version never stands for another.
    pub package: String,
    /// In the words of the person who made it.
    pub reason: String,
    /// Who made it.
    pub by: String,
    pub made_ms: u64,
    /// Milliseconds since the Unix epoch; from then on it does not apply.
    pub expires_ms: u64,
}

impl Override {
    /// Whether it applies at this moment. A clock that was set back ends it, too.
    pub fn is_in_force(&self, at_ms: u64) -> bool {
        (self.made_ms..self.expires_ms).contains(&at_ms)
    }

    fn covers(&self, finding: &Finding, at_ms: u64) -> bool {
        self.is_in_force(at_ms)
            && finding.package.as_ref() == Some(&self.package)
            && finding.refs.contains(&self.advisory)
    }
}

/// Marks each finding that an override covers at this moment, and no other.
pub fn mark(overrides: &[Override], findings: &mut [Finding], at_ms: u64) {
    for finding in findings {
        let covering = overrides.iter().find(|one| one.covers(finding, at_ms));
        finding.overridden = covering.map(|one| one.id.clone());
    }
}
