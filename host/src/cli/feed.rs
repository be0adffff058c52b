//! `feed`: which signed updates are live, and fetching new ones. All checking is the daemon's.

use super::client::{self, Missing};
use super::escape::excerpt;
use super::exit::{Exit, Failure, home};
use super::status::{Alert, Feed, feed_line};
use super::terminal::{Ink, Terminal};
use crate::config::Config;
use crate::wire::Control;
use serde::Deserialize;
use serde_json::Value;
use std::fmt::Write as _;

/// Show or update the signed detectors and threat data
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// What is live, who signed it, until when it is good
    #[command(
        after_help = "Examples:\n  clawdefender feed status\n  clawdefender feed status --json"
    )]
    Status,
    /// Fetch, verify and activate; what was live stays when anything is wrong
    #[command(after_help = "\
Examples:
  clawdefender feed update
  clawdefender feed update https://feed.example/stable
  clawdefender feed update ./feed-directory")]
    Update {
        /// A directory or an https URL; default: `feed_url` in config.toml
        from: Option<String>,
    },
}

pub fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    let home = home()?;
    let answer = match &args.verb {
        Verb::Status => client::ask(&home, Control::FeedStatus, Missing::Start)?,
        Verb::Update { from } => {
            let from = match from {
                Some(from) => from.clone(),
                None => Config::load(&home)?.feed_url.ok_or_else(|| {
                    Failure::new(
                        Exit::Usage,
                        "no-source",
                        "no feed is named, and config.toml has no `feed_url`",
                    )
                    .hint("clawdefender feed update https://HOST/PATH")
                })?,
            };
            terminal.say("fetching and verifying …");
            client::ask(
                &home,
                Control::FeedUpdate {
                    from: source(&from),
                },
                Missing::Start,
            )?
        }
    };
    if terminal.json {
        terminal.object(answer)?;
        return Ok(Exit::Done);
    }
    if let Some(changed) = answer.get("changed").and_then(Value::as_bool) {
        terminal.say(if changed {
            "the new feed is live"
        } else {
            "nothing newer: what is live stays"
        });
    }
    terminal.data(&render(&Feeds::deserialize(&answer)?, terminal.ink))?;
    Ok(Exit::Done)
}

/// A directory as the daemon, which runs in `/`, can find it; a URL as it is.
pub(super) fn source(from: &str) -> String {
    if from.contains("://") {
        return from.to_owned();
    }
    std::path::absolute(from).map_or_else(
        |_| from.to_owned(),
        |path| path.to_string_lossy().into_owned(),
    )
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Feeds {
    feeds: Vec<Feed>,
    alerts: Vec<Alert>,
}

fn render(feeds: &Feeds, ink: Ink) -> String {
    let mut screen = String::new();
    for feed in &feeds.feeds {
        let mark = if feed.stale {
            ink.red("✖")
        } else {
            ink.green("✔")
        };
        let _ = writeln!(screen, "{mark} {}", feed_line(feed));
        for artifact in &feed.artifacts {
            let entries = artifact
                .entries
                .map(|entries| format!(", {entries} entries"))
                .unwrap_or_default();
            let _ = writeln!(
                screen,
                "    {:<10} {} {}{entries}",
                excerpt(&artifact.kind, 20),
                excerpt(&artifact.name, 60),
                excerpt(&artifact.version, 40),
            );
        }
        for signer in &feed.signers {
            let _ = writeln!(screen, "    signed by  {}", excerpt(signer, 80));
        }
        if feed.development {
            let _ = writeln!(
                screen,
                "    {}",
                ink.yellow(
                    "! signed by a development root: made on the machine that built this program"
                )
            );
        }
    }
    for alert in &feeds.alerts {
        let _ = writeln!(
            screen,
            "{} {}: {}",
            ink.yellow("!"),
            excerpt(&alert.feed, 40),
            excerpt(&alert.message, 300)
        );
    }
    if screen.is_empty() {
        "no feed is live\n".to_owned()
    } else {
        screen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use serde_json::json;

    #[test]
    fn a_feed_shows_what_it_holds_and_who_signed_it() {
        let feeds = json!({
            "feeds": [{
                "feed": "official", "version": 7, "expires": "2027-01-01T00:00:00Z", "stale": true, "origin": "seed",
                "development": true, "signers": ["ab12"],
                "artifacts": [{ "kind": "detector", "name": "injection", "version": "1.0.0", "entries": null },
                              { "kind": "data", "name": "npm", "version": "3", "entries": 120 }],
            }],
            "alerts": [{ "feed": "acme", "code": "skipped", "message": "bad\u{202e}" }],
        });
        let shown = render(&serde_json::from_value(feeds).unwrap(), Ink::Plain);
        expect![[r#"
            ✖ official version 7 (seed), ✖ stale since 2027-01-01T00:00:00Z
                detector   injection 1.0.0
                data       npm 3, 120 entries
                signed by  ab12
                ! signed by a development root: made on the machine that built this program
            ! acme: bad⟨U+202E⟩
        "#]]
        .assert_eq(&shown);
    }

    #[test]
    fn a_directory_is_named_absolutely_and_a_url_as_it_is() {
        assert!(source("feed").starts_with('/'));
        assert_eq!(source("/x/feed"), "/x/feed");
        assert_eq!(source("https://h/p"), "https://h/p");
    }
}
