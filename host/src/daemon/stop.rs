//! What ends the daemon: a signal, a word at its desk, or the loss of its folder.

use super::DaemonError;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fs::File;
use std::net::Shutdown;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often the daemon looks whether its folder is still its own. Chosen: one `stat` in five seconds
/// costs nothing, and what is recorded meanwhile into a deleted file is a few seconds.
const LOOK_EVERY: Timespec = Timespec {
    tv_sec: 5,
    tv_nsec: 0,
};

/// After a connection could not be taken, for example because descriptors have run out.
const PAUSE: Duration = Duration::from_millis(50);

/// That the daemon is to end. It does not depend on its socket, which may be gone.
pub(super) struct Stop {
    asked: AtomicBool,
    alarm: UnixStream,
    heard: UnixStream,
}

impl Stop {
    pub fn new() -> std::io::Result<Self> {
        let (alarm, heard) = UnixStream::pair()?;
        let asked = AtomicBool::new(false);
        Ok(Self {
            asked,
            alarm,
            heard,
        })
    }

    pub fn ask(&self) {
        self.asked.store(true, Ordering::SeqCst);
        let _ = self.alarm.shutdown(Shutdown::Both);
    }

    /// The next connection; `None` when the daemon is to end.
    ///
    /// # Errors
    /// [`DaemonError::Lost`] when the folder is no longer this daemon's: what it recorded from then on
    /// would be lost in silence. [`DaemonError::Io`] when nothing can be waited for.
    pub fn next(
        &self,
        listener: &UnixListener,
        lock: &Lock,
    ) -> Result<Option<UnixStream>, DaemonError> {
        loop {
            let mut awaited = [
                PollFd::new(listener, PollFlags::IN),
                PollFd::new(&self.heard, PollFlags::IN),
            ];
            match poll(&mut awaited, Some(&LOOK_EVERY)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(DaemonError::Io(error.into())),
            }
            if self.asked.load(Ordering::SeqCst) {
                return Ok(None);
            }
            if !lock.is_ours() {
                return Err(DaemonError::Lost(lock.path.clone()));
            }
            match listener.accept() {
                Ok((stream, _)) => {
                    // Some systems hand the listener's mode on.
                    match stream.set_nonblocking(false) {
                        Ok(()) => return Ok(Some(stream)),
                        Err(error) => tracing::warn!(%error, "a connection was not accepted"),
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    std::thread::sleep(PAUSE);
                }
            }
        }
    }
}

/// What makes this the only daemon of its folder, while it is held.
pub(super) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    pub fn new(file: File, path: PathBuf) -> Self {
        Self { file, path }
    }

    /// Whether the file that is locked is still the one that another daemon would find.
    pub fn is_ours(&self) -> bool {
        let found = self.file.metadata().and_then(|ours| {
            let there = std::fs::metadata(&self.path)?;
            Ok((ours.dev(), ours.ino()) == (there.dev(), there.ino()))
        });
        // A disk that can't be asked now says nothing.
        found.unwrap_or_else(|error| error.kind() != std::io::ErrorKind::NotFound)
    }
}
