//! What is worth remembering of an event, and what is moved on before it is forgotten.

use clawdefender_sdk::Event;

use crate::action::{Place, flag};
use crate::memo::{self, Carried, Memo, Seen};
use crate::order::{Order, sign};
use crate::past::Past;
use crate::print::{NAME, Printer};
use crate::{HISTORY, KillChain};

/// So many of the oldest steps are about to be forgotten when the history is full.
const NEARLY_OUT: usize = 20;
/// Equal steps nearer than this are remembered once, so that a flood can't push others out.
const SAME_MS: u64 = 60 * 1000;
/// Steps with secrets, and with orders only, that live on in others.
const MAX_LIVING: usize = 100;
/// Bytes of one step that is carried: its secrets, then its orders, the most telling ones first.
const MAX_STEP: usize = 1500;

/// The memo of a tool whose definition adds actions to its name, or gives orders.
pub fn definition(mut memo: Memo, past: &Past<'_>, printer: &Printer) -> Memo {
    memo.flags |= flag::DEFINED;
    carry(&mut memo, past, printer);
    memo
}

impl KillChain {
    /// The memo's bytes, when a chain or a flow could need them later.
    pub(crate) fn worth(&self, mut memo: Memo, event: &Event, past: &Past<'_>) -> Option<Vec<u8>> {
        // What a lead or a flow needs is held below, not by the step alone.
        let begins = self.chains.iter().any(|chain| {
            chain.steps.windows(2).any(|pair| {
                let [step, next] = pair else { return false };
                next.lead == 0 && next.flow.is_none() && step.accepts(memo.shape())
            })
        });
        let holds = !(memo.secrets.is_empty()
            && memo.orders.is_empty()
            && memo.content.is_empty()
            && memo.hits.is_empty()
            && memo.reported.is_empty()
            && memo.flags & (flag::LED | flag::CLOSES | flag::LOGS_IN | flag::GUIDE) == 0);
        if !begins && !holds && memo.hosts.is_empty() {
            return None;
        }
        if !holds && self.again(&memo, event, past) {
            return None;
        }
        carry(&mut memo, past, &self.printer);
        Some(memo.encode())
    }

    /// Whether an equal step lies shortly before, and nothing between that makes this another one.
    fn again(&self, memo: &Memo, event: &Event, past: &Past<'_>) -> bool {
        let newest = past.steps.iter().zip(&past.memos).rev().take(16);
        let mut all = newest.clone();
        let same = all.position(|(step, past)| {
            past.as_ref().is_some_and(|past| {
                (past.shape(), past.tool) == (memo.shape(), memo.tool)
                    && past.secrets().next().is_none()
                    && !past.holds_orders()
                    && past.objects().eq(memo.objects.iter().copied())
                    && past.hosts().eq(memo.hosts.iter().copied())
                    && step.server == event.server.name
                    && event.at_ms.saturating_sub(step.at_ms) < SAME_MS
                    && memo.places & Place::Credential.bit() == 0
            })
        });
        // What a chain wants not to lie between makes the later one another step.
        let parts = |past: &Seen<'_>| {
            let steps = self.chains.iter().flat_map(|chain| &chain.steps);
            let mut withouts = steps.filter_map(|step| step.without.as_ref());
            withouts.any(|without| without.holds(past.shape()))
        };
        same.is_some_and(|at| {
            !newest
                .take(at + 1)
                .filter_map(|(_, past)| past.as_ref())
                .any(parts)
        })
    }
}

