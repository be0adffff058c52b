//! The official conformance suite finds the same with our proxy between as without it.
//!
//! The suite's server scenarios speak Streamable HTTP as a client; the reference server passes all
//! of them. Each check of each scenario must come out the same through the daemon, failures of the
//! reference (there are none) and skipped checks included.

use crate::kit::{Daemon, Home, Reference, environment, kit_file};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Scenario, check and what the suite thought of it; equal ones are counted.
type Story = BTreeMap<[String; 4], usize>;

/// What a revision asks of a server, in suite 0.2.0-alpha.12: scenarios, and checks that pass.
struct Requirements {
    revision: &'static str,
    scenarios: usize,
    passing: usize,
}

const HANDSHAKE: Requirements = Requirements {
    revision: "2025-11-25",
    scenarios: 33,
    passing: 84,
};
const STATELESS: Requirements = Requirements {
    revision: "2026-07-28",
    scenarios: 50,
    passing: 196,
};

/// A check that tells of each event which a client gets that comes back to its stream. The reference
/// server greets one that is back before the answer with an event more (`_replay_events` of the Python
/// SDK), so how many there are depends on who is quicker; that none comes twice does not.
const RACE: [&str; 2] = ["server-sse-polling", "incoming-sse-event"];

/// Runs every scenario of a revision against `url`.
#[track_caller]
fn suite(url: &str, revision: &str) -> Story {
    let results = tempfile::tempdir().unwrap();
    let output = Command::new(environment().node())
        .arg(environment().npm("conformance/dist/index.js"))
        .args([
            "server",
            "--url",
            url,
            "--requirements",
            revision,
            "--timeout",
            "60000",
        ])
        .arg("--output-dir")
        .arg(results.path())
        .env(
            "NODE_OPTIONS",
            format!("--require={}", kit_file("patient.cjs")),
        )
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{revision} at {url}:\n{told}");
    let mut story = Story::new();
    for folder in fs::read_dir(results.path()).unwrap() {
        let folder = folder.unwrap().path();
        tell(&mut story, &scenario(&folder), &folder);
    }
    story
}

/// Adds the checks of one scenario's results.
fn tell(story: &mut Story, scenario: &str, results: &Path) {
    let checks = fs::read(results.join("checks.json")).unwrap();
    let checks: Vec<Value> = serde_json::from_slice(&checks).unwrap();
    let mut events = std::collections::BTreeSet::new();
    for check in checks {
        let part = |name: &str| check[name].as_str().unwrap().to_owned();
        let key = [
            scenario.to_owned(),
            part("id"),
            part("name"),
            part("status"),
        ];
        let races = [key[0].as_str(), key[1].as_str()] == RACE && key[3] == "INFO";
        let details = &check["details"];
        // The answer among them is told of a second time, without a type.
        if let (true, Some(event)) = (
            races && details["eventType"].is_string(),
            details["eventId"].as_str(),
        ) {
            assert!(events.insert(event.to_owned()), "{event} came twice");
        }
        let times = story.entry(key).or_default();
        *times = if races { 1 } else { *times + 1 };
    }
}

/// The folder of a scenario's results is `server-NAME-TIME`, the time as in 2026-11-25T13-38-56-135Z.
fn scenario(folder: &Path) -> String {
    let name = folder.file_name().unwrap().to_str().unwrap();
    let time = "-2026-11-25T13-38-56-135Z".len();
    name["server-".len()..name.len() - time].to_owned()
}

/// How often the suite said `status`.
fn count(story: &Story, status: &str) -> usize {
    let of = |(key, times): (&[String; 4], &usize)| (key[3] == status).then_some(*times);
    story.iter().filter_map(of).sum()
}

/// The differences, so that a failure names its scenario and check.
#[track_caller]
fn same(direct: &Story, proxied: &Story) {
    let only = |one: &Story, other: &Story| -> Vec<String> {
        one.iter()
            .filter(|(key, times)| other.get(*key) != Some(times))
            .map(|(key, times)| format!("{times} × {}", key.join(" · ")))
            .collect()
    };
    let (lost, new) = (only(direct, proxied), only(proxied, direct));
    assert!(
        lost.is_empty() && new.is_empty(),
        "only direct: {lost:#?}\nonly through us: {new:#?}"
    );
}

