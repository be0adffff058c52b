//! The official servers with the real clients: through us everything is as without us.
//!
//! Policy is the default profile, `balanced`: what these servers are and do must not be held up.

use crate::kit::{Daemon, Home, Place, Plan, Sdk, Way, environment, kit_file};
use crate::plans;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

const HANDSHAKE: &[Sdk] = &[Sdk::Python, Sdk::TypeScript];
const BOTH_ERAS: &[Sdk] = &[Sdk::Python, Sdk::PythonStateless, Sdk::TypeScript];

/// Each client's session, twice.
#[track_caller]
fn check(home: &Home, sdks: &[Sdk], anew: impl Fn(), plan: impl Fn(Sdk) -> Plan) {
    let _daemon = Daemon::start(home);
    for sdk in sdks {
        let plan = plan(*sdk);
        anew();
        let direct = plan.walk(home, *sdk, Way::Direct);
        anew();
        let proxied = plan.walk(home, *sdk, Way::Proxied);
        let revision = match sdk {
            Sdk::PythonStateless => "2026-07-28",
            Sdk::Python | Sdk::TypeScript => "2025-11-25",
        };
        assert_eq!(direct["revision"], revision);
        same(&timeless(direct), &timeless(proxied.clone()));
        all_recorded(home, &plan, &proxied);
    }
}

/// Step by step, so that a difference names its step.
#[track_caller]
pub fn same(direct: &Value, proxied: &Value) {
    for part in ["steps", "heard"] {
        let of = |story: &Value| story[part].as_array().unwrap().clone();
        for (this, that) in of(direct).iter().zip(&of(proxied)) {
            assert_eq!(this, that, "{part}");
        }
    }
    for (part, this) in direct.as_object().unwrap() {
        assert_eq!(this, &proxied[part], "{part}");
    }
    assert_eq!(direct, proxied);
}

/// SHA-256 of `{}`.
const EMPTY_OBJECT: &str = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

/// Every listed tool was called and has a record of call and answer, and nothing was held up.
#[track_caller]
pub fn all_recorded(home: &Home, plan: &Plan, story: &Value) {
    let records = home.records(&format!("server:{}", plan.name));
    let stopped = records.iter().find(|record| {
        // A record of what is no message has no decision. And the everything server stores `{}` for
        // the empty event that begins a stream, and sends that when a client resumes: no message
        // either, and no client takes it for one.
        let empty = plan.name.starts_with("everything") && record["digest"] == EMPTY_OBJECT;
        let action = record["decision"]["action"].as_str();
        !empty && action.is_some_and(|action| !["allow", "log"].contains(&action))
    });
    assert_eq!(stopped, None);
    for tool in story["tools"]["names"].as_array().unwrap() {
        for direction in ["to-server", "to-client"] {
            let found = records.iter().any(|record| {
                record["method"] == "tools/call"
                    && record["name"] == *tool
                    && record["direction"] == direction
            });
            assert!(found, "no record of {tool} {direction}");
        }
    }
}

/// Without what differs between two runs of the same server, whoever is between:
///
/// - hours: `lastModified`, `createdAt`, `lastUpdatedAt`, `datetime`, and "created at …";
/// - random names: `taskId`, and what stands where a session's name does;
/// - levels of the simulated log, which are drawn by lot;
/// - the order of environment variables, and that in which independent messages arrive.
pub fn timeless(mut story: Value) -> Value {
    fn walk(value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some((before, _)) = text.split_once("created at ") {
                    *text = before.to_owned();
                }
                for word in [" for session ", " from session "] {
                    if let Some((before, _)) = text.split_once(word) {
                        *text = before.to_owned();
                    }
                }
                if let Ok(mut object @ Value::Object(_)) = serde_json::from_str(text) {
                    walk(&mut object);
                    *text = object.to_string();
                }
            }
            Value::Array(list) => list.iter_mut().for_each(walk),
            Value::Object(map) => {
                let random = [
                    "lastModified",
                    "createdAt",
                    "lastUpdatedAt",
                    "datetime",
                    "day_of_week",
                    "is_dst",
                    "taskId",
                ];
                map.retain(|name, _| !random.contains(&name.as_str()));
                map.values_mut().for_each(walk);
            }
            _ => {}
        }
    }
    walk(&mut story);
    let heard = story["heard"].as_array_mut().unwrap();
    heard.retain(|message| {
        let text = message.to_string();
        !text.contains("-level message") && !text.contains("level-message")
    });
    heard.sort_by_key(Value::to_string);
    heard.dedup();
    story
}

