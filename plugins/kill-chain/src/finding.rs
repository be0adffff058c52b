//! Findings, told so that a person can follow them: which steps, what flowed, from where to where.
//!
//! Nothing an attacker wrote is repeated: kinds of data, names of servers from the user's own
//! configuration, and positions of steps.

use clawdefender_sdk::{Category, Event, Finding, Severity};

use crate::action::Actions;
use crate::chain::{Carries, Chain, Level};
use crate::harm::Like;
use crate::memo::Seen;
use crate::past::Past;

pub const EXFILTRATION: &str = "kill-chain.exfiltration";
pub const PATTERN: &str = "kill-chain.pattern";
pub const ROGUE: &str = "kill-chain.rogue";

/// Longest list of actions, in bytes: what the host keeps of an attribute.
const MAX_ACTIONS: usize = 256;

/// What the steps did, and then the current event: `read-secret; encode; send`.
pub struct Did<'a> {
    pub memos: &'a [Option<Seen<'a>>],
    pub now: Actions,
}

impl Did<'_> {
    fn attr(&self, steps: &[usize]) -> (String, String) {
        let past = steps.iter().map(|at| self.memos.get(*at)?.as_ref());
        let past = past.map(|memo| memo.map_or(Actions::default(), |memo| memo.actions));
        let mut all = String::new();
        for (at, actions) in past.chain([self.now]).enumerate() {
            let words = actions.words();
            if all.len() + 2 + words.len() > MAX_ACTIONS {
                break;
            }
            all.push_str(if at > 0 { "; " } else { "" });
            all.push_str(&words);
        }
        pair("actions", all)
    }
}

/// A secret that the steps `from` returned leaves with `event`; `parts` carried the rest of it.
pub fn exfiltration(
    event: &Event,
    past: &Past<'_>,
    (severity, confidence_pct): (Severity, u8),
    from: &[usize],
    parts: &[usize],
    did: &Did<'_>,
) -> Finding {
    let mut steps: Vec<usize> = from.iter().chain(parts).copied().collect();
    steps.sort_unstable();
    steps.dedup();
    let mut attrs = vec![pair("flow", "secret"), pair("from", servers(from, past))];
    attrs.push(pair("to", event.server.name.clone()));
    if !parts.is_empty() {
        attrs.push(pair("parts", (parts.len() + 1).to_string()));
    }
    attrs.push(did.attr(&steps));
    Finding {
        rule: EXFILTRATION.to_owned(),
        category: Category::DataExfiltration,
        severity,
        confidence_pct,
        message: "A secret that an earlier step returned leaves in this call.".to_owned(),
        spans: Vec::new(),
        steps: indices(&steps, past),
        refs: ["T1041", "T1567", "AML.T0086"].map(str::to_owned).to_vec(),
        attrs,
    }
}

/// Numbers of cards or accounts that the steps `from` returned leave with `event`.
pub fn numbers(event: &Event, past: &Past<'_>, from: &[usize], did: &Did<'_>) -> Finding {
    let strength = (Severity::Medium, 60);
    let mut finding = exfiltration(event, past, strength, from, &[], did);
    finding.message =
        "The number of a card or account that an earlier step returned leaves in this call."
            .to_owned();
    if let Some((_, flow)) = finding.attrs.first_mut() {
        "number".clone_into(flow);
    }
    finding
}

/// The steps `steps` and then `event` are the chain.
pub fn pattern(
    chain: &Chain,
    event: &Event,
    past: &Past<'_>,
    steps: &[usize],
    did: &Did<'_>,
) -> Finding {
    let mut attrs = vec![pair("chain", chain.id.clone())];
    if let Some(last) = chain.steps.last() {
        let flow = match (last.flow, last.lead != 0) {
            (Some(Carries::Secret), _) => Some("secret"),
            (Some(Carries::Content), _) => Some("private content"),
            (None, true) => Some("an order in content"),
            (None, false) => None,
        };
        attrs.extend(flow.map(|flow| pair("flow", flow)));
    }
    if !steps.is_empty() {
        attrs.push(pair("from", servers(steps, past)));
        attrs.push(pair("to", event.server.name.clone()));
        let first = steps.first().and_then(|at| past.steps.get(*at));
        let seconds = first.map_or(0, |step| event.at_ms.saturating_sub(step.at_ms) / 1000);
        attrs.push(pair("within_s", seconds.to_string()));
        attrs.push(did.attr(steps));
    }
    Finding {
        rule: PATTERN.to_owned(),
        category: Category::KillChain,
        severity: match chain.severity {
            Level::Info => Severity::Info,
            Level::Low => Severity::Low,
            Level::Medium => Severity::Medium,
            Level::High => Severity::High,
            Level::Critical => Severity::Critical,
        },
        confidence_pct: chain.confidence_pct,
        message: chain.title.clone(),
        spans: Vec::new(),
        steps: indices(steps, past),
        refs: chain.attack.clone(),
        attrs,
    }
}

/// The call is like those by which agents did harm.
pub fn rogue(event: &Event, like: Like, did: &Did<'_>) -> Finding {
    let (severity, confidence_pct) = match like {
        Like::Asked => (Severity::Medium, 55),
        Like::Noted => (Severity::Low, 35),
    };
    Finding {
        rule: ROGUE.to_owned(),
        category: Category::KillChain,
        severity,
        confidence_pct,
        message: "This call is like those by which agents that went astray did harm.".to_owned(),
        spans: Vec::new(),
        steps: Vec::new(),
        // OWASP Top 10 for Agentic Applications: rogue agents.
        refs: vec!["ASI10".to_owned()],
        attrs: vec![pair("to", event.server.name.clone()), did.attr(&[])],
    }
}

/// The servers of `steps`, each once, in order.
fn servers(steps: &[usize], past: &Past<'_>) -> String {
    let mut names: Vec<&str> = Vec::new();
    for step in steps.iter().filter_map(|at| past.steps.get(*at)) {
        if !names.contains(&step.server) && !step.server.is_empty() {
            names.push(step.server);
        }
    }
    names.join(", ")
}

fn pair(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

/// Positions among the steps that the host handed over.
fn indices(steps: &[usize], past: &Past<'_>) -> Vec<u32> {
    let at = steps.iter().map(|at| past.position(*at));
    let mut all: Vec<u32> = at.filter_map(|at| u32::try_from(at).ok()).collect();
    all.dedup();
    all
}
