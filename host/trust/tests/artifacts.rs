//! From a believed manifest to believed bytes: what it may contain, and what is admitted.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod kit;

use clawdefender_trust::*;
use kit::*;

#[test]
fn exactly_the_signed_bytes_are_admitted() {
    let verified = changed(|_| ()).unwrap();
    let entry = verified.artifacts[0].clone();
    let artifact = verified.admit(&entry, DETECTOR.to_vec()).unwrap();
    assert_eq!(&*artifact.bytes, DETECTOR);
    assert_eq!(artifact.limits, Limits::default());
    assert_eq!(artifact.feed_id, name("official"));

    let list = verified
        .admit(&verified.artifacts[1], LIST.to_vec())
        .unwrap();
    assert_eq!(list.detector, Some(name("injection")));
}

#[test]
fn an_artifact_one_byte_off_is_refused() {
    let verified = changed(|_| ()).unwrap();
    let entry = &verified.artifacts[0];
    for position in 0..DETECTOR.len() {
        let mut other = DETECTOR.to_vec();
        other[position] ^= 1;
        assert!(matches!(
            verified.admit(entry, other),
            Err(Refusal::Digest { .. })
        ));
    }
    let shorter = DETECTOR[1..].to_vec();
    assert!(matches!(
        verified.admit(entry, shorter),
        Err(Refusal::Length { .. })
    ));
    let longer = [DETECTOR, b"x"].concat();
    assert!(matches!(
        verified.admit(entry, longer),
        Err(Refusal::Length { .. })
    ));
}

#[test]
fn an_entry_that_the_manifest_does_not_contain_is_refused() {
    let verified = changed(|_| ()).unwrap();
    let foreign = detector(b"\0asm something else");
    assert!(matches!(
        verified.admit(&foreign, b"\0asm something else".to_vec()),
        Err(Refusal::NotInManifest { .. })
    ));
}

/// The manifest with its detector's endorsement replaced, and whether the detector is admitted.
fn endorsed_by(endorsement: String) -> Result<Verified<Artifact>, Refusal> {
    let verified = changed(|m| m.artifacts[0].endorsement = Some(endorsement))?;
    verified.admit(&verified.artifacts[0], DETECTOR.to_vec())
}

#[test]
fn a_thief_of_the_feed_key_cannot_ship_code() {
    let by = |key: &SecretKey| endorsed_by(endorse(&detector(DETECTOR), key).unwrap());
    assert!(by(&code_key()).is_ok());
    for thief in [feed_key(), next_key(), key(66)] {
        assert!(matches!(by(&thief), Err(Refusal::BelowThreshold { .. })));
    }
}

#[test]
fn an_endorsement_of_something_else_is_refused() {
    let honest = detector(DETECTOR);
    let others = [
        detector(b"\0asm an older build"),
        ArtifactEntry {
            name: name("kill-chain"),
            ..honest.clone()
        },
        ArtifactEntry {
            version: "2.3.0".parse().unwrap(),
            ..honest.clone()
        },
        ArtifactEntry {
            limits: Some(Limits::CAP),
            ..honest
        },
    ];
    for other in others {
        let refused = endorsed_by(endorse(&other, &code_key()).unwrap());
        assert!(
            matches!(refused, Err(Refusal::EndorsementMismatch { .. })),
            "{other:?}"
        );
    }
}

#[test]
fn a_manifest_does_not_pass_for_an_endorsement() {
    let payload = serde_json::to_vec(&manifest()).unwrap();
    let envelope = seal(FEED_PAYLOAD_TYPE, payload, &[&code_key()]);
    let refused = endorsed_by(data_encoding::BASE64.encode(&envelope));
    assert!(matches!(
        refused,
        Err(Refusal::PayloadType {
            expected: DETECTOR_PAYLOAD_TYPE
        })
    ));
    assert!(matches!(
        endorsed_by("%%%".into()),
        Err(Refusal::Field {
            field: "endorsement",
            ..
        })
    ));
    assert!(endorsed_by(String::new()).is_err());
}

