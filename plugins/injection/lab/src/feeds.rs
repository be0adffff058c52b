//! What the detector is configured with, from the workspace.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clawdefender_sdk::testing::data_blob;
use clawdefender_sdk::{Blob, Detector};
use injection::lexicon::Lexicon;
use injection::model::Model;
use injection::{Artifact, Injection};

/// The workspace that this was built from.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

/// The signature, word and phrase artifacts.
pub fn signatures() -> Result<Vec<Blob>> {
    let folder = root().join("feeds/data");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .with_context(|| folder.display().to_string())?
        .map(|file| Ok(file?.path()))
        .collect::<Result<_>>()?;
    files.retain(|file| {
        let name = file.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with("injection") && name.ends_with(".toml"))
    });
    files.sort();
    Ok(files.iter().map(data_blob).collect())
}

pub fn lexicon() -> Result<Lexicon> {
    let artifacts = signatures()?
        .iter()
        .map(|blob| {
            Artifact::parse(&blob.bytes).map_err(|why| anyhow::anyhow!("{}: {why}", blob.name))
        })
        .collect::<Result<Vec<_>>>()?;
    Lexicon::new(artifacts.iter().flat_map(|artifact| &artifact.lexicon))
        .map_err(anyhow::Error::msg)
}

/// The detector as it ships, with this model.
pub fn detector(model: &Model) -> Result<Injection> {
    let mut blobs = signatures()?;
    blobs.push(Blob {
        kind: "model".into(),
        name: "injection".into(),
        version: "0".into(),
        bytes: model.to_bytes(),
    });
    Injection::configure(&[], &blobs).map_err(anyhow::Error::msg)
}
