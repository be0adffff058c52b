//! `plugin.toml`: what a plugin's author declares about it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clawdefender_trust::{Abi, ArtifactVersion, Limits, Name};
use serde::Deserialize;

/// The declaration. Unknown keys are refused: a misspelt limit must not become the default.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plugin {
    pub id: Name,
    pub version: ArtifactVersion,
    /// `clawdefender:detector@MAJOR.MINOR`, with or without a patch number.
    abi: String,
    /// Threat data, relative to the plugin or to the workspace.
    #[serde(default)]
    pub data: Vec<PathBuf>,
    #[serde(default)]
    limits: PartialLimits,
}

/// Limits that are not given are the defaults.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartialLimits {
    memory_bytes: Option<u64>,
    deadline_ms: Option<u32>,
    output_bytes: Option<u64>,
}

impl Plugin {
    /// Reads `FOLDER/plugin.toml`.
    pub fn load(folder: &Path) -> Result<Self> {
        let path = folder.join("plugin.toml");
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!(
                "cannot read {}: `cargo xtask new-plugin` writes one",
                path.display()
            )
        })?;
        toml::from_str(&text).with_context(|| format!("{} is not as it must be", path.display()))
    }

    /// The contract that it says it was built for.
    pub fn abi(&self) -> Result<Abi> {
        let minor = match self.abi.matches('.').count() {
            2 => self
                .abi
                .rsplit_once('.')
                .map_or(self.abi.as_str(), |(minor, _)| minor),
            _ => &self.abi,
        };
        minor
            .parse()
            .with_context(|| format!("plugin {}: abi `{}`", self.id, self.abi))
    }

    pub fn limits(&self) -> Limits {
        let default = Limits::default();
        Limits {
            memory_bytes: self.limits.memory_bytes.unwrap_or(default.memory_bytes),
            deadline_ms: self.limits.deadline_ms.unwrap_or(default.deadline_ms),
            output_bytes: self.limits.output_bytes.unwrap_or(default.output_bytes),
        }
    }

    /// Its data files, found beside it or from the workspace's root.
    pub fn data_files(&self, folder: &Path, workspace: &Path) -> Result<Vec<PathBuf>> {
        self.data
            .iter()
            .map(|path| match [folder.join(path), workspace.join(path)] {
                [own, _] if own.is_file() => Ok(own),
                [_, shared] if shared.is_file() => Ok(shared),
                [own, _] => bail!("plugin {}: {} does not exist", self.id, own.display()),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_default_and_misspelt_keys_are_refused() {
        let head = "id='acme'\nversion='1.0.0'\nabi='clawdefender:detector@1.0.0'\n";
        let plugin: Plugin = toml::from_str(&format!("{head}[limits]\ndeadline_ms=5")).unwrap();
        assert_eq!(
            plugin.limits(),
            Limits {
                deadline_ms: 5,
                ..Limits::default()
            }
        );
        assert_eq!(plugin.abi().unwrap(), clawdefender_trust::ABI);
        assert!(toml::from_str::<Plugin>(&format!("{head}[limits]\ndeadline=5")).is_err());
    }
}
