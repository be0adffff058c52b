//! What a server may answer and do, and what the client hears of it.

use super::{open, patient, proxy, refused};
use crate::kit::{Client, Daemon, Far, text};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

#[test]
fn every_way_to_answer_badly_ends_in_one_answer_and_the_session_goes_on() {
    let home = patient();
    let _daemon = Daemon::start(&home);
    let web = Far::start(&home);
    let command = proxy(&home, &web.url, &[]);
    // The client of the kit drops standard error.
    let mut wrapped = Command::new("sh");
    let line = format!("exec \"$0\" \"$@\" 2>>{}", home.file("errors").display());
    wrapped
        .args(["-c", &line])
        .arg(command.get_program())
        .args(command.get_args());
    let mut client = Client::start(home.lend(&mut wrapped));
    client.request(
        "initialize",
        json!({ "protocolVersion": "2025-11-25", "capabilities": {} }),
    );
    client.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    assert_eq!(client.message()["params"]["data"], "on its own");

    for (tool, part) in [
        ("silent", "ended the exchange without an answer"),
        ("cut", "ended the exchange without an answer"),
        ("redirect", "redirects to another address (HTTP 307)"),
        ("login", "wants a login (HTTP 401)"),
        ("squeeze", "compressed its answer"),
        ("page", "neither JSON nor an event stream"),
        ("broken", "as it says"),
    ] {
        refused(&client.call(tool, json!({})), part);
        assert_eq!(text(&client.call("echo", json!({ "text": tool }))), tool);
    }
    let wrong = client.call("wrong", json!({}));
    assert_eq!(
        wrong["error"]["data"]["supported"],
        json!(["x"]),
        "{wrong:#}"
    );
    assert!(!web.saw("/elsewhere"), "a redirect is not followed");
    assert_eq!(text(&client.call("pretty", json!({}))), "pretty");

    let id = client.ask("tools/call", json!({ "name": "trickle", "arguments": {} }));
    assert_eq!(client.message()["params"]["data"], "half");
    let answer = client.message();
    assert_eq!((&answer["id"], text(&answer)), (&json!(id), "drop by drop"));

    let id = client.ask("tools/call", json!({ "name": "poll", "arguments": {} }));
    assert_eq!(client.message()["params"]["data"], "polled");
    let answer = client.message();
    assert_eq!((&answer["id"], text(&answer)), (&json!(id), "at last"));

    client.ask("tools/call", json!({ "name": "ask", "arguments": {} }));
    let question = client.message();
    assert_eq!(question["method"], "elicitation/create");
    let reply = json!({ "jsonrpc": "2.0", "id": question["id"], "result": { "action": "cancel" } });
    client.send(&reply.to_string());
    assert_eq!(text(&client.message()), "cancel");

    client.close();
    let session = web.wait_for("DELETE", "/mcp");
    assert!(session["headers"]["mcp-session-id"].is_string());
    let errors = fs::read_to_string(home.file("errors")).unwrap();
    assert!(
        errors.contains("https://web.example/.well-known/x") && !errors.contains('\u{202e}'),
        "{errors}"
    );
}

