//! What a person is told about feeds.

use super::shelf::State;
use super::{Generation, Origin, root};
use clawdefender_trust::{ArtifactEntry, Name, Root};
use serde::Serialize;
use serde_json::{Value, json};

/// Something about a feed that a person must know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Alert {
    pub feed: String,
    /// `stale`, `stale-long`, `stored-refused`, `state-reset`, `state-lost`, `links-lost`, `skipped`,
    /// `name-taken`, `emergency-rotation`; and what somebody tried:
    /// `rotation-hijack`, `key-takeover`, `equivocation`, `rollback`, `replay`, `not-signed`,
    /// `not-endorsed`.
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
    /// A person went back from a newer generation.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub rolled_back: bool,
    /// The running key epoch began without the old key's agreement.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub emergency: bool,
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

pub(super) fn of(
    name: &Name,
    generation: &Generation,
    official: &Root,
    stale: bool,
    state: Option<&State>,
) -> FeedStatus {
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
        stale,
        rolled_back: state.is_some_and(|state| state.back.is_some()),
        emergency: state
            .and_then(|state| state.emergency)
            .is_some_and(|epoch| epoch == manifest.key_epoch),
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

/// Each artifact that comes, goes or is another: its version and number of entries on both sides.
pub(super) fn compare(feed: &Name, before: &[ArtifactEntry], after: &[ArtifactEntry]) -> Value {
    let find = |list: &[ArtifactEntry], like: &ArtifactEntry| {
        list.iter()
            .find(|entry| entry.kind == like.kind && entry.name == like.name)
            .cloned()
    };
    let side = |entry: Option<&ArtifactEntry>| {
        entry.map(|entry| json!({ "version": entry.version.to_string(), "entries": entry.entries }))
    };
    let gone = before.iter().filter(|entry| find(after, entry).is_none());
    let changes: Vec<Value> = after
        .iter()
        .chain(gone)
        .filter_map(|entry| {
            let (old, new) = (find(before, entry), find(after, entry));
            let same = old.as_ref().map(|old| old.sha256) == new.as_ref().map(|new| new.sha256);
            (!same).then(|| {
                json!({
                    "kind": entry.kind.to_string(),
                    "name": entry.name.to_string(),
                    "before": side(old.as_ref()),
                    "after": side(new.as_ref()),
                })
            })
        })
        .collect();
    json!({ "feed": feed.to_string(), "artifacts": changes })
}
