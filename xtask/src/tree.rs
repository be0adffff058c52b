//! A feed as files, ready to be served or copied: `manifest.dsse.json` and `sha256/ab/<hex>`.
//!
//! An unsigned one has `manifest.json` instead. Artifacts are named by digest and by nothing else.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clawdefender_trust::{
    Artifact, Floor, Manifest, Mode, Root, Sha256Digest, Timestamp, Verified, verify_manifest,
};

use crate::draft::Item;
use crate::workspace::{read, write_if_changed};

/// The signed manifest of the feed in `folder`.
pub fn envelope_path(folder: &Path) -> PathBuf {
    folder.join("manifest.dsse.json")
}

/// The manifest that waits for its signatures.
pub fn draft_path(folder: &Path) -> PathBuf {
    folder.join("manifest.json")
}

/// Where the bytes with this digest are.
pub fn blob_path(folder: &Path, digest: &Sha256Digest) -> PathBuf {
    folder.join(digest.place())
}

/// Writes the bytes of `items`.
pub fn write_blobs(folder: &Path, items: &[Item]) -> Result<()> {
    for item in items {
        write_if_changed(&blob_path(folder, &item.entry.sha256), &item.bytes)?;
    }
    Ok(())
}

/// Writes a manifest that waits for its signatures.
pub fn write_draft(folder: &Path, manifest: &Manifest) -> Result<()> {
    let mut bytes = serde_json::to_vec_pretty(manifest)?;
    bytes.push(b'\n');
    write_if_changed(&draft_path(folder), &bytes)?;
    Ok(())
}

/// Reads a manifest that waits for its signatures.
pub fn read_draft(folder: &Path) -> Result<Manifest> {
    let path = draft_path(folder);
    let bytes = read(&path).context("`cargo xtask feed build` makes one")?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is no manifest", path.display()))
}

/// A feed that passed every check, as a client would do them.
pub struct Checked {
    pub envelope: Vec<u8>,
    pub manifest: Verified<Manifest>,
    pub artifacts: Vec<Verified<Artifact>>,
}

/// Verifies the whole feed in `folder` with the same functions as the daemon.
pub fn verify(folder: &Path, root: &Root, now: Timestamp, mode: Mode) -> Result<Checked> {
    let path = envelope_path(folder);
    let envelope = read(&path).context("`cargo xtask feed sign` makes one")?;
    let floor = Floor::bottom(Timestamp::EPOCH);
    let manifest = verify_manifest(&envelope, root, &floor, now, mode)
        .with_context(|| format!("{} is refused", path.display()))?;
    let mut artifacts = Vec::new();
    for entry in &manifest.artifacts {
        let bytes = read(&blob_path(folder, &entry.sha256))?;
        let artifact = manifest
            .admit(entry, bytes)
            .with_context(|| format!("{} {} is refused", entry.kind, entry.name))?;
        artifacts.push(artifact);
    }
    Ok(Checked {
        envelope,
        manifest,
        artifacts,
    })
}
