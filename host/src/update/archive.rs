//! The archive of a release: a gzip-compressed tar with one folder and the program in it.
//!
//! Nothing is unpacked to the disk: the program is taken out into memory and the rest is looked at.
//! Names from the archive never become paths.

use super::MAX_PROGRAM_BYTES;
use flate2::read::GzDecoder;
use std::io::Read;
use std::path::{Component, Path};
use tar::{Archive, EntryType};

/// The most files in an archive. Chosen: a release has about ten.
const MAX_FILES: usize = 256;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    #[error("it can't be read: {0}")]
    Damaged(String),
    #[error("it has a name that leads out of it")]
    Escapes,
    #[error("it has something that is neither file nor folder")]
    Special,
    #[error("it has more than {MAX_FILES} files")]
    TooMany,
    #[error("it unpacks to more than {MAX_PROGRAM_BYTES} bytes")]
    TooLong,
    #[error("it has no program, or two")]
    NoProgram,
}

/// The bytes of the one `FOLDER/clawdefender`.
pub(super) fn program(archive: &[u8]) -> Result<Vec<u8>, ArchiveError> {
    let damaged = |error: std::io::Error| ArchiveError::Damaged(error.to_string());
    let mut unpacked = Archive::new(GzDecoder::new(archive).take(MAX_PROGRAM_BYTES));
    let mut found = None;
    for (count, entry) in unpacked.entries().map_err(damaged)?.enumerate() {
        let mut entry = entry.map_err(damaged)?;
        if count >= MAX_FILES {
            return Err(ArchiveError::TooMany);
        }
        let path = entry.path().map_err(damaged)?.into_owned();
        if !stays_inside(&path) {
            return Err(ArchiveError::Escapes);
        }
        let kind = entry.header().entry_type();
        if !matches!(kind, EntryType::Regular | EntryType::Directory) {
            return Err(ArchiveError::Special);
        }
        if kind != EntryType::Regular || !is_program(&path) {
            continue;
        }
        if entry.size() > MAX_PROGRAM_BYTES {
            return Err(ArchiveError::TooLong);
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(damaged)?;
        if bytes.is_empty() || bytes.len() as u64 != entry.size() || found.is_some() {
            return Err(ArchiveError::NoProgram);
        }
        found = Some(bytes);
    }
    if unpacked.into_inner().limit() == 0 {
        return Err(ArchiveError::TooLong);
    }
    found.ok_or(ArchiveError::NoProgram)
}

fn stays_inside(path: &Path) -> bool {
    let mut components = path.components().peekable();
    components.peek().is_some()
        && components.all(|component| matches!(component, Component::Normal(_)))
}

fn is_program(path: &Path) -> bool {
    path.components().count() == 2 && path.ends_with("clawdefender")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::update::tests::{archive, raw_archive};

    #[test]
    fn the_program_is_found_among_its_papers() {
        let packed = archive(&[
            ("x-1/LICENSE", b"free"),
            ("x-1/clawdefender", b"ELF"),
            ("x-1/completions/clawdefender", b"no"),
        ]);
        assert_eq!(program(&packed).unwrap(), b"ELF");
    }

    #[test]
    fn a_name_that_leads_out_is_refused_whatever_it_names() {
        for name in [
            "../clawdefender",
            "x/../../clawdefender",
            "/etc/clawdefender",
            "x/../y",
        ] {
            let packed = raw_archive(&[("x/clawdefender", b'0', b"ELF"), (name, b'0', b"bad")]);
            assert_eq!(program(&packed), Err(ArchiveError::Escapes), "{name}");
        }
    }

    #[test]
    fn links_and_devices_are_refused() {
        for kind in [b'1', b'2', b'3', b'4', b'6'] {
            let packed = raw_archive(&[("x/clawdefender", b'0', b"ELF"), ("x/y", kind, b"")]);
            assert_eq!(program(&packed), Err(ArchiveError::Special), "{kind}");
        }
    }

    #[test]
    fn an_archive_that_ends_early_or_has_no_program_is_refused() {
        let packed = archive(&[("x/clawdefender", &[7; 100_000])]);
        for length in [0, 1, packed.len() / 2, packed.len() - 20] {
            assert!(program(&packed[..length]).is_err(), "{length}");
        }
        assert_eq!(program(&archive(&[])), Err(ArchiveError::NoProgram));
        for files in [
            &[("clawdefender", b"ELF".as_slice())][..],
            &[("x/y/clawdefender", b"ELF")],
            &[("x/clawdefender", b"")],
            &[("x/clawdefender", b"ELF"), ("y/clawdefender", b"ELF")],
        ] {
            assert_eq!(program(&archive(files)), Err(ArchiveError::NoProgram));
        }
    }
}
