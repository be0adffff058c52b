//! Text in characters that no reader sees: Unicode tags and runs of variation selectors.
//!
//! What that text says is in the canonical view and is scanned like any other; this is only the
//! claim that it was hidden.

use std::ops::Range;

use clawdefender_sdk::{Finding, Kind, Severity, Span, View};

use crate::rules::rule;
use crate::surface::Surface;

/// Flags of regions spell at most 6 tag letters; a variation selector stands alone.
const MIN_CARRIERS: usize = 8;

/// The bytes from the first to the last carrier in `original`, if it has enough of them.
pub fn carrier(original: &str) -> Option<Range<usize>> {
    // All carriers that matter begin with this byte in UTF-8; most texts have none.
    if !original.as_bytes().contains(&0xf3) {
        return None;
    }
    let mut run: Option<(Range<usize>, usize)> = None;
    for (at, letter) in original.char_indices() {
        if !matches!(letter, '\u{e0020}'..='\u{e007e}' | '\u{e0100}'..='\u{e01ef}') {
            continue;
        }
        let end = at + letter.len_utf8();
        run = match run {
            Some((range, count)) if range.end == at => Some((range.start..end, count + 1)),
            Some((range, count)) if count >= MIN_CARRIERS => return Some(range),
            _ => Some((at..end, 1)),
        };
    }
    run.filter(|(_, count)| *count >= MIN_CARRIERS)
        .map(|(range, _)| range)
}

pub fn finding(text: usize, range: Range<usize>, kind: &Kind) -> Finding {
    let severity = match Surface::of(kind).ceiling() {
        Severity::Low => Severity::Low,
        _ => Severity::High,
    };
    let known = rule("injection.hidden-text");
    let category = known.map_or(clawdefender_sdk::Category::Obfuscation, |rule| {
        rule.category()
    });
    Finding::new("injection.hidden-text", category, severity, 90)
        .message(known.map_or("", |rule| rule.message))
        .refs(known.map_or(&[][..], |rule| rule.refs).iter().copied())
        .attr("view", "original")
        .span(Span::new(text, View::Original, range))
}
