//! The release key: an ordinary key file, whose public half and signatures have minisign's form, so
//! that people can check a download with the minisign tool as well.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clawdefender_trust::{PublicKey, release_public_file};

use crate::key_file;
use crate::workspace::read;

/// Makes `FOLDER/NAME.key` and `FOLDER/NAME.pub`; neither is overwritten. The public key.
pub fn create(folder: &Path, name: &str) -> Result<PublicKey> {
    let public = key_file::create(&folder.join(format!("{name}.key")))?.public();
    let beside: PathBuf = folder.join(format!("{name}.pub"));
    key_file::write_public(&beside, release_public_file(&public).as_bytes())?;
    Ok(public)
}

/// The one line of a public key file that matters, checked.
pub fn public_line(path: &Path) -> Result<String> {
    let text =
        String::from_utf8(read(path)?).with_context(|| format!("{} is no text", path.display()))?;
    let line = text.lines().nth(1).unwrap_or_default().trim().to_owned();
    minisign_verify::PublicKey::from_base64(&line)
        .with_context(|| format!("{} is no minisign public key", path.display()))?;
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clawdefender_trust::sign_release;

    #[test]
    fn a_key_is_made_once_and_signs_what_minisigns_verifier_accepts() {
        let folder = tempfile::tempdir().unwrap();
        create(folder.path(), "release").unwrap();
        assert!(
            create(folder.path(), "release").is_err(),
            "never overwritten"
        );
        let line = public_line(&folder.path().join("release.pub")).unwrap();
        let key = folder.path().join("release.key");
        let key = key_file::load(key.to_str().unwrap()).unwrap();
        let signature = sign_release(b"x", "clawdefender 1.0.0 here", &key);
        let signature = minisign_verify::Signature::decode(&signature).unwrap();
        let verifier = minisign_verify::PublicKey::from_base64(&line).unwrap();
        verifier.verify(b"x", &signature, false).unwrap();
        assert_eq!(signature.trusted_comment(), "clawdefender 1.0.0 here");
        assert!(verifier.verify(b"y", &signature, false).is_err());
    }

    #[test]
    fn what_is_no_public_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.pub");
        for text in ["", "one line", "untrusted comment: x\nRWbad\n"] {
            std::fs::write(&path, text).unwrap();
            assert!(public_line(&path).is_err(), "{text}");
        }
    }
}
