//! Published servers over HTTP: the real client hears through us what it hears directly.

use super::patient;
use crate::kit::{Daemon, Home, environment, kit_file, on_a_port};
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

/// One session of the real Python client, told as JSON.
#[track_caller]
fn session(home: &Home, plan: &Value) -> Value {
    let file = home.file("plan.json");
    fs::write(&file, plan.to_string()).unwrap();
    let mut python = Command::new(&environment().python);
    let output = home
        .lend(&mut python)
        .arg(kit_file("session.py"))
        .arg(&file)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{plan}: {errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The same session directly and through us.
#[track_caller]
fn both_ways(home: &Home, kind: &str, url: &str, stateless: bool, calls: &Value) -> (Value, Value) {
    let mut direct = json!({ "stateless": stateless, "calls": calls, "only": true });
    direct[kind] = json!(url);
    let proxied = json!({
        "stateless": stateless, "calls": calls, "only": true, "cwd": home.user(),
        "command": env!("CARGO_BIN_EXE_clawdefender"),
        "args": ["proxy", "--server", "far", "--url", url],
        "env": { "HOME": home.user(), "PATH": std::env::var("PATH").unwrap(), "CLAWDEFENDER_HOME": home.root() },
    });
    (session(home, &direct), session(home, &proxied))
}

#[track_caller]
fn same(direct: &Value, proxied: &Value) {
    let calls = |story: &Value| story["calls"].as_array().unwrap().clone();
    for (this, that) in calls(direct).iter().zip(&calls(proxied)) {
        assert_eq!(this, that);
    }
    assert_eq!(direct, proxied);
}

#[test]
fn the_everything_server_answers_over_both_transports_as_it_does_directly() {
    let home = patient();
    let _daemon = Daemon::start(&home);
    let script = environment().npm_server("server-everything");
    let calls = json!([
        ["echo", { "message": "grüße, 世界" }],
        ["get-sum", { "a": 40, "b": 2 }],
        ["get-structured-content", { "location": "Chicago" }],
        ["trigger-sampling-request", { "prompt": "hello", "maxTokens": 10 }],
        ["trigger-long-running-operation", { "duration": 1, "steps": 2 }],
    ]);
    for (mode, kind, path) in [("streamableHttp", "http", "mcp"), ("sse", "sse", "sse")] {
        let mut command = Command::new("node");
        let (_server, port) = on_a_port(command.arg(&script).arg(mode));
        let url = format!("http://127.0.0.1:{port}/{path}");
        let (direct, proxied) = both_ways(&home, kind, &url, false, &calls);
        let sampled = &proxied["calls"][3][1]["content"][0]["text"];
        assert!(sampled.as_str().unwrap().contains("sampled"), "{sampled}");
        same(&timeless(direct), &timeless(proxied));
    }
}

/// Without what a server makes anew for each run: the hour, its own environment, its files' times.
fn timeless(mut story: Value) -> Value {
    fn walk(value: &mut Value) {
        match value {
            Value::String(text) => {
                for mark in ["created at ", "for session "] {
                    if let Some((before, _)) = text.split_once(mark) {
                        *text = before.to_owned();
                    }
                }
            }
            Value::Array(list) => list.iter_mut().for_each(walk),
            Value::Object(map) => {
                map.remove("lastModified");
                map.values_mut().for_each(walk);
            }
            _ => {}
        }
    }
    walk(&mut story);
    story
}

#[test]
fn a_python_server_answers_in_both_eras_as_it_does_directly() {
    let home = patient();
    let _daemon = Daemon::start(&home);
    let mut command = Command::new(&environment().python);
    let (_server, port) = on_a_port(command.arg(kit_file("modern.py")).arg("{port}"));
    let url = format!("http://127.0.0.1:{port}/mcp");
    let calls = json!([["add", { "a": 40, "b": 2 }], ["greet", { "name": "世界" }], ["fail", {}]]);
    for (stateless, revision) in [(true, "2026-07-28"), (false, "2025-11-25")] {
        let (direct, proxied) = both_ways(&home, "http", &url, stateless, &calls);
        assert_eq!(direct["revision"], revision);
        same(&direct, &proxied);
    }
    let launch = &home.records("type:launch")[0];
    assert_eq!(
        launch["package"],
        format!("http://127.0.0.1:{port}"),
        "{launch:#}"
    );
}
