//! `model`: files of models by name: which there are, fetching, checking, removing.
//!
//! The catalog is signed data of the feed, which the daemon has verified, or a file of the user's
//! own. Checking and removing need no daemon.

use super::catalog::{Offered, OwnCatalog, catalog, signed_catalog};
use super::client::Missing;
use super::escape::excerpt;
use super::exit::{Exit, Failure, home};
use super::progress;
use super::terminal::{Ink, Terminal};
use crate::config::Home;
use crate::download::{DownloadError, Downloader, Pace, Progress};
use crate::models::{ModelError, Models};
use clawdefender_trust::{Catalog, Model, Name};
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
    /// Check a model, then print where it is: for a program that is to open it
    #[command(after_help = "\
Example:
  llama-server -m \"$(clawdefender model path guard-small)\"")]
    Path { name: Name },
    /// Delete a model
    #[command(after_help = "Example:\n  clawdefender model remove guard-small")]
    Remove { name: Name },
}

pub fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    let home = home()?;
    let models = Models::at(home.models_dir());
    match &args.verb {
        Verb::List { own } => list(&home, &models, own, terminal),
        Verb::Pull { name, own, ca_file } => {
            pull(&home, &models, name, own, ca_file.as_deref(), terminal)
        }
        Verb::Verify { name } => verify(&home, &models, name.as_ref(), terminal),
        Verb::Path { name } => {
            let model = models.verify(name).map_err(failure)?;
            let path = models.path(&model);
            if terminal.json {
                terminal.object(json!({ "name": name, "sha256": model.sha256, "path": path }))?;
            } else {
                terminal.data(&path.display().to_string())?;
            }
            Ok(Exit::Done)
        }
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

/// Every byte by what was listed when it was fetched, and that by what the signed catalog says now,
/// when a daemon can be asked.
fn verify(
    home: &Home,
    models: &Models,
    name: Option<&Name>,
    terminal: &Terminal,
) -> anyhow::Result<Exit> {
    let signed = signed_catalog(home, Missing::Report).ok();
    let kept = models.list().map_err(failure)?;
    let names: Vec<&Name> = match name {
        Some(name) => vec![name],
        None => kept.iter().map(|model| &model.name).collect(),
    };
    let mut results = Vec::new();
    let mut exit = Exit::Done;
    for name in names {
        let wrong = match models.verify(name) {
            Ok(model) => signed
                .as_ref()
                .and_then(|signed| contradicted(&signed.catalog, &model)),
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
        terminal.object(json!({
            "good": exit == Exit::Done, "models": results, "signed_catalog": signed.is_some(),
        }))?;
    } else if results.is_empty() {
        terminal.say("no model was fetched");
    } else if signed.is_none() {
        terminal.say("no daemon runs, so the signed catalog was not asked");
    }
    Ok(exit)
}

/// The signed catalog has other bytes under the same version: what was noted at fetching was changed.
fn contradicted(catalog: &Catalog, model: &Model) -> Option<String> {
    let listed = catalog.find(&model.name)?;
    (listed.version == model.version && listed.sha256 != model.sha256).then(|| {
        format!(
            "model {} {} has SHA-256 {}, the signed catalog says {}",
            model.name, model.version, model.sha256, listed.sha256
        )
    })
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
    use clawdefender_trust::Sha256Digest;
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
    fn what_is_altered_answers_no_and_says_how_to_get_it_back() {
        let gone = failure(ModelError::Gone {
            name: "guard".parse().unwrap(),
            path: "/m".into(),
        });
        assert_eq!(gone.exit, Exit::No);
        assert_eq!(gone.hint.as_deref(), Some("clawdefender model pull guard"));
    }
}
