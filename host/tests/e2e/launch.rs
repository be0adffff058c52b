//! A server that is known to be bad never starts: not one line of its code runs.

use crate::kit::{Client, Daemon, Feed, Group, Home, environment, kit_file};
use clawdefender_trust::{Kind, Sha256Digest};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// Harmless, made and served by this test.
pub const PACKAGE: &str = "clawdefender-e2e-greeter";

#[test]
fn a_blocklisted_version_never_runs_and_the_fixed_one_does() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    let feed = Feed::official().edit(Kind::Blocklist, |body| {
        body["entries"].as_array_mut().unwrap().push(json!({
            "id": "CD-TEST-2", "ecosystem": "npm", "name": PACKAGE, "kind": "compromised",
            "severity": "critical", "summary": "Made up by a test.", "source": "https://test.example",
            "ranges": [{ "introduced": "0", "fixed": "1.0.1" }],
        }));
    });
    let folder = feed.publish(&home.file("feed"));
    home.cli(&["feed", "update", folder.to_str().unwrap()])
        .done();
    let (_registry, port) = registry(&home);
    use_registry(&home, port);
    let marks = home.file("marks");
    let start = |version: &str| {
        let package = format!("{PACKAGE}@{version}");
        let mut shim = home.program(&["proxy", "--server", "greeter", "--", "npx", "-y", &package]);
        shim.env("GREETER_MARK", &marks);
        Client::start(&mut shim)
    };

    let mut bad = start("1.0.0");
    let refused = bad.request(
        "initialize",
        json!({ "protocolVersion": "2025-11-25", "capabilities": {} }),
    );
    assert!(
        refused["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("Blocked by ClawDefender"),
        "{refused:#}"
    );
    bad.close();
    assert!(!marks.exists(), "no code of it ran");
    assert_eq!(
        asked(&home),
        Vec::<String>::new(),
        "it was not even fetched"
    );
    let record = home.record("type:launch verdict:deny");
    let findings = record["findings"].as_array().unwrap();
    assert!(
        findings.iter().any(|finding| finding["refs"]
            .as_array()
            .is_some_and(|refs| refs.contains(&json!("CD-TEST-2")))),
        "{record:#}"
    );
    assert_eq!(
        record["package"],
        format!("npm:{PACKAGE}@1.0.0"),
        "{record:#}"
    );

    let mut fixed = start("1.0.1").greeted();
    let answer = fixed.call("greet", json!({}));
    assert_eq!(crate::kit::text(&answer), "hello");
    assert_eq!(std::fs::read_to_string(&marks).unwrap(), "1.0.1\n");
    assert!(asked(&home).iter().any(|path| path.ends_with("/1.0.1.tgz")));
    let launches: Vec<Value> = home.records("type:launch -verdict:deny");
    assert_eq!(launches.len(), 1, "{launches:#?}");
    let before = &launches[0]["identity"];
    assert_eq!(
        before["package"],
        Value::Null,
        "it was not there yet: {before:#}"
    );
    assert!(before["unknown"].is_string(), "{before:#}");
    fixed.close();
    // What npx keeps is known at the next start, by the file that will run.
    start("1.0.1").greeted();
    let again = home.records("type:launch -verdict:deny").remove(1);
    let identity = &again["identity"];
    assert_eq!(
        identity["package"],
        format!("npm:{PACKAGE}@1.0.1"),
        "{again:#}"
    );
    let entry = std::fs::read(identity["entry"].as_str().unwrap()).unwrap();
    assert_eq!(identity["sha256"], Sha256Digest::of(&entry).to_string());
}

#[test]
fn a_rule_about_a_package_holds_before_anything_of_it_runs() {
    let home = Home::new();
    home.policy(&format!(
        "[[rule]]\nid = \"no-greeter\"\naction = \"deny\"\nreason = \"a test\"\n[rule.match]\npackage = \"npm:{PACKAGE}\"\n"
    ));
    let _daemon = Daemon::start(&home);
    // Nothing may be fetched, so nobody serves it.
    use_registry(&home, 9);
    let package = format!("{PACKAGE}@1.0.0");
    let mut shim = home.program(&["proxy", "--server", "greeter", "--", "npx", "-y", &package]);
    let mut client = Client::start(&mut shim);
    let greeting = json!({ "protocolVersion": "2025-11-25", "capabilities": {} });
    let refused = client.request("initialize", greeting);
    assert!(refused["error"].is_object(), "{refused:#}");
    client.close();
    let record = home.record("type:launch verdict:deny");
    assert_eq!(record["decision"]["rule"], "no-greeter", "{record:#}");

    // And in a command that a tool would run.
    let asked = |command: &str| {
        let body = json!({ "command": command });
        let line = json!({ "id": 1, "kind": "tool-call", "tool": "sh", "body": body });
        std::fs::write(home.file("lines"), line.to_string()).unwrap();
        let file = home.file("lines");
        home.cli(&["inspect", file.to_str().unwrap()]).json()["decision"].clone()
    };
    assert_eq!(asked(&format!("npx -y {PACKAGE}@1.0.0")), "deny");
    assert_eq!(asked("npx -y clawdefender-e2e-other@1.0.0"), "allow");
}

#[test]
fn a_server_is_named_by_what_runs_and_not_by_its_interpreter() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    let script = environment().npm_server("server-filesystem");
    let mut shim = home.program(&["proxy", "--server", "files", "--", "node"]);
    let client = Client::start(shim.arg(&script).arg(home.user())).greeted();
    let manifest = script.parent().unwrap().with_file_name("package.json");
    let manifest: Value = serde_json::from_slice(&std::fs::read(manifest).unwrap()).unwrap();
    let version = manifest["version"].as_str().unwrap();
    let package = format!("npm:@modelcontextprotocol/server-filesystem@{version}");
    let digest = Sha256Digest::of(&std::fs::read(&script).unwrap()).to_string();

    let record = home.record("type:launch");
    let live = home.status();
    let live = live["links"].as_array().unwrap();
    for identity in [&record["identity"], &live[0]["identity"]] {
        assert_eq!(identity["package"], package.as_str(), "{identity:#}");
        assert_eq!(identity["sha256"], digest.as_str(), "{identity:#}");
        assert_eq!(identity["entry"], json!(script.canonicalize().unwrap()));
    }
    assert_eq!(record["server"], "files");
    let shown = home.cli(&["status"]).out;
    assert!(shown.contains(&format!("files ({package})")), "{shown}");
    client.close();
}

/// What was asked of the registry.
fn asked(home: &Home) -> Vec<String> {
    let log = std::fs::read_to_string(home.file("registry.log")).unwrap_or_default();
    log.lines().map(str::to_owned).collect()
}

/// Makes npm ask this registry, and keep what it gets below `home`.
pub fn use_registry(home: &Home, port: u16) {
    let settings = format!(
        "registry=http://127.0.0.1:{port}/\ncache={}\nupdate-notifier=false\n",
        home.file("npm-cache").display()
    );
    std::fs::write(home.user().join(".npmrc"), settings).unwrap();
}

pub fn registry(home: &Home) -> (Group, u16) {
    let mut command = Command::new("python3");
    command
        .arg(kit_file("registry.py"))
        .arg(home.file("registry.log"));
    let mut group = Group::spawn(command.stdout(Stdio::piped()).stderr(Stdio::null()));
    let mut line = String::new();
    BufReader::new(group.child().stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    (group, line.trim().parse().unwrap())
}
