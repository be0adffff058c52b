//! Checks a log without its writer: no lock, nothing written, works while the daemon runs.
//!
//! A good report says that nothing signed was changed. It can't say that nothing was cut back to an
//! older checkpoint together with the `checkpoint` file; see the module's own words.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::classify::classify;
use super::damage::{Broken, Damage};
use super::key::PublicKey;
use super::walk::{any_segment, walk};

/// What `audit verify` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub ok: bool,
    /// `clawdefender/audit/<install-id>`, empty without a key.
    pub origin: String,
    /// The verifier key that was used: worth comparing with one kept elsewhere.
    pub key: String,
    /// Frames that were found good.
    pub frames: u64,
    /// Frames that a signed checkpoint covers; later ones can be cut off unnoticed.
    pub signed: u64,
    pub segments: u32,
    /// The last daemon stopped in order, or none ever started.
    pub clean: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<Broken>,
}

/// Checks the log in `dir` with the key that lies beside it.
pub fn verify(dir: &Path) -> Report {
    match PublicKey::read(dir) {
        Ok(Some(key)) => verify_with(dir, &key),
        Ok(None) => Report::unchecked(Damage::KeyMissing),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let anything = any_segment(dir).unwrap_or(false) || dir.join("checkpoint").exists();
            Report::unchecked(if anything {
                Damage::KeyMissing
            } else {
                Damage::Empty
            })
        }
        Err(_) => Report::unchecked(Damage::Unreadable),
    }
}

/// Checks the log in `dir` with a key that was kept elsewhere.
pub fn verify_with(dir: &Path, key: &PublicKey) -> Report {
    match report(dir, key) {
        Ok(report) => report,
        Err(_) => Report {
            origin: key.origin().to_owned(),
            key: key.line(),
            ..Report::unchecked(Damage::Unreadable)
        },
    }
}

fn report(dir: &Path, key: &PublicKey) -> io::Result<Report> {
    let walked = walk(dir, key)?;
    let broken = match walked.damage {
        Some(broken) => Some(classify(dir, key, broken)?),
        // Never begun, begun and cut short, or deleted: a start goes on, but nothing says which.
        None if !walked.witnessed => Some(Broken {
            seq: walked.range.size(),
            damage: match walked.range.size() {
                0 => Damage::Empty,
                _ => Damage::CheckpointMissing,
            },
            at: None,
        }),
        None if walked.tail.is_some() => Some(Broken {
            seq: walked.range.size(),
            damage: Damage::TornTail,
            at: Some((walked.segment, walked.bytes)),
        }),
        // The key beside the log must be the one it is checked with.
        None if fs::read_to_string(dir.join("key.pub"))
            .is_ok_and(|line| line.trim_end() != key.line()) =>
        {
            Some(Broken {
                seq: 0,
                damage: Damage::KeyReplaced,
                at: None,
            })
        }
        None => None,
    };
    Ok(Report {
        ok: broken.is_none(),
        origin: key.origin().to_owned(),
        key: key.line(),
        frames: walked.range.size(),
        signed: walked.signed.unwrap_or(0),
        segments: walked.segment,
        clean: walked.clean,
        broken,
    })
}

impl Report {
    fn unchecked(damage: Damage) -> Self {
        Self {
            ok: false,
            origin: String::new(),
            key: String::new(),
            frames: 0,
            signed: 0,
            segments: 0,
            clean: false,
            broken: Some(Broken {
                seq: 0,
                damage,
                at: None,
            }),
        }
    }
}

#[cfg(test)]
mod tests;
