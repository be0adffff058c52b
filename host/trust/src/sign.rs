//! Making signatures: for build tools and tests. The daemon is compiled without this file.

use std::fmt;

use data_encoding::{BASE64, HEXLOWER};
use ed25519_dalek::{Signer, SigningKey};
use zeroize::Zeroizing;

use crate::envelope::{Signature, pae};
use crate::refusal::Malformed;
use crate::{
    ArtifactEntry, DETECTOR_PAYLOAD_TYPE, Envelope, FEED_PAYLOAD_TYPE, Manifest, PublicKey,
};

/// An Ed25519 secret key. Wiped from memory when dropped; never printed.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// From 32 random bytes: the seed of RFC 8032.
    #[must_use]
    pub fn from_bytes(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// From 64 lower-case hex digits.
    ///
    /// # Errors
    /// [`Malformed::Key`].
    pub fn from_hex(text: &str) -> Result<Self, Malformed> {
        let mut seed = Zeroizing::new([0; 32]);
        if text.len() != 64 || HEXLOWER.decode_mut(text.as_bytes(), &mut *seed).is_err() {
            return Err(Malformed::Key);
        }
        Ok(Self::from_bytes(&seed))
    }

    /// The seed in hex, for the key file; wiped when dropped.
    #[must_use]
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(HEXLOWER.encode(self.0.as_bytes()))
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey::of_secret(&self.0)
    }

    /// Signs exact bytes.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(… of {})", self.public().id())
    }
}

/// Puts `payload` into an envelope signed by `keys`, in their order.
#[must_use]
pub fn seal(payload_type: &str, payload: Vec<u8>, keys: &[&SecretKey]) -> Vec<u8> {
    let message = pae(payload_type, &payload);
    let signatures = keys
        .iter()
        .map(|key| Signature {
            key: key.public().id(),
            bytes: key.sign(&message),
        })
        .collect();
    Envelope::new(payload_type, payload, signatures).to_bytes()
}

/// A signed manifest, ready to be served.
///
/// # Errors
/// When it can't be written as JSON.
pub fn seal_manifest(
    manifest: &Manifest,
    keys: &[&SecretKey],
) -> Result<Vec<u8>, serde_json::Error> {
    Ok(seal(FEED_PAYLOAD_TYPE, serde_json::to_vec(manifest)?, keys))
}

/// The text for [`ArtifactEntry::endorsement`]: `key`'s word about exactly this entry. Empty text for
/// an entry that is no detector, which no verifier accepts.
///
/// # Errors
/// When it can't be written as JSON.
pub fn endorse(entry: &ArtifactEntry, key: &SecretKey) -> Result<String, serde_json::Error> {
    let Some(statement) = entry.to_endorse() else {
        return Ok(String::new());
    };
    let payload = serde_json::to_vec(&statement)?;
    Ok(BASE64.encode(&seal(DETECTOR_PAYLOAD_TYPE, payload, &[key])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_key_is_never_printed() {
        let key = SecretKey::from_bytes(&[7; 32]);
        assert!(!format!("{key:?}").contains("0707"));
        assert_eq!(
            SecretKey::from_hex(&key.to_hex()).unwrap().public(),
            key.public()
        );
        assert!(key.public().verifies(b"m", &key.sign(b"m")));
    }
}
