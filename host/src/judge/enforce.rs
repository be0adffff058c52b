//! From an examined frame to its verdict: ask when it must be asked, record, then pass or stop.

use super::ask::{answered, granted, outcome_note};
use super::change::Changed;
use super::examine::{Examined, Shape, examine};
use super::history::Histories;
use super::record::{Entry, record};
use super::verdict::{Stop, Verdict};
use super::weigh::Weighed;
use super::{Counts, Judge, Outcome, call_id};
use crate::approval::Ticket;
use crate::audit::{Durability, Record};
use crate::event::FaultKind;
use crate::link::{Asked, End, Link};
use crate::mcp::era::Era;
use crate::mcp::message::Id;
use crate::mcp::reply::{self, Asker, Label, Refusal};
use crate::plugin::Step;
use crate::policy::{Action, Decision};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Past [`super::JudgeLimits::max_ruling_bytes`]: it could not be handed on.
const TOO_LONG: &str = "the changed message, with what must be remembered of it, is too long";

/// A frame that waits for a person.
pub struct Question {
    ticket: Ticket,
    examined: Examined,
    bytes: Vec<u8>,
    resent: bool,
    started: Instant,
}

impl Question {
    /// Under which its message waits at the desk; `None` when it was answered unasked.
    pub fn waiter(&self) -> Option<&str> {
        self.ticket.waiter()
    }
}

impl Judge {
    /// Rules on one frame.
    pub fn rule(&self, link: &Mutex<Link>, from: End, resent: bool, bytes: &[u8]) -> Outcome {
        let started = Instant::now();
        let (set, policy) = (self.detectors(), self.policy());
        let mut link = locked(link);
        let mut examined = examine(
            &self.bench(&set, &policy),
            &mut link,
            from,
            call_id(),
            bytes,
        );
        self.count_faults(&examined);
        for (_, asked) in &examined.cancelled {
            if let Some(id) = &asked.question {
                // The server never saw the request, so it must not see its cancellation.
                self.desk.withdraw(id);
                examined.decision =
                    Decision::deny("cancelled", "the request was still waiting for a person");
            }
        }
        if examined.decision.action == Action::Ask {
            match self.put_question(&mut link, &mut examined, bytes, policy.version()) {
                Some(ticket) => {
                    let decision = examined.decision.clone();
                    let asked = self.write(
                        &link, &examined, &decision, bytes, started, resent, "message", None,
                    );
                    if asked.is_none() {
                        return Outcome::Now(self.stop(&mut link, &examined, &unrecorded()));
                    }
                    Counts::add(&self.counts.asked);
                    let bytes = bytes.to_vec();
                    return Outcome::Later(Box::new(Question {
                        ticket,
                        examined,
                        bytes,
                        resent,
                        started,
                    }));
                }
                None => examined.decision = granted(&examined.decision),
            }
        }
        Outcome::Now(self.conclude(&mut link, examined, bytes, started, resent, "message", None))
    }

    /// Waits for the answer of a held frame, rules, and hands the verdict on.
    pub fn when_answered(
        self: &Arc<Self>,
        link: &Arc<Mutex<Link>>,
        question: Box<Question>,
        then: impl FnOnce(Verdict) + Send + 'static,
    ) {
        let (judge, link) = (Arc::clone(self), Arc::clone(link));
        self.tasks.spawn(async move {
            let Question {
                ticket,
                mut examined,
                bytes,
                resent,
                started,
            } = *question;
            let outcome = ticket.wait(judge.limits.ask_hold).await;
            let note = outcome_note(&outcome);
            // Recording and inspecting block; the runtime's workers are for waiting.
            let verdict = tokio::task::spawn_blocking(move || {
                let mut link = locked(&link);
                examined.decision = answered(&examined.decision, &outcome);
                if let Shape::Request { id, .. } = &examined.shape {
                    if !link.is_open(examined.from, id, &examined.call) {
                        // Cancelled or answered in the meantime: nobody waits, it must not run.
                        let why = "the request was over before a person answered";
                        examined.decision = Decision::deny("withdrawn", why);
                    } else if let Some(asked) = link.asked_mut(examined.from, id) {
                        // From here on it is a request like any other: if it passes, the other
                        // side must hear of its cancellation.
                        asked.question = None;
                    }
                }
                judge.conclude(
                    &mut link,
                    examined,
                    &bytes,
                    started,
                    resent,
                    "answer",
                    Some(note),
                )
            })
            .await;
            if let Ok(verdict) = verdict {
                then(verdict);
            }
        });
    }

