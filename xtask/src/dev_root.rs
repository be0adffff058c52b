//! The development root: keys made on this machine on first need, so that a build from source is
//! signed like a release, by the same code, and can be told from one.
//!
//! It lives in `.dev-root/`, which git ignores. Nothing signed with it is a release.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clawdefender_trust::{RootFile, RootKeys, SecretKey};

use crate::key_file;
use crate::workspace::{Workspace, read};

/// Keys and root file of this machine.
pub struct DevRoot {
    pub feed: SecretKey,
    pub code: SecretKey,
    pub file: RootFile,
}

/// Where it lives.
pub fn folder(workspace: &Workspace) -> PathBuf {
    workspace.root.join(".dev-root")
}

/// Opens it, or makes it.
pub fn open(workspace: &Workspace) -> Result<DevRoot> {
    let folder = folder(workspace);
    let path = folder.join("root.json");
    if !path.exists() {
        create(&folder)?;
    }
    let file = RootFile::parse(&read(&path)?)?;
    let key = |name: &str| key_file::load(&folder.join(name).to_string_lossy());
    let (feed, code) = (key("feed.key")?, key("code.key")?);
    let root = file.root()?;
    ensure!(
        file.development && root.current == feed.public() && root.code_keys == [code.public()],
        "{0} does not belong together: remove {0} and build again",
        folder.display()
    );
    Ok(DevRoot { feed, code, file })
}

/// The public half of this machine's release key, which is made on first need.
pub fn release_public(workspace: &Workspace) -> Result<PathBuf> {
    let folder = folder(workspace);
    let public = folder.join("release.pub");
    if !public.exists() {
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        crate::release_key::create(&folder, "release")?;
    }
    Ok(public)
}

fn create(folder: &std::path::Path) -> Result<()> {
    // Made aside and renamed, so that a half-made root is never found.
    let draft = folder.with_extension(format!("draft-{}", std::process::id()));
    std::fs::create_dir_all(&draft).with_context(|| format!("cannot make {}", draft.display()))?;
    let key = |name: &str| Ok::<_, anyhow::Error>(key_file::create(&draft.join(name))?.public());
    let file = RootFile {
        feed_id: "official".parse()?,
        channel: "development".parse()?,
        development: true,
        keys: Some(RootKeys {
            epoch: 1,
            current: key("feed.key")?,
            next: key("next.key")?,
            code: vec![key("code.key")?],
            retired: Vec::new(),
        }),
    };
    std::fs::write(draft.join("root.json"), serde_json::to_vec_pretty(&file)?)?;
    std::fs::rename(&draft, folder).with_context(|| format!("cannot make {}", folder.display()))?;
    eprintln!("made a development trust root in {}", folder.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_once_and_says_that_it_is_development() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace {
            root: folder.path().to_owned(),
            target: folder.path().join("target"),
        };
        let first = open(&workspace).unwrap();
        assert!(first.file.development);
        let again = open(&workspace).unwrap();
        assert_eq!(first.file, again.file);

        let release = release_public(&workspace).unwrap();
        let line = crate::release_key::public_line(&release).unwrap();
        release_public(&workspace).unwrap();
        assert_eq!(crate::release_key::public_line(&release).unwrap(), line);

        std::fs::remove_file(folder.path().join(".dev-root/code.key")).unwrap();
        assert!(open(&workspace).is_err());
    }
}
