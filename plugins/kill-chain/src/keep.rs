//! What is worth remembering of an event, and what is moved on before it is forgotten.

use clawdefender_sdk::{Event, Step};

use crate::action::{Actions, Place, flag};
use crate::memo::{self, Memo, Seen};
use crate::print::settle;
use crate::{HISTORY, KillChain};

/// So many of the oldest steps are about to be forgotten when the history is full.
const NEARLY_OUT: usize = 20;
/// Equal steps nearer than this are remembered once, so that a flood can't push others out.
const SAME_MS: u64 = 60 * 1000;

/// The memo of a tool whose definition adds actions to its name.
pub fn definition(key: u32, adds: Actions, memos: &[Option<Seen<'_>>]) -> Memo {
    let mut memo = Memo {
        flags: flag::DEFINED,
        tools: vec![(key, adds)],
        ..Memo::default()
    };
    carry(&mut memo, memos);
    memo
}

impl KillChain {
    /// The memo's bytes, when a chain or a flow could need them later.
    pub(crate) fn worth(
        &self,
        mut memo: Memo,
        event: &Event,
        recent: &[Step<'_>],
        memos: &[Option<Seen<'_>>],
    ) -> Option<Vec<u8>> {
        // What a lead or a flow needs is held below, not by the step alone.
        let begins = self.chains.iter().any(|chain| {
            chain.steps.windows(2).any(|pair| {
                let [step, next] = pair else { return false };
                next.lead == 0
                    && next.flow.is_none()
                    && step.accepts(memo.actions, memo.flags, memo.places)
            })
        });
        let holds = !(memo.secrets.is_empty()
            && memo.orders.is_empty()
            && memo.content.is_empty()
            && memo.hits.is_empty()
            && memo.flags & flag::LED == 0);
        if !begins && !holds {
            return None;
        }
        // A result is always kept when its call was: it is what closes the call.
        let newest = recent.iter().zip(memos).rev().take(16);
        // What a chain wants not to lie between makes the later one another step.
        let parts = |past: &Seen<'_>| {
            let withouts = self.chains.iter().flat_map(|chain| &chain.steps);
            withouts
                .filter_map(|step| step.without.as_ref())
                .any(|without| without.holds(past.actions, past.flags, past.places))
        };
        let mut same = newest.take_while(|(_, past)| !past.as_ref().is_some_and(parts));
        let again = same.any(|(step, past)| {
            past.as_ref().is_some_and(|past| {
                !holds
                    && past.secrets().len() == 0
                    && !past.holds_orders()
                    && (past.actions, past.flags, past.places, past.tool)
                        == (memo.actions, memo.flags, memo.places, memo.tool)
                    && past.objects().eq(memo.objects.iter().copied())
                    && step.server == event.server.name
                    && event.at_ms.saturating_sub(step.at_ms) < SAME_MS
                    && memo.places & Place::Credential.bit() == 0
            })
        });
        if again {
            return None;
        }
        carry(&mut memo, memos);
        Some(memo.encode())
    }
}

/// Secrets and tools that are about to be forgotten move into the newest memo, so that filling the
/// history with other steps does not wash them out.
fn carry(memo: &mut Memo, memos: &[Option<Seen<'_>>]) {
    if memos.len() + NEARLY_OUT <= HISTORY as usize {
        return;
    }
    for (tool, actions) in memos
        .iter()
        .take(NEARLY_OUT)
        .flatten()
        .flat_map(Seen::tools)
    {
        let newer = memos
            .iter()
            .skip(NEARLY_OUT)
            .flatten()
            .flat_map(|memo| memo.tools());
        let mut held = newer.chain(memo.tools.iter().copied());
        if !held.any(|(own, held)| own == tool && held.0 & actions.0 == actions.0) {
            memo.tools.push((tool, actions));
        }
    }
    if memo.flags & flag::PUBLIC != 0 {
        return;
    }
    for past in memos.iter().take(NEARLY_OUT).flatten() {
        let Some(first) = past.secrets().next() else {
            continue;
        };
        let mut newest = memos.iter().rev().take(2 * NEARLY_OUT).flatten();
        let held = newest.any(|newer| newer.secrets().any(|hash| hash == first));
        if !held && memo.secrets.len() + past.secrets().len() <= memo::MAX_SECRETS {
            memo.secrets.extend(past.secrets());
        }
    }
    settle(&mut memo.secrets, memo::MAX_SECRETS);
}
