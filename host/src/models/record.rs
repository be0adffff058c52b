//! Which models were fetched, and what each must be: `pulled.json` beside them.
//!
//! It is this user's own word. A model of the signed catalog is compared with the catalog again by
//! whoever has one at hand.

use super::{ModelError, open_own};
use clawdefender_trust::{Catalog, Model};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

const NAME: &str = "pulled.json";

/// Far above what 256 entries take.
const MAX_BYTES: u64 = 4 << 20;

/// What was fetched; nothing when there is no record.
pub(super) fn read(dir: &Path) -> Result<Vec<Model>, ModelError> {
    let path = dir.join(NAME);
    let file = match open_own(&path) {
        Err(ModelError::Disk { source, .. }) if source.kind() == ErrorKind::NotFound => {
            return Ok(Vec::new());
        }
        opened => opened?,
    };
    let mut bytes = Vec::new();
    file.take(MAX_BYTES)
        .read_to_end(&mut bytes)
        .map_err(|source| ModelError::Disk {
            path: path.clone(),
            source,
        })?;
    let catalog = Catalog::parse(&bytes).map_err(|error| ModelError::Record {
        path,
        cause: error.to_string(),
    })?;
    Ok(catalog.models)
}

pub(super) fn write(dir: &Path, models: &[Model]) -> Result<(), ModelError> {
    let path = dir.join(NAME);
    let catalog = Catalog {
        models: models.to_vec(),
    };
    let bytes = serde_json::to_vec_pretty(&catalog).map_err(|source| ModelError::Disk {
        path: path.clone(),
        source: source.into(),
    })?;
    replace(dir, &path, &bytes)
}

/// Writes a file of `dir` whole or not at all: beside it, synced, renamed, folder synced.
pub(super) fn replace(dir: &Path, path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".draft");
    let store = || -> std::io::Result<()> {
        // Left over by a process that died; whatever it is, it is not written through.
        match std::fs::remove_file(&draft) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&draft, path)?;
        File::open(dir)?.sync_all()
    };
    store().map_err(|source| ModelError::Disk {
        path: path.to_owned(),
        source,
    })
}
