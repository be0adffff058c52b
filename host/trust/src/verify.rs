//! The one function that decides whether a manifest is believed. Pure: bytes, root, floor and time
//! in, proof or refusal out.
//!
//! The steps are numbered as in the verification order of the feed's specification, so a reader can
//! hold both side by side. Step 2's fetching and steps 15 onwards (artifacts, staging, activation)
//! are elsewhere: `admit` and the host.

use std::collections::HashSet;
use std::sync::Arc;

use crate::envelope::strict_object;
use crate::manifest::{MAX_ARTIFACT_BYTES, MAX_ARTIFACTS, MAX_TOTAL_BYTES};
use crate::root::check_epoch;
use crate::rotation::{KeyChange, next_root};
use crate::{
    ABI, ArtifactEntry, Envelope, FEED_PAYLOAD_TYPE, Floor, Kind, Manifest, Name, Proof, PublicKey,
    Refusal, Revoked, Root, Scope, Sha256Digest, Timestamp, Verified, host_version,
};

/// The longest life of an official manifest. Source: the feed's specification, step 11.
pub const MAX_LIFETIME_DAYS: u32 = 30;
/// How far in the future a manifest may be issued: clocks differ, by a day at most.
pub const MAX_FUTURE_SECONDS: i64 = 86_400;
/// The manifest format that this version reads.
const SPEC: u32 = 1;

/// Why the question is asked: it decides what the clock may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A manifest from outside: expired or issued in the future is refused.
    Accept,
    /// One that was accepted before, or came inside the binary: nothing that a clock says unloads
    /// it. Past its expiry it is stale and loud.
    Reload,
}

/// Whether `envelope` holds a manifest that `root` vouches for and that does not go below `floor`.
///
/// The returned proof carries the root and the floor to persist before anything is activated.
///
/// # Errors
/// The first [`Refusal`] in the order of the steps.
pub fn verify_manifest(
    envelope: &[u8],
    root: &Root,
    floor: &Floor,
    now: Timestamp,
    mode: Mode,
) -> Result<Verified<Manifest>, Refusal> {
    // 2–6
    root.check()?;
    let (manifest, digest, signers) = open(envelope, &[root.current, root.next])?;
    // 7
    check_place(&manifest, root)?;
    // 8, 9
    let (root, key_change) = next_root(root, &manifest, &signers)?;
    // 10
    check_floor(&manifest, digest, floor)?;
    // 1: the clock may be set back, time known from signatures may not; what a dead key said of it
    // is not known.
    let floor = &floor.in_epoch(manifest.key_epoch, &root);
    let t0 = now.max(floor.time);
    // 11
    let stale_since = check_time(&manifest, &root, t0, mode)?;
    // 12
    check_entries(&manifest, &root)?;
    // 13
    let skipped = check_compatible(&manifest)?;
    // 14
    check_downgrades(&manifest, floor)?;
    let floor = floor.after(&manifest, digest, &skipped);
    check_revoked(&manifest, &root, &floor.revoked)?;

    let signers = signers.iter().map(PublicKey::id).collect();
    let proof = Proof {
        digest,
        signers,
        root,
        floor,
        key_change,
        stale_since,
        skipped,
    };
    Ok(Verified::new(manifest, Arc::new(proof)))
}

/// Follows a manifest kept from an earlier rotation: steps 2 to 9 and no more.
///
/// For a machine that slept through several epochs. Expiry and contents don't matter here, only the
/// link from key to key. Returns the root after it, and whether the old key agreed.
///
/// # Errors
/// As [`verify_manifest`]; [`Refusal::EpochBack`] also for a manifest that rotates nothing.
pub fn follow_rotation(envelope: &[u8], root: &Root) -> Result<(Root, KeyChange), Refusal> {
    root.check()?;
    let (manifest, _, signers) = open(envelope, &[root.current, root.next])?;
    check_place(&manifest, root)?;
    match next_root(root, &manifest, &signers)? {
        (_, KeyChange::Steady) => Err(Refusal::EpochBack {
            expected: root.epoch.saturating_add(1),
            found: manifest.key_epoch,
        }),
        rotated @ (_, KeyChange::Rotated | KeyChange::Emergency) => Ok(rotated),
    }
}

/// The root for a third party's feed on first meeting: `key` came to the user by another way than
/// the feed itself, and signs both manifests and detectors.
///
/// What the feed is called, its epoch and its next key are taken from the signed manifest and
/// pinned. It may publish only under its own name. Verify the manifest against the result.
///
/// # Errors
/// What steps 2 to 7 refuse; [`Refusal::WrongFeed`] when it calls itself `reserved`.
pub fn meet(envelope: &[u8], key: PublicKey, reserved: &Name) -> Result<Root, Refusal> {
    let (manifest, ..) = open(envelope, &[key])?;
    if manifest.feed_id == *reserved {
        return Err(Refusal::WrongFeed {
            expected: reserved.clone(),
            found: manifest.feed_id,
        });
    }
    let root = Root {
        feed_id: manifest.feed_id.clone(),
        channel: manifest.channel,
        epoch: manifest.key_epoch,
        current: key,
        next: manifest.next_public_key,
        retired: Vec::new(),
        code_keys: vec![key],
        scope: Scope::Everything,
        max_lifetime_days: MAX_LIFETIME_DAYS,
    }
    .of_guest(manifest.feed_id);
    root.check()?;
    Ok(root)
}

