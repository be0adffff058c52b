//! The threat table of the feed, as far as it takes a network: each test is an attack by whoever
//! answers for the feed's address. The rest of the table is proven in the trust crate's own tests.

use super::{live, newer, refused, update};
use crate::kit::{Daemon, Feed, Home, Publisher, Puppet, environment, now, publisher, wait_for};
use clawdefender_trust::Kind;
use serde_json::json;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

pub struct Scene {
    pub home: Home,
    publisher: Publisher,
    feed: Feed,
    _daemon: Daemon,
}

impl Scene {
    /// A daemon with the seed, and a good newer feed at a server.
    fn new() -> Self {
        Self::of(newer())
    }

    pub fn of(feed: Feed) -> Self {
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
    pub fn refused(&self, why: &str) {
        let before = live(&self.home);
        let ended = update(&self.home, &self.publisher.url());
        assert_ne!(ended.code, 0, "{ended:?}");
        assert!(ended.err.contains(why), "{why}: {ended:?}");
        assert_eq!(live(&self.home), before, "what was live stays");
    }

    /// It is said in `status`, and recorded.
    #[track_caller]
    fn alarmed(&self, code: &str) {
        let alerts = self.home.status()["alerts"].clone();
        let all = alerts.as_array().unwrap();
        assert!(all.iter().any(|alert| alert["code"] == code), "{alerts:#}");
        assert_eq!(self.home.record("kind:feed-alarm")["type"], "feed");
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
    let other = newer().edit(Kind::Blocklist, |body| {
        let entries = body["entries"].as_array_mut().unwrap();
        entries.last_mut().unwrap()["versions"] = json!(["1.0.1"]);
    });
    let other_folder = other.publish(&scene.home.file("other"));
    let other = other.artifact(&other_folder, Kind::Blocklist);
    let lengths = [&mine, &other].map(|file| fs::metadata(file).unwrap().len());
    assert_eq!(lengths[0], lengths[1], "it is not the length that tells");
    fs::copy(other, mine).unwrap();
    scene.refused("SHA-256");
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
    scene.alarmed("equivocation");
}

/// A server of this name starts, and these are the rules that its launch met.
#[track_caller]
fn launches_with(home: &Home, name: &str, rules: &[&str]) {
    let client = Puppet::named(home, name).start().greeted();
    assert!(client.close().success());
    let launch = home
        .records(&format!("type:launch server:{name}"))
        .pop()
        .unwrap();
    let findings = launch["findings"].as_array().cloned().unwrap_or_default();
    let found: Vec<&str> = findings
        .iter()
        .map(|finding| finding["rule"].as_str().unwrap())
        .collect();
    assert_eq!(found, rules, "{launch:#}");
}

#[test]
fn mirror_that_answers_304_for_ever_hides_no_stale_feed() {
    let home = Home::new();
    let folder = home.file("feed");
    fs::create_dir(&folder).unwrap();
    let server = Publisher::of(&folder);
    home.configure(&format!("feed_url = {:?}\nfeed_check_s = 0", server.url()));
    // Whoever wants nothing unknown while the feed is stale says so.
    home.policy(
        "[servers.known]\non_fault = \"allow\"\n\
         [[rule]]\nid = \"no-strangers\"\naction = \"deny\"\nreason = \"the feed is stale\"\n\
         [rule.match]\nfinding = \"feed.stale-unknown\"",
    );
    let daemon = Daemon::start(&home);
    let mut feed = newer();
    // The shortest life that a loaded machine can still accept.
    let mut lives = [60, 120, 240].into_iter();
    loop {
        feed.manifest.issued = now();
        feed.manifest.expires = feed.manifest.issued.plus_seconds(lives.next().unwrap());
        feed.publish(&folder);
        let update = home.cli(&["feed", "update"]);
        if update.code == 0 {
            break;
        }
        assert!(update.err.contains("expired"), "{update:?}");
    }
    launches_with(&home, "known", &[]);
    server.behave("unchanged");
    let expires = feed.manifest.expires.unix();
    wait_for("its expiry", || {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        (now.as_secs() >= expires.cast_unsigned()).then_some(())
    });
    // The daemon looks at the clock when it starts, and each minute.
    daemon.kill();
    let _daemon = Daemon::start(&home);
    let asked = home.cli(&["feed", "update"]);
    assert_eq!(asked.code, 1, "{asked:?}");
    assert!(asked.err.contains("304"), "{asked:?}");
    let now = live(&home);
    assert_eq!(
        (&now["stale"], &now["origin"]),
        (&json!(true), &json!("stored"))
    );
    let alerts = home.status()["alerts"].clone();
    assert_eq!(alerts[0]["code"], "stale", "{alerts:#}");
    launches_with(&home, "known", &["feed.stale"]);
    let mut stranger = Puppet::named(&home, "stranger").start();
    let greeting = json!({ "protocolVersion": "2025-11-25", "capabilities": {} });
    let refused = stranger.request("initialize", greeting);
    assert!(refused["error"].is_object(), "{refused:#}");
    let record = home.record("type:launch verdict:deny");
    assert_eq!(record["findings"][0]["rule"], "feed.stale-unknown");
    assert_eq!(record["decision"]["rule"], "no-strangers", "{record:#}");
    assert_eq!(home.record("kind:stale")["type"], "feed");
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
fn mirror_that_lags_or_lies_hides_neither_a_newer_feed_nor_an_attack() {
    let home = Home::new();
    let lagging = Publisher::of(&newer().publish(&home.file("lagging")));
    let mut hijack = newer();
    hijack.manifest.next_public_key = clawdefender_trust::SecretKey::from_bytes(&[66; 32]).public();
    let lying = Publisher::of(&hijack.publish(&home.file("lying")));
    let mut newest = newer();
    newest.manifest.version += 5;
    let good = Publisher::of(&newest.publish(&home.file("good")));
    let urls = [lagging.url(), lying.url()];
    home.configure(&format!(
        "feed_url = [\"/nowhere\", {:?}, {:?}, {:?}]\nfeed_check_s = 0",
        urls[0],
        urls[1],
        good.url()
    ));
    let _daemon = Daemon::start(&home);
    home.cli(&["feed", "update"]).done();
    home.cli(&["feed", "update"]).done();
    assert_eq!(live(&home)["version"], newest.manifest.version);
    let alerts = home.status()["alerts"].clone();
    assert_eq!(alerts[0]["code"], "rotation-hijack", "{alerts:#}");
}

#[test]
fn state_that_names_other_keys_is_not_believed() {
    let scene = Scene::new();
    scene.accepted();
    let now = live(&scene.home);
    let Scene {
        home,
        _daemon: daemon,
        ..
    } = scene;
    daemon.kill();
    let file = home.root().join("feeds/official/state.json");
    let mut state: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let thief = clawdefender_trust::SecretKey::from_bytes(&[66; 32]);
    let then = clawdefender_trust::SecretKey::from_bytes(&[67; 32]);
    state["root"]["next"] = json!(thief.public().to_string());
    fs::write(&file, state.to_string()).unwrap();
    let daemon = Daemon::start(&home);
    assert_eq!(live(&home), now, "the pack is as it was");
    let stolen = newer().rotated(thief, &then).publish(&home.file("stolen"));
    refused(&home, stolen.to_str().unwrap(), "refused at verification");
    daemon.kill();

    // An epoch further, by nobody's signature.
    let old = state["root"]["current"].clone();
    state["root"]["retired"] = json!([old]);
    state["root"]["epoch"] = json!(2);
    state["root"]["current"] = json!(then.public().to_string());
    fs::write(&file, state.to_string()).unwrap();
    let _daemon = Daemon::start(&home);
    let mut mine = newer();
    mine.manifest.version += 9;
    let own = mine.rotated(then, &clawdefender_trust::SecretKey::from_bytes(&[68; 32]));
    let own = own.publish(&home.file("own"));
    refused(&home, own.to_str().unwrap(), "refused at verification");
}

#[test]
fn deleted_state_buys_no_rollback() {
    let scene = Scene::new();
    scene.accepted();
    let now = live(&scene.home);
    let Scene {
        home,
        feed,
        _daemon: daemon,
        ..
    } = scene;
    daemon.kill();
    fs::remove_file(home.root().join("feeds/official/state.json")).unwrap();
    let daemon = Daemon::start(&home);
    assert_eq!(live(&home)["version"], now["version"]);
    let alerts = home.status()["alerts"].clone();
    assert_eq!(alerts[0]["code"], "state-reset", "{alerts:#}");
    let mut older = newer();
    older.manifest.version = feed.manifest.version - 1;
    older.manifest.issued = older.manifest.issued.plus_seconds(-5);
    let older = older.publish(&home.file("older"));
    refused(&home, older.to_str().unwrap(), "went back");

    // With the pack gone as well the seed stands in, and it is said.
    daemon.kill();
    fs::remove_file(home.root().join("feeds/official/current.feedpack")).unwrap();
    fs::write(home.root().join("feeds/official/previous.feedpack"), "").unwrap();
    let _daemon = Daemon::start(&home);
    assert_eq!(live(&home)["origin"], "seed");
    assert_eq!(home.status()["alerts"][0]["code"], "state-reset");
}

#[test]
fn a_deleted_store_is_said_until_the_feed_is_as_far_again() {
    let mut further = newer();
    further.manifest.version += 5;
    further.manifest.issued = further.manifest.issued.plus_seconds(5);
    let scene = Scene::of(further);
    scene.accepted();
    let was = live(&scene.home);
    let Scene {
        home,
        feed,
        _daemon: daemon,
        ..
    } = scene;
    daemon.kill();
    fs::remove_dir_all(home.root().join("feeds")).unwrap();
    let codes = || -> Vec<String> {
        let alerts = home.status()["alerts"].clone();
        let codes = alerts.as_array().unwrap().iter();
        codes
            .map(|alert| alert["code"].as_str().unwrap().to_owned())
            .collect()
    };
    for _ in 0..2 {
        let daemon = Daemon::start(&home);
        assert_eq!(live(&home)["origin"], "seed");
        assert_eq!(codes(), ["state-lost"]);
        daemon.kill();
    }
    let note = home.records("kind:state-lost").remove(0);
    let version = was["version"].to_string();
    assert!(
        note["note"].as_str().unwrap().contains(&version),
        "{note:#}"
    );

    // An older one, though good, does not end it.
    let daemon = Daemon::start(&home);
    let older = newer().publish(&home.file("older"));
    home.cli(&["feed", "update", older.to_str().unwrap()])
        .done();
    assert_eq!(codes(), ["state-lost"]);
    daemon.kill();
    let daemon = Daemon::start(&home);
    assert_eq!(codes(), ["state-lost"]);
    let again = feed.publish(&home.file("again"));
    home.cli(&["feed", "update", again.to_str().unwrap()])
        .done();
    assert_eq!(codes(), Vec::<String>::new());
    daemon.kill();

    // What somebody else wrote says nothing, and that is said.
    fs::write(home.root().join("feeds-reached.json"), "{}").unwrap();
    let _daemon = Daemon::start(&home);
    home.record("kind:feeds-reached-refused");
}

#[test]
fn third_party_takes_no_detectors_name() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    let component = fs::read(environment().folder.join("hostile.wasm")).unwrap();
    let feed = Feed::of_publisher_called("injection", &component);
    let folder = feed.publish(&home.file("publisher"));
    let key = publisher().public().to_string();
    let held = home.cli(&["feed", "add", folder.to_str().unwrap(), "--key", &key]);
    assert_eq!(held.code, 3, "{held:?}");
    assert!(held.err.contains("another feed's name"), "{held:?}");
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
