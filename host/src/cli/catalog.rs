//! Where the commands for models have their catalog from: the feed's signed one, or a file.

use super::client::{self, Missing};
use super::exit::{Exit, Failure};
use crate::config::Home;
use crate::wire::Control;
use anyhow::Context;
use clawdefender_trust::{Catalog, Kind, Model, Pack, Sha256Digest};
use serde_json::Value;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct OwnCatalog {
    /// A catalog of your own instead of the signed one: TOML, you answer for its sums
    #[arg(long, value_name = "FILE")]
    pub catalog: Option<PathBuf>,
}

/// A catalog, and what came with it.
#[derive(Default)]
pub struct Offered {
    pub catalog: Catalog,
    /// The feed that the catalog is of, as a pack; empty when there is none.
    pack: Vec<u8>,
}

impl Offered {
    /// The bytes of a model that the feed has, or `None` when it is to be fetched from elsewhere.
    pub fn at_hand(&self, model: &Model) -> anyhow::Result<Option<&[u8]>> {
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
pub fn catalog(home: &Home, own: &OwnCatalog) -> anyhow::Result<Offered> {
    let Some(path) = &own.catalog else {
        return signed_catalog(home, Missing::Start);
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
pub fn signed_catalog(home: &Home, missing: Missing) -> anyhow::Result<Offered> {
    let status = client::ask(home, Control::FeedStatus, missing)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
}
