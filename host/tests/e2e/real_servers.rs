//! Published servers with the real Python client: through the proxy everything is as without it.

use crate::kit::{Daemon, Home, environment, kit_file};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

/// How the server is reached.
enum Way {
    Direct,
    Proxied,
}

struct Plan {
    name: &'static str,
    command: Vec<String>,
    stateless: bool,
    calls: Value,
}

/// One session, told as JSON.
#[track_caller]
fn session(home: &Home, plan: &Plan, way: &Way) -> Value {
    let mut command = match way {
        Way::Direct => Vec::new(),
        Way::Proxied => ["proxy", "--server", plan.name, "--"]
            .map(str::to_owned)
            .to_vec(),
    };
    command.extend(plan.command.iter().cloned());
    if matches!(way, Way::Proxied) {
        command.insert(0, env!("CARGO_BIN_EXE_clawdefender").to_owned());
    }
    // The same in both ways but for our own variable, which the server must not see.
    let mut env =
        json!({ "HOME": home.user(), "PATH": std::env::var("PATH").unwrap(), "LANG": "C.UTF-8" });
    if matches!(way, Way::Proxied) {
        env["CLAWDEFENDER_HOME"] = json!(home.root());
    }
    let file = home.file("plan.json");
    let body = json!({
        "command": command[0], "args": command[1..], "env": env, "cwd": home.user(),
        "stateless": plan.stateless, "calls": plan.calls,
    });
    fs::write(&file, body.to_string()).unwrap();
    let mut python = Command::new(&environment().python);
    let output = home
        .lend(&mut python)
        .arg(kit_file("session.py"))
        .arg(&file)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}: {}",
        plan.name,
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Tool by tool, so that a difference names its tool.
#[track_caller]
fn same(direct: &Value, proxied: &Value) {
    let (these, those) = (
        direct["calls"].as_array().unwrap(),
        proxied["calls"].as_array().unwrap(),
    );
    for (this, that) in these.iter().zip(those) {
        assert_eq!(this, that);
    }
    assert_eq!(direct, proxied);
}

/// Every listed tool was called and has a record of call and answer, all allowed.
#[track_caller]
fn all_recorded(home: &Home, plan: &Plan, story: &Value) {
    let tools = story["tools"]["tools"].as_array().unwrap();
    let called: Vec<&str> = story["calls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| call[0].as_str().unwrap())
        .collect();
    let records = home.records(&format!("server:{} method:tools/call", plan.name));
    for tool in tools {
        let name = tool["name"].as_str().unwrap();
        assert!(called.contains(&name), "{name} was not called");
        for direction in ["to-server", "to-client"] {
            let found = records
                .iter()
                .any(|record| record["name"] == name && record["direction"] == direction);
            assert!(found, "no record of {name} {direction}");
        }
    }
    let stopped = records
        .iter()
        .find(|record| !["allow", "log"].contains(&record["decision"]["action"].as_str().unwrap()));
    assert_eq!(stopped, None);
}

#[test]
fn the_everything_server_answers_through_us_as_it_does_directly() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    let script = environment().npm_server("server-everything");
    let plan = Plan {
        name: "everything",
        command: vec!["node".into(), script.to_str().unwrap().into()],
        stateless: false,
        calls: json!([
            ["echo", { "message": "grüße, 世界" }],
            ["get-sum", { "a": 40, "b": 2 }],
            ["get-annotated-message", { "messageType": "error", "includeImage": true }],
            ["get-resource-links", { "count": 3 }],
            ["get-resource-reference", { "resourceType": "Text", "resourceId": 1 }],
            ["get-structured-content", { "location": "Chicago" }],
            ["gzip-file-as-resource", { "name": "a.gz", "data": "data:text/plain;base64,aGVsbG8=", "outputType": "resource" }],
            ["trigger-sampling-request", { "prompt": "hello", "maxTokens": 10 }],
            ["trigger-long-running-operation", { "duration": 1, "steps": 4 }],
        ]),
    };
    let direct = session(&home, &plan, &Way::Direct);
    let proxied = session(&home, &plan, &Way::Proxied);
    assert_eq!(direct["revision"], "2025-11-25");
    same(&timeless(direct), &timeless(proxied.clone()));
    all_recorded(&home, &plan, &proxied);
}

