//! A story: events of one client told in order to the real detector with the real data, with the
//! host's part (keeping memos, handing back the newest 250) played as the contract says.

#![allow(
    dead_code,
    clippy::expect_used,
    reason = "each user tells other parts of a story"
)]

use clawdefender_sdk::{
    Blob, Detector, Direction, Event, Finding, Kind, Launch, Role, Server, Severity, Step, Text,
};
use kill_chain::KillChain;

/// The data as the feed delivers it: the TOML tree without its header, as JSON.
pub fn data() -> Blob {
    let source = include_str!("../../../../feeds/data/chains.toml");
    let mut tree: toml::Table = source.parse().expect("the data parses");
    tree.remove("artifact");
    let bytes = serde_json::to_vec(&tree).expect("a tree of strings and numbers");
    Blob {
        kind: "killchain".into(),
        name: "core".into(),
        version: "1".into(),
        bytes,
    }
}

/// The model as the feed delivers it.
pub fn model() -> Blob {
    Blob {
        kind: "model".into(),
        name: "chains".into(),
        version: "1".into(),
        bytes: include_bytes!("../../../../feeds/models/chains.bin").to_vec(),
    }
}

pub fn detector() -> KillChain {
    KillChain::configure(&[], &[data(), model()]).expect("the shipped data configures")
}

/// A past event with its memo, as the host keeps it.
#[derive(Clone)]
pub struct Past {
    pub id: String,
    pub at_ms: u64,
    pub server: String,
    pub link: String,
    pub memo: Vec<u8>,
}

impl Past {
    fn step(&self) -> Step<'_> {
        Step {
            at_ms: self.at_ms,
            server: &self.server,
            link: &self.link,
            memo: &self.memo,
        }
    }
}

pub struct Story {
    detector: KillChain,
    pub recent: Vec<Past>,
    told: u64,
    pub now_ms: u64,
}

impl Story {
    pub fn begin() -> Self {
        Self::with(detector())
    }

    pub fn with(detector: KillChain) -> Self {
        Self {
            detector,
            recent: Vec::new(),
            told: 0,
            now_ms: 1_700_000_000_000,
        }
    }

    pub fn again(&mut self) {
        self.recent.clear();
    }

    pub fn wait_s(&mut self, seconds: u64) {
        self.now_ms += seconds * 1000;
    }

    pub fn call(&mut self, server: &str, tool: &str, arguments: &[(&str, &str)]) -> Vec<Finding> {
        let texts = arguments
            .iter()
            .map(|(key, value)| text(&format!("/params/arguments/{key}"), Role::Argument, value));
        let event = self.event(Kind::ToolCall, server, tool, texts.collect());
        self.tell(event)
    }

    pub fn result(&mut self, server: &str, tool: &str, content: &str) -> Vec<Finding> {
        let texts = vec![text("/result/content/0/text", Role::Content, content)];
        let event = self.event(Kind::ToolResult, server, tool, texts);
        self.tell(event)
    }

    /// One entry of a list of tools, as the host takes it apart; parameters with descriptions.
    pub fn definition(
        &mut self,
        server: &str,
        tool: &str,
        description: &str,
        parameters: &[(&str, &str)],
    ) -> Vec<Finding> {
        let entry = format!("/result/tools/{}", self.told % 7);
        let mut texts = vec![
            text(&format!("{entry}/name"), Role::Name, tool),
            text(
                &format!("{entry}/description"),
                Role::Description,
                description,
            ),
            text(&format!("{entry}/inputSchema/type"), Role::Schema, "object"),
        ];
        for (name, meaning) in parameters {
            let at = format!("{entry}/inputSchema/properties/{name}");
            texts.push(text(&at, Role::Key, name));
            texts.push(text(&format!("{at}/type"), Role::Schema, "string"));
            let description = text(&format!("{at}/description"), Role::Description, meaning);
            texts.extend(Some(description).filter(|_| !meaning.is_empty()));
        }
        let event = self.event(Kind::ToolDefinition, server, tool, texts);
        self.tell(event)
    }

    pub fn launch(&mut self, argv: &[&str]) -> Vec<Finding> {
        let mut event = self.event(Kind::ServerLaunch, "new", "", Vec::new());
        let argv = argv.iter().map(|word| (*word).to_owned()).collect();
        event.launch = Some(Launch {
            argv,
            env: Vec::new(),
            cwd: "/p".into(),
        });
        self.tell(event)
    }

