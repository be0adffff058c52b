//! What is written about a frame before its verdict: facts, decision, findings, a redacted summary.

use super::examine::{Examined, Shape};
use super::now_ms;
use super::weigh::Weighed;
use crate::audit::{Memo, Record};
use crate::event::{Finding, redacted};
use crate::link::Link;
use crate::policy::{Action, Decision};
use clawdefender_trust::Sha256Digest;
use data_encoding::BASE64;
use std::time::Instant;

/// Largest summary of one frame, in bytes.
const MAX_SUBJECT_BYTES: usize = 2048;

/// Findings and faults kept per record: a list with hundreds of poisoned entries says enough.
pub(crate) const MAX_LISTED: usize = 64;

/// What findings may weigh in a record, of the 1 MiB that one can hold; the rest is for memos.
const MAX_LISTED_BYTES: usize = 512 << 10;

/// What the record of a frame is made of.
pub(super) struct Entry<'e> {
    pub link: &'e Link,
    pub examined: &'e Examined,
    pub decision: &'e Decision,
    pub bytes: &'e [u8],
    pub started: Instant,
    pub resent: bool,
    /// `message` or `answer`.
    pub what: &'e str,
    pub note: Option<String>,
}

pub(super) fn record(entry: Entry<'_>) -> Record {
    let Entry {
        link,
        examined,
        decision,
        bytes,
        started,
        resent,
        what,
        note,
    } = entry;
    // The part that decided is the one to describe.
    let lead = lead(examined, decision).map(|weighed| &weighed.event);
    let (method, name) = match &examined.shape {
        Shape::Request { asked, .. } | Shape::Response { asked, .. } => {
            (asked.method.clone(), asked.name.as_str())
        }
        Shape::Notification { method } => (method.clone(), ""),
        Shape::Malformed { unanswered, .. } => unanswered
            .first()
            .map(|(_, asked)| (asked.method.clone(), asked.name.as_str()))
            .unwrap_or_default(),
        _ => (String::new(), ""),
    };
    let weighed = || examined.parts.iter().map(|(_, weighed)| weighed);
    Record {
        v: 1,
        id: examined.call.clone(),
        at_ms: now_ms(),
        what: what.to_owned(),
        link: link.id.clone(),
        client: link.client.label.clone(),
        server: link.server.name.clone(),
        package: link.server.package.clone(),
        identity: None,
        direction: match examined.from {
            crate::link::End::Client => "to-server".into(),
            crate::link::End::Server => "to-client".into(),
        },
        kind: lead.map_or_else(
            || shape_word(&examined.shape).to_owned(),
            |event| event.kind.word().to_owned(),
        ),
        method: redacted::name(&method),
        name: redacted::name(match lead {
            Some(event) if name.is_empty() => &event.name,
            _ => name,
        }),
        decision: Some(decision.clone()),
        findings: listed(weighed().flat_map(|weighed| &weighed.findings)),
        faults: weighed()
            .flat_map(|weighed| weighed.faults.iter().cloned())
            .take(MAX_LISTED)
            .collect(),
        digest: Sha256Digest::of(bytes).to_string(),
        bytes: bytes.len() as u64,
        events: u32::try_from(examined.parts.len()).unwrap_or(u32::MAX),
        subject: lead.map_or(serde_json::Value::Null, |event| {
            redacted::summary(event, MAX_SUBJECT_BYTES)
        }),
        memos: memos(link, examined, decision),
        elapsed_us: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        resent,
        note,
    }
}

/// What a record holds of findings: the first, and of those that would make it too long to be
/// written what they say, without what they point at.
pub(super) fn listed<'f>(findings: impl Iterator<Item = &'f Finding>) -> Vec<Finding> {
    let mut left = MAX_LISTED_BYTES;
    let bounded = |finding: &Finding| {
        let mut finding = finding.clone();
        let bytes = serde_json::to_vec(&finding).map_or(usize::MAX, |json| json.len());
        match left.checked_sub(bytes) {
            Some(rest) => left = rest,
            None => {
                finding.attrs.clear();
                finding.spans.clear();
                finding.steps.clear();
                finding.refs.clear();
            }
        }
        finding
    };
    findings.take(MAX_LISTED).map(bounded).collect()
}

