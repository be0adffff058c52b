//! Bytes that nobody with the right key signed are refused, whatever was done to them.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod kit;

use clawdefender_trust::*;
use kit::*;

#[test]
fn the_untouched_manifest_is_accepted() {
    let envelope = signed(&manifest());
    let verified = accept(&envelope).unwrap();
    assert_eq!(*verified, manifest());
    assert!(!verified.is_stale());
    assert_eq!(verified.proof().signers(), [feed_key().public().id()]);
    assert_eq!(verified.proof().key_change(), KeyChange::Steady);
    assert_eq!(verified.proof().root_after(), &root());
}

#[test]
fn every_flipped_bit_of_an_envelope_is_refused() {
    let envelope = signed(&manifest());
    for position in 0..envelope.len() {
        for bit in 0..8 {
            let mut broken = envelope.clone();
            broken[position] ^= 1 << bit;
            assert!(accept(&broken).is_err(), "byte {position}, bit {bit}");
        }
    }
}

#[test]
fn every_truncation_of_an_envelope_is_refused() {
    let envelope = signed(&manifest());
    for end in 0..envelope.len() {
        assert!(accept(&envelope[..end]).is_err(), "{end}");
    }
}

#[test]
fn bytes_around_the_envelope_are_refused() {
    let envelope = signed(&manifest());
    for (before, after) in [
        ("\u{feff}", ""),
        (" ", ""),
        ("", "\n"),
        ("", "{}"),
        ("", "\0"),
        ("[", "]"),
    ] {
        let wrapped = [before.as_bytes(), &envelope, after.as_bytes()].concat();
        assert!(matches!(
            accept(&wrapped),
            Err(Refusal::Syntax {
                part: "envelope",
                ..
            })
        ));
    }
}

#[test]
fn an_envelope_with_unknown_or_repeated_members_is_refused() {
    let text = String::from_utf8(signed(&manifest())).unwrap();
    for (from, to) in [
        ("{\"payloadType\"", "{\"alg\":\"none\",\"payloadType\""),
        ("{\"payloadType\"", "{\"payloadType\":\"x\",\"payloadType\""),
        ("\"signatures\":", "\"signatures\":[],\"signatures\":"),
        ("\"keyid\":", "\"cert\":\"x\",\"keyid\":"),
    ] {
        let other = text.replacen(from, to, 1);
        assert_ne!(other, text);
        assert!(
            matches!(accept(other.as_bytes()), Err(Refusal::Syntax { .. })),
            "{to}"
        );
    }
}

#[test]
fn a_stripped_signature_is_refused() {
    let none = seal_manifest(&manifest(), &[]).unwrap();
    assert_eq!(
        accept(&none).unwrap_err(),
        Refusal::BelowThreshold {
            expected: 1,
            found: 0
        }
    );
    let text = String::from_utf8(none).unwrap();
    for other in [
        text.replace("[]", "null"),
        text.replace(",\"signatures\":[]", ""),
    ] {
        assert!(matches!(
            accept(other.as_bytes()),
            Err(Refusal::Syntax { .. })
        ));
    }
}

#[test]
fn a_strangers_signature_is_refused_and_does_not_spoil_a_good_one() {
    let manifest = manifest();
    let stranger = seal_manifest(&manifest, &[&key(66)]).unwrap();
    assert!(matches!(
        accept(&stranger),
        Err(Refusal::BelowThreshold { found: 0, .. })
    ));
    let code = seal_manifest(&manifest, &[&code_key()]).unwrap();
    assert!(matches!(
        accept(&code),
        Err(Refusal::BelowThreshold { found: 0, .. })
    ));
    assert!(accept(&seal_manifest(&manifest, &[&key(66), &feed_key()]).unwrap()).is_ok());
}

