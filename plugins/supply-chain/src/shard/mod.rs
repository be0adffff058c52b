//! The blocklist as bytes: compact enough for a million packages, checked before it is believed.
//!
//! Little-endian throughout. A number marked *v* is a LEB128 of at most five bytes; a text is its
//! length *v* and UTF-8 bytes.
//!
//! | at | what |
//! |---|---|
//! | 0 | magic `CDshard` and a zero byte |
//! | 8 | u32 format, 1 |
//! | 12 | u32 `bits`, 0 to 16: there are 2^bits buckets |
//! | 16 | u32 number of entries: advisories and names |
//! | 20 | u32 length of the records |
//! | 24 | u64 checksum of everything but these eight bytes |
//! | 32 | 2^bits + 1 times u32: where each bucket starts among the records, and where the last ends |
//! | … | the records, bucket by bucket |
//! | … | lists of names, to the end: a byte (0 well-known, 1 neighbours), ecosystem, count *v*, names |
//!
//! A package is found by the first eight bytes of SHA-256 over `ecosystem:name`, the name
//! normalised: the top bits of the first two choose the bucket, the other six are compared. A
//! record is those six bytes, the length *v* of what follows, and one or more advisories. Names
//! themselves would take more room, and how much would be up to attackers. A chance hit has odds of
//! one in 2^44 at a million packages; whoever wants an honest name to be hit must try about as often,
//! and the publisher's tool refuses a shard that hits a well-known name.
//!
//! An advisory is one byte (kind in bits 0–1, severity in 2–3, shape in 4–5, further ids in 6–7),
//! its ids, and by shape: 0, count *v* and ranges, count *v* and versions, the expression or an
//! empty text; 1, nothing, every version is meant; 2, count *v* and versions. A range is
//! `introduced`, a byte (0 open, 1 `fixed`, 2 `last_affected`) and that bound.
//!
//! An id is one of: a byte (issuer in bits 0–2, years since 2005 in 3–7) and its number *v*; the
//! byte 7 and seven bytes with the twelve digits of a GHSA id to the base 20, lowest first; a zero
//! byte and the whole text.

mod bytes;
mod read;
mod write;

pub use read::{Known, Names, Shard, ShardError};
pub use write::{Unpublishable, compile};

use sha2::{Digest, Sha256};

use crate::package::Ecosystem;

const MAGIC: [u8; 8] = *b"CDshard\0";
/// What the signed manifest calls this format.
pub const SCHEMA: u32 = 2;
const FORMAT: u32 = 1;
const HEADER: usize = 32;
const CHECKSUM_AT: usize = 24;
/// Chosen: about sixteen packages per bucket at a million.
const MAX_BITS: u32 = 16;
const TAIL: usize = 6;

/// Who gives ids of the form `PREFIX-year-number`, and how many digits they write at least.
const ISSUERS: [(&str, usize); 6] = [
    ("MAL", 1),
    ("CVE", 4),
    ("PYSEC", 1),
    ("RUSTSEC", 4),
    ("GO", 4),
    ("CD", 4),
];
const FIRST_YEAR: u32 = 2005;

const GHSA: u8 = 7;
/// What GitHub writes its ids with.
const GHSA_DIGITS: &[u8; 20] = b"23456789cfghjmpqrvwx";

const GENERAL: u8 = 0;
const EVERY_VERSION: u8 = 1;
const ONLY_VERSIONS: u8 = 2;
const MAX_FURTHER_IDS: usize = 3;

/// Where a package is looked for: the bucket's number before it is cut to `bits`, and the rest.
fn key(ecosystem: Ecosystem, name: &str) -> (u16, [u8; TAIL]) {
    let text = format!("{}:{}", ecosystem.id(), ecosystem.normalise(name));
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    (u16::from_be_bytes([a, b]), [c, d, e, f, g, h])
}

fn bucket(number: u16, bits: u32) -> usize {
    usize::from(number) >> (MAX_BITS - bits.min(MAX_BITS))
}

/// Tells damage, not forgery: against that there is the signature over the whole artifact.
///
/// Each step maps state and word one to one, so a change inside a single word is always seen, and
/// any other with all but one chance in 2^64. Four lanes, because one would wait for its own
/// multiplications; SHA-256 would take four times the load budget in the sandbox.
fn checksum(bytes: &[u8]) -> u64 {
    crate::effort::spend(bytes.len());
    let (before, after) = bytes.split_at(CHECKSUM_AT.min(bytes.len()));
    let after = after.get(8..).unwrap_or_default();
    let mut lanes = [0x9e37_79b9_7f4a_7c15_u64; 4];
    for part in [before, after] {
        let (blocks, rest) = part.as_chunks::<32>();
        for block in blocks {
            take_words(&mut lanes, block);
        }
        let mut last = [0; 32];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        take_words(&mut lanes, &last);
    }
    lanes.into_iter().fold(bytes.len() as u64, mix)
}

fn take_words(lanes: &mut [u64; 4], block: &[u8; 32]) {
    let (words, _) = block.as_chunks::<8>();
    for (lane, word) in lanes.iter_mut().zip(words) {
        *lane = mix(*lane, u64::from_le_bytes(*word));
    }
}

fn mix(state: u64, word: u64) -> u64 {
    // The multiplier of PCG; any odd number with mixed bits would do.
    (state ^ word)
        .wrapping_mul(6_364_136_223_846_793_005)
        .rotate_left(29)
}

#[cfg(test)]
mod tests;
