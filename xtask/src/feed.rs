//! `cargo xtask feed`: import, build, endorse, sign and verify the official feed, one office at a time, so
//! that the code key can stay on another machine than the feed key. Changing the keys is in
//! `rotate`, trying a feed out in `serve`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clawdefender_trust::{
    ArtifactEntry, KeyChange, Kind, Manifest, Mode, Root, RootFile, RootFileError, SecretKey,
    Timestamp, endorse, seal_manifest,
};

use supply_chain::advisory::Artifact;
use supply_chain::package::Ecosystem;
use supply_chain::shard::{self, Shard};

use crate::draft::{Item, manifest, official_items};
use crate::workspace::{Workspace, now, read, write_if_changed};
use crate::{dev_root, key_file, osv, root, rotate, serve, tree, withdrawn};

#[derive(clap::Subcommand)]
pub enum Verb {
    /// Turn a folder of OSV advisories into a shard of the blocklist
    ImportOsv(ImportOsv),
    /// Build detectors and threat data into an unsigned feed
    Build(Build),
    /// Put a code key's word into every detector of an unsigned feed
    Endorse(Endorse),
    /// Sign a feed with the feed key
    Sign(Sign),
    /// Verify a signed feed as a client would
    Verify(Verify),
    /// Write a root file from public keys
    Root(root::Args),
    /// Sign the first feed of the next key epoch and write the new root
    Rotate(rotate::Args),
    /// Serve a feed on this machine, to try it
    Serve(serve::Args),
}

#[derive(clap::Args)]
pub struct ImportOsv {
    /// A folder of JSON files, at any depth
    folder: PathBuf,
    /// The shard; its name without the ending names the artifact
    #[arg(long, value_name = "FILE", default_value = "target/osv.shard")]
    out: PathBuf,
}

#[derive(clap::Args)]
pub struct Build {
    /// Where the feed is written
    #[arg(long, value_name = "DIR", default_value = "target/feed")]
    out: PathBuf,
    /// The public keys; the development root when absent
    #[arg(long, value_name = "FILE")]
    root: Option<PathBuf>,
    /// When it is issued; now when absent. The same moment gives the same bytes
    #[arg(long, value_name = "RFC3339")]
    issued: Option<Timestamp>,
    /// A shard made by `feed import-osv`; may be repeated
    #[arg(long, value_name = "FILE")]
    shard: Vec<PathBuf>,
    /// The oldest program that may use it: after new keys, the first that has them
    #[arg(long, value_name = "VERSION")]
    min_host: Option<String>,
    /// How long it lives
    #[arg(long, default_value_t = clawdefender_trust::MAX_LIFETIME_DAYS)]
    days: u32,
}

#[derive(clap::Args)]
pub struct Endorse {
    /// A feed made by `feed build`
    feed: PathBuf,
    /// The code key: a file, or env:NAME for an environment variable
    #[arg(long, value_name = "KEY")]
    key: String,
}

#[derive(clap::Args)]
pub struct Sign {
    /// A feed whose detectors are endorsed
    feed: PathBuf,
    /// The feed key: a file, or env:NAME for an environment variable. Once for each signature
    #[arg(long = "key", value_name = "KEY", required = true)]
    keys: Vec<String>,
}

#[derive(clap::Args)]
pub struct Verify {
    /// A signed feed
    feed: PathBuf,
    /// The public keys; the development root when absent
    #[arg(long, value_name = "FILE")]
    root: Option<PathBuf>,
    /// Accept one that has expired, and say so
    #[arg(long)]
    stale: bool,
}

pub fn main(verb: Verb) -> Result<()> {
    match verb {
        Verb::ImportOsv(args) => import_osv(&args),
        Verb::Build(args) => build(&args),
        Verb::Endorse(args) => add_endorsements(&args),
        Verb::Sign(args) => sign(&args),
        Verb::Verify(args) => verify(&args),
        Verb::Root(args) => root::main(&args),
        Verb::Rotate(args) => rotate::main(&args),
        Verb::Serve(args) => serve::main(&args),
    }
}

