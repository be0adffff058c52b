//! Archives signed with throw-away keys.

use super::*;
use clawdefender_trust::{SecretKey, release_public_line, sign_release};
use flate2::{Compression, write::GzEncoder};
use std::io::Write;

/// A gzip-compressed tar of plain files.
pub fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let files: Vec<_> = files
        .iter()
        .map(|(name, body)| (*name, b'0', *body))
        .collect();
    raw_archive(&files)
}

/// Entries with any name and kind, as no well-meaning tool would write them.
pub fn raw_archive(entries: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let mut plain = Vec::new();
    for (name, kind, body) in entries {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(body.len() as u64);
        header.set_mode(0o644);
        header.set_entry_type(tar::EntryType::new(*kind));
        header.set_cksum();
        plain.extend_from_slice(header.as_bytes());
        plain.extend_from_slice(body);
        plain.resize(plain.len().next_multiple_of(512), 0);
    }
    plain.extend_from_slice(&[0; 1024]);
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(&plain).unwrap();
    packed.finish().unwrap()
}

fn offer(version: &str) -> Offer {
    Offer {
        version: version.parse().unwrap(),
        file: "a".to_owned(),
        length: 1,
        sha256: Sha256Digest::of(b""),
    }
}

struct Attempt {
    key: SecretKey,
    archive: Vec<u8>,
}

impl Attempt {
    fn new() -> Self {
        Self {
            key: SecretKey::from_bytes(&[5; 32]),
            archive: archive(&[("clawdefender-0.2.0/clawdefender", b"ELF")]),
        }
    }

    fn check(&self, signature: &str) -> Result<Release, UpdateError> {
        check(
            &self.archive,
            signature,
            &release_public_line(&self.key.public()),
            &"0.1.0".parse().unwrap(),
            &offer("0.2.0"),
        )
    }

    fn signed(&self, comment: &str) -> Result<Release, UpdateError> {
        self.check(&sign_release(&self.archive, comment, &self.key))
    }
}

fn comment(version: &str) -> String {
    format!("clawdefender {version} {TARGET}")
}

#[test]
fn what_the_release_key_signed_for_this_target_is_taken() {
    let release = Attempt::new().signed(&comment("0.2.0")).unwrap();
    assert_eq!(release.version, "0.2.0".parse().unwrap());
    assert_eq!(release.program, b"ELF");
}

#[test]
fn one_changed_byte_is_refused() {
    let mut attempt = Attempt::new();
    let signature = sign_release(&attempt.archive, &comment("0.2.0"), &attempt.key);
    for at in 0..attempt.archive.len() {
        attempt.archive[at] ^= 1;
        assert!(
            matches!(attempt.check(&signature), Err(UpdateError::Unsigned)),
            "{at}"
        );
        attempt.archive[at] ^= 1;
    }
    attempt.archive.push(0);
    assert!(matches!(
        attempt.check(&signature),
        Err(UpdateError::Unsigned)
    ));
}

#[test]
fn another_key_or_none_is_refused() {
    let attempt = Attempt::new();
    let signature = sign_release(
        &attempt.archive,
        &comment("0.2.0"),
        &SecretKey::from_bytes(&[6; 32]),
    );
    assert!(matches!(
        attempt.check(&signature),
        Err(UpdateError::Unsigned)
    ));
    assert!(matches!(attempt.check(""), Err(UpdateError::Unsigned)));
    let good = sign_release(&attempt.archive, &comment("0.2.0"), &attempt.key);
    let have = "0.1.0".parse().unwrap();
    let without = check(&attempt.archive, &good, "", &have, &offer("0.2.0"));
    assert!(matches!(without, Err(UpdateError::NoKey)));
}

#[test]
fn a_comment_that_was_changed_after_signing_is_refused() {
    let attempt = Attempt::new();
    let old = sign_release(&attempt.archive, &comment("0.0.9"), &attempt.key);
    let forged = old.replace(&comment("0.0.9"), &comment("0.2.0"));
    assert_ne!(old, forged);
    assert!(matches!(attempt.check(&forged), Err(UpdateError::Unsigned)));
}

#[test]
fn older_and_equal_versions_are_refused_whatever_the_index_offers() {
    for version in ["0.0.9", "0.1.0", "0.1.0-rc.1"] {
        let refused = Attempt::new().signed(&comment(version));
        assert!(
            matches!(refused, Err(UpdateError::Downgrade { .. })),
            "{version}"
        );
    }
    assert!(matches!(
        Attempt::new().signed(&comment("0.3.0")),
        Err(UpdateError::OtherVersion { .. })
    ));
}

#[test]
fn another_target_and_an_unclear_comment_are_refused() {
    assert!(matches!(
        Attempt::new().signed("clawdefender 0.2.0 z80-cpm"),
        Err(UpdateError::OtherTarget { .. })
    ));
    for unclear in [
        "",
        "clawdefender 0.2.0",
        &format!("other 0.2.0 {TARGET}"),
        &format!("clawdefender new {TARGET}"),
        &format!("clawdefender 0.2.0 {TARGET} x"),
    ] {
        let refused = Attempt::new().signed(unclear);
        assert!(matches!(refused, Err(UpdateError::Comment)), "{unclear}");
    }
}

#[test]
fn a_release_keys_id_is_the_one_that_keygen_prints() {
    let public = SecretKey::from_bytes(&[5; 32]).public();
    let id = key_id(&release_public_line(&public)).unwrap();
    assert_eq!(id, public.id().to_string());
    assert_eq!(key_id(""), None);
    assert_eq!(key_id("RWQ="), None);
}
