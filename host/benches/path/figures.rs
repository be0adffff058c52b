//! Percentiles per lane, and what each lane adds to the first one.

use std::time::Duration;

/// The times of one lane, block by block.
pub struct Figures {
    name: &'static str,
    blocks: Vec<Vec<f64>>,
}

impl Figures {
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            blocks: Vec::new(),
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

    fn all(&self) -> Vec<f64> {
        self.blocks.iter().flatten().copied().collect()
    }

    /// The middle of the differences between neighbouring blocks: steadier than the difference of
    /// the middles when the machine's pace changes during the run.
    fn paired(&self, direct: &Self) -> f64 {
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

pub fn print(figures: &[Figures]) {
    let Some(direct) = figures.first() else {
        return;
    };
    let base = direct.all();
    println!(
        "{:14} {:>8} {:>8} {:>8} | added {:>8} {:>8} {:>8} {:>8} | {:>6}",
        "µs", "p50", "p95", "p99", "p50", "paired", "p95", "p99", "ratio"
    );
    for lane in figures {
        let all = lane.all();
        let at = |percent| percentile(&all, percent);
        let added = |percent| at(percent) - percentile(&base, percent);
        println!(
            "{:14} {:8.1} {:8.1} {:8.1} |       {:8.1} {:8.1} {:8.1} {:8.1} | {:6.2}",
            lane.name,
            at(50.0),
            at(95.0),
            at(99.0),
            added(50.0),
            lane.paired(direct),
            added(95.0),
            added(99.0),
            at(50.0) / percentile(&base, 50.0),
        );
    }
}
