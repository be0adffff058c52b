//! Advisories in OSV's format, read from a folder of JSON files as OpenSSF's malicious-packages,
//! GitHub's advisory database, PyPA's and RustSec's exports are laid out.
//!
//! One file may speak of several packages; each becomes an entry of the blocklist, or a counted
//! refusal with its reason: what could never match must not look like protection.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use supply_chain::advisory::{Entry, Kind, Level};
use supply_chain::package::{Ecosystem, Spec};
use supply_chain::version::{self, Affected, Answer, Range};

use crate::cvss;

/// What a folder held.
#[derive(Default)]
pub struct Import {
    pub entries: Vec<Entry>,
    /// How often each reason left something out.
    pub left_out: BTreeMap<&'static str, usize>,
}

#[derive(Deserialize)]
struct Vulnerability {
    id: String,
    #[serde(default)]
    withdrawn: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    summary: Option<String>,
    #[serde(default)]
    severity: Vec<Severity>,
    #[serde(default)]
    affected: Vec<Package>,
    #[serde(default)]
    database_specific: Specific,
}

#[derive(Deserialize)]
struct Severity {
    #[serde(rename = "type")]
    kind: String,
    score: String,
}

#[derive(Deserialize)]
struct Package {
    #[serde(default)]
    package: Option<Name>,
    #[serde(default)]
    ranges: Vec<Ranges>,
    #[serde(default)]
    versions: Vec<String>,
    #[serde(default)]
    severity: Vec<Severity>,
    #[serde(default)]
    database_specific: Specific,
    #[serde(default)]
    ecosystem_specific: Specific,
}

#[derive(Deserialize)]
struct Name {
    ecosystem: String,
    name: String,
}

#[derive(Deserialize)]
struct Ranges {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    events: Vec<Event>,
}

#[derive(Clone, Default, Deserialize)]
struct Event {
    introduced: Option<String>,
    fixed: Option<String>,
    last_affected: Option<String>,
    limit: Option<String>,
}

/// What the databases add; anything may stand here, so nothing of it is required.
#[derive(Default, Deserialize)]
#[serde(from = "serde_json::Value")]
struct Specific(serde_json::Value);

impl From<serde_json::Value> for Specific {
    fn from(value: serde_json::Value) -> Self {
        Self(value)
    }
}

impl Specific {
    fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.as_str()
    }

    fn lists(&self, key: &str, wanted: &str) -> bool {
        let list = self.0.get(key).and_then(|list| list.as_array());
        list.is_some_and(|list| list.iter().any(|item| item.as_str() == Some(wanted)))
    }
}

/// Reads every `*.json` below `folder`, in the order of their paths.
///
/// # Errors
/// When a file can't be read or is no advisory: half a database is not a database.
pub fn import(folder: &Path) -> Result<Import> {
    let mut import = Import::default();
    for path in files(folder)? {
        let text =
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let advisory: Vulnerability = serde_json::from_slice(&text)
            .with_context(|| format!("{} is no OSV advisory", path.display()))?;
        import.add(advisory);
    }
    Ok(import)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let listing = std::fs::read_dir(&folder)
            .with_context(|| format!("cannot read {}", folder.display()))?;
        for item in listing {
            let item = item?;
            let path = item.path();
            // A link could lead in circles, and no database has one.
            if item.file_type()?.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

impl Import {
    fn leave_out(&mut self, why: &'static str) {
        *self.left_out.entry(why).or_default() += 1;
    }

    fn add(&mut self, advisory: Vulnerability) {
        if advisory.withdrawn.is_some() {
            return self.leave_out("withdrawn");
        }
        if advisory.affected.is_empty() {
            return self.leave_out("about no package");
        }
        for package in &advisory.affected {
            match entry(&advisory, package) {
                Ok(entry) => self.entries.push(entry),
                Err(why) => self.leave_out(why),
            }
        }
    }
}

fn entry(advisory: &Vulnerability, package: &Package) -> Result<Entry, &'static str> {
    let name = package
        .package
        .as_ref()
        .ok_or("about a repository, not a package")?;
    let ecosystem = Ecosystem::parse(&name.ecosystem).ok_or("another ecosystem")?;
    if matches!(
        package.database_specific.text("informational"),
        Some("unmaintained" | "notice")
    ) {
        return Err("a notice, not a hole");
    }
    let affected = affected(ecosystem, package)?;
    let malicious = is_malicious(advisory);
    let kind = match (malicious, affected.is_every_version()) {
        (true, true) => Kind::Malicious,
        (true, false) => Kind::Compromised,
        (false, _) => Kind::Vulnerable,
    };
    let entry = Entry {
        id: advisory.id.clone(),
        aliases: advisory.aliases.clone(),
        ecosystem: ecosystem.id().to_owned(),
        name: name.name.clone(),
        kind,
        severity: if malicious {
            Level::Critical
        } else {
            level(advisory, package)
        },
        summary: advisory
            .summary
            .clone()
            .unwrap_or_else(|| advisory.id.clone()),
        source: format!("https://osv.dev/vulnerability/{}", advisory.id),
        ranges: affected.ranges,
        versions: affected.versions,
        expression: None,
        withdrawn: None,
    };
    match entry.defect() {
        Some(defect) => Err(defect),
        None => Ok(entry),
    }
}

/// OpenSSF's own ids; GitHub's class of weakness for malware; RustSec says it in words.
fn is_malicious(advisory: &Vulnerability) -> bool {
    let ids = std::iter::once(&advisory.id).chain(&advisory.aliases);
    ids.into_iter().any(|id| id.starts_with("MAL-"))
        || advisory.database_specific.lists("cwe_ids", "CWE-506")
        || advisory.summary.as_deref().is_some_and(|summary| {
            advisory.id.starts_with("RUSTSEC-") && summary.contains("malicious code")
        })
}

/// The database's own word; else the CVSS vector's; else medium, because nobody judged it.
fn level(advisory: &Vulnerability, package: &Package) -> Level {
    let words = [
        advisory.database_specific.text("severity"),
        package.ecosystem_specific.text("severity"),
        package.database_specific.text("severity"),
    ];
    let by_word = words.into_iter().flatten().find_map(|word| {
        Some(match word.to_ascii_uppercase().as_str() {
            "CRITICAL" => Level::Critical,
            "HIGH" => Level::High,
            "MODERATE" | "MEDIUM" => Level::Medium,
            "LOW" => Level::Low,
            _ => return None,
        })
    });
    let vectors = advisory.severity.iter().chain(&package.severity);
    let by_vector = || {
        let of_version_3 = vectors.filter(|severity| severity.kind == "CVSS_V3");
        of_version_3
            .filter_map(|severity| cvss::level(&severity.score))
            .max()
    };
    by_word.or_else(by_vector).unwrap_or(Level::Medium)
}

/// What can be matched of it, as small as it can be said.
fn affected(ecosystem: Ecosystem, package: &Package) -> Result<Affected, &'static str> {
    let mut affected = Affected::default();
    for ranges in package.ranges.iter().filter(|ranges| ranges.kind != "GIT") {
        affected
            .ranges
            .extend(stretches(ecosystem, &ranges.events)?);
    }
    if affected.is_every_version() {
        return Ok(Affected::every_version());
    }
    for text in &package.versions {
        // No registry serves such a version any more, and it would make every other one doubtful.
        if !version::is_exact(ecosystem, text) || affected.versions.contains(text) {
            continue;
        }
        let spec = Spec::Exact(text.clone());
        let said = !affected.ranges.is_empty()
            && version::evaluate(ecosystem, &spec, &ranges_of(&affected)) == Answer::Affected;
        if !said {
            affected.versions.push(text.clone());
        }
    }
    if affected.ranges.is_empty() && affected.versions.is_empty() {
        return Err("names no version that its registry could serve");
    }
    Ok(affected)
}

