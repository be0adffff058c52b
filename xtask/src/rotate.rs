//! `cargo xtask feed rotate`: the first manifest of the next epoch, and the links from key to key
//! that a machine follows when it missed some.
//!
//! Each first manifest is kept for ever as `rotations/EPOCH.dsse.json`, beside the root file and in
//! every published feed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clawdefender_trust::{
    Envelope, KeyChange, MAX_ROTATIONS, Manifest, Mode, PublicKey, Root, RootFile, RootKeys,
    SecretKey, follow_rotation, seal_manifest,
};

use crate::feed::{refuse_unendorsed, root_of};
use crate::workspace::{now, read, write_if_changed};
use crate::{key_file, tree};

#[derive(clap::Args)]
pub struct Args {
    /// A feed made by `feed build` under the root that is being left, with endorsed detectors
    feed: PathBuf,
    /// The root file; its new state is written to it
    #[arg(long, value_name = "FILE")]
    root: PathBuf,
    /// The pinned next key, which takes over: a file, or env:NAME
    #[arg(long, value_name = "KEY")]
    next: String,
    /// The current key, which agrees. Without it clients warn of an emergency
    #[arg(long, value_name = "KEY")]
    current: Option<String>,
    /// The public half of a new key, the successor of the successor
    #[arg(long, value_name = "HEX")]
    fresh: PublicKey,
}

pub fn main(args: &Args) -> Result<()> {
    let file = RootFile::parse(&read(&args.root)?)?;
    let old = root_of(&file).with_context(|| args.root.display().to_string())?;
    let next = key_file::load(&args.next)?;
    ensure!(
        next.public() == old.next,
        "{} is not the pinned next key {}",
        args.next,
        old.next.id()
    );
    let current = args.current.as_deref().map(key_file::load).transpose()?;
    ensure!(
        current
            .as_ref()
            .is_none_or(|key| key.public() == old.current),
        "the key that should agree is not the current key {}",
        old.current.id()
    );
    let draft = tree::read_draft(&args.feed)?;
    refuse_unendorsed(&draft, &args.feed)?;
    ensure!(
        draft.key_epoch == old.epoch,
        "the feed was built for epoch {}, the root is at {}: `cargo xtask feed build` again",
        draft.key_epoch,
        old.epoch
    );
    let (manifest, envelope) = rotated(draft, args.fresh, &next, current.as_ref())?;
    let epoch = manifest.key_epoch;

    // Nothing is kept before a client that knows only the old keys would accept it.
    let before = std::fs::read(tree::envelope_path(&args.feed)).ok();
    write_if_changed(&tree::envelope_path(&args.feed), &envelope)?;
    let checked = tree::verify(&args.feed, &old, now()?, Mode::Accept);
    let checked = match checked {
        Ok(checked) => checked,
        Err(error) => {
            match before {
                Some(bytes) => drop(write_if_changed(&tree::envelope_path(&args.feed), &bytes)?),
                None => std::fs::remove_file(tree::envelope_path(&args.feed))?,
            }
            return Err(error);
        }
    };
    tree::write_draft(&args.feed, &manifest)?;
    keep(beside(&args.root), epoch, &envelope)?;
    keep(&args.feed, epoch, &envelope)?;
    let file = RootFile {
        keys: Some(RootKeys {
            epoch,
            current: old.next,
            next: args.fresh,
            code: old.code_keys.clone(),
            retired: [&old.retired[..], &[old.current]].concat(),
        }),
        ..file
    };
    let mut bytes = serde_json::to_vec_pretty(&file)?;
    bytes.push(b'\n');
    write_if_changed(&args.root, &bytes)?;

    println!(
        "epoch {epoch}: {} took over, {} is next",
        old.next.id(),
        args.fresh.id()
    );
    println!("{} is dead from now on", old.current.id());
    if checked.manifest.proof().key_change() == KeyChange::Emergency {
        println!("the old key did not agree: clients call this an emergency and tell their users");
    }
    println!(
        "next: publish {}, and commit {} with the new rotations/{epoch}.dsse.json",
        args.feed.display(),
        args.root.display()
    );
    Ok(())
}

/// The draft as the first manifest of the next epoch, and its envelope.
fn rotated(
    draft: Manifest,
    fresh: PublicKey,
    next: &SecretKey,
    current: Option<&SecretKey>,
) -> Result<(Manifest, Vec<u8>)> {
    let manifest = Manifest {
        key_epoch: draft.key_epoch + 1,
        next_public_key: fresh,
        ..draft
    };
    let keys: Vec<&SecretKey> = [Some(next), current].into_iter().flatten().collect();
    let envelope = seal_manifest(&manifest, &keys)?;
    Ok((manifest, envelope))
}

fn beside(root: &Path) -> &Path {
    match root.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn link_path(folder: &Path, epoch: u64) -> PathBuf {
    folder.join("rotations").join(format!("{epoch}.dsse.json"))
}

/// The first manifest of an epoch is one for ever: two would be two successors.
fn keep(folder: &Path, epoch: u64, envelope: &[u8]) -> Result<()> {
    let path = link_path(folder, epoch);
    let other = std::fs::read(&path).is_ok_and(|kept| kept != envelope);
    ensure!(
        !other,
        "{} is another first manifest of epoch {epoch}",
        path.display()
    );
    write_if_changed(&path, envelope)?;
    Ok(())
}

/// Puts the links that are kept beside a root file into a feed that is to be published.
pub fn publish_links(root: &Path, feed: &Path) -> Result<()> {
    let Ok(listing) = std::fs::read_dir(beside(root).join("rotations")) else {
        return Ok(());
    };
    for entry in listing {
        let entry = entry?;
        let to = feed.join("rotations").join(entry.file_name());
        write_if_changed(&to, &read(&entry.path())?)?;
    }
    Ok(())
}

/// The links that a published feed has, by epoch: as many of the newest as a pack may have.
pub fn links(feed: &Path) -> Result<BTreeMap<u64, Vec<u8>>> {
    let mut links = BTreeMap::new();
    let Ok(listing) = std::fs::read_dir(feed.join("rotations")) else {
        return Ok(links);
    };
    for entry in listing {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let epoch = name
            .and_then(|name| name.strip_suffix(".dsse.json")?.parse().ok())
            .with_context(|| format!("{} is no link", path.display()))?;
        links.insert(epoch, read(&path)?);
    }
    while links.len() as u64 > MAX_ROTATIONS {
        links.pop_first();
    }
    Ok(links)
}

/// The root from which the feed's own manifest can be verified: `root`, or what the published links
/// lead to. What the manifest says of its epoch only tells how many are needed.
pub fn caught_up(feed: &Path, root: Root) -> Result<Root> {
    let envelope = Envelope::parse(&read(&tree::envelope_path(feed))?)?;
    let claimed: Manifest = serde_json::from_slice(envelope.payload())
        .with_context(|| format!("{} holds no manifest", feed.display()))?;
    let missed = claimed.key_epoch.saturating_sub(root.epoch);
    ensure!(
        missed <= MAX_ROTATIONS,
        "it is {missed} epochs ahead, at most {MAX_ROTATIONS} are followed"
    );
    let mut root = root;
    while root.epoch + 1 < claimed.key_epoch {
        let epoch = root.epoch + 1;
        let link = read(&link_path(feed, epoch))
            .with_context(|| format!("the link to epoch {epoch} is missing"))?;
        (root, _) = follow_rotation(&link, &root)
            .with_context(|| format!("the link to epoch {epoch} is refused"))?;
        println!("followed the link to epoch {epoch}");
    }
    Ok(root)
}
