//! The shim: what a client's configuration starts instead of the server.
//!
//! It starts the real server as its child, holds every message until the daemon has ruled on it,
//! and passes the original bytes on. No policy lives here, so none can be bypassed here; without a
//! daemon nothing passes.

mod child;
mod contact;
mod ending;
mod outlet;
mod refuse;
mod relay;

pub use contact::{ContactError, connect, ensure_daemon};

use crate::config::Home;
use crate::event::Launch;
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

/// What the shim is to do.
pub struct Errand {
    pub home: Home,
    /// The server's name in the client's configuration.
    pub server: String,
    /// The real server's command line.
    pub command: Vec<OsString>,
    /// Variables that only the server gets; their values are recorded nowhere.
    pub env: Vec<(String, OsString)>,
    /// Where the server is, when `command` is our own bridge to it.
    pub origin: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    #[error(transparent)]
    Contact(#[from] ContactError),
    #[error("the server command `{command}` could not be started: {source}")]
    Spawn {
        command: String,
        source: std::io::Error,
    },
    #[error("the server command is not valid UTF-8")]
    Encoding,
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Variables that change what a launcher runs. The daemon sees these and no others: the rest of
/// the environment may hold secrets and is none of its business.
const LAUNCH_VARIABLES: &[&str] = &[
    "npm_config_",
    "NPM_CONFIG_",
    "UV_",
    "PIP_",
    "PIPX_",
    "PYTHONPATH",
    "PYTHONHOME",
    "NODE_OPTIONS",
    "NODE_PATH",
    "BUN_",
    "DENO_",
    "YARN_",
    "PNPM_",
    "COREPACK_",
    "DOCKER_HOST",
    "PATH",
    "LD_PRELOAD",
];

/// Runs the shim until the client or the server ends. The answer is the server's exit code.
///
/// # Errors
/// [`ProxyError`] before the relay begins; afterwards failures are answered on the wire.
pub fn run(errand: &Errand) -> Result<ExitCode, ProxyError> {
    let launch = Launch {
        origin: errand.origin.clone(),
        ..launch(&errand.command)?
    };
    let link = format!("{:08x}{:08x}", rand::random::<u32>(), std::process::id());
    let greeting = contact::Greeting {
        link,
        server: errand.server.clone(),
        launch,
    };
    let (stream, welcome) = match contact::greet_patiently(&errand.home, &greeting) {
        Ok(answer) => answer,
        Err(error) => {
            // Nothing was started. The client still gets an answer to each request.
            eprintln!("clawdefender: {error}");
            relay::refuse_all();
            return Err(error.into());
        }
    };
    let child = if welcome.launch {
        Some(child::Child::spawn(&errand.command, &errand.env)?)
    } else {
        None
    };
    let relay = relay::Relay::new(errand.home.clone(), greeting, stream, &welcome);
    Ok(Arc::new(relay).run(child))
}

/// Whether a variable of this name is part of what a launch is judged by.
pub fn changes_a_launch(name: &str) -> bool {
    let mut prefixes = LAUNCH_VARIABLES.iter();
    let lower = name.to_ascii_lowercase();
    // Registry credentials ride in npm_config_ and friends.
    let mut secrets = ["auth", "token", "password", "secret"].iter();
    prefixes.any(|prefix| name.starts_with(prefix)) && !secrets.any(|word| lower.contains(word))
}

fn launch(command: &[OsString]) -> Result<Launch, ProxyError> {
    let argv = command
        .iter()
        .map(|word| word.to_str().map(str::to_owned).ok_or(ProxyError::Encoding))
        .collect::<Result<Vec<_>, _>>()?;
    let env = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| changes_a_launch(name))
        .collect();
    let cwd = std::env::current_dir()?.to_string_lossy().into_owned();
    Ok(Launch {
        argv,
        env,
        cwd,
        origin: None,
    })
}
