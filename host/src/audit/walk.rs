//! Reads a log from the first frame to the last and checks every link, root and signature.
//!
//! Takes no lock and writes nothing. It stops at the first thing that is wrong; naming the kind of
//! a broken link needs a second look, which is in [`classify`](super::classify).

use std::fs;
use std::io;
use std::path::Path;

use super::damage::{Broken, Damage};
use super::frame::{self, Frame, Type, Unreadable};
use super::key::PublicKey;
use super::merkle::{CompactRange, Hash};
use super::note::{Note, SignatureState};

/// What the walk found up to its end or to the first damage.
pub(super) struct Walked {
    pub range: CompactRange,
    /// Leaf of the last good frame, or the genesis value.
    pub last: Hash,
    /// The last segment read, 0 if there is none, and its good length.
    pub segment: u32,
    pub bytes: u64,
    /// An incomplete last frame.
    pub tail: Option<Tail>,
    /// The last thing written was a stop, or nothing was written at all.
    pub clean: bool,
    /// Size that the last good checkpoint in the segments speaks of.
    pub signed: Option<u64>,
    /// What the `checkpoint` file holds, and whether that checkpoint was met in the segments.
    promised: Option<Note>,
    met: bool,
    /// There is a `checkpoint` file. A log without one never got further than its first start.
    pub witnessed: bool,
    /// A frame was met that is neither a start nor a checkpoint: it was written to an open log.
    used: bool,
    pub damage: Option<Broken>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tail {
    pub bytes: u64,
}

pub(super) fn segment_name(segment: u32) -> String {
    format!("{segment:06}.seg")
}

/// The numbers of the segments that are there, ascending.
pub(super) fn segments(dir: &Path) -> io::Result<Vec<u32>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_suffix(".seg"))
            .and_then(|digits| digits.parse().ok());
        // Only the one spelling: `1.seg` beside `000001.seg` would be a second truth.
        numbers.extend(number.filter(|number| name.to_str() == Some(&segment_name(*number))));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

pub(super) fn any_segment(dir: &Path) -> io::Result<bool> {
    Ok(!segments(dir)?.is_empty())
}

/// Walks the log of this key's install.
pub(super) fn walk(dir: &Path, key: &PublicKey) -> io::Result<Walked> {
    // Read before the segments: a live writer only ever makes them longer afterwards.
    let promised = fs::read(dir.join("checkpoint"));
    let mut walked = Walked {
        range: CompactRange::default(),
        last: frame::genesis(key.origin()),
        segment: 0,
        bytes: 0,
        tail: None,
        clean: true,
        signed: None,
        promised: promised.as_deref().ok().and_then(Note::parse),
        met: false,
        witnessed: promised.is_ok(),
        used: false,
        damage: None,
    };
    let numbers = segments(dir)?;
    let last = numbers.last().copied().unwrap_or(0);
    for number in numbers {
        if number != walked.segment + 1 {
            walked.stop(Damage::SegmentMissing, None);
            return Ok(walked);
        }
        let bytes = read_settled(&dir.join(segment_name(number)), number == last)?;
        walked.segment(number, &bytes, number == last, key);
        if walked.damage.is_some() {
            return Ok(walked);
        }
    }
    walked.keep_promise(promised, key)?;
    Ok(walked)
}

/// The file's bytes. A live writer's last frame may be seen half written: then it is read again.
fn read_settled(path: &Path, is_last: bool) -> io::Result<Vec<u8>> {
    let mut bytes = fs::read(path)?;
    for _ in 0..5 {
        if !is_last || frames(&bytes).1.is_empty() {
            break;
        }
        let again = fs::read(path)?;
        if again == bytes {
            break;
        }
        bytes = again;
    }
    Ok(bytes)
}

/// The complete frames at the start of `bytes`, and what is left.
pub(super) fn frames(bytes: &[u8]) -> (Vec<Frame<'_>>, &[u8]) {
    let (mut frames, mut rest) = (Vec::new(), bytes);
    while let Ok(frame) = Frame::first(rest) {
        rest = rest.get(frame.bytes.len()..).unwrap_or_default();
        frames.push(frame);
    }
    (frames, rest)
}

impl Walked {
    /// Frames at the end that no checkpoint covers: anybody may have changed or added them.
    pub fn unsigned(&self) -> u64 {
        // The frame of the checkpoint itself is bound by what it holds.
        let signed = self.signed.map_or(0, |size| size + 1);
        self.range.size().saturating_sub(signed)
    }

    fn stop(&mut self, damage: Damage, at: Option<(u32, u64)>) {
        self.damage = Some(Broken {
            seq: self.range.size(),
            damage,
            at,
        });
    }

    fn segment(&mut self, number: u32, bytes: &[u8], is_last: bool, key: &PublicKey) {
        (self.segment, self.bytes) = (number, 0);
        let mut rest = bytes;
        while !rest.is_empty() {
            let frame = match Frame::first(rest) {
                Ok(frame) => frame,
                Err(why) => {
                    if is_last && torn(rest, why) {
                        self.tail = Some(Tail {
                            bytes: rest.len() as u64,
                        });
                    } else {
                        self.stop(Damage::Altered, Some((number, self.bytes)));
                    }
                    return;
                }
            };
            if let Some(damage) = self.refuse(&frame, key) {
                if damage == Damage::Rewritten {
                    let seq = self.signed.map_or(0, |checkpoint| checkpoint + 1);
                    self.damage = Some(Broken {
                        seq,
                        damage,
                        at: None,
                    });
                    return;
                }
                self.stop(damage, Some((number, self.bytes)));
                return;
            }
            self.last = frame.leaf();
            self.range.push(self.last);
            self.bytes += frame.bytes.len() as u64;
            rest = rest.get(frame.bytes.len()..).unwrap_or_default();
        }
    }