/// Steps 2 to 6: bounds, form, type, signature by one of `keys`, typed contents.
fn open(
    bytes: &[u8],
    keys: &[PublicKey],
) -> Result<(Manifest, Sha256Digest, Vec<PublicKey>), Refusal> {
    // 2, 3: bounded, and parsed as an envelope only; the payload stays bytes.
    let envelope = Envelope::parse(bytes)?;
    // 4, 5
    let signers = envelope.verify(FEED_PAYLOAD_TYPE, keys, 1)?;
    // 6: only now is anything inside looked at.
    let manifest: Manifest = strict_object("manifest", envelope.payload())?;
    if !manifest.critical.is_empty() {
        return Err(Refusal::UnknownCritical {
            count: manifest.critical.len(),
        });
    }
    check_epoch(manifest.key_epoch)?;
    Ok((manifest, Sha256Digest::of(envelope.payload()), signers))
}

/// Step 7: the right format, feed and channel.
fn check_place(manifest: &Manifest, root: &Root) -> Result<(), Refusal> {
    if manifest.spec != SPEC {
        return Err(Refusal::Spec {
            expected: SPEC,
            found: manifest.spec,
        });
    }
    if manifest.feed_id != root.feed_id {
        let (expected, found) = (root.feed_id.clone(), manifest.feed_id.clone());
        return Err(Refusal::WrongFeed { expected, found });
    }
    if manifest.channel != root.channel {
        let (expected, found) = (root.channel.clone(), manifest.channel.clone());
        return Err(Refusal::WrongChannel { expected, found });
    }
    Ok(())
}

/// Step 10: never back, never two contents of one version, never so far ahead that nothing follows.
fn check_floor(manifest: &Manifest, digest: Sha256Digest, floor: &Floor) -> Result<(), Refusal> {
    let offered = manifest.version;
    // Ordered by (epoch, version): a rotation restarts the count, so a thief's huge version number
    // does not outlive his key.
    match (manifest.key_epoch, offered).cmp(&(floor.epoch, floor.version)) {
        std::cmp::Ordering::Less if manifest.key_epoch < floor.epoch => {
            return Err(Refusal::EpochBack {
                expected: floor.epoch,
                found: manifest.key_epoch,
            });
        }
        std::cmp::Ordering::Less => {
            let (epoch, trusted) = (floor.epoch, floor.version);
            return Err(Refusal::Rollback {
                epoch,
                trusted,
                offered,
            });
        }
        std::cmp::Ordering::Equal => {
            if let Some(trusted) = floor.digest.filter(|trusted| *trusted != digest) {
                return Err(Refusal::Equivocation {
                    version: offered,
                    trusted,
                    offered: digest,
                });
            }
        }
        std::cmp::Ordering::Greater => {}
    }
    let limit = manifest.issued.plus_seconds(MAX_FUTURE_SECONDS).unix();
    let limit = u64::try_from(limit).unwrap_or(0);
    if offered > limit {
        return Err(Refusal::FastForward {
            limit,
            found: offered,
        });
    }
    Ok(())
}

/// Step 11. Returns when it went stale, if it did and that is no reason to refuse.
fn check_time(
    manifest: &Manifest,
    root: &Root,
    t0: Timestamp,
    mode: Mode,
) -> Result<Option<Timestamp>, Refusal> {
    let (issued, expires) = (manifest.issued, manifest.expires);
    let limit_days = root.max_lifetime_days;
    if expires <= issued || expires > issued.plus_days(limit_days) {
        return Err(Refusal::Lifetime {
            issued,
            expires,
            limit_days,
        });
    }
    let expired = expires <= t0;
    if mode == Mode::Accept {
        if issued > t0.plus_seconds(MAX_FUTURE_SECONDS) {
            return Err(Refusal::FutureIssued { issued, now: t0 });
        }
        if expired {
            return Err(Refusal::Expired {
                expired: expires,
                now: t0,
            });
        }
    }
    Ok(expired.then_some(expires))
}

