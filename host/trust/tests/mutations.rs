//! What a fuzzer would try, in a few seconds and the same each time: envelopes, manifests, packs and
//! chains of rotations, changed a little at a time. Nothing may panic, and nothing changed may be
//! believed. Most of what must hold is in `kit/hold.rs`, which the fuzz targets check as well.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod kit;

use std::collections::BTreeMap;

use clawdefender_trust::*;
use kit::*;

/// xorshift64*: small, good enough to choose bytes, the same on every machine.
/// Source: Vigna, "An experimental exploration of Marsaglia's xorshift generators" (2016).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

/// Pieces that mean something to a reader of JSON, base64 or numbers.
const PIECES: [&[u8]; 12] = [
    b"\"",
    b"{",
    b"}",
    b"[]",
    b"null",
    b"18446744073709551616",
    b"-1",
    b"1e3",
    b"\\u0000",
    b"\xEF\xBB\xBF",
    b"=",
    b",\"version\":1",
];

/// One to three changes: a byte, a piece put in, a part cut out or doubled.
fn change(bytes: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    for _ in 0..=chance.below(3) {
        let at = chance.below(changed.len());
        match chance.below(5) {
            0 if !changed.is_empty() => changed[at] ^= 1 << chance.below(8),
            1 if !changed.is_empty() => changed[at] = chance.next() as u8,
            2 => {
                let piece = PIECES[chance.below(PIECES.len())];
                changed.splice(at..at, piece.iter().copied());
            }
            3 => {
                let end = (at + chance.below(40)).min(changed.len());
                changed.drain(at..end);
            }
            _ => {
                let end = (at + chance.below(40)).min(changed.len());
                let part = changed[at..end].to_vec();
                changed.splice(at..at, part);
            }
        }
    }
    changed
}

#[test]
fn no_changed_envelope_is_believed() {
    let good = seal_manifest(&manifest(), &[&feed_key()]).unwrap();
    let believed = |bytes: &[u8]| verify_manifest(bytes, &root(), &floor(), now(), Mode::Accept);
    let truth = believed(&good).unwrap();
    let unsigned = seal_manifest(&manifest(), &[&key(66)]).unwrap();
    let mut chance = Chance(1);
    for _ in 0..5_000 {
        let changed = change(&good, &mut chance);
        hold::envelope(&change(&unsigned, &mut chance));
        // A change may leave the meaning alone, such as spaces between members; then the signed
        // bytes are the same, and nothing else may be.
        if let Ok(manifest) = believed(&changed) {
            assert_eq!(manifest.proof().digest(), truth.proof().digest());
        }
    }
}

#[test]
fn no_changed_manifest_breaks_the_verifier_even_when_it_is_signed() {
    let good = serde_json::to_vec(&manifest()).unwrap();
    let mut chance = Chance(2);
    let changes = (0..4_000).map(|_| change(&good, &mut chance));
    let accepted = changes.filter(|payload| hold::manifest_of_a_thief(payload));
    assert!(
        accepted.count() > 0,
        "some changes are harmless, or the test tries nothing"
    );
}

#[test]
fn no_changed_link_moves_anybody_but_to_the_pinned_key() {
    let good = serde_json::to_vec(&rotation()).unwrap();
    let mut chance = Chance(5);
    let mut moved = 0;
    for choice in (0..3).cycle().take(3_000) {
        let link = [&[choice][..], &change(&good, &mut chance)].concat();
        moved += usize::from(hold::link(&link));
    }
    assert!(moved > 0, "some changes are harmless");
}

#[test]
fn no_changed_pack_is_a_second_encoding() {
    let links = BTreeMap::from([(4, signed(&rotation())), (5, b"another".to_vec())]);
    let mut chance = Chance(6);
    let mut read = 0;
    for links in [BTreeMap::new(), links] {
        let good = write_pack(&signed(&manifest()), &links, [DETECTOR, LIST]);
        assert!(hold::pack(&good));
        let changes = (0..4_000).map(|_| change(&good, &mut chance));
        read += changes.filter(|pack| hold::pack(pack)).count();
    }
    assert!(read > 0, "some changes are inside of a part");
}

#[test]
fn no_changed_link_leads_to_another_key() {
    let link = seal_manifest(&rotation(), &[&next_key(), &feed_key()]).unwrap();
    let (after, _) = follow_rotation(&link, &root()).unwrap();
    let mut chance = Chance(3);
    for _ in 0..5_000 {
        // A changed key id makes a stranger of the old key, and the rotation an emergency; whom it
        // leads to stays the same.
        if let Ok((other, _)) = follow_rotation(&change(&link, &mut chance), &root()) {
            assert_eq!(other, after);
        }
    }
}

#[test]
fn links_in_any_order_lead_nowhere_but_along_the_chain() {
    let keys: Vec<SecretKey> = (20..30).map(key).collect();
    let start = Root {
        epoch: 1,
        current: keys[0].public(),
        next: keys[1].public(),
        retired: Vec::new(),
        ..root()
    };
    let links: Vec<Vec<u8>> = (2..9)
        .map(|epoch: usize| {
            let link = Manifest {
                key_epoch: epoch as u64,
                next_public_key: keys[epoch].public(),
                ..manifest()
            };
            seal_manifest(&link, &[&keys[epoch - 1]]).unwrap()
        })
        .collect();
    let mut chance = Chance(4);
    for _ in 0..200 {
        let mut here = start.clone();
        for _ in 0..30 {
            let link = &links[chance.below(links.len())];
            if let Ok((after, _)) = follow_rotation(link, &here) {
                assert_eq!(after.epoch, here.epoch + 1);
                assert_eq!(after.current, here.next);
                assert_eq!(after.retired.len(), here.retired.len() + 1);
                here = after;
            }
        }
        let epoch = here.epoch as usize;
        assert_eq!(here.current, keys[epoch - 1].public());
        assert_eq!(here.next, keys[epoch].public());
    }
}
