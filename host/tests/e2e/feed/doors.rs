//! What a person does with feeds, and what the daemon does on its own.

use super::{live, newer};
use crate::kit::{
    Client, Daemon, Feed, Home, Publisher, Puppet, certificates, environment, publisher, put,
    wait_for,
};
use clawdefender_trust::Kind;
use serde_json::json;
use std::fs;

/// A newer feed that knows one package more, as version `version`.
fn version(version: u64) -> Feed {
    let mut feed = newer();
    feed.manifest.version += version;
    feed
}

fn update(home: &Home, feed: &Feed, name: &str) {
    let folder = feed.publish(&home.file(name));
    home.cli(&["feed", "update", folder.to_str().unwrap()])
        .done();
}

fn knows_the_package(home: &Home) -> bool {
    let input = home.file("ask.jsonl");
    let package =
        json!({ "ecosystem": "npm", "name": "clawdefender-e2e-nothing", "version": "1.0.0" });
    fs::write(&input, json!({ "package": package }).to_string()).unwrap();
    let answer = home.cli(&["inspect", input.to_str().unwrap()]);
    answer.out.contains("\"deny\"")
}

#[test]
fn a_feed_travels_as_one_file_to_a_machine_without_network() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    update(&home, &version(0), "feed");
    let file = home.file("official.feedpack");
    let file = file.to_str().unwrap();
    home.cli(&["feed", "export", file]).done();
    let again = home.cli(&["feed", "export", file]);
    assert_ne!(again.code, 0, "an existing file is not overwritten");

    let other = Home::new();
    let _other = Daemon::start(&other);
    assert!(!knows_the_package(&other));
    // The same checks as over the network.
    let mut bytes = fs::read(file).unwrap();
    // Inside the manifest; a detector that is live already is not taken from the file at all.
    bytes[200] ^= 1;
    let changed = other.file("changed.feedpack");
    fs::write(&changed, bytes).unwrap();
    let refused = other.cli(&["feed", "import", changed.to_str().unwrap()]);
    assert_eq!(refused.code, 3, "{refused:?}");
    other.cli(&["feed", "import", file]).done();
    assert_eq!(live(&other), live(&home));
    assert!(knows_the_package(&other));
}

#[test]
fn going_back_is_at_once_and_survives_a_restart() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    assert_ne!(
        home.cli(&["feed", "rollback"]).code,
        0,
        "nothing to go back to"
    );
    update(&home, &version(0), "first");
    let first = live(&home);
    update(&home, &version(1), "second");
    let second = live(&home);

    home.cli(&["feed", "rollback"]).done();
    let now = live(&home);
    assert_eq!(
        (&now["version"], &now["rolled_back"]),
        (&first["version"], &json!(true))
    );
    assert_eq!(home.record("kind:feed-rolled-back")["type"], "feed");
    daemon.kill();
    let _daemon = Daemon::start(&home);
    assert_eq!(live(&home), now);
    assert!(knows_the_package(&home), "inspect sees the same");

    // What is below how far we were stays refused; a person may take the newer one again.
    let older = version(0).publish(&home.file("older"));
    assert_eq!(
        home.cli(&["feed", "update", older.to_str().unwrap()]).code,
        3
    );
    home.cli(&["feed", "update", home.file("second").to_str().unwrap()])
        .done();
    assert_eq!(live(&home)["version"], second["version"]);
    // And what was left once is not what one goes back to.
    home.cli(&["feed", "rollback"]).done();
    assert_eq!(live(&home)["version"], first["version"]);
}

#[test]
fn going_back_from_the_first_update_leads_to_the_seed() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    update(&home, &version(0), "feed");
    assert!(knows_the_package(&home));
    home.cli(&["feed", "rollback"]).done();
    assert_eq!(live(&home)["origin"], "seed");
    daemon.kill();
    let _daemon = Daemon::start(&home);
    assert_eq!(live(&home)["origin"], "seed");
    assert!(!knows_the_package(&home));

    // What was left is not what one goes back to from the next one.
    update(&home, &version(1), "second");
    home.cli(&["feed", "rollback"]).done();
    assert_eq!(live(&home)["origin"], "seed");
}

#[test]
fn a_rehearsal_says_what_would_change_and_changes_nothing() {
    let home = Puppet::home();
    let _daemon = Daemon::start(&home);
    // Something in the log that the newer feed would not have let pass.
    let mut client = Puppet::new(&home, "shell").start().greeted();
    let install = json!({ "command": "npm install clawdefender-e2e-nothing@1.0.0" });
    client.request("tools/call", json!({ "name": "run", "arguments": install }));
    assert!(client.close().success());
    let before = live(&home);
    let folder = version(0).publish(&home.file("feed"));
    let folder = folder.to_str().unwrap();
    let said = home
        .cli(&["feed", "update", folder, "--dry-run", "--json"])
        .done()
        .json();
    let plan = &said["dry_run"][0];
    assert_eq!(plan["artifacts"][0]["kind"], "blocklist", "{said:#}");
    let changes = &plan["replay"]["changes"];
    let is_denied = |change: &serde_json::Value| {
        (&change["before"], &change["after"]) == (&json!("allow"), &json!("deny"))
    };
    assert!(
        changes.as_array().unwrap().iter().any(is_denied),
        "{said:#}"
    );
    let shown = home.cli(&["feed", "update", folder, "--dry-run"]).done();
    assert!(shown.out.contains("blocklist"), "{shown:?}");
    assert_eq!(live(&home), before);
    assert!(
        home.records("type:feed -kind:feeds-reached-began")
            .is_empty()
    );
}

