//! Small files that count only when this installation wrote them: signed with the audit log's key.
//!
//! A program that can merely write files makes none. One of the same user that can read the key
//! can, and it can put back an older file, or remove it: docs/threat-model.md.

use super::{AuditError, PublicKey, Signer};
use data_encoding::HEXLOWER;
use rustix::fs::OFlags;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Longest file. Chosen: a thousand entries of four kilobytes.
const MAX_BYTES: u64 = 4 << 20;

/// One such file.
#[derive(Clone, Debug)]
pub struct Sealed {
    path: PathBuf,
    audit: PathBuf,
    /// First in what is signed, so that the signature stands for nothing else that the key signs.
    purpose: &'static str,
}

/// Why a sealed file can't be had.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("{file}: {source}")]
    Io {
        file: String,
        source: std::io::Error,
    },
    #[error("{0} is not what this daemon wrote")]
    Broken(String),
    #[error("the key of the audit log: {0}")]
    Key(#[from] AuditError),
}

/// What lies on the disk.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OnDisk {
    /// JSON: exactly these bytes are signed.
    content: String,
    /// Hexadecimal Ed25519.
    signature: String,
}

impl Sealed {
    /// The file at `path`, sealed with the key of the log in `audit`. No two purposes may be equal.
    pub fn new(path: PathBuf, audit: &Path, purpose: &'static str) -> Self {
        Self {
            path,
            audit: audit.to_owned(),
            purpose,
        }
    }

    /// What it says; `None` when there is no such file.
    ///
    /// # Errors
    /// [`SealError::Broken`] when it is not what this installation wrote.
    pub fn read<T: DeserializeOwned>(&self) -> Result<Option<T>, SealError> {
        // A link is not followed, and a pipe is not waited for.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = match fs::OpenOptions::new()
            .read(true)
            .custom_flags(i32::try_from(flags.bits()).unwrap_or(0))
            .open(&self.path)
        {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.io(error)),
        };
        let broken = || SealError::Broken(self.name());
        if !file.metadata().map_err(|error| self.io(error))?.is_file() {
            return Err(broken());
        }
        let mut bytes = Vec::new();
        file.take(MAX_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| self.io(error))?;
        let key = PublicKey::of(&self.audit)?;
        let sealed: OnDisk = serde_json::from_slice(&bytes).map_err(|_| broken())?;
        let signature = HEXLOWER.decode(sealed.signature.as_bytes()).ok();
        let signature: [u8; 64] = signature
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(broken)?;
        if bytes.len() as u64 > MAX_BYTES
            || !key.verifies(&self.signed(&sealed.content), &signature)
        {
            return Err(broken());
        }
        serde_json::from_str(&sealed.content)
            .map(Some)
            .map_err(|_| broken())
    }

    /// Replaces the file; it is on the disk when this returns.
    ///
    /// # Errors
    /// [`SealError`]; the old file is whole then.
    pub fn write<T: Serialize>(&self, content: &T) -> Result<(), SealError> {
        let io = |error| self.io(error);
        let json = |error| self.io(std::io::Error::from(error));
        let content = serde_json::to_string(content).map_err(json)?;
        let signer = Signer::open_or_make(&self.audit)?;
        let bytes = serde_json::to_vec(&OnDisk {
            signature: HEXLOWER.encode(&signer.sign(&self.signed(&content))),
            content,
        })
        .map_err(json)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(io(ErrorKind::FileTooLarge.into()));
        }
        let new = self.path.with_extension("json.new");
        match fs::remove_file(&new) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(io(error)),
            _ => {}
        }
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)
            .map_err(io)?;
        file.write_all(&bytes)
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&new, &self.path))
            .map_err(io)?;
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        fs::File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(io)
    }

    fn signed(&self, content: &str) -> Vec<u8> {
        [self.purpose.as_bytes(), content.as_bytes()].concat()
    }

    fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    fn io(&self, source: std::io::Error) -> SealError {
        let file = self.name();
        SealError::Io { file, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(folder: &Path) -> Sealed {
        let audit = folder.join("audit");
        fs::create_dir_all(&audit).unwrap();
        Sealed::new(folder.join("kept.json"), &audit, "test/v1\n")
    }

    #[test]
    fn only_what_this_installation_sealed_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let kept = sealed(folder.path());
        assert_eq!(kept.read::<Vec<String>>().unwrap(), None);
        let said = vec!["npm:x@1.0.0".to_owned()];
        kept.write(&said).unwrap();
        assert_eq!(kept.read::<Vec<String>>().unwrap(), Some(said.clone()));

        let text = fs::read_to_string(&kept.path).unwrap();
        let forged = [
            text.replace("1.0.0", "2.0.0"),
            format!("{text}{}", " ".repeat(4 << 20)),
            "[]".to_owned(),
            String::new(),
            serde_json::to_string(&said).unwrap(),
        ];
        for forged in forged {
            assert_ne!(forged, text);
            fs::write(&kept.path, &forged).unwrap();
            let read = kept.read::<Vec<String>>();
            assert!(matches!(read, Err(SealError::Broken(_))), "{forged:.80}");
        }

        // For another purpose, of another installation, or without the key.
        fs::write(&kept.path, &text).unwrap();
        let other = Sealed {
            purpose: "test/v2\n",
            ..kept.clone()
        };
        assert!(other.read::<Vec<String>>().is_err());
        let elsewhere = tempfile::tempdir().unwrap();
        let there = sealed(elsewhere.path());
        there.write(&said).unwrap();
        fs::copy(&there.path, &kept.path).unwrap();
        assert!(kept.read::<Vec<String>>().is_err());
        fs::write(&kept.path, &text).unwrap();
        fs::remove_file(folder.path().join("audit/key.pub")).unwrap();
        assert!(kept.read::<Vec<String>>().is_err());
    }

    #[test]
    fn a_pipe_or_a_link_in_its_place_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let kept = sealed(folder.path());
        let pipe = |path: &Path| {
            let made = std::process::Command::new("mkfifo").arg(path).status();
            assert!(made.unwrap().success());
        };
        pipe(&kept.path);
        assert!(kept.read::<String>().is_err());
        let victim = folder.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        std::os::unix::fs::symlink(&victim, kept.path.with_extension("json.new")).unwrap();
        kept.write(&"said").unwrap();
        assert_eq!(kept.read::<String>().unwrap().as_deref(), Some("said"));
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
        pipe(&kept.path.with_extension("json.new"));
        kept.write(&"again").unwrap();
        fs::rename(&kept.path, folder.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("elsewhere"), &kept.path).unwrap();
        assert!(kept.read::<String>().is_err());
    }

    #[test]
    fn what_is_too_long_is_refused_and_the_old_stays() {
        let folder = tempfile::tempdir().unwrap();
        let kept = sealed(folder.path());
        kept.write(&"old").unwrap();
        assert!(kept.write(&"x".repeat(4 << 20)).is_err());
        assert_eq!(kept.read::<String>().unwrap().as_deref(), Some("old"));
    }
}
