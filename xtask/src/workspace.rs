//! Where things are, and how other programs are run. Cargo is asked, never guessed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use clawdefender_trust::Timestamp;
use serde::Deserialize;

use crate::key_file;

/// The checkout and its build folder.
pub struct Workspace {
    /// Where the workspace's `Cargo.toml` is.
    pub root: PathBuf,
    /// Cargo's target directory, `CARGO_TARGET_DIR` and configuration included.
    pub target: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

impl Workspace {
    /// The workspace that this tool was compiled in.
    pub fn find() -> Result<Self> {
        let mut ask = cargo();
        ask.args(["metadata", "--no-deps", "--format-version", "1"])
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        let metadata: Metadata = serde_json::from_str(&output(ask)?)
            .context("cannot read what `cargo metadata` says")?;
        Ok(Self {
            root: metadata.workspace_root,
            target: metadata.target_directory,
        })
    }

    /// Where the built components are left.
    pub fn detectors(&self) -> PathBuf {
        self.target.join("detectors")
    }

    /// The folders of the detectors that ship with the product.
    pub fn official_plugins(&self) -> Vec<PathBuf> {
        ["injection", "supply-chain", "kill-chain"]
            .iter()
            .map(|name| self.root.join("plugins").join(name))
            .collect()
    }
}

/// The cargo that runs this tool.
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs a program whose output is for the person; its failure is ours.
pub fn run(mut command: Command) -> Result<()> {
    let status = key_file::keep_from(&mut command)
        .status()
        .with_context(|| format!("cannot start {command:?}"))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}

/// Runs a program and returns what it wrote; its errors go to the person.
pub fn output(mut command: Command) -> Result<String> {
    key_file::keep_from(&mut command).stderr(Stdio::inherit());
    let output = command
        .output()
        .with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} ended with {}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("{command:?} wrote no UTF-8"))
}

/// This machine's clock.
pub fn now() -> Result<Timestamp> {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .context("this machine's clock is before 1970: set it")?
        .as_secs();
    Ok(Timestamp::from_unix(i64::try_from(seconds)?)?)
}

/// Writes a file only when its content changes, so that cargo does not rebuild for nothing.
/// Returns whether it wrote.
pub fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<bool> {
    if std::fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    // Renamed into place: another build may be reading it.
    let draft = path.with_extension(format!("draft-{}", std::process::id()));
    std::fs::write(&draft, bytes).with_context(|| format!("cannot write {}", draft.display()))?;
    std::fs::rename(&draft, path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(true)
}

/// Reads a file, naming it when that fails.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
