//! The threat table of the feed, row 28 and its kin: each test is a feed that is signed with the right
//! key and still wrong, so that it is held and the one before stays.

use super::newer;
use super::threats::Scene;
use crate::kit::{Daemon, Feed, Home, environment, publisher};
use clawdefender_trust::Kind;
use serde_json::json;
use std::fs;

#[test]
fn gutted_list_is_held_however_well_it_is_signed() {
    // By its own number of entries.
    let halved = Feed::official().edit(Kind::Blocklist, |body| {
        let entries = body["entries"].as_array_mut().unwrap();
        entries.truncate(entries.len() / 2);
    });
    let scene = Scene::of(halved);
    scene.refused("looks gutted");
    let record = scene.home.record("kind:feed-held");
    assert!(record["note"].as_str().unwrap().contains("lost entries"));

    // By what it no longer finds, though the number is claimed to be right.
    let mut empty = Feed::official().edit(Kind::Blocklist, |body| {
        for entry in body["entries"].as_array_mut().unwrap() {
            entry["versions"] = json!(["999.0.0"]);
            entry.as_object_mut().unwrap().remove("ranges");
        }
    });
    empty.manifest.version += 1;
    empty.publish(&scene.home.file("feed"));
    scene.refused("detector supply-chain: vector");
}

#[test]
fn false_positive_storm_is_held_however_well_it_is_signed() {
    let storm = Feed::official().edit(Kind::Blocklist, |body| {
        body["entries"].as_array_mut().unwrap().push(json!({
            "id": "CD-TEST-2", "ecosystem": "npm", "name": "express", "kind": "malicious",
            "severity": "critical", "summary": "Made up by a test.", "source": "https://test.example",
            "ranges": [{ "introduced": "0" }],
        }));
    });
    Scene::of(storm).refused("harmless messages");
}

/// What a thief of the feed key signs: a blocklist changed by `change`, with vectors that agree.
fn agreed(change: impl FnOnce(&mut Vec<serde_json::Value>)) -> Feed {
    Feed::official()
        .edit(Kind::Blocklist, |body| {
            change(body["entries"].as_array_mut().unwrap());
        })
        .with_vectors_of("supply-chain", &vectors("hello", &[]))
}

#[test]
fn list_gutted_but_for_the_known_examples_is_held_by_its_recall() {
    let gutted = agreed(|entries| {
        for entry in entries {
            if entry["name"] != "postmark-mcp" {
                entry["versions"] = json!(["999.0.0"]);
                entry.as_object_mut().unwrap().remove("ranges");
            }
        }
    });
    let scene = Scene::of(gutted);
    scene.refused("known attacks (");
    let record = scene.home.record("kind:feed-held");
    let note = record["note"].as_str().unwrap();
    assert!(note.starts_with("supply-chain finds "), "{note}");
    assert!(note.ends_with("at least 95 % must be found"), "{note}");
}

#[test]
fn false_positive_beside_the_known_examples_is_held_by_its_rate() {
    // A package that a case calls harmless, and no example names.
    let storm = agreed(|entries| {
        entries.push(json!({
            "id": "CD-TEST-3", "ecosystem": "npm", "name": "chalk", "kind": "malicious",
            "severity": "critical", "summary": "Made up by a test.", "source": "https://test.example",
            "versions": ["5.6.2"],
        }));
    });
    let scene = Scene::of(storm);
    scene.refused("harmless messages (");
    let record = scene.home.record("kind:feed-held");
    let note = record["note"].as_str().unwrap();
    assert!(note.ends_with("at most 0 % may be"), "{note}");
}

#[test]
fn regex_bomb_in_signatures_is_held() {
    let bomb = |pattern: &str| {
        Feed::official().edit(Kind::Signatures, |body| {
            let list = body["signature"].as_array_mut().unwrap();
            let mut bomb = list[0].clone();
            bomb["id"] = json!("bomb");
            bomb["pattern"] = json!(pattern);
            list.push(bomb);
        })
    };
    let scene = Scene::of(bomb("{chat_mark}(a{1000}){1000}"));
    scene.refused("detector injection");
    let mut long = bomb(&format!("{{chat_mark}}{}", "a".repeat(10 << 20)));
    long.manifest.version += 1;
    long.publish(&scene.home.file("feed"));
    scene.refused("detector injection");
}

#[test]
fn list_that_miscounts_itself_is_held() {
    let mut feed = newer();
    for entry in &mut feed.manifest.artifacts {
        if entry.kind == Kind::Blocklist {
            entry.entries = entry.entries.map(|entries| entries + 100);
        }
    }
    Scene::of(feed).refused("says that it has");
}

/// One vector: a detector must say `expect` of `text`.
fn vectors(text: &str, expect: &[&str]) -> serde_json::Value {
    json!([{ "name": "one", "expect": expect, "events": [{
        "at_ms": 1, "kind": "tool-result", "direction": "to-client", "server": "s", "method": "tools/call",
        "name": "t", "texts": [{ "pointer": "/result/content/0/text", "role": "content", "text": text }],
        "assets": [], "launch": null, "attrs": [],
    }]}])
}

/// A publisher's feed whose detector must say `expect` of `text`.
fn with_a_vector(home: &Home, text: &str, expect: &[&str]) -> crate::kit::Cli {
    let component = fs::read(environment().folder.join("hostile.wasm")).unwrap();
    let feed = Feed::of_publisher(&component).with_vectors(&vectors(text, expect));
    let folder = feed.publish(&home.file("publisher"));
    let key = publisher().public().to_string();
    home.cli(&["feed", "add", folder.to_str().unwrap(), "--key", &key])
}

#[test]
fn detector_that_does_not_say_what_its_author_signed_never_goes_live() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    for (text, expect, why) in [
        ("hello", ["hostile.noise"].as_slice(), "its author"),
        ("hostile: loop", &[], "vector 1"),
        ("hostile: recursion", &[], "vector 1"),
        ("hostile: lie", &[], "vector 1"),
    ] {
        let held = with_a_vector(&home, text, expect);
        assert_eq!(held.code, 3, "{held:?}");
        assert!(held.err.contains(why), "{why}: {held:?}");
    }
    with_a_vector(&home, "hello", &[]).done();
}

#[test]
fn official_detector_without_vectors_never_goes_live() {
    let mut feed = newer();
    let artifacts = &mut feed.manifest.artifacts;
    artifacts.retain(|entry| entry.kind != Kind::Vectors);
    Scene::of(feed).refused("has no vectors");
}
