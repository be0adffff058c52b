//! The published data: every entry can match, says where it comes from, and is found.
#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::collections::BTreeSet;

mod shipped;

use supply_chain::advisory::Entry;
use supply_chain::blocklist::Blocklist;
use supply_chain::package::{Ecosystem, Spec};
use supply_chain::version::Answer;

fn entry(json: &str) -> Entry {
    let base = r#""id":"CVE-1","ecosystem":"npm","name":"p","kind":"malicious","severity":"high""#;
    serde_json::from_str(&format!("{{{base},{json}}}")).unwrap()
}

#[test]
fn every_entry_can_match_and_names_its_source() {
    let artifact = shipped::read(shipped::PACKAGES);
    assert!(artifact.entries.len() >= 40);
    let mut seen = BTreeSet::new();
    for entry in &artifact.entries {
        assert_eq!(entry.defect(), None, "{} {}", entry.id, entry.name);
        assert!(entry.source.starts_with("https://"), "{}", entry.id);
        assert!(
            seen.insert((entry.id.clone(), entry.name.clone())),
            "{} twice",
            entry.id
        );
    }
}

#[test]
fn every_entry_is_found_at_its_own_edges() {
    let artifact = shipped::read(shipped::PACKAGES);
    let list = Blocklist::load(shipped::blobs()).unwrap();
    for entry in &artifact.entries {
        let ecosystem = Ecosystem::parse(&entry.ecosystem).unwrap();
        let hit = |version: &str| {
            list.look_up(ecosystem, &entry.name, &Spec::Exact(version.to_owned()))
                .iter()
                .any(|(known, answer)| known.ids.contains(&entry.id) && *answer == Answer::Affected)
        };
        for version in &entry.versions {
            assert!(hit(version), "{} {version}", entry.id);
        }
        for range in &entry.ranges {
            let first = if range.introduced == "0" {
                "0.0.0"
            } else {
                &range.introduced
            };
            assert!(hit(first), "{} {first}", entry.id);
            if let Some(fixed) = &range.fixed {
                assert!(!hit(fixed), "{} {fixed}", entry.id);
            }
            if let Some(last) = &range.last_affected {
                assert!(hit(last), "{} {last}", entry.id);
            }
        }
    }
}

#[test]
fn an_entry_that_can_never_match_is_a_defect() {
    for json in [
        r#""summary":"s","source":"https://x""#,
        r#""summary":"s","source":"https://x","versions":["banana"]"#,
        r#""summary":"s","source":"https://x","ranges":[{"introduced":"0","fixed":"1.x"}]"#,
        r#""summary":"s","source":" ","versions":["1.0.0"]"#,
        r#""summary":"","source":"https://x","versions":["1.0.0"]"#,
    ] {
        assert!(entry(json).defect().is_some(), "{json}");
    }
    assert_eq!(
        entry(r#""summary":"s","source":"https://x","versions":["1.0.0"]"#).defect(),
        None
    );
}
