//! `cargo xtask eval-chains`: labelled trajectories told to the kill-chain detector, natively.
//!
//! Prints, per suite, how many attacks were stopped in time and how many benign trajectories were
//! disturbed. Nothing is fitted here and nothing is judged: the figures are for the reader. In the
//! product other detectors look at the same messages; these figures are for this one alone.

mod row;
mod session;
mod tally;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::workspace::Workspace;
use row::{Label, Row};
use session::Session;
use tally::{Outcome, Tally};

#[derive(clap::Args)]
pub struct Args {
    /// Files of JSON lines, or folders of them: rows of kind `trajectory` and `tool-call`
    #[arg(long, required = true)]
    data: Vec<PathBuf>,
    /// Only suites whose name contains this
    #[arg(long)]
    suite: Option<String>,
    /// Another model of passages, as `train-chains --without` writes [default: the one that ships]
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Prints the rows that came out wrong: missed attacks and disturbed benign ones
    #[arg(long)]
    rows: bool,
}

pub fn main(args: &Args) -> Result<()> {
    let workspace = Workspace::find()?;
    let data = crate::threat_data::compile(&workspace.root.join("feeds/data/chains.toml"))?;
    let shipped = || workspace.root.join("feeds/models/chains.bin");
    let model = crate::workspace::read(&args.model.clone().unwrap_or_else(shipped))?;
    let mut session = Session::new(&data, model)?;
    let mut suites: BTreeMap<(String, Label), Tally> = BTreeMap::new();
    for file in files(&args.data)? {
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        for (number, line) in text.lines().enumerate() {
            let row = Row::read(line)
                .with_context(|| format!("{}, line {}", file.display(), number + 1))?;
            let Some(row) = row else { continue };
            if args
                .suite
                .as_ref()
                .is_some_and(|wanted| !row.suite.contains(wanted.as_str()))
            {
                continue;
            }
            let outcome = Outcome::of(&row, &session.run(&row));
            if args.rows && outcome.is_wrong(row.label) {
                println!("{} {} {}: {outcome}", row.suite, row.label.word(), row.id);
            }
            suites
                .entry((row.suite, row.label))
                .or_default()
                .add(outcome);
        }
    }
    ensure!(
        !suites.is_empty(),
        "no rows of kind trajectory or tool-call"
    );
    for ((suite, label), tally) in &suites {
        tally.print(suite, *label);
    }
    Ok(())
}

/// The `.jsonl` files that `places` name, sorted.
fn files(places: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for place in places {
        collect(place, &mut found)?;
    }
    found.sort();
    Ok(found)
}

fn collect(place: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    if place.is_file() {
        found.push(place.to_owned());
        return Ok(());
    }
    let entries =
        std::fs::read_dir(place).with_context(|| format!("cannot read {}", place.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, found)?;
        } else if path.extension().is_some_and(|ext| ext == "jsonl") {
            found.push(path);
        }
    }
    Ok(())
}
