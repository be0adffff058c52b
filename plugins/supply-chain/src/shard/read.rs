//! Asking a shard. What can't be read is answered "possible": a hole would read as "clean".

use super::bytes::Bytes;
use super::{
    EVERY_VERSION, FIRST_YEAR, FORMAT, GENERAL, GHSA, GHSA_DIGITS, HEADER, ISSUERS, MAGIC,
    MAX_BITS, ONLY_VERSIONS, TAIL, bucket, checksum, key,
};
use crate::advisory::{Kind, Level};
use crate::package::Ecosystem;
use crate::version::{Affected, Range};

/// A blocklist whose header and checksum hold.
#[derive(Debug)]
pub struct Shard {
    bytes: Vec<u8>,
    pub(super) bits: u32,
    /// Where the records start and end.
    records: (usize, usize),
    entries: u32,
}

/// Why bytes are no shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    #[error("it is no shard: it does not start with the magic")]
    Magic,
    #[error("it has format {0}, and only format {FORMAT} is understood")]
    Format(u32),
    #[error("its length is not what its header says")]
    Length,
    #[error("its checksum does not match: it is damaged")]
    Checksum,
    #[error("its index or its list of names is malformed")]
    Malformed,
}

/// What a list of names is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Worth imitating.
    WellKnown,
    /// Close to a well-known one, and honest.
    Neighbours,
}

/// One advisory about the package that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Empty only when the record could not be read.
    pub ids: Vec<String>,
    pub kind: Kind,
    pub level: Level,
    pub affected: Affected,
}

impl Shard {
    /// Checks `bytes` and keeps them.
    ///
    /// # Errors
    /// [`ShardError`] for anything but the exact bytes that a publisher wrote.
    pub fn open(bytes: Vec<u8>) -> Result<Self, ShardError> {
        let mut header = Bytes(&bytes);
        if header.take(MAGIC.len()) != Some(&MAGIC) {
            return Err(ShardError::Magic);
        }
        let format = header.u32().ok_or(ShardError::Length)?;
        if format != FORMAT {
            return Err(ShardError::Format(format));
        }
        let bits = header.u32().ok_or(ShardError::Length)?;
        let entries = header.u32().ok_or(ShardError::Length)?;
        let length = header.u32().ok_or(ShardError::Length)?;
        let sum = header.u64().ok_or(ShardError::Length)?;
        if bits > MAX_BITS {
            return Err(ShardError::Malformed);
        }
        if sum != checksum(&bytes) {
            return Err(ShardError::Checksum);
        }
        let start = HEADER + ((1_usize << bits) + 1) * 4;
        let end = usize::try_from(length)
            .ok()
            .and_then(|length| start.checked_add(length))
            .filter(|end| *end <= bytes.len())
            .ok_or(ShardError::Length)?;
        let shard = Self {
            bytes,
            bits,
            records: (start, end),
            entries,
        };
        let whole = shard.offset(0) == Some(0) && shard.offset(1 << bits) == Some(length);
        let ordered = (0..1_usize << bits).all(|at| shard.offset(at) <= shard.offset(at + 1));
        if whole && ordered && shard.lists().is_some() {
            Ok(shard)
        } else {
            Err(ShardError::Malformed)
        }
    }

    /// How many advisories and names its publisher counted.
    pub fn entries(&self) -> u32 {
        self.entries
    }

    /// All lists of names, flat.
    pub fn names(&self) -> Vec<(Names, Ecosystem, &str)> {
        self.lists().unwrap_or_default()
    }

    /// Everything that is known about a package, whatever its version.
    pub fn look_up(&self, ecosystem: Ecosystem, name: &str) -> Vec<Known> {
        let (number, tail) = key(ecosystem, name);
        match self.record(bucket(number, self.bits), tail) {
            Ok(None) => Vec::new(),
            Ok(Some(record)) => advisories(record).unwrap_or_else(|| vec![Known::unreadable()]),
            Err(()) => vec![Known::unreadable()],
        }
    }