fn ranges_of(affected: &Affected) -> Affected {
    Affected {
        ranges: affected.ranges.clone(),
        ..Affected::default()
    }
}

/// OSV's events, sorted, as stretches of versions.
///
/// Source: OSV schema 1.7, "Evaluation": events are sorted, `introduced` opens, `fixed` closes
/// before and `last_affected` behind the version that it names; `limit` closes like `fixed`.
fn stretches(ecosystem: Ecosystem, events: &[Event]) -> Result<Vec<Range>, &'static str> {
    const UNREADABLE: &str = "has a bound that can't be read";
    let mut sorted: Vec<(&str, Side)> = Vec::new();
    for event in events {
        let sides = [
            (&event.introduced, Side::Opens),
            (&event.fixed, Side::ClosesBefore),
            (&event.limit, Side::ClosesBefore),
            (&event.last_affected, Side::ClosesBehind),
        ];
        for (version, side) in sides {
            if let Some(version) = version.as_deref().filter(|version| *version != "*") {
                // RustSec's way to say "from the beginning".
                let version = if version == "0.0.0-0" { "0" } else { version };
                if version != "0" && !version::is_exact(ecosystem, version) {
                    return Err(UNREADABLE);
                }
                sorted.push((version, side));
            }
        }
    }
    sorted.sort_by(|(a, side), (b, other)| {
        order(ecosystem, a, b).then((*side as u8).cmp(&(*other as u8)))
    });
    let mut ranges = Vec::new();
    let mut open: Option<&str> = None;
    for (version, side) in sorted {
        let (fixed, last_affected) = match side {
            Side::Opens => {
                open = open.or(Some(version));
                continue;
            }
            Side::ClosesBefore => (Some(version.to_owned()), None),
            Side::ClosesBehind => (None, Some(version.to_owned())),
        };
        if let Some(introduced) = open.take() {
            ranges.push(Range {
                introduced: introduced.to_owned(),
                fixed,
                last_affected,
            });
        }
    }
    if let Some(introduced) = open {
        ranges.push(Range {
            introduced: introduced.to_owned(),
            ..Range::default()
        });
    }
    Ok(ranges)
}

/// At the same version a fix comes before a new beginning, and the last affected one after it.
#[derive(Clone, Copy)]
enum Side {
    ClosesBefore,
    Opens,
    ClosesBehind,
}

fn order(ecosystem: Ecosystem, a: &str, b: &str) -> Ordering {
    match (a, b) {
        ("0", "0") => Ordering::Equal,
        ("0", _) => Ordering::Less,
        (_, "0") => Ordering::Greater,
        _ => version::compare(ecosystem, a, b).unwrap_or(Ordering::Equal),
    }
}

#[cfg(test)]
mod tests;