/// Step 12: unique names, allowed kinds, the fields that each kind has, the budget.
fn check_entries(manifest: &Manifest, root: &Root) -> Result<(), Refusal> {
    let over = |what, limit, found| Err(Refusal::OverBudget { what, limit, found });
    if manifest.artifacts.len() > MAX_ARTIFACTS {
        return over(
            "number of artifacts",
            MAX_ARTIFACTS as u64,
            manifest.artifacts.len() as u64,
        );
    }
    let detectors = manifest.artifacts.iter();
    let detectors = detectors.filter(|entry| entry.kind == Kind::Detector);
    let known: HashSet<&Name> = detectors.map(|entry| &entry.name).collect();
    let mut seen = HashSet::new();
    let mut total = 0u64;
    for entry in &manifest.artifacts {
        let ArtifactEntry { kind, name, .. } = entry;
        if !seen.insert((*kind, name)) {
            return Err(Refusal::DuplicateName {
                kind: *kind,
                name: name.clone(),
            });
        }
        if !root.scope.covers(*kind, name) {
            return Err(Refusal::OutOfScope {
                kind: *kind,
                name: name.clone(),
            });
        }
        if let Some(detector) = entry.detector.as_ref().filter(|name| !known.contains(name)) {
            return Err(Refusal::NoReceiver {
                kind: *kind,
                name: name.clone(),
                detector: detector.clone(),
            });
        }
        if let Some(field) = wrong_field(entry) {
            return Err(Refusal::Field {
                kind: *kind,
                name: name.clone(),
                field,
            });
        }
        if let Some((what, limit, found)) = entry.limits.and_then(|limits| limits.excess()) {
            return over(what, limit, found);
        }
        if entry.length > MAX_ARTIFACT_BYTES {
            return over("artifact length", MAX_ARTIFACT_BYTES, entry.length);
        }
        total = total.saturating_add(entry.length);
    }
    if total > MAX_TOTAL_BYTES {
        return over("feed length", MAX_TOTAL_BYTES, total);
    }
    Ok(())
}

/// The first field that this kind must have and lacks, or has and must not.
fn wrong_field(entry: &ArtifactEntry) -> Option<&'static str> {
    let code = entry.kind == Kind::Detector;
    [
        ("length", entry.length > 0),
        ("abi", entry.abi.is_some() == code),
        ("endorsement", entry.endorsement.is_some() == code),
        (
            "detector",
            entry.detector.is_some() == entry.kind.names_a_detector(),
        ),
        ("schema", entry.schema.is_some() != code),
        ("limits", code || entry.limits.is_none()),
        ("entries", !code || entry.entries.is_none()),
    ]
    .into_iter()
    .find_map(|(field, right)| (!right).then_some(field))
}

/// Step 13. Returns the detectors that are left out because this host can't run them.
fn check_compatible(manifest: &Manifest) -> Result<Vec<Name>, Refusal> {
    let host = host_version();
    if manifest.min_host > host {
        return Err(Refusal::HostTooOld {
            expected: manifest.min_host.clone(),
            found: host,
        });
    }
    let mut skipped = Vec::new();
    for entry in &manifest.artifacts {
        let Some(abi) = entry.abi.filter(|abi| !ABI.serves(*abi)) else {
            continue;
        };
        if entry.required {
            let name = entry.name.clone();
            return Err(Refusal::AbiMismatch {
                name,
                expected: abi,
                found: ABI,
            });
        }
        skipped.push(entry.name.clone());
    }
    Ok(skipped)
}

/// Step 14: nothing is shipped that is in `revoked`, which is all that this manifest and those before
/// it revoked; a feed with a limited scope revokes nothing outside it.
fn check_revoked(manifest: &Manifest, root: &Root, revoked: &Revoked) -> Result<(), Refusal> {
    if revoked.keys.contains(&root.current) || revoked.keys.contains(&root.next) {
        return Err(Refusal::Revoked { what: "key" });
    }
    for gone in &manifest.revoked.detectors {
        if !root.scope.covers(Kind::Detector, &gone.name) {
            return Err(Refusal::OutOfScope {
                kind: Kind::Detector,
                name: gone.name.clone(),
            });
        }
    }
    for entry in &manifest.artifacts {
        if revoked.digests.contains(&entry.sha256) {
            return Err(Refusal::Revoked { what: "digest" });
        }
        let old = revoked
            .detectors
            .iter()
            .any(|r| r.name == entry.name && entry.version < r.below);
        if entry.kind == Kind::Detector && old {
            return Err(Refusal::Revoked { what: "detector" });
        }
    }
    Ok(())
}

/// Step 14: one artifact does not go back inside a newer manifest. Data does when that is signed as
/// intended; code never, since the key that says so is not one that may ship code.
fn check_downgrades(manifest: &Manifest, floor: &Floor) -> Result<(), Refusal> {
    for entry in &manifest.artifacts {
        let (kind, name) = (entry.kind, &entry.name);
        let Some(known) = floor
            .artifacts
            .iter()
            .find(|f| f.kind == kind && f.name == *name)
        else {
            continue;
        };
        let meant = kind != Kind::Detector
            && manifest
                .downgrades
                .iter()
                .any(|d| d.kind == kind && d.name == *name && d.to == entry.version);
        if entry.version < known.version && !meant {
            return Err(Refusal::ArtifactRollback {
                kind,
                name: name.clone(),
                trusted: known.version.clone(),
                offered: entry.version.clone(),
            });
        }
    }
    Ok(())
}
