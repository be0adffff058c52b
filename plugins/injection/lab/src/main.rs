//! Trains and measures the injection detector. `cargo xtask train-injection` and
//! `cargo xtask eval-injection` run this in release mode; no part of it ships.

mod baseline;
mod chains;
mod chance;
mod cross;
mod explain;
mod feeds;
mod findings;
mod folds;
mod held;
mod learn;
mod made;
mod packages;
mod rows;
mod speed;
mod table;
mod target;
mod train;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

#[derive(Parser)]
#[command(
    name = "injection-lab",
    about = "Train and measure the injection detector"
)]
enum Verb {
    /// Train the model on rows that may ship, and write it with its provenance
    Train(target::Target),
    /// Train the model of the kill-chain detector and write it with its provenance
    Chains(chains::Args),
    /// Recall and false positives by source and language, leaving whole sources out
    Eval(table::Args),
    /// What the detector as it ships says about single texts
    Explain(explain::Args),
    /// Every finding of the detector as it ships, by labelled row
    Findings(findings::Args),
    /// Microseconds per text on this machine
    Speed(speed::Args),
}

/// Labelled rows: JSON lines in folders, outside the project.
#[derive(clap::Args)]
pub struct Data {
    /// A folder with `README.md` and `*/*.jsonl`; the README's table says which sources may ship
    #[arg(long = "data", value_name = "DIR")]
    pub folder: PathBuf,
}

fn main() -> ExitCode {
    let done = match Verb::parse() {
        Verb::Train(args) => train::main(&args),
        Verb::Chains(args) => chains::main(&args),
        Verb::Eval(args) => table::main(&args),
        Verb::Explain(args) => explain::main(&args),
        Verb::Findings(args) => findings::main(&args),
        Verb::Speed(args) => speed::main(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
