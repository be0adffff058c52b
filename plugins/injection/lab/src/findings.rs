//! `findings`: every finding of the detector as it ships, one line for each labelled row that has
//! any. Two builds that print the same lines find the same; what a change costs is their difference.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clawdefender_sdk::Detector;
use clawdefender_sdk::testing::EventBuilder;
use injection::model::Model;

use crate::Data;
use crate::explain::told;
use crate::feeds::{detector, root};
use crate::rows::{Row, load};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    data: Data,
    /// Another model than the one that ships
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
}

pub fn main(args: &Args) -> Result<()> {
    let shipped = root().join("feeds/models/injection.bin");
    let path = args.model.as_ref().unwrap_or(&shipped);
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    let detector = detector(&Model::parse(&bytes).map_err(anyhow::Error::msg)?)?;
    for source in load(&args.data.folder)? {
        for row in &source.rows {
            let event = EventBuilder::new(row.kind.clone()).text(row.text.as_str());
            for found in detector.inspect(&event.build(), &[]).findings {
                let told = told(&found);
                println!("{}\t{}\t{}\t{told}", label(row), row.source, row.id);
            }
        }
    }
    Ok(())
}

fn label(row: &Row) -> &'static str {
    match row.attack {
        true => "attack",
        false => "benign",
    }
}
