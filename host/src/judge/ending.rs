//! Ends and breaks of a stream: whoever waits for what will not come is told so.

use super::broken::{left_unanswered, owed_for};
use super::enforce::{locked, owed, some_lines};
use super::verdict::{Stop, Verdict};
use super::{Counts, Judge, Outcome};
use crate::audit::Durability;
use crate::link::{End, Link};
use crate::mcp::reply::{self, Refusal};
use crate::mcp::salvage::{Nature, Salvaged};
use crate::policy::Decision;
use std::sync::Mutex;

/// What is known of a frame that could not be read whole.
#[derive(Debug, Default)]
pub struct Unread {
    pub why: String,
    pub len: u64,
    /// Hexadecimal SHA-256; empty when nobody made it.
    pub digest: String,
    pub salvaged: Salvaged,
}

impl Judge {
    /// One side ended: whoever still waits for it hears that no answer will come.
    pub fn gone(&self, link: &Mutex<Link>, end: End) -> Outcome {
        let mut link = locked(link);
        let open = link.take_open(end.other());
        let mut stop = Stop::default();
        let mut lines = Vec::new();
        for (id, asked) in &open {
            if let Some(question) = &asked.question {
                self.desk.withdraw(question);
            }
            lines.extend(reply::refuse(
                &owed(id, asked, end.other()),
                &Refusal::ServerGone,
            ));
            stop.discard.push(Link::open_key(end.other(), id));
        }
        stop.onward = (!lines.is_empty()).then_some(lines);
        let note = format!("the server ended with {} requests open", open.len());
        self.append(
            &super::launch::life(&link, "server-ended", note),
            Durability::Group,
        );
        Outcome::Now(Verdict::stop(stop))
    }

    /// A frame that could not be read whole: recorded, dropped, and answered as far as possible.
    pub fn unreadable(&self, link: &Mutex<Link>, end: End, why: &str) -> Outcome {
        let unread = Unread {
            why: why.to_owned(),
            ..Unread::default()
        };
        self.unread(link, end, unread)
    }

    /// The same, with what could be found out about it while it was skipped.
    pub fn unread(&self, link: &Mutex<Link>, end: End, unread: Unread) -> Outcome {
        let mut link = locked(link);
        // What a batch too long to read would have answered can't be known either.
        let salvaged = match unread.salvaged {
            Salvaged {
                nature: Nature::Batch,
                id,
            } if end == End::Server => Salvaged {
                nature: Nature::Answer,
                id,
            },
            salvaged => salvaged,
        };
        let unanswered = left_unanswered(&mut link, end, &salvaged);
        let asker = end.other();
        let mut stop = Stop {
            onward: some_lines(unanswered.iter().flat_map(|(id, asked)| {
                reply::refuse(&owed(id, asked, asker), &Refusal::BadAnswer)
            })),
            ..Stop::default()
        };
        let keys = unanswered.iter().map(|(id, _)| Link::open_key(asker, id));
        stop.discard.extend(keys);
        stop.back = owed_for(end, salvaged).map(|id| reply::unreadable(id.as_ref()));
        Counts::add(&self.counts.denied);
        let mut record = super::launch::life(&link, "unreadable", unread.why);
        (record.digest, record.bytes) = (unread.digest, unread.len);
        record.decision = Some(Decision::deny(
            "protocol:frame",
            "the frame could not be read whole",
        ));
        self.append(&record, Durability::Now);
        Outcome::Now(Verdict::stop(stop))
    }
}
