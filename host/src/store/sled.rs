//! The engine behind the index: sled, pinned to its frozen stable line.
//!
//! It panics on some damaged files instead of returning an error, so every call runs under
//! `catch_unwind`. Its flush is no fsync: nothing may exist only here.

use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::{Entry, IndexStore, StoreError};

pub struct Sled(sled::Db);

impl Sled {
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        // 16 MiB instead of sled's 1 GiB: the daemon's whole idle budget is 60 MB.
        let open = || {
            sled::Config::new()
                .path(dir)
                .cache_capacity(16 << 20)
                .open()
        };
        guarded(open).map(Self)
    }

    fn with<T>(
        &self,
        tree: &str,
        work: impl FnOnce(sled::Tree) -> sled::Result<T>,
    ) -> Result<T, StoreError> {
        guarded(|| self.0.open_tree(tree).and_then(work))
    }
}

fn guarded<T>(work: impl FnOnce() -> sled::Result<T>) -> Result<T, StoreError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| StoreError::Engine(Box::new(error))),
        Err(_) => Err(StoreError::Panicked),
    }
}

impl IndexStore for Sled {
    fn put(&self, tree: &str, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.with(tree, |tree| tree.insert(key, value).map(drop))
    }

    fn get(&self, tree: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.with(tree, |tree| Ok(tree.get(key)?.map(|value| value.to_vec())))
    }

    fn range_rev(&self, tree: &str, prefix: &[u8], limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.with(tree, |tree| {
            let newest = tree.scan_prefix(prefix).rev().take(limit);
            newest
                .map(|entry| entry.map(|(key, value)| (key.to_vec(), value.to_vec())))
                .collect()
        })
    }

    fn remove_older(
        &self,
        tree: &str,
        prefix: &[u8],
        before: &[u8],
        limit: usize,
    ) -> Result<usize, StoreError> {
        if before <= prefix {
            return Ok(0);
        }
        self.with(tree, |tree| {
            let mut removed = 0;
            let older = (
                Bound::Included(prefix.to_vec()),
                Bound::Excluded(before.to_vec()),
            );
            for key in tree.range(older).keys().take(limit) {
                let key = key?;
                if !key.starts_with(prefix) {
                    break;
                }
                tree.remove(key)?;
                removed += 1;
            }
            Ok(removed)
        })
    }

    fn flush_async(&self) {
        // Dropping the future does not stop the flush; nobody waits for it.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(self.0.flush_async())));
    }
}
