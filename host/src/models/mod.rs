//! Models: files that a person fetched by name, and whether they are still what they were.
//!
//! Kept by digest, in a folder of this user; names are labels and never a path. A model is checked
//! when it is fetched and again for each program that is to open it (`model path`). The detectors' own
//! models are artifacts of the feed and are verified with it, at each start.

mod pull;
mod record;

use crate::download::DownloadError;
use crate::upstream::UpstreamError;
use clawdefender_trust::{Model, Name, Sha256Digest};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("no model called `{0}` was fetched")]
    Unknown(Name),
    #[error("model {name} is altered: {path} has SHA-256 {found}, expected is {expected}")]
    Altered {
        name: Name,
        path: PathBuf,
        expected: Sha256Digest,
        found: Sha256Digest,
    },
    #[error("model {name} is altered: {path} is {found} bytes long, expected are {expected}")]
    Length {
        name: Name,
        path: PathBuf,
        expected: u64,
        found: u64,
    },
    #[error("the bytes offered as model {name} have SHA-256 {found}, expected is {expected}")]
    Others {
        name: Name,
        expected: Sha256Digest,
        found: Sha256Digest,
    },
    #[error("model {name} is gone: there is no {path}")]
    Gone { name: Name, path: PathBuf },
    #[error("{0} is not a plain file of this user with one name")]
    Planted(PathBuf),
    #[error("{needed} bytes more are needed and {free} are free on the disk of {dir}")]
    Full {
        needed: u64,
        free: u64,
        dir: PathBuf,
    },
    #[error("another process is fetching or removing a model")]
    Busy,
    #[error("{path} is damaged: {cause}")]
    Record { path: PathBuf, cause: String },
    #[error(transparent)]
    Address(#[from] UpstreamError),
    #[error(transparent)]
    Download(#[from] DownloadError),
    #[error("{path}: {source}")]
    Disk {
        path: PathBuf,
        source: std::io::Error,
    },
}

impl ModelError {
    /// The file is there and not what was fetched, or not there any more.
    #[must_use]
    pub const fn is_altered(&self) -> bool {
        matches!(
            self,
            Self::Altered { .. } | Self::Length { .. } | Self::Gone { .. } | Self::Planted(_)
        )
    }
}

/// The models that were fetched.
pub struct Models {
    dir: PathBuf,
}

impl Models {
    /// Those in `dir`, which need not exist.
    #[must_use]
    pub fn at(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// What was fetched, by name. Not whether it is still the same.
    ///
    /// # Errors
    /// [`ModelError::Record`], [`ModelError::Disk`].
    pub fn list(&self) -> Result<Vec<Model>, ModelError> {
        record::read(&self.dir)
    }

    /// Whether a model is still what was fetched: for whoever is about to open it.
    ///
    /// # Errors
    /// [`ModelError::Unknown`]; [`ModelError::Altered`] and its kin when it is not.
    pub fn verify(&self, name: &Name) -> Result<Model, ModelError> {
        let model = self.find(name)?;
        self.check(&model)?;
        Ok(model)
    }

    /// Forgets a model and deletes its file, altered or not.
    ///
    /// # Errors
    /// [`ModelError::Unknown`], [`ModelError::Busy`], [`ModelError::Disk`].
    pub fn remove(&self, name: &Name) -> Result<Model, ModelError> {
        // Before the folder is made for its lock: nothing was fetched into one that is missing.
        self.find(name)?;
        let _lock = self.lock()?;
        let model = self.find(name)?;
        let mut kept = self.list()?;
        kept.retain(|kept| kept.name != *name);
        record::write(&self.dir, &kept)?;
        self.discard(&model, &kept)?;
        Ok(model)
    }

    /// Deletes the file of `old`, unless another name in `kept` has the same bytes.
    fn discard(&self, old: &Model, kept: &[Model]) -> Result<(), ModelError> {
        if kept.iter().any(|kept| kept.sha256 == old.sha256) {
            return Ok(());
        }
        let path = self.path(old);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != ErrorKind::NotFound => {
                Err(ModelError::Disk { path, source })
            }
            _ => Ok(()),
        }
    }

    fn find(&self, name: &Name) -> Result<Model, ModelError> {
        let unknown = || ModelError::Unknown(name.clone());
        let mut kept = self.list()?.into_iter();
        kept.find(|model| model.name == *name).ok_or_else(unknown)
    }

    /// Where a model's bytes are.
    #[must_use]
    pub fn path(&self, model: &Model) -> PathBuf {
        self.dir.join(model.sha256.to_string())
    }

    /// Whether every byte is the right one.
    fn check(&self, model: &Model) -> Result<(), ModelError> {
        let (name, path) = (model.name.clone(), self.path(model));
        let disk = |source| ModelError::Disk {
            path: path.clone(),
            source,
        };
        let file = match open_own(&path) {
            Err(ModelError::Disk { source, .. }) if source.kind() == ErrorKind::NotFound => {
                return Err(ModelError::Gone { name, path });
            }
            opened => opened?,
        };
        let found = file.metadata().map_err(disk)?.len();
        if found != model.length {
            let expected = model.length;
            return Err(ModelError::Length {
                name,
                path,
                expected,
                found,
            });
        }
        // One byte more than there should be: a file that grows meanwhile is another file.
        let mut file = file.take(model.length + 1);
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 256 << 10];
        loop {
            let read = file.read(&mut buffer).map_err(disk)?;
            let Some(read) = buffer.get(..read).filter(|read| !read.is_empty()) else {
                break;
            };
            hash.update(read);
        }
        let found = Sha256Digest::from_bytes(hash.finalize().into());
        if found != model.sha256 {
            let expected = model.sha256;
            return Err(ModelError::Altered {
                name,
                path,
                expected,
                found,
            });
        }
        Ok(())
    }

    /// Makes the folder when it is missing, for nobody but its owner, and keeps others from changing
    /// it as long as the value lives.
    fn lock(&self) -> Result<Lock, ModelError> {
        let disk = |source| ModelError::Disk {
            path: self.dir.clone(),
            source,
        };
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(&self.dir).map_err(disk)?;
        let folder = File::open(&self.dir).map_err(disk)?;
        match rustix::fs::flock(
            &folder,
            rustix::fs::FlockOperation::NonBlockingLockExclusive,
        ) {
            Ok(()) => Ok(Lock(folder)),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(ModelError::Busy),
            Err(error) => Err(disk(error.into())),
        }
    }
}

/// The folder, locked. Said aloud at its end: a child that was forked and has not yet become its
/// program holds a copy of the descriptor, and closing ours would leave it locked as long.
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = rustix::fs::flock(&self.0, rustix::fs::FlockOperation::Unlock);
    }
}

/// Opens a file that can't be anything but a file of ours: no link leads elsewhere, nobody else owns
/// it or has a second name for it.
fn open_own(path: &Path) -> Result<File, ModelError> {
    let disk = |source| ModelError::Disk {
        path: path.to_owned(),
        source,
    };
    // A pipe is not waited for.
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let opened = File::options()
        .read(true)
        .custom_flags(i32::try_from(flags.bits()).unwrap_or(0))
        .open(path)
        .map_err(|source| {
            if source.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
                ModelError::Planted(path.to_owned())
            } else {
                disk(source)
            }
        })?;
    let facts = opened.metadata().map_err(disk)?;
    let own = facts.uid() == rustix::process::geteuid().as_raw();
    if facts.is_file() && facts.nlink() == 1 && own {
        Ok(opened)
    } else {
        Err(ModelError::Planted(path.to_owned()))
    }
}

#[cfg(test)]
mod tests;
