//! Plays the host: makes events of calls and results, keeps memos, hands them back.

use anyhow::{Result, anyhow};
use clawdefender_sdk::canonical::canonical;
use clawdefender_sdk::{Blob, Detector, Direction, Event, Finding, Kind, Role, Server, Step, Text};
use kill_chain::KillChain;
use serde_json::Value;

use super::row::Row;
use crate::draft::Item;

/// Milliseconds from one message to the next. Chosen: an agent at work.
const PACE_MS: u64 = 1_000;

/// What the host keeps of a past event.
struct Past {
    at_ms: u64,
    server: String,
    link: String,
    memo: Vec<u8>,
}

pub struct Session {
    detector: KillChain,
    history: usize,
    recent: Vec<Past>,
    at_ms: u64,
}

impl Session {
    pub fn new(data: &Item, model: Vec<u8>) -> Result<Self> {
        let blob = |kind: &str, bytes| Blob {
            kind: kind.to_owned(),
            name: "core".to_owned(),
            version: "1".to_owned(),
            bytes,
        };
        let data = [blob("killchain", data.bytes.clone()), blob("model", model)];
        let detector = KillChain::configure(&[], &data).map_err(|error| anyhow!(error))?;
        Ok(Self {
            detector,
            history: KillChain::describe().history as usize,
            recent: Vec::new(),
            at_ms: 1_700_000_000_000,
        })
    }

    /// What is found at each call of the row, in order, beginning with an empty history.
    pub fn run(&mut self, row: &Row) -> Vec<Vec<Finding>> {
        self.recent.clear();
        let mut found = Vec::with_capacity(row.calls.len());
        for call in &row.calls {
            let mut texts = Vec::new();
            strings("/params/arguments", &call.arguments, &mut texts);
            let kind = (Kind::ToolCall, Direction::ToServer);
            found.push(self.tell(kind, &call.server, &call.tool, texts));
            if let Some(result) = &call.result {
                let texts = vec![text("/result/content/0/text", Role::Content, result)];
                let kind = (Kind::ToolResult, Direction::ToClient);
                self.tell(kind, &call.server, &call.tool, texts);
            }
        }
        found
    }

    fn tell(
        &mut self,
        (kind, direction): (Kind, Direction),
        server: &str,
        tool: &str,
        texts: Vec<Text>,
    ) -> Vec<Finding> {
        self.at_ms += PACE_MS;
        let event = Event {
            id: self.at_ms.to_string(),
            at_ms: self.at_ms,
            kind,
            direction,
            link: server.to_owned(),
            client: "client".to_owned(),
            server: Server {
                name: server.to_owned(),
                package: String::new(),
                attrs: Vec::new(),
            },
            method: "tools/call".to_owned(),
            name: tool.to_owned(),
            texts,
            assets: Vec::new(),
            launch: None,
            attrs: Vec::new(),
        };
        let steps = self.recent.iter().map(|past| Step {
            at_ms: past.at_ms,
            server: &past.server,
            link: &past.link,
            memo: &past.memo,
        });
        let report = self.detector.inspect(&event, &steps.collect::<Vec<_>>());
        if let Some(memo) = report.memo {
            self.recent.push(Past {
                at_ms: event.at_ms,
                server: event.server.name,
                link: event.link,
                memo,
            });
            if self.recent.len() > self.history {
                self.recent.remove(0);
            }
        }
        report.findings
    }
}

/// The strings and switches of `value`; short numbers are no texts for the host either.
fn strings(pointer: &str, value: &Value, texts: &mut Vec<Text>) {
    match value {
        Value::String(value) => texts.push(text(pointer, Role::Argument, value)),
        Value::Array(values) => {
            let named = values
                .iter()
                .enumerate()
                .filter(|(_, own)| !own.is_boolean());
            for (at, value) in named {
                strings(&format!("{pointer}/{at}"), value, texts);
            }
        }
        Value::Object(members) => {
            for (key, value) in members {
                strings(&format!("{pointer}/{key}"), value, texts);
            }
        }
        Value::Bool(value) => texts.push(text(pointer, Role::Argument, &value.to_string())),
        Value::Null | Value::Number(_) => {}
    }
}

fn text(pointer: &str, role: Role, value: &str) -> Text {
    Text {
        pointer: pointer.to_owned(),
        role,
        original: value.to_owned(),
        canonical: canonical(value).map(|view| view.text),
        attrs: Vec::new(),
    }
}
