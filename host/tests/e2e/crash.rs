//! The daemon is killed while calls flow: the session goes on, each message arrives exactly once, and
//! nothing that was acknowledged is missing from the log.

use crate::kit::{Client, Daemon, Home, Script, text, wait_for};
use clawdefender_trust::Sha256Digest;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const CALLS: u64 = 400;
const KILLS: usize = 5;
/// Calls on their way at the same time.
const WINDOW: u64 = 16;

#[test]
fn a_killed_daemon_loses_no_message_and_no_record() {
    let home = Home::new();
    let first = Daemon::start(&home);
    let server = Script::echo(&["say"]).install(&home, "files");
    let mut client = Client::open(&home, &server);
    let greeting = server.seen().len();

    // Moments that differ from run to run; printed when the test fails.
    let mut kills: Vec<u64> = (0..KILLS)
        .map(|_| rand::random_range(1..CALLS - WINDOW))
        .collect();
    kills.sort_unstable();
    println!("killing after answers {kills:?}");
    let mut daemon = first.id();
    let mut daemons = BTreeSet::from([daemon]);

    let (mut sent, mut answers, mut lines) = (0, BTreeMap::<u64, u64>::new(), Vec::new());
    let call = |client: &mut Client, n: u64| {
        let arguments = json!({ "text": format!("call {n}") });
        let line = json!({ "jsonrpc": "2.0", "id": n, "method": "tools/call", "params": { "name": "say", "arguments": arguments } });
        client.send(&line.to_string());
        line.to_string()
    };
    while (answers.len() as u64) < CALLS {
        while sent < CALLS && sent - (answers.len() as u64) < WINDOW {
            sent += 1;
            lines.push(call(&mut client, 1000 + sent));
        }
        let line = client.line();
        let answer: Value = serde_json::from_str(&line).unwrap();
        let id = answer["id"].as_u64().unwrap();
        assert_eq!(
            text(&answer),
            format!("call {id}"),
            "every call is innocent"
        );
        *answers.entry(id).or_default() += 1;
        lines.push(line);
        while kills
            .first()
            .is_some_and(|moment| *moment <= answers.len() as u64)
        {
            kills.remove(0);
            kill_process(
                Pid::from_raw(i32::try_from(daemon).unwrap()).unwrap(),
                Signal::KILL,
            )
            .unwrap();
            // The shim starts the next one; its number is asked for, so that it can be killed too.
            daemon = wait_for("another daemon", || {
                let status = home.cli(&["status", "--json"]);
                let status: Value = serde_json::from_str(&status.out).ok()?;
                u32::try_from(status["pid"].as_u64()?)
                    .ok()
                    .filter(|pid| !daemons.contains(pid))
            });
            daemons.insert(daemon);
        }
    }
    assert_eq!(daemons.len(), KILLS + 1);
    client.close();

    assert!(
        answers.values().all(|times| *times == 1),
        "an answer came twice: {answers:?}"
    );
    let mut arrived = BTreeMap::<u64, u64>::new();
    for line in server.seen().iter().skip(greeting) {
        let message: Value = serde_json::from_str(line).unwrap();
        if let Some(id) = message["id"].as_u64() {
            *arrived.entry(id).or_default() += 1;
        }
    }
    assert_eq!(arrived.len() as u64, CALLS);
    assert!(
        arrived.values().all(|times| *times == 1),
        "a call arrived twice: {arrived:?}"
    );

    let recorded: BTreeSet<String> = home
        .records("verdict:allow")
        .iter()
        .filter_map(|record| record["digest"].as_str().map(str::to_owned))
        .collect();
    for line in &lines {
        let digest = Sha256Digest::of(line.as_bytes()).to_string();
        assert!(recorded.contains(&digest), "no record of {line}");
    }
    home.verify_audit();
    drop(first);
}

#[test]
fn what_a_server_wrote_before_it_ended_reaches_the_client() {
    use std::io::Write;
    use std::process::Stdio;

    let home = Home::new();
    let _daemon = Daemon::start(&home);
    for round in 0..10 {
        // `cat` answers each line with itself and ends as soon as its input does.
        let mut shim = home.program(&["proxy", "--server", "cat", "--", "cat"]);
        let mut shim = shim
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines: String = (0..50)
            .map(|id| {
                format!("{{\"jsonrpc\":\"2.0\",\"id\":\"{round}.{id}\",\"method\":\"ping\"}}\n")
            })
            .collect();
        shim.stdin
            .take()
            .unwrap()
            .write_all(lines.as_bytes())
            .unwrap();
        let ended = shim.wait_with_output().unwrap();
        let out = String::from_utf8(ended.stdout).unwrap();
        // Our own errors for what is never answered come after it.
        let (errors, passed): (Vec<&str>, Vec<&str>) =
            out.lines().partition(|line| line.contains("\"error\""));
        assert_eq!(passed, lines.lines().collect::<Vec<_>>());
        assert_eq!(errors.len(), 50, "{errors:#?}");
        assert_eq!(ended.status.code(), Some(0));
    }
}

#[test]
fn a_shim_full_of_undecided_calls_and_its_next_daemon_do_not_wait_for_each_other() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let server = Script::echo(&["say"]).install(&home, "files");
    let mut client = Client::open(&home, &server);
    let pid = Pid::from_raw(i32::try_from(daemon.id()).unwrap()).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    // Once the socket is full; from then on the shim holds what comes until it has a daemon again.
    let killer = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_secs(1));
        daemon.kill();
    });
    // More than two sockets hold, in calls as in rulings.
    let said = "word ".repeat(400);
    for n in 0..900 {
        let arguments = json!({ "text": format!("{n} {said}") });
        let line = json!({ "jsonrpc": "2.0", "id": n, "method": "tools/call", "params": { "name": "say", "arguments": arguments } });
        client.send(&line.to_string());
    }
    killer.join().unwrap();
    let mut answered = BTreeSet::new();
    while answered.len() < 900 {
        let answer: Value = serde_json::from_str(&client.line()).unwrap();
        assert!(answered.insert(answer["id"].as_u64().unwrap()), "{answer}");
    }
    client.close();
    home.verify_audit();
}

/// A question takes longer than a server is waited for that ended: its answer is not lost meanwhile.
#[test]
fn what_a_person_is_asked_about_outlives_the_server_that_said_it() {
    use std::io::Write;
    use std::process::Stdio;

    let home = Home::new();
    home.policy("[[rule]]\nid = \"look\"\naction = \"ask\"\nreason = \"a test\"\n[rule.match]\nkind = \"tool-result\"\n");
    home.configure("ask_hold_s = 5");
    let _daemon = Daemon::start(&home);
    let server = r#"read -r line; echo '{"jsonrpc":"2.0","id":1,"result":{"content":[]}}'"#;
    let mut shim = home.program(&["proxy", "--server", "brief", "--", "sh", "-c", server]);
    let mut shim = shim
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "look", "arguments": {} } });
    let mut input = shim.stdin.take().unwrap();
    input.write_all(format!("{call}\n").as_bytes()).unwrap();
    drop(input);
    let ended = shim.wait_with_output().unwrap();
    let out = String::from_utf8(ended.stdout).unwrap();
    let answer: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert_eq!(answer["id"], 1, "{answer:#}");
    assert_eq!(answer["result"]["isError"], true, "{answer:#}");
    assert_eq!(out.lines().count(), 1, "{out}");
}
