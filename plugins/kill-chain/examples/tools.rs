//! How much of what names of tools say their definitions say, too: run with files of JSON lines of
//! kind `tool-description`. Each definition is read once under its own name and once under one
//! that says nothing.

#[path = "../tests/story/mod.rs"]
mod story;

use std::collections::BTreeMap;

use clawdefender_sdk::{Event, Kind, Role, Text};
use serde_json::Value;
use story::{Story, text};

fn main() {
    let detector = story::detector();
    let mut story = Story::begin();
    let (mut tools, mut adding) = (0, 0);
    // Per action: by both, by the name alone, by the definition alone.
    let mut counts: BTreeMap<String, (u32, u32, u32)> = BTreeMap::new();
    for file in std::env::args().skip(1) {
        let lines = std::fs::read_to_string(&file).unwrap_or_default();
        let rows = lines
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        for row in rows.filter(is_tool) {
            let Some(mut event) = event(&row, &mut story) else {
                continue;
            };
            let (named, adds) = detector.tool(&event);
            event.name = "t1".to_owned();
            let (_, alone) = detector.tool(&event);
            tools += 1;
            adding += u32::from(adds.0 != 0);
            let (by_name, by_text) = (named.words(), alone.words());
            let has = |words: &str, word: &str| words.split('+').any(|own| own == word);
            let both = format!("{by_name}+{by_text}");
            let mut all: Vec<&str> = both.split('+').filter(|word| !word.is_empty()).collect();
            all.sort_unstable();
            all.dedup();
            for word in all {
                let count = counts.entry(word.to_owned()).or_default();
                match (has(&by_name, word), has(&by_text, word)) {
                    (true, true) => count.0 += 1,
                    (true, false) => count.1 += 1,
                    _ => count.2 += 1,
                }
            }
        }
    }
    println!("{tools} tools, {adding} whose definition adds to the name");
    for (word, (both, name, definition)) in counts {
        println!("{word}: both {both}, name alone {name}, definition alone {definition}");
    }
}

fn is_tool(row: &Value) -> bool {
    row.get("kind").and_then(Value::as_str) == Some("tool-description")
}

fn event(row: &Value, story: &mut Story) -> Option<Event> {
    let body = row.get("body")?;
    let name = body.get("name")?.as_str()?;
    let description = body.get("description").and_then(Value::as_str);
    let at = "/result/tools/0";
    let mut texts = vec![text(&format!("{at}/name"), Role::Name, name)];
    texts.push(text(
        &format!("{at}/description"),
        Role::Description,
        description.unwrap_or_default(),
    ));
    if let Some(schema) = body.get("inputSchema").or(body.get("parameters")) {
        parameters(schema, &format!("{at}/inputSchema"), &mut texts);
    }
    Some(story.event(Kind::ToolDefinition, "s", name, texts))
}

fn parameters(schema: &Value, at: &str, texts: &mut Vec<Text>) {
    let members = schema.get("properties").and_then(Value::as_object);
    for (name, inner) in members.into_iter().flatten() {
        let at = format!("{at}/properties/{name}");
        texts.push(text(&at, Role::Key, name));
        parameters(inner, &at, texts);
    }
}
