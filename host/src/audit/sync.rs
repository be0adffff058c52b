//! The background half of the writer: puts what was appended on the disk, in groups.
//!
//! One fdatasync serves everyone who waits. The `checkpoint` file is replaced only after the frames
//! it speaks of are durable, so it can never be ahead of the segments.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::AuditError;
use super::ledger::{Shared, State};

/// Chosen with the promise "on the disk within 50 ms": the rest is the sync itself.
const GROUP: Duration = Duration::from_millis(40);
/// A burst is not kept for the whole of that. Chosen: above what a busy link writes in 40 ms, since
/// every sync holds up the writes that meet it; below what a reader would call much.
pub(super) const GROUP_FRAMES: u64 = 1024;
/// How long written frames may stay without a signature over them.
const UNSIGNED: Duration = Duration::from_secs(300);
/// How soon a `checkpoint` file that could not be replaced is tried again while nobody writes.
/// Chosen: soon after somebody made room, and seldom enough to cost nothing until then.
const RETRY: Duration = Duration::from_secs(5);

/// What keeps records or checkpoints from the disk.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error(
        "no record is taken until the daemon is started again: what is on the disk is not known"
    )]
    Poisoned,
    #[error("the last record could not be written: {0}")]
    Unwritten(io::ErrorKind),
    /// Records are written and synced; only the witness of the end is behind.
    #[error("the checkpoint file can't be replaced, which is tried again: {0}")]
    Behind(io::ErrorKind),
}

impl Trouble {
    pub(super) fn of(state: &State) -> Option<Self> {
        if state.poisoned {
            return Some(Self::Poisoned);
        }
        let unwritten = state.failed.map(Self::Unwritten);
        unwritten.or(state.refused.map(|(_, why)| Self::Behind(why)))
    }

    /// Whether decisions can't be recorded, so that everything is denied.
    pub fn stops_records(&self) -> bool {
        !matches!(self, Self::Behind(_))
    }
}

impl Shared {
    /// Waits until every frame written so far is on the disk.
    pub fn wait_synced<'s>(
        &'s self,
        mut state: MutexGuard<'s, State>,
    ) -> Result<MutexGuard<'s, State>, AuditError> {
        let needed = state.range.size();
        while state.synced < needed {
            state = self.hurry(state)?;
        }
        Ok(state)
    }

    /// Waits until the newest checkpoint is in its file as well.
    pub fn wait_signed(&self, state: MutexGuard<'_, State>) -> Result<(), AuditError> {
        let refusals = state.refusals;
        let mut state = self.wait_synced(state)?;
        while state.note.is_some() {
            if let (true, Some((_, why))) = (state.refusals > refusals, state.refused) {
                return Err(AuditError::Io {
                    what: "replace the checkpoint",
                    source: why.into(),
                });
            }
            state = self.hurry(state)?;
        }
        Ok(())
    }

    /// Has the sync thread work at once, and waits until it has.
    fn hurry<'s>(
        &self,
        mut state: MutexGuard<'s, State>,
    ) -> Result<MutexGuard<'s, State>, AuditError> {
        if state.poisoned {
            return Err(AuditError::Poisoned);
        }
        state.hurry = true;
        self.wanted.notify_one();
        self.durable.wait(state).map_err(|_| AuditError::Poisoned)
    }
}

pub(super) fn spawn(shared: &Arc<Shared>) -> io::Result<JoinHandle<()>> {
    let shared = Arc::clone(shared);
    thread::Builder::new()
        .name("audit-sync".to_owned())
        .spawn(move || run(&shared))
}

fn run(shared: &Shared) {
    let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
    let mut signed_at = Instant::now();
    let mut group_since: Option<Instant> = None;
    loop {
        if state.poisoned {
            return;
        }
        if state.unsigned == 0 {
            signed_at = Instant::now();
        } else if signed_at.elapsed() >= UNSIGNED && !state.closing {
            if let Err(error) = shared.checkpoint(&mut state) {
                tracing::warn!(%error, "checkpoint not written");
            }
            signed_at = Instant::now();
        }
        let pending = state.range.size().saturating_sub(state.synced);
        // With frames to sync, or for somebody who waits, it is tried at once.
        let refused = state.refused.filter(|_| !state.hurry);
        let held = refused.map(|(at, _)| RETRY.saturating_sub(at.elapsed()));
        let held = held.filter(|left| !left.is_zero());
        let noting = state.note.is_some() && held.is_none();
        let wait = match (pending > 0 || noting, state.closing) {
            (false, true) => return,
            (false, false) => UNSIGNED
                .saturating_sub(signed_at.elapsed())
                .min(held.unwrap_or(UNSIGNED)),
            (true, closing) => {
                let since = *group_since.get_or_insert_with(Instant::now);
                if closing || state.hurry || pending >= GROUP_FRAMES || since.elapsed() >= GROUP {
                    group_since = None;
                    state = flush(shared, state);
                    continue;
                }
                GROUP.saturating_sub(since.elapsed())
            }
        };
        state = shared
            .wanted
            .wait_timeout(state, wait.max(Duration::from_millis(1)))
            .unwrap_or_else(PoisonError::into_inner)
            .0;
    }
}

fn flush<'a>(shared: &'a Shared, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
    let (file, size, note) = (
        Arc::clone(&state.file),
        state.range.size(),
        state.note.take(),
    );
    state.hurry = false;
    // Appending goes on meanwhile. A rotation syncs the old file itself before it leaves it.
    drop(state);
    let synced = file.sync_data();
    let noted = match (&synced, &note) {
        (Ok(()), Some(note)) => Some(replace_checkpoint(&shared.dir, note)),
        _ => None,
    };
    let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
    match synced {
        Ok(()) => state.synced = state.synced.max(size),
        Err(error) => {
            // The kernel may have dropped the pages: a later sync would succeed without them.
            tracing::error!(%error, "audit log not on the disk");
            state.poisoned = true;
        }
    }
    match noted {
        None => {}
        Some(Ok(())) => state.refused = None,
        // Every frame is where it belongs, only the file is behind: it is tried again.
        Some(Err(error)) => {
            if state.refused.is_none() {
                tracing::error!(%error, "audit checkpoint not replaced");
            }
            state.refusals += 1;
            state.refused = Some((Instant::now(), error.kind()));
            // Unless a newer one was signed meanwhile.
            state.note = state.note.take().or(note);
        }
    }
    shared.durable.notify_all();
    state
}

fn replace_checkpoint(dir: &Path, note: &str) -> io::Result<()> {
    let temporary = dir.join("checkpoint.new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)?;
    file.write_all(note.as_bytes())?;
    file.sync_data()?;
    fs::rename(&temporary, dir.join("checkpoint"))?;
    File::open(dir)?.sync_all()
}
