//! Writing to one side without ever holding up the other: a queue and a thread per outlet.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A line to write, and what to do once it is out.
struct Job {
    bytes: Vec<u8>,
    done: Box<dyn FnOnce() + Send>,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    /// No more jobs will come: close when empty.
    ending: bool,
    /// The other end is gone; jobs are dropped.
    broken: bool,
    writing: bool,
}

/// One side's writer. Its queue is bounded by the relay, which stops reading the opposite side.
#[derive(Clone)]
pub(super) struct Outlet(Arc<(Mutex<Queue>, Condvar)>);

impl Outlet {
    /// Starts the writer thread; `closed` runs when the outlet ended or broke.
    pub(super) fn start(
        mut writer: impl Write + Send + 'static,
        closed: impl FnOnce() + Send + 'static,
    ) -> Self {
        let outlet = Self(Arc::default());
        let own = outlet.clone();
        std::thread::spawn(move || {
            let (_, changed) = &*own.0;
            loop {
                let mut queue = own.lock();
                while queue.jobs.is_empty() && !queue.ending {
                    queue = changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
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
                (job.done)();
                let mut queue = own.lock();
                queue.writing = false;
                if written.is_err() {
                    queue.broken = true;
                    for job in std::mem::take(&mut queue.jobs) {
                        (job.done)();
                    }
                    changed.notify_all();
                    break;
                }
                changed.notify_all();
            }
            drop(writer);
            closed();
        });
        outlet
    }

    /// Queues one line; never blocks. `done` runs when it was written or can't be.
    pub(super) fn send(&self, bytes: Vec<u8>, done: impl FnOnce() + Send + 'static) {
        let mut queue = self.lock();
        if queue.broken || queue.ending {
            drop(queue);
            return done();
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

    /// Waits until everything queued so far is written or the outlet broke.
    pub(super) fn drained(&self) {
        let mut queue = self.lock();
        while (!queue.jobs.is_empty() || queue.writing) && !queue.broken {
            queue = self.0.1.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
