//! The feed manifest: what a feed says it contains, as typed values. Parsing checks spelling and
//! bounds of single values; `verify.rs` decides whether the whole is believed.

use serde::{Deserialize, Serialize};

use crate::text;
use crate::{Abi, ArtifactVersion, Name, PublicKey, Sha256Digest, Timestamp};

/// The most artifacts in one manifest. Chosen: ten times what the official feed needs.
pub const MAX_ARTIFACTS: usize = 256;
/// The longest artifact. Chosen: a million-entry blocklist takes 12 MiB.
pub const MAX_ARTIFACT_BYTES: u64 = 64 << 20;
/// The most bytes that one generation may weigh.
pub const MAX_TOTAL_BYTES: u64 = 256 << 20;

/// What one version of a feed consists of. Exactly these members, none twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Always `feed`: the type stands inside the signed bytes, too.
    #[serde(rename = "type")]
    pub document: Document,
    /// The format, 1.
    pub spec: u32,
    /// Which feed: a manifest is worth nothing in another feed's place.
    pub feed_id: Name,
    /// `stable`, `canary`, …
    pub channel: Name,
    /// Which link of the key chain signs.
    pub key_epoch: u64,
    /// Grows with every publication within an epoch; at most `issued` in seconds and a day.
    pub version: u64,
    /// When it was signed.
    pub issued: Timestamp,
    /// After this it is stale, and not accepted any more.
    pub expires: Timestamp,
    /// The key that signs the next epoch; pinned long before it is used.
    pub next_public_key: PublicKey,
    /// The oldest host that can use this feed.
    #[serde(with = "text")]
    pub min_host: semver::Version,
    /// Extensions that a reader must know or refuse. This version knows none.
    pub critical: Vec<String>,
    /// The contents.
    pub artifacts: Vec<ArtifactEntry>,
    /// What must not be used any more.
    pub revoked: Revoked,
    /// Data that goes back on purpose.
    pub downgrades: Vec<Downgrade>,
}

/// The `type` member of a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Document {
    /// A feed manifest.
    Feed,
}

/// What an artifact is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A WASM component: code, so it needs a code key's endorsement as well.
    Detector,
    /// Patterns of injection.
    Signatures,
    /// Packages known to be bad.
    Blocklist,
    /// Steps that are an attack together.
    Killchain,
    /// What a detector must say of examples before it goes live; for the host, not the detector.
    Vectors,
    /// Models that people may fetch. No detector receives it, and only the official feed has one.
    Catalog,
    /// Weights of a statistical model.
    Model,
}

impl Kind {
    /// As written in the manifest.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Detector => "detector",
            Self::Signatures => "signatures",
            Self::Blocklist => "blocklist",
            Self::Killchain => "killchain",
            Self::Vectors => "vectors",
            Self::Catalog => "catalog",
            Self::Model => "model",
        }
    }

    /// Whether it belongs to a detector, which it then names.
    #[must_use]
    pub const fn names_a_detector(self) -> bool {
        !matches!(self, Self::Detector | Self::Catalog)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// One artifact as the manifest describes it. Asked for and stored by digest; the name is a label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArtifactEntry {
    /// What it is.
    pub kind: Kind,
    /// Unique among its kind; a detector's is the id that it gives itself.
    pub name: Name,
    /// Never lower than before, unless it is data and listed in [`Manifest::downgrades`].
    pub version: ArtifactVersion,
    /// Detectors: the contract it was built for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abi: Option<Abi>,
    /// Data: the format that its detector must understand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<u32>,
    /// Data for a detector: the id of the one that receives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detector: Option<Name>,
    /// Of the exact bytes.
    pub sha256: Sha256Digest,
    /// In bytes, exactly.
    pub length: u64,
    /// Data: how many entries it has, so that a gutted list is noticed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries: Option<u64>,
    /// Without it the whole feed is refused rather than this artifact left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// Detectors: base64 of the envelope around an [`Endorsement`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endorsement: Option<String>,
    /// Detectors: what it may use. The defaults when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
}

/// What a detector may use in one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Linear memory, all instances of one component together.
    pub memory_bytes: u64,
    /// From call to answer.
    pub deadline_ms: u32,
    /// What one answer may weigh in host memory.
    pub output_bytes: u64,
}

impl Limits {
    /// The highest that a signed manifest may ask for. Chosen: four times, twenty times and sixteen
    /// times the default; what needs more is no detector on the path of every message.
    pub const CAP: Self = Self {
        memory_bytes: 256 << 20,
        deadline_ms: 1_000,
        output_bytes: 4 << 20,
    };

    /// The first of the three that is zero or above the cap.
    pub(crate) fn excess(&self) -> Option<(&'static str, u64, u64)> {
        [
            ("memory_bytes", Self::CAP.memory_bytes, self.memory_bytes),
            (
                "deadline_ms",
                Self::CAP.deadline_ms.into(),
                self.deadline_ms.into(),
            ),
            ("output_bytes", Self::CAP.output_bytes, self.output_bytes),
        ]
        .into_iter()
        .find(|(_, cap, asked)| *asked == 0 || asked > cap)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 64 << 20,
            deadline_ms: 50,
            output_bytes: 256 << 10,
        }
    }
}

/// What a code key says about one build of one detector: the second signature that a stolen feed
/// key can't make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endorsement {
    /// As in the entry.
    pub name: Name,
    /// As in the entry.
    pub version: ArtifactVersion,
    /// As in the entry.
    pub abi: Abi,
    /// As in the entry.
    pub sha256: Sha256Digest,
    /// As in the entry.
    pub length: u64,
    /// As in the entry, defaults filled in.
    pub limits: Limits,
}

impl ArtifactEntry {
    /// What a code key must have said for this entry; `None` for data.
    #[must_use]
    pub fn to_endorse(&self) -> Option<Endorsement> {
        Some(Endorsement {
            name: self.name.clone(),
            version: self.version.clone(),
            abi: self.abi?,
            sha256: self.sha256,
            length: self.length,
            limits: self.limits.unwrap_or_default(),
        })
    }
}

/// What must not be used any more. Holds for the artifacts of the feed that says it, and is remembered:
/// digests as long as the key epoch lasts, versions of known detectors and code keys for ever.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoked {
    /// Exact bytes.
    #[serde(default)]
    pub digests: Vec<Sha256Digest>,
    /// Old versions of a detector.
    #[serde(default)]
    pub detectors: Vec<RevokedDetector>,
    /// Signing keys, code keys among them.
    #[serde(default)]
    pub keys: Vec<PublicKey>,
}

/// Every version of a detector below one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokedDetector {
    /// Which detector.
    pub name: Name,
    /// The first good version.
    pub below: ArtifactVersion,
}

/// One artifact, not a detector, that goes back on purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Downgrade {
    /// Which kind.
    pub kind: Kind,
    /// Which artifact.
    pub name: Name,
    /// To exactly this version.
    pub to: ArtifactVersion,
}