/// Only what passes is remembered.
fn memos(link: &Link, examined: &Examined, decision: &Decision) -> Vec<Memo> {
    if matches!(decision.action, Action::Ask | Action::Deny) {
        return Vec::new();
    }
    let weighed = examined.parts.iter().map(|(_, weighed)| weighed);
    weighed
        .flat_map(|weighed| {
            weighed.memos.iter().map(|(detector, memo)| Memo {
                detector: detector.clone(),
                event: weighed.event.id.clone(),
                at_ms: weighed.event.at_ms,
                client_key: link.client.key.clone(),
                bytes: BASE64.encode(memo),
            })
        })
        .collect()
}

/// The part whose decision won, else the first.
pub(super) fn lead<'e>(examined: &'e Examined, decision: &Decision) -> Option<&'e Weighed> {
    let mut parts = examined.parts.iter().map(|(_, weighed)| weighed);
    let won = parts
        .clone()
        .find(|weighed| weighed.decision.rule == decision.rule && decision.action > Action::Allow);
    won.or_else(|| parts.next())
}

fn shape_word(shape: &Shape) -> &'static str {
    match shape {
        Shape::Malformed { .. } => "malformed",
        Shape::Unsolicited { .. } => "unsolicited",
        Shape::Batch { .. } => "batch",
        Shape::Request { .. } | Shape::Response { .. } | Shape::Notification { .. } => "protocol",
    }
}

#[cfg(test)]
mod tests {
    use super::super::ask::tests::{examined, part};
    use super::*;
    use crate::event::surface::Part;
    use crate::event::{Launch, Server};
    use crate::link::{Asked, Client};
    use crate::mcp::message::Id;

    fn name_of(event: &str, asked: Option<&str>) -> String {
        let mut weighed = part(0, Action::Log);
        event.clone_into(&mut weighed.event.name);
        let mut examined = examined(vec![(Part::Whole, weighed)]);
        if let Some(name) = asked {
            examined.shape = Shape::Request {
                id: Id::Integer("1".into()),
                asked: Asked {
                    method: "resources/read".into(),
                    name: name.into(),
                    call: "c".into(),
                    stateless: false,
                    question: None,
                    task: None,
                },
            };
        }
        let (client, server) = (Client::default(), Server::default());
        let link = Link::new("l".into(), client, server, Launch::default());
        let entry = Entry {
            link: &link,
            examined: &examined,
            decision: &examined.decision,
            bytes: b"",
            started: Instant::now(),
            resent: false,
            what: "message",
            note: None,
        };
        record(entry).name
    }

    #[test]
    fn findings_that_are_heavy_leave_room_for_the_record() {
        let light = part(0, Action::Ask).findings.remove(0);
        let attrs = (0..16).map(|n| (format!("{n}"), "\u{1f600}".repeat(64)));
        let heavy = Finding {
            attrs: attrs.collect(),
            refs: vec!["r".repeat(256); 16],
            steps: vec!["s".repeat(64); 64],
            ..light.clone()
        };
        let all = vec![heavy; 80];
        let listed = listed(all.iter());
        assert_eq!(listed.len(), MAX_LISTED);
        assert_eq!((listed[0].attrs.len(), listed[63].attrs.len()), (16, 0));
        assert!(listed.iter().all(|one| one.message == all[0].message));
        assert!(serde_json::to_vec(&listed).unwrap().len() < crate::audit::MAX_BODY_BYTES * 3 / 4);
        assert_eq!(super::listed([&light].into_iter()), [light]);
    }

    #[test]
    fn a_name_in_a_record_holds_no_password_and_fits() {
        let (uri, kept) = ("db://u:hunter22@h/x", "db://u:[redacted:url-password]@h/x");
        assert_eq!(name_of("x", Some(uri)), kept);
        assert_eq!(name_of(uri, Some("")), kept);
        assert_eq!(name_of(uri, None), kept);
        let long = "x".repeat(2 << 20);
        assert!(name_of("", Some(&long)).len() < 2048);
    }
}
