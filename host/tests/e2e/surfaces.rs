//! What is refused is refused in the words of the protocol: every answer of ours is valid under the
//! revision that the request was made in, and what is left of a list stays a list.

use crate::kit::{Client, Daemon, Puppet, environment, kit_file};
use serde_json::{Value, json};
use std::process::Command;

const RULES: &str = r#"
[[rule]]
id = "requests"
action = "deny"
[rule.match]
server = "requests"
direction = "to-server"

[[rule]]
id = "answers"
action = "deny"
[rule.match]
server = "answers"
direction = "to-client"

[[rule]]
id = "back"
action = "deny"
[rule.match]
server = "back"
direction = "to-server"
method = ["sampling/createMessage", "elicitation/create", "roots/list"]
"#;

/// One rule that denies.
fn deny(matches: &str) -> String {
    format!("[[rule]]\nid = \"no\"\naction = \"deny\"\n[rule.match]\n{matches}")
}

/// Requests of a client, by the revisions that have them.
const REQUESTS: &[(&str, &str)] = &[
    ("initialize", "handshake"),
    ("ping", "handshake"),
    ("logging/setLevel", "handshake"),
    ("resources/subscribe", "handshake"),
    ("resources/unsubscribe", "handshake"),
    ("server/discover", "stateless"),
    ("subscriptions/listen", "stateless"),
    ("completion/complete", ""),
    ("prompts/get", ""),
    ("prompts/list", ""),
    ("resources/list", ""),
    ("resources/read", ""),
    ("resources/templates/list", ""),
    ("tools/call", ""),
    ("tools/list", ""),
];

