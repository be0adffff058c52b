//! Plays the host: makes events of calls and results, keeps memos, hands them back.

use anyhow::{Result, anyhow};
use clawdefender_sdk::testing::EventBuilder;
use clawdefender_sdk::{Blob, Detector, Finding, Kind, Step};
use kill_chain::KillChain;

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
            let event = EventBuilder::new(Kind::ToolCall)
                .name(&call.tool)
                .arguments("/params/arguments", &call.arguments);
            found.push(self.tell(event.server(&call.server)));
            if let Some(result) = &call.result {
                let event = EventBuilder::new(Kind::ToolResult)
                    .name(&call.tool)
                    .text(result);
                self.tell(event.server(&call.server));
            }
        }
        found
    }

    fn tell(&mut self, event: EventBuilder) -> Vec<Finding> {
        self.at_ms += PACE_MS;
        let event = event.id(self.at_ms.to_string()).at_ms(self.at_ms).build();
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
