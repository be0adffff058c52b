//! What was allowed of one server, and what differs between that and a launch.

use super::Standing;
use crate::event::identity::{Identity, bare, normal, normal_version};
use crate::event::{Category, Finding, Launch, Severity};
use crate::judge::now_ms;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Who makes these findings, where a detector's name stands else.
const HOST: &str = "host";
/// Longest name, path or version that is kept, in bytes. Chosen: paths of launchers' caches are half
/// as long.
const MAX_TEXT_BYTES: usize = 400;
/// Chosen: two projects with a server of one name in two versions need two.
const MAX_ACCEPTED: usize = 4;
/// Folders of packages that were installed: nobody works on what lies there.
const INSTALLED: [&str; 5] = [
    "/node_modules/",
    "/site-packages/",
    "/dist-packages/",
    "/uv/tools/",
    "/pipx/",
];

/// What one launch would run, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct What {
    /// `ecosystem:name@version` in the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named: Option<String>,
    /// `ecosystem:name@version` on the disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// Hexadecimal SHA-256 of the file that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// When it was first allowed, or refused, in milliseconds since the Unix epoch.
    pub at_ms: u64,
}

/// A launch in the words of pins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub server: String,
    /// What stays the same when it changes: `ecosystem:name`, or the path of a local program.
    pub subject: String,
    pub what: What,
}

/// What was allowed of one server and subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// The server's name in the client's configuration.
    pub server: String,
    pub subject: String,
    /// The last is the newest.
    pub accepted: Vec<What>,
    /// What a launch would have run that was not allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<What>,
}

impl Candidate {
    /// What a launch would pin; `named` is the package that the command names. `None` for a server that
    /// somebody else runs, and where nothing is known.
    pub fn of(
        server: &str,
        launch: &Launch,
        named: Option<&str>,
        identity: &Identity,
    ) -> Option<Self> {
        if launch.origin.is_some() {
            return None;
        }
        let entry = identity.entry.as_deref();
        let lies = entry.filter(|entry| INSTALLED.iter().any(|place| entry.contains(place)));
        let installed = lies.and(identity.package.as_deref());
        let subject = match named.or(installed) {
            Some(package) => bare(package),
            None => entry?,
        };
        // Where a package keeps its program is its author's choice, and no way to have no pin.
        let entry = entry.filter(|text| subject == *text || text.len() <= MAX_TEXT_BYTES);
        let what = What {
            named: named
                .filter(|named| bare(named) != *named)
                .map(str::to_owned),
            package: identity.package.clone(),
            entry: entry.map(str::to_owned),
            sha256: identity.sha256.clone(),
            at_ms: now_ms(),
        };
        let known = what.named.is_some() || what.package.is_some() || what.sha256.is_some();
        let texts = [Some(server), Some(subject), named, entry];
        let long = |text: &&str| text.len() > MAX_TEXT_BYTES;
        if !known || texts.iter().flatten().any(long) {
            return None;
        }
        Some(Self {
            server: server.to_owned(),
            subject: subject.to_owned(),
            what,
        })
    }

    pub(super) fn key(&self) -> (String, String) {
        (self.server.clone(), self.subject.clone())
    }
}

impl What {
    /// Whether nothing that both know differs. One version may be written in two ways.
    pub fn agrees(&self, now: &Self) -> bool {
        let same = |was: Option<String>, is: Option<String>| match (was, is) {
            (Some(was), Some(is)) => was == is,
            _ => true,
        };
        let packages = |was: &Option<String>, is: &Option<String>| {
            same(was.as_deref().map(normal), is.as_deref().map(normal))
        };
        // A launcher that has not fetched it yet has only the command's word for the version.
        same(self.version(), now.version())
            && packages(&self.named, &now.named)
            && packages(&self.package, &now.package)
            && same(self.sha256.clone(), now.sha256.clone())
    }

    fn version(&self) -> Option<String> {
        let package = self.named.as_deref().or(self.package.as_deref())?;
        let (name, version) = package.rsplit_once('@')?;
        Some(normal_version(name.split(':').next()?, version))
    }

