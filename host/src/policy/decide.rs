//! The one decision: every rule and finding says what it wants, and the strictest wins.
//!
//! Pure. What a *failed* part means is in `settle`, and nowhere else.

use std::cmp::Reverse;

use crate::event::{Direction, Event, Finding, Kind, Severity};

use super::criteria::{Cover, cover};
use super::{Action, Decision, Policy, Profile};

/// Below this, a finding counts as one severity less. Chosen: less sure than not.
const DOUBTFUL_BELOW_PCT: u8 = 50;

/// What policy says about `event`, given what detectors found in it.
pub fn decide(policy: &Policy, event: &Event, findings: &[Finding]) -> Decision {
    if findings.iter().all(|finding| finding.overridden.is_none()) {
        return decide_standing(policy, event, findings);
    }
    // What a person overrode is told, and counts nowhere else.
    let (overridden, standing): (Vec<&Finding>, Vec<&Finding>) = findings
        .iter()
        .partition(|finding| finding.overridden.is_some());
    let standing: Vec<Finding> = standing.into_iter().cloned().collect();
    let mut decision = decide_standing(policy, event, &standing);
    for id in overridden
        .iter()
        .filter_map(|finding| finding.overridden.as_ref())
    {
        let rule = format!("override:{}", plain_id(id));
        if decision.action == Action::Allow {
            decision.losers.insert(0, (decision.rule, decision.action));
            decision.action = Action::Log;
            decision.rule = rule;
            "a person overrode an advisory".clone_into(&mut decision.reason);
        } else if decision.rule != rule {
            decision.losers.push((rule, Action::Log));
        }
    }
    decision
}

fn decide_standing(policy: &Policy, event: &Event, findings: &[Finding]) -> Decision {
    let mut wishes: Vec<Wish> = Vec::new();
    let mut settled_by_rule = false;
    for rule in &policy.rules {
        let reach = cover(&rule.when, &rule.unless, event, findings);
        let applies = match (reach, rule.action) {
            (Cover::Whole, _) => true,
            // To allow the half of a message would be to allow its other half.
            (Cover::Part, action) => action > Action::Allow,
            (Cover::Miss { .. } | Cover::Excepted, _) => false,
        };
        if applies {
            settled_by_rule |= reach == Cover::Whole;
            wishes.push(Wish {
                action: possible(rule.action, event, findings),
                rule: rule.id.clone(),
                reason: rule.reason.clone(),
                specificity: 1 + rule.when.len(),
                quieted: None,
            });
        }
    }
    wishes.extend(
        findings
            .iter()
            .map(|finding| finding_wish(policy, event, finding)),
    );
    // The default stands unless a rule covers the message wholly. A finding never replaces it:
    // otherwise provoking a harmless one would spare a message the question that `strict` asks.
    if !settled_by_rule {
        wishes.push(default_wish(policy, event));
    }
    // Stable: among equals the first stays first.
    wishes.sort_by_key(|wish| Reverse((wish.action, wish.specificity)));
    let quieted: Vec<_> = wishes
        .iter()
        .filter_map(|wish| wish.quieted.clone())
        .collect();
    let mut wishes = wishes.into_iter();
    let mut decision = match wishes.next() {
        Some(winner) => Decision {
            action: winner.action,
            rule: winner.rule,
            reason: winner.reason,
            would: None,
            losers: Vec::new(),
        },
        // Not reachable: either a rule settled it or the default was pushed. Strict all the same.
        None => Decision::deny("default:none", "no rule and no default"),
    };
    decision.losers = wishes
        .filter(|wish| !wish.rule.starts_with("default:"))
        .map(|wish| (wish.rule, wish.action))
        .chain(quieted)
        .collect();
    if policy.profile == Profile::Monitor {
        decision.would = (decision.action > Action::Log).then_some(decision.action);
        decision.action = Action::Log;
    }
    decision
}

/// One rule's or finding's wish.
struct Wish {
    action: Action,
    rule: String,
    reason: String,
    /// Breaks ties: a user's rule that names more wins over one that names less.
    specificity: usize,
    /// What a finding that is kept quiet would have wanted, by its own id.
    quieted: Option<(String, Action)>,
}

