//! Data flow: does this call carry out what an earlier step brought in?
//!
//! Compares prints of the call's arguments, in every reading, with the prints that earlier memos
//! kept. Says which steps flowed; what that is worth is decided in `lib` and in chains.

use clawdefender_sdk::{Event, Role};

use crate::decode;
use crate::facts;
use crate::memo::Seen;
use crate::print::{Index, Printer};

/// Bytes of readings looked at per event. Longer arguments are read from their beginning. Chosen: more
/// than a model writes in one call, and far under the deadline.
const BUDGET: usize = 128 * 1024;
/// Content needs a longer shared passage than a secret: about forty letters.
const CONTENT_PRINTS: usize = 12;

/// What flows into the current call.
#[derive(Debug, Default)]
pub struct Flow {
    /// Steps whose secrets the call carries, alone or completed by earlier parts.
    pub secret: Vec<usize>,
    /// Earlier calls that carried the other parts.
    pub parts: Vec<usize>,
    /// Steps whose private content the call carries.
    pub content: Vec<usize>,
    /// Prints of secrets in this call, complete or not, for a later call to complete.
    pub hits: Vec<u32>,
}

impl Flow {
    pub fn into_call(event: &Event, history: &[Option<Seen<'_>>], printer: &Printer) -> Self {
        let known = history
            .iter()
            .flatten()
            .map(|memo| memo.secrets().len() + memo.content().len())
            .sum();
        if known == 0 {
            return Self::default();
        }
        let mut public: Vec<u32> = history.iter().flatten().flat_map(Seen::public).collect();
        public.sort_unstable();
        // An owner is the step's position and whether the print is of a secret.
        let mut index = Index::with_capacity(known);
        for (at, memo) in history
            .iter()
            .enumerate()
            .filter_map(|(at, memo)| Some((at, memo.as_ref()?)))
        {
            let owner = (at as u16) << 1;
            memo.secrets()
                .filter(|hash| public.binary_search(hash).is_err())
                .for_each(|hash| index.insert(hash, owner | 1));
            memo.content().for_each(|hash| index.insert(hash, owner));
        }
        let mut matched: Vec<(u16, u32)> = Vec::new();
        let mut budget = BUDGET;
        let sent = event.texts.iter().filter(|text| {
            matches!(
                text.role,
                Role::Argument | Role::Key | Role::Content | Role::Uri
            )
        });
        for text in sent {
            decode::readings(facts::seen(text).as_bytes(), &mut budget, &mut |bytes| {
                printer.grams_both_ways(bytes, |hash| {
                    index.owners(hash, |owner| matched.push((owner, hash)))
                });
            });
        }
        matched.sort_unstable();
        matched.dedup();
        Self::weigh(&matched, history, &index)
    }

    fn weigh(matched: &[(u16, u32)], history: &[Option<Seen<'_>>], index: &Index) -> Self {
        let mut flow = Self::default();
        let mut earlier: Vec<(u16, u32, usize)> = Vec::new();
        if !matched.is_empty() {
            for (at, memo) in history
                .iter()
                .enumerate()
                .filter_map(|(at, memo)| Some((at, memo.as_ref()?)))
            {
                for hash in memo.hits() {
                    index.owners(hash, |owner| earlier.push((owner, hash, at)));
                }
            }
        }
        for group in matched.chunk_by(|one, two| one.0 == two.0) {
            let Some(&(owner, _)) = group.first() else {
                continue;
            };
            let at = usize::from(owner >> 1);
            let Some(memo) = history.get(at).and_then(Option::as_ref) else {
                continue;
            };
            if owner & 1 == 0 {
                if group.len() >= CONTENT_PRINTS.min(memo.content().len().max(4)) {
                    flow.content.push(at);
                }
                continue;
            }
            flow.hits.extend(group.iter().map(|(_, hash)| *hash));
            let mut all: Vec<u32> = group.iter().map(|(_, hash)| *hash).collect();
            let others = earlier.iter().filter(|(held, ..)| *held == owner);
            all.extend(others.clone().map(|(_, hash, _)| *hash));
            all.sort_unstable();
            all.dedup();
            if all.len() >= enough(memo.secrets().len()) {
                flow.secret.push(at);
                if group.len() < enough(memo.secrets().len()) {
                    flow.parts.extend(others.map(|(_, _, part)| *part));
                }
            }
        }
        flow.parts.sort_unstable();
        flow.parts.dedup();
        flow
    }
}

/// How many of a secret's prints must be there: a third, at least one, at most four. Chosen: half
/// of a 20-character key, in two sends, still reaches it.
fn enough(kept: usize) -> usize {
    kept.div_ceil(3).clamp(1, 4)
}
