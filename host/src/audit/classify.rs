//! Tells the kinds of a broken link apart, by looking at every frame around it.
//!
//! Runs only after [`walk`](super::walk) found something, so it may be slow and hold all hashes.

use std::fs;
use std::io;
use std::path::Path;

use super::damage::{Broken, Damage};
use super::frame::{self, Frame, Type};
use super::key::PublicKey;
use super::merkle::{self, CompactRange, Hash};
use super::note::Note;
use super::walk::{next_frame, segment_name, segments};

struct Entry {
    leaf: Hash,
    prev: Hash,
    /// What a checkpoint of this install says about its own position.
    claims: Option<u64>,
    /// And about the root of what comes before it.
    root: Option<Hash>,
    foreign: bool,
}

/// The same damage with its kind and place as exact as they can be known.
pub(super) fn classify(dir: &Path, key: &PublicKey, broken: Broken) -> io::Result<Broken> {
    let refined = match broken.damage {
        Damage::Altered => unreadable(dir, &broken)?,
        Damage::Unlinked => unlinked(
            &entries(dir, key)?,
            broken.seq,
            &frame::genesis(key.origin()),
        ),
        _ => None,
    };
    Ok(match refined {
        // The place in the file belongs to the frame the walk stopped at.
        Some((seq, damage)) if seq != broken.seq => Broken {
            seq,
            damage,
            at: None,
        },
        Some((_, damage)) => Broken { damage, ..broken },
        None => broken,
    })
}

/// A place where no frame can be read: whose length is wrong, if any?
fn unreadable(dir: &Path, broken: &Broken) -> io::Result<Option<(u64, Damage)>> {
    let Some((segment, offset)) = broken.at else {
        return Ok(None);
    };
    let bytes = fs::read(dir.join(segment_name(segment)))?;
    let Ok(offset) = usize::try_from(offset) else {
        return Ok(None);
    };
    let Some(rest) = bytes.get(offset..) else {
        return Ok(None);
    };
    if Frame::first(rest).is_ok() {
        return Ok(None);
    }
    // A frame with a flipped length may have been read as whole, and the break only shows behind
    // it: then the next good frame lies inside it, or names the hash that it had.
    let mut start = 0;
    let mut before = None;
    while let Some(Ok(frame)) = bytes.get(start..offset).map(Frame::first) {
        before = Some(start);
        start += frame.bytes.len();
    }
    let was_before = before.is_some_and(|start| {
        let Some(next) = bytes.get(start..).and_then(next_frame) else {
            return false;
        };
        let follower = bytes.get(start + next..).map(Frame::first);
        let named = follower.and_then(Result::ok).map(|frame| frame.prev);
        let hash = bytes.get(start..start + next).and_then(with_length);
        start + next < offset || (named.is_some() && named == hash)
    });
    Ok(Some(match (was_before, next_frame(rest)) {
        (true, _) => (broken.seq.saturating_sub(1), Damage::Altered),
        (false, Some(_)) => (broken.seq, Damage::Altered),
        (false, None) => (broken.seq, Damage::Missing),
    }))
}

/// The leaf that these bytes would have with the length that fits them.
fn with_length(bytes: &[u8]) -> Option<Hash> {
    let length = u32::try_from(bytes.len().checked_sub(4)?).ok()?;
    let mut frame = length.to_le_bytes().to_vec();
    frame.extend_from_slice(bytes.get(4..)?);
    Some(merkle::leaf(&frame))
}

/// Frame `seq` does not follow the frame before it: why?
fn unlinked(entries: &[Entry], seq: u64, genesis: &Hash) -> Option<(u64, Damage)> {
    let at = usize::try_from(seq).ok()?;
    let (before, from) = entries.split_at_checked(at)?;
    let (entry, after) = from.split_first()?;
    let expected = before.last().map_or(genesis, |last| &last.leaf);
    if before.iter().any(|earlier| earlier.leaf == entry.leaf) {
        return Some((seq, Damage::Duplicate));
    }
    if from.iter().any(|later| later.foreign) {
        return Some((seq, Damage::Foreign));
    }
    if after.iter().any(|later| later.leaf == entry.prev) {
        return Some((seq, Damage::Order));
    }
    if after.iter().any(|later| later.prev == *expected) {
        return Some((seq, Damage::Inserted));
    }
    let skips_to = std::iter::once(genesis)
        .chain(before.iter().map(|earlier| &earlier.leaf))
        .position(|leaf| *leaf == entry.prev);
    if let Some(position) = skips_to {
        return Some((position as u64, Damage::Inserted));
    }
    let (checkpoint, claims) = from
        .iter()
        .enumerate()
        .find_map(|(index, later)| Some((seq + index as u64, later.claims?)))?;
    Some(match claims.cmp(&checkpoint) {
        std::cmp::Ordering::Greater => (seq, Damage::Missing),
        std::cmp::Ordering::Less => (seq, Damage::Inserted),
        // Nothing was moved. If its follower names it, this frame is whole and the one before is not.
        std::cmp::Ordering::Equal => match after.first() {
            Some(next) if next.prev != entry.leaf => (seq, Damage::Altered),
            Some(_) => (seq.checked_sub(1)?, Damage::Altered),
            // Nothing names the last frame. A checkpoint there says whether all before it is whole.
            None if entry.root == Some(root(before)) => (seq, Damage::Altered),
            None => (seq.checked_sub(1)?, Damage::Altered),
        },
    })
}

fn root(entries: &[Entry]) -> Hash {
    let mut range = CompactRange::default();
    for entry in entries {
        range.push(entry.leaf);
    }
    range.root()
}

fn entries(dir: &Path, key: &PublicKey) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for number in segments(dir)? {
        let bytes = fs::read(dir.join(segment_name(number)))?;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let Ok(frame) = Frame::first(rest) else {
                let Some(next) = next_frame(rest) else { break };
                rest = rest.get(next..).unwrap_or_default();
                continue;
            };
            rest = rest.get(frame.bytes.len()..).unwrap_or_default();
            let note = (frame.kind == Type::Checkpoint)
                .then(|| Note::parse(frame.body))
                .flatten();
            let foreign = note
                .as_ref()
                .is_some_and(|note| note.names_one_origin() && note.origin != key.origin());
            entries.push(Entry {
                leaf: frame.leaf(),
                prev: frame.prev,
                claims: note.as_ref().map(|note| note.size),
                root: note.map(|note| note.root),
                foreign,
            });
        }
    }
    Ok(entries)
}