fn import_osv(args: &ImportOsv) -> Result<()> {
    let import = osv::import(&args.folder)?;
    for (why, count) in &import.left_out {
        println!("{count:>8} left out: {why}");
    }
    ensure!(
        !import.entries.is_empty(),
        "no advisory in {} can be used",
        args.folder.display()
    );
    let artifact = Artifact {
        entries: import.entries,
        ..Artifact::default()
    };
    let bytes = shard::compile(&artifact)?;
    refuse_accidents(&artifact, &bytes)?;
    write_if_changed(&args.out, &bytes)?;
    let out = args.out.display();
    println!(
        "{:>8} entries, {} bytes in {out}",
        artifact.entries.len(),
        bytes.len()
    );
    println!("next: cargo xtask feed build --shard {out}");
    Ok(())
}

/// A well-known name must not be met by the hash of another: that would be a false alarm for
/// everybody, and somebody may have worked for it.
fn refuse_accidents(artifact: &Artifact, bytes: &[u8]) -> Result<()> {
    let path = Workspace::find()?.root.join("feeds/data/names.toml");
    let text = String::from_utf8(read(&path)?)?;
    let mut table: toml::Table = toml::from_str(&text)?;
    table.remove("artifact");
    let names: Artifact = table
        .try_into()
        .with_context(|| path.display().to_string())?;
    let shard = Shard::open(bytes.to_vec())?;
    let listed: BTreeSet<(Ecosystem, String)> = artifact
        .entries
        .iter()
        .filter_map(|entry| {
            let ecosystem = Ecosystem::parse(&entry.ecosystem)?;
            Some((ecosystem, ecosystem.normalise(&entry.name)))
        })
        .collect();
    for (id, names) in names.well_known.iter().chain(&names.neighbours) {
        let ecosystem = Ecosystem::parse(id).context("a list of names of an unknown ecosystem")?;
        for name in names {
            let met = !shard.look_up(ecosystem, name).is_empty();
            ensure!(
                !met || listed.contains(&(ecosystem, ecosystem.normalise(name))),
                "{id}:{name} is met by another package's key: leave that one out"
            );
        }
    }
    Ok(())
}

fn build(args: &Build) -> Result<()> {
    let workspace = Workspace::find()?;
    let root = root(&workspace, args.root.as_ref())?;
    let issued = args.issued.map_or_else(now, Ok)?;
    let mut items = official_items(&workspace)?;
    for path in &args.shard {
        items.push(Item::shard(path, issued)?);
    }
    let mut manifest = manifest(&root, &items, issued, args.days)?;
    if let Some(oldest) = &args.min_host {
        let oldest = oldest
            .parse()
            .with_context(|| format!("--min-host: `{oldest}` is no version"))?;
        // What it says already is what reading this feed takes.
        manifest.min_host = manifest.min_host.max(oldest);
    }
    withdrawn::apply(&workspace.root.join("feeds/withdrawn.toml"), &mut manifest)?;
    tree::write_blobs(&args.out, &items)?;
    tree::write_draft(&args.out, &manifest)?;
    if let Some(root) = &args.root {
        rotate::publish_links(root, &args.out)?;
    }
    for item in &items {
        let entry = &item.entry;
        println!(
            "{:<11} {} {} {} bytes",
            entry.kind, entry.name, entry.version, entry.length
        );
    }
    let out = args.out.display();
    println!("unsigned feed version {} in {out}", manifest.version);
    println!("next: cargo xtask feed endorse {out} --key CODE.key");
    Ok(())
}

