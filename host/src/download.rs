//! One file from a web server that nobody trusts: bounded in size, in time and in slowness,
//! resumable, and kept only when its length and SHA-256 are the expected ones.
//!
//! Which files those are is not known here. Redirects are answers like any other and never
//! followed, so nothing leads from https to http or to another network.

use crate::upstream::{Address, Dialer, UpstreamError};
use clawdefender_trust::Sha256Digest;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_RANGE, ETAG, HeaderValue, IF_NONE_MATCH, RANGE};
use hyper::{Request, Response, StatusCode};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

/// What stays free on the disk when something is fetched, so that the log can still be written. Chosen:
/// one segment.
const SPARE_BYTES: u64 = 64 << 20;

/// Bytes that are free for this user on the disk of `dir`.
///
/// # Errors
/// What statvfs(2) says.
pub fn free_bytes(dir: &Path) -> std::io::Result<u64> {
    let disk = rustix::fs::statvfs(dir)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Whether `needed` bytes may be written where `free` are left.
#[must_use]
pub const fn leaves_room(free: u64, needed: u64) -> bool {
    free >= needed.saturating_add(SPARE_BYTES)
}

/// How slow a server may be. Source: the feed's threat table, row 13.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// From request to the first byte of the answer, and how often the rate is looked at.
    pub window: Duration,
    /// Bytes that must arrive in each window but the last.
    pub least: u64,
}

impl Default for Pace {
    /// 1 KiB/s over 30 s.
    fn default() -> Self {
        Self {
            window: Duration::from_secs(30),
            least: 30 << 10,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error("the server answered {0}; redirects are not followed")]
    Redirected(StatusCode),
    #[error("the server answered {0}")]
    Status(StatusCode),
    #[error("the server sent an encoded answer though identity was asked for")]
    Encoded,
    #[error("it is longer than {limit} bytes")]
    TooLong { limit: u64 },
    #[error("it ended after {found} of {expected} bytes")]
    Cut { expected: u64, found: u64 },
    #[error("its SHA-256 is {found}, expected is {expected}")]
    Digest {
        expected: Sha256Digest,
        found: Sha256Digest,
    },
    #[error("less than {least} bytes arrived in {} s", window.as_secs_f32())]
    Slow { least: u64, window: Duration },
    #[error("the connection broke: {0}")]
    Broken(String),
    #[error("{path}: {source}")]
    Disk {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{0} is not a plain file of this user with one name")]
    Planted(PathBuf),
}

/// What the server has under an address that may change.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// It says that nothing changed since the tag. Only a claim: nobody signed it.
    Same,
    New {
        bytes: Vec<u8>,
        /// To be sent along next time.
        tag: Option<HeaderValue>,
    },
}

/// A file that is known before it is fetched.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub length: u64,
    pub sha256: &'a Sha256Digest,
}

/// How far a download is, for whoever shows it. In bytes.
#[derive(Debug, Default)]
pub struct Progress {
    pub done: AtomicU64,
    pub total: AtomicU64,
}

/// Fetches files; connections are kept for reuse.
#[derive(Clone)]
pub struct Downloader {
    dialer: Dialer,
    pace: Pace,
}

impl Downloader {
    /// Believes the web's certificate authorities, or only those in `authorities`, a PEM file.
    ///
    /// # Errors
    /// [`UpstreamError::Certificates`].
    pub fn new(authorities: Option<&Path>, pace: Pace) -> Result<Self, UpstreamError> {
        let dialer = Dialer::new(authorities)?;
        Ok(Self { dialer, pace })
    }

