//! The daemon: one per user. Owns the sandbox, the ledger, the questions and the feed.
//!
//! Wiring only: it opens the parts, hands them to each other, and closes them in order.

pub mod chains;
mod control;
mod feed_watch;
mod feeds;
mod gate;
mod gateway;
mod guard;
pub mod inspector;
pub mod overrides;
pub mod pins;
mod policy_watch;
mod rehearsal;
mod start;
mod stop;
mod updates;

pub use start::DaemonError;
pub use updates::record_alone;

use crate::config::Home;
use crate::wire::{connections::Connections, serve};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use stop::Stop;

/// How a run of the daemon ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Stopped,
    /// Another daemon holds the lock.
    AlreadyRunning,
}

/// Compiles the component on stdin to stdout, for a daemon that started this process for it.
///
/// # Errors
/// When it does not compile: a sentence for the daemon's error.
pub fn compile() -> Result<(), String> {
    crate::plugin::compile(std::io::stdin().lock(), std::io::stdout().lock())
        .map_err(|error| format!("{error:#}"))
}

/// Runs the daemon until it is told to stop.
///
/// # Errors
/// [`DaemonError`] when a part can't be opened: then nothing is served, so nothing passes.
/// [`DaemonError::Lost`] when its folder was removed or replaced while it ran.
pub fn run(home: &Home) -> Result<Ended, DaemonError> {
    let Some(lock) = start::lock(home)? else {
        return Ok(Ended::AlreadyRunning);
    };
    let parts = Arc::new(start::open(home)?);
    // Before anything is there that an end has to tidy up.
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT])?;
    let socket = home.socket()?;
    // Ours by the lock: what is there was left by a daemon that was killed.
    let _ = std::fs::remove_file(&socket);
    let listener = UnixListener::bind(&socket)?;
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    let stop = Arc::new(Stop::new()?);
    let handle = signals.handle();
    {
        let stop = Arc::clone(&stop);
        std::thread::spawn(move || {
            if signals.forever().next().is_some() {
                stop.ask();
            }
        });
    }
    policy_watch::spawn(&parts);
    feed_watch::spawn(&parts);
    heartbeat(&parts);
    guard::serve(&parts);
    gateway::serve(&parts);
    tracing::info!(home = %home.root().display(), "ready");
    let controller = Arc::new(control::Desk::new(Arc::clone(&parts), Arc::clone(&stop)));
    let connections = Arc::new(Connections::default());
    let ended = loop {
        let stream = match stop.next(&listener, &lock) {
            Ok(Some(stream)) => stream,
            Ok(None) => break Ok(Ended::Stopped),
            Err(error) => break Err(error),
        };
        let (parts, controller) = (Arc::clone(&parts), Arc::clone(&controller));
        let connections = Arc::clone(&connections);
        let spawned = std::thread::Builder::new()
            .name("link".into())
            .spawn(move || {
                if let Err(error) = serve::serve(stream, &parts.judge, &*controller, &connections) {
                    tracing::warn!(%error, "a connection ended badly");
                }
            });
        if let Err(error) = spawned {
            tracing::error!(%error, "no thread for a connection; it was closed");
        }
    };
    handle.close();
    // In a folder that is no longer ours these are another daemon's.
    if lock.is_ours() {
        let _ = std::fs::remove_file(&socket);
        let _ = std::fs::remove_file(home.api_file());
    }
    gateway::end(&parts);
    connections.close(LAST_RULINGS);
    parts.close();
    // Until the process ends: threads that are still about hold what the next daemon opens.
    std::mem::forget(lock);
    ended
}

/// How long frames that are being ruled on may take while the daemon stops. Chosen: a detector's
/// longest deadline is 1 s.
const LAST_RULINGS: std::time::Duration = std::time::Duration::from_secs(2);

/// A record at least every five minutes, so that a gap in the ledger shows. Source: the bound that
/// the ledger's readers assume.
const HEARTBEAT: std::time::Duration = std::time::Duration::from_secs(300);

fn heartbeat(parts: &Arc<start::Parts>) {
    let weak = Arc::downgrade(parts);
    parts.runtime.spawn(async move {
        let mut ticks = tokio::time::interval(HEARTBEAT);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            let Some(parts) = weak.upgrade() else { return };
            let beat = tokio::task::spawn_blocking(move || parts.judge.ledger().heartbeat()).await;
            if let Ok(Err(error)) = beat {
                let error = &error as &(dyn std::error::Error + 'static);
                tracing::error!(error, "the ledger took no heartbeat");
            }
        }
    });
}
