//! The user's own chains: a file named in `config.toml`, read whole, given to `kill-chain` as it is.
//!
//! Whoever may write the file may make findings and no more: chains only add to the shipped ones. It
//! is still refused unless it is the user's alone, because a finding can stop a message.

use super::start::{self, DaemonError};
use crate::config::{Config, Home};
use crate::feed::Feeds;
use crate::plugin::{CodeCache, Own, Package};
use clawdefender_trust::Sha256Digest;
use serde::Deserialize;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Chosen: ten times the shipped chains with their words.
const MOST_BYTES: u64 = 1 << 20;
/// Whose data it is.
const DETECTOR: &str = "kill-chain";
const KIND: &str = "killchain";
const NAME: &str = "own";

#[derive(Debug, thiserror::Error)]
pub enum ChainsError {
    #[error("{path}: {source}")]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path} is not a file")]
    NotAFile { path: PathBuf },
    #[error("{path} belongs to another user")]
    Foreign { path: PathBuf },
    #[error("{path} can be written by others; `chmod go-w` it")]
    Writable { path: PathBuf },
    #[error("{path} is longer than {MOST_BYTES} bytes")]
    TooLong { path: PathBuf },
    #[error("{path}:{line}: {message}")]
    Invalid {
        path: PathBuf,
        line: usize,
        message: String,
    },
    #[error("{path}: no detector that takes chains is installed")]
    NoDetector { path: PathBuf },
}

/// A file of chains that is well formed; what they mean only the detector knows.
#[derive(Debug)]
pub struct OwnChains {
    pub path: PathBuf,
    pub digest: Sha256Digest,
    /// The line that each chain begins in.
    lines: Vec<usize>,
    /// As the detector reads it.
    json: Arc<[u8]>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    chains: Vec<toml::Spanned<toml::Table>>,
}

impl OwnChains {
    /// What `config.toml` names, if it names something; a relative path begins at our home.
    ///
    /// # Errors
    /// [`ChainsError`]: the file is there and can't be used, or is not there.
    pub fn configured(home: &Home, config: &Config) -> Result<Option<Self>, ChainsError> {
        let path = config.chains_file.as_ref();
        path.map(|path| Self::read(&home.root().join(path)))
            .transpose()
    }

    /// # Errors
    /// [`ChainsError`].
    pub fn read(path: &Path) -> Result<Self, ChainsError> {
        let path = path.to_owned();
        let read = |source| ChainsError::Read {
            path: path.clone(),
            source,
        };
        // A pipe in its place must not stop the start for ever.
        let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
        let mut options = File::options();
        let file = options.read(true).custom_flags(nonblocking).open(&path);
        let mut file = file.map_err(read)?;
        // Of the open file: the name may lead elsewhere a moment later.
        let facts = file.metadata().map_err(read)?;
        if !facts.is_file() {
            return Err(ChainsError::NotAFile { path });
        }
        if facts.uid() != rustix::process::geteuid().as_raw() {
            return Err(ChainsError::Foreign { path });
        }
        if facts.mode() & 0o022 != 0 {
            return Err(ChainsError::Writable { path });
        }
        let mut text = String::new();
        let mut bounded = Read::by_ref(&mut file).take(MOST_BYTES + 1);
        bounded.read_to_string(&mut text).map_err(read)?;
        if text.len() as u64 > MOST_BYTES {
            return Err(ChainsError::TooLong { path });
        }
        Self::parse(path, &text)
    }

    fn parse(path: PathBuf, text: &str) -> Result<Self, ChainsError> {
        let line = |offset: usize| text.get(..offset).unwrap_or(text).matches('\n').count() + 1;
        let invalid = |line, message: &str| ChainsError::Invalid {
            path: path.clone(),
            line,
            message: message.to_owned(),
        };
        let written: Written = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            invalid(line(at), error.message())
        })?;
        if written.chains.is_empty() {
            return Err(invalid(1, "it holds no chain"));
        }
        let lines = written.chains.iter().map(|chain| line(chain.span().start));
        let lines = lines.collect();
        let chains: Vec<&toml::Table> = written.chains.iter().map(toml::Spanned::get_ref).collect();
        let json = serde_json::to_vec(&serde_json::json!({ "chains": chains }))
            .map_err(|error| invalid(1, &error.to_string()))?;
        Ok(Self {
            path,
            digest: Sha256Digest::of(text.as_bytes()),
            lines,
            json: json.into(),
        })
    }

    pub fn count(&self) -> usize {
        self.lines.len()
    }

    /// For the record.
    pub fn summary(&self) -> String {
        format!(
            "{}: {} chains, sha256 {}",
            self.path.display(),
            self.count(),
            self.digest
        )
    }

    /// Gives the chains to the detector that takes them.
    ///
    /// # Errors
    /// [`ChainsError::NoDetector`].
    pub fn give(&self, packages: &mut [Package]) -> Result<(), ChainsError> {
        let mut takers = packages.iter_mut();
        let taker = takers.find(|package| package.component.name.as_str() == DETECTOR);
        let taker = taker.ok_or_else(|| ChainsError::NoDetector {
            path: self.path.clone(),
        })?;
        taker.own.push(Own {
            kind: KIND.to_owned(),
            name: NAME.to_owned(),
            version: self.digest.to_string(),
            bytes: Arc::clone(&self.json),
        });
        Ok(())
    }

    /// The place in the file that a detector's refusal speaks of; `None` when it speaks of
    /// something else.
    ///
    /// The detector says `killchain data own: chain 3: …`, counted from 1.
    pub fn blame(&self, refusal: &str) -> Option<ChainsError> {
        let (_, of_ours) = refusal.split_once(&format!("{KIND} data {NAME}: "))?;
        let counted = of_ours.strip_prefix("chain ").and_then(|rest| {
            let (number, message) = rest.split_once(": ")?;
            let line = self
                .lines
                .get(number.parse::<usize>().ok()?.checked_sub(1)?)?;
            Some((*line, message))
        });
        let (line, message) = counted.unwrap_or((1, of_ours));
        Some(ChainsError::Invalid {
            path: self.path.clone(),
            line,
            message: message.to_owned(),
        })
    }
}

