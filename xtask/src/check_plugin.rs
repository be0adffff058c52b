//! `cargo xtask check-plugin`: does it build, is it a detector, does it reach nothing?

use std::path::PathBuf;

use anyhow::Result;
use clawdefender_trust::Sha256Digest;

use crate::draft::Item;
use crate::guest;
use crate::plugin::Plugin;
use crate::threat_data;
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub struct Args {
    /// The plugin's folder
    path: PathBuf,
}

pub fn main(args: &Args) -> Result<()> {
    let workspace = Workspace::find()?;
    let plugin = Plugin::load(&args.path)?;
    for path in plugin.data_files(&args.path, &workspace.root)? {
        let item = threat_data::compile(&path)?;
        println!(
            "{:<11} {} {} bytes",
            item.entry.kind, item.entry.name, item.entry.length
        );
    }
    let component = guest::build_one(&workspace, &args.path)?;
    let digest = Sha256Digest::of(&component.bytes);
    let item = Item::detector(&plugin, component, false)?;
    println!(
        "detector    {} {} {} bytes",
        plugin.id, plugin.version, item.entry.length
    );
    println!("sha256      {digest}");
    println!("imports     none");
    Ok(())
}
