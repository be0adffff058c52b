//! Questions to a person: put, answered, and what their answers make of a decision.

use super::Judge;
use super::examine::{Examined, Shape};
use super::record::lead;
use super::weigh::Weighed;
use crate::approval::{self, Scope, Ticket};
use crate::event::hidden::is_below_secret;
use crate::event::surface::Part;
use crate::event::{Finding, redacted};
use crate::link::Link;
use crate::mcp::json::{self as strict, Limits, Node, Value as Form};
use crate::policy::{Action, Decision};
use serde_json::{Value, json};

/// Largest excerpt of a call's arguments that a person is shown, in bytes.
pub(super) const MAX_ARGUMENT_BYTES: usize = 16 << 10;

/// Most numbers and switches that a question shows.
const MAX_SCALARS: usize = 256;

/// Shorter numbers are no PIN and no code of a card.
const MIN_SECRET_DIGITS: usize = 3;

/// Most parts of one message that are shown; each has its share of the room. Chosen: the share is
/// then 1 KiB, some lines of text.
const MAX_PARTS: usize = 16;

/// Chosen: as many as a record keeps.
const MAX_FINDINGS: usize = 64;

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
        let asking = asking(examined, weighed);
        let (findings, more) = findings(&asking);
        let scope = Scope::of(&weighed.event, &examined.content, policy);
        if self.desk.take_grant(&scope).is_some() {
            return None;
        }
        let ticket = self.desk.ask(approval::Question {
            at_ms: weighed.event.at_ms,
            client: link.client.label.clone(),
            server: link.server.name.clone(),
            package: link.server.package.clone(),
            tool: redacted::name(&weighed.event.name),
            kind: weighed.event.kind.word().to_owned(),
            sentence: sentence(weighed.event.kind.word()).to_owned(),
            arguments: shown(summary(&asking, more), bytes),
            rule: examined.decision.rule.clone(),
            reason: examined.decision.reason.clone(),
            findings,
            scope,
        });
        if let Shape::Request { id, .. } = &examined.shape
            && let Some(asked) = link.asked_mut(examined.from, id)
        {
            // Held until it is ruled on, though nobody may be asked: the other side never saw it.
            asked.question = Some(ticket.waiter().unwrap_or_default().to_owned());
        }
        Some(ticket)
    }
}

/// What an answer lets pass: the part that decided, then every other that needs an answer as well.
/// Entries of a list are none of it, because they are cut out one by one.
fn asking<'e>(examined: &'e Examined, lead: &'e Weighed) -> Vec<&'e Weighed> {
    let whole = |(part, weighed): &'e (Part, Weighed)| (*part == Part::Whole).then_some(weighed);
    let others =
        examined.parts.iter().filter_map(whole).filter(|weighed| {
            weighed.decision.action == Action::Ask && !std::ptr::eq(*weighed, lead)
        });
    std::iter::once(lead).chain(others).collect()
}

/// The findings of all parts, and how many there is no room for.
fn findings(asking: &[&Weighed]) -> (Vec<Finding>, usize) {
    let all = asking.iter().flat_map(|weighed| &weighed.findings);
    let shown: Vec<Finding> = all.clone().take(MAX_FINDINGS).cloned().collect();
    let more = all.count() - shown.len();
    (shown, more)
}

/// One summary of all parts: the facts of the first, what each touches and says, and in `omitted`
/// how many texts and things are not there, in `findings_omitted` how many findings.
fn summary(asking: &[&Weighed], findings_omitted: usize) -> Value {
    let room = MAX_ARGUMENT_BYTES / asking.len().clamp(1, MAX_PARTS);
    let mut whole = Value::Null;
    for (place, weighed) in asking.iter().enumerate() {
        // Past the last that is shown there is room for facts only, so all of it is omitted.
        let room = if place < MAX_PARTS { room } else { 0 };
        let mut part = redacted::summary(&weighed.event, room);
        if whole.is_null() {
            whole = part;
            continue;
        }
        for key in ["assets", "excerpts"] {
            if let (Some(Value::Array(all)), Some(Value::Array(more))) =
                (whole.get_mut(key), part.get_mut(key))
            {
                all.append(more);
            }
        }
        for key in ["texts", "text_bytes", "omitted"] {
            add(&mut whole, key, part.get(key).and_then(Value::as_u64));
        }
    }
    if findings_omitted > 0 {
        add(
            &mut whole,
            "findings_omitted",
            Some(findings_omitted as u64),
        );
    }
    whole
}

