//! Questions to a person: put, answered, and what their answers make of a decision.

use super::Judge;
use super::examine::{Examined, Shape};
use super::record::lead;
use crate::approval::{self, Scope, Ticket};
use crate::event::redacted;
use crate::link::Link;
use crate::mcp::json::{self as strict, Limits, Node, Value as Form};
use crate::policy::{Action, Decision};
use serde_json::{Value, json};

/// Largest excerpt of a call's arguments that a person is shown, in bytes.
const MAX_ARGUMENT_BYTES: usize = 16 << 10;

/// Most rows of arguments that a question has.
const MAX_EXCERPTS: usize = 256;

impl Judge {
    /// Puts the question, unless a grant answers it already (`None`).
    pub(super) fn put_question(
        &self,
        link: &mut Link,
        examined: &mut Examined,
        bytes: &[u8],
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
            arguments: shown(redacted::summary(&weighed.event, MAX_ARGUMENT_BYTES), bytes),
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

/// The summary, and the numbers and switches among the arguments: an event has only texts, but a
/// person decides about amounts as well.
fn shown(mut summary: Value, bytes: &[u8]) -> Value {
    let root = strict::parse(bytes, &Limits::default());
    let params = root.as_ref().ok().and_then(|root| root.get("params"));
    if let (Some(params), Some(excerpts)) = (
        params,
        summary.get_mut("excerpts").and_then(Value::as_array_mut),
    ) {
        scalars(params, "/params", excerpts);
    }
    summary
}

fn scalars(node: &Node<'_>, pointer: &str, excerpts: &mut Vec<Value>) {
    let mut add = |lexeme: &str| {
        if excerpts.len() < MAX_EXCERPTS {
            excerpts.push(json!({ "pointer": pointer, "excerpt": lexeme }));
        }
    };
    match &node.value {
        Form::Number(lexeme) => add(lexeme.get(..64).unwrap_or(lexeme)),
        Form::Bool(flag) => add(if *flag { "true" } else { "false" }),
        Form::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                scalars(item, &format!("{pointer}/{index}"), excerpts);
            }
        }
        Form::Object(members) => {
            for member in members.iter().filter(|member| member.key != "_meta") {
                let key = member.key.replace('~', "~0").replace('/', "~1");
                scalars(&member.node, &format!("{pointer}/{key}"), excerpts);
            }
        }
        Form::Null | Form::String(_) => {}
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_sees_numbers_and_switches_too() {
        let bytes = br#"{"params":{"_meta":{"progressToken":3},"arguments":{"amount":4200,"to":{"a/b":[true,"x"]}}}}"#;
        let shown = shown(json!({ "excerpts": [] }), bytes);
        let rows = json!([
            { "pointer": "/params/arguments/amount", "excerpt": "4200" },
            { "pointer": "/params/arguments/to/a~1b/0", "excerpt": "true" },
        ]);
        assert_eq!(shown.get("excerpts"), Some(&rows));
    }
}
