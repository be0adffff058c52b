//! `cargo xtask keygen`: one key file, and its public half beside it.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clawdefender_trust::Name;

use crate::{key_file, release_key};

#[derive(clap::Args)]
pub struct Args {
    /// The folder for the key file; made if missing
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The files are called NAME.key and NAME.pub
    #[arg(long, default_value = "feed")]
    name: Name,
    /// Make a key for releases of the program, in minisign's form
    #[arg(long)]
    release: bool,
}

pub fn main(args: &Args) -> Result<()> {
    std::fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot make {}", args.out.display()))?;
    let path = args.out.join(format!("{}.key", args.name));
    if args.release {
        let public = release_key::create(&args.out, args.name.as_str())?;
        println!("{}", path.display());
        println!(
            "public key  {}",
            clawdefender_trust::release_public_line(&public)
        );
        println!("key id      {}", public.id());
        println!("Keep the file offline. The .pub file beside it becomes feeds/release.pub.");
        return Ok(());
    }
    let key = key_file::create(&path)?;
    let public = key.public();
    // A key that can't sign is found out now and not on the day when it is needed.
    anyhow::ensure!(
        public.verifies(b"trial", &key.sign(b"trial")),
        "the new key does not sign"
    );
    let beside = args.out.join(format!("{}.pub", args.name));
    key_file::write_public(&beside, format!("{public}\n").as_bytes())?;
    println!("{}", path.display());
    println!("public key  {public}");
    println!("key id      {}", public.id());
    println!("Keep the file offline, in two places. The public key is what others need.");
    Ok(())
}
