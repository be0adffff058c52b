//! Questions about calls that came over HTTP.

use super::{Scene, echo};
use crate::kit::{Daemon, Home, Http, Web, kit_file, text, wait_for};
use serde_json::{Value, json};

const ASK: &str = r#"
[[rule]]
id = "ask-deploy"
action = "ask"
[rule.match]
kind = "tool-call"
tool = "deploy"
"#;

fn question(home: &Home) -> String {
    wait_for("a question", || {
        let open = home.cli(&["approve", "--json"]).json();
        open["questions"][0]["id"].as_str().map(str::to_owned)
    })
}

#[test]
fn a_held_call_passes_when_a_person_approves_it_over_http_too() {
    let scene = Scene::ruled(Web::json(echo), ASK);
    // A client apart from this process, so that this process may answer.
    let url = format!("http://{}/mcp/web", scene.http.address);
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": "deploy", "arguments": { "text": "now" } } });
    let client = std::process::Command::new("python3")
        .args([&kit_file("post.py"), &url, &body.to_string()])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let id = question(&scene.home);
    assert!(scene.web.seen().is_empty());
    scene.home.cli(&["approve", &id]).done();
    let said = client.wait_with_output().unwrap();
    let answer: Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(text(&answer), "now");
    assert!(scene.web.saw("deploy"));
}

#[test]
fn a_caller_can_not_approve_its_own_call() {
    let home = Home::new();
    let web = Web::json(echo);
    home.policy(ASK);
    home.configure(&format!(
        "mcp_listen = \"127.0.0.1:0\"\nask_hold_s = 10\n[upstreams.web]\nurl = \"{}\"\n",
        web.url()
    ));
    let _daemon = Daemon::start(&home);
    let http = Http::of(&home);
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"deploy","arguments":{}}}"#;
    let held = std::thread::spawn(move || http.post("web", &[], body));
    let id = question(&home);
    let ended = home.cli(&["approve", &id]);
    assert_eq!(ended.code, 4, "this process made the call: {ended:?}");
    let answer = held.join().unwrap().json();
    assert!(text(&answer).contains("this needs approval"), "{answer:#}");
    assert!(web.seen().is_empty());
}

#[test]
fn a_call_without_a_session_that_its_client_cancels_is_asked_about_no_more() {
    let scene = Scene::ruled(Web::json(echo), ASK);
    let http = Http::of(&scene.home);
    let body = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"deploy","arguments":{}}}"#;
    let held = std::thread::spawn(move || http.post("web", &[], body));
    question(&scene.home);
    let cancel = |id: u64| {
        let params = json!({ "requestId": id });
        let body =
            json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params });
        scene.http.post("web", &[], &body.to_string())
    };
    let open = || {
        let open = scene.home.cli(&["approve", "--json"]).json();
        open["questions"].as_array().map_or(0, Vec::len)
    };
    cancel(8);
    assert_eq!(open(), 1, "another request was cancelled");
    assert_eq!(cancel(7).status, 202);
    assert_eq!(open(), 0);
    let got = held.join().unwrap();
    assert_eq!((got.status, got.body.as_str()), (202, ""));
    assert!(!scene.web.saw("deploy"));
    assert!(
        !scene.web.saw("\"requestId\":7"),
        "it never saw the request"
    );
}
