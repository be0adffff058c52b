//! The frame: one entry of a segment, as bytes.
//!
//! `u32 length, little endian | u8 type | 16 bytes salt | 32 bytes prev | body`. The length counts
//! what follows it. `prev` is the leaf hash of the frame before, across segments; a leaf is
//! SHA-256(0x00 ‖ frame), length included. Stored bytes are hashed, nothing is ever written again.
//! What a body means is not known here.

use sha2::{Digest, Sha256};

use super::merkle::{self, Hash};

/// Type, salt and prev: the least that a length may say.
pub const HEADER_BYTES: usize = 1 + 16 + 32;
/// Chosen: a record is a summary, and a damaged length must not ask a reader for gigabytes.
pub const MAX_BODY_BYTES: usize = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Record,
    Checkpoint,
    Start,
    Stop,
    Heartbeat,
    /// Written by a newer version: chained and hashed like any other, not understood.
    Unknown(u8),
}

/// A frame as it lies in memory, its length prefix included.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    pub bytes: &'a [u8],
    pub kind: Type,
    pub salt: [u8; 16],
    pub prev: Hash,
    pub body: &'a [u8],
}

/// Why no frame could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The bytes end before the frame does.
    Incomplete,
    /// No frame has this length.
    Length,
}

impl<'a> Frame<'a> {
    /// The frame at the start of `bytes`.
    ///
    /// # Errors
    /// [`Unreadable`], also for an empty input.
    pub fn first(bytes: &'a [u8]) -> Result<Self, Unreadable> {
        let (length, rest) = bytes
            .split_first_chunk::<4>()
            .ok_or(Unreadable::Incomplete)?;
        let length = u32::from_le_bytes(*length) as usize;
        if !(HEADER_BYTES..=HEADER_BYTES + MAX_BODY_BYTES).contains(&length) {
            return Err(Unreadable::Length);
        }
        let inner = rest.get(..length).ok_or(Unreadable::Incomplete)?;
        let bytes = bytes.get(..4 + length).ok_or(Unreadable::Incomplete)?;
        let ([kind], inner) = inner.split_first_chunk::<1>().ok_or(Unreadable::Length)?;
        let (salt, inner) = inner.split_first_chunk::<16>().ok_or(Unreadable::Length)?;
        let (prev, body) = inner.split_first_chunk::<32>().ok_or(Unreadable::Length)?;
        Ok(Self {
            bytes,
            kind: Type::of(*kind),
            salt: *salt,
            prev: *prev,
            body,
        })
    }

    pub fn leaf(&self) -> Hash {
        merkle::leaf(self.bytes)
    }
}

impl Type {
    fn of(byte: u8) -> Self {
        match byte {
            1 => Self::Record,
            2 => Self::Checkpoint,
            3 => Self::Start,
            4 => Self::Stop,
            5 => Self::Heartbeat,
            other => Self::Unknown(other),
        }
    }

    fn byte(self) -> u8 {
        match self {
            Self::Record => 1,
            Self::Checkpoint => 2,
            Self::Start => 3,
            Self::Stop => 4,
            Self::Heartbeat => 5,
            Self::Unknown(other) => other,
        }
    }
}

/// The bytes of a frame, or `None` when `body` is longer than [`MAX_BODY_BYTES`].
pub fn encode(kind: Type, salt: [u8; 16], prev: &Hash, body: &[u8]) -> Option<Vec<u8>> {
    if body.len() > MAX_BODY_BYTES {
        return None;
    }
    let length = u32::try_from(HEADER_BYTES + body.len()).ok()?;
    let mut bytes = Vec::with_capacity(4 + HEADER_BYTES + body.len());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.push(kind.byte());
    bytes.extend_from_slice(&salt);
    bytes.extend_from_slice(prev);
    bytes.extend_from_slice(body);
    Some(bytes)
}

/// The salt of a checkpoint. Its body is no secret, so the salt is fixed by it: otherwise a flipped
/// salt in the last frame of a log would have no witness.
pub fn checkpoint_salt(note: &[u8]) -> [u8; 16] {
    let digest: Hash = Sha256::digest(note).into();
    let mut salt = [0; 16];
    for (to, from) in salt.iter_mut().zip(digest) {
        *to = from;
    }
    salt
}

/// What stands in `prev` of the very first frame: binds the log to its install.
pub fn genesis(origin: &str) -> Hash {
    Sha256::digest(origin.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_reads_back_as_it_was_written_and_leaves_the_rest() {
        let mut bytes = encode(Type::Record, [7; 16], &[9; 32], b"{}").unwrap();
        let written = bytes.clone();
        bytes.extend_from_slice(b"next");
        let frame = Frame::first(&bytes).unwrap();
        assert_eq!(frame.bytes, written);
        assert_eq!(
            (frame.kind, frame.salt, frame.prev),
            (Type::Record, [7; 16], [9; 32])
        );
        assert_eq!(frame.body, b"{}");
    }

    #[test]
    fn a_length_no_frame_can_have_is_not_mistaken_for_a_cut() {
        let bytes = encode(Type::Record, [0; 16], &[0; 32], b"{}").unwrap();
        for cut in 0..bytes.len() {
            assert_eq!(
                Frame::first(&bytes[..cut]).unwrap_err(),
                Unreadable::Incomplete
            );
        }
        assert_eq!(
            Frame::first(&[48, 0, 0, 0]).unwrap_err(),
            Unreadable::Length
        );
        assert_eq!(Frame::first(&[0xff; 64]).unwrap_err(), Unreadable::Length);
        assert!(
            encode(
                Type::Record,
                [0; 16],
                &[0; 32],
                &vec![b' '; MAX_BODY_BYTES + 1]
            )
            .is_none()
        );
    }
}
