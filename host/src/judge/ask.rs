//! Questions to a person: put, answered, and what their answers make of a decision.

use super::Judge;
use super::examine::{Examined, Shape};
use super::record::lead;
use crate::approval::{self, Scope, Ticket};
use crate::event::redacted;
use crate::link::Link;
use crate::policy::{Action, Decision};

/// Largest excerpt of a call's arguments that a person is shown, in bytes.
const MAX_ARGUMENT_BYTES: usize = 16 << 10;

impl Judge {
    /// Puts the question, unless a grant answers it already (`None`).
    pub(super) fn put_question(
        &self,
        link: &mut Link,
        examined: &mut Examined,
        policy: &str,
    ) -> Option<Ticket> {
        let weighed = lead(examined, &examined.decision)?;
        let scope = Scope::of(&weighed.event, &examined.content, policy);
        if self.desk.take_grant(&scope).is_some() {
            return None;
        }
        let ticket = self.desk.ask(approval::Question {
            at_ms: weighed.event.at_ms,
            client: link.client.label.clone(),
            server: link.server.name.clone(),
            package: link.server.package.clone(),
            tool: weighed.event.name.clone(),
            kind: weighed.event.kind.word().to_owned(),
            sentence: sentence(weighed.event.kind.word()).to_owned(),
            arguments: redacted::summary(&weighed.event, MAX_ARGUMENT_BYTES),
            rule: examined.decision.rule.clone(),
            reason: examined.decision.reason.clone(),
            findings: weighed.findings.clone(),
            scope,
        });
        if let (Shape::Request { id, .. }, Some(question)) = (&examined.shape, ticket.id())
            && let Some(asked) = link.asked_mut(examined.from, id)
        {
            asked.question = Some(question.to_owned());
        }
        Some(ticket)
    }
}

/// What a grant makes of a question.
pub(super) fn granted(asked: &Decision) -> Decision {
    let mut losers = asked.losers.clone();
    losers.insert(0, (asked.rule.clone(), Action::Ask));
    Decision {
        action: Action::Log,
        rule: "grant".into(),
        reason: "a person allowed exactly this call".into(),
        would: None,
        losers,
    }
}

pub(super) fn answered(asked: &Decision, outcome: &approval::Outcome) -> Decision {
    let denied = |rule: &str, reason: &str| {
        let mut decision = Decision::deny(&format!("{rule}:{}", asked.rule), reason);
        decision.losers.push((asked.rule.clone(), Action::Ask));
        decision
    };
    match outcome {
        approval::Outcome::Allowed { .. } => granted(asked),
        approval::Outcome::Denied { .. } => denied("refused", "a person said no"),
        approval::Outcome::TimedOut => denied("unanswered", "nobody answered in time"),
        approval::Outcome::Withdrawn => denied("withdrawn", "the question was taken back"),
        approval::Outcome::Overload => denied("unanswered", "too many questions are waiting"),
    }
}

pub(super) fn outcome_note(outcome: &approval::Outcome) -> String {
    match outcome {
        approval::Outcome::Allowed { grant } => {
            format!("allowed by {} through {}", grant.by.user, grant.by.door)
        }
        approval::Outcome::Denied { by } => format!("denied by {} through {}", by.user, by.door),
        approval::Outcome::TimedOut => "nobody answered in time".into(),
        approval::Outcome::Withdrawn => "withdrawn".into(),
        approval::Outcome::Overload => "too many questions are waiting".into(),
    }
}

/// Fixed text for a question's first line.
fn sentence(kind: &str) -> &'static str {
    match kind {
        "tool-call" => "The client wants this server to run a tool.",
        "tool-result" => "The server answered a tool call; the answer looks suspicious.",
        "server-launch" => "The client wants to start this server.",
        "resource-content" => "The server sent a resource that looks suspicious.",
        "prompt-content" => "The server sent a prompt that looks suspicious.",
        "sampling" => "The server wants to use the client's model.",
        "elicitation" => "The server wants something from you.",
        "guard-check" => "A guarded agent asks whether it may do something.",
        _ => "A message needs your decision.",
    }
}
