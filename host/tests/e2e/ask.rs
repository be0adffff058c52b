//! Questions to a person: a held call, the answers from another terminal, and who may not answer.

use crate::kit::{Cli, Client, Daemon, Home, Script, Server, denied, text, wait_for};
use serde_json::{Value, json};

const RULE: &str = r#"
[[rule]]
id = "ask-deploy"
action = "ask"
reason = "changes production"
[rule.match]
kind = "tool-call"
tool = "deploy"
"#;

/// A client apart from this process, so that this process may answer.
fn scene() -> (Home, Daemon, Server, Client) {
    let home = Home::new();
    home.policy(RULE);
    let daemon = Daemon::start(&home);
    let server = Script::echo(&["deploy", "look"]).install(&home, "ops");
    let client = Client::apart(&home, &server);
    (home, daemon, server, client)
}

fn questions(home: &Home) -> Vec<Value> {
    home.cli(&["approve", "--json"]).done().json()["questions"]
        .as_array()
        .unwrap()
        .clone()
}

/// The id of the question that waits.
#[track_caller]
pub fn waiting(home: &Home) -> String {
    let question = wait_for("a question", || {
        questions(home)
            .into_iter()
            .find(|question| question["missed"] == false)
    });
    question["id"].as_str().unwrap().to_owned()
}

fn deploy(client: &mut Client, what: &str) -> u64 {
    client.ask(
        "tools/call",
        json!({ "name": "deploy", "arguments": { "text": what } }),
    )
}

#[track_caller]
fn answer(client: &mut Client, id: u64) -> Value {
    let answer = client.message();
    assert_eq!(answer["id"], id, "{answer:#}");
    answer
}

#[test]
fn a_held_call_passes_when_a_person_approves_it() {
    let (home, _daemon, server, mut client) = scene();
    let id = deploy(&mut client, "v2");
    let question = waiting(&home);
    assert!(!server.saw("\"deploy\""), "held");
    // Only this call is held, not its neighbours.
    assert_eq!(
        text(&client.call("look", json!({ "text": "still here" }))),
        "still here"
    );

    home.cli(&["approve", &question]).done();
    assert_eq!(text(&answer(&mut client, id)), "v2");
    assert!(questions(&home).is_empty());
    let told = home.records("type:answer");
    assert!(
        told.iter()
            .any(|record| record["decision"]["rule"] == "grant"),
        "{told:#?}"
    );

    // The answer was for that one call.
    let again = deploy(&mut client, "v2");
    let question = waiting(&home);
    home.cli(&["deny", &question]).done();
    assert_eq!(answer(&mut client, again)["result"]["isError"], true);
}

#[test]
fn a_held_call_is_refused_when_a_person_denies_it() {
    let (home, _daemon, server, mut client) = scene();
    let id = deploy(&mut client, "v2");
    home.cli(&["deny", &waiting(&home)]).done();
    let refused = answer(&mut client, id);
    assert_eq!(refused["result"]["isError"], true, "{refused:#}");
    client.call("look", json!({}));
    assert!(!server.saw("\"deploy\""));
    let records = home.records("tool:deploy verdict:deny");
    assert_eq!(
        records.iter().map(denied).collect::<Vec<_>>(),
        ["refused:ask-deploy"]
    );
}

#[test]
fn a_late_approval_is_for_exactly_one_retry() {
    let home = Home::new();
    home.policy(RULE);
    home.configure("ask_hold_s = 1");
    let _daemon = Daemon::start(&home);
    let server = Script::echo(&["deploy"]).install(&home, "ops");
    let mut client = Client::apart(&home, &server);

    let id = deploy(&mut client, "v2");
    let refused = answer(&mut client, id);
    assert!(
        text(&refused).contains("this needs approval"),
        "{refused:#}"
    );
    assert!(!server.saw("\"deploy\""));

    let missed = questions(&home);
    assert_eq!(
        (missed.len(), &missed[0]["missed"]),
        (1, &json!(true)),
        "{missed:#?}"
    );
    home.cli(&["approve", missed[0]["id"].as_str().unwrap()])
        .done();
    let other = deploy(&mut client, "v3");
    assert_eq!(
        answer(&mut client, other)["result"]["isError"],
        true,
        "another call is another question"
    );
    let retry = deploy(&mut client, "v2");
    assert_eq!(text(&answer(&mut client, retry)), "v2");
    let again = deploy(&mut client, "v2");
    assert_eq!(
        answer(&mut client, again)["result"]["isError"],
        true,
        "once"
    );
    let arrived = server
        .seen()
        .into_iter()
        .filter(|line| line.contains("\"deploy\""))
        .count();
    assert_eq!(arrived, 1);
}