fn finding_wish(policy: &Policy, event: &Event, finding: &Finding) -> Wish {
    let severity = if finding.confidence_pct < DOUBTFUL_BELOW_PCT {
        one_less(finding.severity)
    } else {
        finding.severity
    };
    let action = policy.findings.action(severity);
    let id = plain_id(&finding.rule);
    let own = format!("finding:{id}");
    let heard = format!("a detector found {} evidence of an attack", word(severity));
    if action > Action::Log && policy.quiet.covers(finding, &event.server.name) {
        return Wish {
            action: Action::Log,
            rule: format!("quiet:{id}"),
            reason: format!("{heard}, about which this policy is quiet"),
            specificity: 1,
            quieted: Some((own, action)),
        };
    }
    Wish {
        action,
        rule: own,
        reason: heard,
        specificity: 1,
        quieted: None,
    }
}

fn default_wish(policy: &Policy, event: &Event) -> Wish {
    let action = match policy.default {
        Action::Ask if !acts(event) => Action::Allow,
        default => default,
    };
    Wish {
        action,
        rule: format!("default:{}", policy.profile.word()),
        reason: "no rule matched".to_owned(),
        specificity: 0,
        quieted: None,
    }
}

/// Redaction needs something to redact: a finding's spans, or text on its way to the client.
/// Without that, forwarding "redacted" would be forwarding.
fn possible(action: Action, event: &Event, findings: &[Finding]) -> Action {
    if action != Action::Redact {
        return action;
    }
    let spans = || findings.iter().flat_map(|finding| &finding.spans);
    // A number can't be replaced; the rest alone is not what the rule asks for.
    let fixed = spans().any(|span| {
        let text = event.texts.get(span.text);
        text.is_none_or(|text| text.literal.is_none())
    });
    let pointed = spans().next().is_some();
    let to_client = event.direction == Direction::ToClient && !event.texts.is_empty();
    match (pointed || to_client) && !fixed {
        true => action,
        false => Action::Deny,
    }
}

/// Whether the message makes something happen, so that the default of `strict` must ask.
///
/// Definitions, results and notices only inform; they reach the client unless a rule or a finding
/// says otherwise. A method that is not known here acts.
pub(super) fn acts(event: &Event) -> bool {
    match &event.kind {
        Kind::ToolCall | Kind::ServerLaunch | Kind::GuardCheck => true,
        // The request acts; the answer that goes back was already let through as a request.
        Kind::Sampling | Kind::Elicitation => event.direction == Direction::ToClient,
        Kind::ToolResult
        | Kind::ToolDefinition
        | Kind::PromptDefinition
        | Kind::ResourceDefinition
        | Kind::ServerInstructions
        | Kind::PromptContent
        | Kind::Completion
        | Kind::Notice => false,
        Kind::ResourceContent => {
            event.direction == Direction::ToServer && event.method == "resources/read"
        }
        Kind::Other(method) => !PLUMBING.contains(&method.as_str()),
    }
}

/// Methods that keep a connection going or list what there is.
/// Source: the method tables of MCP 2024-11-05 to 2026-07-28.
const PLUMBING: [&str; 24] = [
    "initialize",
    "server/discover",
    "ping",
    "tools/list",
    "prompts/list",
    "prompts/get",
    "resources/list",
    "resources/templates/list",
    "resources/unsubscribe",
    "completion/complete",
    "logging/setLevel",
    "roots/list",
    "notifications/initialized",
    "notifications/cancelled",
    "notifications/progress",
    "notifications/message",
    "notifications/tools/list_changed",
    "notifications/prompts/list_changed",
    "notifications/resources/list_changed",
    "notifications/resources/updated",
    "notifications/roots/list_changed",
    "notifications/elicitation/complete",
    "notifications/tasks/status",
    "subscriptions/listen",
];

fn one_less(severity: Severity) -> Severity {
    match severity {
        Severity::Critical => Severity::High,
        Severity::High => Severity::Medium,
        Severity::Medium => Severity::Low,
        Severity::Low | Severity::Info => Severity::Info,
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
        Severity::Info => "informational",
    }
}

/// Detectors may come from others; what they call a rule ends up in replies and terminals.
fn plain_id(id: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "._:/-".contains(c) {
            c
        } else {
            '_'
        }
    };
    id.chars().take(128).map(plain).collect()
}
