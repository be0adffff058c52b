//! Takes up a changed `policy.toml`. A file that is broken keeps the last good policy, loudly.

use super::start::{self, Parts};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

/// How soon a saved policy applies.
const INTERVAL: Duration = Duration::from_millis(500);
/// How soon a change that could not be recorded is tried again. Chosen: a disk that is full stays so
/// for longer, and each try is said in the daemon's log.
const RETRY: Duration = Duration::from_secs(5);
/// Looks in a row that find no file before it counts as gone: some editors write by removing first.
const GONE: u32 = 4;

/// What tells one state of a file from another.
pub(super) type Stamp = Option<(u64, u64, i64, i64)>;

pub(super) fn spawn(parts: &Arc<Parts>) {
    let parts = Arc::downgrade(parts);
    let Some(home) = parts.upgrade().map(|parts| parts.home.clone()) else {
        return;
    };
    let mut seen = parts.upgrade().and_then(|parts| parts.policy_seen);
    let mut owed = false;
    let mut missed = 0;
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(INTERVAL);
            let now = stamp(&home.policy_file());
            missed = if now.is_none() { missed + 1 } else { 0 };
            if now.is_none() && missed < GONE {
                continue;
            }
            if now != seen || owed {
                seen = now;
                let Some(applied) = reload(&parts) else {
                    return;
                };
                owed = matches!(applied, Err(ReloadError::NotRecorded));
                if owed {
                    std::thread::sleep(RETRY);
                }
            }
        }
    });
}

/// Why a changed file does not apply.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    #[error(transparent)]
    Policy(#[from] crate::policy::PolicyError),
    /// It is there, and can't be read.
    #[error("{0}")]
    Unreadable(String),
    #[error("the change could not be recorded, so it does not apply yet")]
    NotRecorded,
}

fn reload(parts: &Weak<Parts>) -> Option<Result<String, ReloadError>> {
    // A failure keeps the last good one; `reload_policy` has said so.
    Some(parts.upgrade()?.reload_policy())
}

impl Parts {
    /// Reads the policy again and applies it when it is sound.
    ///
    /// # Errors
    /// The file's first error, or that the change could not be recorded; the last good policy stays
    /// in force.
    pub fn reload_policy(&self) -> Result<String, ReloadError> {
        let _one = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        let read = match start::load_policy(&self.home) {
            Ok((_, Some(why))) => Err(ReloadError::Unreadable(why)),
            Ok((policy, None)) => Ok(policy),
            Err(error) => Err(error.into()),
        };
        match read {
            Ok(policy) => {
                let policy = policy.with_overrides(self.judge.policy().overrides().to_vec());
                let version = policy.version().to_owned();
                let note = format!("policy version {version}");
                if !self.noted("policy", "policy-changed", note) {
                    let error = ReloadError::NotRecorded;
                    *self.policy_error() = Some(error.to_string());
                    return Err(error);
                }
                self.judge.swap_policy(policy);
                *self.policy_error() = None;
                Ok(version)
            }
            Err(error) => {
                tracing::error!(%error, "the new policy is refused; the last good one stays");
                self.note("policy", "policy-refused", error.to_string());
                *self.policy_error() = Some(error.to_string());
                Err(error)
            }
        }
    }
}

pub(super) fn stamp(path: &Path) -> Stamp {
    let meta = fs::metadata(path).ok()?;
    Some((meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec()))
}
