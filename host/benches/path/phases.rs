//! What the daemon does with one call and its result, part by part, on one thread of this process.
//!
//! Each part is the difference between two stretches of the real path that differ by it, taken in
//! turns; the last one is `Judge::rule`, which is all that the daemon does between reading a frame
//! and writing its ruling.

use crate::figures::percentile;
use crate::{events, quiet, texts};
use clawdefender::judge::{Bench, Histories, Outcome, examine, now_ms};
use clawdefender::link::End;
use clawdefender::mcp::json::{self, Limits};
use clawdefender::plugin::{Detector, Set};
use clawdefender::policy::{Policy, Profile};
use std::hint::black_box;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const ROUNDS: usize = 400;
const TIME: Duration = Duration::from_secs(4);
const TEXTS: u64 = 16;

/// µs per call and result.
pub struct Phases {
    pub parse: f64,
    pub events_and_policy: f64,
    pub detectors: f64,
    /// Summary, record, digest, write, tickets.
    pub record: f64,
}

/// For a message of `bytes` each way; at most [`TIME`] long.
pub fn measure(loaded: &[Arc<Detector>], bytes: usize) -> Phases {
    let tasks = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let home = tempfile::tempdir().unwrap();
    let all = Set::new(loaded.to_vec(), Vec::new());
    let none = Set::new(Vec::new(), Vec::new());
    let policy = Policy::builtin(Profile::Monitor, Path::new("/home/bench"));
    let (histories, places) = (Histories::default(), events::places());
    let judge = quiet::judge(
        home.path(),
        Set::new(loaded.to_vec(), Vec::new()),
        Profile::Monitor,
        tasks.handle(),
    );
    let frames: Vec<_> = (0..TEXTS)
        .map(|seed| texts::text(("prose", texts::prose), bytes, seed))
        .map(|text| (events::call(1, &text), events::result(1, &text)))
        .collect();
    let bench = |set| Bench {
        set,
        policy: &policy,
        histories: &histories,
        places: &places,
        now_ms: now_ms(),
        max_frame_bytes: 16 << 20,
    };
    let (mut plain, mut full, ruled) = (events::link(), events::link(), Mutex::new(events::link()));
    let (with_none, with_all) = (bench(&none), bench(&all));
    let mut took = [(); 4].map(|()| Vec::with_capacity(ROUNDS));
    let begun = Instant::now();
    for (call, result) in frames.iter().cycle().take(ROUNDS) {
        if begun.elapsed() > TIME {
            break;
        }
        let mut parts: [&mut dyn FnMut(); 4] = [
            &mut || {
                for frame in [call, result] {
                    assert!(json::parse(black_box(frame), &Limits::default()).is_ok());
                }
            },
            &mut || {
                examine(&with_none, &mut plain, End::Client, "a".into(), call);
                examine(&with_none, &mut plain, End::Server, "b".into(), result);
            },
            &mut || {
                examine(&with_all, &mut full, End::Client, "a".into(), call);
                examine(&with_all, &mut full, End::Server, "b".into(), result);
            },
            &mut || {
                for (end, frame) in [(End::Client, call), (End::Server, result)] {
                    assert!(matches!(
                        judge.rule(&ruled, end, false, frame),
                        Outcome::Now(_)
                    ));
                }
            },
        ];
        for (part, took) in parts.iter_mut().zip(&mut took) {
            let started = Instant::now();
            part();
            took.push(started.elapsed().as_secs_f64() * 1e6);
        }
    }
    let [parse, plain, full, ruled] = took.map(|took| percentile(&took, 50.0));
    Phases {
        parse,
        events_and_policy: plain - parse,
        detectors: full - plain,
        record: ruled - full,
    }
}
