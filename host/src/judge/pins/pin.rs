//! One pin, and what differs between it and a launch.

use super::Standing;
use crate::event::identity::Identity;
use crate::event::{Category, Finding, Launch, Severity};
use crate::judge::now_ms;
use crate::link::Link;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Who makes these findings, where a detector's name stands else.
const HOST: &str = "host";
/// Longest name, path or version that is kept, in bytes. Source: Linux' `PATH_MAX`.
const MAX_TEXT_BYTES: usize = 4096;

/// What a server was when it was last allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// The server's name in the client's configuration.
    pub server: String,
    /// What stays the same when it changes: `ecosystem:name`, or the path of a local program.
    pub subject: String,
    /// `ecosystem:name@version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// Hexadecimal SHA-256 of the file that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// When this was pinned, in milliseconds since the Unix epoch.
    pub since_ms: u64,
    /// What it would have been at a launch that was not allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Box<Pin>>,
}

impl Pin {
    /// What a launch would pin; `None` for a server that somebody else runs, and where the disk
    /// tells nothing.
    pub fn of(link: &Link, identity: &Identity) -> Option<Self> {
        Self::new(
            &link.server.name,
            &link.launch,
            link.server.package.as_deref(),
            identity,
        )
    }

    /// As [`Pin::of`]; `named` is the package that the command names.
    pub fn new(
        server: &str,
        launch: &Launch,
        named: Option<&str>,
        identity: &Identity,
    ) -> Option<Self> {
        if launch.origin.is_some() {
            return None;
        }
        // A command that names a version says what runs although the disk does not have it yet.
        let versioned = named.filter(|named| bare(named) != *named);
        let package = identity.package.as_deref().or(versioned);
        let subject = match named {
            Some(named) => bare(named),
            None => identity.entry.as_deref()?,
        };
        if package.is_none() && identity.sha256.is_none() {
            return None;
        }
        let texts = [
            Some(server),
            Some(subject),
            package,
            identity.entry.as_deref(),
        ];
        if texts
            .iter()
            .flatten()
            .any(|text| text.len() > MAX_TEXT_BYTES)
        {
            return None;
        }
        Some(Self {
            server: server.to_owned(),
            subject: subject.to_owned(),
            package: package.map(str::to_owned),
            entry: identity.entry.clone(),
            sha256: identity.sha256.clone(),
            since_ms: now_ms(),
            refused: None,
        })
    }

    /// Whether the command names a package of a registry; else it is a file of this machine.
    fn is_package(&self) -> bool {
        !self.subject.starts_with('/')
    }

    pub(super) fn key(&self) -> (String, String) {
        (self.server.clone(), self.subject.clone())
    }

    pub(super) fn is_as(&self, other: &Self) -> bool {
        let what = |pin: &Self| (pin.package.clone(), pin.entry.clone(), pin.sha256.clone());
        what(self) == what(other)
    }

    /// A pinned file of a package may change with its version only; the version, only when a person
    /// is asked. A local program is its owner's to change, and the change is logged.
    pub(super) fn compare(&self, now: &Self) -> Standing {
        let differ = |was: &Option<String>, is: &Option<String>| matches!((was, is), (Some(was), Some(is)) if was != is);
        let server = shown(&self.server);
        if self.is_package() && differ(&self.package, &now.package) {
            let message = format!(
                "{server} is {} now; when it was last allowed it was {}.",
                now.told(),
                self.told()
            );
            return Standing::Changed(Box::new(finding("pins.version", Severity::Medium, message)));
        }
        if !differ(&self.sha256, &now.sha256) {
            return Standing::Same;
        }
        let (rule, severity, same) = match self.is_package() {
            true => (
                "pins.content",
                Severity::Medium,
                "although the version is the same",
            ),
            false => ("pins.file", Severity::Info, "since it was last allowed"),
        };
        let message = format!(
            "The file that {server} runs changed {same}: {}, SHA-256 {} before, {} now.",
            shown(now.entry.as_deref().unwrap_or(&now.subject)),
            self.sha256.as_deref().unwrap_or_default(),
            now.sha256.as_deref().unwrap_or_default(),
        );
        Standing::Changed(Box::new(finding(rule, severity, message)))
    }

    pub(super) fn told(&self) -> String {
        shown(self.package.as_deref().unwrap_or(&self.subject))
    }
}

pub(super) fn finding(rule: &str, severity: Severity, message: String) -> Finding {
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

/// `ecosystem:name` of `ecosystem:name@version`.
pub(super) fn bare(package: &str) -> &str {
    let name = package.find(':').map_or(0, |at| at + 1);
    match package.rfind('@') {
        Some(at) if at > name => package.get(..at).unwrap_or(package),
        _ => package,
    }
}

/// A name that a file on the disk gives itself, for a sentence.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 200;
    let clean = text.chars().filter(|c| !c.is_control());
    clean.take(MOST).collect()
}
