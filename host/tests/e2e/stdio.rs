//! The two pipes under strain: everything that direct pipes would carry arrives, byte for byte and in
//! order, and what is too long is refused without anybody being left waiting.

use crate::kit::{Client, Daemon, Home, Puppet, wait_for};
use clawdefender_trust::Sha256Digest;
use serde_json::{Value, json};
use std::process::Stdio;

/// A home with a daemon, and a puppet behind a shim.
macro_rules! stage {
    ($home:ident, $puppet:ident, $client:ident, $config:expr) => {
        let $home = Puppet::home();
        $home.configure($config);
        let _daemon = Daemon::start(&$home);
        let $puppet = Puppet::new(&$home, "puppet");
        let mut $client = $puppet.start().greeted();
    };
}

#[track_caller]
fn echoes(client: &mut Client, word: &str) {
    let answer = client.request("x/echo", json!({ "text": word }));
    assert_eq!(answer["result"]["text"], word, "{answer:#}");
}

/// The record of exactly these bytes.
#[track_caller]
fn recorded(home: &Home, line: &str) -> Value {
    let digest = Sha256Digest::of(line.as_bytes()).to_string();
    let mut records = home.records("verdict:deny");
    records.retain(|record| record["digest"] == digest);
    assert_eq!(records.len(), 1, "records of {line}");
    records.remove(0)
}

#[test]
fn an_answer_that_is_too_long_ends_the_request_that_it_answers() {
    const LIMIT: u64 = 1 << 20;
    stage!(home, puppet, client, &format!("max_frame_bytes = {LIMIT}"));
    for place in ["head", "tail"] {
        let waiting = client.ask("x/hold", json!({}));
        let asked = client.ask("x/long", json!({ "size": LIMIT, "place": place }));
        let answer = client.message();
        assert_eq!(
            (&answer["id"], &answer["error"]["code"]),
            (&json!(asked), &json!(-31403))
        );
        // The other one is still open: cancelling it is no news to anybody.
        client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": waiting } }).to_string());
        echoes(&mut client, place);
    }
    // Whose answer it was can't be read: nobody waits for ever.
    let one = client.ask("x/hold", json!({}));
    let two = client.ask("x/long", json!({ "size": LIMIT, "place": "none" }));
    let mut ended = [client.message(), client.message()].map(|answer| {
        assert_eq!(answer["error"]["code"], -31403, "{answer:#}");
        answer["id"].as_u64().unwrap()
    });
    ended.sort_unstable();
    assert_eq!(ended, [one, two]);
    echoes(&mut client, "goes on");
    let records = home.records("kind:unreadable");
    assert_eq!(records.len(), 3, "{records:#?}");
    for record in records {
        assert!(record["bytes"].as_u64().unwrap() > LIMIT, "{record:#}");
        assert_eq!(record["digest"].as_str().unwrap().len(), 64, "{record:#}");
    }
    assert!(client.close().success());
}

#[test]
fn a_request_that_is_too_long_is_answered_and_the_next_one_passes() {
    stage!(home, puppet, client, "max_frame_bytes = 65536");
    for (id, line) in [
        (
            "7",
            format!(
                r#"{{"jsonrpc":"2.0","id":7,"method":"x/echo","params":{{"text":"{}"}}}}"#,
                "x".repeat(70_000)
            ),
        ),
        (
            r#""tail""#,
            format!(
                r#"{{"jsonrpc":"2.0","method":"x/echo","params":{{"text":"{}"}},"id":"tail"}}"#,
                "x".repeat(70_000)
            ),
        ),
    ] {
        client.send(&line);
        let answer = client.message();
        assert_eq!(
            (answer["id"].to_string(), &answer["error"]["code"]),
            (id.to_owned(), &json!(-32600))
        );
        let record = recorded(&home, &line);
        assert_eq!(record["bytes"], line.len());
        echoes(&mut client, "next");
    }
    // At the limit it passes.
    let frame = |fill: usize| {
        json!({ "jsonrpc": "2.0", "id": 9, "method": "x/echo", "params": { "text": "y".repeat(fill) } }).to_string()
    };
    let line = frame(65_536 - frame(0).len());
    assert_eq!(line.len(), 65_536);
    client.send(&line);
    assert_eq!(client.message()["id"], 9);
    assert!(puppet.seen().iter().all(|line| !line.contains("xxx")));
}

