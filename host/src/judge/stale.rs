//! A launch while the official feed is stale: what is known of packages may be too old to stop a bad
//! one. Policy says what that means; without a rule it is as any other finding of its severity.

use super::Judge;
use super::pins::Standing;
use crate::event::{Category, Finding, Severity};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

/// A server that was allowed before, as it is now.
const STALE: &str = "feed.stale";
/// A server of which nothing is pinned: nobody knows it but the list that is too old.
const STALE_UNKNOWN: &str = "feed.stale-unknown";

impl Judge {
    /// Says whether the official feed has expired.
    pub fn feed_is_stale(&self, is: bool) {
        self.stale.store(is, Ordering::Relaxed);
    }

    /// `can_pin`: something of the server is known that could have been pinned.
    pub(super) fn stale(&self, standing: &Standing, can_pin: bool) -> Option<Finding> {
        let unknown = match standing {
            Standing::New => can_pin,
            // Another package under the name of a known server.
            Standing::Changed(finding) => finding.rule == "pins.other",
            Standing::Same => false,
        };
        let is = self.stale.load(Ordering::Relaxed);
        is.then(|| finding(unknown))
    }
}

fn finding(unknown: bool) -> Finding {
    let (rule, message) = match unknown {
        true => (
            STALE_UNKNOWN,
            "The threat feed has expired, and this server was never started before.",
        ),
        false => (
            STALE,
            "The threat feed has expired: what became known since is not looked for.",
        ),
    };
    Finding {
        detector: "host".to_owned(),
        rule: rule.to_owned(),
        category: Category("outdated-data".to_owned()),
        severity: Severity::Low,
        confidence_pct: 100,
        message: message.to_owned(),
        spans: Vec::new(),
        steps: Vec::new(),
        refs: Vec::new(),
        package: None,
        overridden: None,
        attrs: BTreeMap::new(),
    }
}
