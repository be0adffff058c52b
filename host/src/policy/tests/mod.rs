//! Tables of decisions: a policy, an event and what comes out, one line each.
//!
//! Events are written as words (see [`scene`]); every denial stands beside its allowed twin.

mod files;
mod findings;
mod legacy;
mod matching;
mod overrides;
mod profiles;
mod quiet;
mod strictest;

use std::path::Path;

use super::*;
use crate::event::{
    Asset, AssetKind, Category, Direction, Event, Finding, Kind, Role, Server, Severity, Span, Text,
};

const HOME: &str = "/home/u";

/// Rules in TOML's inline form, without their braces: `id="r", action="deny", match={tool="x"}`.
fn policy(profile: &str, rules: &[&str]) -> Policy {
    let rules: Vec<String> = rules.iter().map(|rule| format!("{{ {rule} }}")).collect();
    let text = format!(
        "version = 1\nprofile = \"{profile}\"\nrule = [\n{}\n]\n",
        rules.join(",\n")
    );
    Policy::parse(&text, "policy.toml", Path::new(HOME)).unwrap_or_else(|error| panic!("{error}"))
}

/// `action rule`, with ` would ACTION` under `monitor`.
fn answer(policy: &Policy, words: &str) -> String {
    let (event, findings) = scene(words);
    let decision = decide(policy, &event, &findings);
    let would = decision
        .would
        .map(|would| format!(" would {would:?}"))
        .unwrap_or_default();
    format!("{:?} {}{would}", decision.action, decision.rule).to_lowercase()
}

#[track_caller]
fn check(profile: &str, rules: &[&str], words: &str, expect: &str) {
    assert_eq!(
        answer(&policy(profile, rules), words),
        expect,
        "{profile} {rules:?} {words}"
    );
}

/// One denying rule `r` with this `match`, in `balanced`: does it hit?
#[track_caller]
fn hits(criteria: &str, words: &str) {
    let rule = format!(r#"id="r", action="deny", match={{{criteria}}}"#);
    check("balanced", &[&rule], words, "deny r");
}

#[track_caller]
fn misses(criteria: &str, words: &str) {
    let rule = format!(r#"id="r", action="deny", match={{{criteria}}}"#);
    check("balanced", &[&rule], words, "allow default:balanced");
}

/// An event and its findings from words: the kind first, then facts.
///
/// `path=` `host=` `cmd=` `pkg=` `acct=` `other=` add an asset, `alias=`, `cred` and `wild` describe the last
/// one;
/// `arg.POINTER=` adds an argument; `finding=RULE:SEVERITY:CONFIDENCE[:CATEGORY[:DETECTOR]]`, and
/// `span` gives the last one a span in the first text; `number` is a text that can't be replaced.
fn scene(words: &str) -> (Event, Vec<Finding>) {
    let mut findings: Vec<Finding> = Vec::new();
    let mut words = words.split_ascii_whitespace();
    let kind = words.next().unwrap();
    let mut event = Event {
        id: "e1".to_owned(),
        at_ms: 0,
        kind: kind_of(kind),
        direction: direction_of(kind),
        link: "l1".to_owned(),
        client: "editor".to_owned(),
        server: Server {
            name: "files".to_owned(),
            package: None,
        },
        method: String::new(),
        name: "t".to_owned(),
        texts: Vec::new(),
        assets: Vec::new(),
        launch: None,
        attrs: Vec::new(),
    };
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        let mut touch = |kind| {
            let value = value.to_owned();
            let aliases = Vec::new();
            event.assets.push(Asset {
                kind,
                value,
                text: None,
                aliases,
                credential: false,
                wild: false,
            });
        };
        match key {
            "server" => event.server.name = value.to_owned(),
            "package" => event.server.package = Some(value.to_owned()),
            "tool" | "name" => event.name = value.to_owned(),
            "method" => event.method = value.to_owned(),
            "to-server" => event.direction = Direction::ToServer,
            "to-client" => event.direction = Direction::ToClient,
            "path" => touch(AssetKind::Path),
            "host" => touch(AssetKind::Host),
            "cmd" => touch(AssetKind::Command),
            "pkg" => touch(AssetKind::Package),
            "acct" => touch(AssetKind::Account),
            "other" => touch(AssetKind::Other(
                if value.is_empty() { "too-many" } else { value }.to_owned(),
            )),
            "alias" => event
                .assets
                .last_mut()
                .unwrap()
                .aliases
                .push(value.to_owned()),
            "wild" => event.assets.last_mut().unwrap().wild = true,
            "cred" => event.assets.last_mut().unwrap().credential = true,
            "text" => event
                .texts
                .push(text("/result/content/0/text", Role::Content, value)),
            "number" => {
                let mut number = text("/params/arguments/n", Role::Argument, value);
                number.literal = None;
                event.texts.push(number);
            }
            "finding" => findings.push(finding(value)),
            "span" => {
                if event.texts.is_empty() {
                    event
                        .texts
                        .push(text("/params/arguments/x", Role::Argument, "secret"));
                }
                findings.last_mut().unwrap().spans.push(Span {
                    text: 0,
                    start: 0,
                    end: 1,
                });
            }
            _ => {
                let pointer = key.strip_prefix("arg.").unwrap();
                let pointer = format!("/params/arguments/{pointer}");
                event.texts.push(text(&pointer, Role::Argument, value));
            }
        }
    }
    (event, findings)
}

fn text(pointer: &str, role: Role, value: &str) -> Text {
    Text {
        pointer: pointer.to_owned(),
        role,
        original: value.to_owned(),
        canonical: None,
        literal: Some(0..value.len() + 2),
    }
}

fn finding(fields: &str) -> Finding {
    let fields: Vec<&str> = fields.split(':').collect();
    let or = |at: usize, default: &str| (*fields.get(at).unwrap_or(&default)).to_owned();
    Finding {
        detector: or(4, "injection"),
        rule: or(0, ""),
        category: Category(or(3, "prompt-injection")),
        severity: severity(&or(1, "high")),
        confidence_pct: or(2, "90").parse().unwrap(),
        message: "claims something".to_owned(),
        spans: Vec::new(),
        steps: Vec::new(),
        refs: Vec::new(),
        package: None,
        overridden: None,
        attrs: std::collections::BTreeMap::new(),
    }
}

fn severity(word: &str) -> Severity {
    serde_json::from_str(&format!("\"{word}\"")).unwrap()
}

fn kind_of(word: &str) -> Kind {
    let named = [
        Kind::ToolCall,
        Kind::ToolResult,
        Kind::ToolDefinition,
        Kind::PromptDefinition,
        Kind::ResourceDefinition,
        Kind::ServerInstructions,
        Kind::ResourceContent,
        Kind::PromptContent,
        Kind::Completion,
        Kind::Sampling,
        Kind::Elicitation,
        Kind::Notice,
        Kind::GuardCheck,
        Kind::ServerLaunch,
    ];
    let found = named.into_iter().find(|kind| kind.word() == word);
    found.unwrap_or_else(|| Kind::Other(word.to_owned()))
}

fn direction_of(word: &str) -> Direction {
    match word {
        "guard-check" | "server-launch" => Direction::Local,
        "tool-call" | "completion" => Direction::ToServer,
        method if method.contains('/') => Direction::ToServer,
        _ => Direction::ToClient,
    }
}
