//! The same over HTTP: sessions of many clients, each on a connection of its own.

use super::{LINKS, each, frees_all, keeps_nothing, steady, words};
use crate::kit::{Daemon, Home, Http, Kept, Vitals, Web, text, tool};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// One client with a session.
struct Caller {
    http: Http,
    connection: Kept,
    session: String,
    number: usize,
}

impl Caller {
    fn open(home: &Home, number: usize) -> Self {
        let http = Http::of(home);
        let connection = Kept::open(&http);
        let session = String::new();
        let mut caller = Self {
            http,
            connection,
            session,
            number,
        };
        let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "soak", "version": "1" } });
        let hello = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello });
        let got = caller.send("POST", &hello.to_string());
        caller.session = got.header("mcp-session-id").unwrap().to_owned();
        let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        assert_eq!(caller.send("POST", &ready.to_string()).status, 202);
        caller
    }

    fn send(&mut self, method: &str, body: &str) -> crate::kit::Got {
        let mut headers = vec![("connection", "keep-alive")];
        if !self.session.is_empty() {
            headers.push(("mcp-session-id", &self.session));
        }
        let request = self.http.request(method, "web", &headers, body);
        self.connection.whole(&request)
    }

    fn run(&mut self, calls: std::ops::Range<usize>) {
        for call in calls {
            let sent = words(self.number, call);
            let params = json!({ "name": "echo", "arguments": { "text": sent } });
            let message = json!({ "jsonrpc": "2.0", "id": call + 1, "method": "tools/call", "params": params });
            let answer = self.send("POST", &message.to_string()).json();
            assert_eq!(answer["id"], call + 1);
            assert_eq!(text(&answer), sent, "another's text: {answer:#}");
        }
    }

    fn close(mut self) {
        let ended = self.send("DELETE", "");
        assert!((200..300).contains(&ended.status), "{ended:?}");
    }
}

/// A server that gives sessions, echoes, and knows which texts it has seen.
fn echo(seen: &Arc<Mutex<HashSet<String>>>) -> Web {
    let (seen, sessions) = (Arc::clone(seen), AtomicU64::new(0));
    Web::kept(move |message| {
        let answer =
            |result: Value| json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
        match message["method"].as_str() {
            Some("initialize") => {
                let number = sessions.fetch_add(1, Ordering::Relaxed);
                let hello = json!({
                    "protocolVersion": "2025-11-25", "capabilities": { "tools": {} },
                    "serverInfo": { "name": "echo", "version": "1" },
                });
                (answer(hello), Some(format!("session-{number}")))
            }
            Some("tools/list") => (
                answer(json!({ "tools": [tool("echo", "Says it again.")] })),
                None,
            ),
            _ => {
                let text = message["params"]["arguments"]["text"].as_str().unwrap();
                assert!(
                    seen.lock().unwrap().insert(text.to_owned()),
                    "seen twice: {text}"
                );
                let content = json!([{ "type": "text", "text": text }]);
                (answer(json!({ "content": content })), None)
            }
        }
    })
}

/// Opens all sessions, runs them warm and then on, closes them, and tells what the daemon held in between.
fn wave(home: &Home, daemon: &Daemon, warm: usize, calls: usize) -> [Vitals; 2] {
    let mut callers = each(0..LINKS, |number| Caller::open(home, number));
    each(&mut callers, |caller| caller.run(0..warm));
    let before = steady(daemon);
    let since = Instant::now();
    each(&mut callers, |caller| caller.run(warm..calls));
    let took = since.elapsed().as_secs_f32();
    let after = steady(daemon);
    each(callers, Caller::close);
    let done = (calls - warm) * LINKS;
    println!(
        "{done} calls over HTTP in {took:.1} s: {:.0} a second",
        done as f32 / took
    );
    [before, after]
}

fn soak(calls: usize) {
    let calls = calls.div_ceil(LINKS);
    let warm = calls / 2;
    let home = Home::new();
    let seen = Arc::default();
    let web = echo(&seen);
    home.configure(&format!(
        "mcp_listen = \"127.0.0.1:0\"\n[upstreams.web]\nurl = \"{}\"\n",
        web.url()
    ));
    let daemon = Daemon::start(&home);
    wave(&home, &daemon, 1, warm.max(2));
    let rest = steady(&daemon);
    let first = seen.lock().unwrap().drain().count();
    assert_eq!(first, warm.max(2) * LINKS);
    let [before, after] = wave(&home, &daemon, warm, calls);
    println!("daemon, no session: {rest:?}");
    println!("daemon, {LINKS} sessions, warm: {before:?}");
    println!("daemon, {LINKS} sessions, at the end: {after:?}");
    // One connection to the server for each session at most, and a thread that just served one.
    let made = ((calls - warm) * LINKS) as u64;
    keeps_nothing("daemon", before, after, made, LINKS as u64);
    frees_all(&daemon, rest);
    let second = seen.lock().unwrap().len();
    assert_eq!(second, calls * LINKS, "each call reached the server once");
    let records = home.records("method:tools/call");
    assert_eq!(
        records.len(),
        2 * (first + second),
        "each call and each answer has its record"
    );
    home.verify_audit();
}

#[test]
fn sixty_four_sessions_at_once_leave_nothing_behind() {
    soak(64 * 8);
}

#[test]
#[ignore = "takes minutes: `cargo xtask soak` runs it"]
fn one_hundred_thousand_calls_over_http_leave_nothing_behind() {
    soak(100_000);
}
