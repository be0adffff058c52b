//! Logistic regression over passages, by the strongest passage of each row, in two rounds: meanings
//! first, then words on top of what the meanings already say.
//!
//! Deterministic: one thread, a fixed order from a fixed seed.

use injection::model::{BENCHES, Bench, Model, STEPS};
use injection::passage::{MEANINGS, WORDS};

use crate::chance::Chance;
use crate::folds::{Bag, Passage};

/// What training yields before it is rounded to bytes.
pub struct Weights {
    bias: f32,
    meanings: Vec<f32>,
    words: Vec<f32>,
}

/// Logits that all words of a passage together can move, by bench: few in texts, where more of them mistake
/// one author's manner for an attack. Chosen by the figures of left-out sources.
const WORD_CAPS: [f32; BENCHES] = [2.5, 4.5, 4.5];
const ROUNDS_OF_MEANING: usize = 14;
const ROUNDS_OF_WORDS: usize = 14;
/// The last rounds of each kind whose mean is taken: what only one round found out weighs less.
const MEAN_OF: usize = 5;
/// Rounds in which only rows of few passages speak: a long attack doesn't say where it stands.
const SHORT_FIRST: usize = 6;
/// Rounds after which a row labelled as an attack has to look a little like one, and how little.
const DOUBT_FROM: usize = 8;
const DOUBTED: f32 = -1.5;
/// Step sizes and decay: chosen by the figures of left-out sources.
const STEP_OF_MEANING: f32 = 0.12;
const STEP_OF_WORDS: f32 = 0.06;
const DECAY_OF_MEANING: f32 = 2e-4;
const DECAY_OF_WORDS: f32 = 6e-4;

pub fn learn(bags: &[&Bag]) -> Weights {
    let mut weights = Weights {
        bias: -2.0,
        meanings: vec![0.0; MEANINGS],
        words: vec![0.0; WORDS],
    };
    let mut seen_of_meaning = vec![1e-6f32; MEANINGS];
    let mut seen_of_words = vec![1e-6f32; WORDS];
    let mut mean = Weights {
        bias: 0.0,
        meanings: vec![0.0; MEANINGS],
        words: vec![0.0; WORDS],
    };
    let mut order: Vec<usize> = (0..bags.len()).collect();
    let mut chance = Chance(0x5eed);
    for round in 0..ROUNDS_OF_MEANING + ROUNDS_OF_WORDS {
        let words_round = round >= ROUNDS_OF_MEANING;
        chance.shuffle(&mut order);
        for bag in order.iter().filter_map(|index| bags.get(*index)) {
            if bag.attack && round < SHORT_FIRST && bag.passages.len() > 2 {
                continue;
            }
            let [of_meaning, of_words] = bag.bench.shift();
            for (score, passage) in strongest(&weights, bag, words_round) {
                let target = if bag.attack { 1.0 } else { 0.0 };
                // What still looks harmless after half of the rounds is likely labelled wrongly.
                let doubt = match bag.attack && round >= DOUBT_FROM && score < DOUBTED {
                    true => 0.1,
                    false => 1.0,
                };
                let slope = (logistic(score) - target) * bag.weight * doubt;
                if slope.abs() < 0.003 {
                    continue;
                }
                if words_round {
                    let features = both(passage.words.iter().map(|n| *n as usize), of_words);
                    let slope = slope / (passage.words.len().max(8) as f32 / 8.0).sqrt();
                    let how = (STEP_OF_WORDS, DECAY_OF_WORDS);
                    step(&mut weights.words, &mut seen_of_words, features, slope, how);
                } else {
                    weights.bias -= 0.01 * slope;
                    let numbers = passage.meanings.iter().map(|n| usize::from(*n));
                    let features = both(numbers, of_meaning);
                    let slope = slope * passage.damping;
                    let how = (STEP_OF_MEANING, DECAY_OF_MEANING);
                    step(
                        &mut weights.meanings,
                        &mut seen_of_meaning,
                        features,
                        slope,
                        how,
                    );
                }
            }
        }
        let rounds_left = match words_round {
            true => ROUNDS_OF_MEANING + ROUNDS_OF_WORDS - round,
            false => ROUNDS_OF_MEANING - round,
        };
        if rounds_left > MEAN_OF {
            continue;
        }
        if words_round {
            add(&mut mean.words, &weights.words);
            continue;
        }
        add(&mut mean.meanings, &weights.meanings);
        mean.bias += weights.bias / MEAN_OF as f32;
        if rounds_left == 1 {
            weights.bias = mean.bias;
            weights.meanings.clone_from(&mean.meanings);
        }
    }
    mean
}

/// Adds a round's share to the mean of the last ones.
fn add(mean: &mut [f32], weights: &[f32]) {
    for (sum, weight) in mean.iter_mut().zip(weights) {
        *sum += weight / MEAN_OF as f32;
    }
}

/// The passages of a bag that teach: the strongest of an attack, the three strongest of a harmless
/// row.
fn strongest<'b>(weights: &Weights, bag: &'b Bag, with_words: bool) -> Vec<(f32, &'b Passage)> {
    let mut scored: Vec<(f32, &Passage)> = bag
        .passages
        .iter()
        .map(|passage| (weights.score(passage, bag.bench, with_words), passage))
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.truncate(if bag.attack { 1 } else { 3 });
    scored
}

fn step(
    weights: &mut [f32],
    seen: &mut [f32],
    features: impl Iterator<Item = usize>,
    slope: f32,
    (size, decay): (f32, f32),
) {
    for at in features {
        if let (Some(weight), Some(seen)) = (weights.get_mut(at), seen.get_mut(at)) {
            *seen += slope * slope;
            *weight -= size * slope / seen.sqrt() + decay * *weight;
        }
    }
}

impl Weights {
    pub fn score(&self, passage: &Passage, bench: Bench, with_words: bool) -> f32 {
        let [of_meaning, of_words] = bench.shift();
        let numbers = passage.meanings.iter().map(|number| usize::from(*number));
        let meant: f32 = both(numbers, of_meaning)
            .filter_map(|at| self.meanings.get(at))
            .sum();
        let meant = self.bias + meant * passage.damping;
        if !with_words {
            return meant;
        }
        let numbers = passage.words.iter().map(|number| *number as usize);
        let said: f32 = both(numbers, of_words)
            .filter_map(|at| self.words.get(at))
            .sum();
        let cap = WORD_CAPS.get(bench.index()).copied().unwrap_or_default();
        meant + said.clamp(-cap, cap)
    }

    /// Rounded to what ships.
    pub fn model(&self, thresholds: [[i32; 2]; BENCHES]) -> Model {
        let unit = STEPS as f32;
        let byte = |weight: &f32| (weight * unit).round().clamp(-127.0, 127.0) as i8;
        Model {
            bias: (self.bias * unit).round() as i32,
            word_caps: WORD_CAPS.map(|cap| (cap * unit).round() as i32),
            thresholds,
            meanings: self.meanings.iter().map(byte).collect(),
            words: self.words.iter().map(byte).collect(),
        }
    }
}

/// The number of the weight that holds everywhere and of the one of a bench.
fn both(numbers: impl Iterator<Item = usize>, shift: usize) -> impl Iterator<Item = usize> {
    numbers.flat_map(move |number| [number, number ^ shift])
}

fn logistic(score: f32) -> f32 {
    1.0 / (1.0 + (-score).exp())
}