    /// Records the final decision on a frame and makes its verdict.
    #[expect(clippy::too_many_arguments, reason = "one frame's facts, used once")]
    fn conclude(
        &self,
        link: &mut Link,
        mut examined: Examined,
        bytes: &[u8],
        started: Instant,
        resent: bool,
        what: &str,
        note: Option<String>,
    ) -> Verdict {
        let passes = matches!(
            examined.decision.action,
            Action::Allow | Action::Log | Action::Redact
        );
        let changed = if passes {
            self.change(link, &mut examined, bytes)
        } else {
            Ok(Changed::default())
        };
        let (mut keep, mut discard) = tickets(&examined);
        let length = |changed: &Changed| {
            let keys = discard.iter().chain(&changed.discard).map(String::len);
            let kept = keep.iter().chain(&changed.keep);
            let kept = kept.map(|(key, value)| key.len() + value.len());
            let line = changed.bytes.as_ref().map_or(0, Vec::len);
            // Four bytes before each: how long it is.
            line + keys.map(|key| key + 4).sum::<usize>() + kept.map(|one| one + 8).sum::<usize>()
        };
        let changed = match changed {
            Ok(changed) if !passes || length(&changed) <= self.limits.max_ruling_bytes => changed,
            unfit => {
                let reason = unfit.err().unwrap_or(TOO_LONG);
                examined.decision = Decision::deny("redaction", reason);
                Changed::default()
            }
        };
        let decision = examined.decision.clone();
        let Some(receipt) = self.write(
            link, &examined, &decision, bytes, started, resent, what, note,
        ) else {
            return self.stop(link, &examined, &unrecorded());
        };
        discard.extend(learn(link, &examined));
        keep.extend(changed.keep);
        discard.extend(changed.discard);
        match Verdict::pass(&decision, &receipt, changed.bytes, keep, discard) {
            Some(verdict) => {
                self.remember(link, &examined);
                Counts::add(if decision.action == Action::Redact {
                    &self.counts.redacted
                } else {
                    &self.counts.allowed
                });
                verdict
            }
            None => self.stop(link, &examined, &decision),
        }
    }

