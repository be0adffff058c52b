//! What the holder of each key can and can't do to the chain of keys.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod kit;

use clawdefender_trust::*;
use kit::*;

fn offer(manifest: &Manifest, keys: &[&SecretKey]) -> Result<Verified<Manifest>, Refusal> {
    accept(&seal_manifest(manifest, keys).unwrap())
}

#[test]
fn a_thief_of_the_current_key_cannot_name_a_successor() {
    let hijack = Manifest {
        next_public_key: key(66).public(),
        ..manifest()
    };
    assert_eq!(
        offer(&hijack, &[&feed_key()]).unwrap_err(),
        Refusal::RotationHijack {
            expected: next_key().public().id(),
            found: key(66).public().id()
        }
    );
    let rotate = Manifest {
        next_public_key: key(66).public(),
        ..rotation()
    };
    assert!(matches!(
        offer(&rotate, &[&feed_key()]),
        Err(Refusal::WrongKey { epoch: 4, .. })
    ));
}

#[test]
fn the_pinned_next_key_takes_over_and_the_old_key_is_dead() {
    let verified = offer(&rotation(), &[&next_key(), &feed_key()]).unwrap();
    assert_eq!(verified.proof().key_change(), KeyChange::Rotated);
    let after = verified.proof().root_after();
    assert_eq!(
        (after.epoch, after.current, after.next),
        (4, next_key().public(), fresh_key().public())
    );
    assert!(after.retired.contains(&feed_key().public()));

    let floor = verified.proof().floor_after();
    let ask = |m: &Manifest, k: &SecretKey| {
        let bytes = seal_manifest(m, &[k]).unwrap();
        verify_manifest(&bytes, after, floor, now(), Mode::Accept).map(|_| ())
    };
    assert!(matches!(
        ask(&manifest(), &feed_key()),
        Err(Refusal::BelowThreshold { .. })
    ));
    let second = Manifest {
        version: 2,
        ..rotation()
    };
    assert!(matches!(
        ask(&second, &feed_key()),
        Err(Refusal::BelowThreshold { .. })
    ));
    assert_eq!(ask(&second, &next_key()), Ok(()));
}

#[test]
fn a_rotation_without_the_old_key_is_accepted_and_flagged() {
    let verified = offer(&rotation(), &[&next_key()]).unwrap();
    assert_eq!(verified.proof().key_change(), KeyChange::Emergency);
}

#[test]
fn the_next_key_does_not_sign_before_its_time() {
    assert!(matches!(
        offer(&manifest(), &[&next_key()]),
        Err(Refusal::WrongKey { epoch: 3, .. })
    ));
}

#[test]
fn epochs_are_walked_one_by_one_and_never_back() {
    let skip = Manifest {
        key_epoch: 5,
        ..rotation()
    };
    assert_eq!(
        offer(&skip, &[&next_key()]).unwrap_err(),
        Refusal::EpochSkip {
            expected: 4,
            found: 5
        }
    );
    let back = Manifest {
        key_epoch: 2,
        ..manifest()
    };
    assert!(matches!(
        offer(&back, &[&feed_key()]),
        Err(Refusal::EpochBack { .. })
    ));
    let at = |epoch| {
        let last = Root { epoch, ..root() };
        let over = Manifest {
            key_epoch: epoch,
            ..manifest()
        };
        verify_manifest(&signed(&over), &last, &floor(), now(), Mode::Accept)
    };
    assert!(at(MAX_EPOCH).is_ok());
    assert!(matches!(at(u64::MAX), Err(Refusal::OverBudget { .. })));
}

#[test]
fn a_successor_must_never_have_had_an_office() {
    for used in [key(1), key(2), key(3), key(9)] {
        let again = Manifest {
            next_public_key: used.public(),
            ..rotation()
        };
        assert_eq!(
            offer(&again, &[&next_key()]).unwrap_err(),
            Refusal::KeyNotFresh {
                found: used.public().id()
            }
        );
    }
}

