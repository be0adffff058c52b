//! npm: SemVer precedence for versions, npm's own language for ranges.
//!
//! `semver` orders: its `Ord` would rank build metadata, `cmp_precedence` does not. A range becomes
//! intervals, read as if pre-releases counted: a little too wide, never too narrow. The parsers of
//! ranges that exist were tried and left: one calls `10.1 || 3` a part of `>=9`. What npm would
//! refuse is refused here: such text is a tag to npm, and tags are never "not affected".

use std::cmp::Ordering;

use semver::{BuildMetadata, Prerelease, Version};

use super::interval::{Interval, answer};
use super::{Affected, Answer};

/// npm refuses numbers above 2^53 − 1 and versions longer than 256 characters.
const MAX_NUMBER: u64 = 9_007_199_254_740_991;
const MAX_LENGTH: usize = 256;

pub fn exact(text: &str, affected: &Affected) -> Answer {
    match parse(text) {
        Some(version) => against(&[Interval::point(version)], affected),
        None => Answer::Possible,
    }
}

/// Affected when nothing in the spec escapes the advisory, possible when they meet.
pub fn range(text: &str, affected: &Affected) -> Answer {
    match parse_range(text) {
        Some(spec) => against(&spec, affected),
        None => Answer::Possible,
    }
}

/// Cargo's: commas for "and", and a bare version means `^`.
pub fn cargo_range(text: &str, affected: &Affected) -> Answer {
    let caret = |part: &str| {
        let bare = part.starts_with(|c: char| c.is_ascii_digit());
        format!("{}{part}", if bare { "^" } else { "" })
    };
    let parts: Vec<String> = text.split(',').map(|part| caret(part.trim())).collect();
    range(&parts.join(" "), affected)
}

/// SemVer precedence; crates.io and Go have it, too.
pub fn compare(a: &str, b: &str) -> Option<Ordering> {
    Some(parse(a)?.cmp(&parse(b)?))
}

/// Whether npm would take it for a range.
pub fn is_range(text: &str) -> bool {
    parse_range(text).is_some()
}

/// Whether it is a range as npm or GitHub's advisories write it.
pub fn is_expression(text: &str) -> bool {
    parse_expression(text).is_some()
}

fn against(wanted: &[Interval<Precedence>], affected: &Affected) -> Answer {
    let ranges = affected.ranges.iter();
    let ranges = ranges.map(|range| Interval::of_range(range, parse));
    let versions = affected.versions.iter();
    let versions = versions.map(|text| parse(text).map(Interval::point));
    let expression = match &affected.expression {
        None => Vec::new(),
        Some(text) => match parse_expression(text) {
            Some(intervals) => intervals.into_iter().map(Some).collect(),
            None => vec![None],
        },
    };
    answer(wanted, ranges.chain(versions).chain(expression))
}

/// A version whose order is that of npm.
#[derive(Clone, Debug)]
struct Precedence(Version);

impl Ord for Precedence {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp_precedence(&other.0)
    }
}

impl PartialOrd for Precedence {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Precedence {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Precedence {}

fn parse(text: &str) -> Option<Precedence> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let version = Version::parse(text.trim().trim_start_matches(['v', '=']).trim()).ok()?;
    let small = [version.major, version.minor, version.patch]
        .iter()
        .all(|n| *n <= MAX_NUMBER);
    small.then_some(Precedence(version))
}

/// GitHub joins comparators with a comma, npm with a space.
fn parse_expression(text: &str) -> Option<Vec<Interval<Precedence>>> {
    parse_range(&text.replace(',', " "))
}

fn parse_range(text: &str) -> Option<Vec<Interval<Precedence>>> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let all: Option<Vec<_>> = text.split("||").map(comparators).collect();
    Some(all?.into_iter().filter(|part| !part.is_empty()).collect())
}

/// What stands between two `||`: a hyphen range, or comparators that all hold.
fn comparators(text: &str) -> Option<Interval<Precedence>> {
    let mut interval = Interval::everything();
    let words: Vec<&str> = text.split_whitespace().collect();
    if let [from, "-", to] = words.as_slice() {
        // With pre-releases of the first one.
        let from = Partial::parse(from)?;
        let pre = if from.pre.is_empty() {
            lowest()?
        } else {
            from.pre.clone()
        };
        interval.raise(from.padded(pre), true);
        Partial::parse(to)?.apply("<=", &mut interval)?;
        return Some(interval);
    }
    // `>= 1.2` is one comparator in two words.
    let mut operator = "";
    for word in words {
        let digits = word.find(|c: char| !"<>=~^".contains(c));
        let (found, version) = word.split_at(digits.unwrap_or(word.len()));
        if !found.is_empty() && !operator.is_empty() {
            return None;
        }
        let whole = if found.is_empty() { operator } else { found };
        if version.is_empty() {
            operator = whole;
            continue;
        }
        operator = "";
        Partial::parse(version)?.apply(whole, &mut interval)?;
    }
    operator.is_empty().then_some(interval)
}

