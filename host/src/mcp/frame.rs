//! Newline framing for blocking readers: one message per line, bounded while it is read.
//!
//! A frame keeps its original bytes, line end included, because those are what is forwarded.
//! Whether a line is JSON is not asked here.

use super::salvage::{Salvaged, Scan};
use sha2::{Digest, Sha256};
use std::io::{ErrorKind, Read};
use std::ops::Range;

/// Cuts a byte stream into lines.
///
/// Every byte is searched for a newline once and moved at most a constant number of times,
/// however the peer cuts its writes.
#[derive(Debug)]
pub struct FrameReader<R> {
    inner: R,
    buffer: Vec<u8>,
    /// What was read and not yet handed out.
    filled: Range<usize>,
    /// How much of `filled` is known to hold no newline.
    searched: usize,
    /// Within a line that was too long; everything up to its newline is dropped.
    skipping: Option<Box<Skipped>>,
    ended: bool,
}

/// One line as it arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'f> {
    /// The original bytes, newline included: what is forwarded.
    pub raw: &'f [u8],
}

impl<'f> Frame<'f> {
    /// The line without its end (`\n` or `\r\n`): what is parsed.
    ///
    /// Source: the TypeScript SDK takes one `\r` before the newline as part of the line end.
    #[must_use]
    pub fn json(&self) -> &'f [u8] {
        let line = self.raw.strip_suffix(b"\n").unwrap_or(self.raw);
        line.strip_suffix(b"\r").unwrap_or(line)
    }

    /// Whether there is nothing but white space, which peers skip.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.raw.trim_ascii().is_empty()
    }
}

/// What is known of a line that was too long to be held, its end not counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlong {
    pub len: u64,
    pub sha256: [u8; 32],
    pub salvaged: Salvaged,
}

/// A line on its way out: looked at and forgotten.
#[derive(Debug, Default)]
struct Skipped {
    scan: Scan,
    hash: Sha256,
    len: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The whole line was skipped; the next call reads the line after it.
    #[error("line longer than {limit} bytes")]
    TooLong { limit: usize, line: Box<Overlong> },
    /// The peer closed inside a line, `len` bytes into it. The next call says it ended.
    #[error("peer closed inside a line, after {len} bytes")]
    CutOff { len: usize },
    #[error("reading a line")]
    Io(#[from] std::io::Error),
}

/// Big enough for a burst of small messages in one read; a pipe holds 64 KiB on Linux.
const READ_BYTES: usize = 64 << 10;
/// A buffer that one large message blew up is given back past this.
const KEEP_BYTES: usize = 1 << 20;

impl<R: Read> FrameReader<R> {
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            buffer: Vec::new(),
            filled: 0..0,
            searched: 0,
            skipping: None,
            ended: false,
        }
    }

    /// Whether another whole line is here already, so that a writer can put off its flush.
    #[must_use]
    pub fn has_line(&self) -> bool {
        memchr::memchr(b'\n', self.unsearched()).is_some()
    }

    /// Reads one line of at most `max_bytes` bytes, its newline not counted.
    ///
    /// `None` means the peer closed between lines.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] once the line has ended, of which never more than the limit is
    /// held; [`FrameError::CutOff`] if the peer closed inside a line.
    pub fn next(&mut self, max_bytes: usize) -> Result<Option<Frame<'_>>, FrameError> {
        let line = loop {
            if let Some(offset) = memchr::memchr(b'\n', self.unsearched()) {
                let end = self.filled.start + self.searched + offset + 1;
                let line = self.filled.start..end;
                if self.skipping.is_some() || line.len() - 1 > max_bytes {
                    self.skip(line.start..end - 1);
                    self.filled.start = end;
                    self.searched = 0;
                    return Err(self.skipped(max_bytes));
                }
                self.filled.start = end;
                self.searched = 0;
                break line;
            }
            self.searched = self.filled.len();
            if self.skipping.is_some() || self.filled.len() > max_bytes {
                self.skip(self.filled.clone());
                self.discard();
            }
            if self.ended || self.fill()? == 0 {
                self.ended = true;
                let len = self.filled.len();
                self.discard();
                return match len {
                    _ if self.skipping.is_some() => Err(self.skipped(max_bytes)),
                    0 => Ok(None),
                    _ => Err(FrameError::CutOff { len }),
                };
            }
        };
        Ok(Some(Frame {
            raw: self.buffer.get(line).unwrap_or_default(),
        }))
    }

    fn unsearched(&self) -> &[u8] {
        self.buffer
            .get(self.filled.start + self.searched..self.filled.end)
            .unwrap_or_default()
    }

    /// Looks at a piece of an overlong line.
    fn skip(&mut self, piece: Range<usize>) {
        let skipped = self.skipping.get_or_insert_default();
        let bytes = self.buffer.get(piece).unwrap_or_default();
        skipped.scan.feed(bytes);
        skipped.hash.update(bytes);
        skipped.len += bytes.len() as u64;
    }

    /// The overlong line is over.
    fn skipped(&mut self, limit: usize) -> FrameError {
        let Skipped { scan, hash, len } = *self.skipping.take().unwrap_or_default();
        let line = Box::new(Overlong {
            len,
            sha256: hash.finalize().into(),
            salvaged: scan.finish(),
        });
        FrameError::TooLong { limit, line }
    }

    fn discard(&mut self) {
        self.filled = 0..0;
        self.searched = 0;
    }

    /// One read, after making room for it.
    fn fill(&mut self) -> Result<usize, std::io::Error> {
        if self.filled.is_empty() {
            self.filled = 0..0;
            if self.buffer.len() > KEEP_BYTES {
                self.buffer = Vec::new();
            }
        }
        if self.buffer.len() - self.filled.end < READ_BYTES / 2 {
            // Only the unfinished line moves, and the buffer doubles when that line fills half of
            // it, so a line is moved a constant number of times on average.
            self.buffer.copy_within(self.filled.clone(), 0);
            self.filled = 0..self.filled.len();
            let wanted = (self.filled.len() * 2).max(READ_BYTES);
            if self.buffer.len() < wanted {
                self.buffer.resize(wanted, 0);
            }
        }
        let room = self.buffer.get_mut(self.filled.end..).unwrap_or_default();
        let count = loop {
            match self.inner.read(room) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                outcome => break outcome?,
            }
        };
        self.filled.end += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
