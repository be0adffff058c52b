//! PyPI: the order of PEP 440, with the local segment dropped.
//!
//! `1.0+cu118` is 1.0's code built elsewhere, so it shares 1.0's fate although it sorts after it.
//! Only the *ordering* of `pep440_rs` is used: its specifiers exclude `1.0.dev1` from `<1.0a1`.
//! A specifier therefore becomes an interval here, a little too wide rather than too narrow.

use std::cmp::Ordering;
use std::str::FromStr;

use pep440_rs::Version;

use super::{Affected, Answer, Range};

const MAX_LENGTH: usize = 256;

pub fn exact(text: &str, affected: &Affected) -> Answer {
    match parse(text) {
        Some(version) => answer(&Interval::point(version), affected),
        None => Answer::Possible,
    }
}

/// Affected when nothing in the specifier escapes one stretch, possible when they meet.
pub fn range(text: &str, affected: &Affected) -> Answer {
    match Interval::of_specifiers(text) {
        Some(interval) => answer(&interval, affected),
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

fn answer(wanted: &Interval, affected: &Affected) -> Answer {
    let mut answer = Answer::NotAffected;
    let ranges = affected.ranges.iter().map(Interval::of_range);
    let versions = affected
        .versions
        .iter()
        .map(|text| parse(text).map(Interval::point));
    for stretch in ranges.chain(versions) {
        answer = answer.max(match stretch {
            None => Answer::Possible,
            Some(stretch) if !stretch.meets(wanted) => Answer::NotAffected,
            Some(stretch) if stretch.covers(wanted) => Answer::Affected,
            Some(_) => Answer::Possible,
        });
    }
    answer
}

/// A bound and whether the bound itself belongs to the interval.
type Bound = Option<(Version, bool)>;

struct Interval {
    low: Bound,
    high: Bound,
}

impl Interval {
    fn point(version: Version) -> Self {
        Self {
            low: Some((version.clone(), true)),
            high: Some((version, true)),
        }
    }

    fn of_range(range: &Range) -> Option<Self> {
        let low = match range.introduced.as_str() {
            "0" => None,
            text => Some((parse(text)?, true)),
        };
        let high = match (&range.fixed, &range.last_affected) {
            (Some(text), _) => Some((parse(text)?, false)),
            (None, Some(text)) => Some((parse(text)?, true)),
            (None, None) => None,
        };
        Some(Self { low, high })
    }

    fn of_specifiers(text: &str) -> Option<Self> {
        let mut all = Self {
            low: None,
            high: None,
        };
        for part in text.split(',') {
            let part = part.trim();
            let digits = part.find(|c: char| !"<>=!~".contains(c))?;
            let (operator, version) = part.split_at(digits);
            let version = version.trim();
            match operator {
                // An exclusion makes it narrower; ignoring it is the safe direction.
                "!=" => {}
                ">=" => all.raise(parse(version)?, true),
                ">" => all.raise(parse(version)?, false),
                "<=" => all.lower(parse(version)?, true),
                "<" => all.lower(parse(version)?, false),
                "==" | "===" => match version.strip_suffix(".*") {
                    Some(prefix) => all.narrow_to_series(&parse(prefix)?)?,
                    None => {
                        let version = parse(version)?;
                        all.raise(version.clone(), true);
                        all.lower(version, true);
                    }
                },
                "~=" => {
                    let version = parse(version)?;
                    let (_, series) = version.release().split_last()?;
                    all.narrow_to_series(&Version::new(series).with_epoch(version.epoch()))?;
                    all.raise(version, true);
                }
                _ => return None,
            }
        }
        Some(all)
    }

    fn narrow_to_series(&mut self, series: &Version) -> Option<()> {
        let release = series.release();
        let (last, head) = release.split_last()?;
        let next: Vec<u64> = head.iter().copied().chain([last.checked_add(1)?]).collect();
        let first = Version::new(release)
            .with_epoch(series.epoch())
            .with_dev(Some(0));
        self.raise(first, true);
        self.lower(
            Version::new(next)
                .with_epoch(series.epoch())
                .with_dev(Some(0)),
            false,
        );
        Some(())
    }

    fn raise(&mut self, version: Version, inclusive: bool) {
        let higher = match &self.low {
            None => true,
            Some((low, low_in)) => version > *low || (version == *low && *low_in && !inclusive),
        };
        if higher {
            self.low = Some((version, inclusive));
        }
    }

    fn lower(&mut self, version: Version, inclusive: bool) {
        let lower = match &self.high {
            None => true,
            Some((high, high_in)) => {
                version < *high || (version == *high && *high_in && !inclusive)
            }
        };
        if lower {
            self.high = Some((version, inclusive));
        }
    }

    fn meets(&self, other: &Self) -> bool {
        let before = |high: &Bound, low: &Bound| match (high, low) {
            (Some((high, high_in)), Some((low, low_in))) => {
                high < low || (high == low && !(*high_in && *low_in))
            }
            _ => false,
        };
        !before(&self.high, &other.low) && !before(&other.high, &self.low)
    }

    fn covers(&self, other: &Self) -> bool {
        let low = match (&self.low, &other.low) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some((mine, mine_in)), Some((theirs, theirs_in))) => {
                mine < theirs || (mine == theirs && (*mine_in || !theirs_in))
            }
        };
        let high = match (&self.high, &other.high) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some((mine, mine_in)), Some((theirs, theirs_in))) => {
                mine > theirs || (mine == theirs && (*mine_in || !theirs_in))
            }
        };
        low && high
    }
}