    pub fn event(&mut self, kind: Kind, server: &str, tool: &str, texts: Vec<Text>) -> Event {
        self.told += 1;
        self.now_ms += 1000;
        let direction = if kind == Kind::ToolCall {
            Direction::ToServer
        } else {
            Direction::ToClient
        };
        Event {
            id: format!("e{}", self.told),
            at_ms: self.now_ms,
            kind,
            direction,
            link: server.to_owned(),
            client: "client".into(),
            server: Server {
                name: server.to_owned(),
                package: String::new(),
                attrs: Vec::new(),
            },
            method: "tools/call".into(),
            name: tool.to_owned(),
            texts,
            assets: Vec::new(),
            launch: None,
            attrs: Vec::new(),
        }
    }

    pub fn tell(&mut self, event: Event) -> Vec<Finding> {
        let report = self.detector.inspect(&event, &self.steps());
        if let Some(memo) = report.memo {
            assert!(memo.len() <= 4096);
            let Event {
                id,
                at_ms,
                server,
                link,
                ..
            } = event;
            self.recent.push(Past {
                id,
                at_ms,
                server: server.name,
                link,
                memo,
            });
            if self.recent.len() > 250 {
                self.recent.remove(0);
            }
        }
        report.findings
    }

    fn steps(&self) -> Vec<Step<'_>> {
        self.recent.iter().map(Past::step).collect()
    }

    /// Inspects without remembering.
    pub fn look(&self, event: &Event) -> Vec<Finding> {
        self.detector.inspect(event, &self.steps()).findings
    }
}

pub fn text(pointer: &str, role: Role, value: &str) -> Text {
    Text {
        pointer: pointer.to_owned(),
        role,
        original: value.to_owned(),
        canonical: None,
        attrs: Vec::new(),
    }
}

/// `chain-id:severity` of each finding, sorted, in one line; what a call is only noted to be like by
/// itself is for `rogue.rs`.
pub fn line(findings: &[Finding]) -> String {
    let mut found: Vec<String> = findings
        .iter()
        .filter(|finding| !is_rogue(finding) || finding.severity as u8 > Severity::Low as u8)
        .map(|finding| {
            let chain = finding
                .attrs
                .iter()
                .find(|(name, _)| name == "chain")
                .map(|(_, id)| id.as_str());
            format!(
                "{}:{}",
                chain.unwrap_or(if is_rogue(finding) {
                    "rogue"
                } else {
                    "exfiltration"
                }),
                severity(finding.severity)
            )
        })
        .collect();
    found.sort();
    found.join(" ")
}

fn is_rogue(finding: &Finding) -> bool {
    finding.rule == "kill-chain.rogue"
}

pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

/// Each told event is `server tool key=value` (a call), `server tool < text` (its result) or
/// `server tool :: description | parameter: description` (its definition); `expect` is what the
/// last one finds.
#[track_caller]
pub fn check(events: &[&str], expect: &str) {
    let mut story = Story::begin();
    let mut last = String::new();
    for event in events {
        last = tell(&mut story, event);
    }
    assert_eq!(last, expect);
}

pub fn tell(story: &mut Story, event: &str) -> String {
    line(&tell_all(story, event))
}

pub fn tell_all(story: &mut Story, event: &str) -> Vec<Finding> {
    let mut parts = event.splitn(3, ' ');
    let (server, tool) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let rest = parts.next().unwrap_or_default();
    if let Some(definition) = rest.strip_prefix(":: ") {
        let mut parts = definition.split(" | ");
        let description = parts.next().unwrap_or_default();
        let parameters: Vec<_> = parts
            .map(|part| part.split_once(": ").unwrap_or((part, "")))
            .collect();
        return story.definition(server, tool, description, &parameters);
    }
    match rest.strip_prefix("< ") {
        Some(text) => story.result(server, tool, text),
        None => {
            let arguments: Vec<(&str, &str)> = rest
                .split(" ;; ")
                .filter_map(|pair| pair.split_once('='))
                .collect();
            story.call(server, tool, &arguments)
        }
    }
}
