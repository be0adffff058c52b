//! The seed feed: what a fresh machine detects with before it has ever been online. It is signed
//! and verified like any other feed, then packed into one file for the binary.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clawdefender_trust::{
    ArtifactEntry, Floor, Kind, Mode, Pack, Root, RootFile, Timestamp, endorse, seal_manifest,
    verify_manifest, write_pack,
};

use crate::draft::{Item, manifest, official_items};
use crate::feed::root_of;
use crate::workspace::{Workspace, now, read, write_if_changed};
use crate::{dev_root, release_key, rotate, tree};

/// A development seed younger than this is kept when its contents are unchanged: a new signature
/// would rebuild the host for nothing.
const KEEP_SECONDS: i64 = 7 * 86_400;

/// Builds, signs and packs the development seed. Returns its folder.
pub fn development(workspace: &Workspace) -> Result<PathBuf> {
    let dev = dev_root::open(workspace)?;
    let root = dev.file.root()?;
    let mut items = official_items(workspace)?;
    for item in items
        .iter_mut()
        .filter(|item| item.entry.kind == Kind::Detector)
    {
        item.entry.endorsement = Some(endorse(&item.entry, &dev.code)?);
    }
    let folder = workspace.target.join("seed");
    let pack = folder.join("seed.feedpack");
    let issued = now()?;
    if !std::fs::read(&pack).is_ok_and(|old| is_current(&old, &root, &items, issued)) {
        let manifest = manifest(&root, &items, issued, clawdefender_trust::MAX_LIFETIME_DAYS)?;
        let envelope = seal_manifest(&manifest, &[&dev.feed])?;
        let blobs = items.iter().map(|item| item.bytes.as_slice());
        let bytes = write_pack(&envelope, &BTreeMap::new(), blobs);
        check(&bytes, &root, issued, Mode::Accept).context("the new seed does not verify")?;
        write_if_changed(&pack, &bytes)?;
        eprintln!(
            "signed seed version {} in {}",
            manifest.version,
            pack.display()
        );
    }
    write_if_changed(
        &folder.join("root.json"),
        &serde_json::to_vec_pretty(&dev.file)?,
    )?;
    let release = read(&dev_root::release_public(workspace)?)?;
    write_if_changed(&folder.join("release.pub"), &release)?;
    Ok(folder)
}

/// Packs a seed that the owner signed, for a release. Returns its folder.
pub fn release(workspace: &Workspace, signed: Option<&Path>) -> Result<PathBuf> {
    let path = workspace.root.join("feeds/root.json");
    let bytes = read(&path)?;
    let file = RootFile::parse(&bytes)?;
    ensure!(
        !file.development,
        "{} is a development root: a release refuses it",
        path.display()
    );
    let root = root_of(&file).with_context(|| path.display().to_string())?;
    refuse_development_keys(workspace, &root)?;
    let release_key = release_key(workspace)?;
    let signed = signed.context(
        "a release needs --seed DIR, a feed that the owner signed: `cargo xtask feed build`",
    )?;
    // Whoever installs it verifies it in reload mode; but nobody ships a seed that is stale already.
    let checked = tree::verify(signed, &root, now()?, Mode::Accept)?;
    let folder = workspace.target.join("release-seed");
    let pack = write_pack(
        &checked.envelope,
        &rotate::links(signed)?,
        checked.artifacts.iter().map(|a| &*a.bytes),
    );
    write_if_changed(&folder.join("seed.feedpack"), &pack)?;
    write_if_changed(&folder.join("root.json"), &bytes)?;
    write_if_changed(&folder.join("release.pub"), &release_key)?;
    Ok(folder)
}

/// The file with the owner's key for releases, which is not this machine's.
fn release_key(workspace: &Workspace) -> Result<Vec<u8>> {
    let path = workspace.root.join("feeds/release.pub");
    let line = release_key::public_line(&path).context(
        "a release needs the owner's release key: `cargo xtask keygen --release` offline, and its \
         .pub file as feeds/release.pub",
    )?;
    let own = dev_root::folder(workspace).join("release.pub");
    let own = own.exists().then(|| release_key::public_line(&own));
    ensure!(
        own.transpose()? != Some(line),
        "{} is this machine's development key: a release refuses it",
        path.display()
    );
    read(&path)
}

/// Keys that lie around on a build machine are no release keys, whatever a file calls them.
fn refuse_development_keys(workspace: &Workspace, root: &Root) -> Result<()> {
    let Ok(bytes) = std::fs::read(dev_root::folder(workspace).join("root.json")) else {
        return Ok(());
    };
    let Some(dev) = RootFile::parse(&bytes)?.keys else {
        return Ok(());
    };
    let mut official = root.code_keys.iter().chain([&root.current, &root.next]);
    let shared =
        official.find(|key| dev.code.contains(key) || [dev.current, dev.next].contains(key));
    ensure!(
        shared.is_none(),
        "feeds/root.json names a development key of this machine: make release keys offline with \
         `cargo xtask keygen`"
    );
    Ok(())
}

