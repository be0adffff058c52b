//! Overrides: made and removed here, kept in a sealed file, recorded in the log.
//!
//! They are no part of a configuration, so that nothing which can only write a file can make one:
//! the file is signed with the audit log's key, and one that does not verify counts as none.

use super::start::Parts;
use crate::approval::{AnswerError, Approver};
use crate::audit::{Durability, Record, SealError, Sealed};
use crate::config::Home;
use crate::event::Finding;
use crate::judge::{call_id, now_ms};
use crate::policy::Override;
use serde_json::{Value, json};
use std::sync::PoisonError;

/// The longest that an override holds, in days. Chosen: an advisory deserves a second look within
/// a quarter.
pub const MAX_DAYS: u32 = 90;
/// Chosen: more than anybody keeps in mind.
const MAX_OVERRIDES: usize = 256;
/// Longest reason, in bytes.
const MAX_REASON_BYTES: usize = 300;
/// First in what is signed, so that the signature stands for nothing else that the key signs.
const PURPOSE: &str = "clawdefender/overrides/v1\n";
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// An override that somebody asks for.
pub(super) struct Wanted {
    pub advisory: String,
    pub package: String,
    pub reason: String,
    pub days: u32,
}

/// Why there is no such override.
#[derive(Debug, thiserror::Error)]
pub enum OverrideError {
    #[error(transparent)]
    NotAPerson(AnswerError),
    #[error(
        "an override needs a reason of 1 to {MAX_REASON_BYTES} bytes, without control characters"
    )]
    Reason,
    #[error("an override holds 1 to {MAX_DAYS} days")]
    Days,
    #[error("an override is for one version: ECOSYSTEM:NAME@VERSION")]
    Version,
    #[error("this advisory is overridden for this package already; remove that override first")]
    Already,
    #[error("no advisory of this id is found for exactly this package")]
    NoFinding,
    #[error("there are {MAX_OVERRIDES} overrides already")]
    TooMany,
    #[error("there is no override of this id")]
    Unknown,
    #[error("it could not be recorded, so it was not done")]
    NotRecorded,
    #[error("{0}; none of its overrides applies")]
    Seal(#[from] SealError),
}

impl OverrideError {
    /// A word for programs, and what to do.
    pub(super) fn advice(&self) -> (&'static str, &'static str) {
        match self {
            Self::NotAPerson(_) => (
                "self-approval",
                "override it in a terminal that was not opened by the agent's program",
            ),
            Self::Reason | Self::Days => ("usage", "clawdefender override add --help"),
            Self::NoFinding => ("refused", "clawdefender package check PACKAGE"),
            Self::TooMany | Self::Unknown => ("refused", "clawdefender override list"),
            _ => ("override", "clawdefender daemon logs"),
        }
    }
}

/// The overrides that were made, in force or not.
///
/// # Errors
/// [`OverrideError::Seal`] when the file is not what a daemon of this installation wrote.
pub(crate) fn load(home: &Home) -> Result<Vec<Override>, OverrideError> {
    Ok(file(home).read()?.unwrap_or_default())
}

fn file(home: &Home) -> Sealed {
    Sealed::new(home.overrides_file(), &home.audit_dir(), PURPOSE)
}

impl Parts {
    /// Every override, with whether it applies now.
    pub(super) fn list_overrides(&self) -> Value {
        let now = now_ms();
        let policy = self.judge.policy();
        let listed: Vec<Value> = policy
            .overrides()
            .iter()
            .map(|one| {
                let mut listed = json!(one);
                if let Some(members) = listed.as_object_mut() {
                    members.insert("in_force".into(), json!(one.is_in_force(now)));
                }
                listed
            })
            .collect();
        json!({ "overrides": listed })
    }

