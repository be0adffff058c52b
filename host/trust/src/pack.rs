//! `.feedpack`: one manifest and its artifacts in one file, for the seed inside the binary and for
//! carrying a feed to a machine without a network.
//!
//! A container and no more: it is not signed, it holds no names, and nothing read from it is
//! believed before `verify_manifest`, `follow_rotation` and `admit` have seen it. One content has
//! one encoding.
//!
//! Layout, all numbers little endian: magic `CLAWPACK`, u32 format (2), u32 envelope length,
//! envelope, u32 number of rotations, then per rotation in strictly rising order of epoch: u64 epoch,
//! u32 length, its envelope; u32 number of blobs, then per blob in strictly rising order of digest:
//! 32 bytes digest, u64 length, bytes. Format 1 is the same without the part about rotations, and is
//! how a pack that has none is written.

use std::collections::BTreeMap;

use crate::{MAX_ARTIFACT_BYTES, MAX_ARTIFACTS, MAX_ENVELOPE_BYTES, MAX_ROTATIONS, Sha256Digest};

const MAGIC: &[u8; 8] = b"CLAWPACK";
const PLAIN: u32 = 1;
const WITH_ROTATIONS: u32 = 2;

/// A parsed pack, borrowing its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pack<'a> {
    envelope: &'a [u8],
    rotations: Vec<(u64, &'a [u8])>,
    blobs: Vec<(Sha256Digest, &'a [u8])>,
}

/// Why bytes are no pack.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// Not a pack, or one of another format.
    #[error("not a feedpack of format {PLAIN} or {WITH_ROTATIONS}")]
    Magic,
    /// It ends inside a part.
    #[error("feedpack cut off: {expected} bytes expected, {found} left")]
    CutOff {
        /// What the part needs.
        expected: u64,
        /// What is left.
        found: u64,
    },
    /// A part over its limit.
    #[error("feedpack {what} {found} is over {limit}")]
    OverBudget {
        /// Which part.
        what: &'static str,
        /// The cap.
        limit: u64,
        /// What it claims.
        found: u64,
    },
    /// Not strictly rising, or none where there must be some: a second encoding of the same.
    #[error("feedpack {0} are out of order")]
    Order(&'static str),
    /// Bytes after the last blob.
    #[error("{0} bytes after the end of the feedpack")]
    Trailing(usize),
}

impl<'a> Pack<'a> {
    /// Reads the container; hashes and verifies nothing.
    ///
    /// # Errors
    /// [`PackError`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PackError> {
        let mut rest = bytes;
        if take(&mut rest, 8).map_err(|_| PackError::Magic)? != MAGIC {
            return Err(PackError::Magic);
        }
        let format = u32_le(&mut rest)?;
        if format != PLAIN && format != WITH_ROTATIONS {
            return Err(PackError::Magic);
        }
        let envelope = small(&mut rest, "envelope")?;
        let mut rotations: Vec<(u64, &[u8])> = Vec::new();
        if format == WITH_ROTATIONS {
            let count = bounded("rotations", u32_le(&mut rest)?.into(), MAX_ROTATIONS)?;
            for _ in 0..count {
                let epoch = u64::from_le_bytes(array(&mut rest)?);
                if rotations.last().is_some_and(|(last, _)| *last >= epoch) {
                    return Err(PackError::Order("rotations"));
                }
                rotations.push((epoch, small(&mut rest, "rotation")?));
            }
            if rotations.is_empty() {
                return Err(PackError::Order("rotations"));
            }
        }
        let count = bounded("blobs", u32_le(&mut rest)?.into(), MAX_ARTIFACTS as u64)?;
        let mut blobs: Vec<(Sha256Digest, &[u8])> = Vec::new();
        for _ in 0..count {
            let digest = Sha256Digest::from_bytes(array(&mut rest)?);
            if blobs.last().is_some_and(|(last, _)| *last >= digest) {
                return Err(PackError::Order("blobs"));
            }
            let length = bounded(
                "blob",
                u64::from_le_bytes(array(&mut rest)?),
                MAX_ARTIFACT_BYTES,
            )?;
            blobs.push((digest, take(&mut rest, length)?));
        }
        if !rest.is_empty() {
            return Err(PackError::Trailing(rest.len()));
        }
        Ok(Self {
            envelope,
            rotations,
            blobs,
        })
    }

    /// The manifest's envelope.
    #[must_use]
    pub const fn envelope(&self) -> &'a [u8] {
        self.envelope
    }

    /// The first manifests of key epochs, in order; `follow_rotation` says whether one is believed.
    #[must_use]
    pub fn rotations(&self) -> &[(u64, &'a [u8])] {
        &self.rotations
    }

    /// The bytes filed under `digest`; `admit` checks that they have it.
    #[must_use]
    pub fn blob(&self, digest: &Sha256Digest) -> Option<&'a [u8]> {
        self.blobs
            .iter()
            .find(|(filed, _)| filed == digest)
            .map(|(_, bytes)| *bytes)
    }

    /// All blobs, in order of digest.
    pub fn blobs(&self) -> impl Iterator<Item = (&Sha256Digest, &'a [u8])> {
        self.blobs.iter().map(|(digest, bytes)| (digest, *bytes))
    }
}

