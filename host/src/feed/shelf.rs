//! One feed's place on the disk: the packs, how far we have come, and the rotations that led here.
//!
//! The state names packs by digest, so a pack counts only when the state speaks of it, and reading
//! changes nothing. `store` can be cut at any step: until the new state is whole the old generation
//! loads, and from then on the new one does, from wherever its pack lies.

use super::source::MAX_PACK_BYTES;
use crate::download::{free_bytes, leaves_room};
use clawdefender_trust::{Floor, MAX_ENVELOPE_BYTES, Name, Root, Sha256Digest};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const MAX_STATE_BYTES: u64 = 1 << 20;

const STATE: &str = "state.json";
const CURRENT: &str = "current.feedpack";
const STAGED: &str = "staged.feedpack";
const PREVIOUS: &str = "previous.feedpack";

/// What outlives a generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    /// Of the official feed only its epoch counts, and its next key should links be lost: the keys
    /// are followed from those compiled in.
    pub root: Root,
    /// The epoch of the program's own keys when this was written: of the official feed, where the way
    /// to `root` began.
    #[serde(default)]
    pub anchor: u64,
    /// The running epoch, if it began without the old key's agreement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency: Option<u64>,
    pub floor: Floor,
    /// The newest pack.
    pub pack: Sha256Digest,
    /// The pack that was live before it; `None` when that was the seed, or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Sha256Digest>,
    /// A person went back from the newest generation to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<Back>,
    /// Where it is fetched from on its own, for a third party's feed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// What is live instead of the newest generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Back {
    /// The kept pack with this digest.
    Pack(Sha256Digest),
    /// What is inside the program.
    Seed,
}

