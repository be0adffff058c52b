//! What the publisher takes back: `feeds/withdrawn.toml`, which goes into every manifest that `feed build` makes.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use clawdefender_trust::{Downgrade, Kind, Manifest, Revoked};
use serde::Deserialize;

/// The file's content.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Withdrawn {
    #[serde(default)]
    revoked: Revoked,
    #[serde(default)]
    downgrades: Vec<Downgrade>,
}

/// Puts what `path` says into a manifest that is not signed yet; nothing when there is no such file.
///
/// # Errors
/// When the file can't be read as what it is, or takes back what this very feed brings: no client
/// would accept it.
pub fn apply(path: &Path, manifest: &mut Manifest) -> Result<()> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    };
    let file: Withdrawn = toml::from_str(&text).with_context(|| path.display().to_string())?;
    for entry in &manifest.artifacts {
        let (kind, name) = (entry.kind, &entry.name);
        let below = file
            .revoked
            .detectors
            .iter()
            .find(|gone| kind == Kind::Detector && gone.name == *name);
        ensure!(
            !file.revoked.digests.contains(&entry.sha256)
                && below.is_none_or(|gone| entry.version >= gone.below),
            "{}: {kind} {name} {} is in this feed and revoked",
            path.display(),
            entry.version
        );
    }
    for back in &file.downgrades {
        let known = manifest.artifacts.iter().any(|entry| {
            (entry.kind, &entry.name, &entry.version) == (back.kind, &back.name, &back.to)
        });
        if !known {
            bail!(
                "{}: there is no {} {} {} in this feed to go back to",
                path.display(),
                back.kind,
                back.name,
                back.to
            );
        }
    }
    manifest.revoked = file.revoked;
    manifest.downgrades = file.downgrades;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::{Item, manifest};
    use crate::workspace::Workspace;
    use crate::{dev_root, seed};
    use clawdefender_trust::{
        Floor, Mode, Refusal, Root, SecretKey, Sha256Digest, Timestamp, seal_manifest,
        verify_manifest,
    };

    struct Publisher {
        folder: tempfile::TempDir,
        root: Root,
        key: SecretKey,
        items: [Item; 2],
        issued: Timestamp,
    }

    impl Publisher {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let workspace = Workspace {
                root: folder.path().to_owned(),
                target: folder.path().join("target"),
            };
            let dev = dev_root::open(&workspace).unwrap();
            Self {
                root: dev.file.root().unwrap(),
                items: [seed::tests::receiver(&dev), seed::tests::list("x")],
                key: dev.feed,
                issued: "2026-11-22T06:00:00Z".parse().unwrap(),
                folder,
            }
        }

        fn build(&self, text: &str) -> Result<Manifest> {
            let path = self.folder.path().join("withdrawn.toml");
            std::fs::write(&path, text).unwrap();
            let mut manifest = manifest(&self.root, &self.items, self.issued, 30)?;
            apply(&path, &mut manifest)?;
            Ok(manifest)
        }
    }

    #[test]
    fn what_is_taken_back_is_signed_and_later_feeds_cannot_bring_it() {
        let publisher = Publisher::new();
        let bad = Sha256Digest::of(b"a list that must not be used");
        let manifest = publisher
            .build(&format!("[revoked]\ndigests = [\"{bad}\"]\n"))
            .unwrap();
        assert_eq!(manifest.revoked.digests, [bad]);
        let envelope = seal_manifest(&manifest, &[&publisher.key]).unwrap();
        let floor = Floor::bottom(Timestamp::EPOCH);
        let accept = |envelope: &[u8], floor: &Floor| {
            verify_manifest(
                envelope,
                &publisher.root,
                floor,
                publisher.issued,
                Mode::Accept,
            )
        };
        let verified = accept(&envelope, &floor).unwrap();
        // The client remembers it against a feed that forgets it.
        let mut next = publisher.build("").unwrap();
        next.version += 1;
        let mut lists = next.artifacts.iter_mut();
        let list = lists.find(|entry| entry.kind == Kind::Blocklist).unwrap();
        (list.version, list.sha256) = ("2".parse().unwrap(), bad);
        let envelope = seal_manifest(&next, &[&publisher.key]).unwrap();
        let refused = accept(&envelope, verified.proof().floor_after()).unwrap_err();
        assert_eq!(refused, Refusal::Revoked { what: "digest" });
    }

    #[test]
    fn a_feed_that_takes_itself_back_is_not_built() {
        let publisher = Publisher::new();
        let own = publisher.items[1].entry.sha256;
        let detector = publisher.items[0].entry.name.clone();
        for text in [
            format!("[revoked]\ndigests = [\"{own}\"]\n"),
            format!("[[revoked.detectors]]\nname = \"{detector}\"\nbelow = \"99.0.0\"\n"),
            "[[downgrades]]\nkind = \"blocklist\"\nname = \"none\"\nto = \"1\"\n".to_owned(),
            "[revoked]\ndigest = []\n".to_owned(),
            "revoked = 1\n".to_owned(),
        ] {
            assert!(publisher.build(&text).is_err(), "{text}");
        }
        let old = format!("[[revoked.detectors]]\nname = \"{detector}\"\nbelow = \"0.0.1\"\n");
        assert_eq!(publisher.build(&old).unwrap().revoked.detectors.len(), 1);
    }
}
