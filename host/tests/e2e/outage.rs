//! A daemon goes away in the moments when it is most missed: nobody is refused because of that.

use crate::kit::{Daemon, Puppet, wait_for};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::io::Read;
use std::os::unix::net::UnixListener;

#[test]
fn a_daemon_that_ends_before_it_greets_is_followed_by_the_next() {
    let home = Puppet::home();
    let socket = home.root().join("run/daemon.sock");
    std::fs::create_dir_all(socket.parent().unwrap()).unwrap();
    // What a daemon looks like that is killed after it accepted: it hears, and is gone.
    let dying = UnixListener::bind(&socket).unwrap();
    let mut client = Puppet::new(&home, "late").start();
    for _ in 0..3 {
        let (mut stream, _) = dying.accept().unwrap();
        let mut heard = [0; 5];
        stream.read_exact(&mut heard).unwrap();
    }
    let (mut last, _) = dying.accept().unwrap();
    drop(dying);
    std::fs::remove_file(&socket).unwrap();
    last.read_exact(&mut [0; 5]).unwrap();
    drop(last);

    client = client.greeted();
    let answer = client.request("x/echo", json!({ "text": "still here" }));
    assert_eq!(answer["result"]["text"], "still here");
    assert!(client.close().success());
    assert_eq!(home.records("type:launch -verdict:deny").len(), 1);
}

#[test]
fn a_daemon_that_stops_denies_nothing_that_is_on_its_way() {
    const CALLS: usize = 120;
    let home = Puppet::home();
    let first = Daemon::start(&home);
    let mut client = Puppet::new(&home, "busy").start().greeted();
    // Long enough to inspect that some are always in work or waiting when the daemon stops.
    let text = "The build is green. ".repeat(2000);
    let mut daemons = vec![u64::from(first.id())];
    let (mut sent, mut answered) = (0, 0);
    while answered < CALLS {
        while sent < CALLS && sent - answered < 24 {
            client.ask("x/echo", json!({ "text": text }));
            sent += 1;
        }
        let answer = client.message();
        assert_eq!(answer["result"]["text"], text.as_str(), "{answer:#}");
        answered += 1;
        if answered.is_multiple_of(30) && answered < CALLS {
            home.cli(&["daemon", "stop"]).done();
            daemons.push(wait_for("another daemon", || {
                let status: Value =
                    serde_json::from_str(&home.cli(&["status", "--json"]).out).ok()?;
                status["pid"].as_u64().filter(|pid| !daemons.contains(pid))
            }));
        }
    }
    assert!(client.close().success());
    let denied = home.records("verdict:deny");
    assert!(denied.is_empty(), "{denied:#?}");
    home.verify_audit();
}

#[test]
fn a_daemon_that_lost_its_folder_ends_and_its_links_go_on() {
    let home = Puppet::home();
    let daemon = Daemon::start(&home);
    let mut client = Puppet::new(&home, "moved").start().greeted();
    std::fs::remove_dir_all(home.root().join("run")).unwrap();
    assert_eq!(daemon.end().code(), Some(1));
    let log = std::fs::read_to_string(home.file("daemon.log")).unwrap();
    assert!(log.contains("no longer the one that was locked"), "{log}");

    let answer = client.request("x/echo", json!({ "text": "still here" }));
    assert_eq!(answer["result"]["text"], "still here");
    assert!(client.close().success());
    home.verify_audit();
}

#[test]
fn a_daemon_ends_though_its_socket_is_gone() {
    let home = Puppet::home();
    let daemon = Daemon::start(&home);
    // It has done more than to bind its socket.
    home.status();
    let pid = Pid::from_raw(daemon.id().cast_signed()).unwrap();
    std::fs::remove_file(home.root().join("run/daemon.sock")).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    assert!(daemon.end().success());
}
