//! Percentiles and pace per lane, and what each lane costs beside the first one.

use crate::lane::Spent;
use std::time::Duration;

/// What one lane did in one cell of the matrix, block by block.
pub struct Figures {
    name: &'static str,
    blocks: Vec<Vec<f64>>,
    time: Duration,
    pub spent: Spent,
}

impl Figures {
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            blocks: Vec::new(),
            time: Duration::ZERO,
            spent: Spent::default(),
        }
    }

    pub fn begin_block(&mut self) {
        self.blocks.push(Vec::new());
    }

    pub fn add(&mut self, took: Duration) {
        if let Some(block) = self.blocks.last_mut() {
            block.push(took.as_secs_f64() * 1e6);
        }
    }

    pub fn end_block(&mut self, took: Duration, before: Spent, after: Spent) {
        self.time += took;
        self.spent.server += after.server - before.server;
        self.spent.shim += after.shim - before.shim;
        self.spent.daemon += after.daemon - before.daemon;
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    pub fn calls(&self) -> usize {
        self.blocks.iter().map(Vec::len).sum()
    }

    pub fn at(&self, percent: f64) -> f64 {
        percentile(&self.blocks.concat(), percent)
    }

    fn per_second(&self) -> f64 {
        self.calls() as f64 / self.time.as_secs_f64()
    }

    /// The middle of the differences between neighbouring blocks: steadier than the difference of
    /// the middles when the machine's pace changes during the run.
    pub fn paired(&self, direct: &Self) -> f64 {
        let pairs = self.blocks.iter().zip(&direct.blocks);
        let differences =
            pairs.map(|(own, theirs)| percentile(own, 50.0) - percentile(theirs, 50.0));
        percentile(&differences.collect::<Vec<_>>(), 50.0)
    }
}

/// Linear between the two nearest values.
pub fn percentile(values: &[f64], percent: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = percent / 100.0 * (sorted.len().saturating_sub(1)) as f64;
    let at = |place: f64| sorted.get(place as usize).copied().unwrap_or(f64::NAN);
    let (below, above) = (at(place.floor()), at(place.ceil()));
    below + (above - below) * place.fract()
}

pub fn print(title: &str, figures: &[Figures]) {
    let Some(direct) = figures.first() else {
        return;
    };
    println!(
        "\n{title:22} {:>8} {:>8} {:>8} | added p50 {:>8} {:>7} | ratio p50 {:>6} {:>6} | calls/s of direct",
        "p50 µs", "p95", "p99", "paired", "p99", "p95", "p99"
    );
    for lane in figures {
        let at = |percent| lane.at(percent);
        let added = |percent| at(percent) - direct.at(percent);
        let ratio = |percent| at(percent) / direct.at(percent);
        println!(
            "{:22} {:8.1} {:8.1} {:8.1} | {:9.1} {:8.1} {:7.0} | {:9.2} {:6.2} {:6.2} | {:7.0} {:7.0} %",
            lane.name,
            at(50.0),
            at(95.0),
            at(99.0),
            added(50.0),
            lane.paired(direct),
            added(99.0),
            ratio(50.0),
            ratio(95.0),
            ratio(99.0),
            lane.per_second(),
            100.0 * lane.per_second() / direct.per_second(),
        );
    }
}
