//! What the command line may ask of the daemon, and who may answer questions.

use super::overrides::{OverrideError, Wanted};
use super::pins::PinRefused;
use super::start::Parts;
use super::stop::Stop;
use crate::approval::{Answer, AnswerError, Approver, Question};
use crate::audit::{Durability, Record, Trouble};
use crate::judge::{self, now_ms};
use crate::plugin::Detector;
use crate::wire::serve::Controller;
use crate::wire::{Control, ControlAnswer, ControlReply, peer::Peer};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The desk at which the command line is served.
pub(super) struct Desk {
    parts: Arc<Parts>,
    stop: Arc<Stop>,
}

impl Desk {
    pub(super) fn new(parts: Arc<Parts>, stop: Arc<Stop>) -> Self {
        Self { parts, stop }
    }

    fn answer(&self, id: &str, answer: ControlAnswer, peer: Peer) -> ControlReply {
        let answer = match answer {
            ControlAnswer::Deny => Answer::Deny,
            ControlAnswer::AllowOnce => Answer::AllowOnce,
            ControlAnswer::AllowHour => Answer::AllowFor {
                duration: Duration::from_secs(3600),
            },
        };
        match self.parts.settle_question(id, answer, by(peer)) {
            Ok(done) => ControlReply::Done(done),
            Err(error @ (AnswerError::SelfApproval { .. } | AnswerError::UnknownProcess)) => {
                refused(
                    "self-approval",
                    &error.to_string(),
                    "answer from a terminal that was not opened by the agent's program",
                )
            }
            Err(error @ AnswerError::NotRecorded) => {
                refused("not-recorded", &error.to_string(), "clawdefender status")
            }
            Err(error) => refused("answer", &error.to_string(), "clawdefender approve"),
        }
    }

    fn overridden(&self, done: Result<Value, OverrideError>) -> ControlReply {
        match done {
            Ok(done) => ControlReply::Done(done),
            Err(error) => {
                self.parts
                    .note("override", "override-refused", error.to_string());
                let (code, hint) = error.advice();
                refused(code, &error.to_string(), hint)
            }
        }
    }

    fn pinned(&self, done: Result<Value, PinRefused>) -> ControlReply {
        match done {
            Ok(done) => ControlReply::Done(done),
            Err(error) => {
                self.parts.note("pin", "pin-refused", error.to_string());
                let (code, hint) = error.advice();
                refused(code, &error.to_string(), hint)
            }
        }
    }

    fn plugins(&self) -> Value {
        let set = self.parts.judge.detectors();
        let loaded = set.detectors().iter().map(|detector| plugin(detector));
        let missing = set
            .missing()
            .iter()
            .map(|fault| json!({ "id": fault.part, "loaded": false, "error": fault.detail }));
        json!({ "detectors": loaded.chain(missing).collect::<Vec<_>>() })
    }
}

const OUTSIDE: &str = "do it from a terminal of your own, outside the agent's programs";

/// Who asks through the socket.
fn by(peer: Peer) -> Approver {
    Approver {
        door: "terminal".into(),
        user: format!("uid {}", peer.uid),
        pid: u32::try_from(peer.pid).ok(),
    }
}