    /// What is under `url` now, at most `limit` bytes of it.
    ///
    /// # Errors
    /// [`DownloadError`].
    pub async fn current(
        &self,
        url: &Address,
        limit: u64,
        tag: Option<&HeaderValue>,
    ) -> Result<Answer, DownloadError> {
        let known = tag.map(|tag| (IF_NONE_MATCH, tag.clone()));
        let answer = self.get(url, known).await?;
        match answer.status() {
            StatusCode::NOT_MODIFIED if tag.is_some() => return Ok(Answer::Same),
            status => expect(status, StatusCode::OK)?,
        }
        let tag = answer.headers().get(ETAG).cloned();
        let mut bytes = Vec::new();
        let mut body = Paced::new(answer.into_body(), self.pace);
        while let Some(data) = body.next().await? {
            if (bytes.len() + data.len()) as u64 > limit {
                return Err(DownloadError::TooLong { limit });
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Answer::New { bytes, tag })
    }

    /// Fetches a known file to `to`, going on where an earlier attempt stopped. What was fetched so
    /// far is beside it, `.part` at the end of its name; it stays when the connection breaks.
    ///
    /// # Errors
    /// [`DownloadError`]; nothing is at `to` then that was not there before.
    pub async fn file(
        &self,
        url: &Address,
        wanted: Wanted<'_>,
        to: &Path,
        progress: &Progress,
    ) -> Result<(), DownloadError> {
        let mut part = Part::open(to, wanted.length)?;
        progress.done.fetch_add(part.length, Ordering::Relaxed);
        match self.whole(url, wanted, &mut part, progress).await {
            Ok(()) => part.keep(to),
            Err(error) => {
                progress.done.fetch_sub(part.length, Ordering::Relaxed);
                Err(error)
            }
        }
    }

    /// Fetches what is missing, and all of it once more when what was there is wrong.
    async fn whole(
        &self,
        url: &Address,
        wanted: Wanted<'_>,
        part: &mut Part,
        progress: &Progress,
    ) -> Result<(), DownloadError> {
        let resumed = part.length > 0;
        let mut found = self.fill(url, wanted, part, progress).await?;
        if found != *wanted.sha256 && resumed {
            part.empty(progress)?;
            found = self.fill(url, wanted, part, progress).await?;
        }
        if found != *wanted.sha256 {
            part.empty(progress)?;
            let expected = *wanted.sha256;
            return Err(DownloadError::Digest { expected, found });
        }
        Ok(())
    }

    /// Fetches what is missing. The digest of the whole.
    async fn fill(
        &self,
        url: &Address,
        wanted: Wanted<'_>,
        part: &mut Part,
        progress: &Progress,
    ) -> Result<Sha256Digest, DownloadError> {
        if part.length < wanted.length {
            let from = part.length;
            let range = HeaderValue::from_str(&format!("bytes={from}-")).ok();
            let range = range.filter(|_| from > 0).map(|range| (RANGE, range));
            let answer = self.get(url, range).await?;
            let goes_on = answer.status() == StatusCode::PARTIAL_CONTENT
                && answer
                    .headers()
                    .get(CONTENT_RANGE)
                    .and_then(|range| range.to_str().ok())
                    .is_some_and(|range| range.starts_with(&format!("bytes {from}-")));
            if !goes_on {
                expect(answer.status(), StatusCode::OK)?;
                part.empty(progress)?;
            }
            let mut body = Paced::new(answer.into_body(), self.pace);
            while let Some(data) = body.next().await? {
                if part.length + data.len() as u64 > wanted.length {
                    part.empty(progress)?;
                    let limit = wanted.length;
                    return Err(DownloadError::TooLong { limit });
                }
                part.add(&data)?;
                progress
                    .done
                    .fetch_add(data.len() as u64, Ordering::Relaxed);
            }
        }
        if part.length < wanted.length {
            let (expected, found) = (wanted.length, part.length);
            return Err(DownloadError::Cut { expected, found });
        }
        Ok(part.digest())
    }

    async fn get(
        &self,
        url: &Address,
        header: Option<(hyper::header::HeaderName, HeaderValue)>,
    ) -> Result<Response<Incoming>, DownloadError> {
        let mut request = Request::get(url.uri.clone())
            .header("accept-encoding", "identity")
            .header(
                "user-agent",
                concat!("clawdefender/", env!("CARGO_PKG_VERSION")),
            );
        if let Some(host) = url.uri.authority() {
            request = request.header("host", host.as_str());
        }
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let request = request
            .body(Full::default())
            .map_err(|error| DownloadError::Broken(error.to_string()))?;
        let answer = timeout(self.pace.window, self.dialer.send(request))
            .await
            .map_err(|_| DownloadError::Slow {
                least: 1,
                window: self.pace.window,
            })??;
        match answer.headers().get(CONTENT_ENCODING) {
            Some(encoding) if encoding != "identity" => Err(DownloadError::Encoded),
            _ => Ok(answer),
        }
    }
}

fn expect(status: StatusCode, expected: StatusCode) -> Result<(), DownloadError> {
    if status == expected {
        Ok(())
    } else if status.is_redirection() {
        Err(DownloadError::Redirected(status))
    } else {
        Err(DownloadError::Status(status))
    }
}

/// A body that must not drip.
struct Paced {
    body: Incoming,
    pace: Pace,
    until: Instant,
    arrived: u64,
}

impl Paced {
    fn new(body: Incoming, pace: Pace) -> Self {
        Self {
            body,
            pace,
            until: Instant::now() + pace.window,
            arrived: 0,
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, DownloadError> {
        loop {
            if Instant::now() >= self.until {
                if self.arrived < self.pace.least {
                    let Pace { least, window } = self.pace;
                    return Err(DownloadError::Slow { least, window });
                }
                self.until = Instant::now() + self.pace.window;
                self.arrived = 0;
            }
            let Ok(frame) = timeout_at(self.until, self.body.frame()).await else {
                continue;
            };
            let Some(frame) = frame else { return Ok(None) };
            let frame = frame.map_err(|error| DownloadError::Broken(error.to_string()))?;
            if let Ok(data) = frame.into_data() {
                self.arrived += data.len() as u64;
                return Ok(Some(data));
            }
        }
    }
}

/// A file that is not whole yet, and the hash of what is in it.
struct Part {
    path: PathBuf,
    file: File,
    hash: Sha256,
    length: u64,
}

impl Part {
    fn open(to: &Path, most: u64) -> Result<Self, DownloadError> {
        let mut name = to.as_os_str().to_owned();
        name.push(".part");
        let path = PathBuf::from(name);
        let disk = |source| DownloadError::Disk {
            path: path.clone(),
            source,
        };
        let nofollow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(nofollow)
            .open(&path)
            .map_err(disk)?;
        let facts = file.metadata().map_err(disk)?;
        let own = facts.uid() == rustix::process::geteuid().as_raw();
        if !facts.is_file() || facts.nlink() != 1 || !own {
            return Err(DownloadError::Planted(path));
        }
        if facts.len() > most {
            file.set_len(0).map_err(disk)?;
        }
        let (mut hash, mut length) = (Sha256::new(), 0);
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = file.read(&mut buffer).map_err(disk)?;
            let Some(read) = buffer.get(..read).filter(|read| !read.is_empty()) else {
                break;
            };
            hash.update(read);
            length += read.len() as u64;
        }
        Ok(Self {
            path,
            file,
            hash,
            length,
        })
    }

    fn add(&mut self, data: &[u8]) -> Result<(), DownloadError> {
        let written = self.file.write_all(data);
        written.map_err(|source| self.disk(source))?;
        self.hash.update(data);
        self.length += data.len() as u64;
        Ok(())
    }

    fn empty(&mut self, progress: &Progress) -> Result<(), DownloadError> {
        progress.done.fetch_sub(self.length, Ordering::Relaxed);
        self.hash = Sha256::new();
        self.length = 0;
        let emptied = self
            .file
            .set_len(0)
            .and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map(drop).map_err(|source| self.disk(source))
    }

    fn digest(&self) -> Sha256Digest {
        Sha256Digest::from_bytes(self.hash.clone().finalize().into())
    }

    fn keep(self, to: &Path) -> Result<(), DownloadError> {
        self.file
            .sync_all()
            .and_then(|()| std::fs::rename(&self.path, to))
            .and_then(|()| match to.parent() {
                Some(dir) => File::open(dir)?.sync_all(),
                None => Ok(()),
            })
            .map_err(|source| self.disk(source))
    }

    fn disk(&self, source: std::io::Error) -> DownloadError {
        DownloadError::Disk {
            path: self.path.clone(),
            source,
        }
    }
}

#[cfg(test)]
mod tests;
