//! Any bytes as a manifest under a good signature: what a thief of the feed key could make a client
//! read. He names no successor and ships no detector.

#![no_main]

use clawdefender_trust::{
    FEED_PAYLOAD_TYPE, Floor, Kind, Mode, Root, Scope, SecretKey, Timestamp, seal, verify_manifest,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|payload: &[u8]| {
    let key = |seed: u8| SecretKey::from_bytes(&[seed; 32]);
    let (Ok(feed_id), Ok(channel), Ok(now)) =
        ("official".parse(), "stable".parse(), "2026-11-23T00:00:00Z".parse())
    else {
        return;
    };
    let root = Root {
        feed_id,
        channel,
        epoch: 3,
        current: key(1).public(),
        next: key(2).public(),
        retired: vec![key(9).public()],
        code_keys: vec![key(3).public()],
        scope: Scope::Everything,
        max_lifetime_days: 30,
    };
    let sealed = seal(FEED_PAYLOAD_TYPE, payload.to_vec(), &[&key(1)]);
    let floor = Floor::bottom(Timestamp::EPOCH);
    if let Ok(manifest) = verify_manifest(&sealed, &root, &floor, now, Mode::Accept) {
        assert_eq!(manifest.next_public_key, root.next);
        for entry in manifest.artifacts.clone() {
            let admitted = manifest.admit(&entry, payload.to_vec());
            assert!(entry.kind != Kind::Detector || admitted.is_err());
        }
    }
});
