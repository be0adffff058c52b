//! The transport of 2024-11-05: a stream for answers and an address to post to.

use super::stream::scene;
use crate::kit::{Coming, Web, begin_stream, event, text, tool, wait_for, write};
use serde_json::{Value, json};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

/// The transport of 2024-11-05: a stream that names the address to post to.
struct Old {
    web: Web,
    stream: Arc<Mutex<Option<TcpStream>>>,
}

fn old(endpoint: &'static str) -> Old {
    let stream: Arc<Mutex<Option<TcpStream>>> = Arc::default();
    let kept = Arc::clone(&stream);
    let web = Web::start(move |seen, connection| {
        if seen.method == "GET" {
            begin_stream(connection, &[]);
            // Before it says where to post.
            *kept.lock().unwrap() = Some(connection.try_clone().unwrap());
            event(
                connection,
                &format!("event: endpoint\ndata: {endpoint}\n\n"),
            );
            return;
        }
        write(connection, "202 Accepted", &[], "Accepted");
        let message: Value = serde_json::from_str(&seen.body).unwrap();
        let reply = match message["method"].as_str() {
            Some("tools/list") => json!({ "tools": [tool("add", "Adds.")] }),
            _ => {
                json!({ "content": [{ "type": "text", "text": message["params"]["arguments"]["text"] }] })
            }
        };
        let reply = json!({ "jsonrpc": "2.0", "id": message["id"], "result": reply });
        let mut kept = kept.lock().unwrap();
        event(
            kept.as_mut().unwrap(),
            &format!("event: message\ndata: {reply}\n\n"),
        );
    });
    Old { web, stream }
}

#[test]
fn the_old_transport_works_and_is_judged() {
    let old = old("/messages/?session_id=abc");
    let (home, _daemon, http) = scene(&old.web, "");
    let mut coming = http.open("GET", "web", &[("accept", "text/event-stream")], "");
    let first = coming.event().unwrap();
    let path = first
        .trim()
        .strip_prefix("event: endpoint\ndata: /mcp/")
        .unwrap()
        .to_owned();
    assert!(path.starts_with("web/back/"), "{first}");
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    assert_eq!(http.post(&path, &[], list).status, 202);
    assert_eq!(coming.message()["result"]["tools"][0]["name"], "add");
    let posted = old.web.seen().pop().unwrap();
    assert_eq!(
        (posted.path.as_str(), posted.body.as_str()),
        ("/messages/?session_id=abc", list)
    );

    let key = r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"read_file","arguments":{"path":"~/.ssh/id_rsa"}}}"#;
    assert_eq!(http.post(&path, &[], key).status, 202);
    let refused = coming.message();
    assert_eq!(refused["id"], 2);
    assert!(
        text(&refused).starts_with("Blocked by ClawDefender"),
        "{refused:#}"
    );
    assert!(!old.web.saw("id_rsa"));
    let poisoned = json!({ "jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": { "name": "add", "arguments": { "text": "fine" } } });
    assert_eq!(http.post(&path, &[], &poisoned.to_string()).status, 202);
    assert_eq!(text(&coming.message()), "fine");
    assert_eq!(home.records("verdict:deny").len(), 1);

    // With the stream its address is gone.
    drop(old.stream.lock().unwrap().take());
    assert_eq!(coming.event(), None);
    wait_for("the address to be gone", || {
        (http.post(&path, &[], list).status == 404).then_some(())
    });
}

#[test]
fn streams_of_the_old_transport_do_not_share_ids() {
    let one = old("/messages/");
    let (_home, _daemon, http) = scene(&one.web, "");
    let open = || http.open("GET", "web", &[], "");
    let path = |coming: &mut Coming| {
        let first = coming.event().unwrap();
        first
            .trim()
            .strip_prefix("event: endpoint\ndata: /mcp/")
            .unwrap()
            .to_owned()
    };
    // The server keeps the newest stream only, so the first one's request stays open.
    let mut first = open();
    let first_path = path(&mut first);
    // The server may keep its stream a moment after it has spoken on it.
    let kept = || wait_for("the kept stream", || one.stream.lock().unwrap().take());
    let first_stream = Some(kept());
    let mut second = open();
    let second_path = path(&mut second);
    let second_stream = Some(kept());
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    *one.stream.lock().unwrap() = second_stream;
    assert_eq!(http.post(&second_path, &[], list).status, 202);
    assert_eq!(second.message()["result"]["tools"][0]["name"], "add");
    *one.stream.lock().unwrap() = first_stream;
    assert_eq!(http.post(&first_path, &[], list).status, 202);
    assert_eq!(first.message()["result"]["tools"][0]["name"], "add");
}

#[test]
fn the_old_transport_can_not_send_messages_to_another_server() {
    for elsewhere in [
        "http://evil.example/messages",
        "//evil.example/messages",
        "http://127.0.0.1:1/m",
    ] {
        let old = old(elsewhere);
        let (home, _daemon, http) = scene(&old.web, "");
        let mut coming = http.open("GET", "web", &[], "");
        assert_eq!(coming.event(), None, "{elsewhere}");
        assert_eq!(home.records("kind:refused").len(), 1);
    }
}
