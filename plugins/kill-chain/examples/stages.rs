//! Which actions single command lines are taken for: run with files of JSON lines of kind
//! `tool-call`. Per ATT&CK tactic of a row, how many have an action of that stage; and how many of
//! the rows without one have each action.

#[path = "../tests/story/mod.rs"]
mod story;

use std::collections::BTreeMap;

use clawdefender_sdk::{Kind, Role};
use serde_json::Value;
use story::{Story, text};

/// What an attack does at a stage. Source: names of MITRE ATT&CK's tactics.
const STAGES: [(&str, &[&str]); 10] = [
    ("discovery", &["recon", "list", "search"]),
    ("credential-access", &["read-secret"]),
    (
        "collection",
        &["archive", "read-secret", "read-file", "search"],
    ),
    ("exfiltration", &["send"]),
    (
        "command-and-control",
        &["download", "fetch", "send", "remote-shell", "run-unseen"],
    ),
    (
        "persistence",
        &["persist", "account", "permission", "schedule"],
    ),
    (
        "privilege-escalation",
        &["persist", "permission", "account", "schedule"],
    ),
    ("defense-impairment", &["impair"]),
    (
        "execution",
        &["execute", "run-unseen", "persist", "remote-shell"],
    ),
    ("impact", &["delete", "impair", "encode", "archive"]),
];

fn main() {
    let detector = story::detector();
    let mut story = Story::begin();
    let mut tactics: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    let mut actions: BTreeMap<String, u32> = BTreeMap::new();
    for file in std::env::args().skip(1) {
        let lines = std::fs::read_to_string(&file).unwrap_or_default();
        let rows = lines
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        for row in rows {
            let Some(line) = row.pointer("/body/arguments/command") else {
                continue;
            };
            let line = line.as_str().unwrap_or_default();
            let texts = vec![text("/params/arguments/command", Role::Argument, line)];
            let event = story.event(Kind::ToolCall, "sh", "run_command", texts);
            let did = detector.actions(&event).words();
            let did: Vec<&str> = did.split('+').collect();
            let own = row.pointer("/meta/tactics").and_then(Value::as_array);
            for tactic in own.into_iter().flatten().filter_map(Value::as_str) {
                let stage = STAGES.iter().find(|(name, _)| *name == tactic);
                let Some((_, wanted)) = stage else { continue };
                let count = tactics.entry(tactic.to_owned()).or_default();
                count.0 += u32::from(wanted.iter().any(|action| did.contains(action)));
                count.1 += 1;
            }
            if own.is_none() {
                for action in did {
                    *actions.entry(action.to_owned()).or_default() += 1;
                }
            }
        }
    }
    for (tactic, (known, all)) in tactics {
        println!("{tactic}: {known} of {all}");
    }
    for (action, count) in actions {
        println!("without a tactic, {action}: {count}");
    }
}
