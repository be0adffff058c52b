//! Why policy decided as it did: who won, who lost, and which rules nearly matched.

use serde::Serialize;

use crate::event::{Event, Finding};

use super::criteria::{Cover, cover};
use super::{Action, Decision, Policy, decide};

/// What `policy explain` shows. Carries nothing that the message said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    pub decision: Decision,
    /// Rules that matched, in the file's order.
    pub matched: Vec<RuleRef>,
    /// Rules that one criterion kept from matching.
    pub near: Vec<NearMiss>,
}

/// A rule and where to find it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleRef {
    pub rule: String,
    pub index: usize,
    /// `policy.toml:14:6`, or `profile NAME`.
    pub source: String,
    pub action: Action,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NearMiss {
    #[serde(flatten)]
    pub rule: RuleRef,
    /// The field that failed; `unless` when the rule's own exception held it back; `not all` when
    /// a rule that allows covered only a part of what the message touches.
    pub criterion: &'static str,
}

/// Decides, and says why.
pub fn explain(policy: &Policy, event: &Event, findings: &[Finding]) -> Explanation {
    let mut matched = Vec::new();
    let mut near = Vec::new();
    for rule in &policy.rules {
        let (id, source) = (rule.id.clone(), rule.source.clone());
        let named = RuleRef {
            rule: id,
            index: rule.index,
            source,
            action: rule.action,
        };
        let criterion = match cover(&rule.when, &rule.unless, event, findings) {
            Cover::Part if rule.action == Action::Allow => "not all",
            Cover::Whole | Cover::Part => {
                matched.push(named);
                continue;
            }
            Cover::Excepted => "unless",
            Cover::Miss {
                criterion,
                others_held: true,
            } => criterion,
            Cover::Miss {
                others_held: false, ..
            } => continue,
        };
        near.push(NearMiss {
            rule: named,
            criterion,
        });
    }
    Explanation {
        decision: decide(policy, event, findings),
        matched,
        near,
    }
}
