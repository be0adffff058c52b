//! The guard API: what a person's tools and other programs may ask of the daemon over HTTP.
//!
//! Only moves questions and answers; what they mean is the [`Guard`]'s business. MCP never comes
//! through here: it has a port of its own, so that an agent's traffic can't reach these routes.

mod body;
mod check;
mod door;
mod reply;
mod route;
mod serve;
#[cfg(test)]
mod tests;
mod token;

use crate::approval::{Answer, AnswerError};
use crate::config::Home;
pub use check::{Check, SERVER};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use token::Token;
pub use token::{TokenError, read_for_client};
use tokio::runtime::Handle;

/// What the API asks of the daemon. Every call may block; none runs on the runtime's workers.
pub trait Guard: Send + Sync + 'static {
    /// What `clawdefender status` shows.
    fn status(&self) -> Value;

    /// One `inspect` line in, one answer object out, recorded as a guard check.
    fn inspect(&self, line: &str) -> Value;

    /// An action or what came of it, judged with what the same agent did before, and recorded as a
    /// guard check. `pid` is the process that asks, where the system can tell.
    fn check(&self, check: &Check, pid: Option<u32>) -> Value;

    /// The newest record with this call id, as `audit show --json` prints it.
    ///
    /// # Errors
    /// For the daemon's own log: the audit log could not be read.
    fn record(&self, id: &str) -> Result<Option<Value>, String>;

    /// The open questions.
    fn approvals(&self) -> Value;

    /// A person's answer. `pid` is the process that brought it, where the system can tell.
    ///
    /// # Errors
    /// When the answer is not taken; it must then have changed nothing.
    fn answer(&self, id: &str, answer: Answer, pid: Option<u32>) -> Result<Value, AnswerError>;
}

#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("only loopback addresses are served, not {0}")]
    NotLoopback(SocketAddr),
    #[error("{address} can't be listened on")]
    Bind {
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error("{path} can't be written")]
    Announce {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// How much the API takes from its clients.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub header_read: Duration,
    /// From a request's head to its answer.
    pub request: Duration,
    /// After this long a kept-alive connection is closed at its next pause.
    pub connection: Duration,
    pub connections: usize,
    pub body_bytes: usize,
    pub lines: usize,
}

impl Default for Limits {
    /// Chosen: far above what a program on this machine needs, small enough that 64 of them at
    /// once stay below half a gigabyte.
    fn default() -> Self {
        Self {
            header_read: Duration::from_secs(10),
            request: Duration::from_secs(30),
            connection: Duration::from_secs(600),
            connections: 64,
            body_bytes: 4 << 20,
            lines: 4096,
        }
    }
}

/// Serves the API at `address` until the runtime ends, and says where it really listens.
///
/// # Errors
/// [`ApiError`]; nothing is served then.
pub fn start(
    service: Arc<dyn Guard>,
    home: &Home,
    address: SocketAddr,
    runtime: &Handle,
) -> Result<SocketAddr, ApiError> {
    start_within(Limits::default(), service, home, address, runtime)
}

fn start_within(
    limits: Limits,
    service: Arc<dyn Guard>,
    home: &Home,
    address: SocketAddr,
    runtime: &Handle,
) -> Result<SocketAddr, ApiError> {
    if !address.ip().is_loopback() {
        return Err(ApiError::NotLoopback(address));
    }
    let token = Token::open(&home.token_file())?;
    let bind = |source| ApiError::Bind { address, source };
    let listener = TcpListener::bind(address).map_err(bind)?;
    listener.set_nonblocking(true).map_err(bind)?;
    let bound = listener.local_addr().map_err(bind)?;
    let listener = {
        let _inside = runtime.enter();
        tokio::net::TcpListener::from_std(listener).map_err(bind)?
    };
    let path = home.api_file();
    announce(&path, bound).map_err(|source| ApiError::Announce { path, source })?;
    let api = route::Api {
        service,
        door: door::Door::new(token, bound),
        limits,
        address: bound,
    };
    runtime.spawn(serve::serve(listener, Arc::new(api)));
    Ok(bound)
}

/// Writes where something listens into `path` in one step, so that nobody reads half of it.
///
/// # Errors
/// When the file can't be replaced.
pub fn announce(path: &Path, address: SocketAddr) -> std::io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)?;
    }
    let fresh = path.with_extension("json.new");
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)?;
    let facts = json!({ "address": address.to_string(), "pid": std::process::id() });
    file.write_all(format!("{facts}\n").as_bytes())?;
    fs::rename(&fresh, path)
}