#[test]
fn one_key_is_one_voice_however_often_it_signs() {
    let (a, b) = (key(11), key(12));
    let trusted = [a.public(), b.public()];
    let verify = |keys: &[&SecretKey], trusted: &[PublicKey]| {
        Envelope::parse(&seal(FEED_PAYLOAD_TYPE, b"{}".to_vec(), keys))
            .unwrap()
            .verify(FEED_PAYLOAD_TYPE, trusted, 2)
            .map(|signers| signers.len())
    };
    let below = Err(Refusal::BelowThreshold {
        expected: 2,
        found: 1,
    });
    assert_eq!(verify(&[&a, &a], &trusted), below);
    assert_eq!(verify(&[&a, &a], &[a.public(), a.public()]), below);
    assert_eq!(verify(&[&a, &b], &trusted), Ok(2));
}

#[test]
fn a_question_that_anything_would_answer_is_refused() {
    let envelope = Envelope::parse(&signed(&manifest())).unwrap();
    let empty = |missing| Err(Refusal::EmptyRoot { missing });
    assert_eq!(envelope.verify(FEED_PAYLOAD_TYPE, &[], 1), empty("keys"));
    assert_eq!(
        envelope.verify(FEED_PAYLOAD_TYPE, &[feed_key().public()], 0),
        empty("threshold")
    );

    let without_code = Root {
        code_keys: vec![],
        ..root()
    };
    let bytes = signed(&manifest());
    let refused = verify_manifest(&bytes, &without_code, &floor(), now(), Mode::Accept);
    assert_eq!(
        refused.unwrap_err(),
        Refusal::EmptyRoot {
            missing: "code keys"
        }
    );
}

#[test]
fn another_payload_type_is_refused_even_when_signed() {
    let payload = serde_json::to_vec(&manifest()).unwrap();
    let other = seal(DETECTOR_PAYLOAD_TYPE, payload, &[&feed_key()]);
    assert_eq!(
        accept(&other).unwrap_err(),
        Refusal::PayloadType {
            expected: FEED_PAYLOAD_TYPE
        }
    );
}

#[test]
fn floods_are_refused_before_anything_is_verified() {
    let key = feed_key();
    let many = seal_manifest(&manifest(), &[&key; MAX_SIGNATURES + 1]).unwrap();
    assert!(matches!(
        accept(&many),
        Err(Refusal::TooManySignatures { found: 17, .. })
    ));
    let long = vec![b'{'; MAX_ENVELOPE_BYTES + 1];
    assert!(matches!(accept(&long), Err(Refusal::TooLong { .. })));
}

#[test]
fn json_that_two_readers_could_read_differently_is_refused() {
    for (from, to) in [
        ("\"spec\":1", "\"spec\":1,\"spec\":1"),
        ("\"spec\":1", "\"spec\":1,\"extra\":0"),
        ("\"spec\":1", "\"spec\":1e0"),
        ("\"spec\":1", "\"spec\":-1"),
        ("\"type\":\"feed\"", "\"type\":\"other\""),
        ("\"kind\":\"detector\"", "\"kind\":\"policy\""),
        (
            "\"kind\":\"detector\"",
            "\"kind\":\"detector\",\"kind\":\"detector\"",
        ),
        ("\"name\":\"injection\"", "\"name\":\"../injection\""),
        (
            "\"issued\":\"2026-11-22T06:00:00Z\"",
            "\"issued\":\"2026-11-22T06:00:00+00:00\"",
        ),
        ("\"critical\":[],", ""),
        ("{\"type\"", "\u{feff}{\"type\""),
        ("{\"type\"", " {\"type\""),
    ] {
        let refused = edited(from, to).unwrap_err();
        assert!(
            matches!(
                refused,
                Refusal::Syntax {
                    part: "manifest",
                    ..
                }
            ),
            "{to}: {refused}"
        );
    }
    assert!(edited("\"spec\":1", "\"spec\":1").is_ok());
}

#[test]
fn a_refusal_never_repeats_what_the_sender_wrote() {
    let refused = edited("\"spec\":1", "\"spec\":1,\"\\u001b[31mPWNED\":0").unwrap_err();
    assert!(!refused.to_string().contains("PWNED"), "{refused}");
}
