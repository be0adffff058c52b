//! The damage matrix: one kind of damage, one fixed verdict.

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::audit::frame::{self, Frame, Type};
use crate::audit::ledger::{Durability, Ledger, Options};
use crate::audit::walk::{frames, segment_name};

/// A closed log: frames 0 start, 1 checkpoint, 2–11 records (checkpoint at 10), … , stop, checkpoint.
fn log(options: Options) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open_with(dir.path(), Arc::new(|| 7), options).unwrap();
    for n in 0..30_u64 {
        ledger
            .append(
                &json!({ "v": 1, "id": format!("c-{n}") }),
                Durability::Group,
            )
            .unwrap();
    }
    ledger.close().unwrap();
    dir
}

fn plain() -> Options {
    Options {
        checkpoint_frames: 8,
        ..Options::default()
    }
}

fn read(dir: &Path) -> Vec<Vec<u8>> {
    let bytes = fs::read(dir.join(segment_name(1))).unwrap();
    let (frames, rest) = frames(&bytes);
    assert!(rest.is_empty());
    frames.iter().map(|frame| frame.bytes.to_vec()).collect()
}

fn write(dir: &Path, frames: &[Vec<u8>]) {
    fs::write(dir.join(segment_name(1)), frames.concat()).unwrap();
}

#[track_caller]
fn check(dir: &Path, seq: u64, damage: Damage) {
    let report = verify(dir);
    let broken = report
        .broken
        .as_ref()
        .map(|broken| (broken.seq, broken.damage));
    assert_eq!(broken, Some((seq, damage)), "{report:?}");
    assert!(!report.ok);
    let opened = Ledger::open(dir, Arc::new(|| 8));
    assert_eq!(
        opened.is_ok(),
        damage == Damage::TornTail,
        "a writer must not go on from damage"
    );
}

#[track_caller]
fn damaged(seq: u64, damage: Damage, edit: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let dir = log(plain());
    let mut frames = read(dir.path());
    edit(&mut frames);
    write(dir.path(), &frames);
    check(dir.path(), seq, damage);
}

/// What an editor without the key can do: make every frame follow the one before it.
fn rechain(frames: &mut [Vec<u8>], origin: &str) {
    let mut prev = frame::genesis(origin);
    for bytes in frames {
        let frame = Frame::first(bytes).unwrap();
        *bytes = frame::encode(frame.kind, frame.salt, &prev, frame.body).unwrap();
        prev = Frame::first(bytes).unwrap().leaf();
    }
}

fn origin(dir: &Path) -> String {
    PublicKey::read(dir).unwrap().unwrap().origin().to_owned()
}

#[test]
fn an_untouched_log_is_ok_with_and_without_rotation() {
    for options in [
        plain(),
        Options {
            segment_bytes: 1000,
            ..plain()
        },
    ] {
        let dir = log(options);
        let report = verify(dir.path());
        assert!(report.ok && report.clean, "{report:?}");
        assert_eq!(
            report.signed + 1,
            report.frames,
            "the last frame is the checkpoint"
        );
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
    }
}

#[test]
fn a_bit_flipped_anywhere_in_any_frame_is_an_alteration_of_that_frame() {
    let whole = read(log(plain()).path()).len();
    // A record, the last record before a checkpoint, a checkpoint, the stop, the last checkpoint.
    for seq in [0, 1, 3, 9, 10, whole - 2, whole - 1] {
        for region in [0, 2, 4, 5, 20, 21, 52, 53, 60] {
            // Nothing follows the last frame: one that claims to be longer looks like a cut.
            let longer = seq == whole - 1 && region < 4;
            let damage = if longer {
                Damage::Truncated
            } else {
                Damage::Altered
            };
            damaged(seq as u64, damage, |frames| {
                frames[seq][region] ^= if region == 0 { 0x10 } else { 1 }
            });
        }
    }
}

#[test]
fn moved_copied_and_missing_frames_are_told_apart() {
    damaged(4, Damage::Missing, |frames| drop(frames.remove(4)));
    damaged(4, Damage::Missing, |frames| drop(frames.drain(4..7)));
    damaged(4, Damage::Order, |frames| frames.swap(4, 5));
    damaged(4, Damage::Order, |frames| frames.swap(4, 6));
    damaged(5, Damage::Duplicate, |frames| {
        frames.insert(5, frames[4].clone())
    });
    damaged(9, Damage::Duplicate, |frames| {
        frames.insert(9, frames[4].clone())
    });
}

