//! `cargo xtask build`: detectors, seed feed, then the binary with the seed inside.

use std::path::PathBuf;

use anyhow::Result;

use crate::seed;
use crate::workspace::{Workspace, cargo, run};

#[derive(clap::Args)]
pub struct Args {
    /// Build for release: the owner's public keys from feeds/root.json and a seed they signed
    #[arg(long)]
    release: bool,
    /// The signed seed feed of a release
    #[arg(long, value_name = "DIR", requires = "release")]
    seed: Option<PathBuf>,
    /// The cargo profile of the binary
    #[arg(long, default_value = "release", conflicts_with = "release")]
    profile: String,
    /// Stop after the seed, for instance before `cargo test`
    #[arg(long, conflicts_with = "release")]
    seed_only: bool,
}

/// Returns the binary.
pub fn main(args: &Args) -> Result<PathBuf> {
    let workspace = Workspace::find()?;
    let mut command = cargo();
    command
        .args([
            "build",
            "--package",
            "clawdefender",
            "--bin",
            "clawdefender",
        ])
        .args(["--profile", &args.profile])
        .current_dir(&workspace.root);
    if args.release {
        let folder = seed::release(&workspace, args.seed.as_deref())?;
        command
            .arg("--locked")
            .env("CLAWDEFENDER_SEED_DIR", folder)
            .env("CLAWDEFENDER_RELEASE_BUILD", "1");
    } else {
        let folder = seed::development(&workspace)?;
        if args.seed_only {
            println!("{}", folder.display());
            return Ok(folder);
        }
    }
    run(command)?;
    // Cargo keeps what the profile `dev` builds in a folder of another name.
    let folder = if args.profile == "dev" {
        "debug"
    } else {
        &args.profile
    };
    let binary = workspace.target.join(folder).join("clawdefender");
    println!("{}", binary.display());
    Ok(binary)
}

impl Args {
    /// What `cargo xtask dist` builds: optimised, without symbols.
    pub fn distribution(seed: Option<PathBuf>) -> Self {
        Self {
            release: seed.is_some(),
            seed,
            profile: "dist".to_owned(),
            seed_only: false,
        }
    }

    /// What `cargo xtask run` builds.
    pub fn development() -> Self {
        Self {
            release: false,
            seed: None,
            profile: "release".to_owned(),
            seed_only: false,
        }
    }
}
