//! What each observation is worth, and the words for it.
//!
//! Messages are fixed text; a package is named only in the form its registry would accept, because
//! everything else may have been written to be read by somebody.

use std::collections::{BTreeMap, BTreeSet};

use clawdefender_sdk::{Category, Finding, Info, Kind as EventKind, Rule, Severity};

use crate::advisory::Kind;
use crate::blocklist::Blocklist;
use crate::launch::{Candidate, Extraction, Opaque, Registry, Role, Source};
use crate::lockfile::Foreign;
use crate::lookalike::{Trick, WellKnown};
use crate::manifest::Written;
use crate::package::Spec;
use crate::shard::Known;
use crate::version::Answer;

const MALICIOUS: &str = "supply-chain.malicious";
const VULNERABLE: &str = "supply-chain.vulnerable";
const UNPINNED: &str = "supply-chain.unpinned";
const REGISTRY: &str = "supply-chain.registry-override";
const OPAQUE: &str = "supply-chain.opaque-launch";
const LOOKALIKE: &str = "supply-chain.lookalike";
const ALIAS: &str = "supply-chain.alias";

/// Findings for one event; a person can't read more, and the worst come first anyway.
const MAX_FINDINGS: usize = 32;
/// Names of one event that are compared with well-known ones; nobody installs more by hand.
const MAX_COMPARED: usize = 256;
/// Ids of one advisory that are told; the host takes no more.
const MAX_REFS: usize = 16;

/// What is known about the packages of an event, from the best to the worst: no data is worse than
/// an advisory that speaks of other versions, because nobody has looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Told {
    NotAffected,
    NoData,
    Possible,
    Affected,
}

impl Told {
    pub fn word(self) -> &'static str {
        match self {
            Self::NotAffected => "not-affected",
            Self::NoData => "no-data",
            Self::Possible => "possible",
            Self::Affected => "affected",
        }
    }
}

/// Where a command came from: a server that will run for days deserves more than an install.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    Launch,
    Command,
}

pub fn info() -> Info {
    let rule = |id: &str, category: Category, summary: &str| Rule {
        id: id.to_owned(),
        category,
        summary: summary.to_owned(),
        attrs: Vec::new(),
    };
    Info {
        id: "supply-chain".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        rules: vec![
            rule(
                MALICIOUS,
                Category::MaliciousPackage,
                "A package that is known to do harm.",
            ),
            rule(
                VULNERABLE,
                Category::VulnerablePackage,
                "A version with a known hole.",
            ),
            rule(
                UNPINNED,
                Category::SuspiciousPackage,
                "A server may change with every start.",
            ),
            rule(
                REGISTRY,
                Category::SuspiciousPackage,
                "Another registry may answer.",
            ),
            rule(
                OPAQUE,
                Category::SuspiciousPackage,
                "What will run can't be known beforehand.",
            ),
            rule(
                LOOKALIKE,
                Category::SuspiciousPackage,
                "A name that imitates a well-known one.",
            ),
            rule(
                ALIAS,
                Category::SuspiciousPackage,
                "A package that runs under another's name.",
            ),
        ],
        kinds: vec![
            EventKind::ToolCall,
            EventKind::GuardCheck,
            EventKind::ServerLaunch,
        ],
        history: 0,
        memo_bytes: 0,
        attrs: Vec::new(),
    }
}

/// Collects findings; each advisory about a package is one, so that a person can override one
/// without the others, and the same claim about the same package is made once.
pub struct Findings<'a> {
    blocklist: &'a Blocklist,
    well_known: &'a WellKnown,
    found: BTreeMap<Key, Finding>,
    told: Option<Told>,
    compared: usize,
}

/// What one finding is about: severity, rule, message, package, advisory.
type Key = (
    std::cmp::Reverse<u8>,
    &'static str,
    String,
    Option<String>,
    Option<String>,
);

impl<'a> Findings<'a> {
    pub fn new(blocklist: &'a Blocklist, well_known: &'a WellKnown) -> Self {
        Self {
            blocklist,
            well_known,
            found: BTreeMap::new(),
            told: None,
            compared: 0,
        }
    }

    /// The worst answer about any package that was certainly named; `None` when none was.
    pub fn told(&self) -> Option<Told> {
        self.told
    }

    /// The worst first. What is too much is one finding more, about no package and no advisory:
    /// nobody may override what nobody could read.
    pub fn finish(self) -> Vec<Finding> {
        let too_many = self.found.len() > MAX_FINDINGS;
        let mut found: Vec<Finding> = self.found.into_values().take(MAX_FINDINGS).collect();
        if let Some(last) = found.last_mut().filter(|_| too_many) {
            "More is known about these packages than can be listed.".clone_into(&mut last.message);
            last.refs.clear();
            last.attrs.clear();
        }
        found
    }

