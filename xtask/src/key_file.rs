//! Key files: 64 hex digits and a newline, readable by their owner only, never overwritten.

use std::io::Write;
use std::path::Path;

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
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).with_context(|| {
        format!(
            "cannot make {}; an existing key is never overwritten",
            path.display()
        )
    })?;
    writeln!(file, "{}", key.to_hex().as_str())?;
    file.sync_all()?;
    Ok(key)
}

/// The key in `path`.
pub fn load(path: &Path) -> Result<SecretKey> {
    refuse_readable_by_others(path)?;
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the key file {}", path.display()))?;
    SecretKey::from_hex(text.trim_end()).ok().with_context(|| {
        format!(
            "{} is no key file: 64 lower-case hex digits",
            path.display()
        )
    })
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

    #[test]
    fn a_key_is_made_once_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("feed.key");
        let key = create(&path).unwrap();
        assert_eq!(load(&path).unwrap().public(), key.public());
        assert!(create(&path).is_err(), "never overwritten");
        assert_eq!(load(&path).unwrap().public(), key.public());
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
        assert!(load(&path).unwrap_err().to_string().contains("chmod 600"));
    }
}