#[test]
fn an_agent_cannot_approve_itself() {
    let home = Home::new();
    home.policy(RULE);
    let daemon = Daemon::start(&home);
    let server = Script::echo(&["deploy"]).install(&home, "ops");
    // Here this process is the client, so what it starts descends from the client.
    let mut client = Client::open(&home, &server);
    deploy(&mut client, "v2");
    let question = waiting(&home);
    let Cli { code, err, .. } = home.cli(&["approve", &question]);
    assert_ne!(code, 0, "{err}");
    assert_eq!(questions(&home).len(), 1, "the question still waits");
    assert!(!server.saw("\"deploy\""));
    let records = home.records("kind:answer-refused");
    assert_eq!(records.len(), 1, "{records:#?}");
    // Denying harms nobody, but it is an answer too: the same rule holds.
    assert_ne!(home.cli(&["deny", &question]).code, 0);
    // It is still the client when its link is closed, and when the daemon is another one.
    drop(client);
    assert_eq!(home.cli(&["approve", &question]).code, 4);
    drop(daemon);
    let _daemon = Daemon::start(&home);
    assert_eq!(home.cli(&["feed", "rollback"]).code, 4);
}

#[test]
fn one_allowance_lets_one_of_many_same_calls_pass() {
    let (home, _daemon, server, mut client) = scene();
    let ids: Vec<u64> = (0..3).map(|_| deploy(&mut client, "v2")).collect();
    let arrived = || {
        let seen = server.seen();
        seen.iter()
            .filter(|line| line.contains("\"deploy\""))
            .count()
    };
    let first = wait_for("all three", || {
        let open = questions(&home);
        (open.len() == 1 && open[0]["asked"] == 3).then(|| open[0]["id"].clone())
    });
    let first = first.as_str().unwrap().to_owned();
    let told = home.cli(&["approve", &first, "--json"]).done().json();
    assert_eq!(told["waiting_reached"], 1, "{told:#}");
    assert_eq!(text(&answer(&mut client, ids[0])), "v2");
    assert_ne!(home.cli(&["approve", &first]).code, 0, "answered already");

    let second = waiting(&home);
    assert_eq!(told["asked_again"], json!(second));
    home.cli(&["deny", &second]).done();
    // In whichever order.
    let mut refused: Vec<_> = (1..3).map(|_| client.message()).collect();
    refused.sort_by_key(|answer| answer["id"].as_u64());
    for (answer, id) in refused.iter().zip(&ids[1..]) {
        assert_eq!(answer["id"], *id);
        assert_eq!(answer["result"]["isError"], true);
    }
    assert_eq!(arrived(), 1);
}

#[test]
fn the_server_hears_that_a_call_which_a_person_allowed_was_cancelled() {
    let home = Home::new();
    home.policy(RULE);
    let _daemon = Daemon::start(&home);
    // It says that it works, and never answers.
    let busy = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"busy"}}"#;
    let server = Script::default().raw("deploy", busy).install(&home, "ops");
    let mut client = Client::apart(&home, &server);
    let id = deploy(&mut client, "v2");
    home.cli(&["approve", &waiting(&home)]).done();
    assert_eq!(client.message()["params"]["data"], "busy");
    let cancelled = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } });
    client.send(&cancelled.to_string());
    client.request("ping", json!({}));
    assert!(server.saw("notifications/cancelled"));
}

#[test]
fn a_password_in_a_name_reaches_the_rule_and_neither_the_log_nor_the_question() {
    let home = Home::new();
    home.policy(
        r#"
[[rule]]
id = "ask-db"
action = "ask"
[rule.match]
method = "resources/read"
argument = { "/params/uri" = "db://u:hunter22@*" }
"#,
    );
    let _daemon = Daemon::start(&home);
    let server = Script::echo(&["look"]).install(&home, "db");
    let mut client = Client::apart(&home, &server);
    let id = client.ask("resources/read", json!({ "uri": "db://u:hunter22@h/x" }));
    let question = waiting(&home);
    let open = json!(questions(&home)).to_string();
    assert!(
        open.contains("db://u:[redacted:url-password]@h/x"),
        "{open}"
    );
    home.cli(&["approve", &question]).done();
    assert_eq!(answer(&mut client, id)["error"]["code"], -32601);
    let log = json!(home.records("method:resources/read")).to_string();
    for told in [open, log] {
        assert!(!told.contains("hunter22"), "{told}");
    }
}
