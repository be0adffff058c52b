//! Where belief starts: the keys and bounds that a verifier brings along, and the floor below which
//! it never goes back. Both belong to the reader and are never read from what is being verified.

use serde::{Deserialize, Serialize};

use crate::{ArtifactVersion, Kind, Name, PublicKey, Refusal, Sha256Digest, Timestamp};

/// Whom one feed's manifests must be signed by, and what that feed may say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Root {
    /// Which feed.
    pub feed_id: Name,
    /// Which channel of it.
    pub channel: Name,
    /// Which link of the key chain is `current`.
    pub epoch: u64,
    /// Signs manifests of `epoch`.
    pub current: PublicKey,
    /// Signs the first manifest of `epoch + 1`.
    pub next: PublicKey,
    /// Keys of earlier epochs; they never return.
    pub retired: Vec<PublicKey>,
    /// Endorse detectors; kept apart from the two above, so that neither of them ships code.
    pub code_keys: Vec<PublicKey>,
    /// What it may publish.
    pub scope: Scope,
    /// The longest that a manifest may live: bounds how long withheld updates go unnoticed.
    pub max_lifetime_days: u32,
}

/// What a feed may publish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Scope {
    /// Every kind under every name: the official feed.
    Everything,
    /// These kinds, under `prefix` itself or `prefix` and one of `.` `_` `-` and more.
    Limited {
        /// The allowed kinds.
        kinds: Vec<Kind>,
        /// What every name starts with.
        prefix: Name,
    },
}

impl Scope {
    /// Whether an artifact of this kind and name may come from this feed.
    #[must_use]
    pub fn covers(&self, kind: Kind, name: &Name) -> bool {
        match self {
            Self::Everything => true,
            Self::Limited { kinds, prefix } => {
                let rest = name.as_str().strip_prefix(prefix.as_str());
                let own = rest.is_some_and(|r| r.is_empty() || r.starts_with(['.', '_', '-']));
                kinds.contains(&kind) && own
            }
        }
    }
}

impl Root {
    /// Refuses a root that could accept what nobody signed, or that gives one key two offices.
    ///
    /// # Errors
    /// [`Refusal::EmptyRoot`], [`Refusal::KeyInTwoOffices`].
    pub fn check(&self) -> Result<(), Refusal> {
        if self.code_keys.is_empty() {
            return Err(Refusal::EmptyRoot {
                missing: "code keys",
            });
        }
        // A third party may use one key for feed and code; its successor must still be another.
        if self.current == self.next || self.retired.contains(&self.current) {
            return Err(Refusal::KeyInTwoOffices {
                key: self.current.id(),
            });
        }
        if self.retired.contains(&self.next) {
            return Err(Refusal::KeyInTwoOffices {
                key: self.next.id(),
            });
        }
        Ok(())
    }
}

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
    /// No clock below this is believed: the host's build time, or the last `issued`.
    pub time: Timestamp,
    /// The version of every artifact seen.
    pub artifacts: Vec<ArtifactFloor>,
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
        }
    }
}

/// The file that carries the official public keys into a build (`feeds/root.json`, `.dev-root/root.json`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootFile {
    /// Which feed.
    pub feed_id: Name,
    /// Which channel.
    pub channel: Name,
    /// Made by a build tool on one machine: such a build says so, and is never released.
    pub development: bool,
    /// `null` until the owner has made keys.
    pub keys: Option<RootKeys>,
}

/// The public keys in a [`RootFile`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootKeys {
    /// See [`Root::epoch`].
    pub epoch: u64,
    /// See [`Root::current`].
    pub current: PublicKey,
    /// See [`Root::next`].
    pub next: PublicKey,
    /// See [`Root::code_keys`].
    pub code: Vec<PublicKey>,
}

/// Why a root file is no root.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RootFileError {
    /// Not the expected JSON.
    #[error("root file: {0}")]
    Syntax(String),
    /// The owner has not made keys yet.
    #[error("root file has no keys")]
    NoKeys,
    /// See [`Root::check`].
    #[error("root file: {0}")]
    Refused(#[from] Refusal),
}

impl RootFile {
    /// Reads the file's bytes.
    ///
    /// # Errors
    /// [`RootFileError::Syntax`]. The file is the builder's own, so the parser's words are kept.
    pub fn parse(bytes: &[u8]) -> Result<Self, RootFileError> {
        serde_json::from_slice(bytes).map_err(|error| RootFileError::Syntax(error.to_string()))
    }

    /// The official root that it describes: every kind, every name, 30 days.
    ///
    /// # Errors
    /// [`RootFileError::NoKeys`], [`RootFileError::Refused`].
    pub fn root(&self) -> Result<Root, RootFileError> {
        let keys = self.keys.as_ref().ok_or(RootFileError::NoKeys)?;
        let root = Root {
            feed_id: self.feed_id.clone(),
            channel: self.channel.clone(),
            epoch: keys.epoch,
            current: keys.current,
            next: keys.next,
            retired: Vec::new(),
            code_keys: keys.code.clone(),
            scope: Scope::Everything,
            max_lifetime_days: crate::MAX_LIFETIME_DAYS,
        };
        root.check()?;
        // Officially the three offices have three holders.
        if let Some(key) = keys
            .code
            .iter()
            .find(|key| [keys.current, keys.next].contains(key))
        {
            return Err(Refusal::KeyInTwoOffices { key: key.id() }.into());
        }
        Ok(root)
    }
}
