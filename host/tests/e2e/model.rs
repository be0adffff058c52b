//! Models of the catalog: fetched when every byte is the listed one, checked at rest.

use crate::kit::{Daemon, Feed, Home, Publisher};
use clawdefender_trust::{Kind, Sha256Digest};
use serde_json::json;
use std::fs;

const BODY: &[u8] = b"GGUF: a model that a test made";

/// A server with the model, and the catalog that lists it in TOML.
fn published(home: &Home) -> (Publisher, String) {
    let folder = home.file("hub");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("guard.gguf"), BODY).unwrap();
    let publisher = Publisher::of(&folder);
    let catalog = format!(
        "[[models]]\nname = \"guard\"\nversion = \"1.0.0\"\nurl = \"{}/guard.gguf\"\nlength = {}\n\
         sha256 = \"{}\"\nlicence = \"MIT\"\nformat = \"gguf\"\nsource = \"hashed by this test\"\n",
        publisher.url(),
        BODY.len(),
        Sha256Digest::of(BODY),
    );
    let file = home.file("models.toml");
    fs::write(&file, catalog).unwrap();
    (publisher, file.display().to_string())
}

#[test]
fn a_model_of_ones_own_catalog_is_fetched_listed_checked_and_removed() {
    let home = Home::new();
    let (_publisher, catalog) = published(&home);
    let state = || {
        let list = home.cli(&["model", "list", "--catalog", &catalog, "--json"]);
        let list = list.done().json();
        list["models"][0]["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(state(), "available");
    let pull = ["model", "pull", "guard", "--catalog", &catalog, "--json"];
    let pulled = home.cli(&pull).done().json();
    assert_eq!(pulled["fetched"], true, "{pulled:#}");
    assert_eq!(home.cli(&pull).done().json()["fetched"], false);
    assert_eq!(state(), "fetched");
    home.cli(&["model", "verify"]).done();

    // One byte at rest.
    let path = pulled["path"].as_str().unwrap();
    let mut other = fs::read(path).unwrap();
    assert_eq!(other, BODY);
    other[7] ^= 1;
    fs::write(path, other).unwrap();
    let verified = home.cli(&["model", "verify", "guard", "--json"]);
    assert_eq!(verified.code, 3, "{verified:?}");
    let wrong = verified.json()["models"][0]["wrong"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(wrong.contains(path), "{wrong}");
    home.cli(&pull).done();
    home.cli(&["model", "verify", "guard"]).done();

    home.cli(&["model", "remove", "guard"]).done();
    assert!(!fs::exists(path).unwrap());
    assert_eq!(home.cli(&["model", "verify", "guard"]).code, 1);
    assert_eq!(home.cli(&["model", "remove", "guard"]).code, 1);
}

#[test]
fn a_server_with_other_bytes_than_the_catalog_lists_gives_nothing() {
    let home = Home::new();
    let (_publisher, catalog) = published(&home);
    let mut other = BODY.to_vec();
    other[3] ^= 1;
    fs::write(home.file("hub").join("guard.gguf"), other).unwrap();
    let pulled = home.cli(&["model", "pull", "guard", "--catalog", &catalog, "--json"]);
    assert_eq!(pulled.code, 3, "{pulled:?}");
    assert!(pulled.err.contains("SHA-256"), "{pulled:?}");
    let unknown = home.cli(&["model", "pull", "other", "--catalog", &catalog]);
    assert_eq!(unknown.code, 1, "{unknown:?}");
    let list = home.cli(&["model", "list", "--catalog", &catalog, "--json"]);
    assert_eq!(list.done().json()["models"][0]["state"], "available");
}

#[test]
fn the_signed_catalog_lists_the_detectors_model_and_the_feed_has_its_bytes() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    let listed = home.cli(&["model", "list", "--json"]).done().json();
    let models = listed["models"].as_array().unwrap();
    let named: Vec<&str> = models
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    assert_eq!(named, ["injection", "chains"], "{listed:#}");
    let status = home.cli(&["feed", "status", "--json"]).done().json();
    let artifacts = status["feeds"][0]["artifacts"].as_array().unwrap();
    for model in models {
        assert_eq!(model["state"], "available");
        let is_live =
            |one: &&serde_json::Value| one["kind"] == "model" && one["name"] == model["name"];
        let live = artifacts.iter().find(is_live).unwrap();
        assert_eq!(model["sha256"], live["sha256"], "what the detector runs");
        assert_eq!(model["length"], live["bytes"]);
    }
    let model = &models[0];

    // No network is needed.
    let pull = ["model", "pull", "injection", "--json"];
    let pulled = home.cli(&pull).done().json();
    assert_eq!(pulled["fetched"], true, "{pulled:#}");
    let path = pulled["path"].as_str().unwrap();
    let mut bytes = fs::read(path).unwrap();
    assert_eq!(model["sha256"], Sha256Digest::of(&bytes).to_string());
    home.cli(&["model", "verify", "injection"]).done();
    let opened = home.cli(&["model", "path", "injection"]).done();
    assert_eq!(opened.out.trim(), path);

    // Whoever can change a model can change what was noted of it: the signed catalog says more.
    let folder = std::path::Path::new(path).parent().unwrap();
    let record = folder.join("pulled.json");
    let noted = fs::read_to_string(&record).unwrap();
    let other = Sha256Digest::of(b"others").to_string();
    let listed = model["sha256"].as_str().unwrap();
    fs::write(&record, noted.replace(listed, &other)).unwrap();
    let planted = fs::read_to_string(&record).unwrap();
    let length = model["length"].to_string();
    fs::write(&record, planted.replace(&length, "6")).unwrap();
    let elsewhere = folder.join(&other);
    fs::write(&elsewhere, "others").unwrap();
    let verified = home.cli(&["model", "verify", "--json"]);
    assert_eq!(verified.code, 3, "{verified:?}");
    assert!(
        verified.out.contains("the signed catalog says"),
        "{verified:?}"
    );
    fs::remove_file(&elsewhere).unwrap();
    fs::write(&record, noted).unwrap();

    bytes[100] ^= 1;
    fs::write(path, bytes).unwrap();
    assert_eq!(home.cli(&["model", "verify"]).code, 3);
    let refused = home.cli(&["model", "path", "injection"]);
    assert_eq!((refused.code, refused.out.as_str()), (3, ""), "{refused:?}");
    home.cli(&pull).done();
    home.cli(&["model", "verify"]).done();
    home.cli(&["model", "remove", "injection"]).done();
    assert!(!fs::exists(path).unwrap());
}

#[test]
fn a_newer_signed_catalog_comes_with_the_feed() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    let (publisher, _) = published(&home);
    let feed = Feed::official().edit(Kind::Catalog, |body| {
        let models = body["models"].as_array_mut().unwrap();
        models.push(json!({
            "name": "guard", "version": "1.0.0", "url": format!("{}/guard.gguf", publisher.url()),
            "length": BODY.len(), "sha256": Sha256Digest::of(BODY), "licence": "MIT",
            "format": "gguf", "source": "hashed by this test",
        }));
        // Listed as in the feed, which does not have it.
        models.push(json!({
            "name": "nowhere", "version": "1.0.0", "url": Sha256Digest::of(b"none").place(),
            "length": 4, "sha256": Sha256Digest::of(b"none"), "licence": "MIT",
            "format": "gguf", "source": "made up by this test",
        }));
    });
    let folder = feed.publish(&home.file("feed"));
    home.cli(&["feed", "update", folder.to_str().unwrap()])
        .done();
    home.cli(&["model", "pull", "guard"]).done();
    home.cli(&["model", "verify"]).done();
    let list = home.cli(&["model", "list", "--json"]).done().json();
    let models = list["models"].as_array().unwrap();
    let guard = models
        .iter()
        .find(|model| model["name"] == "guard")
        .unwrap();
    assert_eq!(guard["state"], "fetched", "{list:#}");
    let missing = home.cli(&["model", "pull", "nowhere"]);
    assert_eq!(missing.code, 1, "{missing:?}");
    assert!(missing.err.contains("does not have it"), "{missing:?}");
}
