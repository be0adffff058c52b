//! Replaces another program's file without ever leaving half of it, and keeps the original bytes.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use data_encoding::{BASE64, HEXLOWER};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

#[derive(Serialize, Deserialize)]
struct Entry {
    v: u32,
    path: PathBuf,
    /// Base64 of the exact bytes.
    before: String,
    before_sha256: String,
    after_sha256: String,
}

/// Longest configuration that is read, in bytes. Chosen: Claude Code keeps its history in the same
/// file, so real ones have megabytes; a link to a device has no end.
const MAX_BYTES: u64 = 256 << 20;

/// The bytes of a file, through links; `None` when there is none.
///
/// # Errors
/// Anything but a file of at most [`MAX_BYTES`]: a pipe in its place would hold us for ever.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    // Opening a pipe would wait for its writer.
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::other("it is longer than 256 MiB"));
    }
    Ok(Some(bytes))
}

/// Whether `path` leads to the program `ours`, links followed. A name without a directory does not:
/// where it leads is said by the variables of whoever starts it.
pub fn same(path: &Path, ours: &Path) -> bool {
    let lead = || Some(path.canonicalize().ok()? == ours.canonicalize().ok()?);
    path == ours || (path.is_absolute() && lead() == Some(true))
}

/// Puts `after` where `before` is; `false`, and nothing written, if it is no longer there.
pub fn replace(path: &Path, before: &[u8], after: &[u8]) -> io::Result<bool> {
    let meta = fs::metadata(path)?;
    let temporary = beside(path);
    let written = write_new(&temporary, after, meta.mode() & 0o7777).and_then(|file| {
        let made = file.metadata()?;
        if (made.uid(), made.gid()) != (meta.uid(), meta.gid()) {
            fchown(&file, Some(meta.uid()), Some(meta.gid()))?;
        }
        // The last look before the rename: a client may have written its file meanwhile.
        if fs::read(path)? != before {
            return Ok(false);
        }
        fs::rename(&temporary, path)?;
        sync_parent(path)?;
        Ok(true)
    });
    if !matches!(written, Ok(true)) {
        // Nothing depends on it; the error or the answer above is what counts.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Keeps `original` so that undoing `after` gives exactly it.
pub fn remember(journal: &Path, path: &Path, original: &[u8], after: &[u8]) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(journal)?;
    let entry = Entry {
        v: 1,
        path: path.to_owned(),
        before: BASE64.encode(original),
        before_sha256: sha256(original),
        after_sha256: sha256(after),
    };
    let name = name(journal, path);
    let temporary = beside(&name);
    write_new(&temporary, &serde_json::to_vec(&entry)?, 0o600)?;
    fs::rename(&temporary, &name)?;
    sync_parent(&name)
}

/// The original of a file that is still exactly what we wrote. A journal that can't be read, or
/// whose bytes aren't what they were, is as good as none: undoing does not depend on it.
pub fn recall(journal: &Path, path: &Path, now: &[u8]) -> Option<Vec<u8>> {
    let entry: Entry = serde_json::from_slice(&fs::read(name(journal, path)).ok()?).ok()?;
    let original = BASE64.decode(entry.before.as_bytes()).ok()?;
    let fits = entry.path == path
        && entry.after_sha256 == sha256(now)
        && entry.before_sha256 == sha256(&original);
    fits.then_some(original)
}

/// The files that were wrapped and not put back, wherever they are.
pub fn remembered(journal: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(journal).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = files
        .filter_map(|file| {
            let entry: Entry = serde_json::from_slice(&fs::read(file.path()).ok()?).ok()?;
            (name(journal, &entry.path) == file.path()).then_some(entry.path)
        })
        .collect();
    paths.sort_unstable();
    paths
}

pub fn forget(journal: &Path, path: &Path) -> io::Result<()> {
    match fs::remove_file(name(journal, path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn name(journal: &Path, path: &Path) -> PathBuf {
    journal.join(format!(
        "{}.json",
        sha256(path.as_os_str().as_encoded_bytes())
    ))
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{:016x}.tmp", rand::random::<u64>()));
    PathBuf::from(name)
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<File> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.sync_all()?;
    Ok(file)
}

fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent()
        .map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}
