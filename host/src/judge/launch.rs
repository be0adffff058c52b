//! Before a server starts: what would run, judged like any other event; and a link's life cycle.

use super::examine::{Examined, Shape};
use super::record::{Entry, record};
use super::weigh::weigh;
use super::{Counts, Judge, call_id, now_ms};
use crate::approval::{self, Question, Scope};
use crate::audit::{Durability, Record};
use crate::event::identity::identify;
use crate::event::surface::{Context, Part};
use crate::event::{self, Direction, redacted};
use crate::link::{End, Link};
use crate::policy::{Action, Decision};
use std::path::Path;
use std::time::Instant;

impl Judge {
    /// Whether this link's server may start. A link that was resumed has a running server: its
    /// launch was judged then, and only its identity is worked out again.
    pub fn launch(&self, link: &mut Link, resumed: bool) -> bool {
        let started = Instant::now();
        let (set, policy) = (self.detectors(), self.policy());
        let call = call_id();
        let context = Context {
            id: call.clone(),
            at_ms: now_ms(),
            link: link.id.clone(),
            client: link.client.label.clone(),
            server: link.server.clone(),
            direction: Direction::Local,
            cwd: &link.launch.cwd,
            places: &self.places,
            beside: Vec::new(),
        };
        let event = event::launch::of_launch(&context, link.launch.clone());
        let weighed = weigh(&set, &policy, event, &self.histories.of(&link.client.key));
        let package = weighed
            .attrs
            .iter()
            .find(|(_, name, _)| name == "package")
            .map(|(_, _, value)| value.clone())
            .or_else(|| link.launch.origin.clone());
        link.server.package = package;
        let user = Path::new(&self.places.home);
        let identity = identify(&link.launch, link.server.package.as_deref(), user);
        self.name_package(link, &identity);
        if resumed {
            return self
                .append(
                    &life(link, "resumed", "the link was taken up again".into()),
                    Durability::Group,
                )
                .is_some();
        }
        let mut decision = weighed.decision.clone();
        let mut note = None;
        if decision.action == Action::Ask {
            let content: Vec<u8> = link
                .launch
                .argv
                .iter()
                .flat_map(|word| word.bytes().chain([0]))
                .collect();
            let scope = Scope::of(&weighed.event, &content, policy.version());
            let allowed = self.desk.take_grant(&scope).is_some() || {
                let ticket = self.desk.ask(Question {
                    at_ms: weighed.event.at_ms,
                    client: link.client.label.clone(),
                    server: link.server.name.clone(),
                    package: link.server.package.clone(),
                    tool: String::new(),
                    kind: weighed.event.kind.word().to_owned(),
                    sentence: "The client wants to start this server.".into(),
                    arguments: redacted::summary(&weighed.event, 4096),
                    rule: decision.rule.clone(),
                    reason: decision.reason.clone(),
                    findings: weighed.findings.clone(),
                    scope,
                });
                Counts::add(&self.counts().asked);
                let hold = self.limits.ask_hold;
                matches!(
                    self.tasks.block_on(ticket.wait(hold)),
                    approval::Outcome::Allowed { .. }
                )
            };
            note = Some(
                if allowed {
                    "a person allowed it"
                } else {
                    "no person allowed it"
                }
                .to_owned(),
            );
            let losers = vec![(decision.rule.clone(), Action::Ask)];
            let (action, rule, reason) = if allowed {
                (
                    Action::Log,
                    "grant".to_owned(),
                    "a person allowed exactly this launch".to_owned(),
                )
            } else {
                (
                    Action::Deny,
                    format!("unanswered:{}", decision.rule),
                    "nobody allowed it in time".to_owned(),
                )
            };
            decision = Decision {
                action,
                rule,
                reason,
                would: None,
                losers,
            };
        }
        let examined = Examined {
            call,
            from: End::Client,
            shape: Shape::Notification {
                method: String::new(),
            },
            parts: vec![(Part::Whole, weighed)],
            decision: decision.clone(),
            revision: None,
            tasks: Vec::new(),
            cancelled: Vec::new(),
            content: Vec::new(),
        };
        let entry = Entry {
            link,
            examined: &examined,
            decision: &decision,
            bytes: &[],
            started,
            resent: false,
            what: "launch",
            note,
        };
        let mut record = record(entry);
        record.direction = "local".into();
        record.identity = Some(identity);
        let written = self.append(&record, Durability::Now).is_some();
        let allowed = written && matches!(decision.action, Action::Allow | Action::Log);
        if allowed {
            self.remember(link, &examined);
        } else {
            Counts::add(&self.counts().denied);
            link.refuse_launch(if written {
                &decision.rule
            } else {
                "fault:audit"
            });
        }
        allowed
    }
}

/// A record about a link's life, without a decision.
pub(super) fn life(link: &Link, kind: &str, note: String) -> Record {
    Record {
        v: 1,
        id: call_id(),
        at_ms: now_ms(),
        what: "link".into(),
        link: link.id.clone(),
        client: link.client.label.clone(),
        server: link.server.name.clone(),
        package: link.server.package.clone(),
        kind: kind.to_owned(),
        note: Some(note),
        ..Record::default()
    }
}
