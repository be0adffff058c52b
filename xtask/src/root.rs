//! `cargo xtask feed root`: the root file of a feed, made from public keys.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clawdefender_trust::{Name, PublicKey, RootFile, RootKeys};

use crate::feed::root_of;
use crate::key_file;
use crate::workspace::read;

#[derive(clap::Args)]
pub struct Args {
    /// The public half of the key that signs the feed now: a .pub file
    #[arg(long, value_name = "FILE")]
    current: PathBuf,
    /// Of the key that will take over
    #[arg(long, value_name = "FILE")]
    next: PathBuf,
    /// Of a key that endorses detectors; once for each
    #[arg(long = "code", value_name = "FILE", required = true)]
    codes: Vec<PathBuf>,
    /// The public half of a key that had an office before, in hexadecimal; once for each
    #[arg(long = "retired", value_name = "HEX")]
    retired: Vec<PublicKey>,
    /// What the feed is called: another name for a feed of your own
    #[arg(long, default_value = "official")]
    feed_id: Name,
    #[arg(long, default_value = "stable")]
    channel: Name,
    /// Which link of the key chain `current` is
    #[arg(long, default_value_t = 1)]
    epoch: u64,
    /// The file to write; one without keys is replaced, another is never
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub fn main(args: &Args) -> Result<()> {
    let codes = args
        .codes
        .iter()
        .map(|path| public(path))
        .collect::<Result<_>>()?;
    let file = RootFile {
        feed_id: args.feed_id.clone(),
        channel: args.channel.clone(),
        development: false,
        keys: Some(RootKeys {
            epoch: args.epoch,
            current: public(&args.current)?,
            next: public(&args.next)?,
            code: codes,
            retired: args.retired.clone(),
        }),
    };
    root_of(&file)?;
    let mut bytes = serde_json::to_vec_pretty(&file)?;
    bytes.push(b'\n');
    let empty = std::fs::read(&args.out)
        .ok()
        .and_then(|old| RootFile::parse(&old).ok())
        .is_some_and(|old| old.keys.is_none());
    if empty {
        std::fs::write(&args.out, &bytes)
            .with_context(|| format!("cannot write {}", args.out.display()))?;
    } else {
        key_file::write_public(&args.out, &bytes)?;
    }
    println!("{}", args.out.display());
    println!("have a second person compare it with the screens on which the keys were made");
    Ok(())
}

fn public(path: &std::path::Path) -> Result<PublicKey> {
    let text = String::from_utf8(read(path)?).unwrap_or_default();
    text.trim_end()
        .parse()
        .with_context(|| format!("{} holds no public key", path.display()))
}