#[test]
fn an_inserted_frame_is_named_whether_or_not_it_follows() {
    let forged = |prev| frame::encode(Type::Record, [5; 16], &prev, b"{\"v\":1}").unwrap();
    damaged(4, Damage::Inserted, |frames| {
        frames.insert(4, forged([0; 32]))
    });
    damaged(4, Damage::Inserted, |frames| {
        let prev = Frame::first(&frames[3]).unwrap().leaf();
        frames.insert(4, forged(prev));
    });
}

#[test]
fn a_cut_end_is_truncation_and_a_cut_frame_a_torn_tail_only_at_the_end() {
    damaged(12, Damage::Truncated, |frames| frames.truncate(12));
    let whole = read(log(plain()).path()).len();
    damaged(whole as u64 - 1, Damage::Truncated, |frames| {
        drop(frames.pop())
    });
    damaged(whole as u64 - 1, Damage::Truncated, |frames| {
        frames[whole - 1].truncate(30)
    });
    // Something begun after everything that was promised.
    damaged(whole as u64, Damage::TornTail, |frames| {
        let begun = frames[3][..30].to_vec();
        frames.push(begun);
    });
    damaged(whole as u64, Damage::TornTail, |frames| {
        frames.push(vec![0; 100])
    });
    damaged(4, Damage::Altered, |frames| frames[4].truncate(60));
}

#[test]
fn frames_of_another_install_are_foreign_or_inserted() {
    let other = read(log(plain()).path());
    // With a checkpoint among them they name their install; a lone record does not.
    damaged(4, Damage::Foreign, |frames| {
        frames.splice(4..4, other[3..12].to_vec()).for_each(drop)
    });
    damaged(4, Damage::Inserted, |frames| {
        frames.insert(4, other[6].clone())
    });
    damaged(0, Damage::Foreign, |frames| *frames = other.clone());
}

#[test]
fn an_editor_without_the_key_can_chain_but_not_sign() {
    let dir = log(plain());
    let mut frames = read(dir.path());
    let frame = Frame::first(&frames[4]).unwrap();
    frames[4] = frame::encode(frame.kind, frame.salt, &frame.prev, b"{\"v\":1}").unwrap();
    rechain(&mut frames, &origin(dir.path()));
    write(dir.path(), &frames);
    let checkpoint = frames
        .iter()
        .position(|frame| Frame::first(frame).unwrap().body.starts_with(b"clawdef"));
    assert_eq!(checkpoint, Some(1));
    check(dir.path(), 2, Damage::Rewritten);
}

#[test]
fn a_checkpoint_with_a_false_signature_is_named() {
    let dir = log(plain());
    let mut frames = read(dir.path());
    let frame = Frame::first(&frames[1]).unwrap();
    let body = String::from_utf8(frame.body.to_vec())
        .unwrap()
        .replacen("\n1\n", "\n2\n", 1);
    let salt = frame::checkpoint_salt(body.as_bytes());
    frames[1] = frame::encode(Type::Checkpoint, salt, &frame.prev, body.as_bytes()).unwrap();
    rechain(&mut frames, &origin(dir.path()));
    write(dir.path(), &frames);
    check(dir.path(), 1, Damage::Signature);
}

#[test]
fn a_replaced_key_is_found_with_and_without_a_saved_one() {
    let (dir, other) = (log(plain()), log(plain()));
    let saved = PublicKey::read(dir.path()).unwrap().unwrap();
    fs::copy(other.path().join("key.pub"), dir.path().join("key.pub")).unwrap();
    fs::copy(other.path().join("key"), dir.path().join("key")).unwrap();
    // To another install's key the whole log is foreign …
    check(dir.path(), 0, Damage::Foreign);
    // … and the saved key still finds the log whole, but not the key beside it.
    let report = verify_with(dir.path(), &saved);
    assert_eq!(
        report.broken.map(|broken| broken.damage),
        Some(Damage::KeyReplaced)
    );
}

