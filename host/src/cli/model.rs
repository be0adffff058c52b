//! `model`: files of models by name: which there are, fetching, checking, removing.
//!
//! The catalog is signed data of the feed, which the daemon has verified, or a file of the user's
//! own. Checking and removing need no daemon.

use super::client::{self, Missing};
use super::escape::excerpt;
use super::exit::{Exit, Failure, home};
use super::progress;
use super::terminal::{Ink, Terminal};
use crate::config::Home;
use crate::download::{DownloadError, Downloader, Pace, Progress};
use crate::models::{ModelError, Models};
use crate::wire::Control;
use anyhow::Context;
use clawdefender_trust::{Catalog, Kind, Model, Name, Pack, Sha256Digest};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Fetch, check and remove models of the catalog
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// What the catalog has, and what was fetched
    #[command(after_help = "\
Examples:
  clawdefender model list
  clawdefender model list --catalog ./models.toml --json")]
    List {
        #[command(flatten)]
        own: OwnCatalog,
    },
    /// Fetch a model; goes on where an earlier attempt stopped
    #[command(after_help = "\
Examples:
  clawdefender model pull guard-small
  clawdefender model pull mine --catalog ./models.toml")]
    Pull {
        name: Name,
        #[command(flatten)]
        own: OwnCatalog,
        /// Believe these certificate authorities instead of the web's: a PEM file
        #[arg(long, value_name = "FILE")]
        ca_file: Option<PathBuf>,
    },
    /// Check every byte of what was fetched; ends with 3 when anything is altered
    #[command(after_help = "\
Examples:
  clawdefender model verify
  clawdefender model verify guard-small --json")]
    Verify { name: Option<Name> },
    /// Delete a model
    #[command(after_help = "Example:\n  clawdefender model remove guard-small")]
    Remove { name: Name },
}

#[derive(clap::Args)]
struct OwnCatalog {
    /// A catalog of your own instead of the signed one: TOML, you answer for its sums
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
}

pub fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    let home = home()?;
    let models = Models::at(home.models_dir());
    match &args.verb {
        Verb::List { own } => list(&home, &models, own, terminal),
        Verb::Pull { name, own, ca_file } => {
            pull(&home, &models, name, own, ca_file.as_deref(), terminal)
        }
        Verb::Verify { name } => verify(&models, name.as_ref(), terminal),
        Verb::Remove { name } => {
            let model = models.remove(name).map_err(failure)?;
            if terminal.json {
                terminal.object(json!({ "removed": model.name, "length": model.length }))?;
            } else {
                terminal.say(&format!("removed {}", model.name));
            }
            Ok(Exit::Done)
        }
    }
}

fn list(
    home: &Home,
    models: &Models,
    own: &OwnCatalog,
    terminal: &Terminal,
) -> anyhow::Result<Exit> {
    let Offered { catalog, .. } = catalog(home, own)?;
    let kept = models.list().map_err(failure)?;
    let rows = rows(&catalog, &kept);
    if terminal.json {
        let rows: Vec<Value> = rows
            .iter()
            .map(|(state, model)| {
                let mut row = json!(model);
                if let Some(row) = row.as_object_mut() {
                    row.insert("state".to_owned(), json!(state));
                }
                row
            })
            .collect();
        terminal.object(json!({ "models": rows }))?;
    } else {
        terminal.data(&render(&rows, own.catalog.is_some(), terminal.ink))?;
    }
    Ok(Exit::Done)
}

/// Every model of the catalog, then what was fetched and is not in it, as `fetched`, `available`,
/// `outdated` (the catalog has another one now) or `unlisted`.
fn rows<'m>(catalog: &'m Catalog, kept: &'m [Model]) -> Vec<(&'static str, &'m Model)> {
    let state = |listed: &Model| match kept.iter().find(|kept| kept.name == listed.name) {
        None => "available",
        Some(kept) if kept.sha256 == listed.sha256 => "fetched",
        Some(_) => "outdated",
    };
    let listed = catalog.models.iter().map(|model| (state(model), model));
    let unlisted = kept
        .iter()
        .filter(|kept| catalog.find(&kept.name).is_none());
    listed
        .chain(unlisted.map(|model| ("unlisted", model)))
        .collect()
}

