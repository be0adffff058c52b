//! What a frame costs inside the daemon, part by part: strict parsing, each detector, all three,
//! the whole examination, and the record of it.
#![expect(
    clippy::unwrap_used,
    reason = "a bench stops at the first thing that is not as it should be"
)]

#[path = "subject/detectors.rs"]
mod detectors;
#[path = "subject/events.rs"]
mod events;
#[path = "subject/texts.rs"]
#[allow(dead_code, reason = "each bench reads some of it")]
mod texts;

use clawdefender::audit::{Durability, Ledger, Record};
use clawdefender::judge::{Bench, Histories, examine, now_ms};
use clawdefender::link::End;
use clawdefender::mcp::json::{self, Limits};
use clawdefender::plugin::{NoHistory, Set};
use clawdefender::policy::{Policy, Profile};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const SIZES: [usize; 3] = [1 << 10, 10 << 10, 100 << 10];

/// Different texts per size, so that no branch predictor learns one by heart.
const TEXTS: u64 = 16;

fn detection(criterion: &mut Criterion) {
    let loaded = detectors::load(&detectors::packages());
    let all = ("all".to_owned(), Set::new(loaded.clone(), Vec::new()));
    let each = loaded.iter().map(|one| {
        (
            one.id().to_owned(),
            Set::new(vec![Arc::clone(one)], Vec::new()),
        )
    });
    let sets: Vec<(String, Set)> = std::iter::once(all).chain(each).collect();
    for (who, set) in &sets {
        let mut group = criterion.benchmark_group(format!("inspect/{who}"));
        for bytes in SIZES {
            let stuffed = (bytes == SIZES[0]).then_some(texts::STUFFED);
            for kind in texts::CLEAN.into_iter().chain(stuffed) {
                let events: Vec<_> = (0..TEXTS)
                    .map(|seed| events::of_result(&texts::text(kind, bytes, seed)))
                    .collect();
                let mut found = Vec::new();
                for event in &events {
                    let seen = set.inspect(event, &NoHistory);
                    assert!(seen.faults.is_empty(), "{:?}", seen.faults);
                    found.extend(seen.findings);
                }
                // Words in a random order may once in a while read like an order.
                let clean = found.len() <= 1 || kind.0 == "stuffed";
                assert!(clean, "not clean: {found:?}");
                group.throughput(Throughput::Bytes(bytes as u64));
                let mut turn = events.iter().cycle();
                group.bench_function(BenchmarkId::new(kind.0, bytes), |b| {
                    b.iter(|| set.inspect(turn.next().unwrap(), &NoHistory));
                });
            }
        }
        group.finish();
    }
}

fn around(criterion: &mut Criterion) {
    let prose = texts::CLEAN[0];
    let set = Set::new(detectors::load(&detectors::packages()), Vec::new());
    let policy = Policy::builtin(Profile::Balanced, Path::new("/home/bench"));
    let (histories, places) = (Histories::default(), events::places());
    for bytes in SIZES {
        let frames: Vec<_> = (0..TEXTS)
            .map(|seed| texts::text(prose, bytes, seed))
            .map(|text| (events::call(1, &text), events::result(1, &text)))
            .collect();
        let mut turn = frames.iter().cycle();
        criterion.bench_function(&format!("parse/result/{bytes}"), |b| {
            b.iter(|| json::parse(black_box(&turn.next().unwrap().1), &Limits::default()).is_ok());
        });
        let empty = Set::new(Vec::new(), Vec::new());
        for (name, set) in [("none", &empty), ("all", &set)] {
            let mut link = events::link();
            let bench = Bench {
                set,
                policy: &policy,
                histories: &histories,
                places: &places,
                now_ms: now_ms(),
                max_frame_bytes: 16 << 20,
            };
            criterion.bench_function(&format!("examine/call-and-result/{name}/{bytes}"), |b| {
                b.iter(|| {
                    let (call, result) = turn.next().unwrap();
                    examine(&bench, &mut link, End::Client, "a".into(), call);
                    examine(&bench, &mut link, End::Server, "b".into(), result)
                });
            });
        }
    }
}

fn audit(criterion: &mut Criterion) {
    let record = Record {
        v: 1,
        id: "abcdefgh".into(),
        at_ms: 1_700_000_000_000,
        what: "message".into(),
        link: "0123456789abcdef".into(),
        client: "bench".into(),
        server: "bench".into(),
        direction: "to-client".into(),
        kind: "tool-result".into(),
        method: "tools/call".into(),
        name: "echo".into(),
        digest: "5a".repeat(32),
        subject: serde_json::json!({ "texts": [texts::text(texts::CLEAN[0], 1000, 1)] }),
        ..Record::default()
    };
    let (disk, memory) = (std::env::temp_dir(), Path::new("/dev/shm").to_owned());
    for (name, parent) in [("temp-dir", disk), ("tmpfs", memory)] {
        if !parent.is_dir() {
            continue;
        }
        let home = tempfile::tempdir_in(parent).unwrap();
        let ledger = Ledger::open(&home.path().join("audit"), Arc::new(now_ms)).unwrap();
        criterion.bench_function(&format!("audit/append/{name}"), |b| {
            b.iter(|| ledger.append(&record, Durability::Group).unwrap());
        });
        ledger.finish().unwrap();
    }
}

criterion_group! {
    name = parts;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(900))
        .sample_size(20)
        .without_plots();
    targets = detection, around, audit
}
criterion_main!(parts);
