//! The rebuildable index: small facts by key, for speed only.
//!
//! Nothing of security value exists only here. An index that can't be opened or read is moved aside
//! and begun anew; whoever owns a tree fills it again from the audit segments. The engine is one
//! file behind [`IndexStore`].

mod sled;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What an engine must do. Keys are ordered as bytes.
pub trait IndexStore: Send + Sync {
    /// # Errors
    /// When the engine can't; the index is then begun anew.
    fn put(&self, tree: &str, key: &[u8], value: &[u8]) -> Result<(), StoreError>;
    /// # Errors
    /// See [`IndexStore::put`].
    fn get(&self, tree: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;
    /// At most `limit` entries whose keys begin with `prefix`, largest key first.
    ///
    /// # Errors
    /// See [`IndexStore::put`].
    fn range_rev(&self, tree: &str, prefix: &[u8], limit: usize) -> Result<Vec<Entry>, StoreError>;
    /// Removes at most `limit` entries with `prefix` whose keys are smaller than `before`; how many.
    ///
    /// # Errors
    /// See [`IndexStore::put`].
    fn remove_older(
        &self,
        tree: &str,
        prefix: &[u8],
        before: &[u8],
        limit: usize,
    ) -> Result<usize, StoreError>;
    /// Asks for what was written to be brought to the disk some time.
    fn flush_async(&self);
}

/// Key and value.
pub type Entry = (Vec<u8>, Vec<u8>);

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the index engine reported an error")]
    Engine(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the index engine panicked")]
    Panicked,
    #[error("a key or value of {bytes} bytes is longer than {limit}")]
    TooLong { bytes: usize, limit: usize },
    #[error("the index directory can't be used")]
    Io(#[from] io::Error),
}

/// Longest key and value: an index holds small facts.
const MAX_BYTES: usize = 64 << 10;
/// Most entries one call returns or removes.
const MAX_ENTRIES: usize = 10_000;
/// How long another's lock may last. Chosen: far longer than a child needs to become its program.
const LOCKED: Duration = Duration::from_secs(2);
/// Damaged indexes that are kept for a look; more would only fill the disk.
const KEPT_BROKEN: u32 = 3;

/// Whether the engine only found its file locked. It has no other sign of it than these words.
fn is_locked(error: &StoreError) -> bool {
    let StoreError::Engine(error) = error else {
        return false;
    };
    error.to_string().contains("could not acquire lock")
}

/// The index as the rest of the program sees it: bounded, and never in the way of starting.
pub struct Index {
    engine: Box<dyn IndexStore>,
    /// Where the damaged predecessor went, if there was one: its trees must be filled again.
    pub rebuilt_from: Option<PathBuf>,
}

impl Index {
    /// Opens the index in `dir`; one that can't be opened is moved to `<dir>.broken-N` first.
    ///
    /// # Errors
    /// Only when an empty index can't be made there either.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        match Self::engine(dir) {
            Ok(engine) => Ok(Self {
                engine: Box::new(engine),
                rebuilt_from: None,
            }),
            Err(error) => {
                let aside = move_aside(dir)?;
                tracing::warn!(%error, "index moved aside and begun anew");
                let engine = Box::new(sled::Sled::open(dir)?);
                Ok(Self {
                    engine,
                    rebuilt_from: Some(aside),
                })
            }
        }
    }

    /// A child that was forked and has not yet become its program holds a copy of a descriptor, and
    /// with it the engine's lock, for a moment after we closed ours: such an index is not damaged.
    fn engine(dir: &Path) -> Result<sled::Sled, StoreError> {
        let until = Instant::now() + LOCKED;
        loop {
            match sled::Sled::open(dir) {
                Err(error) if is_locked(&error) && Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                opened => return opened,
            }
        }
    }

    /// # Errors
    /// [`StoreError::TooLong`], or the engine's.
    pub fn put(&self, tree: &str, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        for bytes in [key.len(), value.len()] {
            if bytes > MAX_BYTES {
                return Err(StoreError::TooLong {
                    bytes,
                    limit: MAX_BYTES,
                });
            }
        }
        self.engine.put(tree, key, value)
    }

    /// # Errors
    /// The engine's.
    pub fn get(&self, tree: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.engine.get(tree, key)
    }

    /// The newest entries under `prefix`: at most `limit`, largest key first.
    ///
    /// # Errors
    /// The engine's.
    pub fn range_rev(
        &self,
        tree: &str,
        prefix: &[u8],
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.engine.range_rev(tree, prefix, limit.min(MAX_ENTRIES))
    }

    /// Removes entries under `prefix` whose keys are smaller than `before`, in bounded bites.
    ///
    /// # Errors
    /// The engine's.
    pub fn remove_older(
        &self,
        tree: &str,
        prefix: &[u8],
        before: &[u8],
    ) -> Result<usize, StoreError> {
        self.engine.remove_older(tree, prefix, before, MAX_ENTRIES)
    }

    pub fn flush_async(&self) {
        self.engine.flush_async();
    }
}

fn move_aside(dir: &Path) -> io::Result<PathBuf> {
    let named = |n: u32| {
        let mut name = dir.as_os_str().to_owned();
        name.push(format!(".broken-{n}"));
        PathBuf::from(name)
    };
    let free = (1..=KEPT_BROKEN).map(named).find(|path| !path.exists());
    let aside = match free {
        Some(path) => path,
        None => {
            fs::remove_dir_all(named(1))?;
            named(1)
        }
    };
    fs::rename(dir, &aside)?;
    Ok(aside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_newest_first_and_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::open(&dir.path().join("index")).unwrap();
        for n in 0..20_u8 {
            index.put("steps", &[b'a', n], &[n]).unwrap();
            index.put("steps", &[b'b', n], &[n]).unwrap();
        }
        let newest: Vec<u8> = index
            .range_rev("steps", b"a", 3)
            .unwrap()
            .into_iter()
            .map(|(key, _)| key[1])
            .collect();
        assert_eq!(newest, [19, 18, 17]);
        assert_eq!(index.remove_older("steps", b"a", &[b'a', 15]).unwrap(), 15);
        assert_eq!(index.range_rev("steps", b"a", 99).unwrap().len(), 5);
        assert_eq!(index.range_rev("steps", b"b", 99).unwrap().len(), 20);
        assert_eq!(index.get("calls", b"a").unwrap(), None);
        let long = vec![0; MAX_BYTES + 1];
        assert!(matches!(
            index.put("steps", b"k", &long),
            Err(StoreError::TooLong { .. })
        ));
    }

    #[test]
    fn a_damaged_index_is_moved_aside_and_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("index");
        let index = Index::open(&path).unwrap();
        index.put("steps", b"k", b"v").unwrap();
        drop(index);
        assert!(
            Index::open(&path).unwrap().rebuilt_from.is_none(),
            "an undamaged one is kept"
        );
        fs::write(path.join("conf"), b"not a configuration of this engine").unwrap();
        let index = Index::open(&path).unwrap();
        assert_eq!(index.rebuilt_from, Some(dir.path().join("index.broken-1")));
        assert_eq!(index.get("steps", b"k").unwrap(), None);
        index.put("steps", b"k", b"again").unwrap();
    }
}
