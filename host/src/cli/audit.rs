//! `audit`: finding records, and checking that none was changed. Reads the segments, needs no daemon.

use super::escape::{escape, excerpt};
use super::exit::{Exit, Failure, home};
use super::moment;
use super::terminal::{Ink, Terminal};
use super::timeline;
use crate::audit::{self, Damage, Query, Record, Report};
use crate::config::Home;
use std::fmt::Write as _;

/// Search and verify the audit log
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Find records, newest first
    #[command(after_help = "\
Examples:
  clawdefender audit search verdict:deny since:1h
  clawdefender audit search 'server:github tool:write_* -rule:default:*' --limit 5
  clawdefender audit search --json type:feed

Fields: id, type, server, client, link, kind, method, tool, rule, detector, verdict, since, until.
A word without a field is looked for anywhere; `-` turns a term around. Put the query into quotes, or
behind `--` when it begins with `-`.")]
    Search {
        /// Terms such as server:NAME, tool:write_*, verdict:deny, since:1h, "free text", -rule:X
        #[arg(value_name = "QUERY")]
        query: Vec<String>,
        /// At most this many
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Show one record, by the call id that a refusal names
    #[command(after_help = "Examples:\n  clawdefender audit show c7f2kq3a")]
    Show { id: String },
    /// Check every link, hash and signature
    #[command(after_help = "\
Examples:
  clawdefender audit verify
  clawdefender audit verify --json

Ends with 3 and the first broken record when something was changed.")]
    Verify,
}

pub fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    let home = home()?;
    match &args.verb {
        Verb::Search { query, limit } => search(&home, &query.join(" "), *limit, terminal),
        Verb::Show { id } => show(&home, id, terminal),
        Verb::Verify => verify(&home, terminal),
    }
}

fn search(home: &Home, query: &str, limit: usize, terminal: &Terminal) -> anyhow::Result<Exit> {
    let query = Query::parse(query, moment::now_ms()).map_err(|error| {
        Failure::new(Exit::Usage, "query", error.to_string())
            .hint("clawdefender audit search --help")
    })?;
    if !home.audit_dir().exists() {
        terminal.say("no audit log yet");
        return Ok(Exit::Done);
    }
    let mut found = audit::search(&home.audit_dir(), &query)?;
    let mut shown = 0;
    for found in found.by_ref().take(limit) {
        let found = found?;
        if terminal.closed() {
            break;
        }
        if terminal.json {
            terminal.object(found.json()?)?;
        } else {
            terminal.data(&line(&found.record, terminal.ink))?;
        }
        shown += 1;
    }
    if shown == limit && !terminal.closed() && found.next().is_some() {
        terminal.say(&format!(
            "older records match too; see more with --limit {}",
            limit.saturating_mul(10)
        ));
    }
    Ok(Exit::Done)
}

fn show(home: &Home, id: &str, terminal: &Terminal) -> anyhow::Result<Exit> {
    let found = if home.audit_dir().exists() {
        audit::show(&home.audit_dir(), id)?
    } else {
        None
    };
    let Some(found) = found else {
        let message = format!("no record has the id {}", excerpt(id, 64));
        return Err(Failure::new(Exit::No, "no-record", message)
            .hint("clawdefender audit search since:1h")
            .into());
    };
    if terminal.json {
        terminal.object(audit::told(&home.audit_dir(), &found)?)?;
    } else {
        let timelines = audit::timelines(&home.audit_dir(), &found.record)?;
        let shown = render(&found.record, terminal.ink) + &timeline::render(&timelines);
        terminal.data(&shown)?;
    }
    Ok(Exit::Done)
}

fn verify(home: &Home, terminal: &Terminal) -> anyhow::Result<Exit> {
    let report = audit::verify(&home.audit_dir());
    if terminal.json {
        terminal.object(serde_json::to_value(&report)?)?;
    } else {
        terminal.data(&verdict(&report, terminal.ink))?;
    }
    Ok(if report.ok { Exit::Done } else { Exit::No })
}

