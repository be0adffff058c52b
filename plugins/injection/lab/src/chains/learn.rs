//! Logistic regression over passages of texts and parts of calls: all of harmless ones, of an attack the
//! one that looks most like one, chosen anew in each round.
//!
//! Stochastic gradient descent with a decaying step and L2 penalty. Deterministic: a fixed order from
//! a fixed seed.

use kill_chain::model::{Table, WEIGHTS, root};

use super::texts::Text;

// All numbers here are chosen by the figures of left-out authors.

/// Choices of an attack's passage.
const ROUNDS: usize = 4;

/// How hard is learnt.
#[derive(Clone, Copy)]
pub struct Way {
    penalty: f64,
    /// Over all passages, after each choice.
    passes: usize,
}

/// From some hundred thousand passages, and from some ten thousand calls.
pub const PASSAGES: Way = Way {
    penalty: 2e-6,
    passes: 4,
};
pub const CALLS: Way = Way {
    penalty: 1e-5,
    passes: 8,
};

/// What a trajectory's text counts: those are what is to be told apart.
const TOLD: f32 = 2.0;

pub struct Learnt {
    bias: f32,
    weights: Vec<f32>,
}

struct Sample<'t> {
    features: &'t [u32],
    target: f32,
    worth: f32,
}

pub fn learn(texts: &[&Text], way: Way) -> Learnt {
    let mut learnt = Learnt {
        bias: 0.0,
        weights: vec![0.0; WEIGHTS],
    };
    for round in 0..ROUNDS {
        let mut samples: Vec<Sample> = Vec::new();
        for text in texts {
            let worth = if text.told { TOLD } else { 1.0 };
            let target = if text.attack { 1.0 } else { 0.0 };
            let sample = |features| Sample {
                features,
                target,
                worth,
            };
            let all = text.passages.iter().map(Vec::as_slice);
            if text.attack && round > 0 {
                let loudest =
                    all.max_by(|one, two| learnt.score(one).total_cmp(&learnt.score(two)));
                samples.extend(loudest.map(sample));
            } else if text.attack {
                // Which one it is is not known yet.
                let share = worth / text.passages.len().max(1) as f32;
                samples.extend(all.map(|features| Sample {
                    features,
                    target,
                    worth: share,
                }));
            } else {
                samples.extend(all.map(sample));
            }
        }
        learnt = descend(&samples, way);
    }
    learnt
}

fn descend(samples: &[Sample], Way { penalty, passes }: Way) -> Learnt {
    let mut learnt = Learnt {
        bias: 0.0,
        weights: vec![0.0; WEIGHTS],
    };
    // Source: the schedule of Bottou's SGD: 1 / (penalty · (t0 + t)).
    let begin = 1.0 / (penalty.sqrt().recip().sqrt() * penalty);
    let mut order: Vec<usize> = (0..samples.len()).collect();
    let mut seed = 0x5eed_u64;
    // All weights shrink at each step: kept apart, so that a step touches a passage's features only.
    let (mut scale, mut steps) = (1.0f64, 0.0f64);
    for _ in 0..passes {
        shuffle(&mut order, &mut seed);
        for sample in order.iter().filter_map(|at| samples.get(*at)) {
            let rate = 1.0 / (penalty * (begin + steps));
            steps += 1.0;
            let part = 1.0 / root(sample.features.len() as u32);
            let sum: f32 = sample.features.iter().map(|at| learnt.weight(*at)).sum();
            let score = learnt.bias + sum * part * scale as f32;
            scale *= 1.0 - rate * penalty;
            let slope = (1.0 / (1.0 + (-score).exp()) - sample.target) * sample.worth;
            let step = rate as f32 * slope;
            learnt.bias -= step * 0.1;
            let step = step * part / scale as f32;
            for at in sample.features {
                if let Some(weight) = learnt.weights.get_mut(*at as usize) {
                    *weight -= step;
                }
            }
        }
    }
    for weight in &mut learnt.weights {
        *weight *= scale as f32;
    }
    learnt
}

/// Xorshift, of our own so that no library can change the weights.
fn shuffle(order: &mut [usize], seed: &mut u64) {
    for at in (1..order.len()).rev() {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        order.swap(at, (*seed % (at as u64 + 1)) as usize);
    }
}

impl Learnt {
    fn weight(&self, at: u32) -> f32 {
        self.weights.get(at as usize).copied().unwrap_or_default()
    }

    /// How much a passage sounds like an order to a program, in logits.
    pub fn score(&self, features: &[u32]) -> f32 {
        let sum: f32 = features.iter().map(|at| self.weight(*at)).sum();
        self.bias + sum / root(features.len() as u32)
    }

    /// The loudest passage's.
    pub fn loudest(&self, text: &Text) -> f32 {
        let scores = text.passages.iter().map(|own| self.score(own));
        scores.fold(f32::MIN, f32::max)
    }

    /// Rounded to what ships.
    pub fn table(&self, thresholds: [f32; 2]) -> Table {
        let mut sizes: Vec<f32> = self.weights.iter().map(|own| own.abs()).collect();
        sizes.sort_by(f32::total_cmp);
        // So that all but one in ten thousand fit.
        let most = sizes.get(sizes.len() - 1 - sizes.len() / 10_000);
        let unit = (most.copied().unwrap_or(1.0) / 127.0).max(1e-6);
        let byte = |own: &f32| (own / unit).round().clamp(-127.0, 127.0) as i8;
        let weights: Vec<i8> = self.weights.iter().map(byte).collect();
        Table {
            bias: self.bias,
            unit,
            thresholds,
            weights,
        }
    }
}