/// Requests of a server; the answers of a client that are refused on their way.
const BACK: &[(&str, &str)] = &[
    (
        "sampling/createMessage",
        r#"{"role":"assistant","model":"m","content":{"type":"text","text":"x"}}"#,
    ),
    (
        "elicitation/create",
        r#"{"action":"accept","content":{"a":"b"}}"#,
    ),
    ("roots/list", r#"{"roots":[{"uri":"file:///srv"}]}"#),
];

#[test]
fn every_refusal_is_valid_under_its_revision() {
    let home = Puppet::home();
    home.policy(RULES);
    let _daemon = Daemon::start(&home);
    let mut rows = Vec::new();
    for name in ["requests", "answers"] {
        let mut client = Puppet::named(&home, name).start();
        for version in [
            "2024-11-05",
            "2025-03-26",
            "2025-06-18",
            "2025-11-25",
            "2026-07-28",
        ] {
            let stateless = version == "2026-07-28";
            for (method, era) in REQUESTS {
                if (*era == "handshake" && stateless) || (*era == "stateless" && !stateless) {
                    continue;
                }
                let mut params = json!({ "name": "x", "protocolVersion": version });
                if stateless {
                    params["_meta"] = json!({ "io.modelcontextprotocol/protocolVersion": version });
                }
                client.ask(method, params);
                let line = client.line();
                assert!(!line.contains("puppet"), "nothing of the server: {line}");
                rows.push(
                    json!({ "to": "client", "method": method, "version": version, "line": line }),
                );
            }
        }
    }
    // A server's requests: refused on the way to the client, or the answer on the way back.
    for (name, version) in [("answers", "2025-06-18"), ("back", "2025-11-25")] {
        let puppet = Puppet::named(&home, name);
        let mut client = puppet.start();
        for (number, (method, result)) in BACK.iter().enumerate() {
            let id = format!("s{number}");
            let ask = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": { "message": "m" } });
            client.ask("x/raw", json!({ "line": ask.to_string() }));
            if name == "back" {
                assert_eq!(client.message()["id"], id.as_str());
                client.send(&format!(
                    r#"{{"jsonrpc":"2.0","id":"{id}","result":{result}}}"#
                ));
            }
            let line = crate::kit::wait_for("an answer at the server", || {
                let mark = format!(r#""id":"{id}""#);
                puppet
                    .seen()
                    .into_iter()
                    .find(|line| line.contains(&mark) && !line.contains("x/raw"))
            });
            assert!(!line.contains("accept") && !line.contains("/srv"), "{line}");
            rows.push(
                json!({ "to": "server", "method": method, "version": version, "line": line }),
            );
        }
    }
    let file = home.file("replies.jsonl");
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    std::fs::write(&file, lines.join("\n")).unwrap();
    let mut python = Command::new(&environment().python);
    let checked = home
        .lend(&mut python)
        .arg(kit_file("replies.py"))
        .arg(&file)
        .output()
        .unwrap();
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );
    let checked: Value = serde_json::from_slice(&checked.stdout).unwrap();
    // Two refusals of two methods in five revisions have a result, as have two of the server's three.
    assert_eq!(checked["results"], 2 * 2 * 5 + 2 * 2, "{checked}");
    assert_eq!(checked["errors"], rows.len() - 24);
}

/// A request that the puppet answers with this result.
#[track_caller]
fn answered(client: &mut Client, method: &str, mut params: Value, result: &Value) -> Value {
    let line = format!(r#"{{"jsonrpc":"2.0","id":$ID,"result":{result}}}"#);
    params["_meta"]["x/line"] = json!(line);
    client.request(method, params)
}

#[test]
fn a_list_without_an_entry_is_still_that_list() {
    let home = Puppet::home();
    home.policy(&deny("kind = \"tool-definition\"\ntool = \"bad\""));
    let _daemon = Daemon::start(&home);
    let mut client = Puppet::new(&home, "lists").start().greeted();
    let tool = |name: &str| json!({ "name": name, "inputSchema": { "type": "object" } });
    let list = json!({
        "resultType": "complete", "ttlMs": 60_000, "cacheScope": "public", "nextCursor": "c2",
        "tools": [tool("one"), tool("bad"), tool("two")],
    });
    let cut = answered(&mut client, "tools/list", json!({}), &list);
    let cut = &cut["result"];
    assert_eq!(cut["tools"], json!([tool("one"), tool("two")]));
    assert_eq!(cut["cacheScope"], "private", "it was made for this client");
    assert_eq!(
        (&cut["ttlMs"], &cut["nextCursor"]),
        (&json!(60_000), &json!("c2"))
    );
    let whole = json!({ "cacheScope": "public", "tools": [tool("one")] });
    let told = answered(&mut client, "tools/list", json!({}), &whole);
    assert_eq!(told["result"], whole, "nothing was cut, nothing changed");

    // Its name is unknown from now on, as a tool and as nothing else.
    let fine = json!({ "content": [] });
    let refused = answered(&mut client, "tools/call", json!({ "name": "bad" }), &fine);
    assert_eq!(refused["error"]["code"], -32602, "{refused:#}");
    let prompt = answered(
        &mut client,
        "prompts/get",
        json!({ "name": "bad" }),
        &json!({ "messages": [] }),
    );
    assert_eq!(prompt["result"]["messages"], json!([]));
    let vendor = answered(
        &mut client,
        "vendor/x",
        json!({ "name": "bad" }),
        &json!({}),
    );
    assert_eq!(vendor["result"], json!({}));
}

#[test]
fn the_result_of_a_task_is_the_result_of_its_tool() {
    let home = Puppet::home();
    home.policy(&deny(
        "kind = \"tool-result\"\ntool = \"slow\"\nmethod = \"tasks/*\"",
    ));
    let mut daemon = Some(Daemon::start(&home));
    let mut client = Puppet::new(&home, "tasks").start().greeted();
    let made = |id: &str| json!({ "task": { "taskId": id, "status": "working", "createdAt": "2026-01-01T00:00:00Z", "lastUpdatedAt": "2026-01-01T00:00:00Z", "ttl": 1000 } });
    // Making a task is fine for both; what `slow` answers by and by is not.
    for (tool, id) in [("slow", "t1"), ("fine", "t2")] {
        let told = answered(
            &mut client,
            "tools/call",
            json!({ "name": tool, "task": {} }),
            &made(id),
        );
        assert_eq!(told["result"]["task"]["taskId"], id, "{told:#}");
    }
    let content = json!({ "content": [{ "type": "text", "text": "done" }] });
    for round in 0..2 {
        let slow = answered(
            &mut client,
            "tasks/result",
            json!({ "taskId": "t1" }),
            &content,
        );
        assert_eq!(slow["result"]["isError"], true, "round {round}: {slow:#}");
        let status = json!({ "taskId": "t1", "status": "completed", "result": content });
        let inline = answered(&mut client, "tasks/get", json!({ "taskId": "t1" }), &status);
        assert_eq!(inline["error"]["code"], -31403, "{inline:#}");
        let fine = answered(
            &mut client,
            "tasks/result",
            json!({ "taskId": "t2" }),
            &content,
        );
        assert_eq!(fine["result"], content, "{fine:#}");
        // The next daemon knows it too.
        if let Some(first) = daemon.take() {
            first.kill();
        }
    }
    let record = home.records("method:tasks/result tool:slow verdict:deny");
    assert_eq!(record.len(), 2, "{record:#?}");
}
