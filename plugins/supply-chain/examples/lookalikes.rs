//! Prints which of the packages on standard input, `ecosystem:name` on each line, the shipped
//! lists would hold for imitations, and how many that is. Measures; nothing is judged here.
#![expect(clippy::unwrap_used, reason = "a measurement that can't be made ends")]

#[path = "../tests/shipped/mod.rs"]
mod shipped;

use std::io::BufRead;

use clawdefender_sdk::testing::EventBuilder;
use clawdefender_sdk::{AssetKind, Detector, Kind};
use supply_chain::SupplyChain;

fn main() {
    let detector = SupplyChain::configure(&[], &shipped::blobs()).unwrap();
    let (mut all, mut held) = (0, 0);
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let event = EventBuilder::new(Kind::GuardCheck).asset(AssetKind::Package, &line);
        let report = detector.inspect(&event.build(), &[]);
        let mut rules = report.findings.iter().map(|finding| finding.rule.as_str());
        all += 1;
        if rules.any(|rule| rule == "supply-chain.lookalike") {
            held += 1;
            println!("{line}");
        }
    }
    eprintln!("{held} of {all}");
}
