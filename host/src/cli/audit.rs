//! `audit`: finding records, and checking that none was changed. Reads the segments, needs no daemon.

use super::exit::{Exit, Failure};
use super::terminal::Terminal;

/// Search and verify the audit log
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Find records, newest first
    #[command(after_help = "\
Examples:
  clawdefender audit search verdict:deny since:1h
  clawdefender audit search 'server:github tool:write_* -rule:default:*' --limit 5")]
    Search {
        /// Terms such as server:NAME, tool:write_*, verdict:deny, since:1h, \"free text\", -rule:X
        #[arg(value_name = "QUERY", allow_hyphen_values = true)]
        query: Vec<String>,
        /// At most this many
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Show one record, by its call id
    #[command(after_help = "Examples:\n  clawdefender audit show c7f2kq3a")]
    Show { id: String },
    /// Check every link, hash and signature
    #[command(after_help = "\
Examples:
  clawdefender audit verify
  clawdefender audit verify --json

Ends with 3 and the first broken record when something was changed.")]
    Verify,
}

pub fn run(args: &Args, _terminal: &Terminal) -> anyhow::Result<Exit> {
    match &args.verb {
        Verb::Search { query: _, limit: _ } | Verb::Show { id: _ } => {}
        Verb::Verify => {}
    }
    Err(Failure::new(Exit::Failed, "audit", "not wired").into())
}