/// Writes a pack; blobs are filed under their own digest, each once.
#[must_use]
pub fn write_pack<'a>(
    envelope: &[u8],
    rotations: &BTreeMap<u64, Vec<u8>>,
    blobs: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<u8> {
    let blobs: BTreeMap<_, _> = blobs
        .into_iter()
        .map(|bytes| (Sha256Digest::of(bytes), bytes))
        .collect();
    // A part beyond u32 can't be read back; the reader's caps are far below.
    let size = |size: usize| u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes();
    let format = if rotations.is_empty() {
        PLAIN
    } else {
        WITH_ROTATIONS
    };
    let mut out = Vec::new();
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&format.to_le_bytes());
    out.extend_from_slice(&size(envelope.len()));
    out.extend_from_slice(envelope);
    if !rotations.is_empty() {
        out.extend_from_slice(&size(rotations.len()));
        for (epoch, link) in rotations {
            out.extend_from_slice(&epoch.to_le_bytes());
            out.extend_from_slice(&size(link.len()));
            out.extend_from_slice(link);
        }
    }
    out.extend_from_slice(&size(blobs.len()));
    for (digest, bytes) in blobs {
        out.extend_from_slice(digest.as_bytes());
        out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        out.extend_from_slice(bytes);
    }
    out
}

/// An envelope behind its length.
fn small<'a>(rest: &mut &'a [u8], what: &'static str) -> Result<&'a [u8], PackError> {
    let length = u32_le(rest)?.into();
    let length = bounded(what, length, MAX_ENVELOPE_BYTES as u64)?;
    take(rest, length)
}

fn bounded(what: &'static str, found: u64, limit: u64) -> Result<u64, PackError> {
    if found > limit {
        Err(PackError::OverBudget { what, limit, found })
    } else {
        Ok(found)
    }
}

fn take<'a>(rest: &mut &'a [u8], length: u64) -> Result<&'a [u8], PackError> {
    let cut_off = PackError::CutOff {
        expected: length,
        found: rest.len() as u64,
    };
    let length = usize::try_from(length).map_err(|_| cut_off.clone())?;
    let (taken, left) = rest.split_at_checked(length).ok_or(cut_off)?;
    *rest = left;
    Ok(taken)
}

fn array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], PackError> {
    let cut_off = PackError::CutOff {
        expected: N as u64,
        found: rest.len() as u64,
    };
    let (taken, left) = rest.split_first_chunk::<N>().ok_or(cut_off)?;
    *rest = left;
    Ok(*taken)
}