#[test]
fn a_revoked_code_key_has_no_voice() {
    let verified = changed(|m| m.revoked.keys = vec![code_key().public()]).unwrap();
    let refused = verified.admit(&verified.artifacts[0], DETECTOR.to_vec());
    assert_eq!(refused.unwrap_err(), Refusal::Revoked { what: "key" });
}

#[test]
fn a_manifest_that_ships_what_it_revokes_is_refused() {
    let digest = changed(|m| m.revoked.digests = vec![Sha256Digest::of(LIST)]);
    assert_eq!(digest.unwrap_err(), Refusal::Revoked { what: "digest" });
    let below = |version: &str| {
        changed(|m| {
            m.revoked.detectors = vec![RevokedDetector {
                name: name("injection"),
                below: version.parse().unwrap(),
            }];
        })
    };
    assert_eq!(
        below("2.3.2").unwrap_err(),
        Refusal::Revoked { what: "detector" }
    );
    assert!(below("2.3.1").is_ok());
    let own = changed(|m| m.revoked.keys = vec![feed_key().public()]);
    assert_eq!(own.unwrap_err(), Refusal::Revoked { what: "key" });
}

#[test]
fn names_are_unique_per_kind() {
    let twice = changed(|m| m.artifacts.push(list(LIST)));
    assert!(matches!(
        twice,
        Err(Refusal::DuplicateName {
            kind: Kind::Blocklist,
            ..
        })
    ));
    let other_kind = changed(|m| {
        m.artifacts.push(ArtifactEntry {
            kind: Kind::Killchain,
            ..list(LIST)
        });
    });
    assert!(other_kind.is_ok());
}

#[test]
fn data_that_no_detector_of_the_feed_would_get_is_refused() {
    let elsewhere = changed(|m| m.artifacts[1].detector = Some(name("nobody")));
    assert!(matches!(elsewhere, Err(Refusal::NoReceiver { .. })));
    let alone = changed(|m| drop(m.artifacts.remove(0)));
    assert!(matches!(alone, Err(Refusal::NoReceiver { .. })));
}

