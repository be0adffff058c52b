//! One question in, one answer out: the interface behind `clawdefender inspect` and the guard API.
//!
//! The real detectors and the real policy, through the same [`examine`] as live traffic; nothing is
//! recorded, asked or forwarded here. The shapes of input and output are an interface that others
//! rely on: see docs/inspect.md.

use super::examine::{Bench, Examined, examine};
use super::history::Histories;
use super::weigh::{Weighed, weigh};
use super::{call_id, now_ms};
use crate::event::assets::{Seen, assets};
use crate::event::place::Places;
use crate::event::surface::{Context, Part};
use crate::event::{
    self, Asset, AssetKind, Direction, Event, Fault, Finding, Kind, Launch, Role, Server, Severity,
    Text,
};
use crate::link::{Client, End, Link};
use crate::plugin::Set;
use crate::policy::{Action, Decision, Policy};
use clawdefender_sdk::canonical::canonical;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Instant;

/// What an inspection reads.
pub struct Inspector<'i> {
    pub set: &'i Set,
    pub policy: &'i Policy,
    pub places: &'i Places,
    pub max_frame_bytes: usize,
}

#[derive(Debug, thiserror::Error)]
enum InputError {
    #[error("not the expected JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("give one of `text` and `body` with `kind`, or `messages`, `command` or `package`")]
    Shape,
    #[error(
        "unknown kind `{0}`: use tool-result, tool-call, tool-definition, prompt, resource or message"
    )]
    Kind(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    #[serde(default)]
    id: Value,
    kind: Option<String>,
    server: Option<String>,
    tool: Option<String>,
    text: Option<String>,
    body: Option<Value>,
    messages: Option<Vec<Sent>>,
    command: Option<Vec<String>>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    package: Option<PackageName>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    from: End,
    server: Option<String>,
    message: Box<serde_json::value::RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PackageName {
    ecosystem: String,
    name: String,
    version: Option<String>,
}

/// What was said, gathered over all events of one line.
#[derive(Default)]
struct Said {
    strictest: Option<Decision>,
    findings: Vec<(Option<usize>, Finding)>,
    faults: Vec<Fault>,
}

/// An answer, and what a record of it needs.
pub struct Answer {
    pub json: Value,
    /// Absent when the input was not understood.
    pub decision: Option<Decision>,
    pub findings: Vec<Finding>,
    pub faults: Vec<Fault>,
}

impl Answer {
    fn error(id: Value, error: &InputError) -> Self {
        let json = json!({ "id": id, "error": error.to_string() });
        Self {
            json,
            decision: None,
            findings: Vec::new(),
            faults: Vec::new(),
        }
    }
}

impl Inspector<'_> {
    /// Answers one input line with one JSON object.
    pub fn answer(&self, line: &str) -> Answer {
        let started = Instant::now();
        let input: Input = match serde_json::from_str(line) {
            Ok(input) => input,
            Err(error) => {
                // The id is given back when it can be read, so that the caller can match the answer.
                let id = serde_json::from_str::<Value>(line)
                    .ok()
                    .and_then(|value| value.get("id").cloned());
                return Answer::error(id.unwrap_or_default(), &error.into());
            }
        };
        let id = input.id.clone();
        match self.say(input) {
            Ok(said) => said.into_answer(&id, started),
            Err(error) => Answer::error(id, &error),
        }
    }

    fn say(&self, input: Input) -> Result<Said, InputError> {
        let histories = Histories::default();
        let server = input.server.clone().unwrap_or_else(|| "inspect".into());
        let mut said = Said::default();
        if let Some(messages) = input.messages {
            self.messages(&messages, &server, &histories, &mut said);
        } else if let Some(argv) = input.command {
            let launch = Launch {
                argv,
                env: input.env.into_iter().collect(),
                cwd: "/".into(),
                origin: None,
            };
            let context = Context {
                id: call_id(),
                at_ms: now_ms(),
                link: "inspect".into(),
                client: "inspect".into(),
                server: Server {
                    name: server,
                    package: None,
                },
                direction: Direction::Local,
                cwd: "/",
                places: self.places,
                beside: Vec::new(),
            };
            let event = event::launch::of_launch(&context, launch);
            said.take(None, self.weigh(event, &histories));
        } else if let Some(package) = input.package {
            said.take(None, self.weigh(package_event(package, server), &histories));
        } else {
            let kind = input.kind.ok_or(InputError::Shape)?;
            let tool = input.tool.unwrap_or_default();
            match (input.text, input.body) {
                (Some(text), None) => {
                    let event = self.text_event(kind_of(&kind)?, server, tool, text);
                    said.take(None, self.weigh(event, &histories));
                }
                (None, Some(body)) => {
                    let sent = wrapped(&kind, &tool, body)?;
                    self.exchange(&sent, &server, &histories, &mut said);
                }
                _ => return Err(InputError::Shape),
            }
        }
        Ok(said)
    }

    fn weigh(&self, event: Event, histories: &Histories) -> Weighed {
        weigh(self.set, self.policy, event, &histories.of("inspect"))
    }

    /// A conversation: one link per server, one history for all of them.
    fn messages(&self, messages: &[Sent], server: &str, histories: &Histories, said: &mut Said) {
        let mut links: BTreeMap<String, Link> = BTreeMap::new();
        for (step, sent) in messages.iter().enumerate() {
            let name = sent.server.as_deref().unwrap_or(server);
            let link = links
                .entry(name.to_owned())
                .or_insert_with(|| new_link(name));
            let bytes = sent.message.get().as_bytes();
            let examined = examine(&self.bench(histories), link, sent.from, call_id(), bytes);
            said.examined(Some(step), examined, histories, link);
        }
    }

    /// A request and its answer, of which only the last message is asked about.
    fn exchange(
        &self,
        sent: &[(End, String)],
        server: &str,
        histories: &Histories,
        said: &mut Said,
    ) {
        let mut link = new_link(server);
        for (place, (from, line)) in sent.iter().enumerate() {
            let examined = examine(
                &self.bench(histories),
                &mut link,
                *from,
                call_id(),
                line.as_bytes(),
            );
            if place + 1 == sent.len() {
                said.examined(None, examined, histories, &link);
            }
        }
    }

    /// A text by itself, as the part of a message that its kind says.
    fn text_event(&self, kind: Kind, server: String, tool: String, text: String) -> Event {
        let (direction, role) = match kind {
            Kind::ToolCall => (Direction::ToServer, Role::Argument),
            Kind::ToolDefinition => (Direction::ToClient, Role::Description),
            _ => (Direction::ToClient, Role::Content),
        };
        let mut event = blank(kind, direction, server, tool);
        let canonical = canonical(&text);
        event.texts.push(Text {
            pointer: String::new(),
            role,
            original: text,
            canonical,
            literal: None,
        });
        event.assets = assets(
            &event.texts,
            &Seen {
                places: self.places,
                cwd: "/",
                tool: &event.name,
            },
        );
        event
    }

    fn bench<'b>(&'b self, histories: &'b Histories) -> Bench<'b> {
        Bench {
            set: self.set,
            policy: self.policy,
            histories,
            places: self.places,
            now_ms: now_ms(),
            max_frame_bytes: self.max_frame_bytes,
        }
    }
}