#[test]
fn a_fast_forward_dies_with_its_key() {
    let mut high = manifest();
    high.version += 86_400;
    let seen = accept(&signed(&high))
        .unwrap()
        .proof()
        .floor_after()
        .clone();
    let bytes = seal_manifest(&rotation(), &[&next_key()]).unwrap();
    let verified = verify_manifest(&bytes, &root(), &seen, now(), Mode::Accept).unwrap();
    assert_eq!(verified.proof().floor_after().version, 1);
}

/// What a thief of the current key can leave behind: a clock that is weeks ahead, versions that
/// nothing follows, names and revocations that were never there.
fn after_a_thief() -> Floor {
    let mut floor = accept(&signed(&manifest()))
        .unwrap()
        .proof()
        .floor_after()
        .clone();
    for day in 1..=40u8 {
        let mut theft = manifest();
        // Each is a day ahead of the one before, as far as one may be.
        theft.issued = floor.time.plus_seconds(MAX_FUTURE_SECONDS);
        theft.expires = theft.issued.plus_days(30);
        theft.version = theft.issued.unix() as u64;
        theft.artifacts[1].version = "999999999".parse().unwrap();
        theft.artifacts.push(ArtifactEntry {
            kind: Kind::Signatures,
            name: name(&format!("zz{day}")),
            entries: Some(1_000_000),
            ..list(LIST)
        });
        // Left out here, and so without any code key's word.
        theft.artifacts.push(ArtifactEntry {
            name: name("later"),
            version: "999.0.0".parse().unwrap(),
            abi: Some(Abi {
                major: ABI.major + 1,
                minor: 0,
            }),
            required: false,
            ..detector(DETECTOR)
        });
        theft.revoked.digests = vec![Sha256Digest::of(&[day])];
        theft.revoked.detectors = vec![RevokedDetector {
            name: name("later"),
            below: "999.0.0".parse().unwrap(),
        }];
        let bytes = signed(&theft);
        let taken = verify_manifest(&bytes, &root(), &floor, now(), Mode::Accept);
        // He may revoke what he does not ship.
        let taken = taken.or_else(|refusal| {
            assert!(matches!(refusal, Refusal::Revoked { .. }), "{refusal}");
            theft.artifacts.pop();
            verify_manifest(&signed(&theft), &root(), &floor, now(), Mode::Accept)
        });
        floor = taken.unwrap().proof().floor_after().clone();
    }
    assert!(floor.time > now().plus_days(35));
    floor
}

#[test]
fn what_a_thief_did_ends_with_his_key() {
    let floor = after_a_thief();
    // The owner's feed, with the list that the thief revoked and a detector of the name he barred.
    let mut genuine = rotation();
    genuine.artifacts.push(ArtifactEntry {
        kind: Kind::Signatures,
        name: name("words"),
        sha256: Sha256Digest::of(&[7]),
        length: 1,
        ..list(LIST)
    });
    let mut later = detector(DETECTOR);
    later.name = name("later");
    later.version = "1.0.0".parse().unwrap();
    later.endorsement = Some(endorse(&later, &code_key()).unwrap());
    genuine.artifacts.push(later);
    let steady = Manifest {
        key_epoch: 3,
        version: floor.version + 1,
        next_public_key: next_key().public(),
        ..genuine.clone()
    };
    let under = |root: &Root, m: &Manifest, key: &SecretKey| {
        let bytes = seal_manifest(m, &[key]).unwrap();
        verify_manifest(&bytes, root, &floor, now(), Mode::Accept)
    };
    assert!(under(&root(), &steady, &feed_key()).is_err());

    let rotated = under(&root(), &genuine, &next_key()).unwrap();
    let after = rotated.proof().floor_after();
    assert_eq!(after.time, genuine.issued);
    assert_eq!(after.artifacts.len(), genuine.artifacts.len());
    assert_eq!(after.revoked, Revoked::default());

    // The same for a machine that followed the link and takes a later manifest of the epoch.
    let link = seal_manifest(&rotation(), &[&next_key()]).unwrap();
    let (root, _) = follow_rotation(&link, &root()).unwrap();
    let second = Manifest {
        version: 2,
        ..genuine
    };
    under(&root, &second, &next_key()).unwrap();
}

