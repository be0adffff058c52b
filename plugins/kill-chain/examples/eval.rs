//! Measures the detector on labelled trajectories: JSON lines in the directory given as argument.
//!
//! Rows hold `label` and either `steps` (server, tool, args, result) or `body.calls` (tool, args),
//! or one call in `body` (name, arguments). With a number N as second argument every N rows of a
//! source and label are told as one session, which is how single commands become a day's work.
//! Prints, per source and label, how many rows had a
//! finding of at least medium and of at least high, in time, and which chains said so.

#![allow(
    clippy::expect_used,
    reason = "a program for the developer's own files"
)]

#[path = "../tests/story/mod.rs"]
mod story;

use std::collections::BTreeMap;

use clawdefender_sdk::{Finding, Kind, Role, Severity, Text};
use serde_json::Value;
use story::Story;

#[derive(Default)]
struct Tally {
    rows: usize,
    medium: usize,
    high: usize,
    chains: BTreeMap<String, usize>,
    medium_ids: Vec<String>,
}

fn main() {
    let directory = std::env::args()
        .nth(1)
        .expect("a directory of .jsonl files");
    let together: usize = std::env::args()
        .nth(2)
        .map_or(1, |number| number.parse().expect("a number of rows"));
    let show = std::env::args().nth(3);
    let mut tallies: BTreeMap<(String, String), Tally> = BTreeMap::new();
    let mut story = Story::begin();
    for entry in std::fs::read_dir(directory)
        .expect("a readable directory")
        .flatten()
    {
        if entry.path().extension().is_none_or(|ext| ext != "jsonl") {
            continue;
        }
        let rows = std::fs::read_to_string(entry.path()).expect("readable rows");
        let mut rows: Vec<Value> = rows
            .lines()
            .map(|row| serde_json::from_str(row).expect("a JSON row"))
            .collect();
        let kind = |row: &Value| {
            (
                row.get("suite").map(Value::to_string),
                row.get("label").map(Value::to_string),
            )
        };
        rows.sort_by_key(kind);
        let same = |one: &Value, two: &Value| kind(one) == kind(two);
        for group in rows
            .chunk_by(same)
            .flat_map(|rows| rows.chunks(together.max(1)))
        {
            let Some(row) = group.first() else { continue };
            let word = |key: &str| {
                row.get(key)
                    .and_then(Value::as_str)
                    .unwrap_or("?")
                    .to_owned()
            };
            let suite = row
                .get("suite")
                .and_then(Value::as_str)
                .map(|suite| format!("/{suite}"))
                .unwrap_or_default();
            let tally = tallies
                .entry((word("source") + &suite, word("label")))
                .or_default();
            story.again();
            let found: Vec<Finding> = group.iter().flat_map(|row| tell(&mut story, row)).collect();
            let at_least = |least: Severity| {
                found
                    .iter()
                    .any(|finding| finding.severity as u8 >= least as u8)
            };
            tally.rows += 1;
            tally.high += usize::from(at_least(Severity::High));
            if at_least(Severity::Medium) {
                tally.medium += 1;
                tally.medium_ids.push(word("id"));
            }
            let mut lines: Vec<String> = found
                .iter()
                .map(|finding| story::line(std::slice::from_ref(finding)))
                .collect();
            lines.sort();
            lines.dedup();
            lines
                .into_iter()
                .for_each(|line| *tally.chains.entry(line).or_default() += 1);
        }
    }
    for ((source, label), tally) in tallies {
        let share = |count: usize| 100.0 * count as f64 / tally.rows.max(1) as f64;
        println!(
            "{source} {label}: {} rows, medium+ {} ({:.1} %), high+ {} ({:.1} %)",
            tally.rows,
            tally.medium,
            share(tally.medium),
            tally.high,
            share(tally.high)
        );
        println!("    {:?}", tally.chains);
        if show.as_deref() == Some(label.as_str()) {
            println!("    {}", tally.medium_ids.join(" "));
        }
    }
}

fn tell(story: &mut Story, row: &Value) -> Vec<Finding> {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let mut steps = list(row.get("steps"));
    steps.extend(list(row.pointer("/body/calls")));
    steps.extend(
        row.get("body")
            .filter(|body| body.get("arguments").is_some())
            .cloned(),
    );
    let mut found = Vec::new();
    for step in steps {
        let tool = step
            .get("tool")
            .or_else(|| step.get("name"))
            .and_then(Value::as_str)
            .unwrap_or_default();
        let (server, tool) = tool.split_once('/').unwrap_or(("server", tool));
        let server = step.get("server").and_then(Value::as_str).unwrap_or(server);
        let mut texts = Vec::new();
        leaves(
            "/params/arguments",
            step.get("args").or_else(|| step.get("arguments")),
            &mut texts,
        );
        let event = story.event(Kind::ToolCall, server, tool, texts);
        found.extend(story.tell(event));
        if let Some(result) = step.get("result").and_then(Value::as_str) {
            story.result(server, tool, result);
        }
    }
    found
}

fn leaves(pointer: &str, value: Option<&Value>, texts: &mut Vec<Text>) {
    match value {
        Some(Value::String(value)) => texts.push(story::text(pointer, Role::Argument, value)),
        Some(Value::Array(values)) => {
            values
                .iter()
                .enumerate()
                .for_each(|(at, value)| leaves(&format!("{pointer}/{at}"), Some(value), texts));
        }
        Some(Value::Object(members)) => {
            members
                .iter()
                .for_each(|(key, value)| leaves(&format!("{pointer}/{key}"), Some(value), texts));
        }
        _ => {}
    }
}
