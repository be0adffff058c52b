//! Ed25519 public keys, and the one way in which this product checks a signature.
//!
//! Secret keys live in `sign`, which only tools compile.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use data_encoding::HEXLOWER;
use ed25519_dalek::VerifyingKey;
use subtle::ConstantTimeEq;

use crate::digest::{Sha256Digest, hex32};
use crate::refusal::Malformed;
use crate::text::as_text;

/// An Ed25519 public key that is a valid point and not of small order.
///
/// A small-order key (the identity, for instance) would accept signatures that nobody made, so it
/// can't be constructed.
#[derive(Clone, Copy)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Takes the 32 bytes of RFC 8032.
    ///
    /// # Errors
    /// [`Malformed::Key`] when they are no curve point, [`Malformed::WeakKey`] for a small-order one.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, Malformed> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| Malformed::Key)?;
        if key.is_weak() {
            return Err(Malformed::WeakKey);
        }
        Ok(Self(key))
    }

    /// The public half of a secret key, which is never weak.
    #[cfg(feature = "sign")]
    pub(crate) fn of_secret(secret: &ed25519_dalek::SigningKey) -> Self {
        Self(secret.verifying_key())
    }

    /// The 32 bytes of RFC 8032.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The short name under which signatures mention this key.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let digest = Sha256Digest::of(self.as_bytes());
        let [a, b, c, d, e, f, g, h, ..] = *digest.as_bytes();
        KeyId([a, b, c, d, e, f, g, h])
    }

    /// Whether `signature` is this key's over `message`.
    ///
    /// Strict: canonical encodings only and no small-order component, so that one message has one
    /// signature per key. Plain `verify` of the same library accepts an arbitrary message under the
    /// identity key.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        self.0.verify_strict(message, &signature).is_ok()
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl Eq for PublicKey {}

impl Hash for PublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(self.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::from_bytes(&hex32(text).ok_or(Malformed::Key)?)
    }
}

as_text!(PublicKey);

/// The first eight bytes of a public key's SHA-256, in hex. Finds a key; proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 8]);

#[cfg(feature = "sign")]
impl KeyId {
    pub(crate) const fn bytes(self) -> [u8; 8] {
        self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for KeyId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let mut bytes = [0; 8];
        if text.len() != 16 {
            return Err(Malformed::KeyId);
        }
        HEXLOWER
            .decode_mut(text.as_bytes(), &mut bytes)
            .map_err(|_| Malformed::KeyId)?;
        Ok(Self(bytes))
    }
}

as_text!(KeyId);

#[cfg(test)]
mod tests {
    use super::*;

    /// The eight small-order points and the non-canonical spellings of two of them.
    /// Source: Chalkias, Garillot, Nikolaenko, "Taming the many EdDSAs" (2020), table of
    /// small-order encodings; the first is the identity, the third the all-zero key.
    const WEAK: [&str; 8] = [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    ];

    /// Source: RFC 8032, section 7.1, TEST 2 (one-byte message 0x72).
    const RFC_KEY: &str = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
    const RFC_SIGNATURE: &str = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                                 085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

    fn signature(hex: &str) -> [u8; 64] {
        HEXLOWER.decode(hex.as_bytes()).unwrap().try_into().unwrap()
    }

    #[test]
    fn small_order_keys_cannot_be_constructed() {
        for hex in WEAK {
            assert_eq!(
                hex.parse::<PublicKey>().unwrap_err(),
                Malformed::WeakKey,
                "{hex}"
            );
        }
        assert!(RFC_KEY.parse::<PublicKey>().is_ok());
    }

    #[test]
    fn the_published_signature_verifies_and_its_malleated_twin_does_not() {
        let key: PublicKey = RFC_KEY.parse().unwrap();
        let good = signature(RFC_SIGNATURE);
        assert!(key.verifies(&[0x72], &good));
        assert!(!key.verifies(&[0x73], &good));

        // s + L satisfies the same equation; only a strict reader refuses it.
        // L = 2^252 + 27742317777372353535851937790883648493, little endian.
        let order = HEXLOWER
            .decode(b"edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
            .unwrap();
        let mut malleated = good;
        let mut carry = 0u16;
        for (byte, add) in malleated[32..].iter_mut().zip(order) {
            let sum = u16::from(*byte) + u16::from(add) + carry;
            *byte = sum as u8;
            carry = sum >> 8;
        }
        assert_ne!(malleated, good);
        assert!(!key.verifies(&[0x72], &malleated));
    }

    #[test]
    fn one_key_has_one_spelling() {
        assert!(RFC_KEY.to_uppercase().parse::<PublicKey>().is_err());
        assert!(RFC_KEY[2..].parse::<PublicKey>().is_err());
        let key: PublicKey = RFC_KEY.parse().unwrap();
        assert_eq!(key.to_string(), RFC_KEY);
        assert_eq!(key.id().to_string().parse::<KeyId>().unwrap(), key.id());
    }
}
