//! The remembered steps as one event sees them: what newer steps carry of forgotten ones comes
//! first, and a look for secrets that found none is no longer one.

use clawdefender_sdk::{Event, Step};

use crate::HISTORY;
use crate::action::{Action, Actions, flag};
use crate::memo::Seen;
use crate::print::{Bits, Printer};

/// How long after its call a result may come and still be known as its answer.
const ANSWER_MS: u64 = 10 * 60 * 1000;

/// Past steps, oldest first.
pub struct Past<'a> {
    pub steps: Vec<Step<'a>>,
    /// Beside `steps`; `None` where a memo can't be read.
    pub memos: Vec<Option<Seen<'a>>>,
    /// Beside the carried ones among `steps`, which come first: the step that carries it.
    carriers: Vec<usize>,
    /// Beside `carriers`: hashes of their servers' names, which may be long gone.
    servers: Vec<u32>,
}

impl<'a> Past<'a> {
    pub fn read(event: &'a Event, recent: &[Step<'a>], printer: &Printer) -> Self {
        let own: Vec<Option<Seen<'a>>> =
            recent.iter().map(|step| Seen::decode(step.memo)).collect();
        let carries = own.iter().flatten().any(Seen::carries);
        let most = if carries { 2 * recent.len() } else { 0 };
        let mut past = Self {
            steps: Vec::with_capacity(recent.len().max(most)),
            memos: Vec::with_capacity(most),
            carriers: Vec::new(),
            servers: Vec::new(),
        };
        let name = |hash: u32| {
            let servers = recent.iter().map(|step| step.server);
            let mut all = servers.chain([event.server.name.as_str()]);
            all.find(|name| printer.word(name) == hash).unwrap_or("")
        };
        let mut known: Vec<(u64, u32, u32)> = Vec::new();
        let mut seen = Bits::with_capacity(HISTORY as usize);
        for (at, memo) in own.iter().enumerate() {
            let Some(memo) = memo.as_ref().filter(|memo| memo.carries()) else {
                continue;
            };
            for (at_ms, server, memo) in memo.carried() {
                let key = (at_ms, server, memo.tool);
                let hash = at_ms as u32 ^ server ^ memo.tool;
                let again = seen.may_have(hash) && known.contains(&key);
                if again || known.len() >= HISTORY as usize {
                    continue;
                }
                known.push(key);
                seen.insert(hash);
                past.carriers.push(at);
                past.servers.push(server);
                past.steps.push(Step {
                    at_ms,
                    server: name(server),
                    link: "",
                    memo: &[],
                });
                past.memos.push(Some(memo));
            }
        }
        past.steps.extend(recent);
        if past.memos.is_empty() {
            past.memos = own;
        } else {
            past.memos.extend(own);
        }
        past.forget_idle();
        past
    }

    /// How many of the steps are carried by newer ones.
    pub fn carried(&self) -> usize {
        self.carriers.len()
    }

    /// Where the step at `at` is found among those that the host handed over.
    pub fn position(&self, at: usize) -> usize {
        let carrier = self.carriers.get(at).copied();
        carrier.unwrap_or_else(|| at - self.carriers.len())
    }

    /// Hash of the name of the server that the step at `at` was on.
    pub fn server(&self, at: usize, printer: &Printer) -> u32 {
        let name = || self.steps.get(at).map_or("", |step| step.server);
        let carried = self.servers.get(at).copied();
        carried.unwrap_or_else(|| printer.word(name()))
    }

    /// A call that looked for secrets and whose answer was seen and held none read no secret; one
    /// that also wrote or packed something may have put it elsewhere.
    fn forget_idle(&mut self) {
        let elsewhere: Actions = [Action::Write, Action::Archive, Action::Encode, Action::Send]
            .into_iter()
            .collect();
        for at in self.carriers.len()..self.memos.len() {
            let Some(call) = self.memos.get(at).and_then(Option::as_ref) else {
                continue;
            };
            let asks = call.actions.has(Action::ReadSecret) && !call.is(flag::RESULT);
            if !asks || call.actions.meets(elsewhere) {
                continue;
            }
            let link = self.steps.get(at).map(|step| step.link);
            let later = self.steps.iter().zip(&self.memos).skip(at + 1);
            let mut answers = later.filter_map(|(step, memo)| {
                let memo = memo.as_ref().filter(|memo| memo.tool == call.tool)?;
                (Some(step.link) == link).then_some(memo)
            });
            // Two calls before one answer: it is not known whose it is.
            let answer = answers.next().filter(|next| next.is(flag::RESULT));
            let idle = answer.is_some_and(|answer| {
                answer.actions.has(Action::ReadSecret) && !answer.is(flag::SECRET)
            });
            if idle && let Some(Some(call)) = self.memos.get_mut(at) {
                call.actions.0 &= !Action::ReadSecret.bit().0;
            }
        }
    }

    /// The remembered call that the result `event` of `tool` answers, when only one can be meant.
    pub fn question(&self, event: &Event, tool: u32) -> Option<&Seen<'a>> {
        let newest = self.steps.iter().zip(&self.memos).rev();
        let mut own = newest
            .filter(|(step, _)| step.link == event.link)
            .filter_map(|(step, memo)| Some((step, memo.as_ref()?)))
            .filter(|(_, memo)| memo.tool == tool && !memo.is(flag::DEFINED));
        let (step, call) = own.next()?;
        let open = !call.is(flag::RESULT) && event.at_ms.saturating_sub(step.at_ms) <= ANSWER_MS;
        let alone = own.next().is_none_or(|(_, before)| before.is(flag::RESULT));
        (open && alone).then_some(call)
    }

    /// Whether the result answers a call that `is` so: calls and results of one tool on one link are
    /// counted, because the event does not say which call it answers.
    pub fn answers(&self, event: &Event, tool: u32, is: impl Fn(&Seen<'_>) -> bool) -> bool {
        let mut open = 0_i32;
        for (step, memo) in self.steps.iter().zip(&self.memos) {
            let Some(memo) = memo.as_ref().filter(|memo| memo.tool == tool && is(memo)) else {
                continue;
            };
            let late = event.at_ms.saturating_sub(step.at_ms) > ANSWER_MS;
            if !late && step.link == event.link {
                open = (open + if memo.is(flag::RESULT) { -1 } else { 1 }).max(0);
            }
        }
        open > 0
    }
}