    pub fn extraction(&mut self, found: &Extraction, setting: Setting) {
        let certain = found.candidates.iter().filter(|candidate| !candidate.guess);
        let certain: BTreeSet<_> = certain.map(|c| (c.ecosystem, &c.name, &c.spec)).collect();
        for candidate in &found.candidates {
            let key = (candidate.ecosystem, &candidate.name, &candidate.spec);
            if !candidate.guess || !certain.contains(&key) {
                self.candidate(candidate, setting);
            }
        }
        let elsewhere = found
            .sources
            .iter()
            .any(|source| matches!(source, Source::Git | Source::Url));
        if elsewhere {
            let message = match setting {
                Setting::Launch => "A server comes from a git or web address, not from a registry.",
                Setting::Command => {
                    "A package comes from a git or web address, not from a registry."
                }
            };
            self.note(UNPINNED, Severity::Info, 90, message);
        }
        match found.registry {
            Some(Registry::Plaintext) => self.note(
                REGISTRY,
                Severity::Medium,
                90,
                "Packages may come over plain HTTP, where anybody on the way can replace them.",
            ),
            Some(Registry::Unverified) => self.note(
                REGISTRY,
                Severity::Low,
                80,
                "Packages may come over a connection whose certificate isn't checked.",
            ),
            Some(Registry::Other) => {
                self.note(
                    REGISTRY,
                    Severity::Low,
                    80,
                    "Packages may come from another registry than the public one.",
                );
            }
            None => {}
        }
        match (found.opaque, setting) {
            (Some(Opaque::Download), _) => {
                self.note(
                    OPAQUE,
                    Severity::High,
                    90,
                    "Something is downloaded and run at once, unseen by anybody.",
                );
            }
            (Some(Opaque::Convoluted), _) => self.note(
                OPAQUE,
                Severity::Medium,
                80,
                "A command is too long, or wrapped too often, to tell what it runs.",
            ),
            (Some(Opaque::Script), Setting::Launch) => {
                self.note(
                    OPAQUE,
                    Severity::Low,
                    80,
                    "A server starts through a script that can't be followed, or with code from a file, a variable or its folder.",
                );
            }
            _ => {}
        }
    }

    /// An address in a file that installs read.
    pub fn address(&mut self, foreign: Foreign) {
        let (severity, message) = match foreign {
            Foreign::Setting => (
                Severity::Low,
                "A setting would make packages come from another registry than the public one.",
            ),
            Foreign::Locked => (
                Severity::Medium,
                "A lock file would take a package from another place than the public registry.",
            ),
            Foreign::Plaintext => (
                Severity::Medium,
                "A file would make packages come over plain HTTP from another place.",
            ),
        };
        self.note(REGISTRY, severity, 80, message);
    }

    /// What a call writes into files. A range in a manifest or a package that a tool chose says
    /// little, so only what is certain is told, and packages that were never good.
    pub fn written(&mut self, written: &Written) {
        let listed = written.wanted.iter().chain(&written.locked);
        let started = written.commands.iter().flat_map(|found| &found.candidates);
        for candidate in listed.chain(started) {
            let reaching =
                self.blocklist
                    .look_up(candidate.ecosystem, &candidate.name, &candidate.spec);
            for (entry, answer) in reaching {
                let never_good = entry.kind == Kind::Malicious && entry.affected.has_no_end();
                if answer == Answer::Affected && !candidate.guess || never_good {
                    self.advisory(candidate, &entry, answer, Setting::Command);
                }
            }
        }
        for candidate in written.wanted.iter().take(MAX_COMPARED) {
            self.lookalike(candidate);
        }
        let unread = |found: &Extraction| found.opaque >= Some(Opaque::Convoluted);
        if written.cut || written.commands.iter().any(unread) {
            self.note(
                OPAQUE,
                Severity::Low,
                60,
                "A file that names packages is too long to be read to its end.",
            );
        }
    }

    pub fn candidate(&mut self, candidate: &Candidate, setting: Setting) {
        let Candidate {
            ecosystem,
            name,
            spec,
            ..
        } = candidate;
        let blocklist = self.blocklist;
        let mut known = false;
        let reaching = blocklist.look_up(*ecosystem, name, spec);
        if !candidate.guess {
            let worst = reaching.iter().map(|(_, answer)| *answer).max();
            let told = match worst {
                Some(Answer::Affected) => Told::Affected,
                Some(Answer::Possible | Answer::NotAffected) => Told::Possible,
                None if blocklist.knows(*ecosystem, name) => Told::NotAffected,
                None => Told::NoData,
            };
            self.told = self.told.max(Some(told));
        }
        for (entry, answer) in reaching {
            // A mere word of a script counts only against packages that were never good, and where
            // it names a bad version.
            let exact = answer == Answer::Affected && matches!(spec, Spec::Exact(_));
            let bad = entry.kind == Kind::Malicious || (exact && entry.kind == Kind::Compromised);
            if !candidate.guess || bad {
                self.advisory(candidate, &entry, answer, setting);
                known = true;
            }
        }
        if candidate.guess {
            return;
        }
        let subject = subject(candidate);
        if candidate.alias {
            let message = format!("{subject} would run under another package's name.");
            self.add(ALIAS, Severity::Medium, 85, &message, about(candidate));
        }
        if !known {
            self.lookalike(candidate);
        }
        let pinned = matches!(spec, Spec::Exact(_));
        if setting == Setting::Launch && candidate.role != Role::Extra && !pinned {
            let message =
                format!("{subject} is not pinned to a version, so it can change unnoticed.");
            self.add(UNPINNED, Severity::Info, 95, &message, about(candidate));
        }
    }

