//! A manifest that was signed by the right key, but for another place or another time.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod kit;

use clawdefender_trust::*;
use kit::*;

#[test]
fn a_manifest_for_another_place_is_refused() {
    assert!(matches!(
        changed(|m| m.feed_id = name("acme")),
        Err(Refusal::WrongFeed { .. })
    ));
    assert!(matches!(
        changed(|m| m.channel = name("canary")),
        Err(Refusal::WrongChannel { .. })
    ));
    assert!(matches!(
        changed(|m| m.spec = 2),
        Err(Refusal::Spec {
            expected: 1,
            found: 2
        })
    ));
    assert_eq!(
        changed(|m| m.critical = vec!["quorum".into()]).unwrap_err(),
        Refusal::UnknownCritical { count: 1 }
    );
}

#[test]
fn an_older_version_is_refused_and_a_newer_one_raises_the_floor() {
    let newer = manifest();
    let older = Manifest {
        version: newer.version - 1,
        ..newer.clone()
    };
    let seen = accept(&signed(&newer))
        .unwrap()
        .proof()
        .floor_after()
        .clone();
    let offer = |m: &Manifest| verify_manifest(&signed(m), &root(), &seen, now(), Mode::Accept);
    assert!(matches!(offer(&older), Err(Refusal::Rollback { .. })));
    assert!(offer(&newer).is_ok(), "the same again is no rollback");
    let newest = Manifest {
        version: newer.version + 1,
        ..newer.clone()
    };
    assert_eq!(
        offer(&newest).unwrap().proof().floor_after().version,
        newer.version + 1
    );
}

#[test]
fn two_contents_of_one_version_are_an_equivocation() {
    let first = manifest();
    let second = Manifest {
        expires: first.expires.plus_seconds(1),
        ..first.clone()
    };
    let seen = accept(&signed(&first))
        .unwrap()
        .proof()
        .floor_after()
        .clone();
    let refused = verify_manifest(&signed(&second), &root(), &seen, now(), Mode::Accept);
    assert!(matches!(refused, Err(Refusal::Equivocation { .. })));
}

#[test]
fn a_version_that_nothing_could_follow_is_refused() {
    assert!(matches!(
        changed(|m| m.version = u64::MAX),
        Err(Refusal::FastForward { .. })
    ));
    let day = 86_400;
    assert!(changed(|m| m.version += day).is_ok());
    assert!(matches!(
        changed(|m| m.version += day + 1),
        Err(Refusal::FastForward { .. })
    ));
}

#[test]
fn an_expired_manifest_is_refused_from_outside_and_stale_at_home() {
    let envelope = signed(&manifest());
    let expires = manifest().expires;
    let ask = |now, mode| verify_manifest(&envelope, &root(), &floor(), now, mode);
    assert!(ask(expires.plus_seconds(-1), Mode::Accept).is_ok());
    assert_eq!(
        ask(expires, Mode::Accept).unwrap_err(),
        Refusal::Expired {
            expired: expires,
            now: expires
        }
    );
    let kept = ask(expires, Mode::Reload).unwrap();
    assert!(kept.is_stale());
    assert_eq!(kept.proof().stale_since(), Some(expires));
    assert!(
        !ask(expires.plus_seconds(-1), Mode::Reload)
            .unwrap()
            .is_stale()
    );
}

#[test]
fn a_clock_set_back_does_not_revive_an_expired_manifest() {
    let later = Floor {
        time: manifest().expires,
        ..floor()
    };
    let long_ago = at("2021-01-01T00:00:00Z");
    let refused = verify_manifest(
        &signed(&manifest()),
        &root(),
        &later,
        long_ago,
        Mode::Accept,
    );
    assert!(matches!(refused, Err(Refusal::Expired { .. })));
}

#[test]
fn a_clock_set_forward_does_not_poison_the_floor() {
    let far = at("2036-01-01T00:00:00Z");
    let kept = verify_manifest(&signed(&manifest()), &root(), &floor(), far, Mode::Reload).unwrap();
    assert_eq!(kept.proof().floor_after().time, manifest().issued);
}

#[test]
fn a_manifest_from_the_future_is_refused_beyond_a_days_difference() {
    let issue = |seconds| {
        changed(|m| {
            m.issued = now().plus_seconds(seconds);
            m.expires = m.issued.plus_days(1);
        })
    };
    assert!(issue(86_400).is_ok());
    assert!(matches!(issue(86_401), Err(Refusal::FutureIssued { .. })));
}

#[test]
fn a_life_longer_than_the_root_allows_is_refused() {
    let live = |days| changed(|m| m.expires = m.issued.plus_days(days));
    assert!(live(30).is_ok());
    assert!(matches!(
        live(31),
        Err(Refusal::Lifetime { limit_days: 30, .. })
    ));
    assert!(matches!(
        changed(|m| m.expires = m.issued),
        Err(Refusal::Lifetime { .. })
    ));
}

#[test]
fn a_feed_for_a_newer_host_is_refused() {
    assert!(changed(|m| m.min_host = host_version()).is_ok());
    let newer = semver::Version::new(host_version().major, host_version().minor, 99);
    assert!(matches!(
        changed(|m| m.min_host = newer),
        Err(Refusal::HostTooOld { .. })
    ));
}

#[test]
fn one_artifact_does_not_go_back_inside_a_newer_manifest() {
    let seen = accept(&signed(&manifest()))
        .unwrap()
        .proof()
        .floor_after()
        .clone();
    let mut back = manifest();
    back.version += 1;
    back.artifacts[1].version = "40".parse().unwrap();
    let offer = |m: &Manifest| verify_manifest(&signed(m), &root(), &seen, now(), Mode::Accept);
    assert!(matches!(
        offer(&back),
        Err(Refusal::ArtifactRollback { .. })
    ));

    back.downgrades = vec![Downgrade {
        kind: Kind::Blocklist,
        name: name("packages"),
        to: "40".parse().unwrap(),
    }];
    assert!(offer(&back).is_ok(), "signed as intended");

    // Code does not go back on a feed key's word.
    back.artifacts[0].version = "2.3.0".parse().unwrap();
    back.artifacts[0].endorsement = Some(endorse(&back.artifacts[0], &code_key()).unwrap());
    back.downgrades.push(Downgrade {
        kind: Kind::Detector,
        name: name("injection"),
        to: "2.3.0".parse().unwrap(),
    });
    assert!(matches!(
        offer(&back),
        Err(Refusal::ArtifactRollback {
            kind: Kind::Detector,
            ..
        })
    ));

    let mut without = manifest();
    without.version += 1;
    without.artifacts.remove(1);
    let floor = offer(&without).unwrap().proof().floor_after().clone();
    assert_eq!(
        floor.artifacts.len(),
        2,
        "leaving the feed does not lower an artifact's floor"
    );
}

#[test]
fn a_newer_seed_does_not_lower_what_this_machine_knows() {
    let mut first = manifest();
    first.revoked.digests = vec![Sha256Digest::of(b"gone")];
    first.artifacts[1].version = "42".parse().unwrap();
    let before = accept(&signed(&first)).unwrap();
    let before = before.proof().floor_after();
    let mut seed = manifest();
    seed.version += 1;
    let seed = accept(&signed(&seed)).unwrap();
    assert!(seed.proof().floor_after().revoked.digests.is_empty());
    let floor = seed.floor_over(before);
    assert_eq!(floor.version, seed.version);
    assert_eq!(floor.revoked, first.revoked);
    assert_eq!(before.lowered().revoked, first.revoked);
}
