//! The threat data: which packages are known to be bad, in which versions.
//!
//! Parsed once per instance into an index by `ecosystem:name`. An entry that can't be evaluated
//! stays in and answers "possible": losing it would read as "clean". An artifact that can't be
//! parsed at all is refused as a whole.

use std::collections::HashMap;

use clawdefender_sdk::{Blob, Severity};
use serde::Deserialize;

use crate::package::{Ecosystem, Spec};
use crate::version::{self, Affected, Answer, Range};

/// One advisory.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// `MAL-…`, `CVE-…`, `GHSA-…`, or our own `CD-…` where nobody gave one.
    pub id: String,
    #[serde(default)]
    pub aliases: Vec<String>,
    pub ecosystem: String,
    pub name: String,
    pub kind: Kind,
    pub severity: Level,
    pub summary: String,
    /// Where the facts come from. Without it nobody could check them.
    pub source: String,
    #[serde(default)]
    pub ranges: Vec<Range>,
    #[serde(default)]
    pub versions: Vec<String>,
    /// An npm range, where the source writes it so.
    #[serde(default)]
    pub expression: Option<String>,
    /// RFC 3339; a withdrawn entry says nothing.
    #[serde(default)]
    pub withdrawn: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Vulnerable,
    /// A good package of which bad versions were published.
    Compromised,
    /// Made to do harm.
    Malicious,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Low,
    Medium,
    High,
    Critical,
}

/// What a blocklist artifact looks like.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    pub entries: Vec<Entry>,
    /// Names worth imitating, by ecosystem.
    #[serde(default)]
    pub well_known: HashMap<String, Vec<String>>,
}

/// Everything loaded, ready to be asked.
#[derive(Debug, Default)]
pub struct Blocklist {
    index: HashMap<String, Vec<Known>>,
    pub well_known: Vec<(Ecosystem, String)>,
}

#[derive(Debug)]
pub struct Known {
    pub ids: Vec<String>,
    pub kind: Kind,
    pub level: Level,
    affected: Affected,
}

impl Blocklist {
    /// # Errors
    /// When there is no blocklist at all, or one that can't be parsed: no data is never "clean".
    pub fn load(blobs: &[Blob]) -> Result<Self, String> {
        let mut list = Self::default();
        let mut found = false;
        for blob in blobs.iter().filter(|blob| blob.kind == "blocklist") {
            let artifact: Artifact = serde_json::from_slice(&blob.bytes)
                .map_err(|error| format!("blocklist {} can't be read: {error}", blob.name))?;
            list.add(artifact)?;
            found = true;
        }
        if found {
            Ok(list)
        } else {
            Err("no blocklist was given".to_owned())
        }
    }

    fn add(&mut self, artifact: Artifact) -> Result<(), String> {
        for entry in artifact.entries {
            let Some(ecosystem) = Ecosystem::parse(&entry.ecosystem) else {
                return Err(format!("entry {} names an unknown ecosystem", entry.id));
            };
            if entry.withdrawn.is_some() {
                continue;
            }
            let known = Known {
                ids: std::iter::once(entry.id).chain(entry.aliases).collect(),
                kind: entry.kind,
                level: entry.severity,
                affected: Affected {
                    ranges: entry.ranges,
                    versions: entry.versions,
                    expression: entry.expression,
                },
            };
            self.index
                .entry(key(ecosystem, &entry.name))
                .or_default()
                .push(known);
        }
        for (id, names) in artifact.well_known {
            let Some(ecosystem) = Ecosystem::parse(&id) else {
                return Err(format!("well-known names of an unknown ecosystem, {id}"));
            };
            let names = names
                .iter()
                .map(|name| (ecosystem, ecosystem.normalise(name)));
            self.well_known.extend(names);
        }
        Ok(())
    }

    /// The advisories that reach this spec, the certain and the possible.
    pub fn look_up(
        &self,
        ecosystem: Ecosystem,
        name: &str,
        spec: &Spec,
    ) -> impl Iterator<Item = (&Known, Answer)> {
        let known = self
            .index
            .get(&key(ecosystem, name))
            .map(Vec::as_slice)
            .unwrap_or_default();
        known.iter().filter_map(move |known| {
            let answer = version::evaluate(ecosystem, spec, &known.affected);
            (answer != Answer::NotAffected).then_some((known, answer))
        })
    }
}

/// Why an entry must not be published.
pub fn defect(entry: &Entry) -> Option<&'static str> {
    let Some(ecosystem) = Ecosystem::parse(&entry.ecosystem) else {
        return Some("unknown ecosystem");
    };
    if entry.source.trim().is_empty() || entry.summary.trim().is_empty() {
        return Some("no source or no summary");
    }
    if !["CVE-", "GHSA-", "MAL-", "PYSEC-", "RUSTSEC-", "CD-"]
        .iter()
        .any(|p| entry.id.starts_with(p))
    {
        return Some("an id of no known kind");
    }
    if !ecosystem.is_legal(&entry.name) {
        return Some("a name that the registry would refuse");
    }
    version::defect(
        ecosystem,
        &Affected {
            ranges: entry.ranges.clone(),
            versions: entry.versions.clone(),
            expression: entry.expression.clone(),
        },
    )
}

impl Level {
    pub fn severity(self) -> Severity {
        match self {
            Self::Low => Severity::Low,
            Self::Medium => Severity::Medium,
            Self::High => Severity::High,
            Self::Critical => Severity::Critical,
        }
    }
}

fn key(ecosystem: Ecosystem, name: &str) -> String {
    format!("{}:{}", ecosystem.id(), ecosystem.normalise(name))
}