/// A version of which trailing parts may be missing: `1`, `1.2`, `1.2.x`, `*`.
struct Partial {
    /// Those that are written.
    parts: Vec<u64>,
    /// Only behind three parts.
    pre: Prerelease,
}

impl Partial {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim_start_matches(['v', '=']);
        let core = text.split(['-', '+']).next().unwrap_or_default();
        let mut parts = Vec::new();
        let mut open = false;
        for part in core.split('.') {
            if matches!(part, "x" | "X" | "*") || (part.is_empty() && core.is_empty()) {
                open = true;
                continue;
            }
            let plain = part == "0" || !part.starts_with('0');
            let digits = part.bytes().all(|byte| byte.is_ascii_digit());
            let number = part.parse().ok();
            let number = number.filter(|n| *n <= MAX_NUMBER && plain && digits)?;
            // `1.x.2`: npm leaves such a comparator out, and takes it for a tag where it is alone.
            if open {
                return None;
            }
            parts.push(number);
        }
        let whole = parts.len() == 3;
        if parts.len() > 3 || core.split('.').count() > 3 {
            return None;
        }
        // `1.2-beta` is a tag to npm; it ignores what follows `1.2.x` only.
        if core.split('.').count() < 3 && text.len() > core.len() {
            return None;
        }
        let rest = text.get(core.len()..).unwrap_or_default();
        let pre = parse(&format!("0.0.0{rest}"))?.0.pre;
        let pre = if whole { pre } else { Prerelease::EMPTY };
        Some(Self { parts, pre })
    }

    /// The version that it begins with, lowest pre-release included where parts are missing.
    fn floor(&self) -> Option<Precedence> {
        let pre = if self.parts.len() < 3 {
            lowest()?
        } else {
            self.pre.clone()
        };
        Some(self.padded(pre))
    }

    fn padded(&self, pre: Prerelease) -> Precedence {
        let part = |at| self.parts.get(at).copied().unwrap_or(0);
        Precedence(Version {
            major: part(0),
            minor: part(1),
            patch: part(2),
            pre,
            build: BuildMetadata::EMPTY,
        })
    }

    /// The first version that does not begin with the first `count` parts.
    fn next(&self, count: usize) -> Option<Precedence> {
        let mut parts: Vec<u64> = self.parts.iter().copied().take(count).collect();
        let last = parts.last_mut()?;
        *last += 1;
        // npm refuses a range whose end it could not write.
        if *last > MAX_NUMBER {
            return None;
        }
        let pre = Prerelease::EMPTY;
        Some(Self { parts, pre }.padded(lowest()?))
    }

    fn apply(&self, operator: &str, interval: &mut Interval<Precedence>) -> Option<()> {
        let written = self.parts.len();
        let whole = written == 3;
        match operator {
            "" | "=" | "==" if whole => {
                interval.raise(self.floor()?, true);
                interval.lower(self.floor()?, true);
            }
            ">=" => interval.raise(self.floor()?, true),
            ">" if whole => interval.raise(self.floor()?, false),
            "<" => interval.lower(self.floor()?, false),
            "<=" if whole => interval.lower(self.floor()?, true),
            // `*` and everything that says as little.
            "" | "=" | "~" | "~>" | "^" | "<=" if written == 0 => {}
            // Nothing is above everything.
            ">" if written == 0 => interval.lower(self.floor()?, false),
            ">" => interval.raise(self.next(written)?, true),
            "<=" => interval.lower(self.next(written)?, false),
            "" | "=" | "~" | "~>" | "^" => {
                let kept = match operator {
                    "^" => {
                        let zeros = self.parts.iter().take_while(|part| **part == 0).count();
                        (zeros + 1).min(written)
                    }
                    "~" | "~>" => written.min(2),
                    _ => written,
                };
                interval.raise(self.floor()?, true);
                interval.lower(self.next(kept)?, false);
            }
            _ => return None,
        }
        Some(())
    }
}

/// `-0`: before every other pre-release.
fn lowest() -> Option<Prerelease> {
    Prerelease::new("0").ok()
}
