//! Any bytes as a link of the key chain, under the signature of the next key, of the current key, or
//! as they are: a client moves one epoch on, to the pinned key, or not at all.

#![no_main]

use clawdefender_trust::{FEED_PAYLOAD_TYPE, Root, Scope, SecretKey, follow_rotation, seal};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let key = |seed: u8| SecretKey::from_bytes(&[seed; 32]);
    let (Ok(feed_id), Ok(channel)) = ("official".parse(), "stable".parse()) else {
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
    let Some((choice, bytes)) = bytes.split_first() else {
        return;
    };
    let signed_by = |seed: u8| seal(FEED_PAYLOAD_TYPE, bytes.to_vec(), &[&key(seed)]);
    let link = match choice % 3 {
        0 => bytes.to_vec(),
        1 => signed_by(1),
        _ => signed_by(2),
    };
    if let Ok((after, _)) = follow_rotation(&link, &root) {
        assert_eq!(choice % 3, 2, "only the next key moves the chain on");
        assert_eq!(after.epoch, root.epoch + 1);
        assert_eq!(after.current, root.next);
        assert!(after.retired.contains(&root.current));
    }
});
