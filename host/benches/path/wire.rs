//! How requests travel to a server and answers come back. One transport is one [`Wire`]; lanes, figures
//! and phases know only the trait, so a further transport is a further file like this one.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::process::{ChildStdin, ChildStdout};
use std::time::{Duration, Instant};

/// One client's connection to a server.
pub trait Wire {
    /// Sends what `next` hands out, with at most `in_flight` unanswered, and calls `done` with each
    /// answer and how long it took from being ready to be sent. Returns once `next` has no more and
    /// all are answered. Answers come in the order of the requests.
    fn drive(
        &mut self,
        in_flight: usize,
        next: &mut dyn FnMut() -> Option<Vec<u8>>,
        done: &mut dyn FnMut(&[u8], Duration),
    );
    /// A message that gets no answer.
    fn tell(&mut self, line: &[u8]);
}

/// Lines over the pipes of a child process, written and read by one thread.
pub struct Stdio {
    input: ChildStdin,
    output: ChildStdout,
    /// Bytes of the server that are no whole line yet.
    inbox: Vec<u8>,
}

impl Stdio {
    pub fn new(input: ChildStdin, output: ChildStdout) -> Self {
        // Only this end: the two ends of a pipe have flags of their own.
        for flags in [
            fcntl_getfl(&input).map(|flags| fcntl_setfl(&input, flags | OFlags::NONBLOCK)),
            fcntl_getfl(&output).map(|flags| fcntl_setfl(&output, flags | OFlags::NONBLOCK)),
        ] {
            flags.unwrap().unwrap();
        }
        Self {
            input,
            output,
            inbox: Vec::new(),
        }
    }
}

impl Wire for Stdio {
    fn drive(
        &mut self,
        in_flight: usize,
        next: &mut dyn FnMut() -> Option<Vec<u8>>,
        done: &mut dyn FnMut(&[u8], Duration),
    ) {
        let mut open: VecDeque<Instant> = VecDeque::new();
        let (mut line, mut written) = (Vec::new(), 0);
        let mut more = true;
        let mut piece = vec![0; 256 << 10];
        while more || !open.is_empty() {
            if more && written == line.len() && open.len() < in_flight {
                match next() {
                    Some(fresh) => {
                        (line, written) = (fresh, 0);
                        open.push_back(Instant::now());
                    }
                    None => more = false,
                }
            }
            if written < line.len() {
                written += sent((&self.input).write(line.get(written..).unwrap_or_default()));
                if written == line.len() && open.len() < in_flight && more {
                    continue;
                }
            }
            if open.is_empty() {
                continue;
            }
            let full = written < line.len();
            let mut asked = [
                PollFd::new(&self.output, PollFlags::IN),
                PollFd::new(&self.input, PollFlags::OUT),
            ];
            let count = if full { 2 } else { 1 };
            poll(asked.get_mut(..count).unwrap_or_default(), None).unwrap();
            let count = sent(self.output.read(&mut piece));
            let came = piece.get(..count).unwrap_or_default();
            let searched = self.inbox.len();
            self.inbox.extend_from_slice(came);
            let mut start = 0;
            for end in memchr::memchr_iter(b'\n', came).map(|at| searched + at + 1) {
                let since = open.pop_front().unwrap();
                done(
                    self.inbox.get(start..end).unwrap_or_default(),
                    since.elapsed(),
                );
                start = end;
            }
            self.inbox.drain(..start);
        }
    }

    fn tell(&mut self, line: &[u8]) {
        self.input.write_all(line).unwrap();
    }
}

fn sent(outcome: std::io::Result<usize>) -> usize {
    match outcome {
        Ok(0) => panic!("the server ended"),
        Ok(count) => count,
        Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
        Err(error) => panic!("{error}"),
    }
}
