//! Reading of files that may be anything, bounded in size and never waiting for a writer.

use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The largest file that is hashed. Chosen: above any server's binary, read in well under a second.
const MAX_ENTRY_BYTES: u64 = 256 << 20;
const MAX_MANIFEST_BYTES: u64 = 1 << 20;

/// A whole file of UTF-8; never the beginning of one.
pub(super) fn text(path: &Path) -> Option<String> {
    let mut text = String::new();
    let file = open(path).ok()?;
    let length = file.take(MAX_MANIFEST_BYTES + 1).read_to_string(&mut text);
    let length = u64::try_from(length.ok()?).ok()?;
    (length <= MAX_MANIFEST_BYTES).then_some(text)
}

/// The first bytes of a file.
pub(super) fn beginning(path: &Path, limit: u64) -> Result<Vec<u8>, &'static str> {
    let mut bytes = Vec::new();
    let read = open(path)?.take(limit).read_to_end(&mut bytes);
    read.map_err(|_| "the file can't be read")?;
    Ok(bytes)
}

pub(super) fn digest(path: &Path) -> Result<String, &'static str> {
    let file = open(path)?;
    let mut hash = Sha256::new();
    let mut limited = file.take(MAX_ENTRY_BYTES + 1);
    let length = std::io::copy(&mut limited, &mut HashWriter(&mut hash))
        .map_err(|_| "the file can't be read")?;
    if length > MAX_ENTRY_BYTES {
        return Err("the file is too large to be hashed before a start");
    }
    Ok(data_encoding::HEXLOWER.encode(&hash.finalize()))
}

struct HashWriter<'h>(&'h mut Sha256);

impl std::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A regular file only: a pipe in its place would never end.
fn open(path: &Path) -> Result<File, &'static str> {
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = file.map_err(|_| "the file can't be read")?;
    match file.metadata() {
        Ok(facts) if facts.is_file() => Ok(file),
        _ => Err("it is no regular file"),
    }
}