impl State {
    /// The pack that is live; `None` when it is the seed.
    pub(super) fn live(&self) -> Option<Sha256Digest> {
        match &self.back {
            None => Some(self.pack),
            Some(Back::Pack(digest)) => Some(*digest),
            Some(Back::Seed) => None,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    #[error("{path}: {source}")]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{0} is not the expected JSON")]
    State(PathBuf),
    #[error("the pack that {0} speaks of is missing")]
    Incomplete(PathBuf),
    #[error("{0} is missing although there was a feed")]
    Lost(PathBuf),
    #[error("{0} is larger than it can be")]
    TooLarge(PathBuf),
    #[error("{0} is no folder")]
    Planted(PathBuf),
    #[error("{needed} bytes more are needed and {free} are free on the disk of {dir}")]
    Full {
        needed: u64,
        free: u64,
        dir: PathBuf,
    },
    #[error("{0} is no file")]
    NoFile(PathBuf),
}

pub(super) struct Shelf {
    dir: PathBuf,
}

impl Shelf {
    pub(super) fn of(feeds: &Path, name: &Name) -> Self {
        Self {
            dir: feeds.join(name.as_str()),
        }
    }

    /// The feeds that have a place.
    pub(super) fn list(feeds: &Path) -> Vec<Name> {
        let Ok(entries) = fs::read_dir(feeds) else {
            return Vec::new();
        };
        let mut names: Vec<Name> = entries
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .collect();
        names.sort();
        names
    }

    /// The state; `None` when nothing was ever stored.
    pub(super) fn state(&self) -> Result<Option<State>, ShelfError> {
        let path = self.file(STATE);
        let Some(bytes) = read(&path, MAX_STATE_BYTES)? else {
            let traces = [CURRENT, PREVIOUS, STAGED, "rotations"];
            if traces.iter().any(|name| self.file(name).exists()) {
                return Err(ShelfError::Lost(path));
            }
            return Ok(None);
        };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|_| ShelfError::State(path))
    }

    /// The kept pack with this digest.
    pub(super) fn pack(&self, digest: &Sha256Digest) -> Result<Vec<u8>, ShelfError> {
        // Twice: the daemon may just be moving it from one name to another.
        for _ in 0..2 {
            for name in [CURRENT, STAGED, PREVIOUS] {
                let pack = read(&self.file(name), MAX_PACK_BYTES)?;
                if let Some(pack) = pack.filter(|pack| Sha256Digest::of(pack) == *digest) {
                    return Ok(pack);
                }
            }
        }
        Err(ShelfError::Incomplete(self.file(STATE)))
    }

    /// What lies where the newest pack should be, for when the state is lost.
    pub(super) fn found(&self) -> Option<Vec<u8>> {
        read(&self.file(CURRENT), MAX_PACK_BYTES).ok().flatten()
    }

    /// The first manifest of a key epoch, if it was kept.
    pub(super) fn link(&self, epoch: u64) -> Option<Vec<u8>> {
        let path = self
            .dir
            .join("rotations")
            .join(format!("{epoch}.dsse.json"));
        read(&path, MAX_ENVELOPE_BYTES as u64).ok().flatten()
    }

    /// Keeps the first manifest of a key epoch: it proves the epoch's keys at every start.
    pub(super) fn keep_link(&self, epoch: u64, envelope: &[u8]) -> Result<(), ShelfError> {
        let folder = self.dir.join("rotations");
        self.make(&folder)?;
        self.write(&format!("rotations/{epoch}.dsse.json"), envelope)?;
        // The name is in that folder, and not in the one above.
        fs::File::open(&folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|source| ShelfError::Io {
                path: folder,
                source,
            })
    }

    /// Changes what the state says and nothing else.
    pub(super) fn note(&self, state: &State) -> Result<(), ShelfError> {
        let path = self.file(STATE);
        let json = serde_json::to_vec_pretty(state).map_err(|_| ShelfError::State(path.clone()))?;
        // What could not be read back would be no floor.
        if json.len() as u64 > MAX_STATE_BYTES {
            return Err(ShelfError::TooLarge(path));
        }
        self.put(STATE, &json)?;
        // It counts from here on. Should this fail and the power go, the state before comes back,
        // which is whole as well.
        if let Err(error) = self.sync() {
            tracing::warn!(%error, "a feed's state may not outlive a power cut");
        }
        Ok(())
    }

    /// A folder for what arrives piece by piece, of this user alone, with nothing in it but parts
    /// of `wanted`.
    pub(super) fn staging(&self, wanted: &BTreeSet<String>) -> Result<PathBuf, ShelfError> {
        let dir = self.file("staging");
        self.make(&dir)?;
        let io = |source| ShelfError::Io {
            path: dir.clone(),
            source,
        };
        for file in fs::read_dir(&dir).map_err(io)? {
            let file = file.map_err(io)?;
            let name = file.file_name().to_string_lossy().into_owned();
            if !wanted.contains(name.trim_end_matches(".part")) {
                fs::remove_file(file.path()).map_err(io)?;
            }
        }
        Ok(dir)
    }

    /// Removes the feed with all that is kept of it.
    pub(super) fn remove(&self) -> Result<(), ShelfError> {
        fs::remove_dir_all(&self.dir).map_err(|source| ShelfError::Io {
            path: self.dir.clone(),
            source,
        })
    }

    /// Keeps a generation: pack first, then the state, then the names.
    pub(super) fn store(&self, state: &State, pack: &[u8]) -> Result<(), ShelfError> {
        self.make(&self.dir)?;
        self.finish()?;
        self.write(STAGED, pack)?;
        self.note(state)?;
        // The state counts, and finds its pack. What follows is tidiness, and done next time if not
        // now.
        if let Err(error) = self.finish() {
            tracing::warn!(%error, "a feed's packs were not put in their places");
        }
        // Only what is whole and live matters from here on.
        let _ = fs::remove_dir_all(self.file("staging"));
        Ok(())
    }

    /// Puts the packs where their names say: the newest as current, the one before as previous.
    fn finish(&self) -> Result<(), ShelfError> {
        let Ok(Some(state)) = self.state() else {
            return Ok(());
        };
        let is = |name: &str, digest: Option<Sha256Digest>| {
            let pack = read(&self.file(name), MAX_PACK_BYTES)?;
            Ok(pack.is_some_and(|pack| Some(Sha256Digest::of(&pack)) == digest))
        };
        if !is(STAGED, Some(state.pack))? {
            return Ok(());
        }
        if is(CURRENT, state.before)? {
            self.rename(CURRENT, PREVIOUS)?;
        }
        self.rename(STAGED, CURRENT)?;
        self.sync()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Whether `needed` bytes more would leave the disk room for what must never be lost, the log.
    ///
    /// # Errors
    /// [`ShelfError::Full`].
    pub(super) fn room(&self, needed: u64) -> Result<(), ShelfError> {
        self.make(&self.dir)?;
        let free = free_bytes(&self.dir).map_err(|source| ShelfError::Io {
            path: self.dir.clone(),
            source,
        })?;
        if !leaves_room(free, needed) {
            let dir = self.dir.clone();
            return Err(ShelfError::Full { needed, free, dir });
        }
        Ok(())
    }

    /// A folder of this user's. A link in its place is not followed.
    fn make(&self, dir: &Path) -> Result<(), ShelfError> {
        let io = |source| ShelfError::Io {
            path: dir.to_owned(),
            source,
        };
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(dir).map_err(io)?;
        if fs::symlink_metadata(dir).map_err(io)?.is_dir() {
            Ok(())
        } else {
            Err(ShelfError::Planted(dir.to_owned()))
        }
    }

    /// Whole or not at all, and there to stay.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ShelfError> {
        self.put(name, bytes)?;
        self.sync()
    }

    /// A new file, synced, renamed over the old one.
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), ShelfError> {
        let part_name = format!("{name}.part");
        let part = self.file(&part_name);
        let io = |source| ShelfError::Io {
            path: part.clone(),
            source,
        };
        match fs::remove_file(&part) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(error)),
            _ => {}
        }
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&part)
            .map_err(io)?;
        file.write_all(bytes)
            .and_then(|()| file.sync_all())
            .map_err(io)?;
        self.rename(&part_name, name)
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), ShelfError> {
        let to = self.file(to);
        fs::rename(self.file(from), &to).map_err(|source| ShelfError::Io { path: to, source })
    }

    fn sync(&self) -> Result<(), ShelfError> {
        fs::File::open(&self.dir)
            .and_then(|dir| dir.sync_all())
            .map_err(|source| ShelfError::Io {
                path: self.dir.clone(),
                source,
            })
    }
}

/// A regular file's bytes, at most `limit`; symbolic links are not followed, and a pipe is not waited
/// for.
fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, ShelfError> {
    let io = |source| ShelfError::Io {
        path: path.to_owned(),
        source,
    };
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    let file = match fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)
    {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    if !file.metadata().map_err(io)?.is_file() {
        return Err(ShelfError::NoFile(path.to_owned()));
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > limit {
        Err(ShelfError::TooLarge(path.to_owned()))
    } else {
        Ok(Some(bytes))
    }
}
