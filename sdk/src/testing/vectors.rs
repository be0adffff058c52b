//! Cases as vectors: what a host can show a detector before it trusts it with messages.

use std::path::Path;

use serde_json::{Value, json};

use super::case::{Case, files, read};
use super::run::event;
use crate::{AssetKind, Direction, Event, Role};

/// Every case of every `*.toml` in `dir` as one JSON document: a list of
/// `{"name", "events": [event …], "expect": [rule …]}`, the last event being the one that is asked
/// about. The events are complete, so that every host makes the same ones.
///
/// # Panics
/// When a file can't be read or is no case file.
#[track_caller]
pub fn vectors(dir: &Path) -> Vec<u8> {
    let cases: Vec<Value> = files(dir)
        .iter()
        .flat_map(|file| read(file))
        .map(|case| vector(&case))
        .collect();
    serde_json::to_vec(&cases).expect("a JSON value serialises")
}

fn vector(case: &Case) -> Value {
    let mut at_ms = 0;
    let events: Vec<Value> = case
        .history
        .iter()
        .chain([case])
        .enumerate()
        .map(|(index, case)| {
            at_ms += case.after_s.unwrap_or(1) * 1_000;
            shown(&event(case, index, at_ms).0)
        })
        .collect();
    json!({ "name": case.name, "events": events, "expect": case.expect })
}

fn shown(event: &Event) -> Value {
    let texts: Vec<Value> = event
        .texts
        .iter()
        .map(|text| json!({ "pointer": text.pointer, "role": role(&text.role), "text": text.original }))
        .collect();
    let assets: Vec<Value> = event
        .assets
        .iter()
        .map(|asset| {
            let credential = asset.attrs.iter().any(|(name, value)| name == "class" && value == "credential");
            json!({ "kind": asset_kind(&asset.kind), "value": asset.value, "text": asset.text, "credential": credential })
        })
        .collect();
    let launch = event
        .launch
        .as_ref()
        .map(|launch| json!({ "argv": launch.argv, "env": launch.env, "cwd": launch.cwd }));
    json!({
        "at_ms": event.at_ms,
        "kind": event.kind.word(),
        "direction": direction(&event.direction),
        "server": event.server.name,
        "method": event.method,
        "name": event.name,
        "texts": texts,
        "assets": assets,
        "launch": launch,
        "attrs": event.attrs,
    })
}

fn direction(direction: &Direction) -> &str {
    match direction {
        Direction::ToServer => "to-server",
        Direction::ToClient => "to-client",
        Direction::Local => "local",
        Direction::Other(word) => word,
    }
}

fn role(role: &Role) -> &str {
    match role {
        Role::Content => "content",
        Role::Argument => "argument",
        Role::Name => "name",
        Role::Description => "description",
        Role::Schema => "schema",
        Role::Key => "key",
        Role::Uri => "uri",
        Role::Error => "error",
        Role::Token => "token",
        Role::Other(word) => word,
    }
}

fn asset_kind(kind: &AssetKind) -> &str {
    match kind {
        AssetKind::Path => "path",
        AssetKind::Host => "host",
        AssetKind::Url => "url",
        AssetKind::Command => "command",
        AssetKind::Package => "package",
        AssetKind::Account => "account",
        AssetKind::Other(word) => word,
    }
}
