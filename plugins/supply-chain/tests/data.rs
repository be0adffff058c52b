//! The published data: every entry can match, says where it comes from, and is found.
#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::collections::BTreeSet;

use clawdefender_sdk::testing::data_blob;
use supply_chain::blocklist::{Artifact, Blocklist, Entry, defect};
use supply_chain::package::{Ecosystem, Spec};
use supply_chain::version::Answer;

const DATA: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../feeds/data/packages.toml"
);

fn artifact() -> Artifact {
    serde_json::from_slice(&data_blob(DATA).bytes).unwrap()
}

fn entry(json: &str) -> Entry {
    let base = r#""id":"CVE-1","ecosystem":"npm","name":"p","kind":"malicious","severity":"high""#;
    serde_json::from_str(&format!("{{{base},{json}}}")).unwrap()
}

#[test]
fn every_entry_can_match_and_names_its_source() {
    let artifact = artifact();
    assert!(artifact.entries.len() >= 40);
    let mut seen = BTreeSet::new();
    for entry in &artifact.entries {
        assert_eq!(defect(entry), None, "{} {}", entry.id, entry.name);
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
    let artifact = artifact();
    let list = Blocklist::load(&[data_blob(DATA)]).unwrap();
    for entry in &artifact.entries {
        let ecosystem = Ecosystem::parse(&entry.ecosystem).unwrap();
        let hit = |version: &str| {
            list.look_up(ecosystem, &entry.name, &Spec::Exact(version.to_owned()))
                .any(|(known, answer)| known.ids.contains(&entry.id) && answer == Answer::Affected)
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
        r#""summary":"s","source":"x""#,
        r#""summary":"s","source":"x","versions":["banana"]"#,
        r#""summary":"s","source":"x","ranges":[{"introduced":"0","fixed":"1.x"}]"#,
        r#""summary":"s","source":" ","versions":["1.0.0"]"#,
        r#""summary":"","source":"x","versions":["1.0.0"]"#,
    ] {
        assert!(defect(&entry(json)).is_some(), "{json}");
    }
    assert_eq!(
        defect(&entry(r#""summary":"s","source":"x","versions":["1.0.0"]"#)),
        None
    );
}
