//! The one writer of the log: appends frames, signs checkpoints, keeps the disk in step.
//!
//! Written is not yet on the disk: `append` returns after write(2), which survives the death of any
//! process; the [`sync`](super::sync) thread makes it survive a power cut. Reading is elsewhere.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use data_encoding::HEXLOWER;
use serde::Serialize;
use serde_json::json;

use super::classify::classify;
use super::frame::{self, Type};
use super::key::{PublicKey, Signer};
use super::merkle::{CompactRange, Hash};
use super::walk::{self, Tail};
use super::{AuditError, Trouble, note, sync};

/// Milliseconds since the Unix epoch.
pub type NowMs = Arc<dyn Fn() -> u64 + Send + Sync>;

/// When an append is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// With others, at most 50 ms later. The process may die at once, the power may not.
    Group,
    /// Before `append` returns (an fdatasync, about 3 ms).
    Now,
}

/// Proof that a record was written: a verdict can't be made without one.
#[derive(Debug, PartialEq, Eq)]
pub struct Receipt {
    seq: u64,
    leaf: Hash,
}

#[derive(Clone)]
pub struct Options {
    /// A segment is closed once it is this long.
    pub segment_bytes: u64,
    /// A checkpoint is signed after this many frames.
    pub checkpoint_frames: u64,
    /// The program's version, for the start record.
    pub version: String,
}

/// The audit log, open for writing. Shared between threads by reference.
pub struct Ledger {
    shared: Arc<Shared>,
    syncer: Option<JoinHandle<()>>,
    /// Held for its lock, which ends with it.
    lock: File,
}

pub(super) struct Shared {
    pub dir: PathBuf,
    pub signer: Signer,
    pub now_ms: NowMs,
    pub options: Options,
    pub state: Mutex<State>,
    /// Something was appended, or a sync is wanted.
    pub wanted: Condvar,
    /// Something became durable.
    pub durable: Condvar,
}

pub(super) struct State {
    pub file: Arc<File>,
    pub segment: u32,
    /// Length of the current segment.
    pub bytes: u64,
    pub range: CompactRange,
    pub last: Hash,
    /// Frames since the last checkpoint frame.
    pub unsigned: u64,
    /// Frames below this are on the disk.
    pub synced: u64,
    /// Someone waits in `Durability::Now`.
    pub hurry: bool,
    /// The newest checkpoint that is not yet in the `checkpoint` file.
    pub note: Option<String>,
    /// Why the `checkpoint` file could not be replaced, and when; it is tried again.
    pub refused: Option<(Instant, io::ErrorKind)>,
    /// How often that was so.
    pub refusals: u64,
    /// Why the last frame could not be written.
    pub failed: Option<io::ErrorKind>,
    pub poisoned: bool,
    pub closing: bool,
}

