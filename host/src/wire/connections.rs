//! The connections that are being served, so that a daemon can end them before it closes its log.
//!
//! A frame that is read after that could only be denied for want of a record. Left unread it stays
//! with its shim, which asks the next daemon about it.

use std::collections::BTreeMap;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[derive(Default)]
pub struct Connections {
    /// Asked before every frame; changed only with the table held.
    closing: AtomicBool,
    table: Mutex<Table>,
    left: Condvar,
}

#[derive(Default)]
struct Table {
    next: u64,
    open: BTreeMap<u64, UnixStream>,
}

/// A connection's place in the table, until it is dropped.
pub struct Seat {
    connections: Arc<Connections>,
    number: u64,
}

impl Connections {
    /// Takes a connection in; `None` when all are being closed.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub fn enter(self: &Arc<Self>, stream: &UnixStream) -> std::io::Result<Option<Seat>> {
        let stream = stream.try_clone()?;
        let mut table = self.lock();
        if self.closing() {
            return Ok(None);
        }
        let number = table.next;
        table.next += 1;
        table.open.insert(number, stream);
        Ok(Some(Seat {
            connections: Arc::clone(self),
            number,
        }))
    }

    /// Whether nothing more is to be read.
    pub fn closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    /// Reads nothing more, waits for what is being ruled on, and then cuts every connection: what
    /// has no ruling by then gets none.
    pub fn close(&self, patience: Duration) {
        let until = Instant::now() + patience;
        let mut table = self.lock();
        self.closing.store(true, Ordering::SeqCst);
        for stream in table.open.values() {
            let _ = stream.shutdown(Shutdown::Read);
        }
        while !table.open.is_empty() {
            let Some(left) = until.checked_duration_since(Instant::now()) else {
                break;
            };
            table = self
                .left
                .wait_timeout(table, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        for stream in table.open.values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(stream) = self.connections.lock().open.remove(&self.number) {
            // A question that is still being asked holds the socket too; its answer comes too late.
            let _ = stream.shutdown(Shutdown::Both);
        }
        self.connections.left.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn closing_waits_for_work_and_cuts_what_does_not_end() {
        let connections = Arc::new(Connections::default());
        let (mut busy, mut shim) = UnixStream::pair().unwrap();
        let (stuck, mut other) = UnixStream::pair().unwrap();
        let seat = connections.enter(&busy).unwrap().unwrap();
        let stays = connections.enter(&stuck).unwrap().unwrap();
        let work = std::thread::spawn(move || {
            let mut nothing = [0];
            assert_eq!(busy.read(&mut nothing).unwrap(), 0, "woken to end");
            busy.write_all(b"ruling").unwrap();
            drop(seat);
        });
        connections.close(Duration::from_secs(2));
        work.join().unwrap();
        let mut said = String::new();
        shim.read_to_string(&mut said).unwrap();
        assert_eq!(said, "ruling", "what was in work is finished, then the end");
        assert_eq!(other.read(&mut [0]).unwrap(), 0, "cut");
        assert!((&stuck).write_all(b"late").is_err());
        let (late, _peer) = UnixStream::pair().unwrap();
        assert!(connections.enter(&late).unwrap().is_none());
        drop(stays);
        connections.close(PATIENCE);
    }
}