#[test]
fn an_endless_line_is_read_past_in_little_memory() {
    stage!(home, puppet, client, "max_frame_bytes = 1048576");
    let size: u64 = std::env::var("CLAWDEFENDER_E2E_LONG_BYTES")
        .ok()
        .and_then(|size| size.parse().ok())
        .unwrap_or(64 << 20);
    let asked = client.ask("x/long", json!({ "size": size, "place": "tail" }));
    let answer = client.message();
    assert_eq!(
        (&answer["id"], &answer["error"]["code"]),
        (&json!(asked), &json!(-31403))
    );
    let peak = peak_kib(client.id());
    println!("{size} bytes went by; the shim's peak was {peak} KiB");
    assert!(peak < 32 << 10, "{peak} KiB");
    echoes(&mut client, "goes on");
}

/// The most memory that a process ever had.
fn peak_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn readers_that_stall_hold_up_nobody_for_ever_and_fill_no_memory() {
    const LIMIT: u64 = 2 << 20;
    stage!(home, puppet, client, &format!("max_frame_bytes = {LIMIT}"));
    let gate = home.file("gate");
    // The server reads nothing; 40 MiB are written to it, more than the shim may hold.
    client.request("x/sleep", json!({ "until": gate }));
    let big = "The build is green. ".repeat(3277);
    let mut writer = client.take_input();
    let writes = std::thread::spawn(move || {
        use std::io::Write;
        for id in 0..640 {
            let line = json!({ "jsonrpc": "2.0", "id": format!("in{id}"), "method": "x/echo", "params": { "text": big } });
            writer.write_all(format!("{line}\n").as_bytes()).unwrap();
        }
        writer
    });
    // The shim takes in what it may and then no more.
    let mut before = 0;
    wait_for("a shim that stopped reading", || {
        std::thread::sleep(std::time::Duration::from_millis(200));
        let now = read_bytes(client.id());
        (std::mem::replace(&mut before, now) == now && now > LIMIT).then_some(())
    });
    assert!(!writes.is_finished(), "40 MiB were swallowed");
    std::fs::write(&gate, "").unwrap();
    // Now both directions are full at once: each answer is as long as its request.
    for id in 0..640 {
        let answer = client.message();
        assert_eq!(answer["id"], format!("in{id}"));
        assert_eq!(answer["result"]["text"].as_str().unwrap().len(), 20 * 3277);
    }
    client.give_input(writes.join().unwrap());
    let peak = peak_kib(client.id());
    println!("peak {peak} KiB with 40 MiB queued");
    // Twice the largest frame for each side, copies on their way to the daemon, and the program.
    assert!(peak < 40 << 10, "{peak} KiB");
    assert!(client.close().success());
}

#[test]
fn refusals_that_nobody_reads_are_not_piled_up() {
    use std::io::{BufRead, BufReader, Write};
    const CALLS: u64 = 6000;
    let home = Puppet::home();
    let _daemon = Daemon::start(&home);
    let puppet = Puppet::new(&home, "puppet");
    let mut shim = puppet.shim();
    let mut shim = shim
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut writer = shim.stdin.take().unwrap();
    let writes = std::thread::spawn(move || {
        for id in 0..CALLS {
            let line = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call",
                "params": { "name": "read_file", "arguments": { "path": "/home/u/.ssh/id_rsa" } } });
            writer.write_all(format!("{line}\n").as_bytes()).unwrap();
        }
    });
    // Nobody reads what it answers, so it takes in no more than it may hold.
    let mut before = 0;
    wait_for("a shim that stopped reading", || {
        std::thread::sleep(std::time::Duration::from_secs(2));
        let now = read_bytes(shim.id());
        (std::mem::replace(&mut before, now) == now).then_some(())
    });
    assert!(!writes.is_finished(), "every call was taken in");
    let answers = BufReader::new(shim.stdout.take().unwrap());
    for (id, line) in (0..CALLS).zip(answers.lines()) {
        let answer: Value = serde_json::from_str(&line.unwrap()).unwrap();
        assert_eq!(answer["id"], id);
        assert_eq!(answer["result"]["isError"], true, "{answer:#}");
    }
    writes.join().unwrap();
    assert!(shim.wait().unwrap().success());
    let seen = puppet.seen();
    assert!(!seen.iter().any(|line| line.contains("read_file")));
}

