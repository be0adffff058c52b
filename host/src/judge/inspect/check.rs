//! Guard checks: what an agent that speaks no MCP is about to do, or what came of it, judged with
//! what it did before.

use super::answer::{Answer, Said};
use super::{Inspector, call_id};
use crate::audit::Record;
use crate::event::{Launch, Server};
use crate::judge::examine::examine;
use crate::judge::history::Histories;
use crate::judge::record::{Entry, record};
use crate::link::{Client, End, Link};
use serde_json::Value;
use std::time::Instant;

/// One action of an agent, as the messages that it stands for.
pub struct Check<'c> {
    /// The server's name for policy.
    pub server: &'static str,
    /// A `tools/call` request.
    pub call: &'c str,
    /// Its answer, when the action is done and this is what came back.
    pub result: Option<&'c str>,
}

impl Inspector<'_> {
    /// Judges the last message of `check` with the history of `client`, which then holds it if it
    /// may pass. The answer, and the record that has to be written before anybody hears it.
    pub fn check(
        &self,
        check: &Check<'_>,
        client: Client,
        histories: &Histories,
    ) -> (Value, Record) {
        let server = Server {
            name: check.server.into(),
            package: None,
        };
        let mut link = Link::new("guard".into(), client, server, Launch::default());
        match check.result {
            None => self.last(&mut link, End::Client, check.call, histories),
            Some(result) => {
                // The call was asked about before it was done: here it only says what is answered.
                let call = check.call.as_bytes();
                let bench = self.bench(histories);
                drop(examine(&bench, &mut link, End::Client, call_id(), call));
                self.last(&mut link, End::Server, result, histories)
            }
        }
    }

    fn last(
        &self,
        link: &mut Link,
        from: End,
        line: &str,
        histories: &Histories,
    ) -> (Value, Record) {
        let started = Instant::now();
        let bench = self.bench(histories);
        let examined = examine(&bench, link, from, call_id(), line.as_bytes());
        let mut record = record(Entry {
            link,
            examined: &examined,
            decision: &examined.decision,
            bytes: line.as_bytes(),
            started,
            resent: false,
            what: "guard",
            note: None,
        });
        record.kind = "guard-check".into();
        record.direction = "local".into();
        let reason = examined.decision.reason.clone();
        let mut said = Said::default();
        said.examined(None, examined, histories, link);
        let Answer { mut json, .. } = said.into_answer(&Value::Null, started);
        if let Some(members) = json.as_object_mut() {
            members.insert("reason".into(), reason.into());
        }
        (json, record)
    }
}