    fn advisory(&mut self, candidate: &Candidate, entry: &Known, answer: Answer, setting: Setting) {
        let subject = subject(candidate);
        let refs = About {
            ids: entry.ids.iter().take(MAX_REFS).cloned().collect(),
            ..about(candidate)
        };
        let certain = answer == Answer::Affected && !candidate.guess;
        match (entry.kind, certain) {
            (Kind::Malicious | Kind::Compromised, true) => {
                let message = format!("{subject} is known to be malicious in this version.");
                self.add(MALICIOUS, Severity::Critical, 99, &message, refs);
            }
            (Kind::Malicious | Kind::Compromised, false) => {
                let message = format!(
                    "{subject} has malicious versions; pin a version that is not one of them."
                );
                let (severity, confidence) = match (entry.kind, setting) {
                    // It may be no package at all.
                    _ if candidate.guess => (Severity::Low, 40),
                    // Nothing after the first bad version was ever good, so the newest is bad.
                    (Kind::Malicious, _) if entry.affected.has_no_end() => (Severity::High, 80),
                    (Kind::Malicious, _) => (Severity::Medium, 70),
                    // The bad versions of a good package are taken down within days, and asking
                    // at every install of it would teach people to answer yes.
                    (_, Setting::Launch) => (Severity::Medium, 60),
                    (_, Setting::Command) => (Severity::Low, 40),
                };
                self.add(MALICIOUS, severity, confidence, &message, refs);
            }
            (Kind::Vulnerable, true) => {
                let message = format!("{subject} has a known vulnerability in this version.");
                self.add(VULNERABLE, entry.level.severity(), 95, &message, refs);
            }
            (Kind::Vulnerable, false) => {
                let message =
                    format!("{subject} had a vulnerability; pin a version that is fixed.");
                self.add(VULNERABLE, Severity::Low, 50, &message, refs);
            }
        }
    }

    /// Tells a name that imitates another.
    fn lookalike(&mut self, candidate: &Candidate) {
        let Some(compared) = self.compared.checked_add(1).filter(|n| *n <= MAX_COMPARED) else {
            return;
        };
        self.compared = compared;
        let subject = subject(candidate);
        let trick = self
            .well_known
            .imitated(candidate.ecosystem, &candidate.name);
        if let Some(trick) = trick {
            let (how, confidence) = match trick {
                Trick::SameLetters => ("the letters of a well-known package's name", 75),
                Trick::Slip => ("nearly the name of a well-known package", 60),
                Trick::Scope => ("a scope that sounds like a well-known one", 60),
                Trick::Affix => ("a well-known package's name and a word that reassures", 50),
            };
            let message = format!("{subject} has {how}.");
            self.add(
                LOOKALIKE,
                Severity::Medium,
                confidence,
                &message,
                about(candidate),
            );
        }
    }

    fn note(&mut self, rule: &'static str, severity: Severity, confidence_pct: u8, message: &str) {
        self.add(rule, severity, confidence_pct, message, About::default());
    }

    fn add(
        &mut self,
        rule: &'static str,
        severity: Severity,
        confidence_pct: u8,
        message: &str,
        about: About,
    ) {
        let category = match rule {
            MALICIOUS => Category::MaliciousPackage,
            VULNERABLE => Category::VulnerablePackage,
            _ => Category::SuspiciousPackage,
        };
        let rank = std::cmp::Reverse(severity as u8);
        let About { package, ids } = about;
        let key = (
            rank,
            rule,
            message.to_owned(),
            package.clone(),
            ids.first().cloned(),
        );
        self.found.entry(key).or_insert_with(|| Finding {
            rule: rule.to_owned(),
            category,
            severity,
            confidence_pct,
            message: message.to_owned(),
            spans: Vec::new(),
            steps: Vec::new(),
            refs: ids,
            attrs: package
                .map(|package| ("package".to_owned(), package))
                .into_iter()
                .collect(),
        });
    }
}

/// What a finding speaks of.
#[derive(Clone, Default)]
struct About {
    /// `ecosystem:name@version`, or without a version when none is certain.
    package: Option<String>,
    /// The ids of one advisory.
    ids: Vec<String>,
}

fn about(candidate: &Candidate) -> About {
    About {
        package: crate::package_of(candidate),
        ids: Vec::new(),
    }
}

/// `npm:name` when the registry would accept the name, else only the ecosystem.
fn subject(candidate: &Candidate) -> String {
    let Candidate {
        ecosystem, name, ..
    } = candidate;
    if ecosystem.is_legal(name) {
        format!("{}:{name}", ecosystem.id())
    } else {
        format!("A package with an irregular name ({})", ecosystem.id())
    }
}
