//! Finds records in the segments, newest first, while the daemon goes on writing.
//!
//! Reads what is there; whether it is what was written is `verify`'s question.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::AuditError;
use super::frame::{Frame, Type};
use super::query::Query;
use super::record::Record;
use super::walk::{frames, segment_name, segments};

/// A record and the place where it lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub segment: u32,
    pub offset: u64,
    pub record: Record,
    /// As it was written, with members that [`Record`] does not know.
    body: Vec<u8>,
}

/// The matches, newest first. Holds the bytes of one segment at a time, and reads a record when it
/// comes to it: most searches end long before the oldest.
pub struct Search {
    dir: PathBuf,
    query: Query,
    segments: Vec<u32>,
    /// The segment that is being read, and where the frames begin that were not looked at yet.
    segment: u32,
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

/// Records that match `query`.
///
/// # Errors
/// [`AuditError::Io`] if the directory can't be listed; the iterator yields it for a segment.
pub fn search(dir: &Path, query: &Query) -> Result<Search, AuditError> {
    let segments = segments(dir).map_err(|source| AuditError::Io {
        what: "list",
        source,
    })?;
    Ok(Search {
        dir: dir.to_owned(),
        query: query.clone(),
        segments,
        segment: 0,
        bytes: Vec::new(),
        starts: Vec::new(),
    })
}

/// The newest record with this call id.
///
/// # Errors
/// [`AuditError::Io`] if a segment can't be read.
pub fn show(dir: &Path, id: &str) -> Result<Option<Found>, AuditError> {
    search(dir, &Query::id(id))?.next().transpose()
}

impl Iterator for Search {
    type Item = Result<Found, AuditError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            while let Some(start) = self.starts.pop() {
                if let Some(found) = self.read(start) {
                    return Some(Ok(found));
                }
            }
            self.segment = self.segments.pop()?;
            // Not two of them at a time.
            self.bytes = Vec::new();
            match fs::read(self.dir.join(segment_name(self.segment))) {
                Ok(bytes) => {
                    self.starts = starts(&bytes);
                    self.bytes = bytes;
                }
                Err(source) => {
                    return Some(Err(AuditError::Io {
                        what: "read a segment",
                        source,
                    }));
                }
            }
        }
    }
}

impl Search {
    /// The record whose frame begins at `start`, if there is one and it matches.
    fn read(&self, start: usize) -> Option<Found> {
        let frame = Frame::first(self.bytes.get(start..)?).ok()?;
        if matches!(frame.kind, Type::Checkpoint | Type::Unknown(_)) {
            return None;
        }
        let record = serde_json::from_slice::<Record>(frame.body).ok()?;
        let matches = self.query.matches(&record, frame.body);
        matches.then(|| Found {
            segment: self.segment,
            offset: start as u64,
            record,
            body: frame.body.to_vec(),
        })
    }
}

impl Found {
    /// The record as it was written, and its place.
    ///
    /// # Errors
    /// [`AuditError::Encode`] when it is not JSON.
    pub fn json(&self) -> Result<Value, AuditError> {
        let mut value: Value = serde_json::from_slice(&self.body)?;
        if let Some(members) = value.as_object_mut() {
            members.insert("segment".into(), self.segment.into());
            members.insert("offset".into(), self.offset.into());
        }
        Ok(value)
    }
}

/// Where the complete frames of a segment begin.
fn starts(bytes: &[u8]) -> Vec<usize> {
    let (mut starts, mut at) = (Vec::new(), 0);
    for frame in frames(bytes).0 {
        starts.push(at);
        at += frame.bytes.len();
    }
    starts
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::audit::{Durability, Ledger, Options};

    #[test]
    fn records_are_found_newest_first_while_the_writer_runs() {
        let dir = tempfile::tempdir().unwrap();
        let options = Options {
            segment_bytes: 2000,
            ..Options::default()
        };
        let ledger = Ledger::open_with(dir.path(), Arc::new(|| 1), options).unwrap();
        for n in 0..30_u64 {
            let server = if n % 2 == 0 { "even" } else { "odd" };
            let record = Record {
                v: 1,
                id: format!("c-{n}"),
                what: "message".to_owned(),
                server: server.to_owned(),
                ..Record::default()
            };
            ledger.append(&record, Durability::Group).unwrap();
        }
        let query = Query::parse("server:even", 0).unwrap();
        let ids: Vec<String> = search(dir.path(), &query)
            .unwrap()
            .map(|found| found.unwrap().record.id)
            .collect();
        assert_eq!(ids.len(), 15);
        assert_eq!((ids[0].as_str(), ids[14].as_str()), ("c-28", "c-0"));
        assert_eq!(
            show(dir.path(), "c-7").unwrap().unwrap().record.server,
            "odd"
        );
        assert_eq!(show(dir.path(), "c-*").unwrap(), None);
        let starts = search(dir.path(), &Query::parse("type:start", 0).unwrap())
            .unwrap()
            .count();
        assert_eq!(starts, 1);
    }

    #[test]
    fn a_record_is_read_when_it_is_come_to_and_a_torn_end_hides_none() {
        use std::io::Write;
        let dir = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(dir.path(), Arc::new(|| 1)).unwrap();
        for n in 0..30_u64 {
            let record = Record {
                id: format!("c-{n}"),
                ..Record::default()
            };
            ledger.append(&record, Durability::Group).unwrap();
        }
        let mut segment = fs::File::options()
            .append(true)
            .open(dir.path().join(segment_name(1)))
            .unwrap();
        segment.write_all(&[90, 0, 0, 0, 1, 2, 3]).unwrap();
        let mut all = search(dir.path(), &Query::default()).unwrap();
        assert_eq!(all.next().unwrap().unwrap().record.id, "c-29");
        // The start, its checkpoint and 29 records.
        assert_eq!(all.starts.len(), 31);
        assert_eq!(all.flatten().count(), 30);
    }

    #[test]
    fn members_of_a_newer_version_are_tolerated() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(dir.path(), Arc::new(|| 1)).unwrap();
        let newer = serde_json::json!({ "v": 2, "id": "n", "type": "message", "novel": [1] });
        ledger.append(&newer, Durability::Group).unwrap();
        let found = show(dir.path(), "n").unwrap().unwrap();
        assert_eq!(found.record.v, 2);
        let told = found.json().unwrap();
        assert_eq!(
            (&told["novel"][0], &told["segment"]),
            (&1.into(), &1.into())
        );
        // What the ledger says of itself is no message, and is told as well.
        let start = search(dir.path(), &Query::parse("type:start", 0).unwrap());
        let start = start.unwrap().next().unwrap().unwrap().json().unwrap();
        assert_eq!(start["torn_bytes"], 0);
        assert_eq!(start["clean"], true);
    }
}