    /// What is known now and was not; nothing that was known is forgotten. Whether that changed it.
    fn learn(&mut self, now: &Self) -> bool {
        let before = self.clone();
        for (was, is) in [
            (&mut self.named, &now.named),
            (&mut self.package, &now.package),
            (&mut self.sha256, &now.sha256),
            (&mut self.entry, &now.entry),
        ] {
            if was.is_none() {
                was.clone_from(is);
            }
        }
        *self != before
    }

    pub(super) fn told(&self, subject: &str) -> String {
        // Another package's program in place of the one that the command names.
        let other = self.package.as_deref();
        let other = other.filter(|package| !subject.starts_with('/') && bare(package) != subject);
        let package = other.or(self.named.as_deref());
        let package = package.or(self.package.as_deref());
        shown(package.unwrap_or(subject), 200)
    }
}

impl Pin {
    pub(super) fn first(now: Candidate) -> Self {
        Self {
            server: now.server,
            subject: now.subject,
            accepted: vec![now.what],
            refused: None,
        }
    }

    pub(super) fn key(&self) -> (String, String) {
        (self.server.clone(), self.subject.clone())
    }

    /// Takes what was allowed for good. Whether that changed it.
    pub(super) fn accept(&mut self, now: &What) -> bool {
        let refused = self.refused.take_if(|refused| refused.agrees(now));
        let learnt = match self.accepted.iter_mut().find(|was| was.agrees(now)) {
            Some(was) => was.learn(now),
            None => {
                if self.accepted.len() >= MAX_ACCEPTED {
                    self.accepted.remove(0);
                }
                self.accepted.push(now.clone());
                true
            }
        };
        learnt || refused.is_some()
    }

    /// A file of a package may change with its version only; the version, only when a person is asked.
    /// A local program is its owner's to change, and the change is logged.
    pub(super) fn compare(&self, now: &What) -> Standing {
        if self.accepted.iter().any(|was| was.agrees(now)) {
            return Standing::Same;
        }
        let Some(was) = self.accepted.last() else {
            return Standing::New;
        };
        let server = shown(&self.server, 60);
        let is_package = !self.subject.starts_with('/');
        let same_version = self.accepted.iter().find(|was| {
            let file = What {
                sha256: None,
                ..now.clone()
            };
            was.agrees(&file)
        });
        let Some(same) = same_version.filter(|was| was.sha256.is_some()) else {
            let message = format!(
                "{} now, and {} when it was last allowed: {server}.",
                now.told(&self.subject),
                was.told(&self.subject),
            );
            let severity = match is_package {
                true => Severity::Medium,
                false => Severity::Info,
            };
            return Standing::Changed(Box::new(finding("pins.version", severity, message)));
        };
        let (rule, severity, since) = match is_package {
            true => (
                "pins.content",
                Severity::Medium,
                "although the version is the same",
            ),
            false => ("pins.file", Severity::Info, "since it was last allowed"),
        };
        let digest = |what: &What| what.sha256.clone().unwrap_or_default();
        let message = format!(
            "The file that {server} runs changed {since}: SHA-256 {} before, {} now, {}.",
            digest(same),
            digest(now),
            shown(now.entry.as_deref().unwrap_or(&self.subject), 200),
        );
        Standing::Changed(Box::new(finding(rule, severity, message)))
    }
}

pub(in crate::judge) fn finding(rule: &str, severity: Severity, message: String) -> Finding {
    Finding {
        detector: HOST.to_owned(),
        rule: rule.to_owned(),
        category: Category("suspicious-package".to_owned()),
        severity,
        confidence_pct: 100,
        message,
        spans: Vec::new(),
        steps: Vec::new(),
        // MITRE ATT&CK: compromise of a supply chain, and of a program on the host.
        refs: vec!["T1195.002".to_owned(), "T1554".to_owned()],
        package: None,
        overridden: None,
        attrs: BTreeMap::new(),
    }
}

/// A name that a file on the disk gives itself, for a sentence.
pub(in crate::judge) fn shown(text: &str, most: usize) -> String {
    let clean = text.chars().filter(|c| !c.is_control());
    clean.take(most).collect()
}
