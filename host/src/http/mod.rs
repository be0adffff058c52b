//! MCP over HTTP: the daemon as a reverse proxy for configured servers, at `/mcp/NAME`.
//!
//! Turns HTTP exchanges into frames, asks the judge about each, and turns verdicts into answers.
//! No policy lives here. What a server sends as a stream stays a stream, judged event by event.
//!
//! It listens on a port of its own, so that an agent's traffic can't reach the guard API.

mod answer;
mod body;
mod caller;
mod exchange;
mod headers;
mod hidden;
mod media;
mod memory;
mod messages;
mod owed;
mod pending;
mod route;
mod serve;
mod stream;

use crate::judge::Judge;
use crate::loopback::Names;
use crate::upstream::{Address, Dialer, UpstreamError};
use caller::Callers;
use hidden::{Hidden, HiddenError};
use memory::Memory;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// A configured server, as a person wrote it.
#[derive(Clone, Debug)]
pub struct Upstream {
    pub url: String,
    /// Certificate authorities to believe instead of the web's: a PEM file.
    pub ca_file: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("only loopback addresses are served, not {0}")]
    NotLoopback(SocketAddr),
    #[error("{address} can't be listened on: {source}")]
    Bind {
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error(transparent)]
    Hidden(#[from] HiddenError),
    #[error("no thread for MCP over HTTP: {0}")]
    Threads(std::io::Error),
}

/// A server that can be reached.
struct Server {
    name: String,
    address: Address,
    dialer: Dialer,
    /// Places for messages of ours to it that are under way beside an exchange.
    asides: Arc<Semaphore>,
}

/// Chosen: a server that makes us refuse more than this at once, and does not listen, waits.
const MAX_ASIDES: usize = 8;

/// A worker rules on messages itself, and waits meanwhile for a lock, a detector or the disk; the
/// others go on. Chosen: more of them than rulings that wait at once.
const WORKERS_PER_CORE: usize = 4;

/// How often processes that are gone are let go of. Chosen: a process number is not given out again
/// that soon.
const SWEEP: Duration = Duration::from_secs(30);

/// Everything an exchange needs.
struct Gateway {
    judge: Arc<Judge>,
    names: Names,
    bound: SocketAddr,
    servers: BTreeMap<String, Result<Arc<Server>, UpstreamError>>,
    memory: Memory,
    callers: Arc<Callers>,
    backs: stream::Backs,
}

/// MCP over HTTP while it is served. Dropping it ends every exchange.
pub struct Serving {
    gateway: Arc<Gateway>,
    runtime: Option<tokio::runtime::Runtime>,
}

/// Serves the configured servers at `address`. Names that were cut from their lists are kept in the
/// file `hidden`.
///
/// # Errors
/// [`HttpError`]; nothing is served then. A server whose URL is wrong is answered with an error
/// and named in [`Serving::status`]; the others are served.
pub fn start(
    judge: Arc<Judge>,
    address: SocketAddr,
    upstreams: &BTreeMap<String, Upstream>,
    hidden: &Path,
) -> Result<Serving, HttpError> {
    if !address.ip().is_loopback() {
        return Err(HttpError::NotLoopback(address));
    }
    let hidden = Hidden::open(hidden)?;
    let bind = |source| HttpError::Bind { address, source };
    let listener = TcpListener::bind(address).map_err(bind)?;
    listener.set_nonblocking(true).map_err(bind)?;
    let bound = listener.local_addr().map_err(bind)?;
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    // Threads of its own: agents' traffic must not keep a person's answer waiting.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.max(2) * WORKERS_PER_CORE)
        .thread_name("http")
        .enable_all()
        .build()
        .map_err(HttpError::Threads)?;
    let listener = {
        let _inside = runtime.enter();
        tokio::net::TcpListener::from_std(listener).map_err(bind)?
    };
    let gateway = Arc::new(Gateway {
        memory: Memory::new(Arc::clone(&judge), hidden),
        callers: Arc::new(Callers::new(Arc::clone(&judge))),
        backs: stream::Backs::default(),
        judge,
        names: Names::of(bound),
        bound,
        servers: upstreams
            .iter()
            .map(|(name, upstream)| (name.clone(), server(name, upstream).map(Arc::new)))
            .collect(),
    });
    runtime.spawn(serve::serve(listener, Arc::clone(&gateway)));
    let callers = Arc::clone(&gateway.callers);
    runtime.spawn(async move {
        let mut ticks = tokio::time::interval(SWEEP);
        loop {
            ticks.tick().await;
            let callers = Arc::clone(&callers);
            let _ = tokio::task::spawn_blocking(move || callers.sweep()).await;
        }
    });
    Ok(Serving {
        gateway,
        runtime: Some(runtime),
    })
}

fn server(name: &str, upstream: &Upstream) -> Result<Server, UpstreamError> {
    Ok(Server {
        name: name.to_owned(),
        address: Address::parse(&upstream.url)?,
        dialer: Dialer::new(upstream.ca_file.as_deref())?,
        asides: Arc::new(Semaphore::new(MAX_ASIDES)),
    })
}

impl Serving {
    pub fn address(&self) -> SocketAddr {
        self.gateway.bound
    }

    /// Where it listens, and each server with the URL to give to clients or what is wrong with it.
    pub fn status(&self) -> Value {
        let bound = self.gateway.bound;
        let servers = self
            .gateway
            .servers
            .iter()
            .map(|(name, server)| match server {
                Ok(server) => json!({ "name": name, "url": format!("http://{bound}/mcp/{name}"),
                                  "upstream": server.address.shown() }),
                Err(error) => json!({ "name": name, "error": error.to_string() }),
            });
        json!({ "address": bound.to_string(), "servers": servers.collect::<Vec<_>>() })
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // An exchange may wait for a person; its client hears that the connection ended.
            runtime.shutdown_background();
        }
    }
}
