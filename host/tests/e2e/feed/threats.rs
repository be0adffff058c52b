//! The threat table of the feed, as far as it takes a network: each test is an attack by whoever
//! answers for the feed's address. The rest of the table is proven in the trust crate's own tests.

use super::{live, newer, refused, update};
use crate::kit::{Daemon, Feed, Home, Publisher};
use clawdefender_trust::Kind;
use serde_json::json;
use std::fs;

struct Scene {
    home: Home,
    publisher: Publisher,
    feed: Feed,
    _daemon: Daemon,
}

impl Scene {
    /// A daemon with the seed, and a good newer feed at a server.
    fn new() -> Self {
        Self::of(newer())
    }

    fn of(feed: Feed) -> Self {
        let home = Home::new();
        let daemon = Daemon::start(&home);
        let publisher = Publisher::of(&feed.publish(&home.file("feed")));
        Self {
            home,
            publisher,
            feed,
            _daemon: daemon,
        }
    }

    #[track_caller]
    fn refused(&self, why: &str) {
        let before = live(&self.home);
        let ended = update(&self.home, &self.publisher.url());
        assert_ne!(ended.code, 0, "{ended:?}");
        assert!(ended.err.contains(why), "{why}: {ended:?}");
        assert_eq!(live(&self.home), before, "what was live stays");
    }

    #[track_caller]
    fn accepted(&self) {
        let changed = update(&self.home, &self.publisher.url()).done().json();
        assert_eq!(changed["changed"], true, "{changed:#}");
    }
}

#[test]
fn endless_manifest_or_artifact_stops_at_its_limit() {
    let scene = Scene::new();
    scene.publisher.behave("endless manifest");
    scene.refused("longer than");
    scene.publisher.behave("endless sha256");
    scene.refused("longer than");
    scene.publisher.behave("");
    scene.accepted();
}

#[test]
fn slow_drip_is_given_up_and_holds_nobody_up() {
    let scene = Scene::new();
    scene.publisher.behave("drip sha256");
    std::thread::scope(|scope| {
        let attempt = scope.spawn(|| scene.refused("arrived in 30 s"));
        // Meanwhile the daemon answers.
        while !attempt.is_finished() {
            let status = scene.home.status();
            assert_eq!(status["protected"], true);
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
        attempt.join().unwrap();
    });
}

#[test]
fn redirect_to_another_network_is_not_followed() {
    let scene = Scene::new();
    scene.publisher.behave("redirect");
    scene.refused("redirects are not followed");
    scene.publisher.behave("redirect sha256");
    scene.refused("redirects are not followed");
}

#[test]
fn unauthenticated_no_change_is_no_answer_to_a_first_question() {
    let scene = Scene::new();
    scene.publisher.behave("unchanged");
    scene.refused("304");
}

#[test]
fn compressed_answer_is_refused_unread() {
    let scene = Scene::new();
    scene.publisher.behave("bomb");
    scene.refused("encoded");
}

#[test]
fn wrong_length_and_wrong_bytes_are_refused() {
    let scene = Scene::new();
    scene.publisher.behave("long sha256");
    scene.refused("longer than");
    scene.publisher.behave("flipped sha256");
    scene.refused("SHA-256");
    scene.publisher.behave("");
    scene.accepted();
}

#[test]
fn partial_download_changes_nothing_and_goes_on_next_time() {
    let scene = Scene::new();
    scene.publisher.behave("gone sha256");
    scene.refused("503");
    scene.publisher.behave("cut sha256");
    scene.refused("broke");
    scene.publisher.behave("");
    scene.accepted();
    let asked = scene.publisher.asked();
    let resumed = asked.iter().filter(|line| line.contains("bytes=")).count();
    assert_eq!(resumed, 1, "{asked:#?}");
}

#[test]
fn torn_pair_of_two_generations_is_refused() {
    let scene = Scene::new();
    let folder = scene.home.file("feed");
    let mine = scene.feed.artifact(&folder, Kind::Blocklist);
    let other = newer().edit(Kind::Blocklist, |body| body["x"] = json!(1));
    let other_folder = other.publish(&scene.home.file("other"));
    fs::copy(other.artifact(&other_folder, Kind::Blocklist), mine).unwrap();
    scene.refused("bytes");
}

#[test]
fn equivocation_two_contents_of_one_version_keeps_the_first() {
    let scene = Scene::new();
    scene.accepted();
    let mut other = newer();
    other.manifest.version = scene.feed.manifest.version;
    other.manifest.expires = other.manifest.issued.plus_days(3);
    other.publish(&scene.home.file("feed"));
    scene.refused("has digest");
}

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
    scene.refused("known attacks");
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

#[test]
fn wrong_mirror_costs_time_and_nothing_else() {
    let scene = Scene::new();
    let copy = scene.feed.publish(&scene.home.file("copy"));
    let wrong = Publisher::of(&copy);
    wrong.behave("flipped sha256");
    let gone = "http://127.0.0.1:9";
    let mirrors = format!(
        "feed_url = [{gone:?}, {:?}, {:?}]\nfeed_check_s = 0",
        wrong.url(),
        scene.publisher.url()
    );
    scene.home.configure(&mirrors);
    let daemon = scene._daemon;
    daemon.kill();
    let _daemon = Daemon::start(&scene.home);
    let changed = scene.home.cli(&["feed", "update", "--json"]).done().json();
    assert_eq!(changed["changed"], true, "{changed:#}");
    assert!(!wrong.asked().is_empty());
}

#[test]
fn planted_link_in_the_store_is_not_written_through() {
    let scene = Scene::new();
    let victim = scene.home.file("victim");
    fs::write(&victim, "precious").unwrap();
    let staging = scene.home.root().join("feeds/official/staging");
    fs::create_dir_all(&staging).unwrap();
    let artifact = scene
        .feed
        .artifact(&scene.home.file("feed"), Kind::Blocklist);
    let name = artifact.file_name().unwrap().to_str().unwrap();
    std::os::unix::fs::symlink(&victim, staging.join(format!("{name}.part"))).unwrap();
    scene.refused(".part");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
}

#[test]
fn another_feed_in_its_place_is_refused() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    let mut feed = newer();
    feed.manifest.feed_id = "elsewhere".parse().unwrap();
    let folder = feed.publish(&home.file("feed"));
    refused(&home, folder.to_str().unwrap(), "offered for feed");
}
