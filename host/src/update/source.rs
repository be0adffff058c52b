//! Where releases are published: a folder or a web server with `latest.json`, archives, and a
//! `.minisig` beside each archive. It is not trusted.

use super::{MAX_ARCHIVE_BYTES, TARGET, UpdateError};
use crate::download::{Answer, Downloader, Progress, Wanted};
use crate::upstream::Address;
use clawdefender_trust::{ArtifactVersion, Sha256Digest};
use serde::Deserialize;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

const INDEX: &str = "latest.json";
const MAX_INDEX_BYTES: u64 = 64 << 10;
/// A signature file takes about 400 bytes.
const MAX_SIGNATURE_BYTES: u64 = 4 << 10;

/// Where releases are.
pub enum Source {
    Folder(PathBuf),
    Web {
        base: String,
        downloader: Box<Downloader>,
    },
}

/// What is offered for this target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub version: ArtifactVersion,
    /// One plain name beside the index.
    pub file: String,
    pub length: u64,
    pub sha256: Sha256Digest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    version: ArtifactVersion,
    archives: Vec<Archive>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Archive {
    target: String,
    file: String,
    length: u64,
    sha256: Sha256Digest,
}

impl Source {
    /// From what a person wrote: a URL or a folder.
    ///
    /// # Errors
    /// [`UpdateError::Address`] for a URL that is not https, or http on this machine.
    pub fn parse(text: &str, downloader: Downloader) -> Result<Self, UpdateError> {
        if !text.contains("://") {
            return Ok(Self::Folder(text.into()));
        }
        let base = text.trim_end_matches('/').to_owned();
        Address::parse(&base)?;
        let downloader = Box::new(downloader);
        Ok(Self::Web { base, downloader })
    }

    /// What is offered now for this target. A claim: nobody signed it.
    ///
    /// # Errors
    /// [`UpdateError::Index`], [`UpdateError::NoArchive`], or that it can't be read.
    pub async fn offer(&self) -> Result<Offer, UpdateError> {
        offer(&self.small(INDEX, MAX_INDEX_BYTES).await?)
    }

    /// The archive of an offer and its signature file. A download is kept in `staging` while it is
    /// not whole, and gone on with next time.
    ///
    /// # Errors
    /// [`UpdateError::Digest`], [`UpdateError::Length`], or that it can't be read.
    pub async fn fetch(
        &self,
        offer: &Offer,
        staging: &Path,
        progress: &Progress,
    ) -> Result<(Vec<u8>, String), UpdateError> {
        let signature = self
            .small(&format!("{}.minisig", offer.file), MAX_SIGNATURE_BYTES)
            .await?;
        let signature = String::from_utf8(signature).map_err(|_| UpdateError::Unsigned)?;
        let archive = match self {
            Self::Folder(folder) => read(&folder.join(&offer.file), offer.length + 1)?,
            Self::Web { base, downloader } => {
                let disk = |source| UpdateError::Disk {
                    path: staging.to_owned(),
                    source,
                };
                let mut builder = std::fs::DirBuilder::new();
                builder.recursive(true).mode(0o700);
                builder.create(staging).map_err(disk)?;
                let to = staging.join(offer.sha256.to_string());
                progress.total.store(offer.length, Ordering::Relaxed);
                let wanted = Wanted {
                    length: offer.length,
                    sha256: &offer.sha256,
                };
                let url = Address::parse(&format!("{base}/{}", offer.file))?;
                downloader.file(&url, wanted, &to, progress).await?;
                let bytes = read(&to, offer.length + 1);
                let _ = std::fs::remove_file(&to);
                bytes?
            }
        };
        let found = archive.len() as u64;
        if found != offer.length {
            let expected = offer.length;
            return Err(UpdateError::Length { expected, found });
        }
        let found = Sha256Digest::of(&archive);
        if found != offer.sha256 {
            let expected = offer.sha256;
            return Err(UpdateError::Digest { expected, found });
        }
        Ok((archive, signature))
    }

    async fn small(&self, name: &str, limit: u64) -> Result<Vec<u8>, UpdateError> {
        match self {
            Self::Folder(folder) => read(&folder.join(name), limit),
            Self::Web { base, downloader } => {
                let url = Address::parse(&format!("{base}/{name}"))?;
                match downloader.current(&url, limit, None).await? {
                    Answer::New { bytes, .. } => Ok(bytes),
                    // Not asked for without a tag.
                    Answer::Same => Ok(Vec::new()),
                }
            }
        }
    }
}

fn offer(index: &[u8]) -> Result<Offer, UpdateError> {
    let index: Index =
        serde_json::from_slice(index).map_err(|error| UpdateError::Index(error.to_string()))?;
    let Index { version, archives } = index;
    let Some(archive) = archives
        .into_iter()
        .find(|archive| archive.target == TARGET)
    else {
        return Err(UpdateError::NoArchive { offered: version });
    };
    if !is_plain(&archive.file) {
        return Err(UpdateError::Index(
            "a file's name is no plain name".to_owned(),
        ));
    }
    if !(1..=MAX_ARCHIVE_BYTES).contains(&archive.length) {
        return Err(UpdateError::Index(format!(
            "an archive must have 1 to {MAX_ARCHIVE_BYTES} bytes"
        )));
    }
    Ok(Offer {
        version,
        file: archive.file,
        length: archive.length,
        sha256: archive.sha256,
    })
}

/// Nothing in it is a step to another folder or another part of a URL.
fn is_plain(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=128).contains(&name.len()) && name.bytes().all(fits) && !name.starts_with('.')
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>, UpdateError> {
    let disk = |source| UpdateError::Disk {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(disk)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn index(target: &str, file: &str, length: u64) -> Result<Offer, UpdateError> {
        let sha256 = Sha256Digest::of(b"x");
        let index = json!({ "version": "9.0.0", "archives": [
            { "target": target, "file": file, "length": length, "sha256": sha256 },
        ]});
        offer(index.to_string().as_bytes())
    }

    #[test]
    fn an_offer_is_for_this_target_under_a_plain_name() {
        assert_eq!(index(TARGET, "a-1_x.tar.gz", 7).unwrap().length, 7);
        assert!(matches!(
            index("z80-cpm", "a", 7),
            Err(UpdateError::NoArchive { .. })
        ));
        for name in [
            "", "../a", "a/b", ".a", "a?b", "a#b", "a%2fb", "a b", "\u{e9}",
        ] {
            assert!(
                matches!(index(TARGET, name, 7), Err(UpdateError::Index(_))),
                "{name}"
            );
        }
        for length in [0, MAX_ARCHIVE_BYTES + 1] {
            assert!(index(TARGET, "a", length).is_err(), "{length}");
        }
        assert!(offer(b"{}").is_err());
    }

    #[test]
    fn plain_http_is_for_this_machine() {
        let downloader = || Downloader::new(None, crate::download::Pace::default()).unwrap();
        assert!(Source::parse("http://releases.example", downloader()).is_err());
        assert!(Source::parse("https://releases.example/x/", downloader()).is_ok());
        assert!(matches!(
            Source::parse("./dist", downloader()),
            Ok(Source::Folder(_))
        ));
    }
}
