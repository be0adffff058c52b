//! Standard input and output: one thread each, since reading and writing them blocks.

use super::MAX_BYTES;
use super::trouble::note;
use crate::mcp::frame::{FrameError, FrameReader};
use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// The client's lines, without their ends. Read only as fast as they are delivered: the pipe is the
/// buffer.
pub(super) fn input() -> std::io::Result<mpsc::Receiver<Vec<u8>>> {
    let input = own(&std::io::stdin())?;
    let (sender, lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        let mut reader = FrameReader::new(input);
        loop {
            let line = match reader.next(MAX_BYTES) {
                Ok(Some(line)) if line.is_blank() => continue,
                Ok(Some(line)) => line.json().to_vec(),
                Err(error @ FrameError::TooLong { .. }) => {
                    note(&error.to_string());
                    continue;
                }
                Ok(None) | Err(_) => return,
            };
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    Ok(lines)
}

/// Where messages for the client go, in the order in which they are sent here.
pub(super) struct Output {
    sender: UnboundedSender<Item>,
    room: Arc<Semaphore>,
}

enum Item {
    Line(Vec<u8>, Option<OwnedSemaphorePermit>),
    End,
}

/// How many bytes may wait to be written. Twice the largest message, so that one can be read while
/// another is written.
const WAITING_BYTES: usize = 2 * MAX_BYTES;

impl Output {
    /// Sets `over` when nobody reads any more.
    pub(super) fn start(over: watch::Sender<bool>) -> std::io::Result<(Self, JoinHandle<()>)> {
        let output = own(&std::io::stdout())?;
        let (sender, items) = mpsc::unbounded_channel();
        let writer = std::thread::spawn(move || {
            if write(output, items).is_err() {
                over.send_replace(true);
            }
        });
        let room = Arc::new(Semaphore::new(WAITING_BYTES));
        Ok((Self { sender, room }, writer))
    }

    /// Queues a line, its end included; waits while too much is queued.
    pub(super) async fn send(&self, line: Vec<u8>) {
        let size = u32::try_from(line.len().min(WAITING_BYTES)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(size).await;
        // Without a reader there is nobody to tell, and the bridge is about to end.
        let _ = self.sender.send(Item::Line(line, room.ok()));
    }

    pub(super) fn end(&self) {
        let _ = self.sender.send(Item::End);
    }
}

fn write(mut output: File, mut items: UnboundedReceiver<Item>) -> std::io::Result<()> {
    while let Some(Item::Line(line, room)) = items.blocking_recv() {
        output.write_all(&line)?;
        drop(room);
    }
    Ok(())
}

/// A file of its own on the same descriptor: no buffering, no lock of the standard library.
fn own(stream: &impl AsFd) -> std::io::Result<File> {
    Ok(File::from(stream.as_fd().try_clone_to_owned()?))
}
