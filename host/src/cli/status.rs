//! `status`: one screen about what is protected and what needs a person.

mod needs;

use super::client::{self, Missing};
use super::configured::{Configured, configured, line};
use super::escape::{escape, excerpt};
use super::exit::{Exit, home};
use super::gateway::Gateway;
use super::moment;
use super::terminal::{Ink, Terminal};
use crate::event::Fault;
use crate::event::identity::Identity;
use crate::wire::Control;
use needs::{Need, needs};
use serde::Deserialize;
use std::fmt::Write as _;

/// Show what is protected and what needs you
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  clawdefender status
  clawdefender status --json

Ends with 3 when messages are not inspected by every detector or can't be recorded, with 5 when
there is no daemon.")]
pub struct Args {}

pub fn run(_args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    let mut answer = client::ask(&home()?, Control::Status, Missing::Report)?;
    if let Some(note) = client::other_version(&answer) {
        terminal.say(&note);
    }
    let status = Status::deserialize(&answer)?;
    let configured = configured()?;
    if terminal.json {
        if let Some(members) = answer.as_object_mut() {
            members.insert("servers".into(), serde_json::to_value(&configured)?);
        }
        terminal.object(answer)?;
    } else {
        terminal.data(&render(&status, &configured, terminal.ink))?;
    }
    Ok(if status.protected && status.ledger.error.is_none() {
        Exit::Done
    } else {
        Exit::No
    })
}

/// What the screen shows of the daemon's answer.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    version: String,
    development_root: bool,
    up_ms: u64,
    protected: bool,
    profile: String,
    policy: Policy,
    api: Option<Api>,
    mcp: Option<Gateway>,
    links: Vec<Link>,
    questions: u64,
    detectors: Vec<Detector>,
    missing: Vec<Fault>,
    feeds: Vec<Feed>,
    alerts: Vec<Alert>,
    refused: Vec<Refused>,
    since_start: Counts,
    ledger: Ledger,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Policy {
    error: Option<String>,
    on_fault_allow: Vec<String>,
    quiet: Vec<Quiet>,
}

/// A rule of a detector that the policy keeps quiet, for one server or for all.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Quiet {
    rule: String,
    server: Option<String>,
}

