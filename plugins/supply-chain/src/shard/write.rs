//! Making a shard. Only what can match is published: an entry with a defect is an error here.

use std::collections::BTreeMap;

use super::bytes::put_number;
use super::{
    CHECKSUM_AT, EVERY_VERSION, FIRST_YEAR, FORMAT, GENERAL, GHSA, GHSA_DIGITS, HEADER, ISSUERS,
    MAGIC, MAX_BITS, MAX_FURTHER_IDS, ONLY_VERSIONS, TAIL, bucket, checksum, key,
};
use crate::advisory::{Artifact, Entry};
use crate::package::Ecosystem;
use crate::version::Range;

/// Why an artifact is not published.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unpublishable {
    #[error("entry {id} about {name}: {defect}")]
    Entry {
        id: String,
        name: String,
        defect: &'static str,
    },
    #[error("the name {name} of {ecosystem} is none that a registry would accept")]
    Name { ecosystem: String, name: String },
    #[error("{name} has the key of another package: one of them has to go")]
    Collision { name: String },
    #[error("it is too large: more than 4 GiB of records")]
    TooLarge,
}

/// Whose key it is, and the advisories about it.
type Package = ((Ecosystem, String), Vec<Vec<u8>>);

/// Compiles an artifact; the same entries in any order give the same bytes.
///
/// # Errors
/// [`Unpublishable`] for the first entry with a defect. Withdrawn entries are left out.
pub fn compile(artifact: &Artifact) -> Result<Vec<u8>, Unpublishable> {
    // Sorted by key, then by the bytes of the advisory: the order of the source does not matter.
    let mut packages: BTreeMap<(u16, [u8; TAIL]), Package> = BTreeMap::new();
    let mut entries = 0_u32;
    for entry in artifact.entries.iter().filter(|e| e.withdrawn.is_none()) {
        let refuse = |defect| Unpublishable::Entry {
            id: entry.id.clone(),
            name: entry.name.clone(),
            defect,
        };
        if let Some(defect) = entry.defect() {
            return Err(refuse(defect));
        }
        let Some(ecosystem) = Ecosystem::parse(&entry.ecosystem) else {
            return Err(refuse("unknown ecosystem"));
        };
        let name = (ecosystem, ecosystem.normalise(&entry.name));
        let (owner, known) = packages
            .entry(key(ecosystem, &entry.name))
            .or_insert_with(|| (name.clone(), Vec::new()));
        if *owner != name {
            let name = entry.name.clone();
            return Err(Unpublishable::Collision { name });
        }
        known.push(advisory(entry));
        entries = entries.checked_add(1).ok_or(Unpublishable::TooLarge)?;
    }
    // Chosen: at most sixteen packages to a bucket.
    let bits = (packages.len() / 16)
        .next_power_of_two()
        .ilog2()
        .min(MAX_BITS);
    let mut index = Vec::new();
    let mut records = Vec::new();
    for ((number, tail), (_, mut known)) in packages {
        while index.len() <= bucket(number, bits) {
            index.push(records.len());
        }
        known.sort();
        known.dedup();
        let known = known.concat();
        records.extend(tail);
        put_number(&mut records, length(known.len())?);
        records.extend(known);
    }
    while index.len() <= 1 << bits {
        index.push(records.len());
    }

    let mut lists = Vec::new();
    for (list, named) in [(0, &artifact.well_known), (1, &artifact.neighbours)] {
        let count = names(&mut lists, list, named)?;
        entries = entries.checked_add(count).ok_or(Unpublishable::TooLarge)?;
    }
    let mut out = Vec::with_capacity(HEADER + index.len() * 4 + records.len());
    out.extend(MAGIC);
    for word in [FORMAT, bits, entries, length(records.len())?] {
        out.extend(word.to_le_bytes());
    }
    out.extend([0; 8]);
    for offset in index {
        out.extend(length(offset)?.to_le_bytes());
    }
    out.extend(records);
    out.extend(lists);
    let sum = checksum(&out).to_le_bytes();
    for (to, from) in out.iter_mut().skip(CHECKSUM_AT).zip(sum) {
        *to = from;
    }
    Ok(out)
}

