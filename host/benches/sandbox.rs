//! What the sandbox costs: each shipped detector as a component and compiled into this bench, on
//! the same events and with the same data, in turns.
//!
//! The component's time includes taking an instance, lending it the event, and checking what it
//! said. Prints the middle of each and their ratio; both must say the same about every event.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a bench stops at the first thing that is not as it should be"
)]

#[path = "subject/detectors.rs"]
mod detectors;
#[path = "subject/events.rs"]
mod events;
#[path = "../../plugins/supply-chain/benches/shard/made.rs"]
#[allow(dead_code, reason = "the other bench looks names up")]
mod made;
#[path = "subject/texts.rs"]
#[allow(dead_code, reason = "each bench reads some of it")]
mod texts;

use clawdefender::event as host;
use clawdefender::plugin::{CodeCache, Detector, NoHistory, Own, Package, Set};
use clawdefender_sdk as sdk;
use std::hint::black_box;
use std::time::Instant;

const TEXTS: u64 = 16;
const ROUNDS: usize = 40;

type Native = Box<dyn Fn(&sdk::Event) -> sdk::Report>;

fn main() {
    let packages = detectors::packages();
    million();
    let loaded = detectors::load(&packages);
    println!(
        "{:14} {:8} {:>7} | {:>10} {:>10} {:>6}   (µs per event, middle of {ROUNDS} rounds)",
        "detector", "text", "bytes", "native", "sandboxed", "ratio"
    );
    for (package, detector) in packages.iter().zip(loaded) {
        let native = native(package);
        let name = detector.id().to_owned();
        let set = Set::new(vec![detector], Vec::new());
        for bytes in [1 << 10, 10 << 10, 100 << 10] {
            let stuffed = (bytes == 1 << 10).then_some(texts::STUFFED);
            for kind in texts::CLEAN.into_iter().chain(stuffed) {
                let pairs: Vec<_> = (0..TEXTS)
                    .map(|seed| events::of_result(&texts::text(kind, bytes, seed)))
                    .map(|event| (guest_event(&event), event))
                    .collect();
                let (mut alone, mut boxed) = (Vec::new(), Vec::new());
                for _ in 0..ROUNDS {
                    let began = Instant::now();
                    for (event, _) in &pairs {
                        black_box(native(black_box(event)));
                    }
                    alone.push(began.elapsed().as_secs_f64() * 1e6 / pairs.len() as f64);
                    let began = Instant::now();
                    for (_, event) in &pairs {
                        black_box(set.inspect(black_box(event), &NoHistory));
                    }
                    boxed.push(began.elapsed().as_secs_f64() * 1e6 / pairs.len() as f64);
                }
                for (guest, host) in &pairs {
                    let (own, theirs) = (native(guest), set.inspect(host, &NoHistory));
                    assert!(theirs.faults.is_empty(), "{:?}", theirs.faults);
                    let own: Vec<_> = own.findings.iter().map(|one| &*one.rule).collect();
                    let theirs: Vec<_> = theirs.findings.iter().map(|one| &*one.rule).collect();
                    assert_eq!(own, theirs, "{name} says two things");
                }
                let (alone, boxed) = (middle(&mut alone), middle(&mut boxed));
                println!(
                    "{name:14} {:8} {bytes:7} | {alone:10.1} {boxed:10.1} {:6.2}",
                    kind.0,
                    boxed / alone
                );
            }
        }
    }
}

