//! Data flow: does this call carry out what an earlier step brought in?
//!
//! Compares prints of the call's arguments, in every reading, with the prints that earlier memos
//! kept. Says which steps flowed and where; what that is worth is decided in `leak` and in chains.

use clawdefender_sdk::{Event, Role};

use crate::decode;
use crate::facts;
use crate::memo::{SecretSeen, Seen};
use crate::print::{Index, Printer};

/// Bytes of readings looked at per event. Longer arguments are read from their beginning. Chosen: more
/// than a model writes in one call, and far under the deadline.
const BUDGET: usize = 128 * 1024;
/// Content needs a longer shared passage than a secret: about forty letters.
const CONTENT_PRINTS: usize = 12;
/// The same of a text that is a secret as a whole, or two fifths of it when it is shorter: less
/// than that is a word or a path that many texts have.
const WHOLE_PRINTS: usize = 12;
/// Letters and digits in which so many prints of one passage lie, per print: at least every fourth
/// is kept, and a passage may be cut a little.
const SPAN: usize = 10;

/// Longest text that is read with its neighbours, in bytes.
const MAX_PIECE: usize = 4;

/// What flows into the current call.
#[derive(Debug, Default)]
pub struct Flow {
    /// Steps whose secrets the call carries, alone or completed by earlier parts.
    pub secret: Vec<usize>,
    /// The secrets themselves.
    pub leaks: Vec<Leak>,
    /// Earlier calls that carried the other parts.
    pub parts: Vec<usize>,
    /// Steps whose private content the call carries.
    pub content: Vec<usize>,
    /// Prints of secrets in this call, complete or not, for a later call to complete.
    pub hits: Vec<u32>,
}

/// One secret that the call carries.
#[derive(Debug)]
pub struct Leak {
    /// The step that returned it.
    pub at: usize,
    /// Hashes of the hosts it came from; 0: none.
    pub hosts: [u32; 2],
    /// Its prints.
    pub prints: Vec<u32>,
    /// Positions of the event's texts that carry it.
    pub texts: Vec<u16>,
}

/// Whose prints an owner of the index stands for.
enum Owner<'a> {
    Secret(usize, SecretSeen<'a>),
    Content(usize, usize),
}

/// A print found in the call: whose, which, where in the readings, in which text.
type Match = (u16, u32, usize, u16);

