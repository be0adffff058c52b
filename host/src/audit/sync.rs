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

use super::ledger::{Shared, State};

/// Chosen with the promise "on the disk within 50 ms": the rest is the sync itself.
const GROUP: Duration = Duration::from_millis(40);
/// A burst is not kept for the whole of that. Chosen: above what a busy link writes in 40 ms, since
/// every sync holds up the writes that meet it; below what a reader would call much.
pub(super) const GROUP_FRAMES: u64 = 1024;
/// How long written frames may stay without a signature over them.
const UNSIGNED: Duration = Duration::from_secs(300);

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
        let wait = match (pending > 0 || state.note.is_some(), state.closing) {
            (false, true) => return,
            (false, false) => UNSIGNED.saturating_sub(signed_at.elapsed()),
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
        (Ok(()), Some((_, text))) => replace_checkpoint(&shared.dir, text),
        _ => Ok(()),
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
    if let Err(error) = noted {
        tracing::error!(%error, "audit checkpoint not replaced");
        state.poisoned = true;
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
