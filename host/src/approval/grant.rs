//! Grants: a person's answers that are good for a later call, and for exactly which.
//!
//! A grant lives in memory and ends with the daemon; what should hold longer is a policy rule.

use std::time::Duration;

use data_encoding::HEXLOWER;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::Approver;
use crate::event::{Event, redacted};

/// The exact call that an answer is about. Nothing in it is a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Scope {
    pub client: String,
    pub server: String,
    /// As it may be shown; the whole of it is in the digest.
    pub tool: String,
    /// See [`Scope::of`].
    pub arguments_sha256: String,
    /// Another policy could have answered otherwise, so it voids the grant.
    pub policy_version: String,
}

impl Scope {
    /// The scope of `event`, whose arguments are the bytes `arguments` as they came.
    ///
    /// The digest also covers the event's kind, its method, its name and the server's package, so
    /// that a tool and a resource of one name, or two versions of a server, never share an answer.
    pub fn of(event: &Event, arguments: &[u8], policy_version: &str) -> Self {
        let package = event.server.package.as_deref().unwrap_or_default();
        let mut hasher = Sha256::new();
        let parts = [event.kind.word(), &event.method, &event.name, package].map(str::as_bytes);
        for part in parts.into_iter().chain([arguments]) {
            hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hasher.update(part);
        }
        Self {
            client: event.client.clone(),
            server: event.server.name.clone(),
            tool: redacted::name(&event.name),
            arguments_sha256: HEXLOWER.encode(&hasher.finalize()),
            policy_version: policy_version.to_owned(),
        }
    }
}

/// How often a grant can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Uses {
    Once,
    /// Any number of times until it expires.
    Timed,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Grant {
    /// The id of the question that it answers.
    pub id: String,
    pub scope: Scope,
    pub by: Approver,
    pub uses: Uses,
    #[serde(rename = "expires_in_s", serialize_with = "seconds_left")]
    pub(super) expires: Instant,
}

impl Grant {
    /// How long it can still be used.
    pub fn expires_in(&self) -> Duration {
        self.expires.saturating_duration_since(Instant::now())
    }
}

/// The grants that can still be used.
#[derive(Debug, Default)]
pub(super) struct Grants(Vec<Grant>);

impl Grants {
    /// Keeps `grant`, in place of an earlier one for the same scope and uses.
    pub(super) fn keep(&mut self, grant: Grant) {
        self.0
            .retain(|held| held.scope != grant.scope || held.uses != grant.uses);
        self.0.push(grant);
    }

    /// A grant for exactly `scope`; one that is good for one use is gone afterwards.
    pub(super) fn take(&mut self, scope: &Scope) -> Option<Grant> {
        self.drop_expired();
        // A timed one first: it is not used up.
        let position = |uses| {
            self.0
                .iter()
                .position(|held| held.uses == uses && held.scope == *scope)
        };
        match position(Uses::Timed) {
            Some(at) => self.0.get(at).cloned(),
            None => position(Uses::Once).map(|at| self.0.swap_remove(at)),
        }
    }

    pub(super) fn list(&mut self) -> Vec<Grant> {
        self.drop_expired();
        self.0.clone()
    }

    pub(super) fn revoke(&mut self, id: &str) -> Option<Grant> {
        let at = self.0.iter().position(|held| held.id == id)?;
        Some(self.0.swap_remove(at))
    }

    fn drop_expired(&mut self) {
        let now = Instant::now();
        self.0.retain(|held| held.expires > now);
    }
}

fn seconds_left<S: serde::Serializer>(expires: &Instant, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_u64(expires.saturating_duration_since(Instant::now()).as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Direction, Kind, Server};

    fn read(uri: &str) -> Scope {
        let event = Event {
            id: "c1".into(),
            at_ms: 1,
            kind: Kind::Other("resources/read".into()),
            direction: Direction::ToServer,
            link: String::new(),
            client: String::new(),
            server: Server::default(),
            method: "resources/read".into(),
            name: uri.into(),
            texts: vec![],
            assets: vec![],
            launch: None,
            attrs: vec![],
        };
        Scope::of(&event, b"", "v1")
    }

    #[test]
    fn a_scope_tells_no_password_and_still_knows_one_from_another() {
        let (one, other) = (read("db://u:hunter22@h/x"), read("db://u:hunter33@h/x"));
        assert_eq!(one.tool, "db://u:[redacted:url-password]@h/x");
        assert_eq!(one.tool, other.tool);
        assert_ne!(one, other);
    }
}
