//! Writing to one side without ever holding up the other: a queue and a thread per outlet.
//!
//! A short line for an idle pipe that has room is written by whoever brings it, which saves two
//! changes of thread; everything else goes through the queue, in order.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, fstat};
use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a pipe or a stream socket takes without blocking once poll(2) calls it writable. Source:
/// POSIX, `PIPE_BUF` on Linux; a Unix socket is writable only with far more room than that.
const SHORT_BYTES: usize = 4096;

/// A line to write, and what to do once it is out, or can't be.
struct Job {
    bytes: Arc<[u8]>,
    done: Box<dyn FnOnce(bool) + Send>,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    /// No more jobs will come: close when empty.
    ending: bool,
    /// The other end is gone; jobs are dropped.
    broken: bool,
    /// Someone is at the pipe: the thread, or a sender with a short line.
    writing: bool,
    /// Someone waits in [`Outlet::drained`].
    awaited: bool,
    /// The same pipe, for senders; gone when the outlet is closed, so that the reader sees its end.
    direct: Option<Arc<File>>,
}

/// One side's writer. Its queue is bounded by the relay, which stops reading the opposite side.
#[derive(Clone)]
pub(super) struct Outlet(Arc<(Mutex<Queue>, Condvar)>);

impl Outlet {
    /// Starts the writer thread; `closed` runs when the outlet ended or broke.
    pub(super) fn start(
        writer: impl Write + AsFd + Send + 'static,
        closed: impl FnOnce() + Send + 'static,
    ) -> Self {
        let direct = short_cut(&writer).map(Arc::new);
        let outlet = Self::new(direct);
        outlet.clone().follow(writer, closed);
        outlet
    }

    /// Nowhere to write to: every line is done at once.
    pub(super) fn nowhere() -> Self {
        let outlet = Self::new(None);
        outlet.clone().follow(std::io::sink(), || {});
        outlet
    }

    fn new(direct: Option<Arc<File>>) -> Self {
        let queue = Queue {
            direct,
            ..Queue::default()
        };
        Self(Arc::new((Mutex::new(queue), Condvar::new())))
    }

    fn follow(
        self,
        mut writer: impl Write + Send + 'static,
        closed: impl FnOnce() + Send + 'static,
    ) {
        std::thread::spawn(move || {
            let (_, changed) = &*self.0;
            loop {
                let mut queue = self.lock();
                while queue.writing || (queue.jobs.is_empty() && !queue.ending && !queue.broken) {
                    queue = changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
                }
                if queue.broken {
                    break;
                }
                let Some(job) = queue.jobs.pop_front() else {
                    break;
                };
                queue.writing = true;
                let last = queue.jobs.is_empty();
                drop(queue);
                let written = writer
                    .write_all(&job.bytes)
                    .and_then(|()| if last { writer.flush() } else { Ok(()) });
                (job.done)(written.is_ok());
                let mut queue = self.lock();
                queue.writing = false;
                queue.broken |= written.is_err();
                drop(queue);
                changed.notify_all();
            }
            let mut queue = self.lock();
            queue.direct = None;
            let dropped = std::mem::take(&mut queue.jobs);
            drop(queue);
            for job in dropped {
                (job.done)(false);
            }
            drop(writer);
            closed();
        });
    }

    /// Writes or queues one line; never blocks. `done` runs when it was written or can't be, and is
    /// told which.
    pub(super) fn send(&self, bytes: Arc<[u8]>, done: impl FnOnce(bool) + Send + 'static) {
        let mut queue = self.lock();
        if queue.broken || queue.ending {
            drop(queue);
            return done(false);
        }
        let idle = queue.jobs.is_empty() && !queue.writing && bytes.len() <= SHORT_BYTES;
        if idle && let Some(pipe) = queue.direct.clone().filter(|pipe| has_room(pipe)) {
            queue.writing = true;
            drop(queue);
            let written = (&*pipe).write_all(&bytes);
            drop(pipe);
            let mut queue = self.lock();
            queue.writing = false;
            queue.broken |= written.is_err();
            let wake = queue.broken || queue.ending || queue.awaited || !queue.jobs.is_empty();
            drop(queue);
            if wake {
                self.0.1.notify_all();
            }
            return done(written.is_ok());
        }
        queue.jobs.push_back(Job {
            bytes,
            done: Box::new(done),
        });
        drop(queue);
        self.0.1.notify_all();
    }

