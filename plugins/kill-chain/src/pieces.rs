//! A secret that leaves in small pieces, a few letters with each call.
//!
//! `flow` needs eleven letters in a row. Here six are enough, because their places in the secret are
//! known: pieces of several calls must adjoin and be most of it. That is asked of values that look
//! random and of the newest steps only: what is carried on has no short prints.

use clawdefender_sdk::{Event, Role};

use crate::facts;
use crate::flow::{Flow, Leak, earlier, with};
use crate::memo::{self, Secret, SecretSeen, Seen};
use crate::print::{Bits, Printer, SHORT};
use crate::secret::is_random;

/// Letters and digits of a value whose short prints are kept, and values of one event. Chosen: what
/// keys of services have.
const LETTERS: std::ops::RangeInclusive<usize> = 20..=64;
pub const MAX_SHORT: usize = 8;
/// Bytes of a text that is looked at, and of all of a call: who takes small steps writes little.
const MAX_TEXT: usize = 512;
const MAX_READ: usize = 4096;
/// Steps whose secrets are looked for: each costs every call a little.
const MAX_STEPS: usize = 128;
/// The shortest passage that is told, and the part of the value that it must be.
const MIN_PASSAGE: usize = 18;
const PART: (usize, usize) = (3, 4);

/// The short prints of a secret, when it is one that can be told by them.
pub fn short(value: &str, hosts: [u32; 2], printer: &Printer) -> Option<Secret> {
    let prints = printer.shorts(value.as_bytes());
    let told = is_random(value) && LETTERS.contains(&(prints.len() + SHORT - 1));
    told.then_some(Secret {
        stride: memo::SHORT,
        hosts,
        prints,
    })
}

/// Adds to `flow` the secrets of which this call carries a piece that makes a passage with earlier
/// ones, and what a later call may make one with.
pub fn find(event: &Event, history: &[Option<Seen<'_>>], printer: &Printer, flow: &mut Flow) {
    let mut sent = sent(event, printer);
    let mut bits = Bits::with_capacity(sent.len());
    sent.iter().for_each(|(hash, _)| bits.insert(*hash));
    let mut known: Vec<(usize, SecretSeen<'_>)> = Vec::new();
    for (at, memo) in history.iter().enumerate().rev().take(MAX_STEPS).rev() {
        let short = memo.iter().flat_map(Seen::short);
        let met = short.filter(|secret| secret.prints().any(|hash| bits.may_have(hash)));
        known.extend(met.map(|secret| (at, secret)));
    }
    if known.is_empty() {
        return;
    }
    sent.sort_unstable();
    let is_sent = |hash: u32| bits.may_have(hash) && !with(&sent, hash, |(own, _)| *own).is_empty();
    let mut before = None;
    for (at, secret) in known {
        if !secret.prints().any(is_sent) || flow.secret.contains(&at) {
            continue;
        }
        let before = before.get_or_insert_with(|| earlier(history));
        let prints: Vec<u32> = secret.prints().collect();
        let own: Vec<u32> = prints
            .iter()
            .copied()
            .filter(|hash| is_sent(*hash))
            .collect();
        if let Some(parts) = passage(&prints, is_sent, before) {
            let texts = own
                .iter()
                .flat_map(|hash| with(&sent, *hash, |(own, _)| *own));
            let mut texts: Vec<u16> = texts.map(|(_, text)| *text).collect();
            texts.sort_unstable();
            texts.dedup();
            flow.secret.push(at);
            flow.parts.extend(parts);
            flow.leaks.push(Leak {
                at,
                hosts: secret.hosts,
                prints,
                texts,
            });
        }
        flow.hits.extend(own);
    }
    for list in [&mut flow.secret, &mut flow.parts] {
        list.sort_unstable();
        list.dedup();
    }
}

/// The earlier calls that carried pieces which, with a new one of this call, are a passage long
/// enough.
fn passage(
    prints: &[u32],
    is_sent: impl Fn(u32) -> bool,
    before: &[(u32, usize)],
) -> Option<Vec<usize>> {
    let letters = prints.len() + SHORT - 1;
    let needed = MIN_PASSAGE.max(letters * PART.0 / PART.1);
    let (mut begin, mut end, mut is_new, mut parts) = (0, 0, false, Vec::new());
    for (at, hash) in prints.iter().enumerate() {
        let calls = with(before, *hash, |(own, _)| *own);
        if calls.is_empty() && !is_sent(*hash) {
            continue;
        }
        if at > end {
            (begin, is_new) = (at, false);
            parts.clear();
        }
        end = at + SHORT;
        is_new |= calls.is_empty();
        parts.extend(calls.iter().map(|(_, call)| *call));
        if is_new && !parts.is_empty() && end - begin >= needed {
            parts.sort_unstable();
            parts.dedup();
            return Some(parts);
        }
    }
    None
}

/// The short prints of the call with the texts they are in.
fn sent(event: &Event, printer: &Printer) -> Vec<(u32, u16)> {
    let roles = [Role::Argument, Role::Key, Role::Content, Role::Uri];
    let texts = event.texts.iter().zip(0_u16..);
    let mut left = MAX_READ;
    let mut sent = Vec::new();
    for (text, number) in texts.filter(|(text, _)| roles.contains(&text.role)) {
        let bytes = facts::seen(text).as_bytes();
        if bytes.len() <= MAX_TEXT.min(left) {
            left -= bytes.len();
            sent.extend(printer.shorts(bytes).into_iter().map(|hash| (hash, number)));
        }
    }
    sent
}
