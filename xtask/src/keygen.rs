//! `cargo xtask keygen`: one key file and its public half.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clawdefender_trust::Name;

use crate::key_file;

#[derive(clap::Args)]
pub struct Args {
    /// The folder for the key file; made if missing
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The file is called NAME.key
    #[arg(long, default_value = "feed")]
    name: Name,
}

pub fn main(args: &Args) -> Result<()> {
    std::fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot make {}", args.out.display()))?;
    let path = args.out.join(format!("{}.key", args.name));
    let public = key_file::create(&path)?.public();
    println!("{}", path.display());
    println!("public key  {public}");
    println!("key id      {}", public.id());
    println!("Keep the file offline, in two places. The public key is what others need.");
    Ok(())
}
