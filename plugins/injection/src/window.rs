//! The stretches of a text in which a signature can match at all: where the words it needs stand
//! close enough, and in its order when it has one.

use std::ops::Range;

use crate::scan::Hits;
use crate::signature::Signature;

/// What a signature needs to see before its expression is worth running.
pub struct Needs {
    /// Numbers of word lists; in the order of the pattern when `ordered`.
    pub lists: Vec<usize>,
    ordered: bool,
    /// Bytes from one needed word to the next at most.
    step: usize,
}

impl Needs {
    pub fn new(signature: &Signature, mut lists: Vec<usize>) -> Self {
        if !signature.ordered {
            lists.sort_unstable();
            lists.dedup();
        }
        let bytes_per_letter = match signature.language.as_str() {
            "zh" | "ja" | "ko" | "hi" => 3,
            "ru" | "uk" | "ar" => 2,
            _ => 1,
        };
        Self {
            lists,
            ordered: signature.ordered,
            step: STEP * bytes_per_letter,
        }
    }

    /// Windows of `text`, merged and in order.
    pub fn windows(&self, text: &str, hits: &Hits) -> Vec<Range<usize>> {
        let lists: Vec<&[(usize, usize)]> = self.lists.iter().map(|list| hits.of(*list)).collect();
        let chains = match self.ordered {
            true => self.ordered_chains(&lists),
            false => self.neighbourhoods(&lists),
        };
        let mut windows: Vec<Range<usize>> = Vec::new();
        for chain in chains {
            // Hits are ends, and a word of several parts was found by its longest one.
            let start = floor(text, chain.start.saturating_sub(self.step));
            let end = floor(text, (chain.end + self.step).min(text.len()));
            match windows.last_mut() {
                Some(last) if last.end >= start => last.end = last.end.max(end),
                _ => windows.push(start..end),
            }
        }
        windows
    }

    /// From a hit of the first list through one of each following list to one of the last.
    fn ordered_chains(&self, lists: &[&[(usize, usize)]]) -> Vec<Range<usize>> {
        let Some((first, rest)) = lists.split_first() else {
            return Vec::new();
        };
        let mut chains: Vec<Range<usize>> = first.iter().map(|hit| hit.1..hit.1).collect();
        for list in rest {
            let mut longer = Vec::new();
            for (_, at) in *list {
                let before = chains.partition_point(|chain| chain.end < *at);
                let nearest = before.checked_sub(1).and_then(|index| chains.get(index));
                if let Some(chain) = nearest.filter(|chain| at - chain.end <= self.step) {
                    longer.push(chain.start..*at);
                }
            }
            chains = longer;
        }
        chains
    }

    /// Around each hit of the rarest list that has all others near it.
    fn neighbourhoods(&self, lists: &[&[(usize, usize)]]) -> Vec<Range<usize>> {
        let Some(rarest) = lists.iter().min_by_key(|list| list.len()) else {
            return Vec::new();
        };
        let reach = self.step * lists.len().saturating_sub(1).max(1);
        let around = |hit: &(usize, usize)| hit.1.saturating_sub(reach)..hit.1 + reach;
        let complete = |window: &Range<usize>| {
            lists.iter().all(|list| {
                let next = list.partition_point(|hit| hit.1 < window.start);
                list.get(next).is_some_and(|hit| hit.1 < window.end)
            })
        };
        rarest.iter().map(around).filter(complete).collect()
    }
}

/// Letters from one needed word to the next: a gap of 40 and a long word with its neighbours.
const STEP: usize = 80;

fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