/// How much a process has read.
fn read_bytes(process: u32) -> u64 {
    let io = std::fs::read_to_string(format!("/proc/{process}/io")).unwrap();
    let line = io.lines().find(|line| line.starts_with("rchar")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn messages_survive_however_they_are_cut_and_piled_up() {
    stage!(home, puppet, client, "");
    // Byte by byte, in both directions.
    let line = r#"{ "jsonrpc":"2.0" ,"id":"drip","method":"x/drip","params":{"text":"ünï"}}"#;
    client.write_slowly(format!("{line}\n").as_bytes());
    assert_eq!(client.message()["result"]["text"], "ünï");
    assert_eq!(puppet.seen().last().unwrap(), line, "byte for byte");

    // A thousand lines in one write, and a thousand messages in one write back before an answer.
    let pile: String = (0..1000)
        .map(|id| format!("{{\"jsonrpc\":\"2.0\",\"id\":\"p{id}\",\"method\":\"x/echo\",\"params\":{{\"text\":\"{id}\"}}}}\n"))
        .collect();
    client.write(pile.as_bytes());
    for id in 0..1000 {
        assert_eq!(client.message()["id"], format!("p{id}"));
    }
    client.ask("x/many", json!({ "count": 1000 }));
    for n in 0..1000 {
        assert_eq!(
            client.message()["params"]["progress"],
            n,
            "progress stays before the result"
        );
    }
    assert_eq!(client.message()["result"]["count"], 1000);
    assert!(client.close().success());
}

#[test]
fn every_id_is_its_own_request_in_each_direction() {
    stage!(home, puppet, client, "");
    for id in [
        "0",
        "-1",
        "9223372036854775808",
        "-9223372036854775809",
        "123456789012345678901234567890",
        r#""""#,
        r#""0""#,
        r#""é\"\\""#,
        r#""💩""#,
    ] {
        client.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"x/raw","params":{{"line":"{{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{{}}}}"}}}}"#));
        if id.contains('\\') || id.contains("123456") || !id.is_ascii() {
            // Python writes it back in a form of its own; what counts is that it is the same id.
            let told: Value = serde_json::from_str(&client.line()).unwrap();
            assert_eq!(told["result"], json!({}), "{id}: {told:#}");
        } else {
            assert_eq!(
                client.line(),
                format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#)
            );
        }
    }
    // The server asks under an id that the client uses at the same time.
    client.send(r#"{"jsonrpc":"2.0","id":5,"method":"x/raw","params":{"line":"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"ping\"}"}}"#);
    assert_eq!(client.line(), r#"{"jsonrpc":"2.0","id":5,"method":"ping"}"#);
    client.send(r#"{"jsonrpc":"2.0","id":5,"result":{}}"#);
    // The client's own 5 is still open, so it can't be used again; another one can.
    client.send(r#"{"jsonrpc":"2.0","id":5,"method":"ping"}"#);
    assert_eq!(client.message()["error"]["code"], -32600);
    echoes(&mut client, "on");
    assert!(
        puppet
            .seen()
            .contains(&r#"{"jsonrpc":"2.0","id":5,"result":{}}"#.to_owned())
    );
}

#[test]
fn a_second_answer_and_an_answer_after_cancelling_reach_nobody() {
    stage!(home, puppet, client, "");
    let twice = r#"{"jsonrpc":"2.0","id":$ID,"result":{"n":1}}
{"jsonrpc":"2.0","id":$ID,"result":{"n":2}}"#;
    let answer = client.request("x/raw", json!({ "line": twice }));
    assert_eq!(answer["result"]["n"], 1);
    echoes(&mut client, "once");

    let held = client.ask("x/hold", json!({}));
    let cancel = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": held } }).to_string();
    client.send(&cancel);
    let late = format!(
        r#"{{"jsonrpc":"2.0","id":{held},"result":{{}}}}
{{"jsonrpc":"2.0","id":$ID,"result":{{"n":3}}}}"#
    );
    assert_eq!(
        client.request("x/raw", json!({ "line": late }))["result"]["n"],
        3
    );
    // Cancelling what was answered, and what never was, is forwarded like any notification.
    client.send(&cancel);
    echoes(&mut client, "done");
    assert_eq!(
        puppet.seen().iter().filter(|line| **line == cancel).count(),
        2
    );
    assert_eq!(home.records("rule:protocol:unsolicited").len(), 2);
    assert!(client.close().success());
}

#[test]
fn a_broken_message_ends_no_request_but_its_own() {
    stage!(home, puppet, client, "");
    let held = client.ask("x/hold", json!({}));
    // A log line, a broken request and a broken answer to nothing, all with the id of an open request
    // or none: noise to the client.
    for noise in [
        format!(r#"{{"level":"info","id":{held},"msg":"started"}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":{held},"method":"x","method":"y"}}"#),
        r#"{"level":"error","error":"no database"}"#.to_owned(),
        "listening on :3000".to_owned(),
    ] {
        let then = format!("{noise}\n{{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{{}}}}");
        let answer = client.request("x/raw", json!({ "line": then }));
        assert_eq!(answer["result"], json!({}), "{noise}");
    }
    // The held request is open: its answer passes.
    let answer = format!(r#"{{"jsonrpc":"2.0","id":{held},"result":{{"late":true}}}}"#);
    let own = client.ask("x/raw", json!({ "line": answer }));
    assert_eq!(client.message()["result"]["late"], true);
    // A broken answer is an error for the request that it was meant for.
    let broken = format!(r#"{{"jsonrpc":"2.0","id":{own},"result":{{"a":NaN}}}}"#);
    let last = client.ask("x/raw", json!({ "line": broken }));
    let told = client.message();
    assert_eq!(
        (&told["id"], &told["error"]["code"]),
        (&json!(own), &json!(-31403))
    );
    // Which one it was can't be told: all that are open hear so.
    client.ask(
        "x/raw",
        json!({ "line": r#"{"jsonrpc":"2.0","id":1.5,"result":{}}"# }),
    );
    let mut ended = [client.message(), client.message()].map(|told| told["id"].as_u64().unwrap());
    ended.sort_unstable();
    assert_eq!(ended, [last, last + 1]);
    // From the client: the error has the request's id even where the line is no JSON.
    for (line, code) in [
        (
            r#"{"jsonrpc":"2.0","id":"a","method":"x/echo","params":{"v":NaN}}"#,
            -32700,
        ),
        (
            r#"{"jsonrpc":"2.0","id":"a","method":"x/echo","params":[1]}"#,
            -32600,
        ),
        (r#"{"jsonrpc":"2.0","id":"a","Method":"x/echo"}"#, -32600),
        (
            "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"x/echo\"} {}",
            -32700,
        ),
        (
            "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"x/echo\"}",
            -32700,
        ),
        (
            "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"x/echo\",\"params\":\r{}\r}",
            -32700,
        ),
    ] {
        client.send(line);
        let told = client.message();
        assert_eq!(
            (&told["id"], &told["error"]["code"]),
            (&json!("a"), &json!(code)),
            "{line}"
        );
        let record = recorded(&home, line);
        assert_eq!(record["decision"]["rule"], "protocol:ambiguous");
    }
    echoes(&mut client, "goes on");
}

#[test]
fn a_carriage_return_hides_no_message_in_another() {
    stage!(home, puppet, client, "");
    // To a reader that ends a line there, three lines: the one in the middle asks for a completion.
    let inner = r#"{"jsonrpc":"2.0","id":77,"method":"sampling/createMessage","params":{}}"#;
    for hiding in [
        format!("{{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{{\"x\":\r{inner}\r}}}}"),
        format!("{{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{{}}}}\r{inner}"),
    ] {
        let told = client.request("x/raw", json!({ "line": hiding }));
        assert_eq!(told["error"]["code"], -31403, "{told:#}");
    }
    let notice =
        format!("{{\"jsonrpc\":\"2.0\",\"method\":\"x/y\",\"params\":{{\"x\":\r{inner}\r}}}}");
    let then = format!("{notice}\n{{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{{}}}}\r");
    let answer = client.request("x/raw", json!({ "line": then }));
    assert_eq!(answer["result"], json!({}), "an end of line of two is one");
    assert_eq!(home.records("rule:protocol:ambiguous").len(), 3);
    echoes(&mut client, "goes on");
}

#[test]
fn batches_pass_where_the_revision_has_them_and_each_request_is_answered_where_not() {
    let home = Puppet::home();
    let _daemon = Daemon::start(&home);
    let puppet = Puppet::new(&home, "puppet");
    let ping = |id: u32| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
    let initialize = |revision: &str| json!({ "protocolVersion": revision, "capabilities": {} });
    for (revision, has) in [
        ("2025-03-26", true),
        ("2025-06-18", false),
        ("2024-11-05", false),
    ] {
        let mut client = puppet.start();
        let before = puppet.seen().len();
        client.request("initialize", initialize(revision));
        let batch = format!("[{},{}]", ping(101), ping(102));
        client.send(&batch);
        if !has {
            for id in [101, 102] {
                let told = client.message();
                assert_eq!(
                    (&told["id"], &told["error"]["code"]),
                    (&json!(id), &json!(-32600))
                );
            }
            client.request("ping", json!({}));
            assert_eq!(
                puppet.seen().len(),
                before + 2,
                "only the handshake and the last ping"
            );
            continue;
        }
        // The server here answers no batch; that it came as it was is what counts.
        wait_for("the batch at the server", || {
            puppet.seen().contains(&batch).then_some(())
        });
        let answers = r#"[{"jsonrpc":"2.0","id":101,"result":{}},{"jsonrpc":"2.0","id":102,"result":{}},{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}]"#;
        let open = client.ask("x/raw", json!({ "line": answers }));
        assert_eq!(client.line(), answers);
        // Only notifications: nothing to answer, and it arrives.
        let notes = r#"[{"jsonrpc":"2.0","method":"notifications/x"},{"jsonrpc":"2.0","method":"notifications/y"}]"#;
        client.send(notes);
        wait_for("the notifications", || {
            puppet.seen().contains(&notes.to_owned()).then_some(())
        });
        // One message that is none, or one id twice: nothing passes and everyone is answered.
        let seen = puppet.seen().len();
        client.send(&format!(
            r#"[{},{{"jsonrpc":"2.0","id":104}},{}]"#,
            ping(103),
            ping(105)
        ));
        for id in [103, 104, 105] {
            assert_eq!(client.message()["id"], id);
        }
        client.send(&format!("[{},{}]", ping(106), ping(106)));
        let told = client.message();
        assert_eq!(
            (&told["id"], told["error"].is_object()),
            (&json!(106), true)
        );
        client.send("[]");
        assert_eq!(client.message()["error"]["code"], -32600);
        // A list entry to hide, or a call to refuse, stops its batch.
        client.send(&format!(r#"[{},{{"jsonrpc":"2.0","id":107,"method":"tools/call","params":{{"name":"read_file","arguments":{{"path":"~/.ssh/id_rsa"}}}}}}]"#, ping(108)));
        let told = [client.message(), client.message()];
        assert_eq!((&told[0]["id"], &told[1]["id"]), (&json!(108), &json!(107)));
        assert_eq!(told[1]["result"]["isError"], true);
        assert_eq!(puppet.seen().len(), seen, "none of that reached the server");
        // Answers, one of which is broken: who waits for them is told.
        let broken = format!(r#"[{{"jsonrpc":"2.0","id":{open},"result":1}}]"#);
        client.ask("x/raw", json!({ "line": broken }));
        assert_eq!(client.message()["id"], open);
    }
}
