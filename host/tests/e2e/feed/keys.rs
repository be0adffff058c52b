//! Keys that rotate without breaking an installation, and thieves who hold one of them.

use super::{live, newer, refused, update};
use crate::kit::{Daemon, Feed, Home};
use clawdefender_trust::{Pack, SecretKey, write_pack};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

fn key(number: u8) -> SecretKey {
    SecretKey::from_bytes(&[number; 32])
}

fn next() -> SecretKey {
    Feed::development_key("next")
}

/// Rotations 2 to `last`, as their first manifests; the last one is what is published.
fn rotated(last: u8, folder: &Path) -> Feed {
    let mut feed = newer().rotated(next(), &key(102));
    feed.keep_rotation(folder);
    for epoch in 3..=last {
        feed = feed.rotated(key(99 + epoch), &key(100 + epoch));
        feed.keep_rotation(folder);
    }
    feed.publish(folder);
    feed
}

#[test]
fn a_machine_that_slept_through_rotations_catches_up_and_remembers() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let folder = home.file("feed");
    rotated(5, &folder);
    let changed = update(&home, folder.to_str().unwrap()).done().json();
    assert_eq!(changed["changed"], true, "{changed:#}");
    let now = live(&home);
    assert_eq!(now["key_epoch"], 5);
    let record = home.record("kind:feed-activated");
    assert!(
        record["note"].as_str().unwrap().contains("epoch 5"),
        "{record:#}"
    );

    daemon.kill();
    let _daemon = Daemon::start(&home);
    assert_eq!(live(&home), now, "the new keys are kept");
    // The first key is dead.
    let mut old = newer();
    old.manifest.version += 100;
    let folder = old.publish(&home.file("old"));
    refused(&home, folder.to_str().unwrap(), "trusted keys");
}

#[test]
fn a_machine_without_network_that_missed_two_rotations_follows_them_in_the_file() {
    let online = Home::new();
    let _daemon = Daemon::start(&online);
    let folder = online.file("feed");
    rotated(3, &folder);
    update(&online, folder.to_str().unwrap()).done();
    let now = live(&online);
    let file = online.file("official.feedpack");
    online
        .cli(&["feed", "export", file.to_str().unwrap()])
        .done();

    let offline = Home::new();
    let _offline = Daemon::start(&offline);
    assert_eq!(live(&offline)["key_epoch"], 1);
    // The file without the links, as it was before, and with another's in their place.
    let whole = std::fs::read(&file).unwrap();
    let pack = Pack::parse(&whole).unwrap();
    assert_eq!(pack.rotations().len(), 2);
    let thief = offline.file("thief");
    newer().rotated(key(7), &key(8)).keep_rotation(&thief);
    let forged = std::fs::read(thief.join("rotations/2.dsse.json")).unwrap();
    for (name, links) in [
        ("none", BTreeMap::new()),
        ("one", BTreeMap::from([(3, pack.rotations()[1].1.to_vec())])),
        (
            "forged",
            BTreeMap::from([(2, forged), (3, pack.rotations()[1].1.to_vec())]),
        ),
    ] {
        let blobs = pack.blobs().map(|(_, bytes)| bytes);
        let other = offline.file(name);
        std::fs::write(&other, write_pack(pack.envelope(), &links, blobs)).unwrap();
        refused(&offline, other.to_str().unwrap(), "refused at verification");
    }
    offline
        .cli(&["feed", "import", file.to_str().unwrap()])
        .done();
    assert_eq!(live(&offline), now);

    // What was followed is handed on.
    let again = offline.file("again.feedpack");
    offline
        .cli(&["feed", "export", again.to_str().unwrap()])
        .done();
    assert_eq!(std::fs::read(again).unwrap(), whole);
}

#[test]
fn a_missing_or_forged_link_ends_the_update() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    let folder = home.file("feed");
    rotated(4, &folder);
    let link = folder.join("rotations/3.dsse.json");
    let whole = std::fs::read(&link).unwrap();
    std::fs::remove_file(&link).unwrap();
    refused(&home, folder.to_str().unwrap(), "refused at verification");
    // Another's rotation in its place.
    newer()
        .rotated(key(7), &key(8))
        .keep_rotation(&home.file("thief"));
    std::fs::copy(home.file("thief").join("rotations/2.dsse.json"), &link).unwrap();
    refused(&home, folder.to_str().unwrap(), "refused at verification");
    std::fs::write(&link, whole).unwrap();
    update(&home, folder.to_str().unwrap()).done();
    assert_eq!(live(&home)["key_epoch"], 4);
}

#[test]
fn a_thief_of_the_feed_key_names_no_successor() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    let mut feed = newer();
    feed.manifest.next_public_key = key(66).public();
    let folder = feed.publish(&home.file("feed"));
    refused(&home, folder.to_str().unwrap(), "pinned next key");
    let alerts = home.status()["alerts"].clone();
    assert_eq!(alerts[0]["code"], "rotation-hijack", "{alerts:#}");
}

#[test]
fn what_a_dead_key_signed_is_not_gone_back_to() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    let first = newer().publish(&home.file("first"));
    update(&home, first.to_str().unwrap()).done();
    let folder = home.file("feed");
    rotated(3, &folder);
    update(&home, folder.to_str().unwrap()).done();
    let now = live(&home);
    let refused = home.cli(&["feed", "rollback"]);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert_eq!(live(&home), now);
}

#[test]
fn a_rotation_is_said_in_the_log() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    let folder = home.file("feed");
    rotated(2, &folder);
    update(&home, folder.to_str().unwrap()).done();
    let note = home.record("kind:feed-activated")["note"].clone();
    let note = note.as_str().unwrap();
    assert!(note.contains("rotated without the old key"), "{note}");
}

/// What the owner does when both feed keys are stolen: a program with new keys.
#[test]
fn keys_that_a_newer_program_brings_end_a_thiefs_chain() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let seed = live(&home);
    let folder = home.file("feed");
    rotated(5, &folder);
    update(&home, folder.to_str().unwrap()).done();
    daemon.kill();

    // As if this had been the thief's chain, far ahead, from the keys that an older program had.
    let file = home.root().join("feeds/official/state.json");
    let mut state: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(state["anchor"], 1);
    for (office, number) in [("current", 66), ("next", 67)] {
        state["root"][office] = json!(key(number).public().to_string());
    }
    let mut own = newer();
    own.manifest.version += 9;
    let own = own.publish(&home.file("own"));

    // Of this very program: then the way there was only lost, and nothing goes back.
    std::fs::remove_dir_all(home.root().join("feeds/official/rotations")).unwrap();
    std::fs::write(&file, state.to_string()).unwrap();
    let daemon = Daemon::start(&home);
    refused(&home, own.to_str().unwrap(), "refused at verification");
    daemon.kill();

    state["anchor"] = json!(0);
    std::fs::write(&file, state.to_string()).unwrap();
    let daemon = Daemon::start(&home);
    assert_eq!(live(&home), seed);
    let said = |home: &Home| home.status()["alerts"].to_string();
    assert!(said(&home).contains("keys-replaced"), "{}", said(&home));
    // Whoever only wrote it so is told on: this program knows how far it was with its own keys.
    assert!(said(&home).contains("state-lost"), "{}", said(&home));
    update(&home, own.to_str().unwrap()).done();
    assert!(!said(&home).contains("keys-replaced"), "{}", said(&home));
    let now = live(&home);
    assert_eq!(now["key_epoch"], 1);
    daemon.kill();
    let _daemon = Daemon::start(&home);
    assert_eq!(live(&home), now);
    home.verify_audit();
}