#[test]
fn the_daemon_looks_for_newer_feeds_on_its_own() {
    let home = Home::new();
    let folder = version(0).publish(&home.file("feed"));
    let server = Publisher::of(&folder);
    home.configure(&format!("feed_url = {:?}\nfeed_check_s = 1", server.url()));
    let _daemon = Daemon::start(&home);
    wait_for("the first update", || {
        (live(&home)["origin"] == "stored").then_some(())
    });
    let first = live(&home);
    version(1).publish(&folder);
    wait_for("the second update", || {
        (live(&home)["version"] != first["version"]).then_some(())
    });

    // What a person went back from does not come back on its own; a newer one does.
    home.cli(&["feed", "rollback"]).done();
    let asked = server.asked().len();
    wait_for("more looks", || {
        (server.asked().len() > asked + 3).then_some(())
    });
    assert_eq!(live(&home)["version"], first["version"]);
    let third = version(2);
    third.publish(&folder);
    let newest = json!(third.manifest.version);
    wait_for("the third update", || {
        (live(&home)["version"] == newest).then_some(())
    });

    // A refused one is recorded once, however often it is met.
    put(&folder.join("manifest.dsse.json"), b"{}");
    let asked = server.asked().len();
    wait_for("more looks", || {
        (server.asked().len() > asked + 3).then_some(())
    });
    assert_eq!(home.records("type:feed verdict:deny").len(), 1);
}

#[test]
fn a_third_partys_feed_is_added_updated_and_removed() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    let component = fs::read(environment().folder.join("hostile.wasm")).unwrap();
    let mut feed = Feed::of_publisher(&component);
    let folder = feed.publish(&home.file("acme"));
    let server = Publisher::of(&folder);
    let key = publisher().public().to_string();
    let other = home.cli(&["feed", "add", &server.url(), "--key", &"11".repeat(32)]);
    assert_ne!(other.code, 0, "another key");
    home.cli(&["feed", "add", &server.url(), "--key", &key])
        .done();
    let named = |name: &str| home.cli(&["feed", "status"]).done().out.contains(name);
    assert!(named("hostile version"));

    feed.manifest.version += 1;
    feed.publish(&folder);
    let changed = home.cli(&["feed", "update", "--json"]).done().json();
    assert_eq!(changed["changed"], true, "{changed:#}");

    assert_ne!(home.cli(&["feed", "remove", "official"]).code, 0);
    home.cli(&["feed", "remove", "hostile"]).done();
    assert!(!named("hostile version"));
    assert!(!home.root().join("feeds/hostile").exists());
    assert_eq!(home.record("kind:feed-removed")["type"], "feed");
}

#[test]
fn detectors_are_swapped_under_traffic_without_a_failed_call() {
    const CALLS: usize = 200;
    let home = Puppet::home();
    let _daemon = Daemon::start(&home);
    let folders: Vec<_> = (0..4)
        .map(|number| version(number).publish(&home.file(&format!("feed{number}"))))
        .collect();
    let mut client = Puppet::new(&home, "busy").start().greeted();
    let ask = |client: &mut Client| {
        client.ask("x/echo", json!({ "text": "The build is green." }));
    };
    std::thread::scope(|scope| {
        let updates = scope.spawn(|| {
            for folder in &folders {
                let folder = folder.to_str().unwrap();
                home.cli(&["feed", "update", folder]).done();
            }
        });
        let mut answered = 0;
        (0..8).for_each(|_| ask(&mut client));
        while answered < CALLS || !updates.is_finished() {
            ask(&mut client);
            let answer = client.message();
            assert_eq!(
                answer["result"]["text"], "The build is green.",
                "{answer:#}"
            );
            answered += 1;
        }
        updates.join().unwrap();
        for _ in 0..8 {
            assert!(client.message().get("result").is_some());
        }
    });
    assert!(client.close().success());
    assert_eq!(home.records("kind:feed-activated").len(), 4);
    assert!(home.records("verdict:deny").is_empty());
}

#[test]
fn a_list_of_another_kind_is_compared_too() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    let mut feed = version(0);
    feed.manifest
        .artifacts
        .retain(|entry| entry.kind != Kind::Blocklist);
    let folder = feed.publish(&home.file("feed"));
    let refused = home.cli(&["feed", "update", folder.to_str().unwrap()]);
    assert_ne!(refused.code, 0);
    assert!(refused.err.contains("is gone"), "{refused:?}");
}

#[test]
fn over_tls_only_the_named_authority_is_believed_and_the_other_mirror_is_asked() {
    let home = Home::new();
    let (ca, certificate, key) = certificates(&home.file("certificates"));
    let folder = version(0).publish(&home.file("web"));
    let web = Publisher::secure(&folder, &certificate, &key);
    let daemon = Daemon::start(&home);
    let doubted = home.cli(&["feed", "update", &web.url()]);
    assert_ne!(doubted.code, 0, "{doubted:?}");
    assert!(web.asked().is_empty(), "{:?}", web.asked());
    daemon.kill();

    home.configure(&format!(
        "feed_url = [\"{}\", \"{}\"]\nfeed_ca_file = {:?}",
        web.url().replace("127.0.0.1", "localhost"),
        web.url(),
        ca.to_str().unwrap()
    ));
    let _daemon = Daemon::start(&home);
    // The certificate is for the address, not for the name: that mirror is passed over.
    home.cli(&["feed", "update"]).done();
    assert!(knows_the_package(&home));
}
