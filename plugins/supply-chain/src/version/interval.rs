//! Stretches of versions in any order, and what an advisory's stretches mean for those asked for.

use super::{Answer, Range};

/// A bound and whether the bound itself belongs to the interval.
type Bound<V> = Option<(V, bool)>;

#[derive(Clone, Debug)]
pub struct Interval<V> {
    low: Bound<V>,
    high: Bound<V>,
}

impl<V: Ord + Clone> Interval<V> {
    pub fn everything() -> Self {
        Self {
            low: None,
            high: None,
        }
    }

    pub fn point(version: V) -> Self {
        Self {
            low: Some((version.clone(), true)),
            high: Some((version, true)),
        }
    }

    /// An advisory's range; `None` when `parse` can't read a bound.
    pub fn of_range(range: &Range, parse: impl Fn(&str) -> Option<V>) -> Option<Self> {
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

    /// Nothing below `version`, and not `version` either unless `inclusive`.
    pub fn raise(&mut self, version: V, inclusive: bool) {
        let higher = match &self.low {
            None => true,
            Some((low, low_in)) => version > *low || (version == *low && *low_in && !inclusive),
        };
        if higher {
            self.low = Some((version, inclusive));
        }
    }

    /// Nothing above `version`, and not `version` either unless `inclusive`.
    pub fn lower(&mut self, version: V, inclusive: bool) {
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

    pub fn is_empty(&self) -> bool {
        ends_before(&self.high, &self.low)
    }

    fn meets(&self, other: &Self) -> bool {
        !self.is_empty()
            && !other.is_empty()
            && !ends_before(&self.high, &other.low)
            && !ends_before(&other.high, &self.low)
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

fn ends_before<V: Ord>(high: &Bound<V>, low: &Bound<V>) -> bool {
    match (high, low) {
        (Some((high, high_in)), Some((low, low_in))) => {
            high < low || (high == low && !(*high_in && *low_in))
        }
        _ => false,
    }
}

/// Affected when each stretch that is asked for lies within one of the advisory's, possible when
/// any two meet, or when one of the advisory's can't be read.
pub fn answer<V: Ord + Clone>(
    wanted: &[Interval<V>],
    advisory: impl Iterator<Item = Option<Interval<V>>>,
) -> Answer {
    let mut readable = true;
    let stretches: Vec<Interval<V>> = advisory
        .filter_map(|stretch| {
            readable &= stretch.is_some();
            stretch
        })
        .filter(|stretch| !stretch.is_empty())
        .collect();
    let covered = |wanted: &Interval<V>| stretches.iter().any(|s| s.covers(wanted));
    let met = |wanted: &Interval<V>| stretches.iter().any(|s| s.meets(wanted));
    if !wanted.is_empty() && wanted.iter().all(covered) {
        Answer::Affected
    } else if wanted.is_empty() || !readable || wanted.iter().any(met) {
        Answer::Possible
    } else {
        Answer::NotAffected
    }
}