impl Flow {
    pub fn into_call(event: &Event, history: &[Option<Seen<'_>>], printer: &Printer) -> Self {
        let memos = || history.iter().flatten();
        let prints = |memo: &Seen<'_>| memo.secrets().map(|own| own.prints().len()).sum::<usize>();
        let known = memos()
            .map(|memo| prints(memo) + memo.content().len())
            .sum();
        if known == 0 {
            return Self::default();
        }
        let mut public: Vec<u32> = memos().flat_map(Seen::public).collect();
        public.sort_unstable();
        let mut index = Index::with_capacity(known);
        let mut owners: Vec<Owner<'_>> = Vec::new();
        for (at, memo) in history.iter().enumerate() {
            let Some(memo) = memo else { continue };
            for secret in memo.secrets() {
                let Ok(owner) = u16::try_from(owners.len()) else {
                    break;
                };
                secret
                    .prints()
                    .filter(|hash| public.binary_search(hash).is_err())
                    .for_each(|hash| index.insert(hash, owner));
                owners.push(Owner::Secret(at, secret));
            }
            if memo.content().len() > 0
                && let Ok(owner) = u16::try_from(owners.len())
            {
                memo.content().for_each(|hash| index.insert(hash, owner));
                owners.push(Owner::Content(at, memo.content().len()));
            }
        }
        let mut matched: Vec<Match> = Vec::new();
        let (mut budget, mut base) = (BUDGET, 0);
        let sent = [Role::Argument, Role::Key, Role::Content, Role::Uri];
        let texts = event
            .texts
            .iter()
            .map(|text| sent.contains(&text.role).then(|| facts::seen(text)));
        let texts: Vec<Option<&str>> = texts.collect();
        // What is cut into pieces too short to be told is read as one, too.
        let pieces = joined(&texts);
        let pieces = pieces.iter().map(|(number, text)| (*number, text.as_str()));
        let whole = texts
            .iter()
            .enumerate()
            .filter_map(|(number, text)| Some((number, (*text)?)));
        for (number, text) in whole.chain(pieces) {
            let number = u16::try_from(number).unwrap_or(u16::MAX);
            decode::readings(text.as_bytes(), &mut budget, &mut |bytes| {
                let mut at = base;
                printer.grams_both_ways(bytes, |hash| {
                    at += 1;
                    index.owners(hash, |owner| matched.push((owner, hash, at / 2, number)));
                });
                // Readings do not adjoin.
                base = at + 2 * SPAN * WHOLE_PRINTS * usize::from(u8::MAX);
            });
        }
        matched.sort_unstable();
        Self::weigh(&matched, history, &index, &owners)
    }

    fn weigh(
        matched: &[Match],
        history: &[Option<Seen<'_>>],
        index: &Index,
        owners: &[Owner<'_>],
    ) -> Self {
        let mut flow = Self::default();
        let mut earlier: Vec<(u16, u32, usize)> = Vec::new();
        if !matched.is_empty() {
            for (at, memo) in history.iter().enumerate() {
                for hash in memo.iter().flat_map(Seen::hits) {
                    index.owners(hash, |owner| earlier.push((owner, hash, at)));
                }
            }
        }
        for group in matched.chunk_by(|one, two| one.0 == two.0) {
            let Some(&(owner, ..)) = group.first() else {
                continue;
            };
            let mut own: Vec<u32> = group.iter().map(|(_, hash, ..)| *hash).collect();
            own.dedup();
            match owners.get(usize::from(owner)) {
                Some(Owner::Content(at, kept))
                    if own.len() >= CONTENT_PRINTS.min((*kept).max(4)) =>
                {
                    flow.content.push(*at);
                }
                Some(Owner::Secret(at, secret)) => {
                    let needed = enough(secret);
                    let is_whole = secret.stride > 0;
                    let alone = match secret.stride {
                        0 => own.len() >= needed,
                        stride => adjoin(group, needed, SPAN * usize::from(stride)),
                    };
                    if !is_whole || own.len() >= needed {
                        flow.hits.extend(&own);
                    }
                    let others = || earlier.iter().filter(|(held, ..)| *held == owner);
                    let mut all = own;
                    all.extend(others().map(|(_, hash, _)| *hash));
                    all.sort_unstable();
                    all.dedup();
                    if alone || (!is_whole && all.len() >= needed) {
                        let mut texts: Vec<u16> = group.iter().map(|(.., text)| *text).collect();
                        texts.sort_unstable();
                        texts.dedup();
                        flow.secret.push(*at);
                        flow.leaks.push(Leak {
                            at: *at,
                            hosts: secret.hosts,
                            prints: secret.prints().collect(),
                            texts,
                        });
                        if !alone {
                            flow.parts.extend(others().map(|(_, _, part)| *part));
                        }
                    }
                }
                _ => {}
            }
        }
        for list in [&mut flow.parts, &mut flow.secret, &mut flow.content] {
            list.sort_unstable();
            list.dedup();
        }
        flow
    }
}

/// Short texts that stand in a row, as one each; with the position of the first.
fn joined(texts: &[Option<&str>]) -> Vec<(usize, String)> {
    let mut all: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (number, text) in texts.iter().enumerate() {
        let piece = text.filter(|text| (1..=MAX_PIECE).contains(&text.len()));
        match (piece, all.last_mut().filter(|_| open)) {
            (Some(piece), Some((_, joined))) => joined.push_str(piece),
            (Some(piece), None) => all.push((number, piece.to_owned())),
            (None, _) => {}
        }
        open = piece.is_some();
    }
    all.retain(|(_, joined)| joined.len() > MAX_PIECE);
    all
}

/// How many of a secret's prints must be there. Of a value a third, at least one, at most four;
/// chosen: half of a 20-character key, in two sends, still reaches it.
fn enough(secret: &SecretSeen<'_>) -> usize {
    let kept = secret.prints().len();
    match secret.stride {
        0 => kept.div_ceil(3).clamp(1, 4),
        _ => (kept * 2).div_ceil(5).clamp(4.min(kept), WHOLE_PRINTS),
    }
}

/// Whether so many different prints lie in one passage, which has `span` characters per print.
fn adjoin(group: &[Match], needed: usize, span: usize) -> bool {
    let mut places: Vec<(usize, u32)> = group.iter().map(|(_, hash, at, _)| (*at, *hash)).collect();
    places.sort_unstable();
    let mut from = 0;
    for to in 0..places.len() {
        let at = |position: usize| places.get(position).map_or(0, |(at, _)| *at);
        while at(from) + needed * span < at(to) {
            from += 1;
        }
        if to + 1 - from >= needed {
            let here = places.get(from..=to).unwrap_or_default();
            let mut distinct: Vec<u32> = here.iter().map(|(_, hash)| *hash).collect();
            distinct.sort_unstable();
            distinct.dedup();
            if distinct.len() >= needed {
                return true;
            }
        }
    }
    false
}
