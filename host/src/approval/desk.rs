//! The desk: where messages wait for a person, and where a person's answers arrive.

use std::collections::VecDeque;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;
use tokio::time::Instant;

use super::grant::Grants;
use super::queue::{Open, Place, Queue};
use super::{
    Answer, AnswerError, Approver, Descent, Grant, Guarded, Outcome, Processes, Question, Scope,
    Uses, descent,
};

/// How much the desk holds.
#[derive(Clone, Debug)]
pub struct DeskLimits {
    /// Open questions, missed ones included.
    pub questions: usize,
    /// Messages of one server that wait at the same time, whatever they ask; more are denied
    /// unasked.
    pub waiting_per_server: usize,
    /// How long the one-use grant of a late answer waits for its retry.
    pub late_grant: Duration,
    /// The longest grant a person can give here; what should hold longer is a policy rule.
    pub longest_grant: Duration,
    /// Refuse answers of which no process is known: those through a browser, and all of them where
    /// the system can't trace one. Where it can, an untraceable process is refused in any case.
    pub require_known_process: bool,
}

impl Default for DeskLimits {
    fn default() -> Self {
        Self {
            questions: 256,
            waiting_per_server: 10,
            late_grant: Duration::from_secs(10 * 60),
            longest_grant: Duration::from_secs(24 * 60 * 60),
            require_known_process: false,
        }
    }
}

/// The one queue of questions. Clones share it.
#[derive(Clone)]
pub struct Desk {
    shared: Arc<Shared>,
}

struct Shared {
    limits: DeskLimits,
    processes: Box<dyn Processes>,
    state: Mutex<State>,
    /// Counts changes, for doors that show the queue.
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    queue: Queue,
    grants: Grants,
    guarded: Guarded,
}

/// A question as doors show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    pub id: String,
    /// Nobody waits any more: its message was denied, a late answer is for the retry.
    pub missed: bool,
    /// How often the same call was asked about.
    pub asked: u64,
    /// Further messages of this server that were denied unasked meanwhile.
    pub refused: u64,
    #[serde(flatten)]
    pub question: Question,
}

/// What an answer did, for the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    pub question: Question,
    pub answer: Answer,
    pub by: Approver,
    /// Messages that were still held and go on, or are denied, now.
    pub reached: usize,
    /// The new question of those that an answer for one of them did not reach.
    pub asked_again: Option<String>,
    /// Present when the answer is also good for a later call.
    pub kept: Option<Grant>,
}

/// One message's place in the queue. Dropping it gives the place up; the question stays.
pub struct Ticket {
    desk: Desk,
    place: Option<Place>,
}

impl Desk {
    pub fn new(limits: DeskLimits, processes: impl Processes + 'static) -> Self {
        let state = Mutex::new(State::default());
        let processes = Box::new(processes);
        let (changes, _) = watch::channel(0);
        Self {
            shared: Arc::new(Shared {
                limits,
                processes,
                state,
                changes,
            }),
        }
    }

    /// Puts a question to whoever answers. The same call asked about twice is one question; an
    /// answer that is good for one call lets only the first of them pass.
    pub fn ask(&self, question: Question) -> Ticket {
        let limits = &self.shared.limits;
        let place = self.state().queue.ask(question, limits, new_id);
        self.changed();
        Ticket {
            desk: self.clone(),
            place,
        }
    }

    /// Answers an open question, waiting or missed. The first answer wins.
    ///
    /// # Errors
    /// [`AnswerError`]; nothing has changed then.
    pub fn answer(&self, id: &str, answer: Answer, by: Approver) -> Result<Answered, AnswerError> {
        self.answer_once_recorded(id, answer, by, |_| true)
    }

    /// As [`Desk::answer`], when `record` could write it down: nobody is woken and nothing granted
    /// before. It holds up the whole desk.
    ///
    /// # Errors
    /// [`AnswerError`]; nothing has changed then.
    pub fn answer_once_recorded(
        &self,
        id: &str,
        answer: Answer,
        by: Approver,
        record: impl FnOnce(&Question) -> bool,
    ) -> Result<Answered, AnswerError> {
        if let Answer::AllowFor { duration } = answer {
            let longest = self.shared.limits.longest_grant;
            if duration < Duration::from_secs(1) || duration > longest {
                return Err(AnswerError::BadDuration {
                    asked: duration,
                    longest,
                });
            }
        }
        self.refuse_self_approval(&by)?;
        let answered = self.settle(id, answer, by, record)?;
        self.changed();
        Ok(answered)
    }

