//! Finds instructions hidden in what a server sends.
//!
//! Here: what the detector claims about itself and how one event becomes findings. What to look
//! for is data (`signature.rs` reads it), where to look is `scan.rs`, disguises are `disguise/`,
//! and whether a match is only talked about is `mention.rs`.

use std::ops::Range;

use clawdefender_sdk::{
    Blob, Detector, Event, Finding, Info, Kind, Report, Role, Settings, Severity, Span, Step,
};

mod disguise;
mod finder;
mod hidden;
mod joined;
mod letters;
pub mod lexicon;
mod mention;
pub mod model;
pub mod passage;
mod phrase;
mod place;
mod reading;
mod rules;
mod scan;
mod signature;
mod surface;
pub mod token;
mod weigh;
mod window;

pub use rules::RULES;
pub use signature::{Artifact, Signature};

use joined::Joined;
use model::Model;
use place::Place;
use reading::Reading;
use scan::Scanner;
use surface::Surface;
use weigh::Match;

/// The detector: signatures compiled, lexicon and model loaded once.
pub struct Injection {
    scanner: Scanner,
    reading: Reading,
}

impl Detector for Injection {
    fn describe() -> Info {
        RULES.iter().fold(
            Info::new("injection", env!("CARGO_PKG_VERSION")),
            |info, rule| info.rule(rule.id, rule.category(), rule.summary),
        )
    }

    fn configure(settings: &Settings, data: &[Blob]) -> Result<Self, String> {
        if let Some((name, _)) = settings.first() {
            return Err(format!("unknown setting {name:?}; this detector has none"));
        }
        let mut artifacts = Vec::new();
        for blob in data.iter().filter(|blob| blob.kind == "signatures") {
            let artifact = Artifact::parse(&blob.bytes)
                .map_err(|reason| format!("{} {}: {reason}", blob.name, blob.version))?;
            artifacts.push(artifact);
        }
        if artifacts.is_empty() {
            return Err("no signatures: this detector needs a data artifact of that kind".into());
        }
        let mut models = data.iter().filter(|blob| blob.kind == "model");
        let (Some(blob), None) = (models.next(), models.next()) else {
            return Err("this detector needs exactly one model".into());
        };
        let model = Model::parse(&blob.bytes)
            .map_err(|reason| format!("{} {}: {reason}", blob.name, blob.version))?;
        Ok(Self {
            reading: Reading::new(&artifacts, model)?,
            scanner: Scanner::new(artifacts)?,
        })
    }

    fn inspect(&self, event: &Event, _: &[Step<'_>]) -> Report {
        if matches!(event.kind, Kind::ServerLaunch) {
            return Report::clean();
        }
        let mut findings = Vec::new();
        for (index, view, text) in event.text_views() {
            let Some(source) = event.texts.get(index) else {
                continue;
            };
            if matches!(source.role, Role::Token) {
                continue;
            }
            let mut matches = Vec::new();
            self.examine(
                event,
                text,
                &Place::Whole(0..text.len()),
                "plain",
                0,
                &mut matches,
            );
            weigh::weigh(&mut matches, text, &event.kind);
            findings.extend(merge(&matches, |range| {
                vec![Span::new(index, view.clone(), range)]
            }));
            if let Some(range) = hidden::carrier(&source.original) {
                findings.push(hidden::finding(index, range, &event.kind));
            }
        }
        if let Some(joined) = Joined::of(event) {
            let mut matches = Vec::new();
            let whole = Place::Whole(0..joined.text.len());
            let deepest = MAX_DEPTH;
            self.examine(event, &joined.text, &whole, "plain", deepest, &mut matches);
            weigh::weigh(&mut matches, &joined.text, &event.kind);
            // What stands in one text was found there; and a passage of many short values reads
            // like nothing in particular, so only what names itself counts here.
            matches.retain(|found| {
                found.rule != weigh::LIKELY
                    && rank(found.severity) >= rank(Severity::High)
                    && joined.parts(&found.range).count() > 1
            });
            findings.extend(merge(&matches, |range| joined.parts(&range).collect()));
        }
        Report::with(findings)
    }
}

impl Injection {
    /// Scans `text` and then what hides in it. `place` says where `text` stands in the message's
    /// text; at depth 0 it is that text.
    fn examine<'s>(
        &'s self,
        event: &Event,
        text: &str,
        place: &Place,
        disguise: &'static str,
        depth: u8,
        matches: &mut Vec<Match<'s>>,
    ) {
        let surface = Surface::of(&event.kind);
        let exact = Place::Shift(0);
        let place_of_scan = match disguise {
            "plain" => &exact,
            _ => place,
        };
        let hints = self.scanner.scan(text, &event.kind, |signature, range| {
            matches.push(Match {
                rule: &signature.rule,
                by: &signature.id,
                language: &signature.language,
                sure_pct: signature.confidence_pct,
                range: place_of_scan.source(range.clone()),
                disguise,
                mentioned: mention::is_mention(text, &range, surface),
                severity: signature.severity,
            });
        });
        self.reading.read(text, &event.kind, |found| {
            matches.push(Match {
                rule: found.rule,
                by: found.by,
                language: found.language,
                sure_pct: found.sure_pct,
                mentioned: mention::is_mention(text, &found.range, surface),
                range: place_of_scan.source(found.range),
                disguise,
                severity: found.severity,
            });
        });
        if depth >= MAX_DEPTH {
            return;
        }
        for unveiled in disguise::unveil(text, &hints, &self.scanner) {
            let inner = unveiled.place.inside(place_of_scan);
            self.examine(
                event,
                &unveiled.text,
                &inner,
                unveiled.name,
                depth + 1,
                matches,
            );
        }
    }
}

/// A disguise inside a disguise is read, a third one is not: real attacks nest once.
const MAX_DEPTH: u8 = 2;

/// One finding per rule: the strongest match speaks, the others lend their spans.
fn merge(matches: &[Match], place: impl Fn(Range<usize>) -> Vec<Span>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in RULES {
        let mut of_rule: Vec<&Match> = matches
            .iter()
            .filter(|found| found.rule == rule.id)
            .collect();
        of_rule.sort_by_key(|found| {
            let strength = (rank(found.severity), found.confidence_pct());
            (std::cmp::Reverse(strength), found.range.start)
        });
        let Some(strongest) = of_rule.first() else {
            continue;
        };
        let finding = Finding::new(
            rule.id,
            rule.category(),
            strongest.severity,
            strongest.confidence_pct(),
        )
        .message(rule.message)
        .refs(rule.refs.iter().copied())
        .attr("signature", strongest.by)
        .attr("language", strongest.language)
        .attr("view", strongest.disguise);
        let mut spans: Vec<_> = Vec::new();
        for found in of_rule {
            if spans.len() < MAX_SPANS && !spans.contains(&found.range) {
                spans.push(found.range.clone());
            }
        }
        findings.push(
            spans
                .into_iter()
                .flat_map(&place)
                .fold(finding, Finding::span),
        );
    }
    findings
}

/// Enough to see and to redact; a flood of repeats adds nothing.
const MAX_SPANS: usize = 16;

/// Orders severities from mildest to worst.
pub(crate) fn rank(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 0,
        Severity::Low => 1,
        Severity::Medium => 2,
        Severity::High => 3,
        Severity::Critical => 4,
    }
}

clawdefender_sdk::export_detector!(Injection);

#[cfg(test)]
mod tests;
