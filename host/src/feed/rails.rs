//! Rails: a feed that is signed and still looks wrong is held. Source: the feed's threat table, row
//! 28.
//!
//! Whether the entries are any good is tried out with the detectors before a generation goes live.

use clawdefender_trust::{ArtifactEntry, Manifest, Name};
use serde_json::Value;

/// What remains of a list at least, in percent. Source: the threat table, row 28.
const LEAST_PCT: u64 = 80;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Derailed {
    #[error("{kind} {name} is gone, which had {had} entries")]
    Gone { kind: String, name: Name, had: u64 },
    #[error("{kind} {name} lost entries: {has} of {had} are left, at least {LEAST_PCT} % must be")]
    Shrunk {
        kind: String,
        name: Name,
        had: u64,
        has: u64,
    },
    #[error("{kind} {name} says that it has {said} entries, and has {has}")]
    Miscounted {
        kind: String,
        name: Name,
        said: u64,
        has: u64,
    },
    #[error("{kind} {name} says that it has {said} entries, and is nothing that has any")]
    Uncountable { kind: String, name: Name, said: u64 },
}

/// Whether a list has as many entries as its manifest says: all lists of its outermost object
/// together, or what the header of a blocklist shard says.
///
/// # Errors
/// [`Derailed::Miscounted`]; [`Derailed::Uncountable`] for a number of entries of data that has none
/// of these forms.
pub fn count(entry: &ArtifactEntry, bytes: &[u8]) -> Result<(), Derailed> {
    let Some(said) = entry.entries else {
        return Ok(());
    };
    let Some(has) = shard_entries(bytes).or_else(|| json_entries(bytes)) else {
        return Err(Derailed::Uncountable {
            kind: entry.kind.to_string(),
            name: entry.name.clone(),
            said,
        });
    };
    if said == has {
        return Ok(());
    }
    Err(Derailed::Miscounted {
        kind: entry.kind.to_string(),
        name: entry.name.clone(),
        said,
        has,
    })
}

/// Magic, u32 format, u32 bits, u32 entries, little-endian. Source: the format of shards in
/// plugins/supply-chain/src/shard/mod.rs.
fn shard_entries(bytes: &[u8]) -> Option<u64> {
    let header = bytes.strip_prefix(b"CDshard\0")?;
    let entries = header.get(8..12)?.try_into().ok()?;
    Some(u64::from(u32::from_le_bytes(entries)))
}

fn json_entries(bytes: &[u8]) -> Option<u64> {
    let Ok(Value::Object(members)) = serde_json::from_slice::<Value>(bytes) else {
        return None;
    };
    let lists = members.values().filter_map(Value::as_array);
    Some(lists.map(|list| list.len() as u64).sum())
}

/// Whether `new` may follow `old` as far as their numbers of entries say. A list that goes to another
/// detector is gone for the one that had it.
///
/// There is no way around it in the feed itself: whoever can sign a gutted list could sign that,
/// too. A list that is meant to shrink shrinks in steps, or comes with a new release as its seed.
///
/// # Errors
/// The first [`Derailed`] list.
pub fn follow(old: &Manifest, new: &Manifest) -> Result<(), Derailed> {
    for before in &old.artifacts {
        let Some(had) = before.entries.filter(|had| *had > 0) else {
            continue;
        };
        let place =
            |entry: &ArtifactEntry| (entry.kind, entry.name.clone(), entry.detector.clone());
        let same = |after: &&ArtifactEntry| place(after) == place(before);
        let (kind, name) = (before.kind.to_string(), before.name.clone());
        match new.artifacts.iter().find(same) {
            None => return Err(Derailed::Gone { kind, name, had }),
            Some(after) => {
                let has = after.entries.unwrap_or(0);
                if u128::from(has) * 100 < u128::from(had) * u128::from(LEAST_PCT) {
                    return Err(Derailed::Shrunk {
                        kind,
                        name,
                        had,
                        has,
                    });
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clawdefender_trust::{Kind, Sha256Digest};

    fn entry(entries: u64, bytes: &[u8]) -> ArtifactEntry {
        ArtifactEntry {
            kind: Kind::Blocklist,
            name: "packages".parse().unwrap(),
            version: "1".parse().unwrap(),
            abi: None,
            schema: Some(1),
            detector: Some("supply-chain".parse().unwrap()),
            sha256: Sha256Digest::of(bytes),
            length: bytes.len() as u64,
            entries: Some(entries),
            required: true,
            endorsement: None,
            limits: None,
        }
    }

    #[test]
    fn entries_are_counted_or_refused() {
        let counted = |entries, bytes: &[u8]| count(&entry(entries, bytes), bytes);
        assert_eq!(counted(3, br#"{"a":[1,2],"b":[3],"c":4}"#), Ok(()));
        let shard = b"CDshard\0\x02\0\0\0\x20\0\0\0\x07\0\0\0";
        assert_eq!(counted(7, shard), Ok(()));
        let miscounted = counted(4, br#"{"a":[1]}"#);
        assert!(matches!(miscounted, Err(Derailed::Miscounted { .. })));
        for nothing in [&b"weights"[..], b"[1,2,3]", b""] {
            let refused = counted(3, nothing);
            assert!(matches!(refused, Err(Derailed::Uncountable { .. })));
        }
        let silent = ArtifactEntry {
            entries: None,
            ..entry(0, b"")
        };
        assert_eq!(count(&silent, b"weights"), Ok(()));
    }
}
