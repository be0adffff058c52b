//! What calls notice of detectors and data that are exchanged under them.

use super::Link;
use crate::kit::{Daemon, Feed, Home};
use clawdefender_trust::Kind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often the feed is replaced.
const SWAPS: u64 = 12;
/// Between two swaps, in which calls are made as well. Chosen: as long as some thousand calls.
const QUIET: Duration = Duration::from_secs(2);

fn next(version: u64) -> Feed {
    let mut feed = Feed::official().edit(Kind::Blocklist, |body| {
        body["entries"].as_array_mut().unwrap().push(serde_json::json!({
            "id": "CD-TEST-1", "ecosystem": "npm", "name": "clawdefender-e2e-nothing", "kind": "malicious",
            "severity": "critical", "summary": "Made up by a test.", "source": "https://test.example",
            "versions": ["1.0.0"],
        }));
    });
    feed.manifest.version += version;
    feed
}

/// Calls, one after the other, while new feeds are fetched, verified, tried out and put into place.
#[test]
#[ignore = "takes a minute and prints figures: `cargo xtask soak` runs it"]
fn calls_notice_little_of_a_swap() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    let folders: Vec<_> = (0..SWAPS)
        .map(|number| next(number).publish(&home.file(&format!("feed{number}"))))
        .collect();
    let mut link = Link::open(&home, 0);
    link.run(0..500);
    let (swapping, ended) = (AtomicBool::new(false), AtomicBool::new(false));
    let (mut quiet, mut during) = (Vec::new(), Vec::new());
    let updates = std::thread::scope(|scope| {
        let updates = scope.spawn(|| {
            let mut took = Vec::new();
            for folder in &folders {
                std::thread::sleep(QUIET);
                let since = Instant::now();
                swapping.store(true, Ordering::SeqCst);
                home.cli(&["feed", "update", folder.to_str().unwrap()])
                    .done();
                swapping.store(false, Ordering::SeqCst);
                took.push(since.elapsed());
            }
            ended.store(true, Ordering::SeqCst);
            took
        });
        let mut call = 500;
        while !ended.load(Ordering::SeqCst) {
            let before = swapping.load(Ordering::SeqCst);
            let since = Instant::now();
            // A call that fails, or is answered with another's text, ends the test.
            link.run(call..call + 1);
            let took = since.elapsed();
            match before || swapping.load(Ordering::SeqCst) {
                true => during.push(took),
                false => quiet.push(took),
            }
            call += 1;
        }
        updates.join().unwrap()
    });
    for (what, times) in [("between swaps", &mut quiet), ("during swaps", &mut during)] {
        times.sort();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        println!(
            "{what}: {} calls, p50 {:?}, p99 {:?}, longest {:?}",
            times.len(),
            at(0.5),
            at(0.99),
            at(1.0)
        );
    }
    println!("an update from command to end: {updates:?}");
    assert_eq!(home.records("kind:feed-activated").len() as u64, SWAPS);
    assert!(home.records("verdict:deny").is_empty());
}
