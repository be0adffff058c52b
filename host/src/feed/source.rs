//! Where a feed is published: web servers, a folder, or a pack that somebody carried here.
//!
//! No source is trusted: everything it says is bounded here and verified afterwards. Mirrors are
//! therefore as good as each other, and a wrong one only costs time.

use crate::download::{Answer, DownloadError, Downloader, Pace, Progress, Wanted};
use crate::upstream::{Address, UpstreamError};
use clawdefender_trust::{MAX_ENVELOPE_BYTES, Pack, PackError, Sha256Digest};
use hyper::StatusCode;
use hyper::header::HeaderValue;
use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

const ENVELOPE: &str = "manifest.dsse.json";

/// Largest pack that is taken in. Source: the total budget of a feed, 256 MiB, and 65 envelopes, with
/// room.
pub(super) const MAX_PACK_BYTES: u64 = 384 << 20;

#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("`{0}` is neither a folder, a .feedpack file, nor an https URL")]
    Unsupported(String),
    #[error(transparent)]
    Address(#[from] UpstreamError),
    #[error("{path}: {source}")]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path}: {source}")]
    Pack { path: PathBuf, source: PackError },
    #[error("{what}: it is longer than {limit} bytes")]
    TooLong { what: String, limit: u64 },
    #[error("{what}: {source}")]
    Download { what: String, source: DownloadError },
    #[error("{0} is not in it")]
    Absent(String),
}

/// Whose fault it is that nothing came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The source can't be asked, or has not got it.
    Source,
    /// What it sent is not what it must be.
    Content,
    /// This machine's disk.
    Disk,
}

impl FetchError {
    /// What a person has to look at.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Pack { .. } | Self::TooLong { .. } => Fault::Content,
            Self::Download { source, .. } => match source {
                DownloadError::Digest { .. }
                | DownloadError::TooLong { .. }
                | DownloadError::Encoded => Fault::Content,
                DownloadError::Disk { .. } | DownloadError::Planted(_) => Fault::Disk,
                _ => Fault::Source,
            },
            _ => Fault::Source,
        }
    }

    /// Whether the source says that it has no such file, which for an old rotation means: no more.
    fn is_absent(&self) -> bool {
        match self {
            Self::Absent(_) => true,
            Self::Read { source, .. } => source.kind() == std::io::ErrorKind::NotFound,
            Self::Download { source, .. } => matches!(
                source,
                DownloadError::Status(StatusCode::NOT_FOUND | StatusCode::GONE)
            ),
            _ => false,
        }
    }
}

/// What a web server called the envelope that it gave last: its address and its tag.
pub type Tag = (String, HeaderValue);

/// One place where a feed is published.
pub enum Source {
    Folder(PathBuf),
    Pack {
        envelope: Vec<u8>,
        rotations: BTreeMap<u64, Vec<u8>>,
        blobs: BTreeMap<Sha256Digest, Vec<u8>>,
    },
    Web {
        base: String,
        downloader: Downloader,
    },
}

impl Source {
    /// From what a person wrote: a folder, a pack, or a URL. `authorities` are believed instead of
    /// the web's.
    ///
    /// # Errors
    /// [`FetchError`].
    pub fn parse(text: &str, authorities: Option<&Path>) -> Result<Self, FetchError> {
        if text.starts_with("https://") || text.starts_with("http://") {
            let base = text.trim_end_matches('/').to_owned();
            Address::parse(&base)?;
            let downloader = Downloader::new(authorities, Pace::default())?;
            return Ok(Self::Web { base, downloader });
        }
        let path = Path::new(text.strip_prefix("file://").unwrap_or(text));
        if path.is_dir() {
            Ok(Self::Folder(path.to_owned()))
        } else if path.is_file() {
            Self::of_pack(path)
        } else if !path.exists() && (path.extension().is_some() || text.contains('/')) {
            Err(FetchError::Read {
                path: path.to_owned(),
                source: std::io::ErrorKind::NotFound.into(),
            })
        } else {
            Err(FetchError::Unsupported(text.to_owned()))
        }
    }

