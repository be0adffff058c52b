//! `selftest`: proof that a wrapped server is guarded, by canaries through the real path.

use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use std::path::PathBuf;

/// Send canaries through a real wrapped server and show where they stopped
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  clawdefender selftest\n  clawdefender selftest --json")]
pub struct Args {}

/// A tiny MCP server that the self-test is run against
#[derive(clap::Args)]
pub struct ServerArgs {
    file: PathBuf,
}

pub fn run(_args: &Args, _terminal: &Terminal) -> anyhow::Result<Exit> {
    Err(Failure::new(Exit::Failed, "selftest", "not wired").into())
}

pub fn serve(args: &ServerArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("not wired: {}", args.file.display())
}
