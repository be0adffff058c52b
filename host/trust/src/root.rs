//! Where belief starts: the keys and bounds that a verifier brings along. They belong to the reader
//! and are never read from what is being verified.

use serde::{Deserialize, Serialize};

use crate::{Kind, Name, PublicKey, Refusal};

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

/// The longest life of a third party's manifest: a plugin author re-signs once a year.
const MAX_GUEST_LIFETIME_DAYS: u32 = 400;

/// The highest key epoch. Chosen: epochs are walked one by one and last a year or so, so nobody gets
/// there, and the next one is a number as well.
pub const MAX_EPOCH: u64 = 1 << 32;

impl Root {
    /// The same keys with the bounds of a third party's feed called `name`: what it may publish is
    /// not a question of what a file says.
    #[must_use]
    pub fn of_guest(self, name: Name) -> Self {
        Self {
            feed_id: name.clone(),
            scope: Scope::Limited {
                kinds: vec![
                    Kind::Detector,
                    Kind::Signatures,
                    Kind::Blocklist,
                    Kind::Killchain,
                    Kind::Vectors,
                    Kind::Model,
                ],
                prefix: name,
            },
            max_lifetime_days: MAX_GUEST_LIFETIME_DAYS,
            ..self
        }
    }

    /// Refuses a root that could accept what nobody signed, or that gives one key two offices.
    ///
    /// # Errors
    /// [`Refusal::EmptyRoot`], [`Refusal::KeyInTwoOffices`], [`Refusal::OverBudget`].
    pub fn check(&self) -> Result<(), Refusal> {
        check_epoch(self.epoch)?;
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

/// # Errors
/// [`Refusal::OverBudget`] for an epoch that nothing could follow.
pub(crate) fn check_epoch(found: u64) -> Result<(), Refusal> {
    if found <= MAX_EPOCH {
        return Ok(());
    }
    Err(Refusal::OverBudget {
        what: "key epoch",
        limit: MAX_EPOCH,
        found,
    })
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
    /// See [`Root::retired`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<PublicKey>,
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
            retired: keys.retired.clone(),
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
