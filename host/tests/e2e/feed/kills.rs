//! The daemon is killed, or its disk is full, at every step of an activation: what is live
//! afterwards is one whole generation, and it is said which.

use super::{live, newer};
use crate::kit::{Daemon, Feed, Group, Home, wait_for};
use clawdefender_trust::SecretKey;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

/// `strace` that does `what` to the daemon's calls on files of the official feed.
fn tamper(daemon: &Daemon, home: &Home, what: &str) -> Group {
    let feeds = home.root().join("feeds/official");
    let log = home.file("strace.log");
    let mut command = Command::new("strace");
    command
        .args(["-f", "-qq", "-e", "signal=none", "-o"])
        .arg(&log)
        .args(["-p", &daemon.id().to_string(), "-e", what]);
    for name in ["staged.feedpack", "state.json"] {
        command
            .arg("-P")
            .arg(feeds.join(format!("{name}.part")))
            .arg("-P")
            .arg(feeds.join(name));
    }
    for epoch in [2, 3] {
        command
            .arg("-P")
            .arg(feeds.join(format!("rotations/{epoch}.dsse.json.part")))
            .arg("-P")
            .arg(feeds.join(format!("rotations/{epoch}.dsse.json")));
    }
    command
        .arg("-P")
        .arg(feeds.join("current.feedpack"))
        .arg("-P")
        .arg(&feeds);
    let tracer = Group::spawn(command.stdin(Stdio::null()).stdout(Stdio::null()));
    let status = format!("/proc/{}/status", daemon.id());
    wait_for("a tracer", || {
        let status = std::fs::read_to_string(&status).ok()?;
        (!status.contains("TracerPid:\t0")).then_some(())
    });
    tracer
}

fn is_version(feed: &Value, of: &Value) -> bool {
    feed["version"] == of["version"]
}

/// Begins with one generation live, offers a second one whose keys rotated, and looks again after a
/// restart.
fn attempt(step: u32, what: &str) -> bool {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let folder = newer().publish(&home.file("first"));
    home.cli(&["feed", "update", folder.to_str().unwrap()])
        .done();
    let first = live(&home);
    let mut feed = newer();
    feed.manifest.version += 1;
    let [then, last] = [102, 103].map(|number| SecretKey::from_bytes(&[number; 32]));
    let second = home.file("second");
    feed = feed.rotated(Feed::development_key("next"), &then);
    feed.keep_rotation(&second);
    feed = feed.rotated(then, &last);
    feed.keep_rotation(&second);
    let second = feed.publish(&second);
    let tracer = tamper(&daemon, &home, &format!("{what}:when={step}"));
    let offered = home.cli(&["feed", "update", second.to_str().unwrap()]);
    drop(tracer);
    daemon.kill();
    let _daemon = Daemon::start(&home);
    let now = live(&home);
    let is_second = now["version"] == feed.manifest.version;
    let alerts = home.status()["alerts"].clone();
    let alerts = alerts.as_array().unwrap().iter();
    let codes: Vec<&str> = alerts.filter_map(|alert| alert["code"].as_str()).collect();
    // The old key did not agree to the new ones.
    let expected: &[&str] = if is_second {
        &["emergency-rotation"]
    } else {
        &[]
    };
    assert_eq!(codes, expected, "step {step}");
    // Whatever is live, the log knows of it.
    if is_second {
        let changing = home.records("kind:feed-changing");
        let note = format!("version {} of epoch 3", feed.manifest.version);
        let told = |one: &Value| {
            one["note"]
                .as_str()
                .is_some_and(|said| said.contains(&note))
        };
        assert!(changing.iter().any(told), "step {step}: {changing:#?}");
    }
    assert!(
        is_second || is_version(&now, &first),
        "step {step}: {now:#}"
    );
    // Said to be live means live, and said not to be stored means not stored.
    if offered.err.contains("No space") {
        assert!(is_version(&now, &first), "step {step}: {now:#}");
    }
    if offered.code == 0 {
        assert!(is_second, "step {step}");
        return true;
    }
    home.cli(&["feed", "update", second.to_str().unwrap()])
        .done();
    assert_eq!(live(&home)["version"], feed.manifest.version);
    home.verify_audit();
    assert!(Path::new(&home.root()).exists());
    false
}

#[test]
fn killed_at_each_rename_of_an_activation() {
    let mut steps = 0;
    while !attempt(steps + 1, "inject=rename,renameat,renameat2:signal=SIGKILL") {
        steps += 1;
        assert!(steps < 40, "an activation has an end");
    }
    assert!(steps >= 5, "only {steps} steps were met");
}

#[test]
fn full_disk_at_each_write_of_an_activation() {
    let mut steps = 0;
    while !attempt(steps + 1, "inject=write,fsync:error=ENOSPC") {
        steps += 1;
        assert!(steps < 40, "an activation has an end");
    }
    assert!(steps >= 5, "only {steps} steps were met");
}
