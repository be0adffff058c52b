//! What is turned away before it is a message, and answers that can't be judged.

use super::{Scene, echo};
use crate::kit::{Daemon, Home, Http, Web, denied, text, write};
use serde_json::json;

#[test]
fn pages_and_foreign_names_are_turned_away_at_the_door() {
    let scene = Scene::with(Web::json(echo));
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let port = scene.http.address.port();
    let local = format!("localhost:{port}");
    let own = format!("http://{local}");
    let foreign = format!("evil.example:{port}");
    let page = format!("http://localhost:{}", port ^ 1);
    for (headers, status) in [
        (
            vec![("host", local.as_str()), ("origin", own.as_str())],
            200,
        ),
        (vec![("host", foreign.as_str())], 421),
        (vec![("origin", "http://evil.example")], 403),
        (vec![("origin", page.as_str())], 403),
        (vec![("origin", "null")], 403),
        (vec![("sec-fetch-site", "cross-site")], 403),
        (vec![("content-type", "text/plain")], 415),
        (vec![("content-encoding", "gzip")], 415),
    ] {
        let got = scene.http.post("web", &headers, body);
        assert_eq!(got.status, status, "{headers:?}: {got:?}");
    }
    assert_eq!(scene.web.seen().len(), 1);
    for path in ["other", "web/x", "web/back/0", "web?x=1", "%77eb", "../web"] {
        let got = scene.http.post(path, &[], body);
        assert!((400..=404).contains(&got.status), "{path}: {got:?}");
    }
    for method in ["PUT", "OPTIONS", "PATCH"] {
        assert_eq!(scene.http.ask(method, "web", &[]).status, 405, "{method}");
    }
    assert_eq!(scene.web.seen().len(), 1);
}

#[test]
fn a_message_that_could_be_read_in_two_ways_is_refused() {
    let scene = Scene::with(Web::json(echo));
    for (body, code) in [
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}"#,
            -32700,
        ),
        (
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"a\":\"\\ud800\"}}",
            -32700,
        ),
        (r#"{"jsonrpc":"2.0","id":1,"method":"x"} {}"#, -32700),
        (
            r#"[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]"#,
            -32600,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1.5,"method":"tools/list"}"#,
            -32600,
        ),
        ("", -32700),
    ] {
        let got = scene.http.post("web", &[], body);
        assert_eq!(got.status, 400, "{body}");
        assert_eq!(got.json()["error"]["code"], code, "{body}: {got:?}");
    }
    assert!(scene.web.seen().is_empty());
    assert!(scene.home.records("verdict:deny").len() >= 6);
}

#[test]
fn a_message_that_is_too_long_is_refused_while_it_is_read() {
    let home = Home::new();
    let web = Web::json(echo);
    home.configure(&format!(
        "mcp_listen = \"127.0.0.1:0\"\nmax_frame_bytes = 4096\n[upstreams.web]\nurl = \"{}\"\n",
        web.url()
    ));
    let _daemon = Daemon::start(&home);
    let http = Http::of(&home);
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"x","params":{{"a":"{}"}}}}"#,
        "x".repeat(8192)
    );
    assert_eq!(http.post("web", &[], &body).status, 413);
    assert!(web.seen().is_empty());
    let record = home.record("kind:refused");
    assert_eq!(denied(&record), "protocol:frame");
}

#[test]
fn headers_that_say_something_else_than_the_body_are_refused() {
    let scene = Scene::with(Web::json(echo));
    let meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28" });
    let params = json!({ "name": "look", "arguments": { "place": "here" }, "_meta": meta });
    let body =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
    let good = [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "look"),
        ("mcp-param-place", "here"),
    ];
    let got = scene.http.post("web", &good, &body);
    assert_eq!(text(&got.json()), "done");
    for (name, value) in [
        ("mcp-method", "tools/list"),
        ("mcp-name", "other"),
        ("mcp-protocol-version", "2025-11-25"),
        ("mcp-param-place", "c2VjcmV0LWtleQ"),
    ] {
        let mut headers = good.to_vec();
        headers.retain(|(known, _)| *known != name);
        headers.push((name, value));
        let got = scene.http.post("web", &headers, &body);
        assert_eq!(
            (got.status, &got.json()["error"]["code"]),
            (400, &json!(-32020)),
            "{name}"
        );
        assert_eq!(got.json()["id"], 1);
    }
    assert_eq!(scene.web.seen().len(), 1);
    assert_eq!(scene.home.records("kind:refused").len(), 4);
}

