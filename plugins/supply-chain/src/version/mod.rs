//! Does an advisory reach the version that a command asks for?
//!
//! Advisories are evaluated by *ordering*, as OSV prescribes, never by install-range rules:
//! `1.0.0-rc.1` does not satisfy npm's `<1.0.0`, and is still affected by "fixed in 1.0.0".
//! Nothing here knows what the answer is worth; that is in `findings`.

mod npm;
mod pypi;

use serde::Deserialize;

use crate::package::{Ecosystem, Spec};

pub use npm::is_exact as is_exact_npm;
pub use npm::is_range as is_range_npm;
pub use pypi::is_exact as is_exact_pypi;

/// One half-open or closed stretch of versions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// First affected version; `0` is before every version.
    pub introduced: String,
    /// First version that is no longer affected.
    pub fixed: Option<String>,
    /// Last version that is affected, where no fix is known.
    pub last_affected: Option<String>,
}

impl Range {
    fn is_everything(&self) -> bool {
        self.introduced == "0" && self.fixed.is_none() && self.last_affected.is_none()
    }
}

/// The versions that an advisory speaks of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Affected {
    /// In any order; the union counts.
    pub ranges: Vec<Range>,
    /// Single versions, or digests of images.
    pub versions: Vec<String>,
    /// An npm range, as GitHub's advisories write them.
    pub expression: Option<String>,
}

/// What an advisory means for a spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    NotAffected,
    /// It can't be excluded: nothing pinned, a tag, an overlapping range, or a version or an
    /// advisory that can't be read.
    Possible,
    Affected,
}

/// Evaluates one advisory for one spec.
pub fn evaluate(ecosystem: Ecosystem, spec: &Spec, affected: &Affected) -> Answer {
    if affected.ranges.iter().any(Range::is_everything) {
        return Answer::Affected;
    }
    let empty = affected.ranges.is_empty() && affected.versions.is_empty();
    if empty && affected.expression.is_none() {
        return Answer::Possible;
    }
    let listed = |text: &str| affected.versions.iter().any(|version| version == text);
    match spec {
        Spec::Exact(text) | Spec::Tag(text) if listed(text) => return Answer::Affected,
        Spec::None | Spec::Tag(_) => return Answer::Possible,
        Spec::Exact(_) | Spec::Range(_) => {}
    }
    match (ecosystem, spec) {
        // A digest is the content itself: one that is not listed is another image.
        (Ecosystem::Oci, Spec::Exact(_)) => Answer::NotAffected,
        (Ecosystem::Pypi, Spec::Exact(text)) => pypi::exact(text, affected),
        (Ecosystem::Pypi, Spec::Range(text)) => pypi::range(text, affected),
        (Ecosystem::Npm | Ecosystem::Jsr, Spec::Range(text)) => npm::range(text, affected),
        (_, Spec::Exact(text)) => npm::exact(text, affected),
        (_, _) => Answer::Possible,
    }
}

/// Why an entry could never give an answer, for the publisher of a feed.
pub fn defect(ecosystem: Ecosystem, affected: &Affected) -> Option<&'static str> {
    if affected.ranges.is_empty() && affected.versions.is_empty() && affected.expression.is_none() {
        return Some("names no version at all");
    }
    if affected
        .ranges
        .iter()
        .any(|range| range.fixed.is_some() && range.last_affected.is_some())
    {
        return Some("has both `fixed` and `last_affected`");
    }
    let readable = |text: &str| match ecosystem {
        Ecosystem::Oci => text.starts_with("sha256:") && text.len() == 71,
        Ecosystem::Pypi => pypi::is_exact(text),
        _ => npm::is_exact(text),
    };
    let bounds = affected.ranges.iter().flat_map(|range| {
        let introduced = Some(&range.introduced).filter(|text| *text != "0");
        introduced
            .into_iter()
            .chain(&range.fixed)
            .chain(&range.last_affected)
    });
    if !bounds.chain(&affected.versions).all(|text| readable(text)) {
        return Some("has a version that can't be read");
    }
    match (&affected.expression, ecosystem) {
        (Some(text), Ecosystem::Npm | Ecosystem::Jsr) if npm::is_expression(text) => None,
        (Some(_), _) => Some("has an expression that can't be read"),
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests;
