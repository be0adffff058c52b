//! SHA-256 over exact bytes: the only name under which an artifact is stored or asked for.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::refusal::Malformed;
use crate::text::as_text;

/// The SHA-256 of some exact bytes; written as 64 lower-case hex digits and in no other way.
#[derive(Clone, Copy, PartialOrd, Ord)]
pub struct Sha256Digest([u8; 32]);

impl Sha256Digest {
    /// Hashes `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// A digest that was computed elsewhere, for instance while streaming a download.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Where a published feed has the bytes with this digest, below its address: `sha256/ab/ab…`.
    #[must_use]
    pub fn place(&self) -> String {
        let [first, ..] = self.0;
        format!("sha256/{first:02x}/{self}")
    }

    /// The 32 raw bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

// Constant time: a digest is also used as a fingerprint of pinned keys, and one rule is simpler
// to trust than two.
impl PartialEq for Sha256Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Sha256Digest {}

impl Hash for Sha256Digest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sha256Digest {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        hex32(text).map(Self).ok_or(Malformed::Digest)
    }
}

as_text!(Sha256Digest);

/// Exactly 64 lower-case hex digits, or nothing: one value must have one spelling.
pub(crate) fn hex32(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    HEXLOWER.decode_mut(text.as_bytes(), &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: FIPS 180-4 example, the one-block message "abc".
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn matches_the_published_example_and_reads_back() {
        assert_eq!(Sha256Digest::of(b"abc").to_string(), ABC);
        assert_eq!(
            ABC.parse::<Sha256Digest>().unwrap(),
            Sha256Digest::of(b"abc")
        );
    }

    #[test]
    fn one_digest_has_one_spelling() {
        for wrong in [
            "",
            &ABC[1..],
            &ABC.to_uppercase(),
            &format!("{ABC}0"),
            &format!(" {}", &ABC[1..]),
        ] {
            assert!(wrong.parse::<Sha256Digest>().is_err(), "{wrong:?}");
        }
    }
}
