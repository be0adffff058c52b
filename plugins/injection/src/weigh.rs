//! How bad a set of matches in one text is: alone, together, quoted, hidden, going out.

use std::ops::Range;

use clawdefender_sdk::{Kind, Severity};

use crate::mention::{Mention, Subject, subject};
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
    /// Quoted or discussed rather than said.
    pub mention: Mention,
    pub severity: Severity,
}

impl Match<'_> {
    pub fn confidence_pct(&self) -> u8 {
        match self.mention {
            Mention::Quoted => self.sure_pct.min(30),
            Mention::Discussed => self.sure_pct.min(60),
            Mention::Not => self.sure_pct,
        }
    }
}

/// The model's rule.
pub const LIKELY: &str = "injection.likely";

/// Sets each match's severity.
pub fn weigh(matches: &mut Vec<Match>, text: &str, kind: &Kind) {
    if matches.is_empty() {
        return;
    }
    // Nobody hides a quotation, an example or an innocent request.
    let comments = comments(text);
    let is_hidden =
        |found: &Match| found.disguise != "plain" || is_unseen(text, &comments, &found.range);
    for found in matches.iter_mut().filter(|found| is_hidden(found)) {
        found.mention = Mention::Not;
    }
    // The model says that something is wrong; whoever says what is wrong says it better, also that
    // it is only talked about.
    let named: Vec<(Range<usize>, Mention)> = matches
        .iter()
        .filter(|found| found.rule != LIKELY && found.rule != opaque::RULE)
        .map(|found| (found.range.clone(), found.mention))
        .collect();
    let said_as = |range: &Range<usize>, as_what: Mention| {
        named.iter().any(|(other, mention)| {
            *mention == as_what && other.start < range.end && range.start < other.end
        })
    };
    let sure: Vec<Range<usize>> = matches
        .iter()
        .filter(|found| {
            found.rule == LIKELY
                && found.severity == Severity::High
                && found.mention == Mention::Not
        })
        .map(|found| found.range.clone())
        .collect();
    // What is hardly a claim by itself is as bad as the model says.
    let likely: Vec<(Range<usize>, Severity)> = matches
        .iter()
        .filter(|found| found.rule == LIKELY && found.mention == Mention::Not)
        .map(|found| (found.range.clone(), found.severity))
        .collect();
    for found in matches.iter_mut().filter(|found| {
        found.rule != LIKELY && found.severity == Severity::Low && found.mention == Mention::Not
    }) {
        let same = likely
            .iter()
            .filter(|(range, _)| range.start < found.range.end && found.range.start < range.end);
        if let Some((_, severity)) = same.max_by_key(|(_, severity)| rank(*severity)) {
            found.severity = *severity;
        }
    }
    matches.retain(|found| found.rule != LIKELY || !said_as(&found.range, Mention::Not));
    // A claim that the model is sure of as well needs no third witness.
    for found in matches.iter_mut().filter(|found| found.rule != LIKELY) {
        let confirmed =
            |range: &Range<usize>| range.start < found.range.end && found.range.start < range.end;
        if found.severity == Severity::Medium && sure.iter().any(confirmed) {
            found.severity = Severity::High;
        }
    }
    for found in matches.iter_mut().filter(|found| found.rule == LIKELY) {
        for others in [Mention::Discussed, Mention::Quoted] {
            if said_as(&found.range, others) {
                found.mention = found.mention.max(others);
            }
        }
    }
    // Words that are run together are a program's names far more often than a disguise: the model
    // reads orders into them.
    matches.retain(|found| found.rule != LIKELY || found.disguise != "run-together");
    let about = subject(text);
    for found in matches.iter_mut() {
        let hidden = is_hidden(found);
        // What a document about attacks also discusses is its subject, unless it is said outright.
        let weak = found.severity == Severity::Medium;
        let subject_of = match about {
            Subject::Other => false,
            Subject::Named => found.rule == LIKELY || (weak && found.mention == Mention::Discussed),
            Subject::Attacks => found.rule == LIKELY || weak,
        };
        if subject_of && !hidden {
            found.mention = Mention::Quoted;
        } else if about == Subject::Attacks && !hidden {
            found.mention = found.mention.max(Mention::Discussed);
        }
        found.severity = match (found.mention, found.severity) {
            (Mention::Quoted, _) => Severity::Low,
            (Mention::Discussed, Severity::High) => Severity::Medium,
            (Mention::Not, Severity::Medium) if hidden => Severity::High,
            (_, severity) => severity,
        };
    }
    raise_together(matches);
    let ceiling = Surface::of(kind).ceiling();
    for found in matches {
        if rank(found.severity) > rank(ceiling) {
            found.severity = ceiling;
        }
    }
}

/// Two different claims of medium weight near each other are one attack, if both are said.
fn raise_together(matches: &mut [Match]) {
    let medium: Vec<(String, Range<usize>)> = matches
        .iter()
        .filter(|found| found.severity == Severity::Medium && found.mention == Mention::Not)
        .take(64)
        .map(|found| (found.rule.to_owned(), found.range.clone()))
        .collect();
    for found in matches {
        let has_company = medium.iter().any(|(rule, range)| {
            *rule != found.rule
                && range.start < found.range.end.saturating_add(NEAR)
                && found.range.start < range.end.saturating_add(NEAR)
        });
        let counts = found.severity == Severity::Medium && found.mention == Mention::Not;
        if counts && has_company {
            found.severity = Severity::High;
        }
    }
}

/// Bytes: about a paragraph.
const NEAR: usize = 600;

/// Where the HTML comments of a text stand.
fn comments(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text.get(at..).and_then(|rest| rest.find("<!--")) {
        let start = at + start;
        let end = text.get(start..).and_then(|rest| rest.find("-->"));
        at = end.map_or(text.len(), |end| start + end);
        found.push(start..at);
    }
    found
}

/// Inside an HTML comment, or in an element that is not shown.
fn is_unseen(text: &str, comments: &[Range<usize>], range: &Range<usize>) -> bool {
    let after = comments.partition_point(|comment| comment.start < range.start);
    let last = after.checked_sub(1).and_then(|index| comments.get(index));
    if last.is_some_and(|comment| range.start < comment.end) {
        return true;
    }
    let mut start = range.start.saturating_sub(NEAR);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let before = text.get(start..range.start).unwrap_or_default();
    before
        .rfind("display:none")
        .is_some_and(|at| !before.get(at..).unwrap_or_default().contains("</"))
}
