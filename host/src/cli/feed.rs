//! `feed`: which signed updates are live, and fetching new ones. All checking is the daemon's.

mod plan;
mod progress;

use super::client::{self, Missing};
use super::escape::excerpt;
use super::exit::{Exit, Failure, home};
use super::status::{Alert, Feed, feed_line};
use super::terminal::{Ink, Terminal};
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
    /// Fetch, verify, try out and activate; what was live stays when anything is wrong
    #[command(after_help = "\
Examples:
  clawdefender feed update
  clawdefender feed update --dry-run
  clawdefender feed update https://feed.example/stable
  clawdefender feed update ./feed-directory

Without FROM: the official feed from `feed_url` in config.toml, and every added feed from where it
was added.")]
    Update {
        /// A folder, a .feedpack file or an https URL of the official feed
        from: Option<String>,
        /// Say what would change, and which recent decisions would be others; change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Activate the official feed from a file that `feed export` wrote, on a machine without network
    #[command(after_help = "Example:\n  clawdefender feed import ./official.feedpack")]
    Import { file: String },
    /// Write a live feed to a file, for a machine without network
    #[command(after_help = "Example:\n  clawdefender feed export ./official.feedpack")]
    Export {
        /// A file that does not exist
        file: String,
        /// Another feed than the official one
        #[arg(long, value_name = "NAME")]
        feed: Option<String>,
    },
    /// Back to the generation before, at once; the one that was left comes back only by `feed update`
    #[command(
        after_help = "Examples:\n  clawdefender feed rollback\n  clawdefender feed rollback acme"
    )]
    Rollback {
        /// Another feed than the official one
        feed: Option<String>,
    },
    /// Add a third party's feed, under the key that you got from them
    #[command(after_help = "\
Example:
  clawdefender feed add https://acme.example/feed --key 3b6a…64 hexadecimal digits

The key must come from another way than the feed. It can add findings, never take any away.")]
    Add {
        /// A folder, a .feedpack file or an https URL
        from: String,
        /// The publisher's public key
        #[arg(long, value_name = "HEX")]
        key: String,
    },
    /// Remove a third party's feed with its detectors
    #[command(after_help = "Example:\n  clawdefender feed remove acme")]
    Remove { feed: String },
}

pub fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    let home = home()?;
    let ask = |control| client::ask(&home, control, Missing::Start);
    let fetch = |control| {
        terminal.say("fetching and verifying …");
        progress::beside(&home, terminal, || ask(control))
    };
    let answer = match &args.verb {
        Verb::Status => ask(Control::FeedStatus)?,
        Verb::Update { from, dry_run } => fetch(Control::FeedUpdate {
            from: from.as_deref().map(source),
            dry_run: *dry_run,
        })?,
        Verb::Import { file } => fetch(Control::FeedUpdate {
            from: Some(source(file)),
            dry_run: false,
        })?,
        Verb::Export { file, feed } => {
            let answer = ask(Control::FeedExport {
                feed: feed.clone(),
                to: source(file),
            })?;
            return written(answer, terminal);
        }
        Verb::Rollback { feed } => ask(Control::FeedRollback { feed: feed.clone() })?,
        Verb::Add { from, key } => {
            if let Err(error) = key.parse::<clawdefender_trust::PublicKey>() {
                return Err(Failure::new(Exit::Usage, "key", error.to_string())
                    .hint("give the publisher's public key: 64 hexadecimal digits")
                    .into());
            }
            fetch(Control::PluginInstall {
                from: source(from),
                key: key.clone(),
            })?
        }
        Verb::Remove { feed } => ask(Control::FeedRemove { feed: feed.clone() })?,
    };
    if terminal.json {
        terminal.object(answer)?;
        return Ok(Exit::Done);
    }
    if let Some(plans) = answer.get("dry_run") {
        terminal.data(&plan::render(plans)?)?;
        return Ok(Exit::Done);
    }
    if let Some(changed) = answer.get("changed").and_then(Value::as_bool) {
        terminal.say(if changed {
            "the change is live"
        } else {
            "nothing newer: what is live stays"
        });
    }
    terminal.data(&render(&Feeds::deserialize(&answer)?, terminal.ink))?;
    Ok(Exit::Done)
}

fn written(answer: Value, terminal: &Terminal) -> anyhow::Result<Exit> {
    if terminal.json {
        terminal.object(answer)?;
    } else {
        let text = |key: &str| answer.get(key).and_then(Value::as_str).unwrap_or_default();
        let bytes = answer.get("bytes").and_then(Value::as_u64).unwrap_or(0);
        let file = excerpt(text("file"), 300);
        terminal.say(&format!(
            "feed {} is in {file}, {bytes} bytes\nhint: clawdefender feed import {file}",
            excerpt(text("feed"), 64)
        ));
    }
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