fn add_endorsements(args: &Endorse) -> Result<()> {
    let key = key_file::load(&args.key)?;
    let mut manifest = tree::read_draft(&args.feed)?;
    for entry in manifest
        .artifacts
        .iter_mut()
        .filter(|entry| entry.kind == Kind::Detector)
    {
        // Endorse what is there, not what the draft says is there.
        let bytes = read(&tree::blob_path(&args.feed, &entry.sha256))?;
        let found = clawdefender_trust::Sha256Digest::of(&bytes);
        ensure!(
            found == entry.sha256,
            "{}: its bytes have digest {found}",
            entry.name
        );
        entry.endorsement = Some(endorse(entry, &key)?);
        println!("{} {} {}", entry.name, entry.version, entry.sha256);
    }
    tree::write_draft(&args.feed, &manifest)?;
    println!("endorsed by {}", key.public().id());
    println!(
        "next: cargo xtask feed sign {} --key FEED.key",
        args.feed.display()
    );
    Ok(())
}

fn sign(args: &Sign) -> Result<()> {
    let keys = args.keys.iter().map(|key| key_file::load(key));
    let keys: Vec<SecretKey> = keys.collect::<Result<_>>()?;
    let manifest = tree::read_draft(&args.feed)?;
    refuse_unendorsed(&manifest, &args.feed)?;
    let envelope = seal_manifest(&manifest, &keys.iter().collect::<Vec<_>>())?;
    write_if_changed(&tree::envelope_path(&args.feed), &envelope)?;
    for key in &keys {
        println!(
            "signed version {} by {}",
            manifest.version,
            key.public().id()
        );
    }
    println!("next: cargo xtask feed verify {}", args.feed.display());
    Ok(())
}

/// Clients refuse a detector without the code key's word, so it is not signed.
pub fn refuse_unendorsed(manifest: &Manifest, feed: &Path) -> Result<()> {
    let bare = |entry: &&ArtifactEntry| entry.kind == Kind::Detector && entry.endorsement.is_none();
    if let Some(entry) = manifest.artifacts.iter().find(bare) {
        anyhow::bail!(
            "detector {} is not endorsed: `cargo xtask feed endorse {} --key CODE.key` first",
            entry.name,
            feed.display()
        );
    }
    Ok(())
}

fn verify(args: &Verify) -> Result<()> {
    let root = root(&Workspace::find()?, args.root.as_ref())?;
    let root = rotate::caught_up(&args.feed, root)?;
    let mode = if args.stale {
        Mode::Reload
    } else {
        Mode::Accept
    };
    let checked = tree::verify(&args.feed, &root, now()?, mode)?;
    let manifest = &checked.manifest;
    println!(
        "good: feed {} {} version {}, {} artifacts, until {}",
        manifest.feed_id,
        manifest.channel,
        manifest.version,
        checked.artifacts.len(),
        manifest.expires
    );
    if manifest.is_stale() {
        println!("stale: it has expired");
    }
    match manifest.proof().key_change() {
        KeyChange::Steady => {}
        KeyChange::Rotated => println!("it rotates the keys to epoch {}", manifest.key_epoch),
        KeyChange::Emergency => println!(
            "it rotates the keys to epoch {} without the old key: clients call that an emergency",
            manifest.key_epoch
        ),
    }
    Ok(())
}

/// The root in a file, or this machine's development root.
pub fn root(workspace: &Workspace, file: Option<&PathBuf>) -> Result<Root> {
    let Some(path) = file else {
        return Ok(dev_root::open(workspace)?.file.root()?);
    };
    root_of(&RootFile::parse(&read(path)?)?).with_context(|| path.display().to_string())
}

/// The root of a file, with the next step when the owner has not made keys yet.
pub fn root_of(file: &RootFile) -> Result<Root> {
    match file.root() {
        Err(RootFileError::NoKeys) => anyhow::bail!(
            "it has no keys yet: the owner makes them with `cargo xtask keygen` (feed, next, code) \
             and writes the public halves into it, see docs/security-keys.md"
        ),
        other => Ok(other?),
    }
}
