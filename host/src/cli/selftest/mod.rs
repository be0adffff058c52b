//! `selftest`: proof that a wrapped server is guarded, by canaries through the real path.
//!
//! Starts our own shim as a client would, with a real MCP server of ours behind it, and looks at
//! both ends: what the client got, what the server saw, what the audit log says.

mod checks;
mod peer;
mod server;

pub use server::{ServerArgs, serve};

use super::client::{self, Missing};
use super::escape::escape;
use super::exit::{Exit, home};
use super::terminal::{Ink, Terminal};
use crate::wire::Control;
use checks::{Check, State};
use peer::Peer;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Send canaries through a real wrapped server and show where they stopped
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  clawdefender selftest
  clawdefender selftest --json

Ends with 3 when something passed that should not have.")]
pub struct Args {}

pub fn run(_args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    let home = home()?;
    terminal.say("starting the daemon, a wrapped server, and three calls …");
    // Started here and not by the shim, so that its failure is told and not met.
    let status = client::ask(&home, Control::Status, Missing::Start)?;
    let profile = status
        .get("profile")
        .and_then(Value::as_str)
        .unwrap_or("unknown")
        .to_owned();
    let diary = Diary::new()?;
    let mut peer = Peer::start(&diary.path)?;
    let checks = checks::run(&mut peer, &diary.path, &home)?;
    peer.finish();
    if terminal.json {
        let ok = checks.iter().all(|check| check.state == State::Held);
        terminal.object(json!({ "ok": ok, "profile": profile, "checks": checks }))?;
    } else {
        terminal.data(&render(&checks, &profile, terminal.ink))?;
    }
    Ok(exit(&checks))
}

/// What passed although it should not have weighs more than what failed to work.
fn exit(checks: &[Check]) -> Exit {
    let any = |state| checks.iter().any(|check| check.state == state);
    if any(State::Leaked) {
        Exit::No
    } else if any(State::Failed) {
        Exit::Failed
    } else {
        Exit::Done
    }
}

fn render(checks: &[Check], profile: &str, ink: Ink) -> String {
    let mut screen = String::new();
    for check in checks {
        let mark = match check.state {
            State::Held => ink.green("✔ held  "),
            State::Leaked => ink.red("✖ LEAKED"),
            State::Failed => ink.red("✖ failed"),
        };
        let _ = writeln!(screen, "{mark} {}", check.name);
        let _ = writeln!(screen, "           {}", escape(&check.detail));
        if let (Some(rule), Some(call)) = (&check.rule, &check.call) {
            let _ = writeln!(
                screen,
                "           rule {} · clawdefender audit show {}",
                escape(rule),
                escape(call)
            );
        }
    }
    if profile == "monitor" && exit(checks) == Exit::No {
        let _ = writeln!(
            screen,
            "The policy's profile is monitor, which blocks nothing."
        );
    }
    screen
}

/// The file in which the test server writes what it received and sent; removed at the end.
struct Diary {
    path: PathBuf,
}

impl Diary {
    fn new() -> std::io::Result<Self> {
        use std::os::unix::fs::OpenOptionsExt;
        let name = format!("clawdefender-selftest-{:016x}.jsonl", rand::random::<u64>());
        let path = std::env::temp_dir().join(name);
        std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        Ok(Self { path })
    }
}

impl Drop for Diary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn check(state: State) -> Check {
        Check {
            name: "a path where secrets live is blocked before the server sees it",
            state,
            detail: "blocked; the server never saw it".into(),
            rule: Some("credentials".into()),
            call: Some("c7f2kq3a".into()),
        }
    }

    #[test]
    fn a_leak_outweighs_a_failure_and_both_outweigh_what_held() {
        assert_eq!(
            exit(&[
                check(State::Held),
                check(State::Failed),
                check(State::Leaked)
            ]),
            Exit::No
        );
        assert_eq!(
            exit(&[check(State::Held), check(State::Failed)]),
            Exit::Failed
        );
        assert_eq!(exit(&[check(State::Held)]), Exit::Done);
    }

    #[test]
    fn each_check_shows_its_rule_and_its_record() {
        expect![[r#"
            ✔ held   a path where secrets live is blocked before the server sees it
                       blocked; the server never saw it
                       rule credentials · clawdefender audit show c7f2kq3a
            ✖ LEAKED a path where secrets live is blocked before the server sees it
                       blocked; the server never saw it
                       rule credentials · clawdefender audit show c7f2kq3a
            The policy's profile is monitor, which blocks nothing.
        "#]]
        .assert_eq(&render(
            &[check(State::Held), check(State::Leaked)],
            "monitor",
            Ink::Plain,
        ));
    }

    #[test]
    fn the_diary_does_not_stay_behind() {
        let diary = Diary::new().unwrap();
        let path = diary.path.clone();
        assert!(path.exists());
        drop(diary);
        assert!(!path.exists());
    }
}
