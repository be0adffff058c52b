//! One feed's place on the disk: the live pack, the one before, and how far we have come.
//!
//! Going back to the one before moves no file: the state then names it by digest.
//!
//! `store` can be cut at any step: until `staged.feedpack` is complete the old generation loads, and
//! from then on the new one does, because `load` finishes what `store` began.

use super::source::MAX_PACK_BYTES;
use clawdefender_trust::{Floor, Name, Root, Sha256Digest};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const MAX_STATE_BYTES: u64 = 1 << 20;

/// What outlives a generation.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    pub root: Root,
    pub floor: Floor,
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

#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    #[error("{path}: {source}")]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{0} is not the expected JSON")]
    State(PathBuf),
    #[error("{0} is missing although there is a feed")]
    Incomplete(PathBuf),
    #[error("{0} is larger than a feed can be")]
    TooLarge(PathBuf),
    #[error("{0} is no folder")]
    Planted(PathBuf),
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

    /// The state and the live pack; `None` when nothing was ever stored.
    pub(super) fn load(&self) -> Result<Option<(State, Vec<u8>)>, ShelfError> {
        let (state, current, staged) = (
            self.file("state.json"),
            self.file("current.feedpack"),
            self.file("staged.feedpack"),
        );
        if !state.exists() && !current.exists() {
            return Ok(None);
        }
        let bytes =
            read(&state, MAX_STATE_BYTES)?.ok_or_else(|| ShelfError::Incomplete(state.clone()))?;
        let parsed: State = serde_json::from_slice(&bytes).map_err(|_| ShelfError::State(state))?;
        if staged.exists() && self.is_awaited(&parsed) {
            self.promote()?;
        }
        if let Some(Back::Pack(digest)) = &parsed.back
            && let Some(pack) = self.pack(digest)?
        {
            return Ok(Some((parsed, pack)));
        }
        let pack = read(&current, MAX_PACK_BYTES)?.ok_or(ShelfError::Incomplete(current))?;
        Ok(Some((parsed, pack)))
    }

    /// The generation before the newest one, if it is kept.
    pub(super) fn previous(&self) -> Result<Option<Vec<u8>>, ShelfError> {
        read(&self.file("previous.feedpack"), MAX_PACK_BYTES)
    }

    fn pack(&self, digest: &Sha256Digest) -> Result<Option<Vec<u8>>, ShelfError> {
        for name in ["previous.feedpack", "current.feedpack"] {
            let pack = read(&self.file(name), MAX_PACK_BYTES)?;
            if let Some(pack) = pack.filter(|pack| Sha256Digest::of(pack) == *digest) {
                return Ok(Some(pack));
            }
        }
        Ok(None)
    }

    /// Changes what the state says and nothing else.
    pub(super) fn note(&self, state: &State) -> Result<(), ShelfError> {
        let path = self.file("state.json");
        let json = serde_json::to_vec_pretty(state).map_err(|_| ShelfError::State(path))?;
        self.write("state.json", &json)
    }

    /// A folder for what arrives piece by piece, of this user alone.
    pub(super) fn staging(&self) -> Result<PathBuf, ShelfError> {
        let dir = self.file("staging");
        self.make(&dir)?;
        let facts = fs::symlink_metadata(&dir).map_err(|source| ShelfError::Io {
            path: dir.clone(),
            source,
        })?;
        if facts.is_dir() {
            Ok(dir)
        } else {
            Err(ShelfError::Planted(dir))
        }
    }

    /// Removes the feed with all that is kept of it.
    pub(super) fn remove(&self) -> Result<(), ShelfError> {
        fs::remove_dir_all(&self.dir).map_err(|source| ShelfError::Io {
            path: self.dir.clone(),
            source,
        })
    }

    fn make(&self, dir: &Path) -> Result<(), ShelfError> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(|source| ShelfError::Io {
                path: dir.to_owned(),
                source,
            })
    }

    /// Whether the state already speaks of the staged pack: then a crash came between the two.
    fn is_awaited(&self, state: &State) -> bool {
        let Ok(Some(marker)) = read(&self.file("staged.version"), 64) else {
            return false;
        };
        marker == format!("{}.{}", state.floor.epoch, state.floor.version).into_bytes()
    }

    /// Keeps a generation: pack first, then the floor, then the switch.
    pub(super) fn store(&self, state: &State, pack: &[u8]) -> Result<(), ShelfError> {
        self.make(&self.dir)?;
        self.settle_back()?;
        self.write("staged.feedpack", pack)?;
        self.write(
            "staged.version",
            format!("{}.{}", state.floor.epoch, state.floor.version).as_bytes(),
        )?;
        self.note(state)?;
        self.promote()?;
        // Only what is whole and live matters from here on.
        let _ = fs::remove_dir_all(self.file("staging"));
        Ok(())
    }

    /// When a person went back, the generation that they left is not what to go back to next.
    fn settle_back(&self) -> Result<(), ShelfError> {
        let state = read(&self.file("state.json"), MAX_STATE_BYTES)?;
        let state: Option<State> = state.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let Some(Back::Pack(digest)) = state.and_then(|state| state.back) else {
            return Ok(());
        };
        let previous = self.previous()?;
        if previous.is_some_and(|pack| Sha256Digest::of(&pack) == digest) {
            rename(
                &self.file("previous.feedpack"),
                &self.file("current.feedpack"),
            )?;
            self.sync()?;
        }
        Ok(())
    }

    fn promote(&self) -> Result<(), ShelfError> {
        let (current, staged) = (self.file("current.feedpack"), self.file("staged.feedpack"));
        if current.exists() {
            rename(&current, &self.file("previous.feedpack"))?;
        }
        rename(&staged, &current)?;
        self.sync()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Whole or not at all: a new file, synced, renamed over the old one.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ShelfError> {
        let (part, path) = (self.file(&format!("{name}.part")), self.file(name));
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
        rename(&part, &path)?;
        self.sync()
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

fn rename(from: &Path, to: &Path) -> Result<(), ShelfError> {
    fs::rename(from, to).map_err(|source| ShelfError::Io {
        path: to.to_owned(),
        source,
    })
}

/// A regular file's bytes, at most `limit`; symbolic links are not followed.
fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, ShelfError> {
    let io = |source| ShelfError::Io {
        path: path.to_owned(),
        source,
    };
    let nofollow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
    let file = match fs::OpenOptions::new()
        .read(true)
        .custom_flags(nofollow)
        .open(path)
    {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > limit {
        Err(ShelfError::TooLarge(path.to_owned()))
    } else {
        Ok(Some(bytes))
    }
}
