//! What this detector alone finds in conversations: run with files of JSON lines, each an `id` and
//! its `messages`, `{"from": "client" | "server", "server": …, "message": JSON-RPC}`.
//!
//! Paths become assets as the host makes them, roughly: enough to see what an asset changes.

#[path = "../tests/story/mod.rs"]
mod story;

use std::collections::BTreeMap;

use clawdefender_sdk::{Asset, AssetKind, Event, Finding, Kind, Role, Text};
use serde_json::Value;
use story::{Story, line, text};

fn main() {
    for file in std::env::args().skip(1) {
        let lines = std::fs::read_to_string(&file).unwrap_or_default();
        let rows = lines
            .lines()
            .filter_map(|row| serde_json::from_str(row).ok());
        rows.for_each(|row: Value| println!("{:<34} {}", string(&row, "/id"), told(&row)));
    }
}

/// What each message finds, with its position.
fn told(row: &Value) -> String {
    let mut story = Story::begin();
    let mut open: BTreeMap<String, String> = BTreeMap::new();
    let mut all = Vec::new();
    let messages = row.get("messages").and_then(Value::as_array);
    for (at, entry) in messages.into_iter().flatten().enumerate() {
        let server = string(entry, "/server");
        let id = entry
            .pointer("/message/id")
            .map(Value::to_string)
            .unwrap_or_default();
        let mut found: Vec<Finding> = Vec::new();
        if let Some(tools) = entry
            .pointer("/message/result/tools")
            .and_then(Value::as_array)
        {
            for (number, tool) in tools.iter().enumerate() {
                let mut texts = Vec::new();
                definition(&format!("/result/tools/{number}"), tool, &mut texts);
                let event = story.event(Kind::ToolDefinition, server, string(tool, "/name"), texts);
                found.extend(story.tell(event));
            }
        } else if let Some(arguments) = entry.pointer("/message/params/arguments") {
            let tool = string(entry, "/message/params/name");
            open.insert(id, tool.to_owned());
            let mut texts = Vec::new();
            strings("/params/arguments", arguments, Role::Argument, &mut texts);
            let mut event = story.event(Kind::ToolCall, server, tool, texts);
            event.assets = assets(&event);
            found = story.tell(event);
        } else if let Some(result) = entry.pointer("/message/result") {
            let tool = open.remove(&id).unwrap_or_default();
            let mut texts = Vec::new();
            strings("/result", result, Role::Content, &mut texts);
            let event = story.event(Kind::ToolResult, server, &tool, texts);
            found = story.tell(event);
        }
        if !found.is_empty() {
            all.push(format!("{at}: {}", line(&found)));
        }
    }
    all.join("; ")
}

fn string<'v>(value: &'v Value, at: &str) -> &'v str {
    value
        .pointer(at)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn strings(pointer: &str, value: &Value, role: Role, texts: &mut Vec<Text>) {
    match value {
        Value::String(value) => texts.push(text(pointer, role, value)),
        Value::Number(number) if number.to_string().len() > 4 => {
            texts.push(text(pointer, role, &number.to_string()));
        }
        Value::Array(values) => {
            for (at, value) in values.iter().enumerate() {
                strings(&format!("{pointer}/{at}"), value, role.clone(), texts);
            }
        }
        Value::Object(members) => {
            for (key, value) in members {
                if role == Role::Argument {
                    texts.push(text(&format!("{pointer}/{key}"), Role::Key, key));
                }
                strings(&format!("{pointer}/{key}"), value, role.clone(), texts);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn definition(pointer: &str, tool: &Value, texts: &mut Vec<Text>) {
    let Value::Object(members) = tool else { return };
    for (key, value) in members {
        let at = format!("{pointer}/{key}");
        match (key.as_str(), value) {
            ("description" | "title", Value::String(value)) => {
                texts.push(text(&at, Role::Description, value));
            }
            ("properties", Value::Object(properties)) => {
                for (name, value) in properties {
                    texts.push(text(&format!("{at}/{name}"), Role::Key, name));
                    definition(&format!("{at}/{name}"), value, texts);
                }
            }
            (_, Value::Object(_)) => definition(&at, value, texts),
            _ => {}
        }
    }
}

fn assets(event: &Event) -> Vec<Asset> {
    let ends = |char: char| char.is_whitespace() || "\"'=@,;|&()<>`".contains(char);
    let arguments = event
        .texts
        .iter()
        .filter(|text| text.role == Role::Argument);
    let words = arguments.flat_map(|text| text.original.split(ends));
    let is_path = |word: &&str| {
        !word.contains("://") && (word.contains('/') || (word.starts_with('.') && word.len() > 2))
    };
    words
        .filter(is_path)
        .map(|word| {
            let value = match word.split_once('/') {
                Some(("~" | "$HOME", rest)) => format!("/home/u/{rest}"),
                Some(("", _)) => word.to_owned(),
                _ => format!("/p/{}", word.trim_start_matches("./")),
            };
            let marks = ["/.ssh/", "/.aws/", "/.env", ".pem", "/.netrc", "/.gnupg"];
            let credential =
                marks.iter().any(|mark| value.contains(mark)) && !value.contains(".env.example");
            let class = ("class".to_owned(), "credential".to_owned());
            Asset {
                kind: AssetKind::Path,
                text: None,
                value,
                attrs: Some(class).into_iter().filter(|_| credential).collect(),
            }
        })
        .collect()
}
