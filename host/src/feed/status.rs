//! What a person is told about feeds.

use super::{Generation, Origin, root};
use clawdefender_trust::{Name, Root};
use serde::Serialize;

/// Something about a feed that a person must know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Alert {
    pub feed: String,
    /// `stale`, `stored-refused`, `state-reset`, `skipped`.
    pub code: String,
    pub message: String,
}

/// One feed as `feed status` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FeedStatus {
    pub feed: String,
    pub channel: String,
    pub official: bool,
    /// Its root was made by a developer's build on some machine, not by the owner.
    pub development: bool,
    pub key_epoch: u64,
    pub version: u64,
    pub issued: String,
    pub expires: String,
    pub stale: bool,
    /// `seed` (embedded in the program) or `stored`.
    pub origin: &'static str,
    pub signers: Vec<String>,
    pub artifacts: Vec<ArtifactStatus>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ArtifactStatus {
    pub kind: String,
    pub name: String,
    pub version: String,
    pub sha256: String,
    pub bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries: Option<u64>,
}

pub(super) fn of(name: &Name, generation: &Generation, official: &Root) -> FeedStatus {
    let manifest = &generation.manifest;
    let is_official = *name == official.feed_id;
    FeedStatus {
        feed: name.to_string(),
        channel: manifest.channel.to_string(),
        official: is_official,
        development: is_official && root::EMBEDDED_ROOT_IS_DEVELOPMENT,
        key_epoch: manifest.key_epoch,
        version: manifest.version,
        issued: manifest.issued.to_string(),
        expires: manifest.expires.to_string(),
        stale: manifest.is_stale(),
        origin: match generation.origin {
            Origin::Seed => "seed",
            Origin::Stored => "stored",
        },
        signers: manifest
            .proof()
            .signers()
            .iter()
            .map(ToString::to_string)
            .collect(),
        artifacts: manifest
            .artifacts
            .iter()
            .map(|entry| ArtifactStatus {
                kind: entry.kind.to_string(),
                name: entry.name.to_string(),
                version: entry.version.to_string(),
                sha256: entry.sha256.to_string(),
                bytes: entry.length,
                entries: entry.entries,
            })
            .collect(),
    }
}