    fn of_pack(path: &Path) -> Result<Self, FetchError> {
        let bytes = read(path, MAX_PACK_BYTES)?;
        let pack = Pack::parse(&bytes).map_err(|source| FetchError::Pack {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self::Pack {
            envelope: pack.envelope().to_vec(),
            rotations: pack
                .rotations()
                .iter()
                .map(|(epoch, link)| (*epoch, link.to_vec()))
                .collect(),
            blobs: pack
                .blobs()
                .map(|(digest, bytes)| (*digest, bytes.to_vec()))
                .collect(),
        })
    }

    /// The manifest's envelope, and what to send along next time; `None` when the server says that
    /// it is the one of `tag`.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn envelope(
        &self,
        tag: Option<&Tag>,
    ) -> Result<Option<(Vec<u8>, Option<Tag>)>, FetchError> {
        if let Self::Web { base, .. } = self {
            let known = tag.filter(|(of, _)| of == base).map(|(_, tag)| tag);
            return Ok(match self.current(ENVELOPE, known).await? {
                Answer::Same => None,
                Answer::New { bytes, tag } => Some((bytes, tag.map(|tag| (base.clone(), tag)))),
            });
        }
        self.small(ENVELOPE).await.map(|bytes| Some((bytes, None)))
    }

    /// The first manifest of a key epoch, kept for whoever missed it; `None` when there is none.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn rotation(&self, epoch: u64) -> Result<Option<Vec<u8>>, FetchError> {
        if let Self::Pack { rotations, .. } = self {
            return Ok(rotations.get(&epoch).cloned());
        }
        match self.small(&format!("rotations/{epoch}.dsse.json")).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The artifact with this digest; never more than `length` bytes are read. What a web server
    /// sends is collected in the folder `staging`, so that a later attempt can go on.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn artifact(
        &self,
        digest: &Sha256Digest,
        length: u64,
        staging: &Path,
        progress: &Progress,
    ) -> Result<Vec<u8>, FetchError> {
        let name = digest.place();
        match self {
            Self::Folder(dir) => read(&dir.join(&name), length),
            Self::Pack { blobs, .. } => blobs
                .get(digest)
                .cloned()
                .ok_or_else(|| FetchError::Absent(format!("artifact {digest}"))),
            Self::Web { base, downloader } => {
                let wanted = Wanted {
                    length,
                    sha256: digest,
                };
                let url = Address::parse(&format!("{base}/{name}"))?;
                let to = staging.join(digest.to_string());
                // Whole since an earlier attempt, if nobody has changed it since.
                match read(&to, length) {
                    Ok(bytes) if Sha256Digest::of(&bytes) == *digest => {
                        progress.done.fetch_add(length, Ordering::Relaxed);
                        return Ok(bytes);
                    }
                    _ => {}
                }
                downloader
                    .file(&url, wanted, &to, progress)
                    .await
                    .map_err(|source| FetchError::Download { what: name, source })?;
                read(&to, length)
            }
        }
    }

    async fn small(&self, name: &str) -> Result<Vec<u8>, FetchError> {
        match self {
            Self::Folder(dir) => read(&dir.join(name), MAX_ENVELOPE_BYTES as u64),
            Self::Pack { envelope, .. } if name == ENVELOPE => Ok(envelope.clone()),
            Self::Pack { .. } => Err(FetchError::Absent(name.to_owned())),
            Self::Web { .. } => match self.current(name, None).await? {
                Answer::New { bytes, .. } => Ok(bytes),
                Answer::Same => Err(FetchError::Absent(name.to_owned())),
            },
        }
    }

    async fn current(&self, name: &str, tag: Option<&HeaderValue>) -> Result<Answer, FetchError> {
        let Self::Web { base, downloader } = self else {
            return Err(FetchError::Absent(name.to_owned()));
        };
        let url = Address::parse(&format!("{base}/{name}"))?;
        downloader
            .current(&url, MAX_ENVELOPE_BYTES as u64, tag)
            .await
            .map_err(|source| FetchError::Download {
                what: name.to_owned(),
                source,
            })
    }
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>, FetchError> {
    let failed = |source| FetchError::Read {
        path: path.to_owned(),
        source,
    };
    // A pipe is not waited for.
    let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = std::fs::File::options()
        .read(true)
        .custom_flags(nonblock)
        .open(path)
        .map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(failed(std::io::ErrorKind::InvalidInput.into()));
    }
    let mut bytes = Vec::new();
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > limit {
        let what = path.display().to_string();
        return Err(FetchError::TooLong { what, limit });
    }
    Ok(bytes)
}
