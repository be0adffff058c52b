//! `proxy`: what a wrapped client configuration starts. Everything is done in the `proxy` module.

use super::daemon::log_to_stderr;
use super::exit::{Exit, Failure, home};
use super::remote::{self, Remote};
use crate::proxy::{Errand, ProxyError};
use std::ffi::OsString;
use std::process::ExitCode;

/// Run an MCP server with every message inspected; `wrap` writes this into client configurations
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  clawdefender proxy --server github -- npx -y @modelcontextprotocol/server-github
  clawdefender proxy --server tracker --url https://mcp.example/mcp
  TOKEN='Bearer …' clawdefender proxy --server tracker --url https://mcp.example/mcp \\
      --header-env Authorization=TOKEN
  clawdefender proxy --server lab --url https://lab.internal/mcp --ca-file lab-ca.pem

With a command it ends with the server's exit code. With a URL it speaks MCP over HTTP to a server
that runs elsewhere; tokens are given in variables, a login in the browser is not possible.")]
pub struct Args {
    /// The server's name in the client's configuration
    #[arg(long, value_name = "NAME")]
    pub server: String,
    /// A server over HTTP instead of a command; plain http only on this machine
    #[arg(long, value_name = "URL", conflicts_with = "command")]
    pub url: Option<String>,
    /// Send a header that is no secret: 'X-Region: eu'
    #[arg(long, value_name = "NAME: VALUE", requires = "url")]
    pub header: Vec<String>,
    #[command(flatten)]
    pub remote: Remote,
    /// How the client's entry was written; only `unwrap` reads it
    #[arg(long, value_name = "KEY:TYPE", requires = "url", hide = true)]
    pub entry: Option<String>,
    /// The server's own command line
    #[arg(last = true, required_unless_present = "url", value_name = "CMD")]
    pub command: Vec<OsString>,
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    if std::env::var_os("CLAWDEFENDER_LOG").is_some() {
        log_to_stderr()?;
    }
    let mut errand = Errand {
        home: home()?,
        server: args.server,
        command: args.command,
        env: Vec::new(),
        origin: None,
    };
    if let Some(url) = &args.url {
        let bridged = remote::bridged(url, &args.header, &args.remote)?;
        errand.command = bridged.command;
        errand.env = bridged.env;
        errand.origin = Some(bridged.origin);
    } else if !args.header.is_empty() || args.remote.is_given() {
        // The parser does not see it: a command excludes the `--url` that they ask for.
        let why = "a command has no headers, certificate authorities or transport";
        let failure = Failure::new(Exit::Usage, "proxy", why);
        return Err(failure
            .hint("give the server's --url, or leave them out")
            .into());
    }
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
