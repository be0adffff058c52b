//! Finds records in the segments, newest first, while the daemon goes on writing.
//!
//! Reads what is there; whether it is what was written is `verify`'s question.

use std::fs;
use std::path::{Path, PathBuf};

use super::AuditError;
use super::frame::Type;
use super::query::Query;
use super::record::Record;
use super::walk::{frames, segment_name, segments};

/// A record and the place where it lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub segment: u32,
    pub offset: u64,
    pub record: Record,
}

/// The matches, newest first. Holds one segment at a time.
pub struct Search {
    dir: PathBuf,
    query: Query,
    segments: Vec<u32>,
    /// Of the current segment, oldest first.
    found: Vec<Found>,
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
        found: Vec::new(),
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
            if let Some(found) = self.found.pop() {
                return Some(Ok(found));
            }
            let segment = self.segments.pop()?;
            match fs::read(self.dir.join(segment_name(segment))) {
                Ok(bytes) => self.load(segment, &bytes),
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
    fn load(&mut self, segment: u32, bytes: &[u8]) {
        let mut offset = 0;
        for frame in frames(bytes).0 {
            let at = offset;
            offset += frame.bytes.len() as u64;
            if matches!(frame.kind, Type::Checkpoint | Type::Unknown(_)) {
                continue;
            }
            let Ok(record) = serde_json::from_slice::<Record>(frame.body) else {
                continue;
            };
            if self.query.matches(&record, frame.body) {
                self.found.push(Found {
                    segment,
                    offset: at,
                    record,
                });
            }
        }
    }
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
    fn members_of_a_newer_version_are_tolerated() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(dir.path(), Arc::new(|| 1)).unwrap();
        let newer = serde_json::json!({ "v": 2, "id": "n", "type": "message", "novel": [1] });
        ledger.append(&newer, Durability::Group).unwrap();
        assert_eq!(show(dir.path(), "n").unwrap().unwrap().record.v, 2);
    }
}