/// The word that an enum has in JSON.
pub(super) fn word(value: impl serde::Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

pub(super) fn line(record: &Record, ink: Ink) -> String {
    let mut line = format!(
        "{} {:<9}",
        ink.dim(&moment::local(record.at_ms)),
        escape(&record.id)
    );
    let what = match &record.decision {
        Some(decision) => format!(
            " {} {}",
            ink.action(decision.action),
            escape(&decision.rule)
        ),
        None => String::new(),
    };
    let _ = write!(
        line,
        "{what} · {} {}",
        escape(&record.what),
        escape(&record.kind)
    );
    if !record.server.is_empty() {
        let _ = write!(
            line,
            " · {} {}",
            excerpt(&record.server, 40),
            excerpt(&record.name, 60)
        );
    }
    if let Some(note) = &record.note {
        let _ = write!(line, " · {}", excerpt(note, 120));
    }
    line
}

fn render(record: &Record, ink: Ink) -> String {
    let mut screen = String::new();
    let mut row = |name: &str, text: &str| {
        if !text.is_empty() {
            let _ = writeln!(screen, "{name:<10} {text}");
        }
    };
    row("call", &escape(&record.id));
    row("at", &moment::local(record.at_ms));
    if let Some(decision) = &record.decision {
        row(
            "decision",
            &format!(
                "{} · rule {}",
                ink.action(decision.action),
                escape(&decision.rule)
            ),
        );
        row("reason", &escape(&decision.reason));
        if let Some(would) = decision.would {
            row("would", &ink.action(would));
        }
        for (rule, action) in &decision.losers {
            row(
                "also",
                &format!("{} · rule {}", ink.action(*action), escape(rule)),
            );
        }
    }
    row(
        "type",
        &format!("{} {}", escape(&record.what), escape(&record.kind)),
    );
    row("client", &excerpt(&record.client, 120));
    row("server", &excerpt(&record.server, 120));
    row(
        "package",
        &excerpt(record.package.as_deref().unwrap_or_default(), 200),
    );
    row("direction", &escape(&record.direction));
    row("method", &excerpt(&record.method, 120));
    row("name", &excerpt(&record.name, 300));
    for finding in &record.findings {
        let (rule, severity, message) = (
            escape(&finding.rule),
            word(finding.severity),
            excerpt(&finding.message, 400),
        );
        row(
            "finding",
            &format!("{rule}, {severity}, {}: {message}", finding.confidence_pct),
        );
    }
    for fault in &record.faults {
        row(
            "fault",
            &format!(
                "{}, {}: {}",
                escape(&fault.part),
                word(fault.kind),
                excerpt(&fault.detail, 400)
            ),
        );
    }
    if !record.subject.is_null() {
        row("subject", &excerpt(&record.subject.to_string(), 4000));
    }
    row("digest", &escape(&record.digest));
    if record.bytes > 0 {
        row(
            "size",
            &format!("{} bytes, judged in {} µs", record.bytes, record.elapsed_us),
        );
    }
    row(
        "note",
        &excerpt(record.note.as_deref().unwrap_or_default(), 400),
    );
    screen
}

fn verdict(report: &Report, ink: Ink) -> String {
    if report
        .broken
        .as_ref()
        .is_some_and(|broken| broken.damage == Damage::Empty)
    {
        return format!(
            "{} no audit log: never begun, or deleted\n",
            ink.red("✖ empty")
        );
    }
    let mut screen = match &report.broken {
        None => format!(
            "{} {} records in {} segments\n",
            ink.green("✔ intact"),
            report.frames,
            report.segments
        ),
        Some(broken) => {
            let place = broken
                .at
                .map(|(segment, offset)| format!(", segment {segment} at byte {offset}"));
            let place = place.unwrap_or_default();
            format!(
                "{} at record {}: {}{place}\n",
                ink.red("✖ broken"),
                broken.seq,
                word(broken.damage)
            )
        }
    };
    let _ = writeln!(screen, "  signed up to record {}", report.signed);
    if !report.clean {
        let _ = writeln!(screen, "  the daemon is running, or did not stop in order");
    }
    if !report.key.is_empty() {
        let _ = writeln!(screen, "  key {}", escape(&report.key));
    }
    screen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Category, Finding, Severity};
    use crate::policy::{Action, Decision};
    use expect_test::expect;
    use serde_json::Value;

    fn record() -> Record {
        Record {
            v: 1,
            id: "c7f2kq3a".into(),
            what: "message".into(),
            client: "claude[41]".into(),
            server: "files".into(),
            direction: "to-server".into(),
            kind: "tool-call".into(),
            method: "tools/call".into(),
            name: "read\u{1b}[2J".into(),
            decision: Some(Decision {
                action: Action::Deny,
                rule: "credentials".into(),
                reason: "touches a place where credentials are kept".into(),
                would: None,
                losers: vec![("default:balanced".into(), Action::Allow)],
            }),
            findings: vec![Finding {
                detector: "kill-chain".into(),
                rule: "kill-chain.secret".into(),
                category: Category("exfiltration".into()),
                severity: Severity::High,
                confidence_pct: 90,
                message: "A key\nis read.".into(),
                spans: Vec::new(),
                steps: Vec::new(),
                refs: Vec::new(),
                package: None,
                overridden: None,
                attrs: std::collections::BTreeMap::new(),
            }],
            digest: "ab".into(),
            bytes: 120,
            elapsed_us: 40,
            ..Record::default()
        }
    }

    #[test]
    fn a_record_is_one_line_whatever_it_holds() {
        let line = line(&record(), Ink::Plain);
        let (_, rest) = line.split_at(27);
        assert_eq!(
            rest,
            "c7f2kq3a  ✖ deny credentials · message tool-call · files read⟨U+001B⟩[2J"
        );
        assert_eq!(line.lines().count(), 1);
    }

    #[test]
    fn a_record_shows_who_decided_what_and_why() {
        let shown = render(&record(), Ink::Plain);
        let shown: String = shown
            .lines()
            .filter(|line| !line.starts_with("at "))
            .map(|line| format!("{line}\n"))
            .collect();
        expect![[r#"
            call       c7f2kq3a
            decision   ✖ deny · rule credentials
            reason     touches a place where credentials are kept
            also       ✔ allow · rule default:balanced
            type       message tool-call
            client     claude[41]
            server     files
            direction  to-server
            method     tools/call
            name       read⟨U+001B⟩[2J
            finding    kill-chain.secret, high, 90: A key⟨U+000A⟩is read.
            digest     ab
            size       120 bytes, judged in 40 µs
        "#]]
        .assert_eq(&shown);
    }

    #[test]
    fn a_broken_log_names_the_first_broken_record() {
        let report = |broken: Value| {
            serde_json::from_value::<Report>(serde_json::json!({
                "ok": broken.is_null(), "origin": "o", "key": "o+ab", "frames": 9, "signed": 7, "segments": 1,
                "clean": true, "broken": broken,
            }))
            .unwrap()
        };
        let whole = verdict(&report(Value::Null), Ink::Plain);
        assert_eq!(
            whole,
            "✔ intact 9 records in 1 segments\n  signed up to record 7\n  key o+ab\n"
        );
        let empty = report(serde_json::json!({ "seq": 0, "damage": "empty" }));
        assert_eq!(
            verdict(&empty, Ink::Plain),
            "✖ empty no audit log: never begun, or deleted\n"
        );
        let broken = report(serde_json::json!({ "seq": 4, "damage": "altered", "at": [1, 300] }));
        let broken = verdict(&broken, Ink::Plain);
        assert!(
            broken.starts_with("✖ broken at record 4: altered, segment 1 at byte 300\n"),
            "{broken}"
        );
    }
}
