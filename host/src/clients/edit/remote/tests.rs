//! Servers by URL: exact bytes, many shapes.

use super::super::{EditError, Root, State, entries, unwrap, wrap};
use std::path::Path;

const ROOTS: &[Root] = &[&["mcpServers"], &["projects", "*", "mcpServers"]];

fn exe() -> &'static Path {
    Path::new("/opt/claw \"x\"/clawdefender")
}

fn wrapped(text: &str) -> String {
    wrap(text, ROOTS, exe(), |_| true).unwrap()
}

fn unwrapped(text: &str) -> Result<String, EditError> {
    unwrap(text, ROOTS, exe(), |_| true)
}

#[test]
fn a_url_becomes_an_argument_and_no_header_value_does() {
    let text = r#"{"mcpServers": { "far": { "type": "http", "url": "https://far.example/mcp",
  "headers": { "Authorization": "Bearer ${TOKEN}", "X-Region": "eu" } } }}"#;
    let exe = Path::new("/bin/clawdefender");
    assert_eq!(
        wrap(text, ROOTS, exe, |_| true).unwrap(),
        r#"{"mcpServers": { "far": { "type": "stdio", "command": "/bin/clawdefender", "args" :["proxy", "--server", "far", "--url", "https://far.example/mcp", "--entry", "url:http", "--transport", "http", "--header-env", "Authorization=MCP_HEADER_0", "--header-env", "X-Region=MCP_HEADER_1"],
  "env": { "MCP_HEADER_0": "Bearer ${TOKEN}", "MCP_HEADER_1": "eu" } } }}"#
    );
}

/// Every combination of the pieces that files in the wild differ in.
#[test]
fn unwrap_after_wrap_gives_the_same_bytes_for_every_generated_shape() {
    let urls = [
        r#""url": "https://far.example/mcp?x=1&y=2""#,
        r#""serverUrl" : "https:\/\/far.example\/mcp""#,
        r#""httpUrl":@"http://127.0.0.1:3000/mcp""#,
        r#""url": /* where */ "${BASE:-https://x.example}/mcp""#,
    ];
    let kinds = [
        "",
        r#""type": "http""#,
        r#""type" : "sse""#,
        r#""type":"streamable-http""#,
    ];
    let headers = [
        "",
        r#""headers": {}"#,
        r#""headers" :@{@"Authorization": "Bearer é\n\"q\"" , "X-A": ""@}"#,
        r#""headers": { /* mine */ "Auth\u006frization": "${env:T}",@}"#,
    ];
    let extras = ["", r#""disabled": false,@"timeout": 60"#];
    let mut shapes = 0;
    for newline in ["\n", "\r\n\t", ""] {
        for (head, tail) in [("", ""), ("\u{feff}", "\n"), ("// top\n", "\r\n")] {
            for url in urls {
                for kind in kinds {
                    for header in headers {
                        for extra in extras {
                            for turn in 0..4 {
                                let mut parts = vec![url, kind, header, extra];
                                parts.retain(|part| !part.is_empty());
                                let len = parts.len();
                                parts.rotate_left(turn % len);
                                let entry = parts.join(",@").replace('@', newline);
                                let servers = format!(
                                    r#"{{"far \"q\"": {{{entry}}},{newline}"near": {{"command": "x"}}}}"#
                                );
                                let text = format!(
                                    r#"{head}{{"mcpServers": {servers},{newline}"projects": {{"/a b": {{"mcpServers": {servers}}}}}}}{tail}"#
                                );
                                let once = wrapped(&text);
                                assert_eq!(once.matches("\"--url\"").count(), 2, "{text}");
                                assert_eq!(wrapped(&once), once, "wrapping twice changes nothing");
                                assert_eq!(unwrapped(&once).unwrap(), text);
                                assert_eq!(unwrapped(&text).unwrap(), text);
                                shapes += 1;
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(shapes > 4_000, "{shapes}");
}

#[test]
fn an_entry_that_a_client_wrote_anew_is_still_undone() {
    let text = r#"{"mcpServers": {"far": {"type": "sse", "url": "https://far.example/sse", "headers": {"A-B": "c"}}}}"#;
    let again: serde_json::Value = serde_json::from_str(&wrapped(text)).unwrap();
    let original: serde_json::Value = serde_json::from_str(text).unwrap();
    // `serde_json` sorts keys, so nothing stands where it stood.
    for anew in [
        again.to_string(),
        serde_json::to_string_pretty(&again).unwrap(),
    ] {
        let undone: serde_json::Value = serde_json::from_str(&unwrapped(&anew).unwrap()).unwrap();
        assert_eq!(undone, original);
    }
    let mut more = again;
    more["mcpServers"]["far"]["env"]["ADDED"] = "x".into();
    let undone: serde_json::Value =
        serde_json::from_str(&unwrapped(&more.to_string()).unwrap()).unwrap();
    assert_eq!(undone, original, "a variable is no header");
}

#[test]
fn what_a_command_cannot_say_is_left_and_the_reason_named() {
    for (entry, reason) in [
        (
            r#"{"url": "https://x.example", "oauth": {"clientId": "c"}}"#,
            "login",
        ),
        (
            r#"{"url": "https://x.example", "auth": {"CLIENT_ID": "c"}}"#,
            "login",
        ),
        (
            r#"{"url": "https://x.example", "env": {}}"#,
            "only the client",
        ),
        (
            r#"{"url": "https://x.example", "httpUrl": "https://y.example"}"#,
            "more than one",
        ),
        (r#"{"url": "http://x.example/mcp"}"#, "neither https"),
        (r#"{"url": "https://u:p@x.example/mcp"}"#, "neither https"),
        (r#"{"url": 7}"#, "no text"),
        (r#"{"type": "ws", "url": "https://x.example"}"#, "type"),
        (
            r#"{"url": "https://x.example", "headers": {"A": 1}}"#,
            "value",
        ),
        (
            r#"{"url": "https://x.example", "headers": {"A b": "1"}}"#,
            "name",
        ),
        (
            r#"{"url": "https://x.example", "headers": {"A": "1", "a": "2"}}"#,
            "twice",
        ),
        (
            r#"{"url": "https://x.example", "headers": {"Mcp-Name": "1"}}"#,
            "protocol",
        ),
        (r#"{"\u0075rl": "https://x.example"}"#, "escapes"),
    ] {
        let text = format!(r#"{{"mcpServers": {{"a": {entry}}}}}"#);
        assert_eq!(wrapped(&text), text);
        let state = entries(&text, ROOTS, exe()).unwrap().remove(0).state;
        assert!(
            matches!(state, State::Remote(why) if why.contains(reason)),
            "{entry}: {state:?}"
        );
    }
}

#[test]
fn a_wrapped_url_counts_as_wrapped() {
    let text = r#"{"mcpServers": {"a": {"url": "https://x.example"}, "b": {"url": "https://x.example", "headers": {"K": "v"}}}}"#;
    let states = |text: &str| -> Vec<(State, bool)> {
        let found = entries(text, ROOTS, exe()).unwrap();
        found
            .iter()
            .map(|entry| (entry.state, entry.bare_url))
            .collect()
    };
    assert_eq!(
        states(text),
        [(State::NotWrapped, true), (State::NotWrapped, false)]
    );
    let once = wrapped(text);
    assert_eq!(states(&once), [(State::Wrapped, false); 2]);
    let moved = once.replace("/opt/claw \\\"x\\\"", "/old");
    assert_eq!(states(&moved), [(State::Drifted, false); 2]);
    assert_eq!(unwrapped(&moved).unwrap(), text);
}