#[test]
fn each_kind_has_its_own_fields() {
    let field = |change: fn(&mut Manifest)| match changed(change) {
        Err(Refusal::Field { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    assert_eq!(field(|m| m.artifacts[0].endorsement = None), "endorsement");
    assert_eq!(field(|m| m.artifacts[0].abi = None), "abi");
    assert_eq!(field(|m| m.artifacts[0].schema = Some(1)), "schema");
    assert_eq!(field(|m| m.artifacts[0].length = 0), "length");
    assert_eq!(field(|m| m.artifacts[1].detector = None), "detector");
    assert_eq!(
        field(|m| m.artifacts[1].limits = Some(Limits::default())),
        "limits"
    );
    assert_eq!(
        field(|m| m.artifacts[1].endorsement = Some(String::new())),
        "endorsement"
    );
}

#[test]
fn a_feed_over_its_budget_is_refused() {
    let over = |change: fn(&mut Manifest)| match changed(change) {
        Err(Refusal::OverBudget { what, .. }) => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        over(|m| m.artifacts[1].length = MAX_ARTIFACT_BYTES + 1),
        "artifact length"
    );
    let limits = |m: &mut Manifest, limits| m.artifacts[0].limits = Some(limits);
    assert_eq!(
        over(|m| m.artifacts[0].limits = Some(Limits {
            deadline_ms: 0,
            ..Limits::CAP
        })),
        "deadline_ms"
    );
    assert_eq!(
        over(|m| m.artifacts[0].limits = Some(Limits {
            memory_bytes: u64::MAX,
            ..Limits::CAP
        })),
        "memory_bytes"
    );
    assert!(changed(|m| limits(m, Limits::CAP)).is_ok());
    let numbered = |m: &mut Manifest, count: u32, length| {
        m.artifacts.truncate(1);
        m.artifacts.extend((0..count).map(|n| ArtifactEntry {
            name: name(&format!("n{n}")),
            length,
            ..list(LIST)
        }));
    };
    let total = changed(|m| numbered(m, 5, MAX_ARTIFACT_BYTES));
    assert!(matches!(
        total,
        Err(Refusal::OverBudget {
            what: "feed length",
            ..
        })
    ));
    let many = changed(|m| numbered(m, 257, 1));
    assert!(matches!(
        many,
        Err(Refusal::OverBudget {
            what: "number of artifacts",
            ..
        })
    ));
}

#[test]
fn a_detector_for_another_contract_is_left_out_unless_it_is_required() {
    let newer = Abi {
        major: ABI.major,
        minor: ABI.minor + 1,
    };
    let offer = |required| {
        changed(|m| {
            m.artifacts[0].abi = Some(newer);
            m.artifacts[0].required = required;
        })
    };
    assert!(matches!(offer(true), Err(Refusal::AbiMismatch { .. })));
    let verified = offer(false).unwrap();
    assert_eq!(verified.proof().skipped(), [name("injection")]);
    assert!(matches!(
        verified.admit(&verified.artifacts[0], DETECTOR.to_vec()),
        Err(Refusal::AbiMismatch { .. })
    ));
}

#[test]
fn a_third_party_publishes_under_its_own_name_only() {
    let (acme, successor) = (key(21), key(22));
    let feed = |artifact: &str, revoked: Option<&str>| {
        let mut m = manifest();
        m.feed_id = name("acme");
        m.next_public_key = successor.public();
        m.artifacts.truncate(1);
        m.artifacts[0].name = name(artifact);
        m.artifacts[0].endorsement = Some(endorse(&m.artifacts[0], &acme).unwrap());
        m.revoked.detectors = revoked
            .map(|r| RevokedDetector {
                name: name(r),
                below: "9.0.0".parse().unwrap(),
            })
            .into_iter()
            .collect();
        seal_manifest(&m, &[&acme]).unwrap()
    };
    let root = meet(&feed("acme", None), acme.public(), &name("official")).unwrap();
    let offer = |bytes: &[u8]| verify_manifest(bytes, &root, &floor(), now(), Mode::Accept);

    let verified = offer(&feed("acme.rules", None)).unwrap();
    assert!(
        verified
            .admit(&verified.artifacts[0], DETECTOR.to_vec())
            .is_ok()
    );
    for foreign in ["injection", "acmebank", "acm"] {
        assert!(
            matches!(offer(&feed(foreign, None)), Err(Refusal::OutOfScope { .. })),
            "{foreign}"
        );
    }
    assert!(matches!(
        offer(&feed("acme", Some("injection"))),
        Err(Refusal::OutOfScope { .. })
    ));
    assert!(matches!(
        accept(&feed("acme", None)),
        Err(Refusal::BelowThreshold { .. })
    ));
}

#[test]
fn nobody_is_met_under_the_official_name_or_by_another_key() {
    let official = name("official");
    let posing = signed(&manifest());
    let refused = meet(&posing, feed_key().public(), &official);
    assert!(matches!(refused, Err(Refusal::WrongFeed { .. })));
    let refused = meet(&posing, key(66).public(), &official);
    assert!(matches!(refused, Err(Refusal::BelowThreshold { .. })));
}

#[test]
fn a_catalog_is_for_no_detector_and_comes_from_no_third_party() {
    let catalog = |detector: Option<Name>| {
        changed(|manifest| {
            let entry = &mut manifest.artifacts[1];
            entry.kind = Kind::Catalog;
            entry.detector = detector;
        })
    };
    assert!(catalog(None).is_ok());
    assert!(matches!(
        catalog(Some(name("injection"))),
        Err(Refusal::Field {
            field: "detector",
            ..
        })
    ));

    let mut guest = manifest();
    guest.feed_id = name("acme");
    let met = meet(
        &seal_manifest(&guest, &[&feed_key()]).unwrap(),
        feed_key().public(),
        &name("official"),
    );
    assert!(!met.unwrap().scope.covers(Kind::Catalog, &name("acme")));
}

#[test]
fn what_was_revoked_once_stays_revoked() {
    let revoked = |change: &dyn Fn(&mut Revoked)| {
        let seen = changed(|m| {
            m.artifacts.clear();
            change(&mut m.revoked);
        });
        let floor = seen.unwrap().proof().floor_after().clone();
        // A thief of the feed key leaves the list away and ships what was on it.
        let again = Manifest {
            version: manifest().version + 1,
            ..manifest()
        };
        let again = verify_manifest(&signed(&again), &root(), &floor, now(), Mode::Accept)?;
        again
            .admit(&again.artifacts[0], DETECTOR.to_vec())
            .map(drop)
    };
    assert_eq!(revoked(&|_| ()), Ok(()));
    let digest = revoked(&|r| r.digests = vec![Sha256Digest::of(LIST)]);
    assert_eq!(digest, Err(Refusal::Revoked { what: "digest" }));
    let below = |version: &str| RevokedDetector {
        name: name("injection"),
        below: version.parse().unwrap(),
    };
    let old = revoked(&|r| r.detectors = vec![below("9.0.0"), below("1.0.0")]);
    assert_eq!(old, Err(Refusal::Revoked { what: "detector" }));
    let key = revoked(&|r| r.keys = vec![code_key().public()]);
    assert_eq!(key, Err(Refusal::Revoked { what: "key" }));
    // The word of the next key, which knows no better, brings no code back either.
    let seen = changed(|m| {
        m.revoked.detectors = vec![below("2.3.1")];
        m.revoked.keys = vec![code_key().public(), key_of_nobody()];
        m.revoked.digests = vec![Sha256Digest::of(b"gone")];
    });
    let floor = seen.unwrap().proof().floor_after().clone();
    let bytes = seal_manifest(&rotation(), &[&next_key()]).unwrap();
    let rotated = verify_manifest(&bytes, &root(), &floor, now(), Mode::Accept).unwrap();
    let kept = rotated.proof().floor_after().revoked.clone();
    assert_eq!(kept.keys, [code_key().public()]);
    assert_eq!(kept.detectors, [below("2.3.1")]);
    assert!(kept.digests.is_empty());
    let refused = rotated.admit(&rotated.artifacts[0], DETECTOR.to_vec());
    assert_eq!(refused.unwrap_err(), Refusal::Revoked { what: "key" });
}

fn key_of_nobody() -> PublicKey {
    key(77).public()
}

#[test]
fn a_key_epoch_that_nothing_could_follow_is_refused() {
    let mut guest = manifest();
    guest.feed_id = name("acme");
    guest.key_epoch = u64::MAX;
    let met = |guest: &Manifest| {
        meet(
            &seal_manifest(guest, &[&feed_key()]).unwrap(),
            feed_key().public(),
            &name("official"),
        )
    };
    assert!(matches!(
        met(&guest),
        Err(Refusal::OverBudget {
            what: "key epoch",
            ..
        })
    ));
    guest.key_epoch = MAX_EPOCH;
    assert!(met(&guest).is_ok());
}

#[test]
fn a_file_does_not_widen_what_a_third_party_may_publish() {
    let wide = Root {
        max_lifetime_days: u32::MAX,
        ..root()
    };
    let guest = wide.of_guest(name("acme"));
    assert!(!guest.scope.covers(Kind::Detector, &name("injection")));
    assert!(guest.scope.covers(Kind::Detector, &name("acme.rules")));
    assert_eq!(
        (guest.feed_id, guest.max_lifetime_days),
        (name("acme"), 400)
    );
}