impl Said {
    fn examined(
        &mut self,
        step: Option<usize>,
        examined: Examined,
        histories: &Histories,
        link: &Link,
    ) {
        let passes = examined.decision.action < Action::Ask;
        self.decide(&examined.decision);
        for (part, weighed) in examined.parts {
            if passes && (part == Part::Whole || weighed.decision.action < Action::Redact) {
                super::enforce::keep_memos(histories, link, &weighed);
            }
            self.take(step, weighed);
        }
    }

    fn take(&mut self, step: Option<usize>, weighed: Weighed) {
        self.decide(&weighed.decision);
        self.findings
            .extend(weighed.findings.into_iter().map(|finding| (step, finding)));
        self.faults.extend(weighed.faults);
    }

    fn decide(&mut self, decision: &Decision) {
        if self
            .strictest
            .as_ref()
            .is_none_or(|strictest| decision.action > strictest.action)
        {
            self.strictest = Some(decision.clone());
        }
    }

    fn into_answer(self, id: &Value, started: Instant) -> Answer {
        let decision = self
            .strictest
            .clone()
            .unwrap_or_else(|| Decision::deny("inspect", "nothing could be judged"));
        // Without findings a denial is policy's or the protocol's, and certain.
        let certain = if decision.action == Action::Deny && self.findings.is_empty() {
            100
        } else {
            0
        };
        let score = self
            .findings
            .iter()
            .map(|(_, finding)| score(finding))
            .max()
            .unwrap_or(certain);
        let findings: Vec<Value> = self
            .findings
            .iter()
            .map(|(step, finding)| {
                let mut shown = json!({
                    "detector": finding.detector,
                    "rule": finding.rule,
                    "category": finding.category,
                    "severity": finding.severity,
                    "confidence": finding.confidence_pct,
                    "message": finding.message,
                });
                if let (Some(step), Some(members)) = (step, shown.as_object_mut()) {
                    members.insert("step".into(), json!(step));
                }
                shown
            })
            .collect();
        let json = json!({
            "id": id,
            "decision": decision.action,
            "rule": decision.rule,
            "score": score,
            "findings": findings,
            "faults": self.faults,
            "elapsed_us": u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        });
        Answer {
            json,
            decision: Some(decision),
            findings: self
                .findings
                .into_iter()
                .map(|(_, finding)| finding)
                .collect(),
            faults: self.faults,
        }
    }
}

