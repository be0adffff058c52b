//! Ends and breaks of a stream: whoever waits for what will not come is told so.

use super::enforce::{locked, owed};
use super::verdict::{Stop, Verdict};
use super::{Counts, Judge, Outcome};
use crate::audit::Durability;
use crate::link::{End, Link};
use crate::mcp::reply::{self, Refusal};
use crate::policy::Decision;
use std::sync::Mutex;

impl Judge {
    /// One side ended: whoever still waits for it hears that no answer will come.
    pub fn gone(&self, link: &Mutex<Link>, end: End) -> Outcome {
        let mut link = locked(link);
        let open = link.take_open(end.other());
        let mut stop = Stop::default();
        let mut lines = Vec::new();
        for (id, asked) in &open {
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
        let mut link = locked(link);
        let mut stop = Stop::default();
        // Its id is unknown. With one request open it is clear which answer it was.
        let waiting = link.take_open(end.other());
        match (end, waiting.as_slice()) {
            (End::Server, [(id, asked)]) => {
                stop.onward = Some(reply::refuse(
                    &owed(id, asked, End::Client),
                    &Refusal::BadAnswer,
                ));
                stop.discard.push(Link::open_key(End::Client, id));
            }
            (End::Server, _) => {
                for (id, asked) in waiting {
                    // Still open: its answer may yet come.
                    let _ = link.open(End::Client, &id, asked);
                }
            }
            (End::Client, _) => {
                for (id, asked) in waiting {
                    let _ = link.open(End::Server, &id, asked);
                }
                stop.back = Some(reply::unparsable(None));
            }
        }
        Counts::add(&self.counts.denied);
        let mut record = super::launch::life(&link, "unreadable", why.to_owned());
        record.decision = Some(Decision::deny(
            "protocol:frame",
            "the frame could not be read whole",
        ));
        self.append(&record, Durability::Now);
        Outcome::Now(Verdict::stop(stop))
    }
}
