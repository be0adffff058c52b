//! Knows which package is about to run and whether it is known to be bad.
//!
//! A launch of a server, a shell command in a tool call and a package named outright all become
//! the same candidates; those are looked up in the signed blocklist. Nothing is fetched, nothing
//! on the disk is read: a detector can reach nothing, and the answer is the same on every machine.

pub mod advisory;
pub mod blocklist;
mod commands;
mod effort;
mod findings;
pub mod launch;
mod lockfile;
mod lookalike;
mod manifest;
pub mod package;
pub mod shard;
pub mod version;

use std::collections::BTreeSet;

use clawdefender_sdk::{AssetKind, Blob, Detector, Event, Info, Kind, Report, Settings, Step};

use blocklist::Blocklist;
use commands::Command;
use findings::{Findings, Setting};
use launch::{Candidate, Extraction, Role};
use lookalike::WellKnown;
use package::{Ecosystem, Spec};

/// The detector.
#[derive(Debug)]
pub struct SupplyChain {
    blocklist: Blocklist,
    well_known: WellKnown,
}

impl Detector for SupplyChain {
    fn describe() -> Info {
        findings::info()
    }

    fn configure(settings: &Settings, data: &[Blob]) -> Result<Self, String> {
        Self::configure_owned(settings, data.to_vec())
    }

    fn configure_owned(settings: &Settings, data: Vec<Blob>) -> Result<Self, String> {
        if !settings.is_empty() {
            return Err("supply-chain has no settings".to_owned());
        }
        let blocklist = Blocklist::load(data)?;
        let well_known = WellKnown::new(blocklist.names());
        Ok(Self {
            blocklist,
            well_known,
        })
    }

    fn inspect(&self, event: &Event, _recent: &[Step<'_>]) -> Report {
        let mut findings = Findings::new(&self.blocklist, &self.well_known);
        let mut attrs = Vec::new();
        let mut named = Named::default();
        let mut unreadable = false;
        if let Some(start) = &event.launch {
            let found = launch::launch_in(&start.argv, &start.env, &start.cwd);
            if let Some(package) = found.identity().and_then(package_of) {
                attrs.push(("package".to_owned(), package));
            }
            named.take(&found);
            findings.extraction(&found, Setting::Launch);
        }
        if matches!(event.kind, Kind::ToolCall | Kind::GuardCheck) {
            let mut written = manifest::written(&event.texts);
            for command in commands::commands(&event.texts) {
                let found = match command {
                    Command::Line(line) => launch::script(line),
                    Command::Code(code) => launch::code(code),
                    Command::File(text) => {
                        let mut found = launch::script(text);
                        // Nobody runs it yet: that it is long is no more than said.
                        if found.opaque == Some(launch::Opaque::Convoluted) {
                            found.opaque = Some(launch::Opaque::Script);
                            written.cut = true;
                        }
                        found
                    }
                    Command::Program(text) => {
                        written.commands.push(launch::mentions(text));
                        continue;
                    }
                    Command::Argv(argv, env) => launch::launch(&argv, &env),
                    Command::Crowded => Extraction {
                        opaque: Some(launch::Opaque::Convoluted),
                        ..Extraction::default()
                    },
                };
                written.files(&found.writes);
                named.take(&found);
                findings.extraction(&found, Setting::Command);
            }
            if let Some(foreign) = lockfile::foreign(&event.texts) {
                findings.address(foreign);
            }
            findings.written(&written);
        }
        for asset in event
            .assets
            .iter()
            .filter(|asset| asset.kind == AssetKind::Package)
        {
            match asset_candidate(&asset.value) {
                Some(candidate) => {
                    unreadable |= !candidate.ecosystem.is_legal(&candidate.name);
                    findings.candidate(&candidate, Setting::Command);
                }
                None => unreadable = true,
            }
        }
        let told = if unreadable {
            Some("unreadable")
        } else {
            findings.told().map(findings::Told::word)
        };
        if let Some(told) = told {
            attrs.push(("answer".to_owned(), told.to_owned()));
        }
        attrs.extend(named.attrs());
        Report {
            findings: findings.finish(),
            memo: None,
            attrs,
        }
    }
}

clawdefender_sdk::export_detector!(SupplyChain);

/// `npm:name@1.2.3`, which the host uses as the server's identity and to know what a finding is
/// about. Without a version where none is certain; nothing for a name or a version that could say
/// something else to a reader.
fn package_of(candidate: &Candidate) -> Option<String> {
    let Candidate {
        ecosystem,
        name,
        spec,
        ..
    } = candidate;
    if !ecosystem.is_legal(name) {
        return None;
    }
    let name = format!("{}:{}", ecosystem.id(), ecosystem.normalise(name));
    match spec {
        Spec::Exact(version)
            if is_plain(version) && name.len() + version.len() < MAX_WORD_BYTES =>
        {
            Some(format!("{name}@{version}"))
        }
        Spec::Exact(_) => None,
        _ => Some(name),
    }
}

/// The packages that commands name, so that policy can speak about them.
#[derive(Default)]
struct Named(BTreeSet<(bool, String)>);

impl Named {
    fn take(&mut self, found: &Extraction) {
        for candidate in &found.candidates {
            // One more than is told says that there are more.
            if self.0.len() > MAX_NAMED {
                return;
            }
            let bare = Candidate {
                spec: Spec::None,
                ..candidate.clone()
            };
            let package = package_of(candidate).or_else(|| package_of(&bare));
            self.0
                .extend(package.map(|package| (candidate.guess, package)));
        }
    }

    fn attrs(self) -> impl Iterator<Item = (String, String)> {
        let more = self.0.len() > MAX_NAMED;
        let told = self.0.into_iter().take(MAX_NAMED).map(|(guess, package)| {
            let name = match guess {
                true => "may-name",
                false => "names",
            };
            (name.to_owned(), package)
        });
        told.chain(more.then(|| ("names-more".to_owned(), "packages".to_owned())))
    }
}

/// The host takes no longer word.
const MAX_WORD_BYTES: usize = 256;

/// Packages of one message that are told. Chosen: more than a line that a person writes names; the
/// host takes 64 attributes.
const MAX_NAMED: usize = 48;

/// Whether a version may be repeated: real ones are short, and the host refuses long words.
fn is_plain(version: &str) -> bool {
    const MAX_BYTES: usize = 100;
    version.len() <= MAX_BYTES && version.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Reads `ecosystem:name` or `ecosystem:name@version`.
fn asset_candidate(value: &str) -> Option<Candidate> {
    let (ecosystem, rest) = value.split_once(':')?;
    Candidate::read(rest, Ecosystem::parse(ecosystem)?, Role::Main, false).ok()
}