#[test]
fn messages_arrive_in_order_and_requests_overlap() {
    let home = patient();
    let _daemon = Daemon::start(&home);
    let web = Far::start(&home);
    let mut client = Client::start(&mut proxy(&home, &web.url, &[]));
    // All at once, as a client does that does not wait.
    client.ask(
        "initialize",
        json!({ "protocolVersion": "2025-11-25", "capabilities": {} }),
    );
    client.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    let mut open: BTreeSet<u64> = (0..32)
        .map(|n| {
            client.ask(
                "tools/call",
                json!({ "name": "echo", "arguments": { "text": n.to_string() } }),
            )
        })
        .collect();
    let mut spoken = 0;
    while !open.is_empty() || spoken < 2 {
        let message = client.message();
        match message["id"].as_u64() {
            Some(1) => spoken += 1,
            Some(id) => {
                assert_eq!(text(&message), (id - 2).to_string());
                assert!(open.remove(&id), "answered twice: {id}");
            }
            None => spoken += 1,
        }
    }
    client.close();
    let methods: Vec<String> = web
        .requests()
        .iter()
        .filter(|request| request["verb"] == "POST")
        .map(|request| {
            let body: Value = serde_json::from_str(request["body"].as_str().unwrap()).unwrap();
            body["method"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(methods[..2], ["initialize", "notifications/initialized"]);
    assert_eq!(methods.len(), 34);
    let requests = web.requests();
    let asked = requests
        .iter()
        .filter(|request| request["verb"] != "CLOSED");
    for request in asked.skip(1) {
        assert!(
            request["headers"]["mcp-session-id"].is_string(),
            "{request:#}"
        );
        assert_eq!(request["headers"]["mcp-protocol-version"], "2025-11-25");
    }
}

#[test]
fn a_forgotten_session_answers_who_waits_and_ends_the_bridge() {
    let home = patient();
    let _daemon = Daemon::start(&home);
    let web = Far::start(&home);
    let mut client = open(&home, &web, &[]);
    client.ask("tools/call", json!({ "name": "hang", "arguments": {} }));
    assert_eq!(client.message()["params"]["data"], "working");
    client.ask("tools/call", json!({ "name": "forget", "arguments": {} }));
    for _ in 0..2 {
        refused(&client.message(), "has ended this session");
    }
    assert_eq!(client.close().code(), Some(1));
    // A client that starts the server again gets a new session.
    let mut client = open(&home, &web, &[]);
    assert_eq!(
        text(&client.call("echo", json!({ "text": "again" }))),
        "again"
    );
    client.close();
}

#[test]
fn a_server_that_cannot_be_reached_is_an_error_and_not_the_end() {
    let home = patient();
    let _daemon = Daemon::start(&home);
    let mut web = Far::start(&home);
    let mut client = open(&home, &web, &[]);
    client.ask("tools/call", json!({ "name": "hang", "arguments": {} }));
    assert_eq!(client.message()["params"]["data"], "working");
    web.group.kill();
    refused(&client.message(), "ended the exchange without an answer");
    for _ in 0..3 {
        refused(&client.call("echo", json!({})), "can't be reached");
    }
    client.close();
}

#[test]
fn the_stateless_era_is_repeated_in_headers_and_cancelled_by_closing() {
    let home = patient();
    let _daemon = Daemon::start(&home);
    let web = Far::start(&home);
    let mut client = Client::start(&mut proxy(&home, &web.url, &[]));
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "e2e", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let list = client.request("tools/list", json!({ "_meta": meta }));
    let tools = list["result"]["tools"].as_array().unwrap();
    assert_eq!(
        tools.len(),
        1,
        "what can't be called is not offered: {list:#}"
    );
    let call =
        json!({ "name": "echo", "arguments": { "text": "t", "where": "Zürich" }, "_meta": meta });
    assert_eq!(text(&client.request("tools/call", call)), "t");
    let id = client.ask(
        "tools/call",
        json!({ "name": "hang", "arguments": {}, "_meta": meta }),
    );
    assert_eq!(client.message()["params"]["data"], "working");
    let cancel = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } });
    client.send(&cancel.to_string());
    web.wait_for("CLOSED", "hang");
    client.request("tools/list", json!({ "_meta": meta }));
    client.close();

    let requests = web.requests();
    let posts: Vec<&Value> = requests
        .iter()
        .filter(|request| request["verb"] == "POST")
        .collect();
    assert_eq!(posts.len(), 4, "the notification stays here: {posts:#?}");
    let headers = &posts[1]["headers"];
    assert_eq!(headers["mcp-protocol-version"], "2026-07-28");
    assert_eq!(
        (&headers["mcp-method"], &headers["mcp-name"]),
        (&json!("tools/call"), &json!("echo"))
    );
    assert_eq!(headers["mcp-param-where"], "=?base64?WsO8cmljaA==?=");
    assert!(headers["mcp-session-id"].is_null());
}

#[test]
fn a_server_that_is_no_old_one_keeps_its_own_refusal_and_no_other_gets_messages() {
    let home = patient();
    let _daemon = Daemon::start(&home);
    let web = Far::start(&home);
    for (path, more, part) in [
        ("/stubborn", &[][..], "not today"),
        (
            "/stubborn",
            &["--transport", "sse"],
            "refused the request (HTTP 405)",
        ),
        ("/lure", &[], "at another origin"),
        (
            "/lure",
            &["--transport", "http"],
            "refused the request (HTTP 404)",
        ),
    ] {
        let url = web.url.replace("/mcp", path);
        let mut client = Client::start(&mut proxy(&home, &url, more));
        for _ in 0..2 {
            let answer = client.request(
                "initialize",
                json!({ "protocolVersion": "2025-11-25", "capabilities": {} }),
            );
            refused(&answer, part);
        }
        client.close();
    }
}