    /// Accepts one advisory about one package: a person, a finding that is there, a reason, an end.
    pub(super) fn add_override(
        &self,
        wanted: Wanted,
        by: &Approver,
    ) -> Result<Value, OverrideError> {
        let desk = self.judge.desk();
        desk.refuse_self_approval(by)
            .map_err(OverrideError::NotAPerson)?;
        let reason = wanted.reason.trim();
        if reason.is_empty()
            || reason.len() > MAX_REASON_BYTES
            || reason.chars().any(char::is_control)
        {
            return Err(OverrideError::Reason);
        }
        if !(1..=MAX_DAYS).contains(&wanted.days) {
            return Err(OverrideError::Days);
        }
        let version = wanted.package.rsplit_once('@').map(|(name, _)| name);
        if version.is_none_or(|name| name.ends_with([':', '/'])) {
            return Err(OverrideError::Version);
        }
        let about = |finding: &Finding| {
            finding.package.as_ref() == Some(&wanted.package)
                && finding.refs.contains(&wanted.advisory)
        };
        let findings = self.findings_about(&wanted.package);
        let finding = findings.iter().find(|finding| about(finding));
        let message = finding.ok_or(OverrideError::NoFinding)?.message.clone();
        let made_ms = now_ms();
        let made = Override {
            id: call_id(),
            advisory: wanted.advisory,
            package: wanted.package,
            reason: reason.to_owned(),
            by: format!("{} through {}", by.user, by.door),
            made_ms,
            expires_ms: made_ms + u64::from(wanted.days) * DAY_MS,
        };
        self.change_overrides(|all| {
            // Those that ended are in the log.
            all.retain(|one| one.is_in_force(made_ms));
            let same =
                |one: &Override| one.advisory == made.advisory && one.package == made.package;
            if all.iter().any(same) {
                return Err(OverrideError::Already);
            }
            if all.len() >= MAX_OVERRIDES {
                return Err(OverrideError::TooMany);
            }
            all.push(made.clone());
            let days = wanted.days;
            let Override {
                id,
                advisory,
                package,
                reason,
                by,
                ..
            } = &made;
            let note =
                format!("{id}: {advisory} about {package} for {days} days, by {by}: {reason}");
            Ok(("override-made", note))
        })?;
        Ok(json!({ "override": made, "finding": message }))
    }

    /// Ends an override. That only makes things stricter, so whoever reaches the socket may.
    pub(super) fn remove_override(&self, id: &str, by: &Approver) -> Result<Value, OverrideError> {
        let mut removed = None;
        self.change_overrides(|all| {
            let at = all.iter().position(|one| one.id == id);
            let one = all.remove(at.ok_or(OverrideError::Unknown)?);
            let Override {
                id,
                advisory,
                package,
                ..
            } = &one;
            let note = format!(
                "{id}: {advisory} about {package}, by {} through {}",
                by.user, by.door
            );
            removed = Some(one);
            Ok(("override-removed", note))
        })?;
        Ok(json!({ "override": removed }))
    }

    /// Records the change, then keeps it, then applies it: what was not recorded never applies.
    fn change_overrides(
        &self,
        change: impl FnOnce(&mut Vec<Override>) -> Result<(&'static str, String), OverrideError>,
    ) -> Result<(), OverrideError> {
        let _one = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        let policy = self.judge.policy();
        let mut all = policy.overrides().to_vec();
        let (kind, note) = change(&mut all)?;
        let record = Record {
            v: 1,
            id: call_id(),
            at_ms: now_ms(),
            what: "override".into(),
            kind: kind.to_owned(),
            note: Some(note),
            ..Record::default()
        };
        self.judge
            .append(&record, Durability::Now)
            .ok_or(OverrideError::NotRecorded)?;
        if let Err(error) = file(&self.home).write(&all) {
            self.note("override", "override-not-kept", error.to_string());
            return Err(error.into());
        }
        self.judge
            .swap_policy((*policy).clone().with_overrides(all));
        Ok(())
    }

    /// What the detectors say about a package by itself.
    fn findings_about(&self, package: &str) -> Vec<Finding> {
        let Some((ecosystem, name)) = package.split_once(':') else {
            return Vec::new();
        };
        let line = json!({ "package": { "ecosystem": ecosystem, "name": name } }).to_string();
        self.judge
            .inspector(|inspector| inspector.answer(&line))
            .findings
    }
}
