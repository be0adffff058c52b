//! One advisory as people write and review it, and why it may not be published.
//!
//! This is the publisher's side: what a detector carries is the same in the shape of [`crate::shard`].

use std::collections::BTreeMap;

use clawdefender_sdk::Severity;
use serde::Deserialize;

use crate::package::Ecosystem;
use crate::version::{self, Affected, Range};

/// One advisory about one package.
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

/// What a source file of the blocklist holds.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    #[serde(default)]
    pub entries: Vec<Entry>,
    /// Names worth imitating, by ecosystem.
    #[serde(default)]
    pub well_known: BTreeMap<String, Vec<String>>,
    /// Honest names that are close to a well-known one, by ecosystem.
    #[serde(default)]
    pub neighbours: BTreeMap<String, Vec<String>>,
}

impl Entry {
    /// The versions that it speaks of.
    pub fn affected(&self) -> Affected {
        Affected {
            ranges: self.ranges.clone(),
            versions: self.versions.clone(),
            expression: self.expression.clone(),
        }
    }

    /// Why it must not be published.
    pub fn defect(&self) -> Option<&'static str> {
        const ISSUERS: [&str; 7] = ["CVE-", "GHSA-", "MAL-", "PYSEC-", "RUSTSEC-", "GO-", "CD-"];
        let Some(ecosystem) = Ecosystem::parse(&self.ecosystem) else {
            return Some("unknown ecosystem");
        };
        if !self.source.starts_with("https://") || self.summary.trim().is_empty() {
            return Some("no source or no summary");
        }
        if !ISSUERS.iter().any(|issuer| self.id.starts_with(issuer)) {
            return Some("an id of no known kind");
        }
        if !ecosystem.is_legal(&self.name) {
            return Some("a name that the registry would refuse");
        }
        // A digest is believed by everybody and recognised by nobody, so the address of its source
        // must quote it: then a reviewer sees at once whether somebody published it.
        let invented = |version: &String| {
            let hex = version.strip_prefix("sha256:");
            hex.is_some_and(|hex| !self.source.contains(hex))
        };
        if self.versions.iter().any(invented) {
            return Some("a digest that its source does not name");
        }
        version::defect(ecosystem, &self.affected())
    }
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
