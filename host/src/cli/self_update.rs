//! `self-update`: replaces this program by a newer release that the release key signed.
//!
//! What is refused is recorded, and nothing is replaced before the log has a record of it.

use super::client::{self, Missing};
use super::escape::excerpt;
use super::exit::{Exit, Failure, home};
use super::progress;
use super::terminal::Terminal;
use crate::config::{Config, Home};
use crate::daemon;
use crate::download::{Downloader, Pace, Progress};
use crate::feed::root::EMBEDDED_ROOT_IS_DEVELOPMENT;
use crate::update::{self, EMBEDDED_RELEASE_KEY, Source, UpdateError};
use crate::wire::{Control, SelfUpdate, UpdateStep};
use anyhow::Context;
use serde_json::json;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Replace this program by a newer release
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  clawdefender self-update --check
  clawdefender self-update --from https://releases.example/clawdefender
  clawdefender self-update --from ./dist

--check ends with 3 when a newer version is offered. What is offered is a claim of the source;
whether it is genuine is known when its signature is checked, before anything is replaced.")]
pub struct Args {
    /// Only say what is offered
    #[arg(long)]
    check: bool,
    /// A folder or an https URL; default: `release_url` in config.toml
    #[arg(long, value_name = "URL|DIR")]
    from: Option<String>,
    /// Believe these certificate authorities instead of the web's: a PEM file
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

pub fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    let home = home()?;
    let from = match &args.from {
        Some(from) => from.clone(),
        None => Config::load(&home)?.release_url.ok_or_else(|| {
            Failure::new(
                Exit::Usage,
                "no-source",
                "no source is named, and config.toml has no `release_url`",
            )
            .hint("clawdefender self-update --from https://HOST/PATH")
        })?,
    };
    if EMBEDDED_RELEASE_KEY.is_empty() {
        return Err(failure(UpdateError::NoKey).into());
    }
    if EMBEDDED_ROOT_IS_DEVELOPMENT && !terminal.json {
        terminal.say(
            "note: this build believes the release key of the machine that built it, and no other",
        );
    }
    let have = update::own_version().context("this program has no version")?;
    let downloader = Downloader::new(args.ca_file.as_deref(), Pace::default())?;
    let source = Source::parse(&from, downloader).map_err(failure)?;
    let progress = Progress::default();
    let offer = progress::show(terminal, &progress, source.offer())?.map_err(failure)?;
    let told = |step, why: &str| SelfUpdate {
        step,
        from: have.to_string(),
        to: offer.version.to_string(),
        sha256: offer.sha256.to_string(),
        length: offer.length,
        key: update::key_id(EMBEDDED_RELEASE_KEY).unwrap_or_default(),
        source: from.clone(),
        why: why.to_owned(),
    };
    let refused = |error| recorded(&home, failure(error), |why| told(UpdateStep::Refused, why));
    let newer = offer.version > have;
    if offer.version < have {
        let (have, offered) = (have.clone(), offer.version.clone());
        return Err(refused(UpdateError::Downgrade { have, offered }).into());
    }
    if args.check || !newer {
        if terminal.json {
            terminal.object(json!({
                "updated": false, "have": have, "offered": offer.version, "newer": newer,
            }))?;
        } else if newer {
            terminal.data(&format!(
                "{have} is installed, {} is offered",
                offer.version
            ))?;
        } else {
            terminal.data(&format!(
                "{have} is installed, and nothing newer is offered"
            ))?;
        }
        return Ok(if newer { Exit::No } else { Exit::Done });
    }

