//! A blocklist of a million packages: its size, how long it takes to be believed, and look-ups.
//!
//! Prints what it measured, natively and in one thread. The size alone is a test (`tests/size.rs`).
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench stops at the first thing that is not as it should be"
)]

mod made;

use std::hint::black_box;
use std::time::Instant;
use supply_chain::package::Ecosystem;
use supply_chain::shard::{Shard, compile};

const PACKAGES: usize = 1_000_000;
const LOADS: usize = 41;
const LOOK_UPS: usize = 400_000;

fn main() {
    let bytes = compile(&made::artifact(PACKAGES)).unwrap();
    let each = bytes.len() as f64 / PACKAGES as f64;
    println!(
        "{PACKAGES} packages: {} bytes, {each:.2} for each",
        bytes.len()
    );

    let loads = (0..LOADS).map(|_| {
        let copy = bytes.clone();
        let began = Instant::now();
        black_box(Shard::open(copy).unwrap());
        began.elapsed().as_secs_f64() * 1e3
    });
    let loads = sorted(loads.collect());
    let (middle, last) = (loads[LOADS / 2], loads[LOADS - 1]);
    println!("load: {middle:.1} ms, the slowest of {LOADS} {last:.1} ms");

    let shard = Shard::open(bytes).unwrap();
    for (what, first) in [("listed", 0), ("not listed", PACKAGES)] {
        let times = (0..LOOK_UPS).map(|at| {
            // In no order that a cache could like.
            let name = made::name(first + at * 7919 % PACKAGES);
            let began = Instant::now();
            let found = black_box(&shard).look_up(Ecosystem::Npm, black_box(&name));
            let took = began.elapsed().as_secs_f64() * 1e6;
            assert!(first == 0 || found.is_empty());
            took
        });
        let times = sorted(times.collect());
        let (p50, p99) = (times[LOOK_UPS / 2], times[LOOK_UPS * 99 / 100]);
        println!("look-up, {what}: p50 {p50:.2} µs, p99 {p99:.2} µs");
    }
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}
