//! `inspect`: the real detectors and policy over JSON lines, without a daemon. The judging is the
//! daemon's; here only files are opened.

use super::escape;
use super::exit::{Exit, Failure, home};
use crate::daemon::DaemonError;
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::PathBuf;

/// Judge messages from a file: JSON lines in, one JSON line out for each; nothing is recorded
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  echo '{\"id\":1,\"kind\":\"tool-result\",\"text\":\"12 °C, sunny\"}' | clawdefender inspect
  clawdefender inspect --policy policy.toml messages.jsonl")]
pub struct Args {
    /// A policy file instead of the one in force
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// JSON lines; `-` or nothing reads stdin
    #[arg(value_name = "FILE")]
    input: Option<PathBuf>,
}

pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let home = home()?;
    let mut input: Box<dyn BufRead> = match args.input.as_deref().filter(|path| *path != "-") {
        None => Box::new(std::io::stdin().lock()),
        Some(path) => Box::new(BufReader::new(File::open(path).map_err(|error| {
            Failure::new(
                Exit::Failed,
                "unreadable",
                format!("{}: {error}", path.display()),
            )
        })?)),
    };
    let mut out = std::io::stdout().lock();
    let mut output = |answer: &Value| {
        writeln!(out, "{}", escape::json(&answer.to_string()))?;
        out.flush()
    };
    match crate::daemon::inspector::run(&home, args.policy.as_deref(), &mut *input, &mut output) {
        // A reader that has left wants no more answers.
        Err(DaemonError::Io(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(Exit::Done),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(Exit::Done),
    }
}