impl Controller for Desk {
    fn control(&self, control: Control, peer: Peer) -> ControlReply {
        // What detectors there are is a person's word, as what they may let pass is.
        let weakens = matches!(
            control,
            Control::FeedRollback { .. }
                | Control::FeedRemove { .. }
                | Control::PluginInstall { .. }
        );
        if weakens && let Err(error) = self.parts.judge.desk().refuse_self_approval(&by(peer)) {
            self.parts.note("feed", "feed-refused", error.to_string());
            return refused("self-approval", &error.to_string(), OUTSIDE);
        }
        match control {
            Control::Status => ControlReply::Done(self.parts.status()),
            Control::Approvals => {
                ControlReply::Done(json!({ "questions": self.parts.judge.desk().list() }))
            }
            Control::Answer { id, answer } => self.answer(&id, answer, peer),
            Control::FeedStatus => {
                let feeds = self.parts.feeds();
                ControlReply::Done(json!({ "feeds": feeds.status(), "alerts": feeds.alerts() }))
            }
            Control::FeedUpdate { from, dry_run } => {
                let desk = self.parts.judge.desk();
                let by_person = desk.refuse_self_approval(&by(peer)).is_ok();
                self.parts.update_feeds(from.as_deref(), dry_run, by_person)
            }
            Control::FeedProgress => ControlReply::Done(self.parts.feed_progress()),
            Control::FeedRollback { feed } => self.parts.roll_back_feed(feed.as_deref()),
            Control::FeedRemove { feed } => self.parts.remove_feed(&feed),
            Control::FeedExport { feed, to } => {
                self.parts.export_feed(feed.as_deref(), Path::new(&to))
            }
            Control::PluginInstall { from, key } => self.parts.add_feed(&from, &key),
            Control::Plugins => ControlReply::Done(self.plugins()),
            Control::PolicyReload => match self.parts.reload_policy() {
                Ok(version) => ControlReply::Done(json!({ "policy": version })),
                Err(error) => refused(
                    "policy",
                    &error.to_string(),
                    "the last good policy stays; see `clawdefender policy check`",
                ),
            },
            Control::SelfUpdate(update) => self.parts.record_update(&update, peer.pid.into()),
            Control::Overrides => ControlReply::Done(self.parts.list_overrides()),
            Control::OverrideAdd {
                advisory,
                package,
                reason,
                days,
            } => {
                let wanted = Wanted {
                    advisory,
                    package,
                    reason,
                    days,
                };
                self.overridden(self.parts.add_override(wanted, &by(peer)))
            }
            Control::OverrideRemove { id } => {
                self.overridden(self.parts.remove_override(&id, &by(peer)))
            }
            Control::Pins => self.pinned(self.parts.list_pins()),
            Control::PinAccept { server, seen } => {
                self.pinned(self.parts.accept_pin(&server, &seen, &by(peer)))
            }
            Control::PinRemove { server } => self.pinned(self.parts.remove_pin(&server, &by(peer))),
            Control::PinsReset => self.pinned(self.parts.reset_pins(&by(peer))),
            Control::Stop => {
                self.parts
                    .note("daemon", "stop-asked", format!("by process {}", peer.pid));
                self.stop.ask();
                ControlReply::Done(json!({ "stopping": true }))
            }
        }
    }
}

impl Parts {
    /// Files of ours that are not believed, so that nobody looks for what they said.
    fn refused_files(&self) -> Vec<Value> {
        let pins = self.judge.pins().broken().map(|why| ("pins", why));
        let overrides = self.overrides_error.clone().map(|why| ("overrides", why));
        let set = self.judge.detectors();
        let is_known = |id: &str| {
            let mut missing = set.missing().iter();
            set.detectors().iter().any(|one| one.id() == id) || missing.any(|one| one.part == id)
        };
        let strangers = self.config.detectors.keys().filter(|id| !is_known(id));
        let strangers = strangers.map(|id| {
            let why = format!("[detectors.{id}] is for no detector that there is");
            ("config.toml", why)
        });
        let files = pins.into_iter().chain(overrides).chain(strangers);
        files
            .map(|(what, why)| json!({ "what": what, "message": why }))
            .collect()
    }
}

fn plugin(detector: &Detector) -> Value {
    let (calls, faults) = detector.counts();
    let facts = detector.facts();
    json!({
        "id": facts.id,
        "version": facts.version,
        "loaded": true,
        "feed": detector.feed_id().to_string(),
        "sha256": detector.digest().to_string(),
        "rules": facts.summaries.iter().map(|(id, summary)| json!({ "id": id, "summary": summary })).collect::<Vec<_>>(),
        "data": detector.data().iter().map(|(kind, name, version)| json!({ "kind": kind, "name": name, "version": version })).collect::<Vec<_>>(),
        "calls": calls,
        "faults": faults,
    })
}

