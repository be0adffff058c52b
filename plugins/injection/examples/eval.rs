//! Recall and false positives per source: `cargo run -p injection --example eval -- DIR…`.
//!
//! Each directory holds `*.jsonl` with rows `{"label", "kind", "text"}`. Prints, per file and
//! label, how many rows have a finding of at least medium and of at least high severity. With
//! `--show` it lists the ids of the surprising rows.
#![expect(
    clippy::unwrap_used,
    reason = "a developer's tool: a bad row should stop it"
)]

use std::path::PathBuf;

use clawdefender_sdk::testing::{EventBuilder, data_blob};
use clawdefender_sdk::{Detector, Kind, Severity};
use injection::Injection;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let show = arguments.iter().any(|argument| argument == "--show");
    let data = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../feeds/data/injection.toml"
    );
    let detector = Injection::configure(&[], &[data_blob(data)]).unwrap();
    println!(
        "{:32} {:7} {:>6} {:>9} {:>9}",
        "source", "label", "rows", "medium+", "high+"
    );
    for dir in arguments.iter().filter(|argument| *argument != "--show") {
        let mut files: Vec<PathBuf> = std::fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        for file in files
            .iter()
            .filter(|file| file.extension().is_some_and(|e| e == "jsonl"))
        {
            let mut tally = std::collections::BTreeMap::<String, [usize; 3]>::new();
            for line in std::fs::read_to_string(file).unwrap().lines() {
                let row: serde_json::Value = serde_json::from_str(line).unwrap();
                let text =
                    |name: &str| row.get(name).and_then(|value| value.as_str()).unwrap_or("");
                let kind = match text("kind") {
                    "tool-description" => Kind::ToolDefinition,
                    "tool-result" | "raw" => Kind::ToolResult,
                    "prompt" => Kind::PromptContent,
                    _ => continue,
                };
                let event = EventBuilder::new(kind).text(text("text")).build();
                let report = detector.inspect(&event, &[]);
                let worst = report
                    .findings
                    .iter()
                    .map(|found| found.severity as u8)
                    .max();
                let label = text("label");
                let counts = tally.entry(label.to_owned()).or_default();
                counts[0] += 1;
                counts[1] += usize::from(worst >= Some(Severity::Medium as u8));
                counts[2] += usize::from(worst >= Some(Severity::High as u8));
                let missed = label == "attack" && worst < Some(Severity::Medium as u8);
                let wrong = label == "benign" && worst >= Some(Severity::Medium as u8);
                if show && (missed || wrong) {
                    let found: Vec<_> = report
                        .findings
                        .iter()
                        .map(|f| {
                            format!(
                                "{}{:?}",
                                f.attrs
                                    .iter()
                                    .map(|a| a.1.as_str())
                                    .collect::<Vec<_>>()
                                    .join("/"),
                                f.severity
                            )
                        })
                        .collect();
                    println!("  {label} {} {found:?}", text("id"));
                }
            }
            let name = file.file_stem().unwrap().to_string_lossy();
            for (label, [rows, medium, high]) in tally {
                println!("{name:32} {label:7} {rows:6} {medium:9} {high:9}");
            }
        }
    }
}