/// Verifies a pack with everything in it.
fn check(pack: &[u8], root: &Root, now: Timestamp, mode: Mode) -> Result<Vec<ArtifactEntry>> {
    let pack = Pack::parse(pack)?;
    let floor = Floor::bottom(Timestamp::EPOCH);
    let manifest = verify_manifest(pack.envelope(), root, &floor, now, mode)?;
    ensure!(
        pack.blobs().count() == manifest.artifacts.len(),
        "two artifacts have the same bytes"
    );
    for entry in &manifest.artifacts {
        let bytes = pack.blob(&entry.sha256).context("an artifact is missing")?;
        manifest.admit(entry, bytes.to_vec())?;
    }
    Ok(manifest.into_inner().artifacts)
}

/// Whether an older pack still verifies, says the same and is young enough.
fn is_current(pack: &[u8], root: &Root, items: &[Item], now: Timestamp) -> bool {
    let Ok(mut old) = check(pack, root, now, Mode::Accept) else {
        return false;
    };
    let issued = Pack::parse(pack).ok().and_then(|pack| {
        let floor = Floor::bottom(Timestamp::EPOCH);
        Some(
            verify_manifest(pack.envelope(), root, &floor, now, Mode::Accept)
                .ok()?
                .issued,
        )
    });
    let young = issued.is_some_and(|issued| now.unix() - issued.unix() < KEEP_SECONDS);
    let mut new: Vec<ArtifactEntry> = items.iter().map(|item| item.entry.clone()).collect();
    for list in [&mut old, &mut new] {
        list.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    }
    young && old == new
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use clawdefender_trust::{ABI, Sha256Digest};

    pub fn list(content: &str) -> Item {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.toml");
        let head =
            "[artifact]\nkind='blocklist'\nname='packages'\nversion='1'\nschema=1\ndetector='d'";
        std::fs::write(&path, format!("{head}\n[[entries]]\na='{content}'")).unwrap();
        crate::threat_data::compile(&path).unwrap()
    }

    /// Whom the lists are for; nothing here starts it.
    pub fn receiver(dev: &dev_root::DevRoot) -> Item {
        let bytes = b"a component".to_vec();
        let mut entry = ArtifactEntry {
            kind: Kind::Detector,
            name: "d".parse().unwrap(),
            version: "1".parse().unwrap(),
            abi: Some(ABI),
            schema: None,
            detector: None,
            sha256: Sha256Digest::of(&bytes),
            length: bytes.len() as u64,
            entries: None,
            required: true,
            endorsement: None,
            limits: None,
        };
        entry.endorsement = Some(endorse(&entry, &dev.code).unwrap());
        Item { entry, bytes }
    }

    #[test]
    fn a_seed_is_kept_while_it_is_young_and_says_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace {
            root: folder.path().to_owned(),
            target: folder.path().join("target"),
        };
        let dev = dev_root::open(&workspace).unwrap();
        let root = dev.file.root().unwrap();
        let issued: Timestamp = "2026-11-22T06:00:00Z".parse().unwrap();
        let items = [receiver(&dev), list("x")];
        let make = || {
            let manifest = manifest(&root, &items, issued, 30).unwrap();
            let envelope = seal_manifest(&manifest, &[&dev.feed]).unwrap();
            let blobs = items.iter().map(|item| item.bytes.as_slice());
            write_pack(&envelope, &BTreeMap::new(), blobs)
        };
        let pack = make();
        assert_eq!(pack, make(), "same inputs, same bytes");
        assert!(is_current(&pack, &root, &items, issued.plus_days(6)));
        assert!(!is_current(&pack, &root, &items, issued.plus_days(7)));
        let other = [receiver(&dev), list("y")];
        assert!(!is_current(&pack, &root, &other, issued));
        assert!(is_current(&pack, &root, &items, issued));
        assert!(!is_current(&pack[1..], &root, &items, issued));
    }

    #[test]
    fn a_release_refuses_development_keys() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace {
            root: folder.path().to_owned(),
            target: folder.path().join("target"),
        };
        let dev = dev_root::open(&workspace).unwrap();
        std::fs::create_dir(folder.path().join("feeds")).unwrap();
        let mut file = dev.file.clone();
        let refused = |file: &RootFile| {
            let bytes = serde_json::to_vec(file).unwrap();
            std::fs::write(folder.path().join("feeds/root.json"), bytes).unwrap();
            format!(
                "{:#}",
                release(&workspace, Some(folder.path())).unwrap_err()
            )
        };
        assert!(refused(&file).contains("is a development root"));
        file.development = false;
        assert!(refused(&file).contains("names a development key"));
        file.keys = None;
        assert!(refused(&file).contains("keygen"));

        // Keys of another machine, and no release key, or this machine's.
        let elsewhere = tempfile::tempdir().unwrap();
        let other = Workspace {
            root: elsewhere.path().to_owned(),
            target: elsewhere.path().join("target"),
        };
        file.keys = dev_root::open(&other).unwrap().file.keys;
        assert!(refused(&file).contains("needs the owner's release key"));
        let public = folder.path().join("feeds/release.pub");
        std::fs::copy(dev_root::release_public(&workspace).unwrap(), &public).unwrap();
        assert!(refused(&file).contains("this machine's development key"));
        std::fs::copy(dev_root::release_public(&other).unwrap(), &public).unwrap();
        assert!(refused(&file).contains("manifest.dsse.json"));
    }
}
