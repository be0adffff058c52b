//! Logistic regression over passages: all of harmless rows, of an attack first those of short rows and
//! then the one that looks most like an attack.
//!
//! Stochastic gradient descent with a decaying step and L2 penalty, over meanings and words at once; a
//! feature counts the more the fewer passages have it. Deterministic: a fixed order from a fixed seed.

use injection::model::{BENCHES, Bench, FEWEST, Model, STEPS};
use injection::passage::{MEANINGS, WORDS};

use crate::chance::Chance;
use crate::folds::{Bag, Passage};

/// What training yields before it is rounded to bytes.
pub struct Weights {
    biases: [f32; BENCHES],
    /// Of meanings and of words, each times how rare the feature is.
    tables: [Vec<f32>; 2],
    /// What a sum of each is multiplied with beside the root of how many there are.
    shares: [f32; 2],
}

/// How much meanings count beside words. All numbers here are chosen by the figures of left-out sources.
const OF_MEANINGS: f32 = 0.35;
const OF_BENCH: f32 = 0.3;
const PENALTY: f64 = 3e-6;
const ROUNDS: [usize; 2] = [6, 10];
/// An attack counts so much more than a harmless row.
const ATTACK: f32 = 1.5;
/// A row labelled as an attack whose strongest passage looks so little like one after the first rounds is
/// likely labelled wrongly, and counts so much.
const DOUBTED: f32 = -2.5;
const DOUBT: f32 = 0.1;
/// A slope below this changes nothing.
const FLAT: f32 = 5e-4;
/// Logits that all meanings of a passage together can add at most.
const MEANT_MOST: f32 = 6.0;

/// One passage to learn from.
struct Sample<'b> {
    passage: &'b Passage,
    bench: Bench,
    target: f32,
    weight: f32,
}

pub fn learn(bags: &[&Bag]) -> Weights {
    let rare = Rare::of(bags);
    let [first, then] = ROUNDS;
    let short = |bag: &&&Bag| !bag.attack || bag.passages.len() <= 2;
    let samples = bags.iter().filter(short).flat_map(|bag| all(bag, 1.0));
    let weights = descend(samples.collect(), &rare, first);
    let samples = bags.iter().flat_map(|bag| {
        if !bag.attack {
            return all(bag, 1.0);
        }
        let scored = bag
            .passages
            .iter()
            .map(|passage| (weights.score(passage, bag.bench), passage));
        let best = scored.max_by(|a, b| a.0.total_cmp(&b.0));
        best.map_or_else(Vec::new, |(score, passage)| {
            let doubt = if score < DOUBTED { DOUBT } else { 1.0 };
            vec![sample(bag, passage, doubt)]
        })
    });
    descend(samples.collect(), &rare, then)
}

fn all(bag: &Bag, factor: f32) -> Vec<Sample<'_>> {
    let of_many = 1.0 / (bag.passages.len().max(1) as f32).sqrt();
    let factor = if bag.attack { factor } else { factor * of_many };
    bag.passages
        .iter()
        .map(|passage| sample(bag, passage, factor))
        .collect()
}

fn sample<'b>(bag: &'b Bag, passage: &'b Passage, factor: f32) -> Sample<'b> {
    Sample {
        passage,
        bench: bag.bench,
        target: if bag.attack { 1.0 } else { 0.0 },
        weight: bag.weight * factor * if bag.attack { ATTACK } else { 1.0 },
    }
}

/// How rare features are: ln(passages / passages that have it) + 1, squared.
struct Rare {
    squares: [Vec<f32>; 2],
    shares: [f32; 2],
}

impl Rare {
    fn of(bags: &[&Bag]) -> Self {
        let mut counts = [vec![0u32; MEANINGS], vec![0u32; WORDS]];
        let mut last = [vec![u32::MAX; MEANINGS], vec![u32::MAX; WORDS]];
        let mut passages = 0u32;
        for passage in bags.iter().flat_map(|bag| &bag.passages) {
            for (which, at) in features(passage, 0) {
                let (Some(counts), Some(last)) = (counts.get_mut(which), last.get_mut(which))
                else {
                    continue;
                };
                if let (Some(count), Some(last)) = (counts.get_mut(at), last.get_mut(at))
                    && *last != passages
                {
                    *last = passages;
                    *count += 1;
                }
            }
            passages += 1;
        }
        let squares = counts.map(|counts| {
            let rare = |count: u32| ((passages as f32 + 1.0) / (count as f32 + 1.0)).ln() + 1.0;
            counts
                .into_iter()
                .map(|count| rare(count).powi(2))
                .collect::<Vec<f32>>()
        });
        let (mut sums, mut sizes) = ([0f64; 2], [0f64; 2]);
        for passage in bags.iter().flat_map(|bag| &bag.passages) {
            for (which, at) in features(passage, 0) {
                let square = squares.get(which).and_then(|table| table.get(at));
                if let Some(sum) = sums.get_mut(which) {
                    *sum += f64::from(*square.unwrap_or(&0.0));
                }
            }
            for (size, more) in sizes.iter_mut().zip(size(passage)) {
                *size += more as f64;
            }
        }
        // A passage of the usual kind has length one.
        let [meant, said] = [0, 1].map(|which: usize| {
            let (sum, size) = (sums.get(which), sizes.get(which));
            1.0 / (sum.unwrap_or(&1.0) / size.unwrap_or(&1.0)).sqrt() as f32
        });
        Self {
            squares,
            shares: [meant * OF_MEANINGS, said],
        }
    }
}

/// What the sums of a passage are divided by the roots of.
fn size(passage: &Passage) -> [usize; 2] {
    let [meanings, words] = FEWEST;
    [
        passage.meanings.len().max(meanings),
        passage.length.max(words),
    ]
}