fn u32_le(rest: &mut &[u8]) -> Result<u32, PackError> {
    array(rest).map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(rotations: &[(u64, &[u8])]) -> Vec<u8> {
        let rotations = rotations
            .iter()
            .map(|(epoch, link)| (*epoch, link.to_vec()))
            .collect();
        let blobs = [&b"second"[..], b"first", b"second"];
        write_pack(b"{envelope}", &rotations, blobs)
    }

    const LINKS: [(u64, &[u8]); 2] = [(2, b"{second}"), (3, b"{third}")];

    #[test]
    fn what_is_packed_is_read_back_once_and_by_digest() {
        for links in [&[][..], &LINKS] {
            let bytes = sample(links);
            let pack = Pack::parse(&bytes).unwrap();
            assert_eq!(pack.envelope(), b"{envelope}");
            assert_eq!(pack.rotations(), links);
            assert_eq!(pack.blobs().count(), 2);
            assert_eq!(pack.blob(&Sha256Digest::of(b"first")), Some(&b"first"[..]));
            assert_eq!(pack.blob(&Sha256Digest::of(b"third")), None);
            let again = pack.rotations().iter();
            let again = again.map(|(epoch, link)| (*epoch, link.to_vec())).collect();
            let blobs = pack.blobs().map(|(_, bytes)| bytes);
            assert_eq!(write_pack(pack.envelope(), &again, blobs), bytes);
        }
    }

    #[test]
    fn every_truncation_and_every_extra_byte_is_refused() {
        for links in [&[][..], &LINKS] {
            let bytes = sample(links);
            for end in 0..bytes.len() {
                assert!(Pack::parse(&bytes[..end]).is_err(), "{end}");
            }
            let mut longer = bytes;
            longer.push(0);
            assert_eq!(Pack::parse(&longer), Err(PackError::Trailing(1)));
        }
    }

    #[test]
    fn rotations_have_one_encoding() {
        let head = b"CLAWPACK\x02\0\0\0\0\0\0\0";
        let none = [&head[..], &[0; 4], &[0; 4]].concat();
        assert_eq!(Pack::parse(&none), Err(PackError::Order("rotations")));
        let link = |epoch: u64| [&epoch.to_le_bytes()[..], &[0; 4]].concat();
        for epochs in [[3, 3], [3, 2]] {
            let links = epochs.map(link).concat();
            let pack = [&head[..], &2u32.to_le_bytes(), &links, &[0; 4]].concat();
            assert_eq!(Pack::parse(&pack), Err(PackError::Order("rotations")));
        }
        let many = [&head[..], &65u32.to_le_bytes()].concat();
        assert!(matches!(
            Pack::parse(&many),
            Err(PackError::OverBudget {
                what: "rotations",
                ..
            })
        ));
        let other = b"CLAWPACK\x03\0\0\0\0\0\0\0\0\0\0\0";
        assert_eq!(Pack::parse(other), Err(PackError::Magic));
    }

    #[test]
    fn huge_lengths_and_disorder_are_refused_without_allocating() {
        let mut huge = sample(&[]);
        huge[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(
            Pack::parse(&huge),
            Err(PackError::OverBudget {
                what: "envelope",
                ..
            })
        ));

        let mut twice = b"CLAWPACK\x01\0\0\0\0\0\0\0\x02\0\0\0".to_vec();
        for _ in 0..2 {
            twice.extend_from_slice(&[7; 32]);
            twice.extend_from_slice(&0u64.to_le_bytes());
        }
        assert_eq!(Pack::parse(&twice), Err(PackError::Order("blobs")));

        let mut blob = b"CLAWPACK\x01\0\0\0\0\0\0\0\x01\0\0\0".to_vec();
        blob.extend_from_slice(&[7; 32]);
        blob.extend_from_slice(&u64::MAX.to_le_bytes());
        assert!(matches!(
            Pack::parse(&blob),
            Err(PackError::OverBudget { what: "blob", .. })
        ));
    }
}
