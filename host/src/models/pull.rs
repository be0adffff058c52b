//! Fetching a model: is there room, the download or the bytes at hand, the record.

use super::{ModelError, Models, record};
use crate::download::{Downloader, Progress, Wanted, free_bytes, leaves_room};
use crate::upstream::Address;
use clawdefender_trust::{Model, Sha256Digest};
use std::path::PathBuf;
use std::sync::atomic::Ordering;

impl Models {
    /// Fetches a model, going on where an earlier attempt stopped. A model of the same name is
    /// replaced when the new one is whole. Returns whether anything was fetched.
    ///
    /// # Errors
    /// [`ModelError`]; what was there before is there still.
    pub async fn pull(
        &self,
        model: &Model,
        downloader: &Downloader,
        progress: &Progress,
    ) -> Result<bool, ModelError> {
        let address = Address::parse(&model.url)?;
        let _lock = self.lock()?;
        let missing = self.check(model).is_err();
        if missing {
            progress.total.store(model.length, Ordering::Relaxed);
            // Altered: the download renames a new file over it.
            self.make_sure_of_room(model)?;
            let wanted = Wanted {
                length: model.length,
                sha256: &model.sha256,
            };
            downloader
                .file(&address, wanted, &self.path(model), progress)
                .await?;
        }
        self.note(model)?;
        Ok(missing)
    }

    /// The same for a model whose bytes are at hand. Returns whether they had to be written.
    ///
    /// # Errors
    /// As [`Models::pull`]; [`ModelError::Others`] when they are not the listed ones.
    pub fn keep(&self, model: &Model, bytes: &[u8]) -> Result<bool, ModelError> {
        let found = Sha256Digest::of(bytes);
        if found != model.sha256 || bytes.len() as u64 != model.length {
            let (name, expected) = (model.name.clone(), model.sha256);
            return Err(ModelError::Others {
                name,
                expected,
                found,
            });
        }
        let _lock = self.lock()?;
        let missing = self.check(model).is_err();
        if missing {
            self.make_sure_of_room(model)?;
            record::replace(&self.dir, &self.path(model), bytes)?;
        }
        self.note(model)?;
        Ok(missing)
    }

    /// Writes down that the file of `model` is whole, and lets go of what had its name before.
    fn note(&self, model: &Model) -> Result<(), ModelError> {
        let mut kept = self.list()?;
        let old = kept.iter().find(|old| old.name == model.name).cloned();
        if old.as_ref() == Some(model) {
            return Ok(());
        }
        kept.retain(|kept| kept.name != model.name);
        kept.push(model.clone());
        kept.sort_by(|a, b| a.name.cmp(&b.name));
        record::write(&self.dir, &kept)?;
        match old {
            Some(old) => self.discard(&old, &kept),
            None => Ok(()),
        }
    }

    fn make_sure_of_room(&self, model: &Model) -> Result<(), ModelError> {
        let mut part = self.path(model).into_os_string();
        part.push(".part");
        let here = std::fs::symlink_metadata(PathBuf::from(part)).map_or(0, |part| part.len());
        let needed = model.length.saturating_sub(here);
        let free = free_bytes(&self.dir).map_err(|source| ModelError::Disk {
            path: self.dir.clone(),
            source,
        })?;
        self.room(needed, free)
    }

    pub(super) fn room(&self, needed: u64, free: u64) -> Result<(), ModelError> {
        if !leaves_room(free, needed) {
            let dir = self.dir.clone();
            return Err(ModelError::Full { needed, free, dir });
        }
        Ok(())
    }
}
