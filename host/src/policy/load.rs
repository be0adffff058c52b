//! A [`Policy`]: read from text, compiled once, then only asked.
//!
//! Reads no file; keeping the last good policy when a new one is broken is the daemon's part.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use data_encoding::HEXLOWER;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::criteria::Criterion;
use super::error::{PolicyError, Problem};
use super::file::{File, ProfileFile, RawRule, Thresholds};
use super::quiet::Quiet;
use super::rule::{Origin, Rule};
use super::{Action, OnFault, Override, Profile, legacy};

/// A policy that can be asked. Everything in it was understood; there are no ignored parts.
#[derive(Clone, Debug)]
pub struct Policy {
    pub(super) profile: Profile,
    pub(super) default: Action,
    pub(super) findings: Thresholds,
    pub(super) rules: Vec<Rule>,
    pub(super) quiet: Quiet,
    servers: BTreeMap<String, OnFault>,
    version: String,
    /// Never from a file of a policy: only a person makes one, through the daemon.
    overrides: Vec<Override>,
}

impl Policy {
    /// Reads `text`, adding its rules to those of the profile it names. `source_name` is what
    /// errors call it; `home` is what `~` means.
    ///
    /// # Errors
    /// The first thing that is wrong; [`Policy::check`] lists all.
    pub fn parse(text: &str, source_name: &str, home: &Path) -> Result<Self, PolicyError> {
        let (policy, mut errors) = Self::read(text, source_name, home)?;
        if errors.is_empty() {
            Ok(policy)
        } else {
            Err(errors.swap_remove(0))
        }
    }

    /// Whether the rule of this id is about findings, so that it is their spans that it means.
    pub fn names_findings(&self, id: &str) -> bool {
        let about = |rule: &Rule| {
            let mut criteria = rule.when.iter();
            criteria.any(|criterion| matches!(criterion, Criterion::Finding(_)))
        };
        self.rules.iter().any(|rule| rule.id == id && about(rule))
    }

    /// Everything that is wrong with `text`; empty when [`Policy::parse`] would take it.
    pub fn check(text: &str, source_name: &str, home: &Path) -> Vec<PolicyError> {
        Self::read(text, source_name, home).map_or_else(|error| vec![error], |(_, errors)| errors)
    }

    /// A shipped profile without rules of the user.
    pub fn builtin(profile: Profile, home: &Path) -> Self {
        match Self::shipped(profile, home) {
            Ok(policy) => policy,
            // The texts are compiled in and a test reads each, so this arm is for a build that
            // skipped its tests: it denies everything rather than something unknown.
            Err(_) => Self {
                profile: Profile::Strict,
                default: Action::Deny,
                findings: Thresholds::all(Action::Deny),
                rules: Vec::new(),
                quiet: Quiet::default(),
                servers: BTreeMap::new(),
                version: "unreadable".to_owned(),
                overrides: Vec::new(),
            },
        }
    }

    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// The same policy with these overrides in place of its own.
    #[must_use]
    pub fn with_overrides(self, overrides: Vec<Override>) -> Self {
        Self { overrides, ..self }
    }

    /// The advisories that a person accepted, expired ones included.
    pub fn overrides(&self) -> &[Override] {
        &self.overrides
    }

    /// SHA-256 in hexadecimal of the profile, the home and the file. Grants are bound to it.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// All rules, the profile's first. [`Rule::index`] is the position here.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule with this id, as named in [`super::Decision::rule`].
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// What a failed part means for messages of this server. `monitor` never blocks on one.
    pub fn on_fault(&self, server: &str) -> OnFault {
        match self.profile {
            Profile::Monitor => OnFault::Allow,
            _ => self.servers.get(server).copied().unwrap_or(OnFault::Deny),
        }
    }

    /// What the user keeps quiet, for `status`: rules of findings, with the server or for all of them.
    pub fn quiet(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.quiet.all()
    }