    pub(super) fn remember(&self, link: &Link, examined: &Examined) {
        for (_, weighed) in &examined.parts {
            keep_memos(&self.histories, link, weighed);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one frame's facts, used once")]
    fn write(
        &self,
        link: &Link,
        examined: &Examined,
        decision: &Decision,
        bytes: &[u8],
        started: Instant,
        resent: bool,
        what: &str,
        note: Option<String>,
    ) -> Option<crate::audit::Receipt> {
        let durability = match decision.action {
            Action::Deny => Durability::Now,
            _ if what == "answer" => Durability::Now,
            _ => Durability::Group,
        };
        let entry = Entry {
            link,
            examined,
            decision,
            bytes,
            started,
            resent,
            what,
            note,
        };
        self.append(&record(entry), durability)
    }

    /// Appends a record; a failure is said loudly and answered by the caller with a denial.
    pub(crate) fn append(
        &self,
        record: &Record,
        durability: Durability,
    ) -> Option<crate::audit::Receipt> {
        match self.ledger.append(record, durability) {
            Ok(receipt) => Some(receipt),
            Err(error) => {
                Counts::add(&self.counts.faults);
                let error = &error as &(dyn std::error::Error + 'static);
                tracing::error!(
                    error,
                    "an audit record could not be written; what it was about does not happen"
                );
                None
            }
        }
    }

    /// Stops a frame: answers whoever waits, forwards nothing of it.
    fn stop(&self, link: &mut Link, examined: &Examined, decision: &Decision) -> Verdict {
        Counts::add(&self.counts.denied);
        let (rule, call) = (Label::new(&decision.rule), Label::new(&examined.call));
        let unapproved = decision.action == Action::Ask || decision.rule.starts_with("unanswered:");
        let refusal = if unapproved {
            Refusal::Unapproved {
                rule: &rule,
                call: &call,
            }
        } else {
            Refusal::Blocked {
                rule: &rule,
                call: &call,
            }
        };
        let from = examined.from;
        let mut stop = Stop::default();
        match &examined.shape {
            // It was over before the answer of a person came: it has had its answer.
            Shape::Request { id, asked } if !link.is_open(from, id, &asked.call) => {}
            Shape::Request { id, asked } => {
                link.forget(from, id);
                stop.back = Some(if decision.rule == "hidden" {
                    reply::unknown(&owed(id, asked, from))
                } else {
                    reply::refuse(&owed(id, asked, from), &refusal)
                });
            }
            Shape::Response { id, asked, .. } => {
                stop.discard.push(Link::open_key(from.other(), id));
                stop.onward = Some(reply::refuse(&owed(id, asked, from.other()), &refusal));
            }
            Shape::Batch { requests, answers } => {
                // One line each: not every client of that revision reads batches on a pipe.
                let lines = |all: &[(Id, Asked)], by: End| {
                    let one =
                        |(id, asked): &(Id, Asked)| reply::refuse(&owed(id, asked, by), &refusal);
                    some_lines(all.iter().flat_map(one))
                };
                stop.back = lines(requests, from);
                stop.onward = lines(answers, from.other());
                for (id, _) in requests {
                    link.forget(from, id);
                }
                stop.discard.extend(
                    answers
                        .iter()
                        .map(|(id, _)| Link::open_key(from.other(), id)),
                );
            }
            Shape::Malformed {
                code,
                owed: senders,
                unanswered,
            } => {
                let asker = from.other();
                let onward = unanswered.iter().flat_map(|(id, asked)| {
                    reply::refuse(&owed(id, asked, asker), &Refusal::BadAnswer)
                });
                stop.onward = some_lines(onward);
                let keys = unanswered.iter().map(|(id, _)| Link::open_key(asker, id));
                stop.discard.extend(keys);
                stop.back = some_lines(senders.iter().flat_map(|id| match code {
                    -32700 => reply::unparsable(id.as_ref()),
                    _ => reply::invalid(id.as_ref()),
                }));
            }
            Shape::Notification { .. } | Shape::Unsolicited { .. } => {}
        }
        for (id, _) in &examined.cancelled {
            stop.discard.push(Link::open_key(from, id));
        }
        Verdict::stop(stop)
    }

    fn count_faults(&self, examined: &Examined) {
        for fault in examined
            .parts
            .iter()
            .flat_map(|(_, weighed)| &weighed.faults)
        {
            debug_assert_ne!(fault.kind, FaultKind::Audit);
            Counts::add(&self.counts.faults);
        }
    }
}

/// Which tickets a frame that passes opens and closes.
fn tickets(examined: &Examined) -> (Vec<(String, String)>, Vec<String>) {
    let (mut keep, mut discard) = (Vec::new(), Vec::new());
    let from = examined.from;
    let mut opened = |id: &Id, asked: &Asked| keep.push(Link::open_ticket(from, id, asked));
    match &examined.shape {
        Shape::Request { id, asked } => opened(id, asked),
        Shape::Batch { requests, answers } => {
            requests.iter().for_each(|(id, asked)| opened(id, asked));
            discard.extend(
                answers
                    .iter()
                    .map(|(id, _)| Link::open_key(from.other(), id)),
            );
        }
        Shape::Response { id, .. } => discard.push(Link::open_key(from.other(), id)),
        _ => {}
    }
    for (id, _) in &examined.cancelled {
        discard.push(Link::open_key(from, id));
    }
    for (id, task) in &examined.tasks {
        keep.push(Link::task_ticket(from.other(), id, task));
    }
    if let Some(revision) = &examined.revision {
        keep.push(Link::revision_ticket(revision));
    }
    (keep, discard)
}

/// Notes what a frame says for later ones: the keys of tickets that are done for it.
fn learn(link: &mut Link, examined: &Examined) -> Vec<String> {
    if let Some(revision) = &examined.revision {
        link.revision = Some(revision.clone());
    }
    let asker = examined.from.other();
    let learnt = examined.tasks.iter();
    learnt
        .filter_map(|(id, task)| link.learn_task(asker, id, task.clone()))
        .collect()
}

/// Keeps what detectors want to remember of an event that passed.
pub(super) fn keep_memos(histories: &Histories, link: &Link, weighed: &Weighed) {
    for (detector, memo) in &weighed.memos {
        let step = Step {
            id: weighed.event.id.clone(),
            at_ms: weighed.event.at_ms,
            server: link.server.name.clone(),
            link: link.id.clone(),
            memo: memo.clone(),
        };
        histories.keep(&link.client.key, detector, step);
    }
}

pub(super) fn locked(link: &Mutex<Link>) -> MutexGuard<'_, Link> {
    link.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The request of `by` that gets our answer.
pub(super) fn owed<'a>(id: &'a Id, asked: &'a Asked, by: End) -> reply::Asked<'a> {
    // A task's result has the form of what the task answers.
    let method = match &asked.task {
        Some(task) if asked.method == "tasks/result" => &task.method,
        _ => &asked.method,
    };
    reply::Asked {
        id,
        method,
        era: if asked.stateless {
            Era::Stateless
        } else {
            Era::Handshake
        },
        by: match by {
            End::Client => Asker::Client,
            End::Server => Asker::Server,
        },
    }
}

pub(super) fn some_lines(lines: impl Iterator<Item = u8>) -> Option<Vec<u8>> {
    let lines: Vec<u8> = lines.collect();
    (!lines.is_empty()).then_some(lines)
}

fn unrecorded() -> Decision {
    Decision::deny("fault:audit", "the decision could not be recorded")
}

#[cfg(test)]
mod tests;