#[test]
fn missing_files_are_named() {
    let rotated = || {
        log(Options {
            segment_bytes: 1000,
            ..plain()
        })
    };
    let dir = rotated();
    let first = frames(&fs::read(dir.path().join(segment_name(1))).unwrap())
        .0
        .len() as u64;
    fs::remove_file(dir.path().join(segment_name(2))).unwrap();
    check(dir.path(), first, Damage::SegmentMissing);

    let dir = rotated();
    fs::remove_file(dir.path().join(segment_name(1))).unwrap();
    check(dir.path(), 0, Damage::SegmentMissing);

    let dir = rotated();
    let last = verify(dir.path()).segments;
    let bytes = fs::read(dir.path().join(segment_name(last))).unwrap();
    let lost = frames(&bytes).0.len() as u64;
    let seq = verify(dir.path()).frames - lost;
    fs::remove_file(dir.path().join(segment_name(last))).unwrap();
    check(dir.path(), seq, Damage::Truncated);

    let dir = log(plain());
    fs::remove_file(dir.path().join(segment_name(1))).unwrap();
    check(dir.path(), 0, Damage::SegmentMissing);

    let dir = log(plain());
    let size = verify(dir.path()).frames;
    fs::remove_file(dir.path().join("checkpoint")).unwrap();
    check(dir.path(), size, Damage::CheckpointMissing);

    let dir = log(plain());
    fs::remove_file(dir.path().join("key.pub")).unwrap();
    check(dir.path(), 0, Damage::KeyMissing);
}

#[test]
fn nothing_at_all_is_not_reported_as_a_good_log() {
    let dir = tempfile::tempdir().unwrap();
    let report = verify(dir.path());
    assert_eq!(
        report.broken.map(|broken| broken.damage),
        Some(Damage::Empty)
    );
    assert!(!verify(&dir.path().join("absent")).ok);
}

/// A history that was never lived, in frames that follow each other; only `key.pub` was read.
fn forge(dir: &Path, bodies: &[(Type, &[u8])]) {
    let mut frames: Vec<_> = bodies
        .iter()
        .map(|(kind, body)| frame::encode(*kind, [3; 16], &[0; 32], body).unwrap())
        .collect();
    rechain(&mut frames, &origin(dir));
    write(dir, &frames);
    let _ = fs::remove_file(dir.join("checkpoint"));
}

#[test]
fn a_log_that_no_checkpoint_covers_is_not_believed() {
    let dir = log(plain());
    let start = read(dir.path())[0].clone();
    let start = Frame::first(&start).unwrap().body;
    let forged: &[u8] = b"{\"v\":1,\"id\":\"forged\"}";
    let lived: Vec<_> = [(Type::Start, start)]
        .into_iter()
        .chain([(Type::Record, forged); 5])
        .collect();
    forge(dir.path(), &lived);
    check(dir.path(), 6, Damage::CheckpointMissing);
    // A sign of life alone, and what a newer version may write, are no first start either.
    forge(
        dir.path(),
        &[(Type::Start, start), (Type::Heartbeat, b"{}")],
    );
    check(dir.path(), 2, Damage::CheckpointMissing);
    forge(
        dir.path(),
        &[(Type::Start, start), (Type::Unknown(9), b"{}")],
    );
    check(dir.path(), 2, Damage::CheckpointMissing);
    // Without the frame that names the key.
    forge(dir.path(), &[(Type::Record, forged)]);
    check(dir.path(), 0, Damage::Altered);
}

#[test]
fn a_first_start_that_was_cut_short_goes_on_and_is_not_called_whole_before() {
    // Nothing yet, a start, and a start with its checkpoint, of which no file speaks.
    for (kept, damage) in [
        (0, Damage::Empty),
        (1, Damage::CheckpointMissing),
        (2, Damage::CheckpointMissing),
    ] {
        let dir = log(plain());
        let mut frames = read(dir.path());
        frames.truncate(kept);
        write(dir.path(), &frames);
        fs::remove_file(dir.path().join("checkpoint")).unwrap();
        let broken = verify(dir.path()).broken.unwrap();
        assert_eq!((broken.seq, broken.damage), (kept as u64, damage));
        let ledger = Ledger::open(dir.path(), Arc::new(|| 8)).unwrap();
        ledger.close().unwrap();
        assert!(verify(dir.path()).ok);
    }
}

#[test]
fn damage_is_told_in_the_word_that_is_documented() {
    let error = crate::audit::AuditError::Corrupt {
        seq: 4,
        damage: Damage::CheckpointMissing,
    };
    let told = error.to_string();
    assert!(told.ends_with("at record 4: checkpoint-missing"), "{told}");
}
