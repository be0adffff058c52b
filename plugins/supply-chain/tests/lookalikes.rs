//! Fixed lists of names: honest ones beside well-known ones must say nothing, imitations must be
//! found. Which names those are, and why, stands at the head of each list.
#![expect(clippy::unwrap_used, reason = "a failing test panics")]

mod shipped;

use std::collections::BTreeMap;

use clawdefender_sdk::testing::EventBuilder;
use clawdefender_sdk::{AssetKind, Detector, Kind};
use supply_chain::SupplyChain;

const HONEST: &str = include_str!("names/honest.txt");
const IMITATIONS: &str = include_str!("names/imitations.txt");

/// Whether a package named outright is held for an imitation; or is known to be one already.
fn is_held(detector: &SupplyChain, package: &str) -> bool {
    let event = EventBuilder::new(Kind::GuardCheck).asset(AssetKind::Package, package);
    let found = detector.inspect(&event.build(), &[]).findings;
    let mut rules = found.iter().map(|finding| finding.rule.as_str());
    rules.any(|rule| matches!(rule, "supply-chain.lookalike" | "supply-chain.malicious"))
}

fn detector() -> SupplyChain {
    SupplyChain::configure(&[], &shipped::blobs()).unwrap()
}

fn lines(list: &str) -> impl Iterator<Item = &str> {
    list.lines().filter(|line| !line.starts_with('#'))
}

/// `\u043e` as the letter that it stands for: a list that nobody can misread.
fn letters(name: &str) -> String {
    let mut parts = name.split("\\u");
    let mut text = parts.next().unwrap().to_owned();
    for part in parts {
        let (code, rest) = part.split_at(4);
        text.push(char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap());
        text.push_str(rest);
    }
    text
}

#[test]
fn honest_neighbours_of_well_known_names_say_nothing() {
    let detector = detector();
    let names: Vec<&str> = lines(HONEST).collect();
    assert!(names.len() >= 400, "{}", names.len());
    let held = |name: &&&str| is_held(&detector, name);
    let held: Vec<_> = names.iter().filter(held).collect();
    assert!(
        held.is_empty(),
        "{} of {}: {held:#?}",
        held.len(),
        names.len()
    );
}

#[test]
fn imitations_are_found_in_every_way_of_making_them() {
    let detector = detector();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for line in lines(IMITATIONS) {
        let (kind, name) = line.split_once(' ').unwrap();
        let found = is_held(&detector, &letters(name));
        *counts.entry(kind).or_default() += 1;
        if found == (kind == "missed") {
            wrong.push(line);
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {counts:?}: {wrong:#?}",
        wrong.len()
    );
    for kind in ["typo", "separator", "scope", "combosquat", "homoglyph"] {
        assert!(counts.get(kind) >= Some(&12), "{kind}: {counts:?}");
    }
}