    /// What is wrong with the next frame.
    fn refuse(&mut self, frame: &Frame<'_>, key: &PublicKey) -> Option<Damage> {
        if frame.prev != self.last {
            return Some(Damage::Unlinked);
        }
        self.used |= !matches!(frame.kind, Type::Start | Type::Checkpoint);
        // A start names the key that the log is for; nothing else begins one.
        if self.range.size() == 0 && frame.kind != Type::Start {
            return Some(Damage::Altered);
        }
        match frame.kind {
            Type::Checkpoint => {
                let note = Note::parse(frame.body);
                let Some(note) = note.filter(|_| frame.salt == frame::checkpoint_salt(frame.body))
                else {
                    return Some(Damage::Altered);
                };
                let damage = self.refuse_note(&note, key).or_else(|| {
                    let same = note.size == self.range.size() && note.root == self.range.root();
                    (!same).then_some(Damage::Rewritten)
                });
                if damage.is_none() {
                    self.met |= self.promised.as_ref() == Some(&note);
                    self.signed = Some(note.size);
                }
                damage
            }
            Type::Start => {
                self.clean = false;
                refuse_start(frame.body, key)
            }
            kind => {
                self.clean = kind == Type::Stop;
                None
            }
        }
    }

    fn refuse_note(&self, note: &Note, key: &PublicKey) -> Option<Damage> {
        if note.origin != key.origin() && note.names_one_origin() {
            return Some(Damage::Foreign);
        }
        match note.signature(key) {
            SignatureState::Good => None,
            SignatureState::Bad => Some(Damage::Signature),
            SignatureState::OtherKey if note.names_one_origin() => Some(Damage::KeyReplaced),
            SignatureState::OtherKey => Some(Damage::Signature),
        }
    }

    /// The `checkpoint` file is the witness of the end: the frames it speaks of must be there.
    fn keep_promise(&mut self, promised: io::Result<Vec<u8>>, key: &PublicKey) -> io::Result<()> {
        match promised {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // A log takes nothing before the first one is on the disk, and nobody takes it away:
                // without it only a first start that was cut short is believed.
                if self.used {
                    self.stop(Damage::CheckpointMissing, None);
                }
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        let Some(note) = self.promised.take() else {
            self.stop(Damage::CheckpointMissing, None);
            return Ok(());
        };
        if let Some(damage) = self.refuse_note(&note, key) {
            self.stop(damage, None);
        } else if self.segment == 0 {
            self.stop(Damage::SegmentMissing, None);
        // The frame that holds the checkpoint is durable before the file is, so it must be there.
        } else if self.range.size() <= note.size {
            self.stop(Damage::Truncated, None);
        } else if !self.met {
            let damage = Damage::Altered;
            self.damage = Some(Broken {
                seq: note.size,
                damage,
                at: None,
            });
        }
        Ok(())
    }
}

fn refuse_start(body: &[u8], key: &PublicKey) -> Option<Damage> {
    #[derive(serde::Deserialize)]
    struct Start {
        install: String,
        key: String,
    }
    match serde_json::from_slice::<Start>(body) {
        Err(_) => Some(Damage::Altered),
        Ok(start) if start.install == key.origin() && start.key == key.line() => None,
        // A damaged key line has a wrong key id: only a whole one is another's.
        Ok(start) => match PublicKey::parse(&start.key) {
            Some(other) if other.origin() != start.install => Some(Damage::Altered),
            Some(other) if other.origin() != key.origin() => Some(Damage::Foreign),
            Some(other) if other != *key => Some(Damage::KeyReplaced),
            _ => Some(Damage::Altered),
        },
    }
}

/// Whether `rest`, which no frame can be read from, is what a crash leaves: the beginning of one
/// frame, or zeros from a file system that had grown the file before its content arrived.
fn torn(rest: &[u8], why: Unreadable) -> bool {
    let begun = why == Unreadable::Incomplete && !holds_frames(rest);
    begun || rest.iter().all(|byte| *byte == 0)
}

/// Whether a complete frame lies somewhere inside `rest`: then its beginning is a damaged frame
/// (a flipped length), and what follows must not be cut away as a torn tail.
fn holds_frames(rest: &[u8]) -> bool {
    next_frame(rest).is_some()
}

/// Where the next complete frame begins after the first byte of `rest`: one that ends with the
/// bytes or that the frame behind it follows.
pub(super) fn next_frame(rest: &[u8]) -> Option<usize> {
    (1..rest.len()).find(|at| {
        let at = *at;
        let Some(Ok(frame)) = rest.get(at..).map(Frame::first) else {
            return false;
        };
        if matches!(frame.kind, Type::Unknown(_)) {
            return false;
        }
        let after = rest.get(at + frame.bytes.len()..).unwrap_or_default();
        after.is_empty() || Frame::first(after).is_ok_and(|next| next.prev == frame.leaf())
    })
}