fn render(rows: &[(&'static str, &Model)], own: bool, ink: Ink) -> String {
    let mut screen = String::new();
    for (state, model) in rows {
        let mark = match *state {
            "fetched" => ink.green("✔"),
            "outdated" => ink.yellow("!"),
            _ => "·".to_owned(),
        };
        let _ = writeln!(
            screen,
            "{mark} {:<24} {:<10} {:>11}  {:<8} {:<12} {state}",
            model.name.as_str(),
            model.version.as_str(),
            progress::size(model.length),
            model.format.as_str(),
            excerpt(&model.licence, 40),
        );
    }
    if screen.is_empty() {
        screen.push_str(if own {
            "the catalog is empty, and nothing was fetched\n"
        } else {
            "the signed catalog is empty, and nothing was fetched; --catalog FILE names one of your own\n"
        });
    }
    screen
}

fn pull(
    home: &Home,
    models: &Models,
    name: &Name,
    own: &OwnCatalog,
    authorities: Option<&Path>,
    terminal: &Terminal,
) -> anyhow::Result<Exit> {
    let offered = catalog(home, own)?;
    let model = offered.catalog.find(name).ok_or_else(|| {
        Failure::new(
            Exit::Failed,
            "unknown-model",
            format!("the catalog has no model called `{name}`"),
        )
        .hint("clawdefender model list")
    })?;
    let fetched = match offered.at_hand(model)? {
        Some(bytes) => models.keep(model, bytes),
        None => {
            let downloader = Downloader::new(authorities, Pace::default())?;
            let progress = Progress::default();
            let pulled = models.pull(model, &downloader, &progress);
            progress::show(terminal, &progress, pulled)?
        }
    }
    .map_err(failure)?;
    let path = models.path(model);
    if terminal.json {
        terminal.object(json!({
            "name": name, "version": model.version, "sha256": model.sha256, "length": model.length,
            "path": path, "fetched": fetched,
        }))?;
    } else {
        let done = if fetched { "fetched" } else { "already here:" };
        let size = progress::size(model.length);
        terminal.say(&format!(
            "{done} {name} {}, {size}, SHA-256 as listed",
            model.version
        ));
        terminal.data(&path.display().to_string())?;
    }
    Ok(Exit::Done)
}

fn verify(models: &Models, name: Option<&Name>, terminal: &Terminal) -> anyhow::Result<Exit> {
    let kept = models.list().map_err(failure)?;
    let names: Vec<&Name> = match name {
        Some(name) => vec![name],
        None => kept.iter().map(|model| &model.name).collect(),
    };
    let mut results = Vec::new();
    let mut exit = Exit::Done;
    for name in names {
        let wrong = match models.verify(name) {
            Ok(_) => None,
            Err(error) if error.is_altered() => Some(error.to_string()),
            Err(error) => return Err(failure(error).into()),
        };
        if wrong.is_some() {
            exit = Exit::No;
        }
        if !terminal.json {
            let ink = terminal.ink;
            terminal.data(&match &wrong {
                None => format!("{} {name}", ink.green("✔")),
                Some(wrong) => format!(
                    "{} {wrong}\n    clawdefender model pull {name}",
                    ink.red("✖")
                ),
            })?;
        }
        results.push(json!({ "name": name, "good": wrong.is_none(), "wrong": wrong }));
    }
    if terminal.json {
        terminal.object(json!({ "good": exit == Exit::Done, "models": results }))?;
    } else if results.is_empty() {
        terminal.say("no model was fetched");
    }
    Ok(exit)
}

/// A catalog, and what came with it.
#[derive(Default)]
struct Offered {
    catalog: Catalog,
    /// The feed that the catalog is of, as a pack; empty when there is none.
    pack: Vec<u8>,
}

impl Offered {
    /// The bytes of a model that the feed has, or `None` when it is to be fetched from elsewhere.
    fn at_hand(&self, model: &Model) -> anyhow::Result<Option<&[u8]>> {
        if self.pack.is_empty() || !model.is_in_the_feed() {
            return Ok(None);
        }
        let bytes = Pack::parse(&self.pack)?.blob(&model.sha256);
        Ok(Some(bytes.with_context(|| {
            format!("the feed lists model {} and does not have it", model.name)
        })?))
    }
}

/// The user's own catalog, or the one of the official feed; empty when that has none.
fn catalog(home: &Home, own: &OwnCatalog) -> anyhow::Result<Offered> {
    let Some(path) = &own.catalog else {
        return signed_catalog(home);
    };
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let wrong = |cause: String| {
        Failure::new(
            Exit::Usage,
            "catalog",
            format!("{}: {cause}", path.display()),
        )
        .hint("each [[models]] has name, version, url, length, sha256, licence, format and source")
    };
    let catalog: Catalog = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    catalog.check().map_err(|error| wrong(error.to_string()))?;
    Ok(Offered {
        catalog,
        pack: Vec::new(),
    })
}

/// From the daemon, which has verified it: what is live says the digest, the exported feed has the
/// bytes under it.
fn signed_catalog(home: &Home) -> anyhow::Result<Offered> {
    let status = client::ask(home, Control::FeedStatus, Missing::Start)?;
    let Some(digest) = listed(&status) else {
        return Ok(Offered::default());
    };
    let file = home
        .run_dir()
        .join(format!("catalog-{}.feedpack", std::process::id()));
    // Left over by a process of the same number.
    let _ = std::fs::remove_file(&file);
    let to = file.display().to_string();
    client::ask(
        home,
        Control::FeedExport { feed: None, to },
        Missing::Report,
    )?;
    let pack = std::fs::read(&file);
    let _ = std::fs::remove_file(&file);
    let pack = pack.with_context(|| format!("cannot read {}", file.display()))?;
    let changed = || {
        Failure::new(
            Exit::Failed,
            "feed-changed",
            "the feed changed while it was read",
        )
        .hint("try again")
    };
    let catalog = Pack::parse(&pack)?.blob(&digest).ok_or_else(changed)?;
    // The file lay on the disk in between.
    if Sha256Digest::of(catalog) != digest {
        return Err(changed().into());
    }
    let catalog = Catalog::parse(catalog)?;
    Ok(Offered { catalog, pack })
}

/// The digest of the catalog that is live in the official feed.
fn listed(status: &Value) -> Option<Sha256Digest> {
    let feeds = status.get("feeds")?.as_array()?;
    let official = feeds
        .iter()
        .find(|feed| feed.get("official").and_then(Value::as_bool) == Some(true))?;
    let artifacts = official.get("artifacts")?.as_array()?;
    let is_catalog = |artifact: &&Value| {
        artifact.get("kind").and_then(Value::as_str) == Some(Kind::Catalog.as_str())
    };
    artifacts
        .iter()
        .find(is_catalog)?
        .get("sha256")?
        .as_str()?
        .parse()
        .ok()
}

/// What a person can do about it.
fn failure(error: ModelError) -> Failure {
    let message = error.to_string();
    let (exit, code, hint) = match &error {
        ModelError::Unknown(_) => (
            Exit::Failed,
            "unknown-model",
            "clawdefender model list".to_owned(),
        ),
        ModelError::Altered { name, .. }
        | ModelError::Length { name, .. }
        | ModelError::Gone { name, .. } => (
            Exit::No,
            "altered",
            format!("clawdefender model pull {name}"),
        ),
        ModelError::Planted(path) => (
            Exit::No,
            "altered",
            format!("look at {}, then remove it", path.display()),
        ),
        ModelError::Others { .. } => (
            Exit::No,
            "refused",
            "try again: the feed may have changed meanwhile".to_owned(),
        ),
        ModelError::Full { .. } => (
            Exit::Failed,
            "disk-full",
            "clawdefender model remove NAME".to_owned(),
        ),
        ModelError::Busy => (
            Exit::Failed,
            "busy",
            "wait for the other process to end".to_owned(),
        ),
        ModelError::Download(DownloadError::Digest { .. } | DownloadError::TooLong { .. }) => (
            Exit::No,
            "refused",
            "the server has another file than the catalog lists: nothing of it was kept".to_owned(),
        ),
        ModelError::Download(_) => (
            Exit::Failed,
            "download",
            "try again: it goes on where it stopped".to_owned(),
        ),
        ModelError::Address(_) => (
            Exit::Usage,
            "url",
            "correct `url` in the catalog".to_owned(),
        ),
        ModelError::Record { path, .. } => (
            Exit::Failed,
            "record",
            format!(
                "remove {} and pull the models again: what is whole is not fetched twice",
                path.display()
            ),
        ),
        ModelError::Disk { .. } => return Failure::new(Exit::Failed, "disk", message),
    };
    Failure::new(exit, code, message).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn model(name: &str, version: &str) -> Model {
        Model {
            name: name.parse().unwrap(),
            version: version.parse().unwrap(),
            url: "https://models.example/m".to_owned(),
            length: 91_234_567,
            sha256: Sha256Digest::of(format!("{name} {version}").as_bytes()),
            licence: "MIT".to_owned(),
            format: "gguf".parse().unwrap(),
            source: "hashed by the test".to_owned(),
        }
    }

    #[test]
    fn a_list_says_of_each_model_whether_it_is_here() {
        let catalog = Catalog {
            models: vec![model("a", "1"), model("b", "2.0.0"), model("c", "1")],
        };
        let kept = [model("b", "1.0.0"), model("c", "1"), model("d", "1")];
        let rows = rows(&catalog, &kept);
        expect![[r#"
            · a                        1             87.0 MiB  gguf     MIT          available
            ! b                        2.0.0         87.0 MiB  gguf     MIT          outdated
            ✔ c                        1             87.0 MiB  gguf     MIT          fetched
            · d                        1             87.0 MiB  gguf     MIT          unlisted
        "#]]
        .assert_eq(&render(&rows, false, Ink::Plain));
        assert!(render(&[], false, Ink::Plain).starts_with("the signed catalog is empty"));
    }

    #[test]
    fn the_catalog_is_the_official_feeds_and_nobody_elses() {
        let digest = Sha256Digest::of(b"catalog");
        let feed = |official: bool| {
            json!({ "official": official, "artifacts": [
                { "kind": "blocklist", "sha256": Sha256Digest::of(b"x") },
                { "kind": "catalog", "sha256": digest },
            ]})
        };
        assert_eq!(listed(&json!({ "feeds": [feed(true)] })), Some(digest));
        assert_eq!(listed(&json!({ "feeds": [feed(false)] })), None);
        assert_eq!(listed(&json!({})), None);
    }

    #[test]
    fn what_is_altered_answers_no_and_says_how_to_get_it_back() {
        let gone = failure(ModelError::Gone {
            name: "guard".parse().unwrap(),
            path: "/m".into(),
        });
        assert_eq!(gone.exit, Exit::No);
        assert_eq!(gone.hint.as_deref(), Some("clawdefender model pull guard"));
    }
}
