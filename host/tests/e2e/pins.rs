//! A server that is no longer what it was when it was last allowed is asked about before it runs.

use crate::ask::waiting;
use crate::kit::{Client, Daemon, Home, launched};
use crate::launch::{PACKAGE, registry, use_registry};
use crate::supply::at_terminal;
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

/// Starts this version through npx and greets it; whether it ran.
fn runs(home: &Home, version: &str) -> bool {
    let package = format!("{PACKAGE}@{version}");
    let before = marks(home);
    let mut client = greeter(home, &package);
    let greeting = json!({ "protocolVersion": "2025-11-25", "capabilities": {} });
    let answer = client.request("initialize", greeting);
    client.close();
    let ran = marks(home) != before;
    assert_eq!(ran, answer["result"].is_object(), "{answer:#}");
    if ran {
        assert!(marks(home).ends_with(&format!("{version}\n")));
    }
    ran
}

/// A client apart from this process, so that this process may answer.
fn greeter(home: &Home, package: &str) -> Client {
    let shim = home.program(&["proxy", "--server", "greeter", "--", "npx", "-y", package]);
    Client::start(launched(home, &shim).env("GREETER_MARK", home.file("marks")))
}

/// The versions whose code ran.
fn marks(home: &Home) -> String {
    fs::read_to_string(home.file("marks")).unwrap_or_default()
}

fn last_rules(home: &Home) -> Vec<String> {
    let launch = home.records("type:launch").pop().unwrap();
    let findings = launch["findings"].as_array().cloned().unwrap_or_default();
    let rules = findings.iter().map(|finding| finding["rule"].as_str());
    rules.map(|rule| rule.unwrap().to_owned()).collect()
}

