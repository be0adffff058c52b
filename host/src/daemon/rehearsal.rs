//! What a new generation would say of the recent past.
//!
//! The log keeps excerpts and the things that an event touched, not whole messages; so this is a
//! sample, and says so.

use super::start::{self, Parts};
use crate::audit::{Query, search};
use crate::judge::inspect::Inspector;
use crate::judge::now_ms;
use crate::plugin::Set;
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// Records that are looked at, newest first. Chosen: a day of busy work, in well under a second.
const MOST: usize = 1_000;
/// Longest that it may take. Chosen: a person waits for it.
const LONGEST: Duration = Duration::from_secs(20);
/// Differences that are shown one by one.
const SHOWN: usize = 50;

/// Both generations' decisions about what the last records keep, under the policy in force.
pub(super) fn replay(parts: &Parts, new: &Set) -> Value {
    let policy = parts.judge.policy();
    let places = start::places(&parts.home);
    let old = parts.judge.detectors();
    let inspector = |set| Inspector {
        set,
        policy: &policy,
        places: &places,
        max_frame_bytes: parts.config.max_frame_bytes,
    };
    let (mut records, mut samples, mut changes) = (0_usize, 0_usize, Vec::new());
    let found = Query::parse("", now_ms())
        .ok()
        .and_then(|query| search(&parts.home.audit_dir(), &query).ok());
    let until = Instant::now() + LONGEST;
    for found in found.into_iter().flatten().flatten().take(MOST) {
        if Instant::now() > until {
            break;
        }
        let record = found.record;
        let inputs = inputs(&record.kind, &record.name, &record.subject);
        records += usize::from(!inputs.is_empty());
        for mut input in inputs {
            samples += 1;
            // Policy may speak of it.
            if let Some(object) = input.as_object_mut().filter(|own| own.contains_key("kind")) {
                object.insert("server".to_owned(), json!(record.server));
            }
            let line = input.to_string();
            let before = inspector(&old).answer(&line).json;
            let after = inspector(new).answer(&line).json;
            let word = |answer: &Value| answer.get("decision").cloned().unwrap_or_default();
            if word(&before) != word(&after) {
                changes.push(json!({
                    "call": record.id, "server": record.server, "kind": record.kind, "name": record.name,
                    "before": word(&before), "after": word(&after),
                    "rule": after.get("rule"),
                }));
            }
        }
    }
    let changed = changes.len();
    changes.truncate(SHOWN);
    json!({ "records": records, "samples": samples, "changed": changed, "changes": changes })
}

/// What can be asked again of a record's summary.
fn inputs(kind: &str, name: &str, subject: &Value) -> Vec<Value> {
    let list = |key: &str| subject.get(key).and_then(Value::as_array).cloned();
    let mut inputs = Vec::new();
    let excerpts: Vec<(String, String)> = list("excerpts")
        .unwrap_or_default()
        .iter()
        .filter_map(|entry| {
            let text = |key: &str| Some(entry.get(key)?.as_str()?.to_owned());
            Some((text("pointer")?, text("excerpt")?))
        })
        .collect();
    let joined = || {
        let texts: Vec<&str> = excerpts.iter().map(|(_, text)| text.as_str()).collect();
        texts.join("\n")
    };
    let kind = match kind {
        "tool-call" | "tool-result" | "tool-definition" => Some(kind),
        "prompt-content" => Some("prompt"),
        "resource-content" => Some("resource"),
        "notice" => Some("message"),
        _ => None,
    };
    match kind.filter(|_| !excerpts.is_empty()) {
        // What an argument is called says what is done with it.
        Some("tool-call") => {
            let arguments: Map<String, Value> = excerpts
                .iter()
                .map(|(pointer, text)| {
                    let name = pointer.rsplit('/').next().unwrap_or_default();
                    (name.to_owned(), json!(text))
                })
                .collect();
            inputs.push(json!({ "kind": "tool-call", "tool": name, "body": arguments }));
        }
        Some(kind) => inputs.push(json!({ "kind": kind, "tool": name, "text": joined() })),
        None => {}
    }
    for asset in list("assets").unwrap_or_default() {
        let is_package = asset.get("kind").and_then(Value::as_str) == Some("package");
        let value = asset.get("value").and_then(Value::as_str);
        if let Some((ecosystem, rest)) = value
            .filter(|_| is_package)
            .and_then(|value| value.split_once(':'))
        {
            // A scope begins with `@`, a version follows one.
            let at = rest.rfind('@').filter(|at| *at > 0);
            let (name, version) = at.map_or((rest, None), |at| {
                (rest.get(..at).unwrap_or(rest), rest.get(at + 1..))
            });
            inputs.push(json!({
                "package": { "ecosystem": ecosystem, "name": name, "version": version },
            }));
        }
    }
    inputs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_and_packages_can_be_asked_again() {
        let subject = json!({
            "excerpts": [{ "pointer": "/a", "excerpt": "one" }, { "pointer": "/b", "excerpt": "two" }],
            "assets": [
                { "kind": "package", "value": "npm:@scope/name@1.0.0" },
                { "kind": "package", "value": "pypi:name" },
                { "kind": "path", "value": "/p" },
            ],
        });
        assert_eq!(
            inputs("tool-call", "run", &subject),
            [
                json!({ "kind": "tool-call", "tool": "run", "body": { "a": "one", "b": "two" } }),
                json!({ "package": { "ecosystem": "npm", "name": "@scope/name", "version": "1.0.0" } }),
                json!({ "package": { "ecosystem": "pypi", "name": "name", "version": null } }),
            ]
        );
        assert!(inputs("start", "", &Value::Null).is_empty());
    }
}