#[test]
fn the_everything_server_answers_through_us_as_it_does_directly() {
    let home = Home::new();
    check(
        &home,
        HANDSHAKE,
        || {},
        |sdk| plans::everything(sdk == Sdk::TypeScript),
    );
}

#[test]
fn the_filesystem_server_answers_through_us_as_it_does_directly() {
    let home = Home::new();
    let moved = home.user().join("work/made/moved.txt");
    let anew = || plans::filesystem_anew(&home);
    check(&home, HANDSHAKE, anew, |_| plans::filesystem(&home));
    assert_eq!(fs::read_to_string(moved).unwrap(), "one\nthree\n");
}

#[test]
fn the_memory_server_answers_through_us_as_it_does_directly() {
    let home = Home::new();
    let anew = || plans::memory_anew(&home);
    check(&home, HANDSHAKE, anew, |_| plans::memory(&home));
}

#[test]
fn the_git_server_answers_through_us_as_it_does_directly() {
    let home = Home::new();
    let anew = || plans::git_anew(&home);
    check(&home, BOTH_ERAS, anew, |_| plans::git(&home));
}

#[test]
fn the_time_server_answers_through_us_as_it_does_directly() {
    let home = Home::new();
    check(&home, BOTH_ERAS, || {}, |_| plans::time());
}

#[test]
fn the_fetch_server_answers_through_us_as_it_does_directly() {
    let home = Home::new();
    let page = page();
    check(&home, BOTH_ERAS, || {}, |_| plans::fetch(&page));
}

#[test]
fn a_server_of_the_stateless_era_answers_through_us_as_it_does_directly() {
    let home = Home::new();
    check(
        &home,
        &[Sdk::PythonStateless],
        || {},
        |_| {
            let steps = json!([
                ["call", "add", { "a": 40, "b": 2 }],
                ["call", "greet", { "name": "世界" }],
                ["call", "fail", {}],
            ]);
            modern(steps)
        },
    );
}

fn modern(steps: Value) -> Plan {
    let python = environment().python.to_str().unwrap().to_owned();
    Plan::stdio("modern", vec![python, kit_file("modern.py")], steps)
}

#[test]
fn a_refused_call_is_a_valid_answer_for_the_real_clients_in_both_eras() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    let key = home.user().join(".ssh/id_ed25519");
    fs::create_dir_all(key.parent().unwrap()).unwrap();
    fs::write(&key, "not a real key\n").unwrap();
    let mut filesystem = plans::filesystem(&home);
    if let Place::Stdio(command) = &mut filesystem.place {
        *command.last_mut().unwrap() = home.user().to_str().unwrap().to_owned();
    }
    filesystem.steps = json!([["call", "read_file", { "path": key }]]);
    let modern = modern(json!([["call", "greet", { "name": key }]]));
    for (plan, sdk) in [
        (&filesystem, Sdk::Python),
        (&filesystem, Sdk::TypeScript),
        (&modern, Sdk::PythonStateless),
    ] {
        let answer = |story: &Value| {
            let steps = story["steps"].as_array().unwrap();
            steps.last().unwrap()[1]["result"].clone()
        };
        let direct = plan.walk(&home, sdk, Way::Direct);
        assert_ne!(answer(&direct)["isError"], true, "{direct:#}");
        let proxied = plan.walk(&home, sdk, Way::Proxied);
        let refused = answer(&proxied);
        assert_eq!(refused["isError"], true, "{refused:#}");
        let told = refused["content"][0]["text"].as_str().unwrap();
        assert!(told.starts_with("Blocked by ClawDefender"));
        let steps = |story: &Value| story["steps"].as_array().unwrap().len();
        assert_eq!(steps(&proxied), steps(&direct), "the session goes on");
    }
}

/// Serves one page on loopback, and nothing else; its URL.
fn page() -> String {
    const PAGE: &str = "<html><head><title>Tides</title></head><body><h1>Tides</h1>\
        <p>High water at <b>six</b>. <a href=\"/table\">The table</a>.</p></body></html>";
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/tides", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let first = lines.next().unwrap_or_default();
            lines.find(String::is_empty);
            let (status, body) = match first.split(' ').nth(1) {
                Some("/tides") => ("200 OK", PAGE),
                _ => ("404 Not Found", ""),
            };
            let head = format!(
                "Content-Type: text/html\r\nContent-Length: {}\r\nConnection: close",
                body.len()
            );
            // Who hangs up early has what it wanted.
            let _ = write!(&stream, "HTTP/1.1 {status}\r\n{head}\r\n\r\n{body}");
        }
    });
    url
}
