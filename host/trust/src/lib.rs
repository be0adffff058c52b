//! Who may tell this product what to believe: digests, keys, signed envelopes, feed manifests,
//! key rotation, and the one function that turns bytes into a [`Verified`] value.
//!
//! Nothing here reads a file, a socket or a clock: bytes and time come in as arguments, so every
//! answer can be replayed and fuzzed. Fetching, storing and activating a feed belong to the host;
//! making keys and signatures is behind the feature `sign`, which the daemon never enables.

#![warn(missing_docs)]

mod artifact;
mod catalog;
mod digest;
mod envelope;
mod floor;
mod key;
mod manifest;
mod name;
mod pack;
mod refusal;
#[cfg(feature = "sign")]
mod release;
mod root;
mod rotation;
#[cfg(feature = "sign")]
mod sign;
mod text;
mod timestamp;
mod verified;
mod verify;
mod version;

pub use artifact::Artifact;
pub use catalog::{Catalog, CatalogError, Model};
pub use digest::Sha256Digest;
pub use envelope::{
    DETECTOR_PAYLOAD_TYPE, Envelope, FEED_PAYLOAD_TYPE, MAX_ENVELOPE_BYTES, MAX_SIGNATURES,
    Signature,
};
pub use floor::{ArtifactFloor, Floor};
pub use key::{KeyId, PublicKey};
pub use manifest::{
    ArtifactEntry, Document, Downgrade, Endorsement, Kind, Limits, MAX_ARTIFACT_BYTES,
    MAX_ARTIFACTS, MAX_TOTAL_BYTES, Manifest, Revoked, RevokedDetector,
};
pub use name::Name;
pub use pack::{Pack, PackError, write_pack};
pub use refusal::{Malformed, Refusal};
#[cfg(feature = "sign")]
pub use release::{release_public_file, release_public_line, sign_release};
pub use root::{MAX_EPOCH, Root, RootFile, RootFileError, RootKeys, Scope};
pub use rotation::{KeyChange, MAX_ROTATIONS, next_root};
#[cfg(feature = "sign")]
pub use sign::{SecretKey, endorse, seal, seal_manifest};
pub use timestamp::Timestamp;
pub use verified::{Proof, Verified};
pub use verify::{
    MAX_FUTURE_SECONDS, MAX_LIFETIME_DAYS, Mode, follow_rotation, meet, verify_manifest,
};
pub use version::{ABI, Abi, ArtifactVersion, host_version};
