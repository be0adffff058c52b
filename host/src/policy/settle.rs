//! Where a failed part meets a decision. Fail-closed is written here, once.

use crate::event::{Fault, FaultKind};

use super::{Action, Decision, OnFault};

/// The stricter of what policy said and what the faults imply.
///
/// A detector that failed denies, unless `on_fault` is [`OnFault::Allow`] (the user's choice for
/// one server, or the `monitor` profile); then the message is at least logged, and
/// [`Decision::would`] says that it would have been denied. A lost record or an unreadable policy
/// denies always: nothing may pass that was neither judged by any policy nor written down.
pub fn settle(mut decision: Decision, faults: &[Fault], on_fault: OnFault) -> Decision {
    for fault in faults {
        let id = format!("fault:{}", fault.part);
        if on_fault == OnFault::Deny || always_denies(fault.kind) {
            decision = deny_because(decision, id, reason(fault.kind));
        } else {
            decision.losers.push((id, Action::Deny));
            decision.would = Some(Action::Deny);
            decision.action = decision.action.max(Action::Log);
        }
    }
    decision
}

fn deny_because(mut decision: Decision, id: String, reason: &str) -> Decision {
    if decision.action == Action::Deny {
        decision.losers.push((id, Action::Deny));
        return decision;
    }
    decision.losers.insert(0, (decision.rule, decision.action));
    Decision {
        losers: decision.losers,
        ..Decision::deny(&id, reason)
    }
}

fn always_denies(kind: FaultKind) -> bool {
    matches!(kind, FaultKind::Audit | FaultKind::Policy)
}

/// Fixed text: a fault's detail is for the operator.
fn reason(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Trap => "a detector crashed",
        FaultKind::Deadline => "a detector did not answer in time",
        FaultKind::Memory => "a detector needed too much memory",
        FaultKind::Output => "a detector gave an invalid answer",
        FaultKind::Missing => "a required detector is not loaded",
        FaultKind::Policy => "the policy could not be read",
        FaultKind::Audit => "the decision could not be recorded",
        FaultKind::Overload => "too many messages are waiting",
    }
}
