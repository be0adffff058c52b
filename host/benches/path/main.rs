//! What a tool call costs with ClawDefender in between, beside the direct path.
//!
//! One echo server is driven directly, through a daemon without detectors, and through the product,
//! in turns within one run: what the machine does meanwhile meets all of them alike. A matrix of
//! sizes and of calls in flight on one link, then where the added time of one cell goes. Nothing is
//! asserted about time; a call that does not come back as it should ends the run.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a bench stops at the first thing that is not as it should be"
)]

mod calls;
#[path = "../subject/detectors.rs"]
mod detectors;
mod echo;
#[path = "../subject/events.rs"]
#[allow(dead_code, reason = "each bench reads some of it")]
mod events;
mod figures;
mod floor;
mod lane;
mod phases;
mod quiet;
#[path = "../subject/texts.rs"]
#[allow(dead_code, reason = "each bench reads some of it")]
mod texts;
mod usage;
mod wire;

use calls::Calls;
use figures::Figures;
use lane::{Daemon, Lane};
use std::path::PathBuf;
use std::time::Duration;

/// Time of one lane before it is the next one's turn.
const BLOCK: Duration = Duration::from_millis(100);
const WARM_UP: Duration = Duration::from_millis(200);
const SIZES: [usize; 3] = [1 << 10, 10 << 10, 100 << 10];
const IN_FLIGHT: [usize; 3] = [1, 8, 32];

struct Wish {
    /// For each cell of the matrix, in all lanes together.
    seconds: f64,
    /// Only the first cell: 1 KB, one call at a time.
    first: bool,
    /// Another build of `clawdefender`, driven in the same run.
    against: Option<PathBuf>,
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("echo") => return echo::serve(),
        Some("floor-daemon") => return floor::daemon(words.get(1).expect("a socket").as_ref()),
        Some("floor-shim") => return floor::shim(words.get(1).expect("a socket").as_ref()),
        Some("quiet-daemon") => return quiet::serve(words.get(1).expect("a home").as_ref()),
        _ => {}
    }
    let value = |name: &str| {
        let place = words.iter().position(|word| word == name)?;
        words.get(place + 1).cloned()
    };
    let wish = Wish {
        seconds: value("--seconds").map_or(12.0, |seconds| seconds.parse().unwrap()),
        first: words.iter().any(|word| word == "--first"),
        against: value("--against").map(PathBuf::from),
    };
    run(&wish);
}

fn run(wish: &Wish) {
    let product = PathBuf::from(env!("CARGO_BIN_EXE_clawdefender"));
    let hops = Daemon::of_hops();
    let quiet = Daemon::without_detectors();
    let all = Daemon::of(&product);
    let mut lanes = vec![
        Lane::direct("direct"),
        Lane::of_hops("hops alone", &hops),
        Lane::through("no detectors", &quiet, &product),
        Lane::through("all three", &all, &product),
    ];
    let other = wish.against.as_ref().map(|path| (Daemon::of(path), path));
    if let Some((daemon, path)) = &other {
        lanes.push(Lane::through("against", daemon, path));
    }
    let loaded = detectors::load(&detectors::packages());
    println!(
        "one tool call and its result over stdio, in blocks of {} ms per lane; load average {}",
        BLOCK.as_millis(),
        load()
    );
    for bytes in SIZES {
        let calls = Calls::of(bytes);
        for in_flight in IN_FLIGHT {
            let figures = cell(&mut lanes, &calls, in_flight, wish.seconds);
            let title = format!("{} KB, {in_flight} in flight", bytes >> 10);
            figures::print(&title, &figures);
            if in_flight == 1 {
                breakdown(&figures, &phases::measure(&loaded, bytes));
            }
            if wish.first {
                return;
            }
        }
    }
    println!("\nload average {}", load());
}

fn cell(lanes: &mut [Lane], calls: &Calls, in_flight: usize, seconds: f64) -> Vec<Figures> {
    let mut figures: Vec<Figures> = lanes.iter().map(|lane| Figures::new(lane.name)).collect();
    for lane in lanes.iter_mut() {
        lane.calls(calls, in_flight, WARM_UP, drop);
    }
    let rounds = (seconds / BLOCK.as_secs_f64() / lanes.len() as f64).max(1.0) as usize;
    for round in 0..rounds {
        // Every lane follows every other one equally often.
        for turn in 0..lanes.len() {
            let place = (round + turn) % lanes.len();
            let (Some(lane), Some(figures)) = (lanes.get_mut(place), figures.get_mut(place)) else {
                continue;
            };
            let before = lane.spent();
            figures.begin_block();
            let time = lane.calls(calls, in_flight, BLOCK, |took| figures.add(took));
            figures.end_block(time, before, lane.spent());
        }
    }
    figures
}

/// Says where the time that a lane adds goes: to which process, and there to which part.
fn breakdown(figures: &[Figures], phases: &phases::Phases) {
    let Some(direct) = figures.first() else {
        return;
    };
    println!("where it goes, µs of CPU and (sleeps) per call:");
    for lane in figures {
        let per_call = |usage: usage::Usage| {
            let calls = lane.calls().max(1) as f64;
            (usage.ns as f64 / calls / 1e3, usage.sleeps as f64 / calls)
        };
        let spent = [lane.spent.server, lane.spent.shim, lane.spent.daemon].map(per_call);
        let [server, shim, daemon] = spent.map(|(us, sleeps)| format!("{us:6.1} ({sleeps:.1})"));
        let [own, theirs] = [&lane.spent, &direct.spent].map(|spent| spent.server.ns as f64);
        let slower = own / lane.calls().max(1) as f64 - theirs / direct.calls().max(1) as f64;
        let working = spent.iter().skip(1).map(|(us, _)| us).sum::<f64>() + slower / 1e3;
        let waiting = lane.at(50.0) - direct.at(50.0) - working;
        println!(
            "  {:14} server {server}  shim {shim}  daemon {daemon}  waiting for a core and a wake-up {waiting:6.1}",
            lane.name()
        );
    }
    let phases::Phases {
        parse,
        events_and_policy,
        detectors,
        record,
    } = phases;
    println!(
        "  in the daemon: parse {parse:.1}, events and policy {events_and_policy:.1}, detectors {detectors:.1}, record {record:.1}; \
         the rest of its time is reading, writing and its other threads"
    );
}

fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}
