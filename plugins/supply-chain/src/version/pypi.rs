//! PyPI: the order of PEP 440, with the local segment dropped.
//!
//! `1.0+cu118` is 1.0's code built elsewhere, so it shares 1.0's fate although it sorts after it.
//! Only the *ordering* of `pep440_rs` is used: its specifiers exclude `1.0.dev1` from `<1.0a1`.
//! A specifier therefore becomes an interval here, a little too wide rather than too narrow.

use std::cmp::Ordering;
use std::str::FromStr;

use pep440_rs::Version;

use super::interval::{Interval, answer};
use super::{Affected, Answer};

const MAX_LENGTH: usize = 256;

pub fn exact(text: &str, affected: &Affected) -> Answer {
    match parse(text) {
        Some(version) => against(Interval::point(version), affected),
        None => Answer::Possible,
    }
}

/// Affected when nothing in the specifier escapes one stretch, possible when they meet.
pub fn range(text: &str, affected: &Affected) -> Answer {
    match of_specifiers(text) {
        Some(interval) => against(interval, affected),
        None => Answer::Possible,
    }
}

pub fn compare(a: &str, b: &str) -> Option<Ordering> {
    Some(parse(a)?.cmp(&parse(b)?))
}

fn parse(text: &str) -> Option<Version> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    Some(Version::from_str(text.trim()).ok()?.without_local())
}

fn against(wanted: Interval<Version>, affected: &Affected) -> Answer {
    let ranges = affected.ranges.iter();
    let ranges = ranges.map(|range| Interval::of_range(range, parse));
    let versions = affected.versions.iter();
    let versions = versions.map(|text| parse(text).map(Interval::point));
    // Nothing satisfies `>2,<1`, so nothing can be said of it.
    let wanted = (!wanted.is_empty()).then_some(wanted);
    answer(wanted.as_slice(), ranges.chain(versions))
}

/// Everything that a list of specifiers leaves.
fn of_specifiers(text: &str) -> Option<Interval<Version>> {
    let mut all = Interval::everything();
    for part in text.split(',') {
        let part = part.trim();
        let digits = part.find(|c: char| !"<>=!~".contains(c))?;
        let (operator, version) = part.split_at(digits);
        let version = version.trim();
        match operator {
            // An exclusion makes it narrower; ignoring it is the safe direction.
            "!=" => {
                parse(version.trim_end_matches(".*"))?;
            }
            ">=" => all.raise(parse(version)?, true),
            ">" => all.raise(parse(version)?, false),
            "<=" => all.lower(parse(version)?, true),
            "<" => all.lower(parse(version)?, false),
            "==" | "===" => match version.strip_suffix(".*") {
                Some(prefix) => narrow_to_series(&mut all, &parse(prefix)?)?,
                None => {
                    let version = parse(version)?;
                    all.raise(version.clone(), true);
                    all.lower(version, true);
                }
            },
            "~=" => {
                let version = parse(version)?;
                let (_, series) = version.release().split_last()?;
                // `~=1` is no specifier, and a version without numbers would panic.
                if series.is_empty() {
                    return None;
                }
                narrow_to_series(&mut all, &Version::new(series).with_epoch(version.epoch()))?;
                all.raise(version, true);
            }
            _ => return None,
        }
    }
    Some(all)
}

fn narrow_to_series(all: &mut Interval<Version>, series: &Version) -> Option<()> {
    let release = series.release();
    let (last, head) = release.split_last()?;
    let next: Vec<u64> = head.iter().copied().chain([last.checked_add(1)?]).collect();
    let first = Version::new(release)
        .with_epoch(series.epoch())
        .with_dev(Some(0));
    all.raise(first, true);
    all.lower(
        Version::new(next)
            .with_epoch(series.epoch())
            .with_dev(Some(0)),
        false,
    );
    Some(())
}
