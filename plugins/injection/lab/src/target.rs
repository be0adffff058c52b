//! Where a trained model goes, and what stands beside it of where it comes from.

use std::path::PathBuf;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::Data;
use crate::rows::hex;

#[derive(clap::Args)]
pub struct Target {
    #[command(flatten)]
    pub data: Data,
    /// Where the weights go; what they were made of goes beside them, as `.toml`
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The version of the artifact
    #[arg(long, value_name = "YYYY.MM.DD")]
    version: String,
}

impl Target {
    /// The tables that say which artifact these bytes are, up to the digest.
    pub fn tables(&self, name: &str, detector: &str, bytes: &[u8]) -> String {
        let file = self.out.file_stem().unwrap_or_default().to_string_lossy();
        format!(
            "[artifact]\nkind = \"model\"\nname = \"{name}\"\nversion = \"{}\"\nschema = 1\ndetector = \"{detector}\"\n\n[model]\nfile = \"{file}\"\nsha256 = \"{}\"\n",
            self.version,
            hex(&Sha256::digest(bytes))
        )
    }

    /// Writes the weights, and what they were made of.
    pub fn write(&self, bytes: &[u8], provenance: &str) -> Result<()> {
        let beside = self.out.with_extension("toml");
        for (path, content) in [(&self.out, bytes), (&beside, provenance.as_bytes())] {
            std::fs::write(path, content).with_context(|| path.display().to_string())?;
        }
        println!("{} bytes in {}", bytes.len(), self.out.display());
        println!("what they were made of: {}", beside.display());
        Ok(())
    }
}