    let staging = home.root().join("updates");
    let fetching = source.fetch(&offer, &staging, &progress);
    let (archive, signature) = progress::show(terminal, &progress, fetching)?.map_err(refused)?;
    let release = update::check(&archive, &signature, EMBEDDED_RELEASE_KEY, &have, &offer)
        .map_err(refused)?;
    let own = std::env::current_exe().context("where this program is can't be known")?;
    record(&home, &told(UpdateStep::Begun, "")).map_err(|unrecorded| {
        let message = format!(
            "the log takes no record of it, so nothing was replaced: {}",
            unrecorded.message
        );
        Failure {
            message,
            ..unrecorded
        }
    })?;
    let previous = update::replace(&own, &release)
        .map_err(|error| recorded(&home, failure(error), |why| told(UpdateStep::Failed, why)))?;
    if terminal.json {
        terminal.object(json!({
            "updated": true, "have": have, "now": release.version, "program": own, "previous": previous,
        }))?;
    } else {
        terminal.data(&format!("{have} is now {}", release.version))?;
        terminal.say(&format!(
            "the old program is kept: {}\nthe daemon goes on with the old one until it is started again:\n  \
             clawdefender daemon stop && clawdefender daemon start",
            excerpt(&previous.to_string_lossy(), 300)
        ));
    }
    Ok(Exit::Done)
}

/// How long a daemon that starts or stops just now is waited for. Chosen: both take about a second.
const PATIENCE: Duration = Duration::from_secs(15);
const AGAIN: Duration = Duration::from_millis(100);

/// Records what is done here: through the daemon, and without one in the log itself.
fn record(home: &Home, update: &SelfUpdate) -> Result<(), Failure> {
    let until = Instant::now() + PATIENCE;
    loop {
        let asked = client::ask(home, Control::SelfUpdate(update.clone()), Missing::Report);
        let absent = match asked {
            Ok(_) => return Ok(()),
            Err(failure) if failure.code == "daemon-unreachable" => failure,
            Err(failure) => return Err(failure),
        };
        match daemon::record_alone(home, update) {
            Ok(true) => return Ok(()),
            Ok(false) if Instant::now() < until => std::thread::sleep(AGAIN),
            Ok(false) => return Err(absent),
            Err(error) => {
                return Err(
                    Failure::new(Exit::Failed, "not-recorded", error.to_string())
                        .hint("clawdefender audit verify"),
                );
            }
        }
    }
}

/// Records why nothing came of it. A source that can't be reached is no refusal, and not recorded.
fn recorded(home: &Home, failure: Failure, update: impl Fn(&str) -> SelfUpdate) -> Failure {
    let update = update(&failure.message);
    if update.step == UpdateStep::Refused && failure.exit != Exit::No {
        return failure;
    }
    match record(home, &update) {
        Ok(()) => failure,
        Err(unrecorded) => Failure {
            message: format!(
                "{}; and the log takes no record of it: {}",
                failure.message, unrecorded.message
            ),
            ..failure
        },
    }
}

/// What a person can do about it. A check that said no ends with 3.
fn failure(error: UpdateError) -> Failure {
    let message = error.to_string();
    let (exit, code, hint) = match &error {
        UpdateError::NoKey | UpdateError::BadKey => (
            Exit::Failed,
            "no-release-key",
            "install a release by hand, or build with one: docs/security-keys.md".to_owned(),
        ),
        UpdateError::Address(_) | UpdateError::NoArchive { .. } => (
            Exit::Failed,
            "no-release",
            "name another source with --from".to_owned(),
        ),
        UpdateError::Download(_) | UpdateError::Index(_) => (
            Exit::Failed,
            "download",
            "try again: it goes on where it stopped".to_owned(),
        ),
        UpdateError::Disk { path, .. } => (
            Exit::Failed,
            "disk",
            format!(
                "{} must exist, and its folder must be yours to write",
                path.display()
            ),
        ),
        UpdateError::Broken(_) => (
            Exit::Failed,
            "broken",
            "the installed program stays; this release is not for this machine".to_owned(),
        ),
        UpdateError::Downgrade { .. }
        | UpdateError::Digest { .. }
        | UpdateError::Length { .. }
        | UpdateError::Unsigned
        | UpdateError::Comment
        | UpdateError::OtherTarget { .. }
        | UpdateError::OtherVersion { .. }
        | UpdateError::Archive(_) => (
            Exit::No,
            "refused",
            "the installed program stays; tell who publishes the releases".to_owned(),
        ),
    };
    Failure::new(exit, code, message).hint(hint)
}