/// 0–100: how bad times how sure. The weights are chosen so that a finding that `balanced` denies
/// is above 50 when it is sure, and one that it only logs never is.
fn score(finding: &Finding) -> u32 {
    let weight = match finding.severity {
        Severity::Info => 5,
        Severity::Low => 25,
        Severity::Medium => 50,
        Severity::High => 85,
        Severity::Critical => 100,
    };
    weight * u32::from(finding.confidence_pct.min(100)) / 100
}

fn new_link(server: &str) -> Link {
    let client = Client {
        label: "inspect".into(),
        key: "inspect".into(),
    };
    let server = Server {
        name: server.to_owned(),
        package: None,
    };
    Link::new("inspect".into(), client, server, Launch::default())
}

fn kind_of(word: &str) -> Result<Kind, InputError> {
    Ok(match word {
        "tool-result" => Kind::ToolResult,
        "tool-call" => Kind::ToolCall,
        "tool-definition" => Kind::ToolDefinition,
        "prompt" => Kind::PromptContent,
        "resource" => Kind::ResourceContent,
        "message" => Kind::Notice,
        _ => return Err(InputError::Kind(word.to_owned())),
    })
}

/// The messages that would carry this body.
fn wrapped(kind: &str, tool: &str, body: Value) -> Result<Vec<(End, String)>, InputError> {
    let has = |member: &str| body.get(member).is_some();
    let exchange = |method: &str, params: Value, result: Value| {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer = json!({ "jsonrpc": "2.0", "id": 1, "result": result });
        vec![
            (End::Client, request.to_string()),
            (End::Server, answer.to_string()),
        ]
    };
    Ok(match kind {
        "tool-call" => {
            let params = if has("arguments") {
                body
            } else {
                json!({ "name": tool, "arguments": body })
            };
            let call =
                json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
            vec![(End::Client, call.to_string())]
        }
        "tool-result" => {
            let result = if has("content") || has("structuredContent") {
                body
            } else {
                json!({ "structuredContent": body })
            };
            exchange(
                "tools/call",
                json!({ "name": tool, "arguments": {} }),
                result,
            )
        }
        "tool-definition" => {
            let result = if has("tools") {
                body
            } else {
                json!({ "tools": [body] })
            };
            exchange("tools/list", json!({}), result)
        }
        "prompt" => {
            let result = if has("messages") {
                body
            } else {
                json!({ "messages": [body] })
            };
            exchange("prompts/get", json!({ "name": tool }), result)
        }
        "resource" => {
            let result = if has("contents") {
                body
            } else {
                json!({ "contents": [body] })
            };
            exchange("resources/read", json!({ "uri": tool }), result)
        }
        "message" => vec![(End::Server, body.to_string())],
        _ => return Err(InputError::Kind(kind.to_owned())),
    })
}

fn blank(kind: Kind, direction: Direction, server: String, name: String) -> Event {
    Event {
        id: call_id(),
        at_ms: now_ms(),
        kind,
        direction,
        link: "inspect".into(),
        client: "inspect".into(),
        server: Server {
            name: server,
            package: None,
        },
        method: String::new(),
        name,
        texts: Vec::new(),
        assets: Vec::new(),
        launch: None,
        attrs: Vec::new(),
    }
}

/// Asks about a package by itself, without a launch.
fn package_event(package: PackageName, server: String) -> Event {
    let version = package
        .version
        .map(|version| format!("@{version}"))
        .unwrap_or_default();
    let value = format!("{}:{}{version}", package.ecosystem, package.name);
    let mut event = blank(Kind::GuardCheck, Direction::Local, server, value.clone());
    event.assets.push(Asset {
        kind: AssetKind::Package,
        value,
        text: None,
        aliases: Vec::new(),
        credential: false,
    });
    event
}
