//! Updates of the official feed: taken when every byte is signed, refused otherwise, and what was
//! live stays live.

mod doors;
mod held;
mod keys;
mod kills;
mod threats;

use crate::kit::{Daemon, Feed, Home, Publisher};
use clawdefender_trust::Kind;
use serde_json::{Value, json};
use std::path::Path;

fn update(home: &Home, from: &str) -> crate::kit::Cli {
    home.cli(&["feed", "update", from, "--json"])
}

/// The official feed as it is live.
fn live(home: &Home) -> Value {
    let status = home.cli(&["feed", "status", "--json"]).done().json();
    let feeds = status["feeds"].as_array().unwrap();
    feeds
        .iter()
        .find(|feed| feed["official"] == true)
        .unwrap()
        .clone()
}

/// The official feed with one more entry in its blocklist.
fn newer() -> Feed {
    Feed::official().edit(Kind::Blocklist, |body| {
        body["entries"].as_array_mut().unwrap().push(json!({
            "id": "CD-TEST-1", "ecosystem": "npm", "name": "clawdefender-e2e-nothing", "kind": "malicious",
            "severity": "critical", "summary": "Made up by a test.", "source": "https://test.example",
            "versions": ["1.0.0"],
        }));
    })
}

#[track_caller]
fn refused(home: &Home, from: &str, why: &str) {
    let before = live(home);
    let ended = update(home, from);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert_eq!(live(home), before, "what was live stays");
    let record = home
        .records("type:feed verdict:deny")
        .pop()
        .expect("the refusal is recorded");
    assert!(record["note"].as_str().unwrap().contains(why), "{record:#}");
}

#[test]
fn a_signed_update_goes_live_from_a_folder_and_survives_a_restart() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    assert_eq!(live(&home)["origin"], "seed");
    let folder = newer().publish(&home.file("feed"));
    let changed = update(&home, folder.to_str().unwrap()).done().json();
    assert_eq!(changed["changed"], true, "{changed:#}");
    let now = live(&home);
    assert_eq!(now["origin"], "stored");
    assert_eq!(home.record("kind:feed-activated")["type"], "feed");
    assert_eq!(
        update(&home, folder.to_str().unwrap()).done().json()["changed"],
        false,
        "nothing newer"
    );

    daemon.kill();
    let _daemon = Daemon::start(&home);
    assert_eq!(live(&home), now);
}

#[test]
fn a_signed_update_goes_live_from_a_loopback_url() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    let folder = newer().publish(&home.file("feed"));
    let publisher = Publisher::of(&folder);
    let changed = update(&home, &publisher.url()).done().json();
    assert_eq!(changed["changed"], true, "{changed:#}");
    // Plain http is for trying things out on one machine.
    assert_ne!(update(&home, "http://192.0.2.1/feed").code, 0);
}

#[test]
fn one_changed_byte_refuses_the_whole_update() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    let feed = newer();
    let flip = |path: &Path, at: usize| {
        let mut bytes = std::fs::read(path).unwrap();
        bytes[at] ^= 1;
        std::fs::write(path, bytes).unwrap();
    };
    // A detector that is live already is not fetched again, so the new data is what can be wrong.
    let folder = feed.publish(&home.file("changed"));
    let artifact = feed.artifact(&folder, Kind::Blocklist);
    let length = usize::try_from(std::fs::metadata(&artifact).unwrap().len()).unwrap();
    for at in [0, length / 2, length - 1] {
        flip(&artifact, at);
        refused(&home, folder.to_str().unwrap(), "digest");
        flip(&artifact, at);
    }

    let folder = feed.publish(&home.file("signed"));
    let manifest = folder.join("manifest.dsse.json");
    let whole = std::fs::read_to_string(&manifest).unwrap();
    let payload = whole.find("payload\"").unwrap() + 40;
    let signature = whole.rfind("\"sig\"").unwrap() + 20;
    for at in [payload, signature] {
        std::fs::write(&manifest, &whole).unwrap();
        let mut bytes = whole.clone().into_bytes();
        // Still base64, so that it is the signature that fails and not the spelling.
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        std::fs::write(&manifest, bytes).unwrap();
        refused(&home, folder.to_str().unwrap(), "refused at verification");
    }
    std::fs::write(&manifest, &whole).unwrap();
    update(&home, folder.to_str().unwrap()).done();
}

#[test]
fn an_older_version_is_a_rollback_and_refused_even_after_a_restart() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let older = newer().publish(&home.file("older"));
    let mut feed = newer();
    feed.manifest.version += 1;
    let newest = feed.publish(&home.file("newest"));
    update(&home, newest.to_str().unwrap()).done();
    refused(&home, older.to_str().unwrap(), "version");
    daemon.kill();
    let _daemon = Daemon::start(&home);
    refused(&home, older.to_str().unwrap(), "version");
}

#[test]
fn a_pack_changed_on_the_disk_is_refused_at_the_next_start() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    update(&home, newer().publish(&home.file("feed")).to_str().unwrap()).done();
    daemon.kill();
    let kept = home.root().join("feeds/official/current.feedpack");
    let mut bytes = std::fs::read(&kept).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&kept, bytes).unwrap();
    let _daemon = Daemon::start(&home);
    assert_eq!(live(&home)["origin"], "seed", "the embedded one stands in");
    assert_eq!(home.record("type:feed kind:stored-refused")["type"], "feed");
}