/// What is about to be forgotten and still counts moves into the newest memo, each step as its own,
/// so that filling the history with other steps washes nothing out: secrets, orders that press or
/// give an address, and what definitions added.
fn carry(memo: &mut Memo, past: &Past<'_>, printer: &Printer) {
    let recent = past.memos.len() - past.carried();
    if recent + NEARLY_OUT <= HISTORY as usize {
        return;
    }
    // A carried step is about to be forgotten when the step that carries it is.
    let nearly = |at: &usize| past.position(*at) < NEARLY_OUT;
    let all: Vec<usize> = (0..past.memos.len()).filter(nearly).collect();
    let memo_at = |at: usize| past.memos.get(at).and_then(Option::as_ref);
    let is_secret = |seen: &Seen<'_>| seen.secrets().next().is_some();
    let later = past
        .memos
        .iter()
        .skip(past.carried() + NEARLY_OUT)
        .flatten();
    // What steps carry that are not about to be forgotten, and whether that is a secret.
    let mut newer = Vec::new();
    for carrier in later.clone().filter(|seen| seen.carries()) {
        let carried = carrier.carried();
        newer.extend(
            carried.map(|(at_ms, server, seen)| ((at_ms, server, seen.tool), is_secret(&seen))),
        );
    }
    for (tool, actions) in all
        .iter()
        .filter_map(|at| memo_at(*at))
        .flat_map(Seen::tools)
    {
        let mut held = later
            .clone()
            .flat_map(Seen::tools)
            .chain(memo.tools.iter().copied());
        if !held.any(|(own, held)| own == tool && held.0 & actions.0 == actions.0) {
            memo.tools.push((tool, actions));
        }
    }
    // Of each kind only so many live on, the older ones: a flood of what looks like them can't push
    // them out, and the newest are in the history itself.
    let secrets = newer.iter().filter(|(_, is_secret)| *is_secret).count();
    let mut left = [
        MAX_LIVING.saturating_sub(secrets),
        MAX_LIVING.saturating_sub(newer.len() - secrets),
    ];
    let secret = |at: &usize| memo_at(*at).is_some_and(is_secret);
    let (first, then): (Vec<usize>, Vec<usize>) = all.into_iter().partition(secret);
    let mut room = memo::MAX_CARRIED;
    let kinds = first
        .into_iter()
        .map(|at| (0, at))
        .chain(then.into_iter().map(|at| (1, at)));
    for (kind, at) in kinds {
        let seen = memo_at(at).filter(|seen| kind == 0 || seen.holds_orders());
        let (Some(step), Some(seen)) = (past.steps.get(at), seen) else {
            continue;
        };
        let Some(left) = left.get_mut(kind).filter(|left| **left > 0) else {
            continue;
        };
        let server = past.server(at, printer);
        let key = (step.at_ms, server, seen.tool);
        if newer.iter().any(|(own, _)| *own == key) {
            continue;
        }
        let Some(own) = essence(seen) else { continue };
        let own = own.encode();
        let size = own.len() + 14;
        if size <= room && own.len() <= MAX_STEP {
            room -= size;
            *left -= 1;
            memo.carried.push(Carried {
                at_ms: step.at_ms,
                server,
                memo: own,
            });
        }
    }
}

/// What of a step still counts when it is long gone; `None` when nothing does.
fn essence(seen: &Seen<'_>) -> Option<Memo> {
    let mut own = Memo {
        actions: seen.actions,
        flags: seen.flags,
        places: seen.places,
        tool: seen.tool,
        ..Memo::default()
    };
    let mut room = MAX_STEP - memo::HEADER;
    for secret in seen.secrets() {
        let prints: Vec<u32> = secret.prints().collect();
        let size = memo::SECRET_HEADER + prints.len() * 4;
        if size <= room {
            room -= size;
            own.secrets.push(memo::Secret {
                stride: secret.stride,
                hosts: secret.hosts,
                prints,
            });
        }
    }
    for order in seen.orders() {
        let words: Vec<u32> = order.words().collect();
        let presses = order.signs & (sign::OVERT | sign::URGENT | sign::CALLED | sign::LIKELY) != 0;
        let named = words.iter().any(|word| word & NAME != 0);
        let size = memo::ORDER_HEADER + words.len() * 4;
        if order.signs & sign::MENTION == 0 && (presses || named) && size <= room {
            room -= size;
            own.orders.push(Order {
                actions: order.actions,
                signs: order.signs,
                words,
            });
        }
    }
    (!own.secrets.is_empty() || !own.orders.is_empty()).then_some(own)
}

/// Hash of what a call reports: the chain, its first step, the tool and what it is done to.
pub fn report_key(chain: &str, (at_ms, server): (u64, u32), now: &Memo, printer: &Printer) -> u32 {
    let target = now.objects.iter().chain(&now.hosts);
    let target = target.fold(now.tool, |all, hash| all.rotate_left(5) ^ hash);
    printer.word(chain)
        ^ server.rotate_left(7)
        ^ (at_ms as u32).rotate_left(13)
        ^ target.rotate_left(19)
}
