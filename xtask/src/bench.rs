//! `cargo xtask bench`: the seed, then the benches, which print what they measured.
//!
//! No budget is enforced here: docs/performance.md says what the figures mean and where they were
//! taken.

use anyhow::Result;

use crate::seed;
use crate::workspace::{Workspace, cargo, run};

#[derive(clap::Args)]
pub struct Args {
    /// One bench: `path` (calls through the proxy beside direct ones, by size and calls in flight,
    /// and where the added time goes), `http` (the same over HTTP), `inspect` (parts), `sandbox`
    /// (WASM to native) or `shard` (a blocklist of a million packages)
    #[arg(value_parser = NAMES)]
    name: Option<String>,
    /// For the bench itself, after `--`: of `path`, `--seconds N` for each cell of its matrix,
    /// `--first` for the first cell alone, `--against BINARY` for another build in the same run
    #[arg(last = true)]
    rest: Vec<String>,
}

const NAMES: [&str; 5] = ["path", "http", "sandbox", "inspect", "shard"];

pub fn main(args: &Args) -> Result<()> {
    let workspace = Workspace::find()?;
    seed::development(&workspace)?;
    for name in NAMES {
        if args.name.as_deref().is_some_and(|wanted| wanted != name) {
            continue;
        }
        let package = match name {
            "shard" => "supply-chain",
            _ => "clawdefender",
        };
        let mut bench = cargo();
        bench
            .args(["bench", "--package", package, "--bench", name, "--"])
            .args(&args.rest)
            .current_dir(&workspace.root);
        run(bench)?;
    }
    Ok(())
}
