//! A secret that leaves in small pieces, a few letters at a time.
//!
//! `flow` needs eleven letters in a row. Here six are enough, because their places in the secret are
//! known: pieces of one call or several must adjoin and be most of it. That is asked of values that look
//! random and of the newest steps only: what is carried on has no short prints.

use clawdefender_sdk::{Event, Role};

use crate::facts;
use crate::flow::{Flow, Leak, earlier, public, with};
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

/// The short prints of the value that `secret` was made of, when it is one that can be told by them.
pub fn short(value: &str, secret: &Secret, printer: &Printer) -> Option<Secret> {
    let shorts = printer.shorts(value.as_bytes());
    let told = is_random(value) && LETTERS.contains(&(shorts.len() + SHORT - 1));
    let first = *secret.prints.first().filter(|_| told)?;
    Some(Secret {
        stride: memo::SHORT,
        hosts: secret.hosts,
        prints: [vec![first], shorts].concat(),
    })
}

/// Adds to `flow` the secrets of which this call carries pieces that make a passage, alone or with
/// those of earlier ones, and what a later call may make one with.
pub fn find(event: &Event, history: &[Option<Seen<'_>>], printer: &Printer, flow: &mut Flow) {
    let mut sent = sent(event, printer);
    let mut bits = Bits::with_capacity(sent.len());
    sent.iter().for_each(|(hash, _)| bits.insert(*hash));
    let mut known: Vec<(usize, u32, SecretSeen<'_>)> = Vec::new();
    for (at, memo) in history.iter().enumerate().rev().take(MAX_STEPS).rev() {
        let short = memo.iter().flat_map(Seen::short);
        let met = short.filter(|(_, secret)| secret.prints().any(|hash| bits.may_have(hash)));
        known.extend(met.map(|(whole, secret)| (at, whole, secret)));
    }
    if known.is_empty() {
        return;
    }
    sent.sort_unstable();
    let is_sent = |hash: u32| bits.may_have(hash) && !with(&sent, hash, |(own, _)| *own).is_empty();
    // Told already by what is longer, or no secret.
    let mut settled = public(history);
    let told = flow.leaks.iter().flat_map(|leak| &leak.prints);
    settled.extend(told);
    settled.sort_unstable();
    let mut before = None;
    for (at, whole, secret) in known {
        if settled.binary_search(&whole).is_ok() {
            continue;
        }
        let prints: Vec<u32> = secret.prints().collect();
        let sent_of = prints.iter().copied().filter(|hash| is_sent(*hash));
        let own: Vec<u32> = sent_of.collect();
        if own.is_empty() {
            continue;
        }
        let before = before.get_or_insert_with(|| earlier(history));
        let Some(parts) = passage(&prints, is_sent, before) else {
            flow.piece(own);
            continue;
        };
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
            is_short: true,
            texts,
        });
    }
    for list in [&mut flow.secret, &mut flow.parts] {
        list.sort_unstable();
        list.dedup();
    }
}

/// The earlier calls that carried pieces which, with a new one of this call, are a passage long
/// enough: none when this call has all of it.
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
        if is_new && end - begin >= needed {
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
