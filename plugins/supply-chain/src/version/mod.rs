//! Does an advisory reach the version that a command asks for?
//!
//! Advisories are evaluated by *ordering*, as OSV prescribes, never by install-range rules:
//! `1.0.0-rc.1` does not satisfy npm's `<1.0.0`, and is still affected by "fixed in 1.0.0".
//! Nothing here knows what the answer is worth; that is in `findings`.

mod interval;
mod maven;
mod npm;
mod pypi;
mod rubygems;

use std::cmp::Ordering;

use serde::Deserialize;

use crate::package::{Ecosystem, Spec};

pub use npm::is_range as is_range_npm;

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

impl Affected {
    /// From the first version to the last that will ever be.
    pub fn every_version() -> Self {
        let range = Range {
            introduced: "0".to_owned(),
            ..Range::default()
        };
        Self {
            ranges: vec![range],
            ..Self::default()
        }
    }

    /// Whether it reaches every later version, too.
    pub fn has_no_end(&self) -> bool {
        let open = |range: &Range| range.fixed.is_none() && range.last_affected.is_none();
        self.ranges.iter().any(open)
    }

    pub fn is_every_version(&self) -> bool {
        self.ranges.iter().any(Range::is_everything)
    }
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
    if affected.is_every_version() {
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
        // A digest is the content itself: one that is not listed is another image, unless it is
        // one of another kind.
        (Ecosystem::Oci, Spec::Exact(text)) if is_digest(text) => Answer::NotAffected,
        (Ecosystem::Oci, Spec::Exact(_)) => Answer::Possible,
        (Ecosystem::Pypi, Spec::Exact(text)) => pypi::exact(text, affected),
        (Ecosystem::Pypi, Spec::Range(text)) => pypi::range(text, affected),
        (Ecosystem::Npm | Ecosystem::Jsr, Spec::Exact(text)) => npm::exact(text, affected),
        (Ecosystem::Npm | Ecosystem::Jsr, Spec::Range(text)) => npm::range(text, affected),
        (Ecosystem::Cargo, Spec::Range(text)) => npm::cargo_range(text, affected),
        (_, Spec::Exact(text)) => ordered(ecosystem, text, affected),
        // Maven's and RubyGems' own languages for ranges are not read.
        (_, _) => Answer::Possible,
    }
}

/// OSV's algorithm, for ecosystems of which only the order is needed.
fn ordered(ecosystem: Ecosystem, text: &str, affected: &Affected) -> Answer {
    let order = |bound: &str| compare(ecosystem, text, bound);
    let mut answer = Answer::NotAffected;
    for listed in &affected.versions {
        match order(listed) {
            Some(Ordering::Equal) => return Answer::Affected,
            Some(_) => {}
            None => answer = Answer::Possible,
        }
    }
    for range in &affected.ranges {
        let begun = match range.introduced.as_str() {
            "0" if is_exact(ecosystem, text) => Some(true),
            bound => order(bound).map(Ordering::is_ge),
        };
        let open = match (&range.fixed, &range.last_affected) {
            (Some(bound), _) => order(bound).map(Ordering::is_lt),
            (None, Some(bound)) => order(bound).map(Ordering::is_le),
            (None, None) => Some(true),
        };
        match (begun, open) {
            (Some(true), Some(true)) => return Answer::Affected,
            (Some(false), _) | (_, Some(false)) => {}
            _ => answer = Answer::Possible,
        }
    }
    answer
}

/// The order of two versions as OSV defines it for the ecosystem; `None` when one can't be read,
/// or when there is no order: images.
pub fn compare(ecosystem: Ecosystem, a: &str, b: &str) -> Option<Ordering> {
    match ecosystem {
        Ecosystem::Oci => None,
        Ecosystem::Pypi => pypi::compare(a, b),
        Ecosystem::Maven => maven::compare(a, b),
        Ecosystem::Rubygems => rubygems::compare(a, b),
        Ecosystem::Npm | Ecosystem::Jsr | Ecosystem::Cargo | Ecosystem::Go => npm::compare(a, b),
    }
}

/// Whether the ecosystem would take it for one version, and not for a range or a tag.
pub fn is_exact(ecosystem: Ecosystem, text: &str) -> bool {
    match ecosystem {
        Ecosystem::Oci => is_digest(text),
        _ => compare(ecosystem, text, text).is_some(),
    }
}

/// `sha256:` and 64 hexadecimal digits, which are lower-case where anybody takes them.
fn is_digest(text: &str) -> bool {
    let hex = text.strip_prefix("sha256:");
    hex.is_some_and(|hex| {
        hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
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
    let readable = |text: &str| is_exact(ecosystem, text);
    let empty = |range: &Range| match (&range.fixed, range.introduced.as_str()) {
        (Some(fixed), introduced) if introduced != "0" => {
            compare(ecosystem, introduced, fixed).is_some_and(Ordering::is_ge)
        }
        _ => false,
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
    if affected.ranges.iter().any(empty) {
        return Some("has a range that ends before it begins");
    }
    match (&affected.expression, ecosystem) {
        (Some(text), Ecosystem::Npm | Ecosystem::Jsr) if npm::is_expression(text) => None,
        (Some(_), _) => Some("has an expression that can't be read"),
        (None, _) => None,
    }
}

#[cfg(test)]
mod orders;
#[cfg(test)]
mod tests;
