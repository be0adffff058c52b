//! Beginnings and ends: what the server is started with, how it ends, and that nobody stays behind.

use crate::kit::{Client, Daemon, Puppet, kit_file, wait_for};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

fn pid(number: &Value) -> Pid {
    Pid::from_raw(i32::try_from(number.as_u64().unwrap()).unwrap()).unwrap()
}

#[track_caller]
fn gone(process: Pid) {
    wait_for("the end of a process", || {
        // A zombie is gone too: its parent has only not looked yet.
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero()));
        let zombie = stat.is_ok_and(|stat| stat.contains(") Z "));
        (zombie || test_kill_process(process).is_err()).then_some(())
    });
}

#[test]
fn the_server_gets_its_words_directory_and_variables_as_they_are() {
    let home = Puppet::home();
    let _daemon = Daemon::start(&home);
    let words = [
        "",
        " ",
        "two words",
        "--",
        "-",
        "--server",
        "it's",
        "\"quoted\"",
        "line\nbreak",
        "$HOME",
        "*",
        "é",
    ];
    let mut shim = Puppet::new(&home, "words").shim();
    let folder = home.user().join("a folder");
    std::fs::create_dir(&folder).unwrap();
    shim.args(words)
        .current_dir(&folder)
        .env("TOKEN", "s3cret value\nwith a break")
        .env("CLAWDEFENDER_SOMETHING", "ours");
    let mut client = Client::start(&mut shim).greeted();
    let about = client.request("x/about", json!({}));
    let about = &about["result"];
    assert_eq!(about["argv"], json!(words));
    assert_eq!(about["cwd"], json!(folder));
    assert_eq!(about["env"]["TOKEN"], "s3cret value\nwith a break");
    assert_eq!(about["env"]["HOME"], json!(home.user()));
    let ours = |env: &Value| {
        env.as_object()
            .unwrap()
            .keys()
            .any(|key| key.starts_with("CLAWDEFENDER"))
    };
    assert!(!ours(&about["env"]), "nothing of ours reaches the server");
    assert!(client.close().success());
}

#[test]
fn what_the_server_complains_about_arrives_raw() {
    let home = Puppet::home();
    let _daemon = Daemon::start(&home);
    let mut shim = Puppet::new(&home, "loud").shim();
    let mut shim = shim
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = "\u{1b}[31mred\u{1b}[0m \u{ff}\u{fe} no newline";
    let line =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "x/complain", "params": { "text": said } });
    shim.stdin
        .take()
        .unwrap()
        .write_all(format!("{line}\n").as_bytes())
        .unwrap();
    let ended = shim.wait_with_output().unwrap();
    let raw: Vec<u8> = said
        .chars()
        .map(|char| u8::try_from(u32::from(char)).unwrap())
        .collect();
    assert_eq!(
        ended.stderr,
        raw,
        "{}",
        String::from_utf8_lossy(&ended.stderr)
    );
}

#[test]
fn a_server_that_dies_leaves_its_code_and_no_request_waiting() {
    let home = Puppet::home();
    let _daemon = Daemon::start(&home);
    for (death, code) in [
        (json!({ "code": 0 }), 0),
        (
            json!({ "code": 7, "half": "{\"jsonrpc\":\"2.0\",\"id\":" }),
            7,
        ),
        (json!({ "code": 0, "signal": 9 }), 128 + 9),
        (
            json!({ "code": 0, "signal": 15, "half": "noise" }),
            128 + 15,
        ),
    ] {
        let mut client = Puppet::new(&home, "mortal").start().greeted();
        let mut waiting = vec![
            client.ask("x/hold", json!({})),
            client.ask("tools/call", json!({ "name": "x" })),
        ];
        // The puppet answers any tool; so it is the last two that stay open.
        assert_eq!(client.message()["id"], waiting.pop().unwrap());
        waiting.push(client.ask("x/die", death.clone()));
        let (status, lines) = client.end();
        let mut told: Vec<u64> = lines
            .iter()
            .map(|line| {
                let told: Value = serde_json::from_str(line).unwrap();
                assert_eq!(told["error"]["code"], -31502, "{death}: {told:#}");
                told["id"].as_u64().unwrap()
            })
            .collect();
        told.sort_unstable();
        assert_eq!(told, waiting, "{death}");
        assert_eq!(status.code(), Some(code), "{death}");
    }
}

