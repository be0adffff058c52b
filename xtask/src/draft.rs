//! A feed before it is signed: entries with their bytes, and the manifest made of them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clawdefender_trust::{
    ArtifactEntry, Document, Kind, Manifest, Revoked, Root, Sha256Digest, Timestamp, host_version,
};

use supply_chain::shard::{self, Shard};

use crate::component::Component;
use crate::plugin::Plugin;
use crate::threat_data;
use crate::workspace::{Workspace, read};

/// One artifact to be published.
#[derive(Debug)]
pub struct Item {
    pub entry: ArtifactEntry,
    pub bytes: Vec<u8>,
}

impl Item {
    /// A detector, not endorsed yet.
    pub fn detector(plugin: &Plugin, component: Component, required: bool) -> Result<Self> {
        let declared = plugin.abi()?;
        ensure!(
            declared == component.abi,
            "plugin {} declares {declared} and exports {}: correct `abi` in its plugin.toml",
            plugin.id,
            component.abi
        );
        let entry = ArtifactEntry {
            kind: Kind::Detector,
            name: plugin.id.clone(),
            version: plugin.version.clone(),
            abi: Some(component.abi),
            schema: None,
            detector: None,
            sha256: Sha256Digest::of(&component.bytes),
            length: component.bytes.len() as u64,
            entries: None,
            required,
            endorsement: None,
            limits: Some(plugin.limits()),
        };
        Ok(Self {
            entry,
            bytes: component.bytes,
        })
    }

    /// A shard that `feed import-osv` made. It is called like its file, and its version is the
    /// second of issue, which grows by itself.
    pub fn shard(path: &Path, issued: Timestamp) -> Result<Self> {
        let bytes = read(path)?;
        let shard = Shard::open(bytes.clone()).with_context(|| path.display().to_string())?;
        let name = path.file_stem().and_then(|name| name.to_str());
        let entry = ArtifactEntry {
            kind: Kind::Blocklist,
            name: name
                .context("a shard's file name becomes its name")?
                .parse()?,
            version: issued.unix().to_string().parse()?,
            abi: None,
            schema: Some(shard::SCHEMA),
            detector: Some("supply-chain".parse()?),
            sha256: Sha256Digest::of(&bytes),
            length: bytes.len() as u64,
            entries: Some(u64::from(shard.entries())),
            required: true,
            endorsement: None,
            limits: None,
        };
        Ok(Self { entry, bytes })
    }
}

/// What the plugin in `folder` must say of its own cases, when it has any.
pub fn vectors(plugin: &Plugin, folder: &Path) -> Option<Item> {
    let cases = folder.join("cases");
    if !cases.is_dir() {
        return None;
    }
    let bytes = clawdefender_sdk::testing::vectors(&cases);
    let entry = ArtifactEntry {
        kind: Kind::Vectors,
        name: plugin.id.clone(),
        version: plugin.version.clone(),
        abi: None,
        schema: Some(1),
        detector: Some(plugin.id.clone()),
        sha256: Sha256Digest::of(&bytes),
        length: bytes.len() as u64,
        entries: None,
        required: true,
        endorsement: None,
        limits: None,
    };
    Some(Item { entry, bytes })
}

/// Everything that the official feed publishes: built detectors, compiled `feeds/data/*.toml`, and the
/// models of `feeds/models/*.toml`.
pub fn official_items(workspace: &Workspace) -> Result<Vec<Item>> {
    let mut components = crate::guest::build_official(workspace)?;
    let mut items = Vec::new();
    for folder in workspace.official_plugins() {
        let plugin = Plugin::load(&folder)?;
        let component = components
            .remove(plugin.id.as_str())
            .with_context(|| format!("plugin id `{}` differs from its folder's name", plugin.id))?;
        items.push(Item::detector(&plugin, component, true)?);
        items.extend(vectors(&plugin, &folder));
    }
    for path in data_files(workspace)? {
        items.push(threat_data::compile(&path)?);
    }
    Ok(items)
}

fn data_files(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for folder in ["feeds/data", "feeds/models"] {
        let folder = workspace.root.join(folder);
        let listing = std::fs::read_dir(&folder)
            .with_context(|| format!("no threat data: cannot read {}", folder.display()))?;
        for file in listing {
            let path = file?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "toml")
            {
                files.push(path);
            }
        }
        ensure!(!files.is_empty(), "no threat data in {}", folder.display());
    }
    files.sort();
    Ok(files)
}

/// The manifest of `items` for the feed of `root`, issued at `issued` for `days`.
///
/// The version is the second of issue: it grows by itself, and the verifier bounds it by the date.
pub fn manifest(root: &Root, items: &[Item], issued: Timestamp, days: u32) -> Result<Manifest> {
    let mut artifacts: Vec<ArtifactEntry> = items.iter().map(|item| item.entry.clone()).collect();
    artifacts.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    // A patch release must not be needed to read a feed.
    let mut min_host = host_version();
    min_host.patch = 0;
    Ok(Manifest {
        document: Document::Feed,
        spec: 1,
        feed_id: root.feed_id.clone(),
        channel: root.channel.clone(),
        key_epoch: root.epoch,
        version: u64::try_from(issued.unix()).context("issued before 1970")?,
        issued,
        expires: issued.plus_days(days),
        next_public_key: root.next,
        min_host,
        critical: Vec::new(),
        artifacts,
        revoked: Revoked::default(),
        downgrades: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::process::Command;

    /// Another checkout of what this one holds, elsewhere.
    fn checkout(here: &Workspace, there: &Path) {
        let mut git = Command::new("git");
        git.args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]);
        let listed = git.current_dir(&here.root).output().unwrap();
        assert!(listed.status.success());
        for name in listed.stdout.split(|byte| *byte == 0) {
            let name = std::str::from_utf8(name).unwrap();
            let from = here.root.join(name);
            // One that was removed and is still in the index is no part of it.
            if name.is_empty() || !from.is_file() {
                continue;
            }
            let to = there.join(name);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(from, to).unwrap();
        }
    }

    #[test]
    fn two_checkouts_give_identical_bytes() {
        let here = Workspace::find().unwrap();
        // Kept, so that a second run builds only what changed.
        let target = here.target.join("tmp/checkout");
        let root = here.target.join("tmp/a longer way/to another checkout");
        if root.exists() {
            fs::remove_dir_all(&root).unwrap();
        }
        checkout(&here, &root);
        let there = Workspace { root, target };
        let data = |workspace: &Workspace| -> Vec<(ArtifactEntry, Vec<u8>)> {
            let files = data_files(workspace).unwrap();
            let data = files.iter().map(|path| threat_data::compile(path).unwrap());
            let plugins = workspace.official_plugins();
            let vectors = plugins
                .iter()
                .filter_map(|folder| vectors(&Plugin::load(folder).unwrap(), folder));
            data.chain(vectors)
                .map(|item| (item.entry, item.bytes))
                .collect()
        };
        let (ours, theirs) = (data(&here), data(&there));
        assert!(ours.len() > 8, "lists, models and vectors");
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert!(ours == theirs, "{} {}", ours.0.kind, ours.0.name);
        }
        let digests = |workspace: &Workspace| -> Vec<(String, Sha256Digest)> {
            let built = crate::guest::official(workspace).unwrap().into_iter();
            let digest = |component: Component| Sha256Digest::of(&component.bytes);
            built
                .map(|(name, component)| (name, digest(component)))
                .collect()
        };
        assert_eq!(digests(&here), digests(&there));
    }
}
