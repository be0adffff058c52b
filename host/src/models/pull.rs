//! Fetching a model: is there room, the download, the record.

use super::{ModelError, Models, record};
use crate::download::{Downloader, Progress, Wanted};
use crate::upstream::Address;
use clawdefender_trust::Model;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

/// What must stay free beside a model, so that the log can still be written. Chosen: one segment.
const SPARE_BYTES: u64 = 64 << 20;

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
        let mut kept = self.list()?;
        let old = kept.iter().find(|old| old.name == model.name).cloned();
        let here = self.check(model, |_| ());
        let whole = here.is_ok();
        if whole && old.as_ref() == Some(model) {
            return Ok(false);
        }
        progress.total.store(model.length, Ordering::Relaxed);
        if !whole {
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
        kept.retain(|kept| kept.name != model.name);
        kept.push(model.clone());
        kept.sort_by(|a, b| a.name.cmp(&b.name));
        record::write(&self.dir, &kept)?;
        if let Some(old) = old {
            self.discard(&old, &kept)?;
        }
        Ok(!whole)
    }

    fn make_sure_of_room(&self, model: &Model) -> Result<(), ModelError> {
        let mut part = self.path(model).into_os_string();
        part.push(".part");
        let here = std::fs::symlink_metadata(PathBuf::from(part)).map_or(0, |part| part.len());
        let needed = model.length.saturating_sub(here);
        let disk = rustix::fs::statvfs(&self.dir).map_err(|error| ModelError::Disk {
            path: self.dir.clone(),
            source: error.into(),
        })?;
        self.room(needed, disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    pub(super) fn room(&self, needed: u64, free: u64) -> Result<(), ModelError> {
        if free < needed.saturating_add(SPARE_BYTES) {
            let dir = self.dir.clone();
            return Err(ModelError::Full { needed, free, dir });
        }
        Ok(())
    }
}
