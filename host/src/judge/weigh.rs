//! One event on the scales: every detector's findings, policy's decision, faults settled.

use crate::event::MORE_PACKAGES;
use crate::event::{Asset, AssetKind, Event, Fault, Finding};
use crate::plugin::{History, Set};
use crate::policy::{self, Decision, OnFault, Policy, Profile};

/// An event with what was said about it.
#[derive(Debug)]
pub struct Weighed {
    pub event: Event,
    pub decision: Decision,
    pub findings: Vec<Finding>,
    pub faults: Vec<Fault>,
    pub memos: Vec<(String, Vec<u8>)>,
    pub attrs: Vec<(String, String, String)>,
}

/// Asks the detectors, then policy, then what faults imply. The only place where they meet.
pub fn weigh(set: &Set, policy: &Policy, mut event: Event, history: &dyn History) -> Weighed {
    let mut seen = set.inspect(&event, history);
    event.assets.extend(seen.attrs.iter().filter_map(named));
    policy::mark(policy.overrides(), &mut seen.findings, event.at_ms);
    let decision = rule(policy, &event, &seen.findings, &seen.faults);
    Weighed {
        event,
        decision,
        findings: seen.findings,
        faults: seen.faults,
        memos: seen.memos,
        attrs: seen.attrs,
    }
}

impl Weighed {
    /// The package that our detector says this is about. No other's word counts: policy and pins
    /// go by it, and nobody's detector may vouch.
    pub fn package(&self) -> Option<&str> {
        let mut named = self
            .attrs
            .iter()
            .filter(|(detector, name, _)| detector == NAMES_PACKAGES && name == "package");
        named.next().map(|(_, _, value)| value.as_str())
    }

    /// With a finding of the host's own, which only counts beside the others.
    pub fn also(&mut self, policy: &Policy, finding: Finding) {
        self.findings.push(finding);
        self.settle(policy);
    }

    /// Decides anew, after something was added.
    pub(super) fn settle(&mut self, policy: &Policy) {
        self.decision = rule(policy, &self.event, &self.findings, &self.faults);
    }
}

/// The official detector that reads packages; an id belongs to one feed, and the official comes first.
const NAMES_PACKAGES: &str = "supply-chain";

/// A package that our detector read out of a command. What it only suspects can accuse and not vouch.
fn named((detector, name, value): &(String, String, String)) -> Option<Asset> {
    if detector != NAMES_PACKAGES {
        return None;
    }
    let (kind, said) = match name.as_str() {
        "names" => (AssetKind::Package, true),
        "may-name" => (AssetKind::Package, false),
        "names-more" => (AssetKind::Other(MORE_PACKAGES.to_owned()), false),
        _ => return None,
    };
    Some(Asset {
        credential: false,
        value: if said { value.clone() } else { String::new() },
        aliases: if said {
            Vec::new()
        } else {
            vec![value.clone()]
        },
        kind,
        text: None,
        wild: false,
    })
}

fn rule(policy: &Policy, event: &Event, findings: &[Finding], faults: &[Fault]) -> Decision {
    let decision = policy::decide(policy, event, findings);
    let on_fault = match policy.profile() {
        Profile::Monitor => OnFault::Allow,
        Profile::Balanced | Profile::Strict => policy.on_fault(&event.server.name),
    };
    policy::settle(decision, faults, on_fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::ask::tests::part;
    use crate::policy::Action;

    #[test]
    fn only_our_own_detector_says_what_package_a_launch_is_of() {
        let said = |detector: &str| Weighed {
            attrs: vec![(detector.into(), "package".into(), "npm:x@1.0.0".into())],
            ..part(0, Action::Allow)
        };
        assert_eq!(said("guest").package(), None);
        assert_eq!(said("supply-chain").package(), Some("npm:x@1.0.0"));
    }
}