#[test]
fn signals_reach_the_server_and_its_end_is_the_shims() {
    let home = Puppet::home();
    let _daemon = Daemon::start(&home);
    for signal in [Signal::HUP, Signal::INT, Signal::TERM] {
        let mut client = Puppet::new(&home, "trap").start().greeted();
        client.request("x/trap", json!({}));
        kill_process(pid(&json!(client.id())), signal).unwrap();
        let (status, _) = client.end();
        // One that gets no time to end itself within a second is ended.
        let ended = [
            Some(signal.as_raw()),
            (signal == Signal::TERM).then_some(128 + 9),
        ];
        assert!(
            status.code().is_some() && ended.contains(&status.code()),
            "{signal:?}: {status}"
        );
    }
}

#[test]
fn a_server_that_will_not_end_is_ended_with_all_that_it_started() {
    let home = Puppet::home();
    let _daemon = Daemon::start(&home);
    for how in ["closed", "terminated", "killed"] {
        let mut client = Puppet::new(&home, "stays").start().greeted();
        let stays = client.request("x/stay", json!({}));
        let server = pid(&stays["result"]["pid"]);
        let grandchild = pid(&stays["result"]["grandchild"]);
        let shim = pid(&json!(client.id()));
        let began = std::time::Instant::now();
        match how {
            "closed" => {
                let status = client.close();
                assert_eq!(status.code(), Some(128 + 9), "{how}: {status}");
            }
            "terminated" => {
                kill_process(shim, Signal::TERM).unwrap();
                let (status, _) = client.end();
                assert_eq!(status.code(), Some(128 + 9), "{how}: {status}");
            }
            // Nothing of the shim runs any more. A server that reads its end goes; one that
            // ignores the end and the kernel's SIGTERM is what no one can reach without us.
            _ => {
                kill_process(shim, Signal::KILL).unwrap();
                let _ = client.end();
                let _ = kill_process(server, Signal::KILL);
                let _ = kill_process(grandchild, Signal::KILL);
            }
        }
        println!("{how}: over after {:?}", began.elapsed());
        gone(server);
        gone(grandchild);
    }
}

#[test]
fn a_shim_that_is_killed_takes_its_server_along() {
    let home = Puppet::home();
    let _daemon = Daemon::start(&home);
    let mut client = Puppet::new(&home, "orphan").start().greeted();
    let server = pid(&client.request("x/about", json!({}))["result"]["pid"]);
    kill_process(pid(&json!(client.id())), Signal::KILL).unwrap();
    let _ = client.end();
    gone(server);
}

#[test]
fn half_a_line_at_the_end_is_no_message() {
    let home = Puppet::home();
    let _daemon = Daemon::start(&home);
    let puppet = Puppet::new(&home, "half");
    let mut client = puppet.start().greeted();
    client.write(br#"{"jsonrpc":"2.0","id":1,"method":"x/echo""#);
    let seen = puppet.seen().len();
    drop(client.take_input());
    let (status, _) = client.end();
    assert!(status.success());
    assert_eq!(puppet.seen().len(), seen, "{:?}", puppet.seen());
    assert_eq!(home.records("kind:unreadable").len(), 1);
}

#[test]
fn it_works_under_node_whose_pipes_are_sockets() {
    let home = Puppet::home();
    let _daemon = Daemon::start(&home);
    let shim = Puppet::new(&home, "node").shim();
    let mut node = Command::new("node");
    let mut node = home
        .lend(&mut node)
        .arg(kit_file("host.js"))
        .arg(shim.get_program())
        .args(shim.get_args())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = String::new();
    BufReader::new(node.stdout.take().unwrap())
        .read_line(&mut told)
        .unwrap();
    assert!(node.wait().unwrap().success());
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        told["socket"], true,
        "Node gives its children sockets: {told:#}"
    );
    assert_eq!(told["answers"], 2000);
    assert_eq!(told["big"], 3 << 20);
    assert_eq!(
        (&told["code"], &told["errors"]),
        (&json!(0), &json!("from the server"))
    );
}

#[test]
fn a_server_that_reads_no_more_and_lives_on_leaves_no_request_waiting() {
    let home = Puppet::home();
    let _daemon = Daemon::start(&home);
    let deaf =
        r#"read -r line; exec <&-; echo '{"jsonrpc":"2.0","id":1,"result":{}}'; exec sleep 60"#;
    let mut shim = home.program(&["proxy", "--server", "deaf", "--", "sh", "-c", deaf]);
    let mut client = Client::start(&mut shim);
    client.send(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
    assert_eq!(client.message()["result"], json!({}));
    for id in 2..5 {
        client.send(&json!({ "jsonrpc": "2.0", "id": id, "method": "ping" }).to_string());
        let answer = client.message();
        assert_eq!(answer["id"], id, "{answer:#}");
        assert!(answer["error"]["message"].is_string(), "{answer:#}");
    }
}
