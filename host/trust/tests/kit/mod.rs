//! A feed that verifies, to be broken in one place by each test.

#![allow(dead_code, reason = "each test file uses its part")]

pub mod hold;

use clawdefender_trust::*;

pub const DETECTOR: &[u8] = b"\0asm a detector's bytes";
pub const LIST: &[u8] = br#"{"packages":[]}"#;

pub fn key(seed: u8) -> SecretKey {
    SecretKey::from_bytes(&[seed; 32])
}

pub fn feed_key() -> SecretKey {
    key(1)
}

pub fn next_key() -> SecretKey {
    key(2)
}

pub fn code_key() -> SecretKey {
    key(3)
}

/// The key after next.
pub fn fresh_key() -> SecretKey {
    key(4)
}

pub fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn now() -> Timestamp {
    at("2026-11-23T00:00:00Z")
}

pub fn root() -> Root {
    Root {
        feed_id: name("official"),
        channel: name("stable"),
        epoch: 3,
        current: feed_key().public(),
        next: next_key().public(),
        retired: vec![key(9).public()],
        code_keys: vec![code_key().public()],
        scope: Scope::Everything,
        max_lifetime_days: MAX_LIFETIME_DAYS,
    }
}

pub fn floor() -> Floor {
    Floor::bottom(at("2026-01-01T00:00:00Z"))
}

pub fn detector(bytes: &[u8]) -> ArtifactEntry {
    let mut entry = ArtifactEntry {
        kind: Kind::Detector,
        name: name("injection"),
        version: "2.3.1".parse().unwrap(),
        abi: Some(ABI),
        schema: None,
        detector: None,
        sha256: Sha256Digest::of(bytes),
        length: bytes.len() as u64,
        entries: None,
        required: true,
        endorsement: None,
        limits: Some(Limits::default()),
    };
    entry.endorsement = Some(endorse(&entry, &code_key()).unwrap());
    entry
}

pub fn list(bytes: &[u8]) -> ArtifactEntry {
    ArtifactEntry {
        kind: Kind::Blocklist,
        name: name("packages"),
        version: "41".parse().unwrap(),
        abi: None,
        schema: Some(1),
        detector: Some(name("injection")),
        sha256: Sha256Digest::of(bytes),
        length: bytes.len() as u64,
        entries: Some(24),
        required: true,
        endorsement: None,
        limits: None,
    }
}

pub fn manifest() -> Manifest {
    let issued = at("2026-11-22T06:00:00Z");
    Manifest {
        document: Document::Feed,
        spec: 1,
        feed_id: name("official"),
        channel: name("stable"),
        key_epoch: 3,
        version: issued.unix() as u64,
        issued,
        expires: issued.plus_days(14),
        next_public_key: next_key().public(),
        min_host: semver::Version::new(0, 0, 0),
        critical: vec![],
        artifacts: vec![detector(DETECTOR), list(LIST)],
        revoked: Revoked::default(),
        downgrades: vec![],
    }
}

/// The manifest of the next epoch.
pub fn rotation() -> Manifest {
    Manifest {
        key_epoch: 4,
        version: 1,
        next_public_key: fresh_key().public(),
        ..manifest()
    }
}

pub fn signed(manifest: &Manifest) -> Vec<u8> {
    seal_manifest(manifest, &[&feed_key()]).unwrap()
}

pub fn accept(envelope: &[u8]) -> Result<Verified<Manifest>, Refusal> {
    verify_manifest(envelope, &root(), &floor(), now(), Mode::Accept)
}

/// The manifest, changed by `change` and signed again, and what becomes of it.
pub fn changed(change: impl FnOnce(&mut Manifest)) -> Result<Verified<Manifest>, Refusal> {
    let mut manifest = manifest();
    change(&mut manifest);
    accept(&signed(&manifest))
}

/// The manifest's JSON, edited as text and signed again.
pub fn edited(from: &str, to: &str) -> Result<Verified<Manifest>, Refusal> {
    let text = String::from_utf8(serde_json::to_vec(&manifest()).unwrap()).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    let payload = text.replacen(from, to, 1).into_bytes();
    accept(&seal(FEED_PAYLOAD_TYPE, payload, &[&feed_key()]))
}