#[test]
fn the_filesystem_server_answers_through_us_as_it_does_directly() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    let folder = home.user().join("work");
    let script = environment().npm_server("server-filesystem");
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let plan = Plan {
        name: "filesystem",
        command: vec![
            "node".into(),
            script.to_str().unwrap().into(),
            folder.to_str().unwrap().into(),
        ],
        stateless: false,
        calls: json!([
            ["list_allowed_directories", {}],
            ["read_text_file", { "path": at("kept/notes.md"), "head": 1 }],
            ["read_file", { "path": at("kept/notes.md") }],
            ["read_media_file", { "path": at("kept/dot.png") }],
            ["read_multiple_files", { "paths": [at("kept/notes.md"), at("kept/missing.md")] }],
            ["list_directory", { "path": at("kept") }],
            ["list_directory_with_sizes", { "path": at("kept") }],
            ["directory_tree", { "path": at("kept") }],
            ["search_files", { "path": at("kept"), "pattern": "**/*.md" }],
            ["get_file_info", { "path": at("still.txt") }],
            ["create_directory", { "path": at("made/deep") }],
            ["write_file", { "path": at("made/new.txt"), "content": "one\ntwo\n" }],
            ["edit_file", { "path": at("made/new.txt"), "edits": [{ "oldText": "two", "newText": "three" }] }],
            ["move_file", { "source": at("made/new.txt"), "destination": at("made/moved.txt") }],
        ]),
    };
    fs::create_dir_all(folder.join("kept")).unwrap();
    fs::write(folder.join("kept/notes.md"), "# Notes\nhello\n").unwrap();
    fs::write(folder.join("kept/dot.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    let still = fs::File::create(folder.join("still.txt")).unwrap();
    let then = UNIX_EPOCH + Duration::from_secs(1_750_000_000);
    still
        .set_times(
            fs::FileTimes::new()
                .set_modified(then)
                .set_accessed(then + Duration::from_secs(9)),
        )
        .unwrap();

    let direct = session(&home, &plan, &Way::Direct);
    assert_eq!(
        fs::read_to_string(folder.join("made/moved.txt")).unwrap(),
        "one\nthree\n"
    );
    fs::remove_dir_all(folder.join("made")).unwrap();
    let proxied = session(&home, &plan, &Way::Proxied);
    assert_eq!(
        fs::read_to_string(folder.join("made/moved.txt")).unwrap(),
        "one\nthree\n"
    );
    same(&direct, &proxied);
    all_recorded(&home, &plan, &proxied);
}

#[test]
fn a_server_of_the_stateless_era_answers_through_us_as_it_does_directly() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    let python = environment().python.to_str().unwrap().to_owned();
    let plan = Plan {
        name: "modern",
        command: vec![python, kit_file("modern.py")],
        stateless: true,
        calls: json!([["add", { "a": 40, "b": 2 }], ["greet", { "name": "世界" }], ["fail", {}]]),
    };
    let direct = session(&home, &plan, &Way::Direct);
    let proxied = session(&home, &plan, &Way::Proxied);
    assert_eq!(direct["revision"], "2026-07-28");
    same(&direct, &proxied);
    all_recorded(&home, &plan, &proxied);
}

#[test]
fn a_refused_call_is_a_valid_answer_for_the_real_client_in_both_eras() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    let folder = home.user();
    let folder = folder.to_str().unwrap();
    fs::create_dir_all(Path::new(folder).join(".ssh")).unwrap();
    fs::write(
        Path::new(folder).join(".ssh/id_ed25519"),
        "not a real key\n",
    )
    .unwrap();
    let script = environment().npm_server("server-filesystem");
    let python = environment().python.to_str().unwrap().to_owned();
    let key = format!("{folder}/.ssh/id_ed25519");
    let plans = [
        Plan {
            name: "filesystem",
            command: vec![
                "node".into(),
                script.to_str().unwrap().into(),
                folder.to_owned(),
            ],
            stateless: false,
            calls: json!([["read_file", { "path": key }]]),
        },
        Plan {
            name: "modern",
            command: vec![python, kit_file("modern.py")],
            stateless: true,
            calls: json!([["greet", { "name": key }]]),
        },
    ];
    for plan in plans {
        let direct = session(&home, &plan, &Way::Direct);
        assert_eq!(
            direct["calls"][0][1]["isError"], false,
            "{:#}",
            direct["calls"][0]
        );
        let proxied = session(&home, &plan, &Way::Proxied);
        let answer = &proxied["calls"][0][1];
        assert_eq!(answer["isError"], true, "{answer:#}");
        assert!(
            answer["content"][0]["text"]
                .as_str()
                .unwrap()
                .starts_with("Blocked by ClawDefender")
        );
        let calls = |story: &Value| story["calls"].as_array().unwrap().len();
        assert_eq!(calls(&proxied), calls(&direct), "the session goes on");
    }
}

/// Without what differs between two runs of the same server: the hour, and the order of variables.
fn timeless(mut story: Value) -> Value {
    fn walk(value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some((before, _)) = text.split_once("created at ") {
                    *text = before.to_owned();
                }
                // The environment has no order of its own.
                if let Ok(object @ Value::Object(_)) = serde_json::from_str(text) {
                    *text = object.to_string();
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
