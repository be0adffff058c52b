//! Replacing this program by a newer release of it: what is offered, whether the release key signed
//! exactly these bytes, and the swap.
//!
//! The index that names a release is a claim by whoever serves it. Only the archive's signature
//! counts, and the version and target inside that signature.

mod archive;
mod replace;
mod source;

pub use replace::replace;
pub use source::{Offer, Source};

use crate::download::DownloadError;
use crate::upstream::UpstreamError;
use archive::ArchiveError;
use clawdefender_trust::{ArtifactVersion, Sha256Digest};
use data_encoding::{BASE64, HEXLOWER};
use minisign_verify::{PublicKey, Signature};
use std::path::PathBuf;

/// The key that signs releases, as minisign writes a public key; empty when this build has none.
pub const EMBEDDED_RELEASE_KEY: &str = env!("CLAWDEFENDER_RELEASE_KEY");
/// What this program was built for.
pub const TARGET: &str = env!("CLAWDEFENDER_TARGET");

/// The longest archive and the longest program. Chosen: several times what a release weighs.
const MAX_ARCHIVE_BYTES: u64 = 256 << 20;
const MAX_PROGRAM_BYTES: u64 = 1 << 30;

#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    #[error("this build knows no release key, so it can't tell a release from anything else")]
    NoKey,
    #[error("the release key of this build can't be used")]
    BadKey,
    #[error("latest.json is no release index: {0}")]
    Index(String),
    #[error("version {offered} is offered, but not for {TARGET}")]
    NoArchive { offered: ArtifactVersion },
    #[error("version {offered} is older than {have}, which is installed")]
    Downgrade {
        have: ArtifactVersion,
        offered: ArtifactVersion,
    },
    #[error("the archive is not the one that the index names: SHA-256 {found}, not {expected}")]
    Digest {
        expected: Sha256Digest,
        found: Sha256Digest,
    },
    #[error("the archive is {found} bytes long, the index says {expected}")]
    Length { expected: u64, found: u64 },
    #[error("the archive is not signed by the release key of this program")]
    Unsigned,
    #[error("the signature says neither version nor target")]
    Comment,
    #[error("the signature is for {found}, this program is for {TARGET}")]
    OtherTarget { found: String },
    #[error("the index offers version {offered}, signed is {signed}")]
    OtherVersion {
        offered: ArtifactVersion,
        signed: ArtifactVersion,
    },
    #[error("the archive is refused: {0}")]
    Archive(#[from] ArchiveError),
    #[error("the new program does not start here: {0}")]
    Broken(String),
    #[error(transparent)]
    Address(#[from] UpstreamError),
    #[error(transparent)]
    Download(#[from] DownloadError),
    #[error("{path}: {source}")]
    Disk {
        path: PathBuf,
        source: std::io::Error,
    },
}

/// The version of this program.
#[must_use]
pub fn own_version() -> Option<ArtifactVersion> {
    env!("CARGO_PKG_VERSION").parse().ok()
}

/// The id of a release key, as `keygen` prints it; `None` when it is no such key. Source: minisign's
/// documentation, "Public key format": two bytes of algorithm, eight of id, the key.
#[must_use]
pub fn key_id(key: &str) -> Option<String> {
    let bytes = BASE64.decode(key.as_bytes()).ok()?;
    let id = bytes.get(2..10).filter(|_| bytes.len() == 42)?;
    Some(HEXLOWER.encode(id))
}

/// A program that the release key signed, for this target, and newer than this one.
pub struct Release {
    pub version: ArtifactVersion,
    pub program: Vec<u8>,
}

/// Takes the program out of an archive, once everything about it is right.
///
/// `signature` is the text of the archive's `.minisig`. Its trusted comment, which is signed along,
/// reads `clawdefender VERSION TARGET`.
///
/// # Errors
/// [`UpdateError`]: the first thing that is wrong.
pub fn check(
    archive: &[u8],
    signature: &str,
    key: &str,
    have: &ArtifactVersion,
    offer: &Offer,
) -> Result<Release, UpdateError> {
    if key.is_empty() {
        return Err(UpdateError::NoKey);
    }
    let key = PublicKey::from_base64(key).map_err(|_| UpdateError::BadKey)?;
    let signature = Signature::decode(signature).map_err(|_| UpdateError::Unsigned)?;
    // Prehashed signatures only: the old kind is not made any more.
    key.verify(archive, &signature, false)
        .map_err(|_| UpdateError::Unsigned)?;
    let mut words = signature.trusted_comment().split(' ');
    let (Some("clawdefender"), Some(version), Some(target), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(UpdateError::Comment);
    };
    let signed: ArtifactVersion = version.parse().map_err(|_| UpdateError::Comment)?;
    if target != TARGET {
        let found = target.to_owned();
        return Err(UpdateError::OtherTarget { found });
    }
    // An old release keeps its signature for ever, with all its flaws.
    if signed <= *have {
        let (have, offered) = (have.clone(), signed);
        return Err(UpdateError::Downgrade { have, offered });
    }
    if signed != offer.version {
        let offered = offer.version.clone();
        return Err(UpdateError::OtherVersion { offered, signed });
    }
    let program = archive::program(archive)?;
    Ok(Release {
        version: signed,
        program,
    })
}

#[cfg(test)]
mod tests;