#[test]
fn a_rotation_brings_no_older_detector_back() {
    let newer = accept(&signed(&manifest())).unwrap();
    let mut back = rotation();
    back.artifacts[0].version = "2.3.0".parse().unwrap();
    back.artifacts[0].endorsement = Some(endorse(&back.artifacts[0], &code_key()).unwrap());
    let bytes = seal_manifest(&back, &[&next_key()]).unwrap();
    let floor = newer.proof().floor_after();
    let refused = verify_manifest(&bytes, &root(), floor, now(), Mode::Accept);
    assert!(matches!(refused, Err(Refusal::ArtifactRollback { .. })));
}

#[test]
fn the_hosts_build_time_outlives_a_rotation() {
    let built = Floor::bottom(rotation().expires);
    let bytes = seal_manifest(&rotation(), &[&next_key()]).unwrap();
    let refused = verify_manifest(&bytes, &root(), &built, now(), Mode::Accept);
    assert!(matches!(refused, Err(Refusal::Expired { .. })));
}

#[test]
fn a_machine_that_slept_follows_old_rotations_link_by_link() {
    let mut old = rotation();
    old.issued = at("2020-01-01T00:00:00Z");
    old.expires = at("2020-01-02T00:00:00Z");
    let link = seal_manifest(&old, &[&next_key()]).unwrap();
    let (after, _) = follow_rotation(&link, &root()).unwrap();
    assert_eq!((after.epoch, after.current), (4, next_key().public()));
    assert!(
        follow_rotation(&link, &after).is_err(),
        "a link leads on once"
    );
    assert!(matches!(
        follow_rotation(&signed(&manifest()), &root()),
        Err(Refusal::EpochBack { .. })
    ));
}

#[test]
fn a_root_with_one_key_in_two_offices_is_refused() {
    for bad in [
        Root {
            next: root().current,
            ..root()
        },
        Root {
            retired: vec![root().current],
            ..root()
        },
        Root {
            retired: vec![root().next],
            ..root()
        },
    ] {
        let refused = verify_manifest(&signed(&manifest()), &bad, &floor(), now(), Mode::Accept);
        assert!(matches!(refused, Err(Refusal::KeyInTwoOffices { .. })));
    }
}

#[test]
fn a_root_file_without_keys_or_with_a_shared_code_key_is_no_root() {
    let mut file = RootFile {
        feed_id: name("official"),
        channel: name("stable"),
        development: false,
        keys: None,
    };
    assert_eq!(file.root(), Err(RootFileError::NoKeys));
    let mut keys = RootKeys {
        epoch: 1,
        current: feed_key().public(),
        next: next_key().public(),
        code: vec![code_key().public()],
        retired: Vec::new(),
    };
    file.keys = Some(keys.clone());
    assert_eq!(file.root().unwrap().current, feed_key().public());
    for retired in [keys.current, keys.next] {
        keys.retired = vec![retired];
        file.keys = Some(keys.clone());
        assert!(matches!(
            file.root(),
            Err(RootFileError::Refused(Refusal::KeyInTwoOffices { .. }))
        ));
    }
    keys.retired = vec![fresh_key().public()];
    file.keys = Some(keys.clone());
    assert_eq!(file.root().unwrap().retired, keys.retired);
    keys.code = vec![feed_key().public()];
    file.keys = Some(keys);
    assert!(matches!(
        file.root(),
        Err(RootFileError::Refused(Refusal::KeyInTwoOffices { .. }))
    ));
    assert!(RootFile::parse(b"{}").is_err());
}