/// Features with the table that they are in; those of meaning once for all benches and once for theirs.
fn features(passage: &Passage, shift: usize) -> impl Iterator<Item = (usize, usize)> {
    let meanings = passage.meanings.iter().flat_map(move |number| {
        let number = usize::from(*number);
        let own = (shift != 0).then_some((0, number ^ shift));
        [Some((0, number)), own].into_iter().flatten()
    });
    let words = passage.words.iter().map(|number| (1, *number as usize));
    meanings.chain(words)
}

fn descend(samples: Vec<Sample>, rare: &Rare, rounds: usize) -> Weights {
    let mut weights = Weights {
        biases: [0.0; BENCHES],
        tables: [vec![0.0; MEANINGS], vec![0.0; WORDS]],
        shares: rare.shares,
    };
    // Source: the schedule of Bottou's SGD: 1 / (penalty · (t0 + t)).
    let typical = PENALTY.sqrt().recip().sqrt();
    let begin = 1.0 / (typical * PENALTY);
    let mut order: Vec<usize> = (0..samples.len()).collect();
    let mut chance = Chance(0x5eed);
    // All weights shrink at each step: kept apart, so that a step touches a passage's features only.
    let mut scale = 1.0f64;
    let mut steps = 0.0;
    let mut common = 0.0f32;
    for _ in 0..rounds {
        chance.shuffle(&mut order);
        for sample in order.iter().filter_map(|index| samples.get(*index)) {
            let rate = 1.0 / (PENALTY * (begin + steps));
            steps += 1.0;
            let score = weights.raw(sample.passage, sample.bench) * scale as f32 + common;
            let score = score
                + weights
                    .biases
                    .get(sample.bench.index())
                    .copied()
                    .unwrap_or(0.0);
            scale *= 1.0 - rate * PENALTY;
            let slope = (logistic(score) - sample.target) * sample.weight;
            if slope.abs() < FLAT {
                continue;
            }
            let step = rate as f32 * slope;
            common -= step * 0.01;
            if let Some(bias) = weights.biases.get_mut(sample.bench.index()) {
                *bias -= step * OF_BENCH * OF_BENCH;
            }
            let shares = weights.shares_of(sample.passage);
            for (which, at) in features(sample.passage, sample.bench.shift()) {
                let (Some(table), Some(share), Some(squares)) = (
                    weights.tables.get_mut(which),
                    shares.get(which),
                    rare.squares.get(which),
                ) else {
                    continue;
                };
                if let (Some(weight), Some(square)) = (table.get_mut(at), squares.get(at)) {
                    *weight -= step * share * square / scale as f32;
                }
            }
            if scale < 1e-4 {
                weights.shrink(&mut scale);
            }
        }
    }
    weights.shrink(&mut scale);
    for bias in &mut weights.biases {
        *bias += common;
    }
    weights
}

impl Weights {
    fn shrink(&mut self, scale: &mut f64) {
        for weight in self.tables.iter_mut().flatten() {
            *weight *= *scale as f32;
        }
        *scale = 1.0;
    }

    fn shares_of(&self, passage: &Passage) -> [f32; 2] {
        let ([meant, said], [meanings, words]) = (self.shares, size(passage));
        [
            meant / (meanings as f32).sqrt(),
            said / (words as f32).sqrt(),
        ]
    }

    /// What meanings and words say.
    fn parts(&self, passage: &Passage, bench: Bench) -> [f32; 2] {
        let mut sums = [0.0f32; 2];
        for (which, at) in features(passage, bench.shift()) {
            let weight = self.tables.get(which).and_then(|table| table.get(at));
            if let Some(sum) = sums.get_mut(which) {
                *sum += weight.copied().unwrap_or_default();
            }
        }
        let ([meant, said], [of_meant, of_said]) = (sums, self.shares_of(passage));
        [meant * of_meant, said * of_said]
    }

    fn raw(&self, passage: &Passage, bench: Bench) -> f32 {
        let [meant, said] = self.parts(passage, bench);
        meant + said
    }

    pub fn score(&self, passage: &Passage, bench: Bench) -> f32 {
        let [meant, said] = self.parts(passage, bench);
        let bias = self.biases.get(bench.index()).copied().unwrap_or_default();
        bias + meant.min(MEANT_MOST) + said
    }

    /// Rounded to what ships.
    pub fn model(&self, thresholds: [[i32; 2]; BENCHES]) -> Model {
        let unit = STEPS as f32;
        let [meanings, words] = [0, 1].map(|which: usize| {
            let table = self
                .tables
                .get(which)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let worth = worth(table);
            let byte = |weight: &f32| (weight / worth).round().clamp(-127.0, 127.0) as i8;
            let share = self.shares.get(which).copied().unwrap_or_default();
            let steps = (worth * share * unit * 65_536.0).round() as i32;
            (table.iter().map(byte).collect::<Vec<i8>>(), steps)
        });
        Model {
            biases: self.biases.map(|bias| (bias * unit).round() as i32),
            units: [meanings.1, words.1],
            meant_most: (MEANT_MOST * unit).round() as i32,
            thresholds,
            meanings: meanings.0,
            words: words.0,
        }
    }
}

/// What a byte counts, so that all but one in ten thousand weights fit.
fn worth(table: &[f32]) -> f32 {
    let mut sizes: Vec<f32> = table.iter().map(|weight| weight.abs()).collect();
    sizes.sort_by(f32::total_cmp);
    let most = sizes.get(sizes.len() - 1 - sizes.len() / 10_000);
    (most.copied().unwrap_or(1.0) / 127.0).max(1e-6)
}

fn logistic(score: f32) -> f32 {
    1.0 / (1.0 + (-score).exp())
}