/// The guard API; what it serves is not part of the path of a message.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Api {
    error: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Link {
    client: String,
    server: String,
    /// What was asked for, and what lay on the disk.
    package: Option<String>,
    identity: Identity,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Detector {
    id: String,
    version: String,
    faults: u64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Feed {
    pub feed: String,
    pub version: u64,
    pub expires: String,
    pub stale: bool,
    pub origin: String,
    pub development: bool,
    pub signers: Vec<String>,
    pub artifacts: Vec<Artifact>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Artifact {
    pub kind: String,
    pub name: String,
    pub version: String,
    pub entries: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Alert {
    pub feed: String,
    pub message: String,
}

/// A file of ours that is not believed.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refused {
    what: String,
    message: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Counts {
    allowed: u64,
    redacted: u64,
    asked: u64,
    denied: u64,
    faults: u64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Ledger {
    frames: u64,
    /// What keeps records from the disk.
    error: Option<String>,
}

fn render(status: &Status, configured: &[Configured], ink: Ink) -> String {
    let needs = needs(status, configured, ink);
    let mut screen = format!(
        "{} · daemon up {} · profile {}{}",
        ink.bold(&format!("ClawDefender {}", escape(&status.version))),
        moment::span(status.up_ms),
        escape(&status.profile),
        if status.development_root {
            " · development root"
        } else {
            ""
        },
    );
    let _ = match needs.len() {
        0 => writeln!(screen, "   {}", ink.dim("nothing needs you")),
        1 => writeln!(screen, "   {}", ink.bold("1 thing needs you")),
        more => writeln!(
            screen,
            "   {}",
            ink.bold(&format!("{more} things need you"))
        ),
    };
    for Need(mark, subject, about, command) in &needs {
        let _ = writeln!(
            screen,
            "  {mark} {subject:<11} {about}\n    {:<11} {}",
            "",
            ink.dim(command)
        );
    }
    let mut row = |name: &str, text: &str| {
        let _ = writeln!(screen, "  {name:<13} {text}");
    };
    if !status.protected {
        row(
            "protection",
            &ink.red("✖ not protected: messages are denied or not fully inspected"),
        );
    }
    if status.profile == "monitor" {
        row("policy", "monitor only watches: nothing is blocked");
    }
    for server in &status.policy.on_fault_allow {
        row(
            "policy",
            &format!(
                "{} passes uninspected when a part fails (on_fault)",
                excerpt(server, 60)
            ),
        );
    }
    for quiet in &status.policy.quiet {
        row("policy", &quiet_line(quiet));
    }
    row("servers", &line(configured));
    for server in status.mcp.iter().flat_map(Gateway::served) {
        row("http", &server);
    }
    row("connected", &links(&status.links));
    row("detectors", &detectors(&status.detectors));
    for feed in &status.feeds {
        row("feed", &feed_line(feed));
    }
    let counts = &status.since_start;
    row(
        "since start",
        &format!(
            "{} allowed · {} redacted · {} asked · {} denied · {} faults",
            counts.allowed, counts.redacted, counts.asked, counts.denied, counts.faults
        ),
    );
    row("ledger", &format!("{} records", status.ledger.frames));
    screen
}

fn links(links: &[Link]) -> String {
    if links.is_empty() {
        return "none now".to_owned();
    }
    let named: Vec<String> = links
        .iter()
        .map(|link| {
            let package = link.identity.package.as_ref().or(link.package.as_ref());
            let package = package.map(|package| format!(" ({})", excerpt(package, 60)));
            format!(
                "{}{} ← {}",
                excerpt(&link.server, 40),
                package.unwrap_or_default(),
                excerpt(&link.client, 40)
            )
        })
        .collect();
    format!("{}: {}", links.len(), named.join(", "))
}

fn quiet_line(quiet: &Quiet) -> String {
    let from = quiet.server.as_deref().map(|server| excerpt(server, 60));
    let from = from.map_or_else(String::new, |server| format!(" from {server}"));
    let rule = excerpt(&quiet.rule, 60);
    format!("quiet about {rule}{from}, up to medium")
}

fn detectors(detectors: &[Detector]) -> String {
    let named: Vec<String> = detectors
        .iter()
        .map(|detector| format!("{} {}", escape(&detector.id), escape(&detector.version)))
        .collect();
    let faults: u64 = detectors.iter().map(|detector| detector.faults).sum();
    format!(
        "{}   {faults} faults",
        if named.is_empty() {
            "none".to_owned()
        } else {
            named.join(" · ")
        }
    )
}

pub(super) fn feed_line(feed: &Feed) -> String {
    format!(
        "{} version {} ({}), {} {}",
        escape(&feed.feed),
        feed.version,
        escape(&feed.origin),
        if feed.stale {
            "✖ stale since"
        } else {
            "expires"
        },
        escape(&feed.expires),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use serde_json::{Value, json};

    #[track_caller]
    fn check(answer: Value, configured: &[(&str, &'static str)], expected: Expect) {
        let configured: Vec<Configured> = configured
            .iter()
            .map(|(server, state)| {
                let problem = match *state {
                    "unreadable" => "/home/u/.claude.json:1:2: not valid JSON",
                    "exposed" => "its env has HOME",
                    _ => "",
                };
                Configured {
                    client: "cursor",
                    server: (*server).to_owned(),
                    state,
                    problem: problem.to_owned(),
                }
            })
            .collect();
        expected.assert_eq(&render(
            &serde_json::from_value(answer).unwrap(),
            &configured,
            Ink::Plain,
        ));
    }

    fn calm() -> Value {
        json!({
            "version": "0.1.0", "development_root": false, "up_ms": 259_200_000u64, "protected": true,
            "profile": "balanced", "policy": { "version": "ab", "error": null, "on_fault_allow": [] },
            "links": [{ "link": "l", "client": "claude[41]", "server": "github", "since_ms": 1 }],
            "questions": 0,
            "detectors": [
                { "id": "injection", "version": "1.4.0", "faults": 0 },
                { "id": "kill-chain", "version": "1.0.3", "faults": 2 },
            ],
            "missing": [],
            "feeds": [{ "feed": "official", "version": 118, "expires": "2026-12-04T00:00:00Z", "stale": false, "origin": "stored" }],
            "alerts": [],
            "since_start": { "allowed": 1276, "redacted": 0, "asked": 5, "denied": 3, "faults": 2 },
            "ledger": { "frames": 41002 },
        })
    }

    #[test]
    fn a_calm_day_needs_nobody() {
        check(
            calm(),
            &[("github", "wrapped"), ("files", "wrapped")],
            expect![[r#"
                ClawDefender 0.1.0 · daemon up 3 d · profile balanced   nothing needs you
                  servers       2 wrapped
                  connected     1: github ← claude[41]
                  detectors     injection 1.4.0 · kill-chain 1.0.3   2 faults
                  feed          official version 118 (stored), expires 2026-12-04T00:00:00Z
                  since start   1276 allowed · 0 redacted · 5 asked · 3 denied · 2 faults
                  ledger        41002 records
            "#]],
        );
    }

    #[test]
    fn what_needs_a_person_comes_first_with_its_command_and_nothing_is_printed_raw() {
        let mut bad = calm();
        bad["protected"] = json!(false);
        bad["profile"] = json!("monitor");
        bad["development_root"] = json!(true);
        bad["questions"] = json!(2);
        bad["ledger"]["error"] = json!("the last record could not be written: no storage space");
        bad["api"] = json!({ "error": "127.0.0.1:3202 is in use" });
        bad["policy"] = json!({ "error": "policy.toml:3:1: unknown field", "on_fault_allow": ["weather"],
                    "quiet": [{ "rule": "kill-chain.rogue", "server": "ops\n" },
                              { "rule": "injection.likely", "server": null }] });
        bad["missing"] =
            json!([{ "part": "injection", "kind": "missing", "detail": "bad\u{1b}[2J" }]);
        bad["alerts"] =
            json!([{ "feed": "official", "code": "stale", "message": "expired\nyesterday" }]);
        bad["links"] = json!([{ "client": "c\u{202e}x", "server": "s" }]);
        bad["feeds"][0]["stale"] = json!(true);
        check(
            bad,
            &[
                ("figma\n", "not-wrapped"),
                ("linear", "drifted"),
                ("lab", "exposed"),
                ("", "unreadable"),
                ("github", "wrapped"),
            ],
            expect![[r#"
                ClawDefender 0.1.0 · daemon up 3 d · profile monitor · development root   9 things need you
                  ! linear      cursor: wrapped by a program at another place
                                clawdefender wrap --all
                  ✖ lab         cursor: wrapped and not protected: its env has HOME
                                clawdefender unwrap --all --dry-run
                  ✖ config      /home/u/.claude.json:1:2: not valid JSON
                                clawdefender wrap --all --dry-run
                  ✖ injection   not loaded: bad⟨U+001B⟩[2J
                                clawdefender feed update
                  ✖ audit log   the last record could not be written: no storage space
                                clawdefender daemon logs
                  ✖ policy      the file is refused, the last good one applies: policy.toml:3:1: unknown field
                                clawdefender policy check
                  ! guard API   not served: 127.0.0.1:3202 is in use
                                clawdefender daemon logs
                  ? questions   2 are waiting for you
                                clawdefender approve
                  ! official    expired⟨U+000A⟩yesterday
                                clawdefender feed status
                  protection    ✖ not protected: messages are denied or not fully inspected
                  policy        monitor only watches: nothing is blocked
                  policy        weather passes uninspected when a part fails (on_fault)
                  policy        quiet about kill-chain.rogue from ops⟨U+000A⟩, up to medium
                  policy        quiet about injection.likely, up to medium
                  servers       1 wrapped · 1 not wrapped (figma⟨U+000A⟩ in cursor) · 1 wrapped and not protected
                  connected     1: s ← c⟨U+202E⟩x
                  detectors     injection 1.4.0 · kill-chain 1.0.3   2 faults
                  feed          official version 118 (stored), ✖ stale since 2026-12-04T00:00:00Z
                  since start   1276 allowed · 0 redacted · 5 asked · 3 denied · 2 faults
                  ledger        41002 records
            "#]],
        );
    }
}
