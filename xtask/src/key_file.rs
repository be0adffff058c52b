//! Secret keys: in a file that only its owner can read and that is never overwritten, or in an
//! environment variable. Never in the repository.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use clawdefender_trust::SecretKey;
use rand::TryRng;
use rand::rngs::SysRng;

/// A new key from the operating system's randomness, written to `path`.
pub fn create(path: &Path) -> Result<SecretKey> {
    let mut seed = [0; 32];
    SysRng
        .try_fill_bytes(&mut seed)
        .context("the operating system gave no randomness")?;
    let key = SecretKey::from_bytes(&seed);
    write_new(path, format!("{}\n", key.to_hex().as_str()).as_bytes())?;
    Ok(key)
}

/// Writes a file that did not exist, for its owner only.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, bytes, 0o600)
}

/// Writes a file that did not exist, for everybody to read.
pub fn write_public(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, bytes, 0o644)
}

fn write_with(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    let mut file = options.open(path).with_context(|| {
        format!(
            "cannot make {}; an existing key is never overwritten",
            path.display()
        )
    })?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(())
}

/// The key in a file, or in the environment variable behind `env:`.
pub fn load(from: &str) -> Result<SecretKey> {
    // What was read is never repeated, in no message.
    SecretKey::from_hex(text(from)?.trim_end())
        .ok()
        .with_context(|| format!("{from} is no key: 64 lower-case hex digits"))
}

/// Variables that held a key. No program that this tool starts gets them: a build runs the code of
/// every dependency's author.
static SECRET: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Takes the keys that were read from the environment out of that of `command`.
pub fn keep_from(command: &mut Command) -> &mut Command {
    for name in SECRET.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        command.env_remove(name);
    }
    command
}

/// What stands in a key file, or in the environment variable behind `env:`.
pub fn text(from: &str) -> Result<String> {
    if let Some(name) = from.strip_prefix("env:") {
        SECRET
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(name.to_owned());
        return std::env::var(name)
            .ok()
            .with_context(|| format!("the environment variable {name} holds no key"));
    }
    let path = PathBuf::from(from);
    refuse_readable_by_others(&path)?;
    refuse_published(&path)?;
    std::fs::read_to_string(&path).with_context(|| format!("cannot read the key file {from}"))
}

/// A key that a repository has is nobody's secret any more.
fn refuse_published(path: &Path) -> Result<()> {
    let path = std::path::absolute(path)?;
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(());
    };
    let known = keep_from(&mut Command::new("git"))
        .arg("-C")
        .arg(folder)
        .args(["ls-files", "--error-unmatch", "--"])
        .arg(name)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    // Without git, or outside of a repository, nothing is published by it.
    if known.is_ok_and(|known| known.success()) {
        bail!(
            "{} is in a repository: whoever can read that has the key; make another one",
            path.display()
        );
    }
    Ok(())
}

#[cfg(unix)]
fn refuse_readable_by_others(path: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let mode = std::fs::metadata(path)
        .with_context(|| format!("cannot read the key file {}", path.display()))?
        .mode();
    if mode & 0o077 != 0 {
        bail!("{0} can be read by others: `chmod 600 {0}`", path.display());
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_readable_by_others(_: &Path) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &Path) -> &str {
        path.to_str().unwrap()
    }

    #[test]
    fn a_key_is_made_once_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("feed.key");
        let key = create(&path).unwrap();
        assert_eq!(load(at(&path)).unwrap().public(), key.public());
        assert!(create(&path).is_err(), "never overwritten");
        assert_eq!(load(at(&path)).unwrap().public(), key.public());
        assert!(load("env:CLAWDEFENDER_NO_SUCH_KEY").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("feed.key");
        create(&path).unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(
            load(at(&path))
                .unwrap_err()
                .to_string()
                .contains("chmod 600")
        );
    }

    #[test]
    fn no_program_that_is_started_gets_a_key_of_the_environment() {
        // Any variable that is there will do; it need not hold a key to be named as one.
        load("env:CARGO_PKG_NAME").unwrap_err();
        let mut command = Command::new("true");
        let gone = keep_from(&mut command).get_envs().collect::<Vec<_>>();
        assert!(gone.contains(&(std::ffi::OsStr::new("CARGO_PKG_NAME"), None)));
        let said = crate::workspace::output(Command::new("/usr/bin/env")).unwrap();
        assert!(
            !said.lines().any(|line| line.starts_with("CARGO_PKG_NAME=")),
            "{said}"
        );
        SECRET
            .lock()
            .unwrap()
            .retain(|name| name != "CARGO_PKG_NAME");
    }

    #[test]
    fn a_key_in_a_repository_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("feed.key");
        create(&path).unwrap();
        let git = |arguments: &[&str]| {
            let mut git = Command::new("git");
            git.arg("-C").arg(folder.path()).args(arguments);
            assert!(git.stdout(Stdio::null()).status().unwrap().success());
        };
        git(&["init", "--quiet"]);
        load(at(&path)).unwrap();
        git(&["add", "feed.key"]);
        let refused = load(at(&path)).unwrap_err().to_string();
        assert!(refused.contains("is in a repository"), "{refused}");
    }
}
