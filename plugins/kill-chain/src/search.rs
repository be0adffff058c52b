//! Finds a chain in the remembered steps, ending in the current event.
//!
//! Every assignment is considered: for each step of the chain and each remembered event we keep the
//! latest possible beginning of an assignment that ends there. A later beginning is never worse for
//! a time or length limit, so one value per pair suffices and a decoy can't hide the real step.

use clawdefender_sdk::Step as Past;

use crate::HISTORY;
use crate::action::{Shape, flag};
use crate::chain::{Carries, Chain, Condition, Relation, Step};
use crate::facts::Facts;
use crate::flow::Flow;
use crate::memo::Seen;

/// Everything a chain is compared with.
pub struct Scene<'a> {
    pub past: &'a [Past<'a>],
    /// Beside `past`; `None` where a memo can't be read.
    pub memos: &'a [Option<Seen<'a>>],
    /// How many of them are carried by newer ones, and come first.
    pub carried: usize,
    pub now: &'a Facts,
    /// What past events are to a condition; one may be there several times.
    pub shapes: &'a [Shape],
    pub at_ms: u64,
    pub server: &'a str,
    pub flow: &'a Flow,
    /// Beside `past`: how the current call follows orders of that step, as bits. Empty when no step
    /// holds one.
    pub leads: &'a [u16],
}

/// So many of the newest shapes are compared, so that as many different ones cost no square.
const COMPARED: usize = 16;