impl Receipt {
    /// Position in the log, from 0.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The frame's leaf hash.
    pub fn leaf(&self) -> &Hash {
        &self.leaf
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            checkpoint_frames: 1000,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

impl Ledger {
    /// Opens the log in `dir`, or begins one there; recovers from a torn tail.
    ///
    /// # Errors
    /// [`AuditError::Busy`] while another process writes it, [`AuditError::Corrupt`] for damage that
    /// no crash explains.
    pub fn open(dir: &Path, now_ms: NowMs) -> Result<Self, AuditError> {
        Self::open_with(dir, now_ms, Options::default())
    }

    /// # Errors
    /// See [`Ledger::open`].
    pub fn open_with(dir: &Path, now_ms: NowMs, options: Options) -> Result<Self, AuditError> {
        make_private(dir).map_err(io_error("make the directory"))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(dir.join("lock"))
            .map_err(io_error("open the lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(AuditError::Busy),
            Err(fs::TryLockError::Error(source)) => return Err(io_error("take the lock")(source)),
        }
        if !dir.join("key.pub").exists() && walk::any_segment(dir).map_err(io_error("list"))? {
            return Err(AuditError::Key("key.pub is missing but there are segments"));
        }
        let signer = Signer::open_or_make(dir)?;
        let found = walk::walk(dir, signer.public()).map_err(io_error("read"))?;
        if let Some(broken) = found.damage {
            let broken = classify(dir, signer.public(), broken).map_err(io_error("read"))?;
            return Err(AuditError::Corrupt {
                seq: broken.seq,
                damage: broken.damage,
            });
        }
        let segment = found.segment.max(1);
        let file = open_segment(dir, segment).map_err(io_error("open a segment"))?;
        if found.tail.is_some() {
            file.set_len(found.bytes)
                .and_then(|()| file.sync_data())
                .map_err(io_error("cut"))?;
        }
        let start = json!({
            "v": 1,
            "type": "start",
            "at_ms": now_ms(),
            "install": signer.public().origin(),
            "key": signer.public().line(),
            "version": options.version,
            "boot": fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim_end().to_owned()),
            "size": found.range.size(),
            "root": HEXLOWER.encode(&found.range.root()),
            "clean": found.clean,
            "unsigned": found.unsigned(),
            "torn_bytes": found.tail.map_or(0, |Tail { bytes }| bytes),
        });
        let shared = Arc::new(Shared {
            dir: dir.to_owned(),
            signer,
            now_ms,
            options,
            state: Mutex::new(State {
                file: Arc::new(file),
                segment,
                bytes: found.bytes,
                synced: 0,
                unsigned: 0,
                last: found.last,
                range: found.range,
                hurry: false,
                note: None,
                refused: None,
                refusals: 0,
                failed: None,
                poisoned: false,
                closing: false,
            }),
            wanted: Condvar::new(),
            durable: Condvar::new(),
        });
        let syncer = sync::spawn(&shared).map_err(io_error("start the sync thread"))?;
        let ledger = Self {
            shared,
            syncer: Some(syncer),
            lock,
        };
        let mut state = ledger.shared.lock()?;
        ledger.shared.write(&mut state, Type::Start, &start)?;
        ledger.shared.checkpoint(&mut state)?;
        ledger.shared.wait_signed(state)?;
        Ok(ledger)
    }

    /// Writes one record. The verdict it speaks of may be enforced once this returned a receipt.
    ///
    /// # Errors
    /// Any error means that the record is not in the log and that nothing may be enforced but a
    /// refusal. With [`Durability::Now`] it can also mean written, but not known to be on the disk.
    pub fn append(
        &self,
        body: &impl Serialize,
        durability: Durability,
    ) -> Result<Receipt, AuditError> {
        // Compact JSON: control characters are escaped, so one body is one line.
        let body = serde_json::to_vec(body)?;
        let shared = &self.shared;
        let mut state = shared.lock()?;
        shared.rotate_if_full(&mut state)?;
        // The sync thread counts the time of a group that has begun by itself.
        let begins = state.range.size() <= state.synced;
        let receipt = shared.frame(&mut state, Type::Record, &body)?;
        if state.unsigned >= shared.options.checkpoint_frames {
            // The record is written; a checkpoint that fails is tried again with the next one.
            if let Err(error) = shared.checkpoint(&mut state) {
                tracing::warn!(%error, "checkpoint not written");
            }
        }
        match durability {
            Durability::Group => {
                let full = state.range.size().saturating_sub(state.synced) >= sync::GROUP_FRAMES;
                if begins || full {
                    shared.wanted.notify_one();
                }
            }
            Durability::Now => drop(shared.wait_synced(state)?),
        }
        Ok(receipt)
    }

    /// Says that the daemon is alive, so that a gap before "now" can be seen.
    ///
    /// # Errors
    /// See [`Ledger::append`].
    pub fn heartbeat(&self) -> Result<(), AuditError> {
        let body = json!({ "v": 1, "type": "heartbeat", "at_ms": (self.shared.now_ms)() });
        let mut state = self.shared.lock()?;
        self.shared.rotate_if_full(&mut state)?;
        self.shared.write(&mut state, Type::Heartbeat, &body)?;
        self.shared.wanted.notify_one();
        Ok(())
    }

    /// Signs what is written so far.
    ///
    /// # Errors
    /// See [`Ledger::append`].
    pub fn checkpoint(&self) -> Result<(), AuditError> {
        let mut state = self.shared.lock()?;
        self.shared.checkpoint(&mut state)?;
        self.shared.wait_signed(state)
    }

    /// Ends the log cleanly.
    ///
    /// # Errors
    /// See [`Ledger::append`]; the ledger is closed in any case, then uncleanly.
    pub fn close(self) -> Result<(), AuditError> {
        self.finish()
    }

    /// As [`Ledger::close`], for an owner who shares it: every later append is an error.
    ///
    /// # Errors
    /// See [`Ledger::append`].
    pub fn finish(&self) -> Result<(), AuditError> {
        let body = json!({ "v": 1, "type": "stop", "at_ms": (self.shared.now_ms)() });
        let mut state = self.shared.lock()?;
        self.shared.write(&mut state, Type::Stop, &body)?;
        self.shared.checkpoint(&mut state)?;
        // The sync thread brings what is there to the disk and ends.
        state.closing = true;
        self.shared.wait_signed(state)?;
        // Nothing is written any more, whoever still holds the ledger.
        let _ = self.lock.unlock();
        Ok(())
    }

    /// What keeps records or checkpoints from the disk now.
    pub fn trouble(&self) -> Option<Trouble> {
        let state = self.shared.state.lock();
        Trouble::of(&state.unwrap_or_else(PoisonError::into_inner))
    }

    /// The key that readers check this log with.
    pub fn public_key(&self) -> &PublicKey {
        self.shared.signer.public()
    }

    /// How many frames the log has.
    pub fn size(&self) -> u64 {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .range
            .size()
    }

    fn stop(&mut self) {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .closing = true;
        self.shared.wanted.notify_all();
        if let Some(syncer) = self.syncer.take() {
            // A panic there has already poisoned the state; there is nothing left to save.
            let _ = syncer.join();
        }
        // Said aloud: a child that was forked and has not yet become its program holds a copy of
        // the descriptor, and closing ours would leave the log locked as long.
        let _ = self.lock.unlock();
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.stop();
    }
}

impl State {
    /// Keeps for [`Trouble`] why nothing was written.
    fn fail(&mut self, what: &'static str, source: io::Error) -> AuditError {
        self.failed = Some(source.kind());
        AuditError::Io { what, source }
    }
}

impl Shared {
    pub fn lock(&self) -> Result<MutexGuard<'_, State>, AuditError> {
        let state = self.state.lock().map_err(|_| AuditError::Poisoned)?;
        match (state.poisoned, state.closing) {
            (true, _) => Err(AuditError::Poisoned),
            (_, true) => Err(AuditError::Closed),
            _ => Ok(state),
        }
    }

    fn write(
        &self,
        state: &mut State,
        kind: Type,
        body: &impl Serialize,
    ) -> Result<Receipt, AuditError> {
        self.frame(state, kind, &serde_json::to_vec(body)?)
    }

    fn frame(&self, state: &mut State, kind: Type, body: &[u8]) -> Result<Receipt, AuditError> {
        let salt = match kind {
            Type::Checkpoint => frame::checkpoint_salt(body),
            _ => rand::random(),
        };
        let bytes = frame::encode(kind, salt, &state.last, body).ok_or(AuditError::TooLong {
            bytes: body.len(),
            limit: frame::MAX_BODY_BYTES,
        })?;
        if let Err(source) = (&*state.file).write_all(&bytes) {
            // Part of the frame may be there (disk full). Nothing may follow it, so it goes.
            if state.file.set_len(state.bytes).is_err() {
                state.poisoned = true;
                self.durable.notify_all();
            }
            return Err(state.fail("write to the end", source));
        }
        state.failed = None;
        let leaf = super::merkle::leaf(&bytes);
        let receipt = Receipt {
            seq: state.range.size(),
            leaf,
        };
        state.bytes += bytes.len() as u64;
        state.range.push(leaf);
        state.last = leaf;
        state.unsigned += 1;
        Ok(receipt)
    }

    /// Signs the log so far, unless nothing came after the last checkpoint.
    pub fn checkpoint(&self, state: &mut State) -> Result<(), AuditError> {
        if state.unsigned == 0 {
            return Ok(());
        }
        let note = note::sign(&self.signer, state.range.size(), &state.range.root());
        self.frame(state, Type::Checkpoint, note.as_bytes())?;
        state.unsigned = 0;
        state.note = Some(note);
        self.wanted.notify_one();
        Ok(())
    }

    fn rotate_if_full(&self, state: &mut State) -> Result<(), AuditError> {
        if state.bytes < self.options.segment_bytes {
            return Ok(());
        }
        self.checkpoint(state)?;
        state.file.sync_data().map_err(|source| {
            // After a failed sync the kernel may have dropped what it could not write. Whoever waits
            // for the disk must hear of it: the sync thread only ends.
            state.poisoned = true;
            self.wanted.notify_one();
            self.durable.notify_all();
            AuditError::Io {
                what: "sync a full segment",
                source,
            }
        })?;
        state.synced = state.range.size();
        let file = open_segment(&self.dir, state.segment + 1)
            .map_err(|source| state.fail("open a segment", source))?;
        state.segment += 1;
        state.file = Arc::new(file);
        state.bytes = 0;
        Ok(())
    }
}

fn make_private(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700))
}

fn open_segment(dir: &Path, segment: u32) -> io::Result<File> {
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(dir.join(walk::segment_name(segment)))?;
    // The name must survive a power cut as well as the content.
    File::open(dir)?.sync_all()?;
    Ok(file)
}

fn io_error(what: &'static str) -> impl Fn(io::Error) -> AuditError {
    move |source| AuditError::Io { what, source }
}

#[cfg(test)]
mod tests;
