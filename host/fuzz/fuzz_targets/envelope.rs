//! Any bytes as an envelope: parsed or refused, and never believed, since nobody signed them.

#![no_main]

use clawdefender_trust::{DETECTOR_PAYLOAD_TYPE, Envelope, FEED_PAYLOAD_TYPE, SecretKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(envelope) = Envelope::parse(bytes) else {
        return;
    };
    let keys = [SecretKey::from_bytes(&[1; 32]).public()];
    for payload_type in [FEED_PAYLOAD_TYPE, DETECTOR_PAYLOAD_TYPE] {
        assert!(envelope.verify(payload_type, &keys, 1).is_err());
    }
});