/// Reads a file of chains and shows it to the installed detector, as the daemon does at its start.
///
/// # Errors
/// [`DaemonError::Chains`] names what is wrong with the file; others, why it could not be shown.
pub fn check(home: &Home, path: Option<&Path>) -> Result<Option<OwnChains>, DaemonError> {
    let config = Config::load(home)?;
    let own = match path {
        Some(path) => Some(OwnChains::read(path)?),
        None => OwnChains::configured(home, &config)?,
    };
    let Some(own) = own else { return Ok(None) };
    let feeds = Feeds::open(&home.feeds_dir(), start::now()?)?;
    let cache = CodeCache::open(&home.cache_dir())?;
    let mut packages = feeds.packages(&start::settings(home, &config)?);
    packages.retain(|package| package.component.name.as_str() == DETECTOR);
    own.give(&mut packages)?;
    let (_, failed) = start::load(packages, &cache, 1);
    refused(&own, &failed)?;
    Ok(Some(own))
}

/// # Errors
/// [`DaemonError::Chains`] when a detector was not loaded because of these chains.
pub(super) fn refused(own: &OwnChains, failed: &[(String, String)]) -> Result<(), ChainsError> {
    let blamed = failed.iter().find_map(|(_, error)| own.blame(error));
    blamed.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    const GOOD: &str = "# mine\n\n[[chains]]\nid = \"a\"\n\n[[chains]]\nid = \"b\"\n";

    fn read(text: &str, mode: u32) -> Result<OwnChains, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("chains.toml");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let shown = |error: ChainsError| {
            let error = error.to_string();
            error.replace(&format!("{}/", dir.path().display()), "")
        };
        OwnChains::read(&path).map_err(shown)
    }

    #[test]
    fn a_file_that_others_may_write_is_refused() {
        assert_eq!(read(GOOD, 0o644).unwrap().count(), 2);
        for mode in [0o664, 0o646, 0o666] {
            let error = read(GOOD, mode).unwrap_err();
            assert!(error.contains("can be written by others"), "{error}");
        }
        let dir = tempfile::tempdir().unwrap();
        let error = OwnChains::read(dir.path()).unwrap_err();
        assert!(matches!(error, ChainsError::NotAFile { .. }), "{error}");
        let error = OwnChains::read(&dir.path().join("none")).unwrap_err();
        assert!(matches!(error, ChainsError::Read { .. }), "{error}");
        let long = format!("{GOOD}# {}", "x".repeat(1 << 20));
        assert!(read(&long, 0o600).unwrap_err().contains("longer than"));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        assert_eq!(
            read("", 0o600).unwrap_err(),
            "chains.toml:1: missing field `chains`"
        );
        let error = read("chains = []\n", 0o600).unwrap_err();
        assert_eq!(error, "chains.toml:1: it holds no chain");
        let error = read(&format!("{GOOD}[lexicon]\n"), 0o600).unwrap_err();
        assert!(
            error.starts_with("chains.toml:8: unknown field `lexicon`"),
            "{error}"
        );
        let error = read(&format!("{GOOD}id = \"c\"\n"), 0o600).unwrap_err();
        assert!(error.starts_with("chains.toml:8: "), "{error}");
    }

    #[test]
    fn a_refusal_of_the_detector_leads_to_the_chain() {
        let own = OwnChains::parse("c.toml".into(), GOOD).unwrap();
        let blame = |refusal: &str| own.blame(refusal).map(|error| error.to_string());
        let said = "the detector refused its configuration: killchain data own: chain 2: no step";
        assert_eq!(blame(said).unwrap(), "c.toml:6: no step");
        assert_eq!(
            blame("killchain data own: something").unwrap(),
            "c.toml:1: something"
        );
        assert_eq!(
            blame("killchain data own: chain 9: x").unwrap(),
            "c.toml:1: chain 9: x"
        );
        assert_eq!(blame("killchain data core: chain 1: no step"), None);
    }
}
