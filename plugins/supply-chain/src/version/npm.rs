//! npm: SemVer precedence for versions, npm's own language for ranges.
//!
//! `semver` orders (its `Ord` would rank build metadata, `cmp_precedence` does not);
//! `nodejs-semver` reads ranges. The latter accepts a little more than npm does, so what npm would
//! refuse is refused here first: such text is a tag to npm, and tags are never "not affected".

use std::cmp::Ordering;

use nodejs_semver::Range as NpmRange;
use semver::Version;

use super::{Affected, Answer};

/// npm refuses numbers above 2^53 − 1 and versions longer than 256 characters.
const MAX_NUMBER: u64 = 9_007_199_254_740_991;
const MAX_LENGTH: usize = 256;

pub fn exact(text: &str, affected: &Affected) -> Answer {
    let Some(version) = parse(text) else {
        return Answer::Possible;
    };
    let mut answer = Answer::NotAffected;
    for listed in &affected.versions {
        match parse(listed) {
            Some(listed) if listed.cmp_precedence(&version) == Ordering::Equal => {
                return Answer::Affected;
            }
            Some(_) => {}
            None => answer = Answer::Possible,
        }
    }
    for range in &affected.ranges {
        let Some(bounds) = Bounds::parse(range) else {
            answer = Answer::Possible;
            continue;
        };
        if bounds.contain(&version) {
            return Answer::Affected;
        }
    }
    let Some(expression) = &affected.expression else {
        return answer;
    };
    let version = nodejs_semver::Version::parse(text.trim_start_matches(['v', '=']).trim());
    match (expression_range(expression), version) {
        (Some(range), Ok(version)) if range.satisfies_with_prerelease(&version, true) => {
            Answer::Affected
        }
        (Some(_), Ok(_)) => answer,
        _ => Answer::Possible,
    }
}

/// Affected when nothing in the spec escapes the advisory, possible when they meet.
pub fn range(text: &str, affected: &Affected) -> Answer {
    let Some(spec) = parse_range(text) else {
        return Answer::Possible;
    };
    let Some(advisory) = advisory_range(affected) else {
        return Answer::Possible;
    };
    if !advisory.allows_any(&spec) {
        Answer::NotAffected
    } else if advisory.allows_all(&spec) {
        Answer::Affected
    } else {
        Answer::Possible
    }
}

/// SemVer precedence; crates.io and Go have it, too.
pub fn compare(a: &str, b: &str) -> Option<Ordering> {
    Some(parse(a)?.cmp_precedence(&parse(b)?))
}

/// Whether npm would take it for a range.
pub fn is_range(text: &str) -> bool {
    parse_range(text).is_some()
}

/// Whether it is a range as npm or GitHub's advisories write it.
pub fn is_expression(text: &str) -> bool {
    expression_range(text).is_some()
}

fn parse(text: &str) -> Option<Version> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let version = Version::parse(text.trim().trim_start_matches(['v', '=']).trim()).ok()?;
    let small = [version.major, version.minor, version.patch]
        .iter()
        .all(|n| *n <= MAX_NUMBER);
    small.then_some(version)
}

fn parse_range(text: &str) -> Option<NpmRange> {
    if text.len() > MAX_LENGTH || !text.split([' ', '|']).all(is_comparator) {
        return None;
    }
    NpmRange::parse(text).ok()
}

/// At most three parts and no leading zeros: what npm insists on and the parser does not.
fn is_comparator(word: &str) -> bool {
    let core = word.trim_start_matches(['<', '>', '=', '~', '^', 'v']);
    let core = core.split(['-', '+']).next().unwrap_or_default();
    let plain = |part: &str| part.len() < 2 || !part.starts_with('0');
    !core.contains(',') && core.split('.').count() <= 3 && core.split('.').all(plain)
}

/// GitHub joins comparators with a comma, npm with a space.
fn expression_range(text: &str) -> Option<NpmRange> {
    let text = text.replace(',', " ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut tight = words.join(" ");
    for operator in [">=", "<=", ">", "<", "="] {
        tight = tight.replace(&format!("{operator} "), operator);
    }
    parse_range(&tight)
}

fn advisory_range(affected: &Affected) -> Option<NpmRange> {
    let mut parts: Vec<String> = Vec::new();
    for range in &affected.ranges {
        Bounds::parse(range)?;
        let floor = if range.introduced == "0" {
            "0.0.0-0"
        } else {
            clean(&range.introduced)
        };
        parts.push(match (&range.fixed, &range.last_affected) {
            (Some(fixed), _) => format!(">={floor} <{}", clean(fixed)),
            (None, Some(last)) => format!(">={floor} <={}", clean(last)),
            (None, None) => format!(">={floor}"),
        });
    }
    for version in &affected.versions {
        parse(version)?;
        parts.push(clean(version).to_owned());
    }
    if let Some(expression) = &affected.expression {
        parts.push(expression_range(expression)?.to_string());
    }
    NpmRange::parse(parts.join(" || ")).ok()
}

fn clean(version: &str) -> &str {
    version.trim().trim_start_matches(['v', '='])
}

struct Bounds {
    introduced: Option<Version>,
    fixed: Option<Version>,
    last_affected: Option<Version>,
}

impl Bounds {
    fn parse(range: &super::Range) -> Option<Self> {
        let optional = |text: &Option<String>| match text {
            Some(text) => parse(text).map(Some),
            None => Some(None),
        };
        let introduced = match range.introduced.as_str() {
            "0" => None,
            text => Some(parse(text)?),
        };
        Some(Self {
            introduced,
            fixed: optional(&range.fixed)?,
            last_affected: optional(&range.last_affected)?,
        })
    }

    fn contain(&self, version: &Version) -> bool {
        let order = |bound: &Version| version.cmp_precedence(bound);
        self.introduced
            .as_ref()
            .is_none_or(|bound| order(bound).is_ge())
            && self.fixed.as_ref().is_none_or(|bound| order(bound).is_lt())
            && self
                .last_affected
                .as_ref()
                .is_none_or(|bound| order(bound).is_le())
    }
}
