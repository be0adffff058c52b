//! Cross-validation over whole sources: each source is scored by a model that never saw it or a
//! related one, and the thresholds are set on those scores alone.

use std::collections::BTreeMap;

use injection::model::{BENCHES, STEPS};

use crate::folds::{Bag, folds};
use crate::held::HELD;
use crate::learn::{Weights, learn};
use crate::rows::Source;

/// How many trainings leave out the sources of a fold; one more leaves out nothing, for what is never
/// trained on.
pub const FOLDS: usize = 8;
/// Trainings at a time.
const THREADS: usize = 2;

/// One model per fold, and the thresholds that hold for all of them.
pub struct Crossed {
    pub fold_of: Vec<usize>,
    pub models: Vec<Weights>,
    pub thresholds: [[i32; 2]; BENCHES],
    /// Harmless rows that each lower threshold was set on, and how many reach it.
    pub counts: [[usize; 2]; BENCHES],
    /// The harmless rows that score highest: what to look at when a threshold seems high.
    pub highest: [Vec<(i32, String)>; BENCHES],
}

/// Harmless rows that may reach the lower threshold, in parts per thousand: what the detector may have of
/// ordinary results and documents, and somewhat more of prompts.
const PERMITTED: [(usize, f64); BENCHES] = [(0, 4.0), (1, 1.0), (2, 12.0)];
/// Harmless rows that are named for each bench.
const HIGHEST: usize = 12;
/// Harmless rows that may come near the upper threshold, in parts per thousand, and how near, in steps.
const SURE_PERMITTED: f64 = 0.5;
const MARGIN: i32 = STEPS / 2;

pub fn cross(sources: &[Source], bags: &[Bag]) -> Crossed {
    let fold_of = folds(sources, FOLDS);
    let fold = |bag: &Bag| fold_of.get(bag.source).copied().unwrap_or(0);
    let ships = |bag: &Bag| sources.get(bag.source).is_some_and(|source| source.ships);
    let of_fold = |left_out: usize| {
        let rest: Vec<&Bag> = bags
            .iter()
            .filter(|bag| ships(bag) && fold(bag) != left_out)
            .collect();
        learn(&rest)
    };
    let models: Vec<Weights> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|first| {
                let folds = (0..=FOLDS).skip(first).step_by(THREADS);
                let of_fold = &of_fold;
                scope.spawn(move || folds.map(|fold| (fold, of_fold(fold))).collect::<Vec<_>>())
            })
            .collect();
        let mut models: Vec<(usize, Weights)> = threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap_or_default())
            .collect();
        models.sort_by_key(|(fold, _)| *fold);
        models.into_iter().map(|(_, model)| model).collect()
    });
    let mut harmless: BTreeMap<usize, Vec<(i32, String)>> = BTreeMap::new();
    for bag in bags
        .iter()
        .filter(|bag| !bag.attack && !is_hard(sources, bag))
    {
        let Some(model) = models.get(fold(bag)) else {
            continue;
        };
        let score = bag
            .passages
            .iter()
            .map(|passage| (model.score(passage, bag.bench) * STEPS as f32) as i32)
            .max();
        harmless
            .entry(bag.bench.index())
            .or_default()
            .push((score.unwrap_or(i32::MIN), id(sources, bag)));
    }
    let mut thresholds = [[i32::MAX; 2]; BENCHES];
    let mut counts = [[0; 2]; BENCHES];
    let mut highest_of: [Vec<(i32, String)>; BENCHES] = Default::default();
    for (bench, permitted) in PERMITTED {
        let mut scores = harmless.remove(&bench).unwrap_or_default();
        scores.sort_unstable_by(|a, b| b.cmp(a));
        if let Some(slot) = highest_of.get_mut(bench) {
            *slot = scores.iter().take(HIGHEST).cloned().collect();
        }
        let scores: Vec<i32> = scores.into_iter().map(|(score, _)| score).collect();
        let above = |permitted: f64| {
            let over = (scores.len() as f64 * permitted / 1000.0) as usize;
            scores.get(over).copied().unwrap_or_default()
        };
        let probable = above(permitted) + 1;
        let sure = above(SURE_PERMITTED) + MARGIN;
        if let (Some(slot), Some(count)) = (thresholds.get_mut(bench), counts.get_mut(bench)) {
            *slot = [probable, sure.max(probable + STEPS)];
            *count = [
                scores.len(),
                scores.iter().filter(|score| **score >= probable).count(),
            ];
        }
    }
    Crossed {
        fold_of,
        models,
        thresholds,
        counts,
        highest: highest_of,
    }
}

fn id(sources: &[Source], bag: &Bag) -> String {
    let row = sources
        .get(bag.source)
        .and_then(|source| source.rows.get(bag.row));
    row.map(|row| row.id.clone()).unwrap_or_default()
}

/// Rows that say nothing about the share of false positives in ordinary traffic: those that were
/// written to look like attacks, ours among them, and documents that quote attacks, which have a
/// limit of their own (that a match is only talked about is for `mention.rs` to say, not for a
/// threshold).
fn is_hard(sources: &[Source], bag: &Bag) -> bool {
    let source = sources.get(bag.source);
    source.is_some_and(|source| {
        source.name.starts_with("own-")
            || source.name.starts_with(HELD)
            || HARD.contains(&source.name.as_str())
    })
}

const HARD: [&str; 5] = [
    "security-docs-a",
    "mitre-atlas",
    "atr-rule-tests",
    "agt-injection-smoke",
    "bastioncorpus",
];
