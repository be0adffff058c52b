//! Takes up a changed `policy.toml`. A file that is broken keeps the last good policy, loudly.

use super::start::{self, Parts};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

/// How soon a saved policy applies.
const INTERVAL: Duration = Duration::from_millis(500);

/// What tells one state of a file from another.
pub(super) type Stamp = Option<(u64, u64, i64, i64)>;

pub(super) fn spawn(parts: &Arc<Parts>) {
    let parts = Arc::downgrade(parts);
    let Some(home) = parts.upgrade().map(|parts| parts.home.clone()) else {
        return;
    };
    let mut seen = parts.upgrade().and_then(|parts| parts.policy_seen);
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(INTERVAL);
            let now = stamp(&home.policy_file());
            if now != seen {
                seen = now;
                if reload(&parts).is_none() {
                    return;
                }
            }
        }
    });
}

fn reload(parts: &Weak<Parts>) -> Option<()> {
    let parts = parts.upgrade()?;
    // A failure keeps the last good one; `reload_policy` has recorded it.
    let _ = parts.reload_policy();
    Some(())
}

impl Parts {
    /// Reads the policy again and applies it when it is sound.
    ///
    /// # Errors
    /// The file's first error; the last good policy stays in force.
    pub fn reload_policy(&self) -> Result<String, crate::policy::PolicyError> {
        let _one = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        match start::load_policy(&self.home) {
            Ok((policy, unreadable)) => {
                let policy = policy.with_overrides(self.judge.policy().overrides().to_vec());
                let version = policy.version().to_owned();
                self.note(
                    "policy",
                    "policy-changed",
                    format!("policy version {version}"),
                );
                self.judge.swap_policy(policy);
                *self.policy_error() = unreadable;
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