    /// Closes the outlet once everything queued is written.
    pub(super) fn end(&self) {
        self.lock().ending = true;
        self.0.1.notify_all();
    }

    /// Waits until everything queued so far is written or the outlet broke, at most `patience`;
    /// whether it is.
    pub(super) fn drained(&self, patience: Duration) -> bool {
        let mut queue = self.lock();
        queue.awaited = true;
        let busy = |queue: &mut Queue| (!queue.jobs.is_empty() || queue.writing) && !queue.broken;
        let waited = self.0.1.wait_timeout_while(queue, patience, busy);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A second descriptor for short lines, where poll(2) promises room for one: pipes and sockets,
/// not terminals.
fn short_cut(writer: &impl AsFd) -> Option<File> {
    let mode = fstat(writer).ok()?.st_mode;
    let kind = FileType::from_raw_mode(mode);
    let promised = matches!(kind, FileType::Fifo | FileType::Socket);
    let own = promised.then(|| writer.as_fd().try_clone_to_owned().ok())??;
    Some(File::from(own))
}

fn has_room(pipe: &File) -> bool {
    let mut asked = [PollFd::new(pipe, PollFlags::OUT)];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    poll(&mut asked, Some(&now)).is_ok()
        && asked
            .first()
            .is_some_and(|answer| answer.revents() == PollFlags::OUT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::sync::mpsc::channel;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn a_full_pipe_holds_up_nobody_and_loses_no_order() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let (closed, over) = channel();
        let outlet = Outlet::start(writer, move || closed.send(()).unwrap());
        // More than any pipe holds by default, short and long in turns, before anyone reads.
        let lines: Vec<Vec<u8>> = (0..400u32)
            .map(|number| {
                let length = if number % 7 == 0 { 9000 } else { 700 };
                let mut line = number.to_le_bytes().to_vec();
                line.resize(length, b'x');
                line
            })
            .collect();
        let (done, finished) = channel();
        for line in &lines {
            let done = done.clone();
            outlet.send(line.as_slice().into(), move |_| done.send(()).unwrap());
        }
        outlet.end();
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        assert!(all == lines.concat(), "every byte, in order");
        over.recv_timeout(PATIENCE).unwrap();
        drop(done);
        assert_eq!(finished.iter().count(), lines.len());
    }

    #[test]
    fn a_reader_that_does_not_read_is_not_waited_for_without_end() {
        let (reader, writer) = std::io::pipe().unwrap();
        let outlet = Outlet::start(writer, || {});
        outlet.send(vec![b'x'; 4 << 20].into(), |_| {});
        assert!(!outlet.drained(Duration::from_millis(20)));
        drop(reader);
        assert!(outlet.drained(PATIENCE));
    }

    #[test]
    fn a_reader_that_is_gone_ends_the_outlet_and_every_line_is_done() {
        let (reader, writer) = std::io::pipe().unwrap();
        let (closed, over) = channel();
        let outlet = Outlet::start(writer, move || closed.send(()).unwrap());
        drop(reader);
        let (done, finished) = channel();
        for _ in 0..20 {
            let done = done.clone();
            outlet.send(b"line\n".as_slice().into(), move |_| done.send(()).unwrap());
        }
        over.recv_timeout(PATIENCE).unwrap();
        assert!(outlet.drained(PATIENCE));
        drop(done);
        assert_eq!(finished.iter().count(), 20);
    }
}
