//! Data flow: does this call carry out what an earlier step brought in?
//!
//! Compares prints of the call's arguments, in every reading, with the prints that earlier memos
//! kept. Says which steps flowed and where; what that is worth is decided in `leak` and in chains.

use std::collections::BTreeSet;

use clawdefender_sdk::{Event, Role};

use crate::decode;
use crate::facts;
use crate::memo::{self, SecretSeen, Seen};
use crate::pieces;
use crate::print::{Bits, Printer};

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

/// Longest text that is read with its neighbours, in bytes. Shorter than any secret and than a run
/// that is hashed, so that what is found so stands in several texts.
const MAX_PIECE: usize = 7;
/// Texts that are told apart per print, and places of prints that are compared. Chosen: more than a
/// call has that does not repeat itself.
const MAX_TEXTS: usize = 64;
const MAX_PLACES: usize = 256 * 1024;

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
    /// Numbers of cards and accounts that the call carries.
    pub numbers: Vec<Sent>,
    /// Of each secret that is not told here the prints in this call, for a later call to complete.
    pieces: Vec<Vec<u32>>,
}

/// One secret that the call carries.
#[derive(Debug)]
pub struct Leak {
    /// The step that returned it.
    pub at: usize,
    /// Hashes of the hosts it came from; 0: none.
    pub hosts: [u32; 2],
    /// Its prints, and whether they are the short ones.
    pub prints: Vec<u32>,
    pub is_short: bool,
    /// Positions of the event's texts that carry it.
    pub texts: Vec<u16>,
}

/// One number of a card or account that the call carries.
#[derive(Debug)]
pub struct Sent {
    /// The step that returned it.
    pub at: usize,
    pub is_card: bool,
    /// Hash of the host it came from; 0: none.
    pub host: u32,
    /// Its first print, which tells it from others.
    pub first: u32,
    /// Positions of the event's texts that carry it.
    pub texts: Vec<u16>,
}

/// A print in the call that a step may know: in which text, and where in the readings.
type Spot = (u32, u16, usize);

