//! What `feed update --dry-run` shows.

use super::super::escape::excerpt;
use serde::Deserialize;
use serde_json::Value;
use std::fmt::Write as _;

#[derive(Deserialize)]
struct Plan {
    feed: String,
    #[serde(default)]
    artifacts: Vec<Change>,
    replay: Replay,
}

#[derive(Deserialize)]
struct Change {
    kind: String,
    name: String,
    before: Option<Side>,
    after: Option<Side>,
}

#[derive(Deserialize)]
struct Side {
    version: String,
    entries: Option<u64>,
}

#[derive(Deserialize)]
struct Replay {
    records: u64,
    samples: u64,
    changed: u64,
    changes: Vec<Other>,
}

#[derive(Deserialize)]
struct Other {
    call: String,
    server: String,
    kind: String,
    name: String,
    before: Value,
    after: Value,
}

pub(super) fn render(plans: &Value) -> serde_json::Result<String> {
    let plans: Vec<Plan> = Vec::deserialize(plans)?;
    let mut screen = String::new();
    for plan in &plans {
        let _ = writeln!(
            screen,
            "feed {}: nothing was changed; this would be:",
            excerpt(&plan.feed, 64)
        );
        for change in &plan.artifacts {
            let _ = writeln!(
                screen,
                "    {:<10} {}  {} -> {}",
                excerpt(&change.kind, 20),
                excerpt(&change.name, 60),
                side(change.before.as_ref()),
                side(change.after.as_ref()),
            );
        }
        let replay = &plan.replay;
        let _ = writeln!(
            screen,
            "    {} of {} samples from the last {} records would be decided otherwise (the log keeps excerpts, not whole messages)",
            replay.changed, replay.samples, replay.records
        );
        for other in &replay.changes {
            let _ = writeln!(
                screen,
                "    {}  {} {} {}: {} -> {}",
                excerpt(&other.call, 16),
                excerpt(&other.server, 40),
                excerpt(&other.kind, 24),
                excerpt(&other.name, 60),
                word(&other.before),
                word(&other.after),
            );
        }
    }
    if plans.is_empty() {
        screen.push_str("nothing newer: what is live stays\n");
    }
    Ok(screen)
}

fn side(side: Option<&Side>) -> String {
    match side {
        None => "none".to_owned(),
        Some(Side { version, entries }) => {
            let entries = entries.map(|entries| format!(" ({entries} entries)"));
            format!("{}{}", excerpt(version, 40), entries.unwrap_or_default())
        }
    }
}

fn word(decision: &Value) -> String {
    excerpt(decision.as_str().unwrap_or("error"), 16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use serde_json::json;

    #[test]
    fn a_plan_names_what_changes_and_what_would_be_decided_otherwise() {
        let plans = json!([{
            "feed": "official",
            "artifacts": [
                { "kind": "blocklist", "name": "packages", "before": { "version": "7", "entries": 40 }, "after": { "version": "8", "entries": 41 } },
                { "kind": "signatures", "name": "new", "before": null, "after": { "version": "1", "entries": null } },
            ],
            "replay": { "records": 12, "samples": 14, "changed": 1, "changes": [
                { "call": "ab12", "server": "files", "kind": "tool-call", "name": "run", "before": "allow", "after": "deny" },
            ]},
        }]);
        expect![[r#"
            feed official: nothing was changed; this would be:
                blocklist  packages  7 (40 entries) -> 8 (41 entries)
                signatures new  none -> 1
                1 of 14 samples from the last 12 records would be decided otherwise (the log keeps excerpts, not whole messages)
                ab12  files tool-call run: allow -> deny
        "#]]
        .assert_eq(&render(&plans).unwrap());
        assert!(render(&json!([])).unwrap().contains("nothing newer"));
    }
}