#[test]
fn another_version_or_other_content_is_asked_about_and_only_a_person_accepts_it() {
    let home = Home::new();
    home.configure("ask_hold_s = 1");
    let daemon = Daemon::start(&home);
    let (_registry, port) = registry(&home);
    use_registry(&home, port);
    let pins = || home.cli(&["pins", "list", "--json"]).done().json()["pins"].clone();
    assert_eq!(pins(), json!([]));

    assert!(runs(&home, "1.0.1"));
    let named = format!("npm:{PACKAGE}@1.0.1");
    assert_eq!(pins()[0]["accepted"][0]["named"], named.as_str());
    assert!(runs(&home, "1.0.1"), "the same again");

    // Another version: nobody is there to be asked.
    assert!(!runs(&home, "1.0.0"));
    assert!(last_rules(&home).contains(&"pins.version".to_owned()));
    let refused = &pins()[0]["refused"];
    assert_eq!(refused["named"], format!("npm:{PACKAGE}@1.0.0"));
    // What was allowed before still is.
    assert!(runs(&home, "1.0.1"));
    assert!(!runs(&home, "1.0.0"));

    // No program accepts it, and nobody by mistake.
    assert_eq!(home.cli(&["pins", "accept", "greeter"]).code, 4);
    assert_ne!(
        at_terminal(&home, "yes\n", &["pins", "accept", "greeter"]).code,
        0
    );
    assert!(!runs(&home, "1.0.0"));
    let accepted = at_terminal(&home, "greeter\n", &["pins", "accept", "greeter"]);
    assert_eq!(accepted.code, 0, "{}", accepted.err);
    home.record("kind:pin-accepted");
    assert!(runs(&home, "1.0.0"));
    assert_eq!(
        at_terminal(&home, "greeter\n", &["pins", "accept", "greeter"]).code,
        3
    );

    // The same version with other content, after a restart.
    assert!(runs(&home, "1.0.0"), "now its file is known");
    drop(daemon);
    let daemon = Daemon::start(&home);
    let accepted = pins()[0]["accepted"].as_array().unwrap().clone();
    let newest = accepted.last().unwrap();
    assert_eq!(
        newest["package"],
        format!("npm:{PACKAGE}@1.0.0"),
        "{newest:#}"
    );
    let entry = newest["entry"].as_str().unwrap().to_owned();
    let program = fs::read_to_string(&entry).unwrap();
    fs::write(&entry, format!("{program}\n// added\n")).unwrap();
    assert!(!runs(&home, "1.0.0"));
    assert!(last_rules(&home).contains(&"pins.content".to_owned()));
    fs::write(&entry, &program).unwrap();
    assert!(runs(&home, "1.0.0"), "what was pinned is back");

    // A person forgets it, and then it is new.
    assert_eq!(home.cli(&["pins", "remove", "greeter"]).code, 4);
    let removed = at_terminal(&home, "greeter\n", &["pins", "remove", "greeter"]);
    assert_eq!(removed.code, 0, "{}", removed.err);
    fs::write(&entry, format!("{program}\n// added\n")).unwrap();
    assert!(runs(&home, "1.0.0"));

    // Pins that somebody else wrote are none, and every launch is asked about.
    drop(daemon);
    let path = home.root().join("pins.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("1.0.0", "1.0.1")).unwrap();
    let _daemon = Daemon::start(&home);
    home.record("kind:pins-refused");
    assert_eq!(home.cli(&["pins", "list"]).code, 1);
    assert!(!runs(&home, "1.0.0"));
    assert!(last_rules(&home).contains(&"pins.unreadable".to_owned()));
    assert_eq!(home.cli(&["pins", "reset"]).code, 4);
    let reset = at_terminal(&home, "reset\n", &["pins", "reset"]);
    assert_eq!(reset.code, 0, "{}", reset.err);
    assert!(runs(&home, "1.0.0"));
    home.verify_audit();
}

#[test]
fn a_file_exchanged_while_a_person_reads_is_not_started() {
    let home = Home::new();
    home.configure("ask_hold_s = 60");
    let _daemon = Daemon::start(&home);
    let (_registry, port) = registry(&home);
    use_registry(&home, port);
    for _ in 0..2 {
        assert!(runs(&home, "1.0.0"));
    }
    let pins = home.cli(&["pins", "list", "--json"]).done().json();
    let entry = pins["pins"][0]["accepted"][0]["entry"].as_str().unwrap();
    let program = fs::read_to_string(entry).unwrap();
    let before = marks(&home);
    for exchanged in [true, false] {
        fs::write(entry, format!("{program}\n// one\n")).unwrap();
        let package = format!("{PACKAGE}@1.0.0");
        let mut client = greeter(&home, &package);
        let greeting = json!({ "protocolVersion": "2025-11-25", "capabilities": {} });
        client.ask("initialize", greeting);
        let question = waiting(&home);
        if exchanged {
            fs::write(entry, format!("{program}\n// two\n")).unwrap();
        }
        home.cli(&["approve", &question]).done();
        let answer = client.message();
        assert_eq!(answer["result"].is_object(), !exchanged, "{answer:#}");
        client.close();
        assert_eq!(marks(&home) == before, exchanged);
    }
    let denied = home.record("type:launch verdict:deny");
    let reason = denied["decision"]["reason"].as_str().unwrap();
    assert!(reason.contains("exchanged"), "{denied:#}");
}

#[test]
fn pipes_in_place_of_what_is_sealed_hold_nobody_up() {
    let home = Home::new();
    drop(Daemon::start(&home));
    for name in ["pins.json", "overrides.json", "feeds-reached.json"] {
        let path = home.root().join(name);
        let _ = fs::remove_file(&path);
        assert!(
            Command::new("mkfifo")
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
    }
    let _daemon = Daemon::start(&home);
    for kind in ["pins-refused", "overrides-refused", "feeds-reached-refused"] {
        home.record(&format!("kind:{kind}"));
    }
}

#[test]
fn a_scan_tells_what_changed_since_it_was_allowed() {
    let home = Home::new();
    home.configure("ask_hold_s = 1");
    let _daemon = Daemon::start(&home);
    let (_registry, port) = registry(&home);
    use_registry(&home, port);
    assert!(runs(&home, "1.0.1"));
    let configure = |version: &str| {
        let server = json!({ "command": "npx", "args": ["-y", format!("{PACKAGE}@{version}")] });
        let text = json!({ "mcpServers": { "greeter": server } }).to_string();
        fs::create_dir_all(home.user().join(".cursor")).unwrap();
        fs::write(home.user().join(".cursor/mcp.json"), text).unwrap();
    };
    let scanned = || -> Value { home.cli(&["scan", "--json"]).json()["servers"][0].clone() };
    configure("1.0.1");
    assert_eq!(scanned()["pin"], "pinned");
    assert_eq!(scanned()["decision"]["action"], "allow");
    configure("1.0.0");
    let server = scanned();
    assert_eq!(server["pin"], "changed", "{server:#}");
    assert_eq!(server["decision"]["action"], "ask", "{server:#}");
    // Looking changes nothing.
    assert!(!runs(&home, "1.0.0"));
}