    /// The advisories of the package with this tail.
    fn record(&self, bucket: usize, tail: [u8; TAIL]) -> Result<Option<Bytes<'_>>, ()> {
        let mut left = self.bucket(bucket).ok_or(())?;
        while !left.is_empty() {
            let found = left.take(TAIL).ok_or(())?;
            let length = left.count().ok_or(())?;
            let record = left.take(length).ok_or(())?;
            if found == tail {
                return Ok(Some(Bytes(record)));
            }
        }
        Ok(None)
    }

    fn bucket(&self, at: usize) -> Option<Bytes<'_>> {
        let place = |at| usize::try_from(self.offset(at)?).ok();
        let records = self.bytes.get(self.records.0..self.records.1)?;
        Some(Bytes(records.get(place(at)?..place(at + 1)?)?))
    }

    fn offset(&self, at: usize) -> Option<u32> {
        Bytes(self.bytes.get(HEADER + at * 4..self.records.0)?).u32()
    }

    fn lists(&self) -> Option<Vec<(Names, Ecosystem, &str)>> {
        let mut left = Bytes(self.bytes.get(self.records.1..)?);
        let mut names = Vec::new();
        while !left.is_empty() {
            let list = match left.byte()? {
                0 => Names::WellKnown,
                1 => Names::Neighbours,
                _ => return None,
            };
            let ecosystem = Ecosystem::parse(left.text()?)?;
            for _ in 0..left.count()? {
                names.push((list, ecosystem, left.text()?));
            }
        }
        Some(names)
    }
}

impl Known {
    /// Stands for a record that can't be read: nothing is excluded.
    pub(super) fn unreadable() -> Self {
        Self {
            ids: Vec::new(),
            kind: Kind::Compromised,
            level: Level::Medium,
            affected: Affected::default(),
        }
    }
}

fn advisories(mut record: Bytes<'_>) -> Option<Vec<Known>> {
    let mut found = Vec::new();
    while !record.is_empty() {
        found.push(advisory(&mut record)?);
    }
    (!found.is_empty()).then_some(found)
}

fn advisory(from: &mut Bytes<'_>) -> Option<Known> {
    let flags = from.byte()?;
    let kind = match flags & 3 {
        0 => Kind::Vulnerable,
        1 => Kind::Compromised,
        2 => Kind::Malicious,
        _ => return None,
    };
    let level = match flags >> 2 & 3 {
        0 => Level::Low,
        1 => Level::Medium,
        2 => Level::High,
        _ => Level::Critical,
    };
    let ids: Option<Vec<String>> = (0..=flags >> 6).map(|_| id(from)).collect();
    let ids = ids?;
    let affected = match flags >> 4 & 3 {
        GENERAL => affected(from)?,
        EVERY_VERSION => Affected::every_version(),
        ONLY_VERSIONS => Affected {
            versions: texts(from)?,
            ..Affected::default()
        },
        _ => return None,
    };
    Some(Known {
        ids,
        kind,
        level,
        affected,
    })
}

fn id(from: &mut Bytes<'_>) -> Option<String> {
    let byte = from.byte()?;
    if byte == 0 {
        return from.text().map(str::to_owned);
    }
    if byte == GHSA {
        return ghsa(from);
    }
    let (issuer, digits) = ISSUERS.get(usize::from(byte & 7).checked_sub(1)?)?;
    let year = FIRST_YEAR + u32::from(byte >> 3);
    let number = from.number()?;
    Some(format!("{issuer}-{year}-{number:0digits$}"))
}

fn ghsa(from: &mut Bytes<'_>) -> Option<String> {
    let mut value = [0; 8];
    for (to, byte) in value.iter_mut().zip(from.take(7)?) {
        *to = *byte;
    }
    let mut value = u64::from_le_bytes(value);
    let mut text = "GHSA".to_owned();
    for place in 0..12 {
        if place % 4 == 0 {
            text.push('-');
        }
        let digit = usize::try_from(value % 20).ok()?;
        text.push(char::from(*GHSA_DIGITS.get(digit)?));
        value /= 20;
    }
    (value == 0).then_some(text)
}

fn texts(from: &mut Bytes<'_>) -> Option<Vec<String>> {
    let count = from.count()?;
    (0..count).map(|_| from.text().map(str::to_owned)).collect()
}

fn affected(from: &mut Bytes<'_>) -> Option<Affected> {
    let mut affected = Affected::default();
    for _ in 0..from.count()? {
        let introduced = from.text()?.to_owned();
        let (fixed, last_affected) = match from.byte()? {
            0 => (None, None),
            1 => (Some(from.text()?.to_owned()), None),
            2 => (None, Some(from.text()?.to_owned())),
            _ => return None,
        };
        affected.ranges.push(Range {
            introduced,
            fixed,
            last_affected,
        });
    }
    affected.versions = texts(from)?;
    let expression = from.text()?;
    affected.expression = (!expression.is_empty()).then(|| expression.to_owned());
    Some(affected)
}