pub(super) fn refused(code: &str, message: &str, hint: &str) -> ControlReply {
    ControlReply::Refused {
        code: code.to_owned(),
        message: message.to_owned(),
        hint: hint.to_owned(),
    }
}

impl Parts {
    /// Takes a person's answer, from whatever door, and records it or its refusal.
    pub(super) fn settle_question(
        &self,
        id: &str,
        answer: Answer,
        by: Approver,
    ) -> Result<Value, AnswerError> {
        let word = match answer {
            Answer::Deny => "deny".to_owned(),
            Answer::AllowOnce => "allow once".to_owned(),
            Answer::AllowFor { duration } => format!("allow for {} s", duration.as_secs()),
        };
        let note = format!("question {id}: {word} by {} through {}", by.user, by.door);
        let recorded = |question: &Question| {
            let record = Record {
                v: 1,
                id: judge::call_id(),
                at_ms: now_ms(),
                what: "answer".into(),
                client: question.client.clone(),
                server: question.server.clone(),
                kind: question.kind.clone(),
                name: question.tool.clone(),
                note: Some(note),
                ..Record::default()
            };
            self.judge.append(&record, Durability::Now).is_some()
        };
        let desk = self.judge.desk();
        let answered = match desk.answer_once_recorded(id, answer, by, recorded) {
            Ok(answered) => answered,
            Err(error) => {
                self.note("answer", "answer-refused", error.to_string());
                return Err(error);
            }
        };
        Ok(
            json!({ "question": id, "answer": word, "waiting_reached": answered.reached,
                    "asked_again": answered.asked_again, "kept": answered.kept }),
        )
    }

    /// What `status` shows, also through the guard API.
    pub fn status(&self) -> Value {
        let judge = &self.judge;
        let set = judge.detectors();
        let counts = judge.counts();
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let policy = judge.policy();
        let feeds = self.feeds();
        let trouble = judge.ledger().trouble();
        let records = !trouble.as_ref().is_some_and(Trouble::stops_records);
        let protected = records && set.missing().is_empty() && !set.detectors().is_empty();
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "development_root": crate::feed::root::EMBEDDED_ROOT_IS_DEVELOPMENT,
            "pid": std::process::id(),
            "up_ms": now_ms().saturating_sub(self.started_ms),
            "protected": protected,
            "profile": policy.profile().word(),
            "policy": { "version": policy.version(), "error": *self.policy_error(),
                        "on_fault_allow": policy.fault_tolerant_servers().collect::<Vec<_>>(),
                        "quiet": policy.quiet().map(|(rule, server)| {
                            json!({ "rule": rule, "server": server })
                        }).collect::<Vec<_>>() },
            "api": match self.api.get() {
                Some(Ok(address)) => json!({ "address": address.to_string() }),
                Some(Err(error)) => json!({ "error": error }),
                None => Value::Null,
            },
            "mcp": super::gateway::status(self),
            "links": judge.live_links(),
            "questions": judge.desk().list().len(),
            "detectors": set.detectors().iter().map(|detector| json!({
                "id": detector.id(), "version": detector.facts().version, "faults": detector.counts().1,
            })).collect::<Vec<_>>(),
            "missing": set.missing(),
            "feeds": feeds.status(),
            "alerts": feeds.alerts(),
            "refused": self.refused_files(),
            "since_start": {
                "allowed": count(&counts.allowed), "redacted": count(&counts.redacted),
                "asked": count(&counts.asked), "denied": count(&counts.denied), "faults": count(&counts.faults),
            },
            "ledger": { "frames": judge.ledger().size(), "error": trouble.map(|trouble| trouble.to_string()) },
        })
    }
}
