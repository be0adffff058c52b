//! The floor below which a machine never goes back. It belongs to the reader and is never read from
//! what is being verified.
//!
//! What the key of one epoch said of times and data ends with that key: a thief could have put both
//! so high that nothing of the owner's follows. What is said of code stays, since no thief of a feed
//! key can sign any.

use serde::{Deserialize, Serialize};

use crate::{
    ArtifactVersion, Kind, Manifest, Name, Revoked, RevokedDetector, Root, Sha256Digest, Timestamp,
};

/// How far this machine has come with one feed; the host keeps it, and nothing below is accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Floor {
    /// The key epoch of the last accepted manifest.
    pub epoch: u64,
    /// Its version.
    pub version: u64,
    /// Of its payload: the same version with other bytes is an alarm.
    pub digest: Option<Sha256Digest>,
    /// No clock below this is believed: the host's build time, or the last `issued` of the epoch.
    pub time: Timestamp,
    /// The version of every artifact seen.
    pub artifacts: Vec<ArtifactFloor>,
    /// All that was ever revoked: a manifest that does not repeat it brings nothing back.
    pub revoked: Revoked,
}

/// How far one artifact has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArtifactFloor {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: Name,
    /// Not below this.
    pub version: ArtifactVersion,
}

impl Floor {
    /// The floor of a machine that has seen nothing yet; `time` is when its host was built.
    #[must_use]
    pub const fn bottom(time: Timestamp) -> Self {
        Self {
            epoch: 0,
            version: 0,
            digest: None,
            time,
            artifacts: Vec::new(),
            revoked: Revoked {
                digests: Vec::new(),
                detectors: Vec::new(),
                keys: Vec::new(),
            },
        }
    }

    /// Nothing but what was revoked, for going back to what was accepted before.
    #[must_use]
    pub fn lowered(&self) -> Self {
        Self {
            revoked: self.revoked.clone(),
            ..Self::bottom(self.time)
        }
    }

    /// What of it binds a manifest of key epoch `epoch`, believed under `root`: all within an epoch,
    /// and what was said of code after it.
    pub(crate) fn in_epoch(&self, epoch: u64, root: &Root) -> Self {
        // Without a digest it is the host's own, and not what some key said.
        if epoch <= self.epoch || self.digest.is_none() {
            return self.clone();
        }
        let code = |floor: &&ArtifactFloor| floor.kind == Kind::Detector;
        let artifacts: Vec<_> = self.artifacts.iter().filter(code).cloned().collect();
        // Only of detectors that were here: else a thief could bar every name that is free.
        let known = |gone: &&RevokedDetector| artifacts.iter().any(|own| own.name == gone.name);
        let revoked = Revoked {
            digests: Vec::new(),
            detectors: (self.revoked.detectors.iter().filter(known).cloned()).collect(),
            keys: (self.revoked.keys.iter())
                .filter(|key| root.code_keys.contains(key))
                .copied()
                .collect(),
        };
        Self {
            time: Timestamp::EPOCH,
            artifacts,
            revoked,
            ..self.clone()
        }
    }

    /// What may not be undercut once `manifest` is accepted on top of `self`, which binds its epoch.
    /// Artifacts that left the feed keep their floor; a detector that this host leaves out gets none,
    /// for nobody has seen its endorsement.
    pub(crate) fn after(
        &self,
        manifest: &Manifest,
        digest: Sha256Digest,
        skipped: &[Name],
    ) -> Self {
        let mut artifacts: Vec<ArtifactFloor> = manifest
            .artifacts
            .iter()
            .filter(|entry| entry.kind != Kind::Detector || !skipped.contains(&entry.name))
            .map(|entry| ArtifactFloor {
                kind: entry.kind,
                name: entry.name.clone(),
                version: entry.version.clone(),
            })
            .collect();
        let here = artifacts.len();
        for old in &self.artifacts {
            let mut new = artifacts.iter().take(here);
            if !new.any(|new| (new.kind, &new.name) == (old.kind, &old.name)) {
                artifacts.push(old.clone());
            }
        }
        Self {
            epoch: manifest.key_epoch,
            version: manifest.version,
            digest: Some(digest),
            // Only signed time moves it: a clock that was wrong once must not bar every later feed.
            time: self.time.max(manifest.issued),
            artifacts,
            revoked: self.revoked.with(&manifest.revoked),
        }
    }
}

impl Revoked {
    /// What is revoked by either.
    #[must_use]
    pub(crate) fn with(&self, other: &Self) -> Self {
        let mut all = self.clone();
        for digest in &other.digests {
            if !all.digests.contains(digest) {
                all.digests.push(*digest);
            }
        }
        for key in &other.keys {
            if !all.keys.contains(key) {
                all.keys.push(*key);
            }
        }
        for gone in &other.detectors {
            match all.detectors.iter_mut().find(|old| old.name == gone.name) {
                Some(old) if old.below >= gone.below => {}
                Some(old) => old.below = gone.below.clone(),
                None => all.detectors.push(gone.clone()),
            }
        }
        all
    }
}