    /// The servers for which the user chose `on_fault = "allow"`, for `status`.
    pub fn fault_tolerant_servers(&self) -> impl Iterator<Item = &str> {
        let allowed = self
            .servers
            .iter()
            .filter(|(_, on_fault)| **on_fault == OnFault::Allow);
        allowed.map(|(name, _)| name.as_str())
    }

    pub(super) fn shipped(profile: Profile, home: &Path) -> Result<Self, PolicyError> {
        let name = format!("profile {}", profile.word());
        let origin = Origin {
            text: profile.text(),
            source_name: &name,
            home,
            builtin: true,
        };
        let file: ProfileFile = from_toml(&origin)?;
        require_version(file.version, &origin)?;
        let mut policy = Self {
            profile: file.profile,
            default: file.default,
            findings: file.findings,
            rules: Vec::new(),
            quiet: Quiet::default(),
            servers: BTreeMap::new(),
            version: digest(&[origin.text, &home.to_string_lossy()]),
            overrides: Vec::new(),
        };
        match policy.add(file.rule, &origin).into_iter().next() {
            Some(error) => Err(error),
            None => Ok(policy),
        }
    }

    fn read(
        text: &str,
        source_name: &str,
        home: &Path,
    ) -> Result<(Self, Vec<PolicyError>), PolicyError> {
        let origin = Origin {
            text,
            source_name,
            home,
            builtin: false,
        };
        let file: File = from_toml(&origin).map_err(|error| legacy::recognise(&origin, error))?;
        require_version(file.version, &origin)?;
        let mut policy = Self::shipped(file.profile, home)?;
        let mut errors = policy.add(file.rule, &origin);
        errors.extend(policy.quiet.take(file.quiet, None, &origin).err());
        for (name, server) in file.servers {
            let at = server.span().start;
            let server = server.into_inner();
            if server.on_fault.is_none() && server.quiet.is_none() {
                errors.push(origin.error(at, Problem::EmptyServer { server: name }));
                continue;
            }
            errors.extend(policy.quiet.take(server.quiet, Some(&name), &origin).err());
            policy
                .servers
                .extend(server.on_fault.map(|on_fault| (name, on_fault)));
        }
        policy.version = digest(&[file.profile.text(), &home.to_string_lossy(), text]);
        Ok((policy, errors))
    }

    fn add(&mut self, raw: Vec<RawRule>, origin: &Origin) -> Vec<PolicyError> {
        let mut errors = Vec::new();
        let builtin: HashSet<String> = self.rules.iter().map(|rule| rule.id.clone()).collect();
        let mut seen = builtin.clone();
        for raw in raw {
            let at = raw.id.span().start;
            match Rule::compile(raw, self.rules.len(), origin) {
                Ok(rule) if !seen.insert(rule.id.clone()) => {
                    let builtin = builtin.contains(&rule.id);
                    errors.push(origin.error(
                        at,
                        Problem::DuplicateId {
                            id: rule.id,
                            builtin,
                        },
                    ));
                }
                Ok(rule) => self.rules.push(rule),
                Err(error) => errors.push(error),
            }
        }
        errors
    }
}

fn from_toml<T: DeserializeOwned>(origin: &Origin) -> Result<T, PolicyError> {
    toml::from_str(origin.text).map_err(|error| {
        let message = error.message().lines().collect::<Vec<_>>().join("; ");
        let at = error.span().map_or(0, |span| span.start);
        origin.error(at, Problem::Syntax(message))
    })
}

fn require_version(version: toml::Spanned<i64>, origin: &Origin) -> Result<(), PolicyError> {
    match *version.get_ref() {
        1 => Ok(()),
        found => Err(origin.error(version.span().start, Problem::Version { found })),
    }
}

/// Each part with its length, so that no text can be moved from one part to the next.
fn digest(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    HEXLOWER.encode(&hasher.finalize())
}