    /// A grant for exactly this call, if a person gave one. Using a one-use grant ends it.
    pub fn take_grant(&self, scope: &Scope) -> Option<Grant> {
        self.state().grants.take(scope)
    }

    /// Takes back one held message, by [`Ticket::waiter`]; whoever waits for it is told so. The
    /// question goes with the last of them.
    pub fn withdraw(&self, waiter: &str) -> bool {
        let withdrawn = {
            let mut state = self.state();
            let gone = state.queue.withdraw(waiter);
            // Told under the lock, as in `settle`.
            gone.map(|waiter| waiter.tell(Outcome::Withdrawn))
        };
        if withdrawn.is_some() {
            self.changed();
        }
        withdrawn.is_some()
    }

    /// Every question that can be answered, oldest first.
    pub fn list(&self) -> Vec<Listed> {
        self.state().queue.iter().map(listed).collect()
    }

    /// The open question about exactly this call, for the reply that tells a client to retry.
    pub fn question_about(&self, scope: &Scope) -> Option<Listed> {
        self.state().queue.about(scope).map(listed)
    }

    /// Missed questions that were dropped to make room since the start.
    pub fn dropped(&self) -> u64 {
        self.state().queue.dropped()
    }

    pub fn grants(&self) -> Vec<Grant> {
        self.state().grants.list()
    }

    /// Ends a grant before its time.
    pub fn revoke(&self, id: &str) -> Option<Grant> {
        self.state().grants.revoke(id)
    }

    /// Knows who was guarded before from `file`, and tells the next desk there.
    #[must_use]
    pub fn guarding(self, file: PathBuf) -> Self {
        self.state().guarded = Guarded::kept_in(file);
        self
    }

    /// From now on, and until it is gone, `pid` and what it starts can't answer: an MCP client, a
    /// wrapped server or its shim.
    pub fn guard(&self, pid: u32) {
        self.state()
            .guarded
            .add(pid, self.shared.processes.as_ref());
    }

    /// Likewise a shell in which a server was started by hand, until [`Desk::unguard_shell`].
    pub fn guard_shell(&self, pid: u32) {
        self.state().guarded.add_shell(pid);
    }

    /// Takes back one [`Desk::guard_shell`], when a link has ended.
    pub fn unguard_shell(&self, pid: u32) {
        self.state().guarded.remove_shell(pid);
    }