/// How long it takes until a detector with a blocklist of a million packages is there, beside the same
/// one without: the bytes are lent, checked and believed in the sandbox.
fn million() {
    let package = || {
        let mut packages = detectors::packages().into_iter();
        packages.find(|package| package.component.name.as_str() == "supply-chain")
    };
    let (plain, mut large) = (package().unwrap(), package().unwrap());
    large.own.push(Own {
        kind: "blocklist".into(),
        name: "million".into(),
        version: "1".into(),
        bytes: supply_chain::shard::compile(&made::artifact(1_000_000))
            .unwrap()
            .into(),
    });
    let home = tempfile::tempdir().unwrap();
    let cache = CodeCache::open(home.path()).unwrap();
    let load = |package: &Package| {
        let began = Instant::now();
        black_box(Detector::load(package, &cache, 1).unwrap());
        began.elapsed().as_secs_f64() * 1e3
    };
    // What is compiled once.
    load(&plain);
    let (mut without, mut with): (Vec<f64>, Vec<f64>) =
        (0..ROUNDS).map(|_| (load(&plain), load(&large))).unzip();
    println!(
        "supply-chain there after {:.1} ms, with a million packages more after {:.1} ms",
        middle(&mut without),
        middle(&mut with)
    );
}

fn middle(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap()
}

fn native(package: &Package) -> Native {
    fn of<D: sdk::Detector + 'static>(package: &Package) -> Native {
        let data: Vec<sdk::Blob> = package
            .data
            .iter()
            .map(|blob| sdk::Blob {
                kind: blob.kind.to_string(),
                name: blob.name.to_string(),
                version: blob.version.to_string(),
                bytes: blob.bytes.to_vec(),
            })
            .collect();
        let detector = D::configure(&package.settings, &data).unwrap();
        Box::new(move |event| detector.inspect(event, &[]))
    }
    match package.component.name.as_str() {
        "injection" => of::<injection::Injection>(package),
        "supply-chain" => of::<supply_chain::SupplyChain>(package),
        "kill-chain" => of::<kill_chain::KillChain>(package),
        other => panic!("a shipped detector that this bench does not know: {other}"),
    }
}

/// The event as a detector's own side has it.
fn guest_event(event: &host::Event) -> sdk::Event {
    sdk::Event {
        id: event.id.clone(),
        at_ms: event.at_ms,
        kind: match event.kind {
            host::Kind::ToolResult => sdk::Kind::ToolResult,
            ref other => panic!("this bench only makes tool results, not {other:?}"),
        },
        direction: sdk::Direction::ToClient,
        link: event.link.clone(),
        client: event.client.clone(),
        server: sdk::Server {
            name: event.server.name.clone(),
            package: String::new(),
            attrs: Vec::new(),
        },
        method: event.method.clone(),
        name: event.name.clone(),
        texts: event
            .texts
            .iter()
            .map(|text| sdk::Text {
                pointer: text.pointer.clone(),
                role: match &text.role {
                    host::Role::Content => sdk::Role::Content,
                    host::Role::Argument => sdk::Role::Argument,
                    host::Role::Name => sdk::Role::Name,
                    host::Role::Description => sdk::Role::Description,
                    host::Role::Schema => sdk::Role::Schema,
                    host::Role::Key => sdk::Role::Key,
                    host::Role::Uri => sdk::Role::Uri,
                    host::Role::Error => sdk::Role::Error,
                    host::Role::Token => sdk::Role::Token,
                    other => sdk::Role::Other(format!("{other:?}")),
                },
                original: text.original.clone(),
                canonical: text.canonical.as_ref().map(|view| view.text.clone()),
                attrs: Vec::new(),
            })
            .collect(),
        assets: event
            .assets
            .iter()
            .map(|asset| sdk::Asset {
                kind: match &asset.kind {
                    host::AssetKind::Path => sdk::AssetKind::Path,
                    host::AssetKind::Host => sdk::AssetKind::Host,
                    host::AssetKind::Url => sdk::AssetKind::Url,
                    host::AssetKind::Command => sdk::AssetKind::Command,
                    host::AssetKind::Package => sdk::AssetKind::Package,
                    host::AssetKind::Account => sdk::AssetKind::Account,
                    other => sdk::AssetKind::Other(format!("{other:?}")),
                },
                value: asset.value.clone(),
                text: asset.text.and_then(|index| u32::try_from(index).ok()),
                attrs: Vec::new(),
            })
            .collect(),
        launch: None,
        attrs: event.attrs.clone(),
    }
}
