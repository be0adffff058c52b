//! How bad a set of matches in one text is: alone, together, quoted, hidden, going out.

use std::ops::Range;

use clawdefender_sdk::{Kind, Severity};

use crate::mention::{Subject, subject};
use crate::opaque;
use crate::rank;
use crate::surface::Surface;

/// A signature, a phrase or the model that matched.
pub struct Match<'s> {
    /// Of `rules.rs`.
    pub rule: &'s str,
    /// Which signature or phrase, or `model`.
    pub by: &'s str,
    pub language: &'s str,
    /// When it is meant, 0–100.
    pub sure_pct: u8,
    /// In the perceived text.
    pub range: Range<usize>,
    /// How the text was disguised; "plain" when it was not.
    pub disguise: &'static str,
    /// Quoted, exemplified or discussed rather than said.
    pub mentioned: bool,
    pub severity: Severity,
}

impl Match<'_> {
    pub fn confidence_pct(&self) -> u8 {
        match self.mentioned {
            true => self.sure_pct.min(30),
            false => self.sure_pct,
        }
    }
}

/// The model's rule.
pub const LIKELY: &str = "injection.likely";

/// Sets each match's severity.
pub fn weigh(matches: &mut Vec<Match>, text: &str, kind: &Kind) {
    // The model says that something is wrong; whoever says what is wrong says it better, also that
    // it is only talked about.
    let named: Vec<(Range<usize>, bool)> = matches
        .iter()
        .filter(|found| found.rule != LIKELY && found.rule != opaque::RULE)
        .map(|found| (found.range.clone(), found.mentioned))
        .collect();
    let said_of = |range: &Range<usize>, mentioned: bool| {
        named.iter().any(|(other, only_mentioned)| {
            *only_mentioned == mentioned && other.start < range.end && range.start < other.end
        })
    };
    let sure: Vec<Range<usize>> = matches
        .iter()
        .filter(|found| {
            found.rule == LIKELY && found.severity == Severity::High && !found.mentioned
        })
        .map(|found| found.range.clone())
        .collect();
    matches.retain(|found| found.rule != LIKELY || !said_of(&found.range, false));
    // A claim that the model is sure of as well needs no third witness.
    for found in matches.iter_mut().filter(|found| found.rule != LIKELY) {
        let confirmed =
            |range: &Range<usize>| range.start < found.range.end && found.range.start < range.end;
        if found.severity == Severity::Medium && sure.iter().any(confirmed) {
            found.severity = Severity::High;
        }
    }
    for found in matches.iter_mut().filter(|found| found.rule == LIKELY) {
        found.mentioned |= said_of(&found.range, true);
    }
    // Words that are run together are a program's names far more often than a disguise: the model
    // reads orders into them.
    matches.retain(|found| found.rule != LIKELY || found.disguise != "run-together");
    let about = match matches.is_empty() {
        true => Subject::Other,
        false => subject(text),
    };
    for found in matches.iter_mut() {
        found.mentioned |= match about {
            Subject::Other => false,
            Subject::Named => found.rule == LIKELY,
            Subject::Attacks => found.rule == LIKELY || found.severity == Severity::Medium,
        };
        if found.mentioned {
            found.severity = Severity::Low;
        } else if found.severity == Severity::Medium
            && (found.disguise != "plain" || in_comment(text, &found.range))
        {
            // Nobody hides an innocent request.
            found.severity = Severity::High;
        }
    }
    raise_together(matches);
    let ceiling = Surface::of(kind).ceiling();
    for found in matches {
        if rank(found.severity) > rank(ceiling) {
            found.severity = ceiling;
        }
    }
}

/// Two different claims of medium weight near each other are one attack.
fn raise_together(matches: &mut [Match]) {
    let medium: Vec<(String, Range<usize>)> = matches
        .iter()
        .filter(|found| found.severity == Severity::Medium)
        .take(64)
        .map(|found| (found.rule.to_owned(), found.range.clone()))
        .collect();
    for found in matches {
        let has_company = medium.iter().any(|(rule, range)| {
            *rule != found.rule
                && range.start < found.range.end.saturating_add(NEAR)
                && found.range.start < range.end.saturating_add(NEAR)
        });
        if found.severity == Severity::Medium && has_company {
            found.severity = Severity::High;
        }
    }
}

/// Bytes: about a paragraph.
const NEAR: usize = 600;

/// Inside an HTML comment, or in an element that is not shown.
fn in_comment(text: &str, range: &Range<usize>) -> bool {
    let before = text.get(..range.start).unwrap_or_default();
    let open = before
        .rfind("<!--")
        .is_some_and(|at| !before.get(at..).unwrap_or_default().contains("-->"));
    open || before.rfind("display:none").is_some_and(|at| {
        range.start - at < NEAR && !before.get(at..).unwrap_or_default().contains("</")
    })
}
