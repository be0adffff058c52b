//! A detector's author, from nothing to a call that is held: the commands of the README, run.

use crate::kit::{Client, Daemon, Home, Script, environment, text};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs to its end and returns what it printed.
#[track_caller]
fn run(command: &mut Command) -> String {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let ended = command.current_dir(sources).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{command:?}: {said}");
    String::from_utf8(ended.stdout).unwrap()
}

/// `cargo xtask`, as the workspace's tests have built it.
fn xtask(arguments: &[&str]) -> Command {
    let program: PathBuf = environment().folder.with_file_name("debug").join("xtask");
    assert!(
        program.exists(),
        "{} is missing; run: cargo build -p xtask",
        program.display()
    );
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

#[test]
fn a_new_detector_is_tested_signed_installed_and_asked() {
    let home = Home::new();
    home.configure("ask_hold_s = 1");
    let plugin = home.file("word-watch");
    let plugin = plugin.to_str().unwrap();
    run(&mut xtask(&["new-plugin", "word-watch", "--out", plugin]));
    // The versions that everything else was tested with.
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("Cargo.lock");
    std::fs::copy(lock, format!("{plugin}/Cargo.lock")).unwrap();
    run(Command::new("cargo")
        .args(["test", "--quiet", "--manifest-path"])
        .arg(format!("{plugin}/Cargo.toml"))
        // Kept between runs: the author's second build is the quick one.
        .env("CARGO_TARGET_DIR", environment().folder.join("author")));

    let (keys, folder) = (home.file("keys"), home.file("word-watch-feed"));
    let key = keys.join("word-watch.key");
    let (keys, key, folder) = (
        keys.to_str().unwrap(),
        key.to_str().unwrap(),
        folder.to_str().unwrap(),
    );
    run(&mut xtask(&[
        "keygen",
        "--out",
        keys,
        "--name",
        "word-watch",
    ]));
    let told = run(&mut xtask(&["sign", plugin, "--key", key, "--out", folder]));
    let (_, public) = told
        .split_once("--key ")
        .expect("the line to use is printed");
    let public: String = public.chars().take_while(char::is_ascii_hexdigit).collect();

    let _daemon = Daemon::start(&home);
    let server = Script::echo(&["search"]).install(&home, "files");
    // A client apart: what an agent starts may install nothing.
    let mut client = Client::apart(&home, &server);
    let before = client.call("search", json!({ "text": "open the payroll folder" }));
    assert_eq!(text(&before), "open the payroll folder");

    let install = ["plugin", "install", folder, "--key", &public];
    home.cli(&install).done();
    let held = client.call("search", json!({ "text": "open the payroll folder again" }));
    assert_eq!(held["result"]["isError"], true, "{held:#}");
    assert!(!server.saw("folder again"));
    let innocent = client.call("search", json!({ "text": "open the holiday folder" }));
    assert_eq!(text(&innocent), "open the holiday folder");
    let denied = home.records("verdict:deny");
    let found = |record: &serde_json::Value| record["findings"][0]["rule"] == "word-watch.word";
    assert!(denied.iter().any(found), "{denied:#?}");

    let _own = Client::open(&home, &server);
    let refused = home.cli(&install);
    assert_eq!(refused.code, 4, "{refused:?}");
}
