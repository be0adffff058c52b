//! `wrap` and `unwrap`: routing clients' servers through us, and back. Works without a daemon.

use super::exit::{Exit, Failure};
use super::terminal::Terminal;

/// Route MCP servers of a client through ClawDefender
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  clawdefender wrap --all --dry-run     show what would change
  clawdefender wrap --all
  clawdefender wrap github --client cursor")]
pub struct WrapArgs {
    /// Servers by their name in the client's configuration
    #[arg(value_name = "SERVER", required_unless_present = "all")]
    servers: Vec<String>,
    /// Only this client: claude-code or cursor
    #[arg(long)]
    client: Option<String>,
    /// Every server
    #[arg(long, conflicts_with = "servers")]
    all: bool,
    /// Show the change and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// Put servers back as they were; `--all` is the way to uninstall
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  clawdefender unwrap --all
  clawdefender unwrap github")]
pub struct UnwrapArgs {
    /// Servers by their name in the client's configuration
    #[arg(value_name = "SERVER", required_unless_present = "all")]
    servers: Vec<String>,
    /// Every server
    #[arg(long, conflicts_with = "servers")]
    all: bool,
}

pub fn wrap(_args: &WrapArgs, _terminal: &Terminal) -> anyhow::Result<Exit> {
    Err(Failure::new(Exit::Failed, "wrap", "not wired").into())
}

pub fn unwrap(_args: &UnwrapArgs, _terminal: &Terminal) -> anyhow::Result<Exit> {
    Err(Failure::new(Exit::Failed, "unwrap", "not wired").into())
}