    /// Wakes whenever the list may have changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    fn settle(
        &self,
        id: &str,
        answer: Answer,
        by: Approver,
        record: impl FnOnce(&Question) -> bool,
    ) -> Result<Answered, AnswerError> {
        let mut state = self.state();
        // Under the lock, so that only the answer that wins is recorded.
        let mut questions = state.queue.iter();
        if let Some(open) = questions.find(|open| open.id == id)
            && !record(&open.question)
        {
            return Err(AnswerError::NotRecorded);
        }
        drop(questions);
        let Some(open) = state.queue.remove(id) else {
            return Err(match state.queue.answer_to(id) {
                Some((answer, by)) => AnswerError::AlreadyAnswered { answer, by },
                None => AnswerError::Unknown,
            });
        };
        let Open {
            question,
            mut waiters,
            ..
        } = open;
        let grant = |uses, lifetime| Grant {
            id: id.to_owned(),
            scope: question.scope.clone(),
            by: by.clone(),
            uses,
            expires: Instant::now() + lifetime,
        };
        let mut others = VecDeque::new();
        let (outcome, kept) = match answer {
            Answer::Deny => (Outcome::Denied { by: by.clone() }, None),
            Answer::AllowOnce => {
                let once = grant(Uses::Once, self.shared.limits.late_grant);
                // Whoever waits uses it up at once; it is kept only for the retry of a late answer.
                let kept = waiters.is_empty().then(|| once.clone());
                // Once is once, however often the same call was made meanwhile.
                others = waiters.split_off(waiters.len().min(1));
                (Outcome::Allowed { grant: once }, kept)
            }
            Answer::AllowFor { duration } => {
                let timed = grant(Uses::Timed, duration);
                (
                    Outcome::Allowed {
                        grant: timed.clone(),
                    },
                    Some(timed),
                )
            }
        };
        if let Some(grant) = &kept {
            state.grants.keep(grant.clone());
        }
        state
            .queue
            .remember_answer(id.to_owned(), answer, by.clone());
        // Under the lock, so that a message that stops waiting now either sees it or was not
        // among the waiters; otherwise an answer could reach nobody and leave no grant.
        for waiter in &waiters {
            waiter.tell(outcome.clone());
        }
        // Under another id: a second door's answer to this one must not reach the next of them.
        let asked_again =
            (!others.is_empty()).then(|| state.queue.put(question.clone(), others, new_id));
        Ok(Answered {
            question,
            answer,
            by,
            reached: waiters.len(),
            asked_again,
            kept,
        })
    }

    /// Whether this may be a person: the process that asks is neither an MCP client or a wrapped
    /// server, nor started by one.
    ///
    /// # Errors
    /// [`AnswerError::SelfApproval`], [`AnswerError::UnknownProcess`].
    pub fn refuse_self_approval(&self, by: &Approver) -> Result<(), AnswerError> {
        // A copy: reading the process table takes time, and messages wait for the lock.
        let guarded = self.state().guarded.clone();
        let processes = self.shared.processes.as_ref();
        let (standing, traceable) = match by.pid {
            Some(pid) => (descent(pid, &guarded, processes), processes.can_tell()),
            None => (Descent::Unknown, false),
        };
        match standing {
            Descent::Outside => Ok(()),
            Descent::Inside { pid } => Err(AnswerError::SelfApproval { pid }),
            Descent::Unknown if traceable || self.shared.limits.require_known_process => {
                Err(AnswerError::UnknownProcess)
            }
            Descent::Unknown => Ok(()),
        }
    }

    fn changed(&self) {
        self.shared
            .changes
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is one push or removal, so a panic elsewhere leaves the state usable.
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// The id of the question that was asked; `None` when nobody was asked.
    pub fn id(&self) -> Option<&str> {
        self.place.as_ref().map(|place| place.question.as_str())
    }

    /// The name under which this message waits, for [`Desk::withdraw`].
    pub fn waiter(&self) -> Option<&str> {
        self.place.as_ref().map(|place| place.waiter.as_str())
    }

    /// Waits for the answer, at most `hold`. A `hold` of zero leaves the question as missed.
    pub async fn wait(mut self, hold: Duration) -> Outcome {
        let Some(place) = &mut self.place else {
            return Outcome::Overload;
        };
        let answered = place.outcome.wait_for(Option::is_some);
        // Whether it was in time or not, `leave` has the last word, under the lock.
        let _ = tokio::time::timeout(hold, answered).await;
        self.leave().unwrap_or(Outcome::TimedOut)
    }

    /// Gives up the place. What the question had become by then, if it was settled.
    fn leave(&mut self) -> Option<Outcome> {
        let place = self.place.take()?;
        let outcome = {
            let mut state = self.desk.state();
            let outcome = place.outcome.borrow().clone();
            if outcome.is_none() {
                state.queue.leave(&place.waiter);
            }
            outcome
        };
        if outcome.is_none() {
            self.desk.changed();
        }
        outcome
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // A client that cancelled no longer waits; the answer is for its retry.
        self.leave();
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Desk")
            .field("limits", &self.shared.limits)
            .finish_non_exhaustive()
    }
}

fn listed(open: &Open) -> Listed {
    Listed {
        id: open.id.clone(),
        missed: open.waiters.is_empty(),
        asked: open.asked,
        refused: open.refused,
        question: open.question.clone(),
    }
}

/// Six characters that a person can type, without look-alikes. Knowing one gives no right to
/// answer, so 30 random bits only have to make guessing pointless and clashes rare.
fn new_id() -> String {
    let bits: u32 = rand::random();
    (0..6u32)
        .map(|place| {
            let index = (bits >> (place * 5)) & 31;
            ALPHABET.chars().nth(index as usize).unwrap_or('0')
        })
        .collect()
}

/// Crockford's base 32, in lower case.
const ALPHABET: &str = "0123456789abcdefghjkmnpqrstvwxyz";
