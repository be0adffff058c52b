//! `cargo xtask sign`: one plugin as a signed feed of its own, for people who trust its author.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clawdefender_trust::{Mode, Name, SecretKey, endorse, meet, seal_manifest};

use crate::draft::{self, Item, manifest};
use crate::plugin::Plugin;
use crate::workspace::{Workspace, now, write_if_changed};
use crate::{guest, key_file, threat_data, tree};

#[derive(clap::Args)]
pub struct Args {
    /// The plugin's folder, with its plugin.toml
    plugin: PathBuf,
    /// The author's key file; its successor is kept beside it as KEY.next
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// What the feed is called; the plugin's id when absent. All its names start with it
    #[arg(long, value_name = "ID")]
    feed_id: Option<Name>,
    /// How long users may install it before it must be signed again
    #[arg(long, default_value_t = 365)]
    days: u32,
    /// Where the feed is written
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub fn main(args: &Args) -> Result<()> {
    let workspace = Workspace::find()?;
    let key = key_file::load(&args.key.to_string_lossy())?;
    let next = next_key(&args.key)?;
    let plugin = Plugin::load(&args.plugin)?;
    let feed_id = args.feed_id.clone().unwrap_or_else(|| plugin.id.clone());

    let component = guest::build_one(&workspace, &args.plugin)?;
    let mut items = vec![Item::detector(&plugin, component, true)?];
    for path in plugin.data_files(&args.plugin, &workspace.root)? {
        items.push(threat_data::compile(&path)?);
    }
    items.extend(draft::vectors(&plugin, &args.plugin));
    publish(&key, &next, &feed_id, &mut items, args.days, &args.out)?;
    println!("signed feed {feed_id} in {}", args.out.display());
    println!(
        "next key    {} (keep it offline: it takes over if the first is lost)",
        next.public()
    );
    println!("to use it:");
    println!(
        "  clawdefender plugin install {} --key {}",
        args.out.display(),
        key.public()
    );
    Ok(())
}

/// Signs `items` as a feed of their own and verifies the result as a user's machine will.
fn publish(
    key: &SecretKey,
    next: &SecretKey,
    feed_id: &Name,
    items: &mut [Item],
    days: u32,
    out: &Path,
) -> Result<()> {
    let official: Name = "official".parse()?;
    ensure!(
        *feed_id != official,
        "feed id `{official}` is taken: choose another with --feed-id"
    );
    for item in items.iter_mut() {
        if item.entry.to_endorse().is_some() {
            item.entry.endorsement = Some(endorse(&item.entry, key)?);
        }
    }
    let root = clawdefender_trust::Root {
        feed_id: feed_id.clone(),
        channel: "stable".parse()?,
        epoch: 1,
        current: key.public(),
        next: next.public(),
        retired: Vec::new(),
        code_keys: vec![key.public()],
        scope: clawdefender_trust::Scope::Everything,
        max_lifetime_days: days,
    };
    let issued = now()?;
    let envelope = seal_manifest(&manifest(&root, items, issued, days)?, &[key])?;
    tree::write_blobs(out, items)?;
    write_if_changed(&tree::envelope_path(out), &envelope)?;

    let met = meet(&envelope, key.public(), &official)?;
    tree::verify(out, &met, issued, Mode::Accept).context(
        "users would refuse this feed: names must be the feed id or start with it and one of . _ -",
    )?;
    Ok(())
}

/// The successor, made on first need beside the key.
fn next_key(key: &Path) -> Result<SecretKey> {
    let mut path = key.as_os_str().to_owned();
    path.push(".next");
    let path = PathBuf::from(path);
    if path.exists() {
        key_file::load(&path.to_string_lossy())
    } else {
        key_file::create(&path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(folder: &Path, name: &str) -> Item {
        let path = folder.join("x.toml");
        let head = format!(
            "[artifact]\nkind='signatures'\nname='{name}'\nversion='1'\nschema=1\ndetector='acme'"
        );
        std::fs::write(&path, format!("{head}\n[[entries]]\na=1")).unwrap();
        threat_data::compile(&path).unwrap()
    }

    fn detector() -> Item {
        let bytes = b"\0asm".to_vec();
        let entry = clawdefender_trust::ArtifactEntry {
            kind: clawdefender_trust::Kind::Detector,
            name: "acme".parse().unwrap(),
            version: "1.0.0".parse().unwrap(),
            abi: Some(clawdefender_trust::ABI),
            schema: None,
            detector: None,
            sha256: clawdefender_trust::Sha256Digest::of(&bytes),
            length: bytes.len() as u64,
            entries: None,
            required: true,
            endorsement: None,
            limits: None,
        };
        Item { entry, bytes }
    }

    #[test]
    fn a_feed_under_its_own_name_verifies_and_under_anothers_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acme.key");
        let key = key_file::create(&path).unwrap();
        let next = next_key(&path).unwrap();
        assert_eq!(
            next.public(),
            next_key(&path).unwrap().public(),
            "made once"
        );
        assert_ne!(next.public(), key.public());

        let publish = |feed: &str, name: &str| {
            let mut items = [detector(), data(folder.path(), name)];
            publish(
                &key,
                &next,
                &feed.parse().unwrap(),
                &mut items,
                365,
                &folder.path().join("out"),
            )
        };
        publish("acme", "acme.rules").unwrap();
        assert!(publish("acme", "injection").is_err());
        assert!(publish("official", "official").is_err());
    }
}
