//! What a stdio tool call costs with ClawDefender in between, beside the direct path.
//!
//! One echo server is driven directly, through the product, and through a daemon without detectors,
//! in turns within one run: what the machine does meanwhile meets all of them alike. Nothing is
//! asserted about time; a call that does not come back as it should ends the run.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench stops at the first thing that is not as it should be"
)]

mod echo;
mod figures;
mod lane;
mod quiet;
#[path = "../subject/texts.rs"]
#[allow(dead_code, reason = "each bench reads some of it")]
mod texts;

use figures::Figures;
use lane::{Daemon, Lane};
use std::path::PathBuf;

/// Calls of one lane before it is the next one's turn.
const BLOCK: usize = 100;
const WARM_UP: usize = 400;
const TEXT_BYTES: usize = 1024;

struct Wish {
    rounds: usize,
    /// Another build of `clawdefender`, driven in the same run.
    against: Option<PathBuf>,
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("echo") => return echo::serve(),
        Some("quiet-daemon") => return quiet::serve(words.get(1).expect("a home").as_ref()),
        _ => {}
    }
    let value = |name: &str| {
        let place = words.iter().position(|word| word == name)?;
        words.get(place + 1).cloned()
    };
    let wish = Wish {
        rounds: value("--rounds").map_or(60, |rounds| rounds.parse().unwrap()),
        against: value("--against").map(PathBuf::from),
    };
    run(&wish);
}

fn run(wish: &Wish) {
    let product = PathBuf::from(env!("CARGO_BIN_EXE_clawdefender"));
    let quiet = Daemon::without_detectors();
    let all = Daemon::of(&product);
    let mut lanes = vec![
        Lane::direct("direct"),
        Lane::through("no detectors", &quiet, &product),
        Lane::through("all three", &all, &product),
    ];
    let other = wish.against.as_ref().map(|path| (Daemon::of(path), path));
    if let Some((daemon, path)) = &other {
        lanes.push(Lane::through("against", daemon, path));
    }
    let mut seed = 0;
    for lane in &mut lanes {
        lane.greet();
        for _ in 0..WARM_UP {
            seed += 1;
            lane.call(&text(seed));
        }
    }
    let mut figures: Vec<Figures> = lanes.iter().map(|lane| Figures::new(lane.name)).collect();
    for round in 0..wish.rounds {
        // Every lane follows every other one equally often.
        for turn in 0..lanes.len() {
            let place = (round + turn) % lanes.len();
            let (Some(lane), Some(figures)) = (lanes.get_mut(place), figures.get_mut(place)) else {
                continue;
            };
            figures.begin_block();
            for _ in 0..BLOCK {
                seed += 1;
                figures.add(lane.call(&text(seed)));
            }
        }
    }
    println!(
        "one tool call and its result, {TEXT_BYTES} bytes each way, {} calls per lane in blocks of {BLOCK}",
        wish.rounds * BLOCK
    );
    figures::print(&figures);
}

fn text(seed: u64) -> String {
    texts::text(("prose", texts::prose), TEXT_BYTES, seed)
}