/// Appends one kind of lists, and says how many names they have.
fn names(
    out: &mut Vec<u8>,
    list: u8,
    names: &BTreeMap<String, Vec<String>>,
) -> Result<u32, Unpublishable> {
    let mut count = 0;
    for (id, names) in names {
        let refuse = |name: &str| Unpublishable::Name {
            ecosystem: id.clone(),
            name: name.to_owned(),
        };
        let ecosystem = Ecosystem::parse(id).ok_or_else(|| refuse("(all)"))?;
        let mut sorted: Vec<String> = Vec::new();
        for name in names {
            if !ecosystem.is_legal(name) {
                return Err(refuse(name));
            }
            sorted.push(ecosystem.normalise(name));
        }
        sorted.sort();
        sorted.dedup();
        out.push(list);
        text(out, ecosystem.id());
        put_number(out, length(sorted.len())?);
        count += length(sorted.len())?;
        for name in &sorted {
            text(out, name);
        }
    }
    Ok(count)
}

fn advisory(entry: &Entry) -> Vec<u8> {
    let affected = entry.affected();
    let shape = if affected.is_every_version() {
        EVERY_VERSION
    } else if affected.ranges.is_empty() && affected.expression.is_none() {
        ONLY_VERSIONS
    } else {
        GENERAL
    };
    let mut ids: Vec<&str> = vec![&entry.id];
    for alias in &entry.aliases {
        if ids.len() <= MAX_FURTHER_IDS && !ids.contains(&alias.as_str()) {
            ids.push(alias);
        }
    }
    let further = u8::try_from(ids.len() - 1).unwrap_or(0);
    let mut out = vec![entry.kind as u8 | (entry.severity as u8) << 2 | shape << 4 | further << 6];
    for text in ids {
        id(&mut out, text);
    }
    match shape {
        GENERAL => ranges(&mut out, &affected.ranges),
        EVERY_VERSION => return out,
        _ => {}
    }
    put_number(&mut out, saturated(affected.versions.len()));
    for version in &affected.versions {
        text(&mut out, version);
    }
    if shape == GENERAL {
        text(&mut out, affected.expression.as_deref().unwrap_or_default());
    }
    out
}

fn ranges(out: &mut Vec<u8>, ranges: &[Range]) {
    put_number(out, saturated(ranges.len()));
    for range in ranges {
        text(out, &range.introduced);
        match (&range.fixed, &range.last_affected) {
            (Some(fixed), _) => {
                out.push(1);
                text(out, fixed);
            }
            (None, Some(last)) => {
                out.push(2);
                text(out, last);
            }
            (None, None) => out.push(0),
        }
    }
}

fn id(out: &mut Vec<u8>, whole: &str) {
    if let Some(digits) = ghsa(whole) {
        out.push(GHSA);
        out.extend(digits);
        return;
    }
    match short_id(whole) {
        Some((byte, number)) => {
            out.push(byte);
            put_number(out, number);
        }
        None => {
            out.push(0);
            text(out, whole);
        }
    }
}

/// The twelve digits of `GHSA-xxxx-xxxx-xxxx`.
fn ghsa(whole: &str) -> Option<[u8; 7]> {
    let groups: Vec<&str> = whole.strip_prefix("GHSA-")?.split('-').collect();
    if groups.len() != 3 || groups.iter().any(|group| group.len() != 4) {
        return None;
    }
    let mut value = 0_u64;
    for byte in groups.concat().bytes().rev() {
        let digit = GHSA_DIGITS.iter().position(|known| *known == byte)?;
        value = value * 20 + u64::try_from(digit).ok()?;
    }
    let [bytes @ .., _] = value.to_le_bytes();
    Some(bytes)
}

/// `MAL-2025-47` as issuer and year in one byte, and 47; `None` when that would not come back
/// letter by letter.
fn short_id(whole: &str) -> Option<(u8, u32)> {
    let mut parts = whole.split('-');
    let (issuer, year, number) = (parts.next()?, parts.next()?, parts.next()?);
    let at = ISSUERS.iter().position(|(name, _)| *name == issuer)?;
    let (_, digits) = ISSUERS.get(at)?;
    let years = year.parse::<u32>().ok()?.checked_sub(FIRST_YEAR)?;
    let value: u32 = number.parse().ok()?;
    let same = format!("{issuer}-{}-{value:0digits$}", FIRST_YEAR + years) == whole;
    let byte = u8::try_from((at + 1) | (usize::try_from(years).ok()? << 3)).ok()?;
    same.then_some((byte, value))
}

fn text(out: &mut Vec<u8>, text: &str) {
    put_number(out, saturated(text.len()));
    out.extend(text.as_bytes());
}

/// Texts and counts of one entry come out of a file that was read whole; they never get near 2^32.
fn saturated(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn length(length: usize) -> Result<u32, Unpublishable> {
    u32::try_from(length).map_err(|_| Unpublishable::TooLarge)
}
