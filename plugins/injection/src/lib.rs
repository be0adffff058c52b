//! Finds instructions hidden in what a server sends.
//!
//! Here: what the detector claims about itself and how one event becomes findings. What to look
//! for is data (`signature.rs` reads it), where to look is `scan.rs`, disguises are `disguise/`,
//! and whether a match is only talked about is `mention.rs`.

use std::ops::Range;

use clawdefender_sdk::{
    Blob, Detector, Event, Finding, Info, Kind, Report, Role, Settings, Severity, Span, Step, Text,
    View,
};

mod chunk;
mod discussion;
mod disguise;
mod effort;
mod finder;
mod hidden;
mod joined;
mod letters;
pub mod lexicon;
mod mention;
pub mod model;
mod narrated;
mod opaque;
pub mod passage;
mod phrase;
mod place;
mod quota;
mod reading;
mod rules;
mod scan;
mod signature;
mod surface;
pub mod token;
mod trie;
mod weigh;
mod window;

pub use rules::RULES;
pub use signature::{Artifact, Signature};

use chunk::chunks;
use disguise::Budget;
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
            let mut budget = Budget::of(text.len());
            for range in chunks(text) {
                let place = Place::Shift(range.start);
                let chunk = text.get(range).unwrap_or_default();
                let layer = Layer::outermost(&place);
                self.examine(event, chunk, &layer, &mut budget, &mut matches);
            }
            weigh::weigh(&mut matches, text, &event.kind);
            findings.extend(merge(&matches, |range| {
                vec![Span::new(index, view.clone(), range)]
            }));
            findings.extend(self.hidden(event, index, source, &mut budget));
            if budget.spent {
                findings.push(rules::too_disguised(index, view, text.len(), &event.kind));
            }
        }
        for joined in Joined::of(event) {
            for finding in self.spread(event, &joined) {
                if !findings.contains(&finding) {
                    findings.push(finding);
                }
            }
        }
        Report::with(findings)
    }
}

impl Injection {
    /// Scans `text` and then what hides in it, as far as `budget` reaches.
    fn examine<'s>(
        &'s self,
        event: &Event,
        text: &str,
        layer: &Layer,
        budget: &mut Budget,
        matches: &mut Vec<Match<'s>>,
    ) {
        let Layer {
            place, disguise, ..
        } = *layer;
        if layer.depth > 0 && matches.len() >= MAX_MATCHES {
            budget.spent = true;
            return;
        }
        effort::add(text.len());
        let surface = Surface::of(&event.kind);
        let step = |rule: &str, language: &str, range: &Range<usize>, severity| match disguise {
            "plain" if language == "en" => narrated::severity(rule, text, range, surface, severity),
            _ => severity,
        };
        let hints = self
            .scanner
            .scan(text, &event.kind, |signature, range, mention| {
                matches.push(Match {
                    rule: &signature.rule,
                    by: &signature.id,
                    language: &signature.language,
                    sure_pct: signature.confidence_pct,
                    severity: step(
                        &signature.rule,
                        &signature.language,
                        &range,
                        signature.severity,
                    ),
                    range: place.source(range),
                    disguise,
                    mention,
                });
            });
        self.reading.read(text, &event.kind, |found| {
            matches.push(Match {
                rule: found.rule,
                by: found.by,
                language: found.language,
                sure_pct: found.sure_pct,
                severity: step(found.rule, found.language, &found.range, found.severity),
                range: place.source(found.range),
                disguise,
                mention: found.mention,
            });
        });
        if layer.depth >= MAX_DEPTH {
            return;
        }
        for unveiled in disguise::unveil(text, &hints, &self.scanner, budget) {
            let inner = Layer {
                place: &unveiled.place.inside(place),
                disguise: unveiled.name,
                depth: layer.depth + 1,
            };
            self.examine(event, &unveiled.text, &inner, budget, matches);
        }
    }

    /// What is said across several texts.
    fn spread(&self, event: &Event, joined: &Joined) -> Vec<Finding> {
        let mut matches = Vec::new();
        let layer = Layer {
            depth: MAX_DEPTH,
            ..Layer::outermost(&Place::Shift(0))
        };
        self.examine(
            event,
            &joined.text,
            &layer,
            &mut Budget::of(0),
            &mut matches,
        );
        weigh::weigh(&mut matches, &joined.text, &event.kind);
        // What stands in one text was found there; and a passage of many short values reads like nothing
        // in particular, so only what names itself counts here.
        matches.retain(|found| {
            found.rule != weigh::LIKELY
                && rank(found.severity) >= rank(Severity::High)
                && joined.parts(&found.range).count() > 1
        });
        merge(&matches, |range| joined.parts(&range).collect())
    }

    /// What stands in characters that no reader sees: that it does, and what it says.
    fn hidden(
        &self,
        event: &Event,
        index: usize,
        source: &Text,
        budget: &mut Budget,
    ) -> Vec<Finding> {
        let carriers = hidden::carriers(&source.original);
        let mut findings = hidden::findings(index, &carriers, &event.kind);
        let mut matches = Vec::new();
        for carrier in carriers {
            let Some(said) = carrier.said else { continue };
            let layer = Layer {
                place: &Place::Whole(carrier.range),
                disguise: carrier.name,
                depth: 1,
            };
            self.examine(event, &said, &layer, budget, &mut matches);
        }
        weigh::weigh(&mut matches, &source.original, &event.kind);
        findings.extend(merge(&matches, |range| {
            vec![Span::new(index, View::Original, range)]
        }));
        findings
    }
}

/// A text that is examined: the message's own, or one that was hidden in it.
struct Layer<'p> {
    /// Where it stands in the message's text.
    place: &'p Place,
    /// How it was disguised.
    disguise: &'static str,
    depth: u8,
}

impl<'p> Layer<'p> {
    fn outermost(place: &'p Place) -> Self {
        Self {
            place,
            disguise: "plain",
            depth: 0,
        }
    }
}

/// Matches in one text after which what still hides in it is not read: it is what it is.
const MAX_MATCHES: usize = 2_048;

/// How many disguises inside one another are read. Real attacks nest once or twice; the budget
/// bounds the work.
const MAX_DEPTH: u8 = 4;

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