fn add(summary: &mut Value, key: &str, more: Option<u64>) {
    if let Some(members) = summary.as_object_mut() {
        let count = members.entry(key).or_insert(json!(0));
        *count = json!(count.as_u64().unwrap_or_default() + more.unwrap_or_default());
    }
}

/// The summary, and the numbers and switches among the arguments: an event has only texts, but a
/// person decides about amounts as well.
fn shown(mut summary: Value, bytes: &[u8]) -> Value {
    let root = strict::parse(bytes, &Limits::default());
    let params = root.as_ref().ok().and_then(|root| root.get("params"));
    let mut rows = Vec::new();
    if let Some(params) = params {
        scalars(params, "/params", &mut rows);
    }
    let more = rows.len().saturating_sub(MAX_SCALARS);
    rows.truncate(MAX_SCALARS);
    if let Some(excerpts) = summary.get_mut("excerpts").and_then(Value::as_array_mut) {
        excerpts.append(&mut rows);
    }
    if more > 0 {
        add(&mut summary, "omitted", Some(more as u64));
    }
    summary
}

fn scalars(node: &Node<'_>, pointer: &str, excerpts: &mut Vec<Value>) {
    let mut add = |lexeme: &str| {
        // A switch is no secret, and a digit or two are none to keep.
        let named = lexeme.len() >= MIN_SECRET_DIGITS && lexeme.bytes().any(|b| b.is_ascii_digit());
        let lexeme = match named && is_below_secret(pointer, lexeme) {
            true => redacted::NAMED,
            false => lexeme,
        };
        // Past the bound only their number counts.
        excerpts.push(if excerpts.len() < MAX_SCALARS {
            json!({ "pointer": pointer.get(..300).unwrap_or(pointer), "excerpt": lexeme })
        } else {
            Value::Null
        });
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
            // What a client says to a server about the request itself, and what was typed into a
            // form, which is never shown.
            let unseen =
                |key: &str| pointer == "/params" && ["_meta", "inputResponses"].contains(&key);
            for member in members.iter().filter(|member| !unseen(&member.key)) {
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
pub(super) mod tests {
    use super::*;
    use crate::event::{Category, Direction, Event, Kind, Role, Server, Severity, Text};
    use crate::link::End;

    #[test]
    fn a_person_sees_numbers_and_switches_too() {
        let bytes = br#"{"params":{"_meta":{"progressToken":3},"arguments":{"amount":4200,"to":{"a/b":[true,"x"],"_meta":{"n":7}}}}}"#;
        let shown = shown(json!({ "excerpts": [] }), bytes);
        let rows = json!([
            { "pointer": "/params/arguments/amount", "excerpt": "4200" },
            { "pointer": "/params/arguments/to/a~1b/0", "excerpt": "true" },
            { "pointer": "/params/arguments/to/_meta/n", "excerpt": "7" },
        ]);
        assert_eq!(shown.get("excerpts"), Some(&rows));

        let bytes = br#"{"params":{"inputResponses":{"q":{"content":{"n":4711}}},"arguments":{"pin":4711,"led_pin":13,"max_tokens":9000,"token":true}}}"#;
        let shown = super::shown(json!({ "excerpts": [] }), bytes);
        let rows: Vec<_> = shown["excerpts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["excerpt"].as_str().unwrap())
            .collect();
        assert_eq!(rows, [redacted::NAMED, "13", "9000", "true"]);

        let many = vec!["1"; MAX_SCALARS + 7].join(",");
        let bytes = format!(r#"{{"params":{{"arguments":[{many}]}}}}"#);
        let shown = super::shown(json!({ "excerpts": [], "omitted": 2 }), bytes.as_bytes());
        assert_eq!(shown["excerpts"].as_array().unwrap().len(), MAX_SCALARS);
        assert_eq!(shown["omitted"], 9);
    }

    pub fn part(place: usize, action: Action) -> Weighed {
        let text = |n: usize| Text {
            pointer: format!("/result/contents/{place}/text{n}"),
            role: Role::Content,
            original: format!("part {place}"),
            canonical: None,
            literal: None,
        };
        let finding = |n: usize| Finding {
            detector: "d".into(),
            rule: format!("r{place}.{n}"),
            category: Category("c".into()),
            severity: Severity::Medium,
            confidence_pct: 90,
            message: String::new(),
            spans: vec![],
            steps: vec![],
            refs: vec![],
            package: None,
            overridden: None,
            attrs: std::collections::BTreeMap::new(),
        };
        Weighed {
            event: Event {
                id: "c1".into(),
                at_ms: 1,
                kind: Kind::ResourceContent,
                direction: Direction::ToClient,
                link: String::new(),
                client: String::new(),
                server: Server::default(),
                method: "resources/read".into(),
                name: format!("file:///{place}"),
                texts: (0..2).map(text).collect(),
                assets: vec![],
                launch: None,
                attrs: vec![],
            },
            decision: Decision {
                action,
                rule: "r".into(),
                reason: String::new(),
                would: None,
                losers: vec![],
            },
            findings: (0..5).map(finding).collect(),
            faults: vec![],
            memos: vec![],
            attrs: vec![],
        }
    }

    pub fn examined(parts: Vec<(Part, Weighed)>) -> Examined {
        let decision = parts[0].1.decision.clone();
        let shape = Shape::Notification {
            method: String::new(),
        };
        Examined {
            call: "c".into(),
            from: End::Server,
            shape,
            parts,
            decision,
            revision: None,
            tasks: vec![],
            cancelled: vec![],
            content: vec![],
        }
    }

    #[test]
    fn a_person_sees_every_part_that_an_answer_lets_pass() {
        let entry = Part::Entry {
            array: "/result/tools".into(),
            index: 0,
        };
        let examined = examined(vec![
            (Part::Whole, part(0, Action::Ask)),
            (Part::Whole, part(1, Action::Allow)),
            (entry, part(2, Action::Ask)),
            (Part::Whole, part(3, Action::Ask)),
        ]);
        let asking = asking(&examined, lead(&examined, &examined.decision).unwrap());
        let summary = summary(&asking, 0);
        let excerpts = summary["excerpts"].as_array().unwrap();
        let shown: Vec<&str> = excerpts
            .iter()
            .filter_map(|row| row["excerpt"].as_str())
            .collect();
        assert_eq!(shown, ["part 0", "part 0", "part 3", "part 3"]);
        assert_eq!(
            (&summary["texts"], &summary["omitted"]),
            (&json!(4), &json!(0))
        );
        assert_eq!(summary["name"], "file:///0");
        let (shown, more) = findings(&asking);
        assert_eq!((shown.len(), shown[5].rule.as_str(), more), (10, "r3.0", 0));
    }

    #[test]
    fn many_parts_are_cut_and_counted() {
        let parts = (0..100).map(|place| (Part::Whole, part(place, Action::Ask)));
        let examined = examined(parts.collect());
        let asking = asking(&examined, lead(&examined, &examined.decision).unwrap());
        let (shown, more) = findings(&asking);
        assert_eq!((shown.len(), more), (MAX_FINDINGS, 500 - MAX_FINDINGS));
        let summary = summary(&asking, more);
        assert!(summary.to_string().len() <= MAX_ARGUMENT_BYTES);
        let excerpts = summary["excerpts"].as_array().unwrap().len() as u64;
        assert_eq!(excerpts, 2 * MAX_PARTS as u64);
        assert_eq!(summary["omitted"], 200 - excerpts);
        assert_eq!(summary["findings_omitted"], more);
    }
}
