//! One question in, one answer out: the interface behind `clawdefender inspect` and the guard API.
//!
//! The real detectors and the real policy, through the same [`examine`] as live traffic; nothing is
//! recorded, asked or forwarded here. The shapes of input and output are an interface that others
//! rely on: see docs/inspect.md.

mod answer;
mod check;

pub use answer::{Answer, Known};
pub use check::Check;

use super::examine::{Bench, examine};
use super::history::Histories;
use super::weigh::{Weighed, weigh};
use super::{call_id, now_ms};
use crate::event::assets::{Seen, assets};
use crate::event::place::Places;
use crate::event::surface::{self, Context};
use crate::event::{self, Asset, AssetKind, Direction, Event, Kind, Launch, Role, Server, Text};
use crate::link::{Client, End, Link};
use crate::plugin::Set;
use crate::policy::Policy;
use answer::Said;
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

    /// Answers about a server's launch as it would be judged. `also` adds what else the host finds.
    pub fn launch(
        &self,
        server: String,
        launch: Launch,
        also: impl FnOnce(&mut Weighed),
    ) -> Answer {
        let started = Instant::now();
        let mut said = Said::default();
        let mut weighed = self.weigh_launch(server, launch, &Histories::default());
        also(&mut weighed);
        said.take(None, weighed);
        said.into_answer(&Value::Null, started)
    }

    fn weigh_launch(&self, server: String, launch: Launch, histories: &Histories) -> Weighed {
        let cwd = launch.cwd.clone();
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
            cwd: &cwd,
            places: self.places,
            beside: Vec::new(),
            room: surface::room(),
        };
        let event = event::launch::of_launch(&context, launch);
        self.weigh(event, histories)
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
            said.take(None, self.weigh_launch(server, launch, &histories));
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
        wild: false,
    });
    event
}