#[test]
fn redirects_and_unreadable_answers_are_refused_and_the_request_is_answered() {
    for (status, header) in [
        (
            "307 Temporary Redirect",
            ("location", "http://127.0.0.1:1/mcp"),
        ),
        ("200 OK", ("content-encoding", "gzip")),
    ] {
        let scene = Scene::with(Web::start(move |_, stream| {
            write(
                stream,
                status,
                &[header, ("content-type", "application/json")],
                "{}",
            );
        }));
        let got = scene.call(&[], 7, "look", json!({}));
        assert_eq!((got.status, &got.json()["id"]), (200, &json!(7)), "{got:?}");
        assert!(text(&got.json()).contains("not a valid, unambiguous message"));
        assert_eq!(got.header("location"), None);
        assert_eq!(scene.home.records("kind:refused").len(), 1);
    }
}

#[test]
fn an_answer_to_another_request_is_not_taken_for_ours() {
    let scene = Scene::with(Web::json(
        |message| json!({ "jsonrpc": "2.0", "id": 99, "result": { "content": [], "was": message["id"] } }),
    ));
    let got = scene.call(&[], 1, "look", json!({}));
    assert_eq!(got.json()["id"], 1, "{got:?}");
    assert_eq!(got.json()["result"]["isError"], true);
}

#[test]
fn a_server_with_a_wrong_url_is_named_and_the_others_are_served() {
    let home = Home::new();
    let web = Web::json(echo);
    home.configure(&format!(
        "mcp_listen = \"127.0.0.1:0\"\n[upstreams.web]\nurl = \"{}\"\n[upstreams.plain]\nurl = \"http://mcp.example/\"\n",
        web.url()
    ));
    let _daemon = Daemon::start(&home);
    let http = Http::of(&home);
    let body = r#"{"jsonrpc":"2.0","id":5,"method":"tools/list"}"#;
    assert_eq!(http.post("plain", &[], body).status, 502);
    assert_eq!(http.post("web", &[], body).status, 200);
    let status = home.status();
    let servers = status["mcp"]["servers"].as_array().unwrap();
    assert!(
        servers[0]["error"].as_str().unwrap().contains("plain http"),
        "{servers:?}"
    );
    assert_eq!(
        servers[1]["url"],
        format!("http://{}/mcp/web", http.address)
    );
    let screen = home.cli(&["status"]);
    assert!(
        screen.out.contains("not served: plain http"),
        "{}",
        screen.out
    );
}

#[test]
fn documents_about_logging_in_come_from_the_server_as_they_are() {
    let document = r#"{"resource":"https://mcp.example/mcp","authorization_servers":["https://login.example"]}"#;
    let scene = Scene::with(Web::start(move |seen, stream| {
        let found = seen.path == "/.well-known/oauth-protected-resource/mcp";
        let (status, body) = if found {
            ("200 OK", document)
        } else {
            ("404 Not Found", "")
        };
        write(
            stream,
            status,
            &[("content-type", "application/json")],
            body,
        );
    }));
    let get = |path: &str| {
        let host = scene.http.address;
        let head = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        scene.http.whole(head.as_bytes())
    };
    let got = get("/.well-known/oauth-protected-resource/mcp/web");
    assert_eq!((got.status, got.body.as_str()), (200, document));
    assert_eq!(get("/.well-known/openid-configuration/mcp/web").status, 404);
    assert_eq!(
        get("/.well-known/oauth-protected-resource/mcp/other").status,
        404
    );
    assert_eq!(get("/.well-known/security.txt").status, 404);
    assert_eq!(scene.web.seen().len(), 2);
}
