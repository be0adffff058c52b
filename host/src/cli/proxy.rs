//! `proxy`: what a wrapped client configuration starts. Everything is done in the `proxy` module.

use super::daemon::log_to_stderr;
use super::exit::{Exit, Failure, home};
use crate::proxy::{Errand, ProxyError};
use std::ffi::OsString;
use std::process::ExitCode;

/// Run an MCP server with every message inspected; `wrap` writes this into client configurations
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  clawdefender proxy --server github -- npx -y @modelcontextprotocol/server-github

Ends with the server's exit code.")]
pub struct Args {
    /// The server's name in the client's configuration
    #[arg(long, value_name = "NAME")]
    pub server: String,
    /// The server's own command line
    #[arg(last = true, required = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    if std::env::var_os("CLAWDEFENDER_LOG").is_some() {
        log_to_stderr()?;
    }
    let errand = Errand {
        home: home()?,
        server: args.server,
        command: args.command,
    };
    crate::proxy::run(&errand).map_err(|error| failure(&error).into())
}

fn failure(error: &ProxyError) -> Failure {
    match error {
        ProxyError::Contact(error) => Failure::contact(error),
        ProxyError::Spawn { .. } => Failure::new(Exit::Failed, "server-start", error.to_string())
            .hint("check the command after `--` in the client's configuration"),
        _ => Failure::new(Exit::Failed, "proxy", error.to_string()),
    }
}
