//! What HTTP asks of the judge beside rulings: refusals at the door, facts for the ledger, and
//! answers for requests whose exchange ended without one.

use super::enforce::{locked, owed};
use super::launch::life;
use super::{Counts, Judge};
use crate::audit::Durability;
use crate::link::{End, Link};
use crate::mcp::message::Id;
use crate::mcp::reply::{self, Refusal};
use crate::policy::Decision;
use clawdefender_trust::Sha256Digest;
use std::sync::Mutex;

impl Judge {
    /// Records a message that HTTP itself refused, before it was a frame. It never passes, so
    /// nothing depends on whether the record could be written.
    pub fn refused(&self, link: &Mutex<Link>, from: End, bytes: &[u8], rule: &str, why: &str) {
        Counts::add(&self.counts.denied);
        let mut record = life(&locked(link), "refused", why.to_owned());
        record.direction = match from {
            End::Client => "to-server".into(),
            End::Server => "to-client".into(),
        };
        record.bytes = bytes.len() as u64;
        record.digest = Sha256Digest::of(bytes).to_string();
        record.decision = Some(Decision::deny(rule, why));
        self.append(&record, Durability::Now);
    }

    /// Records what happens on a link. `false`: it could not be, so it must not happen.
    pub fn note(&self, link: &Mutex<Link>, kind: &str, text: &str) -> bool {
        let record = life(&locked(link), kind, text.to_owned());
        self.append(&record, Durability::Group).is_some()
    }

    /// Ends the client's requests that will not be answered any more; the answers of ours, a line
    /// each, for those that were still open.
    pub fn abandon(
        &self,
        link: &Mutex<Link>,
        ids: &[Id],
        refusal: &Refusal<'_>,
        why: &str,
    ) -> Vec<Vec<u8>> {
        let mut link = locked(link);
        let mut lines = Vec::new();
        for id in ids {
            if let Some(asked) = link.forget(End::Client, id) {
                lines.push(reply::refuse(&owed(id, &asked, End::Client), refusal));
            }
        }
        if !lines.is_empty() {
            let text = format!("{why}; {} requests had no answer", lines.len());
            self.append(&life(&link, "unanswered", text), Durability::Group);
        }
        lines
    }
}