#[track_caller]
fn check(requirements: &Requirements) {
    let Requirements {
        revision,
        scenarios,
        passing,
    } = *requirements;
    // One server each: scenarios change what the server remembers.
    let (alone, behind) = (Reference::start(), Reference::start());
    let home = Home::new();
    home.configure(&format!(
        "mcp_listen = \"127.0.0.1:0\"\n[upstreams.reference]\nurl = \"{}\"",
        behind.url
    ));
    let _daemon = Daemon::start(&home);
    let url = home.mcp_url("reference");
    // The suite mostly waits, so both run at once.
    let (direct, proxied) = std::thread::scope(|scope| {
        let direct = scope.spawn(|| suite(&alone.url, revision));
        let proxied = suite(&url, revision);
        (direct.join().unwrap(), proxied)
    });
    let names: std::collections::BTreeSet<&String> = direct.keys().map(|key| &key[0]).collect();
    println!(
        "{revision}: {} scenarios, {} checks pass directly, {} through us, {} skipped or informative",
        names.len(),
        count(&direct, "SUCCESS"),
        count(&proxied, "SUCCESS"),
        count(&direct, "SKIPPED") + count(&direct, "INFO"),
    );
    assert_eq!(names.len(), scenarios);
    assert_eq!(count(&direct, "SUCCESS"), passing);
    for status in ["FAILURE", "WARNING"] {
        assert_eq!(count(&direct, status), 0, "{direct:#?}");
    }
    same(&direct, &proxied);
    assert!(!home.records("server:reference").is_empty());
    home.verify_audit();
}

#[test]
fn the_conformance_suite_of_the_handshake_era_sees_no_difference() {
    check(&HANDSHAKE);
}

#[test]
fn the_conformance_suite_of_the_stateless_era_sees_no_difference() {
    check(&STATELESS);
}

/// Every client scenario of the suite that is not about logging in: through a proxy with another
/// address a client would have to log in at that address.
const CLIENT: [(&str, &str); 11] = [
    ("2025-11-25", "initialize"),
    ("2025-11-25", "tools_call"),
    ("2025-11-25", "elicitation-sep1034-client-defaults"),
    ("2025-11-25", "sse-retry"),
    ("2026-07-28", "tools_call"),
    ("2026-07-28", "request-metadata"),
    ("2026-07-28", "sep-2322-client-request-state"),
    ("2026-07-28", "http-standard-headers"),
    ("2026-07-28", "http-custom-headers"),
    ("2026-07-28", "http-invalid-tool-headers"),
    ("2026-07-28", "json-schema-ref-no-deref"),
];

/// Runs one client scenario; `client` is started with the suite's URL as its last word.
#[track_caller]
fn client_scenario(client: &str, (revision, scenario): (&str, &str)) -> Story {
    let results = tempfile::tempdir().unwrap();
    let output = Command::new(environment().node())
        .arg(environment().npm("conformance/dist/index.js"))
        .args(["client", "--command", client, "--scenario", scenario])
        .args([
            "--spec-version",
            revision,
            "--timeout",
            "60000",
            "--output-dir",
        ])
        .arg(results.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let folder = fs::read_dir(results.path()).unwrap().next();
    let folder = folder.unwrap_or_else(|| panic!("{scenario}: {output:?}"));
    let mut story = Story::new();
    tell(
        &mut story,
        &format!("{revision} {scenario}"),
        &folder.unwrap().path(),
    );
    story
}

/// Runs all of them, a few at once: each mostly waits for programs to start.
fn client_suite(client: &str) -> Story {
    let mut story = Story::new();
    for few in CLIENT.chunks(2) {
        std::thread::scope(|scope| {
            let run = |one| scope.spawn(move || client_scenario(client, one));
            let running: Vec<_> = few.iter().copied().map(run).collect();
            for one in running {
                story.extend(one.join().unwrap());
            }
        });
    }
    story
}

#[test]
fn the_client_scenarios_of_the_suite_see_no_difference() {
    let home = Home::new();
    let client = format!(
        "{} {}",
        environment().python.display(),
        kit_file("suite_client.py")
    );
    let between = format!(
        "python3 {} {} {} {client}",
        kit_file("suite_between.py"),
        env!("CARGO_BIN_EXE_clawdefender"),
        home.root().display(),
    );
    let (direct, proxied) = (client_suite(&client), client_suite(&between));
    println!(
        "{} client scenarios: {} checks pass directly, {} through us",
        CLIENT.len(),
        count(&direct, "SUCCESS"),
        count(&proxied, "SUCCESS"),
    );
    // Two more fail in both ways: this client sends each argument, so it never leaves one out.
    assert_eq!(count(&direct, "SUCCESS"), 65, "{direct:#?}");
    same(&direct, &proxied);
}