impl Flow {
    pub fn into_call(event: &Event, history: &[Option<Seen<'_>>], printer: &Printer) -> Self {
        let memos = || history.iter().flatten();
        let all = memos().flat_map(values);
        let secrets: usize = all.map(|value| value.prints().len()).sum();
        let prints = secrets + memos().map(|memo| memo.content().len()).sum::<usize>();
        if prints == 0 {
            return Self::default();
        }
        let mut known = Bits::with_capacity(prints);
        for memo in memos() {
            for value in values(memo) {
                value.prints().for_each(|hash| known.insert(hash));
            }
            memo.content().for_each(|hash| known.insert(hash));
        }
        let spots = spots(event, &known, printer);
        let mut flow = match spots.is_empty() {
            true => Self::default(),
            false => Self::weigh(&Prints::of(spots), history),
        };
        pieces::find(event, history, printer, &mut flow);
        flow
    }

    /// At most `most` prints of the pieces, as many of each secret as of the others: those who carry
    /// pieces of many secrets crowd none of them out.
    pub fn hits(&self, most: usize) -> Vec<u32> {
        let (mut hits, mut seen) = (Vec::new(), BTreeSet::new());
        let longest = self.pieces.iter().map(Vec::len).max().unwrap_or(0);
        for round in 0..longest {
            for hash in self.pieces.iter().filter_map(|piece| piece.get(round)) {
                if hits.len() >= most {
                    return hits;
                }
                if seen.insert(*hash) {
                    hits.push(*hash);
                }
            }
        }
        hits
    }

    /// Notes a piece of a secret that is not told.
    pub fn piece(&mut self, prints: Vec<u32>) {
        self.pieces.push(prints);
    }

    fn weigh(sent: &Prints, history: &[Option<Seen<'_>>]) -> Self {
        let mut flow = Self::default();
        let public = public(history);
        let is_secret = |hash: &u32| public.binary_search(hash).is_err();
        let earlier = earlier(history);
        let mut left = MAX_PLACES;
        for (at, memo) in history.iter().enumerate() {
            let Some(memo) = memo else { continue };
            for secret in memo.secrets() {
                let own: Vec<u32> = secret
                    .prints()
                    .filter(|hash| sent.has(*hash))
                    .filter(is_secret)
                    .collect();
                if own.is_empty() {
                    continue;
                }
                let needed = enough(&secret);
                let is_whole = secret.stride > 0;
                let enough = own.len() >= needed;
                let span = SPAN * usize::from(secret.stride);
                let parts = match (is_whole, enough) {
                    (false, true) => Some(Vec::new()),
                    (true, true) => sent.adjoin(&own, needed, span, &mut left).then(Vec::new),
                    (true, false) => continue,
                    (false, false) => {
                        let prints = secret.prints().filter(is_secret);
                        completed(&own, prints, &earlier, needed)
                    }
                };
                let Some(parts) = parts else {
                    flow.piece(own);
                    continue;
                };
                flow.secret.push(at);
                flow.parts.extend(parts);
                settle(&mut flow.parts);
                flow.leaks.push(Leak {
                    at,
                    hosts: secret.hosts,
                    prints: secret.prints().collect(),
                    is_short: false,
                    texts: sent.texts(&own),
                });
            }
            for number in memo.numbers() {
                let own: Vec<u32> = number.prints().filter(is_secret).collect();
                let all =
                    own.len() == number.prints().len() && own.iter().all(|hash| sent.has(*hash));
                if let Some(first) = own.first()
                    && all
                    && sent.adjoin(&own, own.len(), SPAN, &mut left)
                {
                    flow.numbers.push(Sent {
                        at,
                        is_card: number.stride == memo::CARD,
                        host: number.hosts[1],
                        first: *first,
                        texts: sent.texts(&own),
                    });
                }
            }
            let kept = memo.content().len();
            let own = memo.content().filter(|hash| sent.has(*hash)).count();
            if kept > 0 && own >= CONTENT_PRINTS.min(kept.max(4)) {
                flow.content.push(at);
            }
        }
        settle(&mut flow.secret);
        flow
    }
}

/// Secrets and numbers: what is looked for as a value.
fn values<'a>(memo: &Seen<'a>) -> impl Iterator<Item = SecretSeen<'a>> + use<'a> {
    memo.secrets().chain(memo.numbers())
}

/// Prints of what public pages held, sorted.
pub fn public(history: &[Option<Seen<'_>>]) -> Vec<u32> {
    let mut public: Vec<u32> = history.iter().flatten().flat_map(Seen::public).collect();
    public.sort_unstable();
    public
}

/// Prints of secrets that earlier calls carried, and which calls, sorted.
pub fn earlier(history: &[Option<Seen<'_>>]) -> Vec<(u32, usize)> {
    let memos = history.iter().enumerate();
    let memos = memos.filter_map(|(at, memo)| Some((at, memo.as_ref()?)));
    let hits = memos.flat_map(|(at, memo)| memo.hits().map(move |hash| (hash, at)));
    let mut hits: Vec<(u32, usize)> = hits.collect();
    hits.sort_unstable();
    hits
}

/// The earlier calls that carried what is `needed` of `prints` besides their `own`, if any did.
fn completed(
    own: &[u32],
    prints: impl Iterator<Item = u32>,
    earlier: &[(u32, usize)],
    needed: usize,
) -> Option<Vec<usize>> {
    let (mut all, mut parts) = (own.to_vec(), Vec::new());
    for hash in prints {
        let calls = with(earlier, hash, |(held, _)| *held);
        if !calls.is_empty() {
            all.push(hash);
            parts.extend(calls.iter().map(|(_, call)| *call));
        }
    }
    all.sort_unstable();
    all.dedup();
    settle(&mut parts);
    (all.len() >= needed).then_some(parts)
}

fn settle(positions: &mut Vec<usize>) {
    positions.sort_unstable();
    positions.dedup();
}

/// The prints of the call that steps may know.
struct Prints {
    /// Sorted.
    spots: Vec<Spot>,
    bits: Bits,
}

impl Prints {
    fn of(mut spots: Vec<Spot>) -> Self {
        spots.sort_unstable();
        let mut bits = Bits::with_capacity(spots.len());
        spots.iter().for_each(|(hash, ..)| bits.insert(*hash));
        Self { spots, bits }
    }

    fn has(&self, hash: u32) -> bool {
        self.bits.may_have(hash) && !self.spots(hash).is_empty()
    }

    fn spots(&self, hash: u32) -> &[Spot] {
        with(&self.spots, hash, |(held, ..)| *held)
    }

    /// The positions of the event's texts that carry one of `prints`; one that is none when there
    /// are many.
    fn texts(&self, prints: &[u32]) -> Vec<u16> {
        let mut texts = Vec::new();
        for hash in prints {
            let mut rest = self.spots(*hash);
            for _ in 0..MAX_TEXTS {
                let Some((_, text, _)) = rest.first() else {
                    break;
                };
                texts.push(*text);
                let same = rest.partition_point(|(_, own, _)| own == text);
                rest = rest.get(same..).unwrap_or_default();
            }
            texts.extend(rest.first().map(|_| u16::MAX));
        }
        texts.sort_unstable();
        texts.dedup();
        texts
    }

    /// Whether `needed` of `prints`, which are sorted, lie in one passage that has `span` characters
    /// per print. Of texts that repeat them without end, `left` places are looked at.
    fn adjoin(&self, prints: &[u32], needed: usize, span: usize, left: &mut usize) -> bool {
        let all = prints.iter().map(|hash| self.spots(*hash)).enumerate();
        let places =
            all.flat_map(|(number, spots)| spots.iter().map(move |(.., at)| (*at, number)));
        let mut places: Vec<(usize, usize)> = places.take(*left + 1).collect();
        if places.len() > *left {
            return true;
        }
        *left -= places.len();
        places.sort_unstable();
        let mut counts = vec![0_u32; prints.len()];
        let mut distinct = 0;
        let mut begin = places.iter();
        for (at, number) in &places {
            if let Some(count) = counts.get_mut(*number) {
                distinct += usize::from(*count == 0);
                *count += 1;
            }
            while let Some((_, gone)) = begin
                .as_slice()
                .first()
                .filter(|(from, _)| from + needed * span < *at)
            {
                if let Some(count) = counts.get_mut(*gone) {
                    *count -= 1;
                    distinct -= usize::from(*count == 0);
                }
                begin.next();
            }
            if distinct >= needed {
                return true;
            }
        }
        false
    }
}

/// Those of a sorted list whose key is `key`.
pub fn with<T>(list: &[T], key: u32, of: impl Fn(&T) -> u32) -> &[T] {
    let from = list.partition_point(|one| of(one) < key);
    let rest = list.get(from..).unwrap_or_default();
    let length = rest.partition_point(|one| of(one) == key);
    rest.get(..length).unwrap_or_default()
}

/// Where the call has prints that are among the `known` ones, in any reading.
fn spots(event: &Event, known: &Bits, printer: &Printer) -> Vec<Spot> {
    let mut spots = Vec::new();
    let (mut budget, mut base) = (BUDGET, 0);
    let sent = [Role::Argument, Role::Key, Role::Content, Role::Uri];
    let texts = event.texts.iter();
    let texts = texts.map(|text| sent.contains(&text.role).then(|| facts::seen(text)));
    let texts: Vec<Option<&str>> = texts.collect();
    // What is cut into pieces too short to be told is read as one, too.
    let pieces = joined(&texts);
    let pieces = pieces.iter().map(|(number, text)| (*number, text.as_str()));
    let whole = texts.iter().enumerate();
    let whole = whole.filter_map(|(number, text)| Some((number, (*text)?)));
    for (number, text) in whole.chain(pieces) {
        let number = u16::try_from(number).unwrap_or(u16::MAX);
        decode::readings(text.as_bytes(), &mut budget, &mut |bytes| {
            let read = printer.met(bytes, known, |at, hash| {
                spots.push((hash, number, (base + at) / 2));
            });
            // Readings do not adjoin.
            base += read + 2 * SPAN * WHOLE_PRINTS * usize::from(u8::MAX);
        });
    }
    spots
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
