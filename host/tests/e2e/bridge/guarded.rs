//! What must not reach a server or a record, what must survive, and who is believed.

use super::{open, patient, proxy, refused};
use crate::kit::{Client, Daemon, Far, Home, certificates, text, wait_for};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;

#[test]
fn what_is_refused_never_reaches_the_server() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    let web = Far::start(&home);
    let mut client = open(&home, &web, &[]);
    let key = home.user().join(".ssh/id_ed25519");
    let blocked = client.call("echo", json!({ "text": "x", "path": key }));
    assert_eq!(blocked["result"]["isError"], true, "{blocked:#}");
    assert!(text(&blocked).starts_with("Blocked by ClawDefender"));
    assert_eq!(
        text(&client.call("echo", json!({ "text": "innocent" }))),
        "innocent"
    );
    client.close();
    assert!(!web.saw("id_ed25519") && web.saw("innocent"));
}

#[test]
fn a_refused_address_is_not_even_contacted() {
    let home = Home::new();
    home.policy(
        "[[rule]]\nid = \"nowhere\"\naction = \"deny\"\n[rule.match]\nkind = \"server-launch\"\nhost = \"127.0.0.1\"",
    );
    let _daemon = Daemon::start(&home);
    let web = Far::start(&home);
    let mut client = Client::start(&mut proxy(&home, &web.url, &[]));
    let answer = client.request(
        "initialize",
        json!({ "protocolVersion": "2025-11-25", "capabilities": {} }),
    );
    refused(&answer, "Blocked by ClawDefender (rule nowhere");
    client.close();
    assert!(web.requests().is_empty());
}

#[test]
fn header_values_reach_the_server_and_no_record() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    let web = Far::start(&home);
    let mut command = proxy(
        &home,
        &web.url,
        &[
            "--header-env",
            "Authorization=TOKEN",
            "--header",
            "X-Region: eu-7531",
        ],
    );
    let mut client = Client::start(command.env("TOKEN", "Bearer hunter-2-unguessable"));
    client.request(
        "initialize",
        json!({ "protocolVersion": "2025-11-25", "capabilities": {} }),
    );
    client.close();
    let headers = &web.requests()[0]["headers"];
    assert_eq!(headers["authorization"], "Bearer hunter-2-unguessable");
    assert_eq!(headers["x-region"], "eu-7531");
    let launch = home.record("type:launch").to_string();
    assert!(
        launch.contains(&web.url) && launch.contains("TOKEN"),
        "{launch}"
    );
    for entry in fs::read_dir(home.root().join("audit")).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap_or_default();
        let log = String::from_utf8_lossy(&bytes);
        assert!(!log.contains("unguessable") && !log.contains("eu-7531"));
    }
}

#[test]
fn only_a_certificate_of_the_named_authority_is_believed() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    let (ca, certificate, key) = certificates(&home.file("certificates"));
    let web = Far::secure(&home, &certificate, &key);
    let mut doubting = Client::start(&mut proxy(&home, &web.url, &[]));
    let answer = doubting.request(
        "initialize",
        json!({ "protocolVersion": "2025-11-25", "capabilities": {} }),
    );
    refused(&answer, "can't be reached");
    doubting.close();
    assert!(web.requests().is_empty());
    let mut client = open(&home, &web, &["--ca-file", ca.to_str().unwrap()]);
    assert_eq!(
        text(&client.call("echo", json!({ "text": "over tls" }))),
        "over tls"
    );
    client.close();
}

#[test]
fn a_killed_daemon_loses_no_call_over_http() {
    const CALLS: u64 = 120;
    let home = patient();
    let first = Daemon::start(&home);
    let web = Far::start(&home);
    let mut client = open(&home, &web, &[]);
    let mut daemon = first.id();
    let mut open = BTreeSet::new();
    let mut sent = 0;
    for answered in 0..CALLS {
        while sent < CALLS && open.len() < 8 {
            sent += 1;
            open.insert(client.ask(
                "tools/call",
                json!({ "name": "echo", "arguments": { "text": format!("call {sent}") } }),
            ));
        }
        if answered == CALLS / 3 || answered == CALLS / 2 {
            let pid = Pid::from_raw(i32::try_from(daemon).unwrap()).unwrap();
            kill_process(pid, Signal::KILL).unwrap();
            daemon = wait_for("another daemon", || {
                let status: Value =
                    serde_json::from_str(&home.cli(&["status", "--json"]).out).ok()?;
                u32::try_from(status["pid"].as_u64()?)
                    .ok()
                    .filter(|pid| *pid != daemon)
            });
        }
        let answer = client.message();
        assert!(text(&answer).starts_with("call "), "{answer:#}");
        assert!(
            open.remove(&answer["id"].as_u64().unwrap()),
            "answered twice"
        );
    }
    client.close();
    let mut said: Vec<String> = web
        .requests()
        .iter()
        .filter_map(|request| serde_json::from_str::<Value>(request["body"].as_str()?).ok())
        .filter_map(|body| Some(body["params"]["arguments"]["text"].as_str()?.to_owned()))
        .collect();
    said.sort();
    let count = said.len();
    said.dedup();
    assert_eq!(
        (said.len() as u64, count as u64),
        (CALLS, CALLS),
        "each call arrived once"
    );
    home.verify_audit();
}