/// What the events of `memos` are to a condition: most are like one shortly before, so that asking
/// these tells cheaply that a chain can't be there.
pub fn shapes(memos: &[Option<Seen<'_>>]) -> Vec<Shape> {
    let mut all: Vec<Shape> = Vec::new();
    for shape in memos.iter().flatten().map(Seen::shape) {
        if !all.iter().rev().take(COMPARED).any(|own| *own == shape) {
            all.push(shape);
        }
    }
    all
}

/// An assignment that ends at one event.
#[derive(Clone, Copy)]
struct Path {
    /// Position of the first event; the current event's is `past.len()`.
    begin: usize,
    /// Position and step-before's position, to read the assignment back.
    at: usize,
    before: Option<usize>,
}

impl Scene<'_> {
    /// Positions of the past events of one assignment, or `None`.
    pub fn find(&self, chain: &Chain) -> Option<Vec<usize>> {
        let now = self.memos.len();
        let last = chain.steps.last()?;
        if !last.accepts(self.now.shape()) || !self.is_possible(chain, last) {
            return None;
        }
        let earliest = self.earliest(chain.max_steps);
        let oldest_ms = self.at_ms.saturating_sub(chain.within_ms);
        // One table per step of the chain, positions ascending.
        let mut tables: Vec<Vec<Path>> = Vec::with_capacity(chain.steps.len());
        for (number, step) in chain.steps.iter().enumerate() {
            let is_last = number + 1 == chain.steps.len();
            let mut table = Vec::new();
            let (mut seen, mut best) = (0, None);
            let since = step.without.as_ref().map(|without| self.since(without));
            for at in if is_last {
                now..now + 1
            } else {
                earliest..now + usize::from(chain.one_call)
            } {
                if !self.accepts(step, at, oldest_ms) {
                    continue;
                }
                let path = match tables.last() {
                    // Across servers: a beginning on the current server can't be part of one.
                    None => (!chain.across_servers || self.server_of(at) != self.server).then_some(
                        Path {
                            begin: at,
                            at,
                            before: None,
                        },
                    ),
                    Some(previous) if !step.relates() => {
                        // Any earlier one will do: remember the best so far.
                        let reach = |path: &Path| path.at < at || (chain.one_call && path.at == at);
                        while let Some(path) = previous.get(seen).filter(|path| reach(path)) {
                            if best.is_none_or(|(_, begin)| path.begin >= begin) {
                                best = Some((seen, path.begin));
                            }
                            seen += 1;
                        }
                        best.map(|(before, begin)| Path {
                            begin,
                            at,
                            before: Some(before),
                        })
                    }
                    Some(previous) => previous
                        .iter()
                        .enumerate()
                        .filter(|(_, path)| path.at < at || (chain.one_call && path.at == at))
                        .filter(|(_, path)| self.relates(step, path.at, at))
                        .filter(|(_, path)| {
                            let since = since.as_ref().and_then(|since| since.get(at));
                            since.is_none_or(|since| *since <= path.at + 1)
                        })
                        .max_by_key(|(_, path)| path.begin)
                        .map(|(before, path)| Path {
                            begin: path.begin,
                            at,
                            before: Some(before),
                        }),
                };
                table.extend(path);
            }
            if table.is_empty() {
                return None;
            }
            tables.push(table);
        }
        self.read_back(&tables)
    }

    /// Whether there is an event for each step, and what the last one relates to.
    fn is_possible(&self, chain: &Chain, last: &Step) -> bool {
        let follows = |lead: &u16| lead & last.lead == last.lead;
        let flows = match last.flow {
            None => true,
            Some(Carries::Secret) => !self.flow.secret.is_empty(),
            Some(Carries::Content) => !self.flow.content.is_empty(),
        };
        let now = chain.one_call.then(|| self.now.shape());
        let is = |step: &Step| self.shapes.iter().chain(&now).any(|own| step.accepts(*own));
        let before = chain
            .steps
            .split_last()
            .map_or(&[][..], |(_, before)| before);
        flows && (last.lead == 0 || self.leads.iter().any(follows)) && before.iter().all(is)
    }

    /// The position from which on `most` events lie; definitions are none.
    fn earliest(&self, most: usize) -> usize {
        let is_event =
            |memo: &Option<Seen<'_>>| memo.as_ref().is_none_or(|memo| !memo.is(flag::DEFINED));
        let events = self.memos.iter().enumerate().rev();
        let mut counted = events.filter(|(_, memo)| is_event(memo)).map(|(at, _)| at);
        let from = most
            .checked_sub(1)
            .map_or(self.memos.len(), |last| counted.nth(last).unwrap_or(0));
        // Who looks back at everything looks at what is carried, too.
        if most >= HISTORY as usize && from <= self.carried {
            0
        } else {
            from
        }
    }

    /// Per position, how many events there are up to and with the last one before it that is
    /// `without`: so none lies between two positions when that is not past the first.
    fn since(&self, without: &Condition) -> Vec<usize> {
        let mut last = 0;
        let mut since = Vec::with_capacity(self.memos.len() + 1);
        for (at, memo) in self.memos.iter().enumerate() {
            since.push(last);
            let is = |memo: &Seen<'_>| without.holds(memo.shape());
            if memo.as_ref().is_some_and(is) {
                last = at + 1;
            }
        }
        since.push(last);
        since
    }

    fn read_back(&self, tables: &[Vec<Path>]) -> Option<Vec<usize>> {
        let mut found = Vec::new();
        let mut place = Some(0);
        for table in tables.iter().rev() {
            let path = table.get(place?)?;
            if path.at < self.memos.len() && !found.contains(&path.at) {
                found.push(path.at);
            }
            place = path.before;
        }
        found.reverse();
        Some(found)
    }

    fn accepts(&self, step: &Step, at: usize, oldest_ms: u64) -> bool {
        match self.memos.get(at) {
            None => step.accepts(self.now.shape()),
            Some(None) => false,
            Some(Some(memo)) => {
                step.accepts(memo.shape())
                    && self
                        .past
                        .get(at)
                        .is_some_and(|past| (oldest_ms..=self.at_ms).contains(&past.at_ms))
            }
        }
    }

    /// Whether the event at `at` relates to the one before it as `step` demands.
    fn relates(&self, step: &Step, before: usize, at: usize) -> bool {
        if let Some(soon_ms) = step.soon_ms
            && self.time_of(at).saturating_sub(self.time_of(before)) > soon_ms
        {
            return false;
        }
        let server = match step.server {
            None => true,
            Some(Relation::Same) => self.server_of(before) == self.server_of(at),
            Some(Relation::Other) => self.server_of(before) != self.server_of(at),
        };
        let flow = match step.flow {
            None => true,
            Some(Carries::Secret) => self.flow.secret.contains(&before),
            Some(Carries::Content) => self.flow.content.contains(&before),
        };
        server
            && flow
            && (step.lead == 0
                || self
                    .leads
                    .get(before)
                    .is_some_and(|lead| lead & step.lead == step.lead))
            && (!step.same_object || self.share_object(before, at))
    }

    fn share_object(&self, one: usize, two: usize) -> bool {
        let holds = |at: usize, hash: u32| match self.memos.get(at) {
            None => self.now.objects.binary_search(&hash).is_ok(),
            Some(memo) => memo
                .as_ref()
                .is_some_and(|memo| memo.objects().any(|own| own == hash)),
        };
        match self.memos.get(one) {
            Some(Some(memo)) => memo.objects().any(|hash| holds(two, hash)),
            _ => one == two,
        }
    }

    fn time_of(&self, at: usize) -> u64 {
        self.past.get(at).map_or(self.at_ms, |past| past.at_ms)
    }

    fn server_of(&self, at: usize) -> &str {
        self.past.get(at).map_or(self.server, |past| past.server)
    }
}
