//! What must hold of any bytes whatever. Said once: the fuzz targets feed it what a fuzzer finds, and
//! `mutations.rs` what a generator makes, the same each time.

use std::collections::BTreeMap;

use super::*;

/// Any bytes as an envelope: parsed or refused, and never believed, since nobody signed them.
pub fn envelope(bytes: &[u8]) {
    let Ok(envelope) = Envelope::parse(bytes) else {
        return;
    };
    let keys = [feed_key().public()];
    for payload_type in [FEED_PAYLOAD_TYPE, DETECTOR_PAYLOAD_TYPE] {
        assert!(envelope.verify(payload_type, &keys, 1).is_err());
    }
}

/// Any bytes as a manifest under a good signature: what a thief of the feed key could make a client
/// read. He names no successor and ships no detector. Whether it was accepted.
pub fn manifest_of_a_thief(payload: &[u8]) -> bool {
    let sealed = seal(FEED_PAYLOAD_TYPE, payload.to_vec(), &[&feed_key()]);
    let Ok(manifest) = verify_manifest(&sealed, &root(), &floor(), now(), Mode::Accept) else {
        return false;
    };
    assert_eq!(manifest.next_public_key, root().next);
    for entry in manifest.artifacts.clone() {
        let admitted = manifest.admit(&entry, payload.to_vec());
        assert!(entry.kind != Kind::Detector || admitted.is_err());
    }
    true
}

/// Any bytes as a link of the key chain, by the first of them under the signature of the next key, of
/// the current key, or as they are: a client moves one epoch on, to the pinned key, or not at all.
/// Whether it moved.
pub fn link(bytes: &[u8]) -> bool {
    let Some((choice, bytes)) = bytes.split_first() else {
        return false;
    };
    let signed_by = |key: SecretKey| seal(FEED_PAYLOAD_TYPE, bytes.to_vec(), &[&key]);
    let link = match choice % 3 {
        0 => bytes.to_vec(),
        1 => signed_by(feed_key()),
        _ => signed_by(next_key()),
    };
    let Ok((after, _)) = follow_rotation(&link, &root()) else {
        return false;
    };
    assert_eq!(choice % 3, 2, "only the next key moves the chain on");
    assert_eq!(after.epoch, root().epoch + 1);
    assert_eq!(after.current, root().next);
    assert!(after.retired.contains(&root().current));
    true
}

/// Any bytes as a pack: refused, or the one encoding of what is read from it. Whether it was read.
pub fn pack(bytes: &[u8]) -> bool {
    let Ok(pack) = Pack::parse(bytes) else {
        return false;
    };
    let rotations: BTreeMap<u64, Vec<u8>> = pack
        .rotations()
        .iter()
        .map(|(epoch, link)| (*epoch, link.to_vec()))
        .collect();
    let again = write_pack(pack.envelope(), &rotations, pack.blobs().map(|(_, b)| b));
    let honest = pack.blobs().all(|(filed, b)| *filed == Sha256Digest::of(b));
    assert_eq!(honest, again == bytes);
    true
}
