//! Detectors that misbehave: the daemon lives, the call is denied, the record says why. And
//! components that must not be loaded at all.

use crate::kit::{Client, Daemon, Feed, Home, Script, denied, environment, publisher, text};
use clawdefender_trust::Kind;
use serde_json::{Value, json};
use std::path::Path;

fn install(home: &Home, folder: &Path) -> crate::kit::Cli {
    let key = publisher().public().to_string();
    home.cli(&[
        "plugin",
        "install",
        folder.to_str().unwrap(),
        "--key",
        &key,
        "--json",
    ])
}

#[test]
fn a_detector_that_misbehaves_denies_the_call_and_harms_nothing_else() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let folder = Feed::of_publisher(&environment().hostile).publish(&home.file("feed"));
    install(&home, &folder).done();
    let server = Script::echo(&["say"]).install(&home, "files");
    let mut client = Client::open(&home, &server);

    let faults = [
        ("loop", "deadline"),
        ("memory", "memory"),
        ("giant", "output"),
        ("many", "output"),
        ("lie", "output"),
        ("outside", "output"),
        ("recursion", "trap"),
    ];
    for (behaviour, kind) in faults {
        let answer = client.call("say", json!({ "text": format!("hostile: {behaviour}") }));
        assert_eq!(answer["result"]["isError"], true, "{behaviour}: {answer:#}");
        // A fresh instance answers the next call.
        let innocent = client.call("say", json!({ "text": format!("not {behaviour}") }));
        assert_eq!(text(&innocent), format!("not {behaviour}"));
        let record = home.records("verdict:deny").pop().unwrap();
        assert!(denied(&record).starts_with("fault:"), "{record:#}");
        assert_eq!(record["faults"][0]["part"], "hostile", "{record:#}");
        assert_eq!(record["faults"][0]["kind"], kind, "{behaviour}: {record:#}");
    }
    assert!(!server.saw("hostile: "));
    assert_eq!(
        home.status()["pid"],
        daemon.id(),
        "the same daemon all along"
    );
    home.verify_audit();
}

/// What is in `folder` is refused, nothing changes, and a record of kind `kind` mentions `why`.
#[track_caller]
fn refuses(home: &Home, folder: &Path, kind: &str, why: &str) {
    let before = home.cli(&["plugin", "list", "--json"]).json();
    let ended = install(home, folder);
    assert_eq!(ended.code, 3, "{ended:?}");
    let live = |list: &Value| {
        let detectors = list["detectors"].as_array().unwrap().clone();
        detectors
            .into_iter()
            .map(|detector| (detector["id"].clone(), detector["sha256"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        live(&home.cli(&["plugin", "list", "--json"]).json()),
        live(&before)
    );
    let record = home.records("type:feed verdict:deny").pop().unwrap();
    assert_eq!(record["kind"], kind, "{record:#}");
    assert!(record["note"].as_str().unwrap().contains(why), "{record:#}");
}

#[test]
fn a_component_that_must_not_run_is_never_loaded() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    let component = &environment().hostile;
    let folder = |name: &str| home.file(name);

    let clock = r#"(component (import "wasi:clocks/wall-clock@0.2.0" (instance)))"#;
    let imports = Feed::of_publisher(&wat::parse_str(clock).unwrap()).publish(&folder("imports"));
    refuses(&home, &imports, "feed-held", "wasi:clocks/wall-clock@0.2.0");

    let core = Feed::of_publisher(&wat::parse_str("(module)").unwrap()).publish(&folder("core"));
    refuses(&home, &core, "feed-held", "core module");

    let mute = Feed::of_publisher(&wat::parse_str("(component)").unwrap()).publish(&folder("mute"));
    refuses(&home, &mute, "feed-held", "does not export");

    let feed = Feed::of_publisher(component);
    let flipped = feed.publish(&folder("flipped"));
    let artifact = feed.artifact(&flipped, Kind::Detector);
    let mut bytes = std::fs::read(&artifact).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&artifact, bytes).unwrap();
    refuses(&home, &flipped, "feed-refused", "digest");

    let unsigned = feed.publish(&folder("unsigned"));
    let manifest = unsigned.join("manifest.dsse.json");
    let mut envelope: Value = serde_json::from_slice(&std::fs::read(&manifest).unwrap()).unwrap();
    envelope["signatures"] = json!([]);
    std::fs::write(&manifest, envelope.to_string()).unwrap();
    refuses(
        &home,
        &unsigned,
        "feed-refused",
        "signed by 0 of the 1 trusted keys",
    );

    // The twin: the same bytes, whole and signed.
    let good = feed.publish(&folder("good"));
    install(&home, &good).done();
    let list = home.cli(&["plugin", "list", "--json"]).json();
    assert!(
        list["detectors"]
            .as_array()
            .unwrap()
            .iter()
            .any(|detector| detector["id"] == "hostile"),
        "{list:#}"
    );
}
