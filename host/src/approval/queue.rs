//! The open questions, oldest first, and what happens when there are too many.
//!
//! Plain data behind the desk's lock: no waiting, no clock.

use std::collections::{HashMap, VecDeque};

use tokio::sync::watch;

use super::{Answer, Approver, DeskLimits, Outcome, Question, Scope};

/// One question that can still be answered.
pub(super) struct Open {
    pub id: String,
    pub question: Question,
    /// Messages held for it right now, first come first; none means it was missed.
    pub waiters: VecDeque<Waiter>,
    /// How often it was asked.
    pub asked: u64,
    /// Messages of the same server that were denied unasked while this one waited.
    pub refused: u64,
}

/// One held message. It has a name of its own, because the question that it waits for may become
/// another one.
pub(super) struct Waiter {
    name: String,
    outcome: watch::Sender<Option<Outcome>>,
}

impl Waiter {
    pub(super) fn tell(&self, outcome: Outcome) {
        self.outcome.send_replace(Some(outcome));
    }
}

/// What a held message knows of its waiting.
pub(super) struct Place {
    /// The question that was asked for it.
    pub question: String,
    /// See [`Waiter`].
    pub waiter: String,
    pub outcome: watch::Receiver<Option<Outcome>>,
}

#[derive(Default)]
pub(super) struct Queue {
    open: Vec<Open>,
    /// Lately answered, so that a second door can be told who was first.
    answered: VecDeque<(String, Answer, Approver)>,
    /// Missed questions that made room for new ones.
    dropped: u64,
}

impl Queue {
    /// Puts `question`, joins it to the same one, or returns `None` when there is no room for it.
    pub(super) fn ask(
        &mut self,
        question: Question,
        limits: &DeskLimits,
        new_id: impl Fn() -> String,
    ) -> Option<Place> {
        let of_server = |open: &&Open| open.question.server == question.server;
        let waiting: usize = self
            .open
            .iter()
            .filter(of_server)
            .map(|open| open.waiters.len())
            .sum();
        if waiting >= limits.waiting_per_server {
            self.count_refusal(&question.server);
            return None;
        }
        // Random, so that a name from before a restart is nobody's now.
        let name = format!("{:016x}", rand::random::<u64>());
        let (sender, outcome) = watch::channel(None);
        let waiter = Waiter {
            name: name.clone(),
            outcome: sender,
        };
        let same = |open: &&mut Open| open.question.scope == question.scope;
        let id = if let Some(open) = self.open.iter_mut().find(same) {
            open.waiters.push_back(waiter);
            open.asked += 1;
            open.id.clone()
        } else {
            if self.open.len() >= limits.questions && !self.drop_a_missed_one() {
                self.count_refusal(&question.server);
                return None;
            }
            self.put(question, VecDeque::from([waiter]), new_id)
        };
        Some(Place {
            question: id,
            waiter: name,
            outcome,
        })
    }

    /// A question under an id of its own, for those who wait for its answer.
    pub(super) fn put(
        &mut self,
        question: Question,
        waiters: VecDeque<Waiter>,
        new_id: impl Fn() -> String,
    ) -> String {
        let mut id = new_id();
        while self.is_known(&id) {
            id = new_id();
        }
        self.open.push(Open {
            id: id.clone(),
            question,
            asked: waiters.len() as u64,
            waiters,
            refused: 0,
        });
        id
    }

    /// A held message stops waiting; the question stays.
    pub(super) fn leave(&mut self, waiter: &str) -> Option<Waiter> {
        self.open.iter_mut().find_map(|open| {
            let at = open.waiters.iter().position(|held| held.name == waiter)?;
            open.waiters.remove(at)
        })
    }

    /// A held message is taken back, and with the last of them what was asked.
    pub(super) fn withdraw(&mut self, waiter: &str) -> Option<Waiter> {
        let of = |held: &Waiter| held.name == waiter;
        let at = self
            .open
            .iter()
            .position(|open| open.waiters.iter().any(of))?;
        let gone = self.leave(waiter);
        if self
            .open
            .get(at)
            .is_some_and(|open| open.waiters.is_empty())
        {
            self.open.remove(at);
        }
        gone
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<Open> {
        let at = self.open.iter().position(|open| open.id == id)?;
        Some(self.open.remove(at))
    }

    pub(super) fn remember_answer(&mut self, id: String, answer: Answer, by: Approver) {
        if self.answered.len() == REMEMBERED_ANSWERS {
            self.answered.pop_front();
        }
        self.answered.push_back((id, answer, by));
    }

    pub(super) fn answer_to(&self, id: &str) -> Option<(Answer, Approver)> {
        let (_, answer, by) = self.answered.iter().find(|(answered, ..)| answered == id)?;
        Some((*answer, by.clone()))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Open> {
        self.open.iter()
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The open question about exactly this call.
    pub(super) fn about(&self, scope: &Scope) -> Option<&Open> {
        self.open.iter().find(|open| open.question.scope == *scope)
    }

    fn is_known(&self, id: &str) -> bool {
        self.open.iter().any(|open| open.id == id) || self.answer_to(id).is_some()
    }

    /// On the newest question of that server: it is the one a person is most likely looking at.
    fn count_refusal(&mut self, server: &str) {
        if let Some(open) = self
            .open
            .iter_mut()
            .rfind(|open| open.question.server == server)
        {
            open.refused += 1;
        }
    }

    /// Drops the oldest missed question of the server that left most of them, so that one flooding
    /// server can't push out what others asked.
    fn drop_a_missed_one(&mut self) -> bool {
        let missed = |open: &&Open| open.waiters.is_empty();
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for open in self.open.iter().filter(missed) {
            *counts.entry(open.question.server.as_str()).or_default() += 1;
        }
        // The server's name breaks ties, so that the choice does not depend on hashing.
        let Some((server, _)) = counts
            .into_iter()
            .max_by_key(|(server, count)| (*count, *server))
        else {
            return false;
        };
        let oldest = self
            .open
            .iter()
            .position(|open| open.waiters.is_empty() && open.question.server == server);
        if let Some(at) = oldest {
            self.open.remove(at);
            self.dropped += 1;
        }
        oldest.is_some()
    }
}

/// Chosen: as many as the queue holds by default.
const REMEMBERED_ANSWERS: usize = 256;
