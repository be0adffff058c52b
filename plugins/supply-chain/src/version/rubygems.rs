//! RubyGems: the order of `Gem::Version`.
//!
//! Segments are runs of digits or of letters; `-` reads as `.pre.`. Letters sort before digits,
//! missing segments are zero, and zeros before a letter or at the end do not count.

use std::cmp::Ordering;

const MAX_LENGTH: usize = 256;

pub fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (parse(a)?, parse(b)?);
    let zero = Segment::Number(String::new());
    let longest = a.len().max(b.len());
    let order = (0..longest)
        .map(|at| a.get(at).unwrap_or(&zero).order(b.get(at).unwrap_or(&zero)))
        .find(|order| order.is_ne());
    Some(order.unwrap_or(Ordering::Equal))
}

#[derive(Debug, PartialEq, Eq)]
enum Segment {
    Word(String),
    /// Digits without leading zeros; any length.
    Number(String),
}

impl Segment {
    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
            (Self::Word(a), Self::Word(b)) => a.cmp(b),
            (Self::Word(_), Self::Number(_)) => Ordering::Less,
            (Self::Number(_), Self::Word(_)) => Ordering::Greater,
        }
    }

    fn is_zero(&self) -> bool {
        matches!(self, Self::Number(digits) if digits.is_empty())
    }
}

/// `None` for what `Gem::Version` calls malformed.
fn parse(text: &str) -> Option<Vec<Segment>> {
    let text = text.trim();
    if text.len() > MAX_LENGTH || !is_correct(text) {
        return None;
    }
    let mut segments = Vec::new();
    for part in text.replace('-', ".pre.").split('.') {
        let mut rest = part;
        while let Some(first) = rest.chars().next() {
            let digits = first.is_ascii_digit();
            let end = rest
                .find(|c: char| c.is_ascii_digit() != digits)
                .unwrap_or(rest.len());
            let (run, after) = rest.split_at(end);
            segments.push(if digits {
                Segment::Number(run.trim_start_matches('0').to_owned())
            } else {
                Segment::Word(run.to_owned())
            });
            rest = after;
        }
    }
    let word = segments
        .iter()
        .position(|segment| matches!(segment, Segment::Word(_)));
    let pre = segments.split_off(word.unwrap_or(segments.len()));
    drop_zeros(&mut segments);
    let mut pre = pre;
    drop_zeros(&mut pre);
    segments.extend(pre);
    Some(segments)
}

fn drop_zeros(segments: &mut Vec<Segment>) {
    while segments.last().is_some_and(Segment::is_zero) {
        segments.pop();
    }
}

/// `DIGITS(.ALNUM)*(-ALNUM(.ALNUM)*)?`
fn is_correct(text: &str) -> bool {
    let (release, pre) = match text.split_once('-') {
        Some((release, pre)) => (release, Some(pre)),
        None => (text, None),
    };
    let part = |part: &str, dash: bool| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || (dash && c == '-'))
    };
    let first = release.split('.').next().unwrap_or_default();
    first.chars().all(|c| c.is_ascii_digit())
        && release.split('.').all(|p| part(p, false))
        && pre.is_none_or(|pre| pre.split('.').all(|p| part(p, true)))
}
