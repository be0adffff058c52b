//! Before a server starts: what would run, judged like any other event; and a link's life cycle.

use super::ask::{MAX_ARGUMENT_BYTES, answered, outcome_note};
use super::examine::{Examined, Shape};
use super::pins::{Candidate, Standing};
use super::record::{Entry, record};
use super::weigh::weigh;
use super::{Counts, Judge, call_id, now_ms};
use crate::approval::{self, Question, Scope};
use crate::audit::{Durability, Record};
use crate::event::identity::{Identity, identify, with_settings};
use crate::event::surface::{self, Context, Part};
use crate::event::{self, Direction, Launch, redacted};
use crate::link::{End, Link};
use crate::policy::{Action, Decision};
use serde_json::{Value, json};
use std::collections::BTreeSet;
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
            room: surface::room(),
        };
        let user = Path::new(&self.places.home);
        let event = event::launch::of_launch(&context, with_settings(&link.launch, user));
        let mut weighed = weigh(&set, &policy, event, &self.histories.of(&link.client.key));
        let package = weighed.package().map(str::to_owned);
        let package = package.or_else(|| link.launch.origin.clone());
        link.server.package = package;
        let identity = identify(&link.launch, link.server.package.as_deref(), user);
        self.name_package(link, &identity);
        if link.launch.origin.is_none() {
            let named = link.server.package.as_deref();
            weighed.installed(&set, &policy, named, &identity);
        }
        if resumed {
            return self
                .append(
                    &life(link, "resumed", "the link was taken up again".into()),
                    Durability::Group,
                )
                .is_some();
        }
        let pin = self.candidate(link, &identity);
        let mut changed = None;
        let standing = self.pins.standing(&link.server.name, pin.as_ref());
        if let Some(finding) = self.stale(&standing, pin.is_some()) {
            weighed.also(&policy, finding);
        }
        if let Standing::Changed(finding) = standing {
            let what = pin.as_ref().map(|pin| &pin.what);
            changed = Some(json!([
                finding.message,
                what.map(|what| (&what.named, &what.package, &what.entry, &what.sha256)),
            ]));
            weighed.also(&policy, *finding);
        }
        let mut decision = weighed.decision.clone();
        let mut note = None;
        if decision.action == Action::Ask {
            let content = content(&link.launch, changed.as_ref());
            let scope = Scope::of(&weighed.event, &content, policy.version());
            let outcome = if self.desk.take_grant(&scope).is_some() {
                None
            } else {
                let ticket = self.desk.ask(Question {
                    at_ms: weighed.event.at_ms,
                    client: link.client.label.clone(),
                    server: link.server.name.clone(),
                    package: link.server.package.clone(),
                    tool: String::new(),
                    kind: weighed.event.kind.word().to_owned(),
                    sentence: "The client wants to start this server.".into(),
                    arguments: redacted::summary(&weighed.event, MAX_ARGUMENT_BYTES),
                    rule: decision.rule.clone(),
                    reason: decision.reason.clone(),
                    findings: weighed.findings.clone(),
                    scope,
                });
                Counts::add(&self.counts().asked);
                let hold = self.limits.ask_hold;
                Some(self.tasks.block_on(ticket.wait(hold)))
            };
            let losers = vec![(decision.rule.clone(), Action::Ask)];
            decision = match &outcome {
                Some(said) if !matches!(said, approval::Outcome::Allowed { .. }) => {
                    note = Some(outcome_note(said));
                    answered(&decision, said)
                }
                // A file that is exchanged while a person reads was not what the question showed.
                _ if !self.is_still(link, &identity) => {
                    note = Some("a person allowed what was there before".to_owned());
                    Decision {
                        action: Action::Deny,
                        rule: format!("unanswered:{}", decision.rule),
                        reason: "what would run was exchanged while a person was asked".to_owned(),
                        would: None,
                        losers,
                    }
                }
                _ => {
                    note = Some("a person allowed it".to_owned());
                    Decision {
                        action: Action::Log,
                        rule: "grant".to_owned(),
                        reason: "a person allowed exactly this launch".to_owned(),
                        would: None,
                        losers,
                    }
                }
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
        self.keep_pin(link, pin, allowed);
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

    fn candidate(&self, link: &Link, identity: &Identity) -> Option<Candidate> {
        let named = link.server.package.as_deref();
        Candidate::of(&link.server.name, &link.launch, named, identity)
    }

    /// Whether the disk still has what it had when somebody was asked, or what is pinned.
    fn is_still(&self, link: &Link, identity: &Identity) -> bool {
        let user = Path::new(&self.places.home);
        let now = identify(&link.launch, link.server.package.as_deref(), user);
        if now == *identity {
            return true;
        }
        let now = self.candidate(link, &now);
        self.pins.standing(&link.server.name, now.as_ref()) == Standing::Same
    }

    /// What was allowed is what the next launch is compared with.
    fn keep_pin(&self, link: &Link, pin: Option<Candidate>, allowed: bool) {
        let Some(pin) = pin else { return };
        let kept = match allowed {
            true => self.pins.allowed(pin),
            false => self.pins.refused(pin),
        };
        if let Err(error) = kept {
            tracing::error!(%error, server = link.server.name, "a pin was not kept");
            let record = life(link, "pin-not-kept", error.to_string());
            self.append(&record, Durability::Group);
        }
    }
}

/// What an answer about a launch is bound to: the command, the variables that change what it runs,
/// where it runs, where its bridge leads, and what `changed` since it was last allowed.
fn content(launch: &Launch, changed: Option<&Value>) -> Vec<u8> {
    // Variables come in the order of whoever set them.
    let env: BTreeSet<_> = launch.env.iter().collect();
    let bound = json!([launch.argv, env, launch.cwd, launch.origin, changed]);
    bound.to_string().into_bytes()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_about_a_launch_is_for_its_variables_place_and_origin_too() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let asked = Launch {
            argv: vec!["node".into(), "server.js".into()],
            env: vec![pair("PATH", "/usr/bin"), pair("UV_INDEX", "x")],
            cwd: "/work".into(),
            origin: None,
        };
        let change: [fn(&mut Launch); 6] = [
            |launch| launch.argv = vec!["node server.js".into()],
            |launch| {
                let preload = "--require ./evil.js".to_owned();
                launch.env.push(("NODE_OPTIONS".to_owned(), preload));
            },
            |launch| "/tmp".clone_into(&mut launch.env[0].1),
            |launch| drop(launch.env.pop()),
            |launch| launch.cwd = "/tmp".into(),
            |launch| launch.origin = Some("https://evil.example".into()),
        ];
        for (at, change) in change.into_iter().enumerate() {
            let mut other = asked.clone();
            change(&mut other);
            assert_ne!(content(&other, None), content(&asked, None), "{at}");
        }
        let mut turned = asked.clone();
        turned.env.reverse();
        assert_eq!(content(&turned, None), content(&asked, None));
        assert_ne!(
            content(&asked, Some(&json!("changed"))),
            content(&asked, None)
        );
    }
}
