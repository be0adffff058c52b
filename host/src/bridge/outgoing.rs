//! A client's message as the HTTP transports want to know it: what it asks, in which era, which
//! headers repeat it.

use super::headers::{METHOD, NAME, VERSION, encoded};
use super::limits;
use super::open::Asked;
use super::schemas::Schemas;
use crate::mcp::era::{Era, VERSION_META};
use crate::mcp::json::{self, Node};
use crate::mcp::message::{self, Batches, Id, Incoming, Message};
use crate::mcp::reply;
use crate::mcp::salvage::salvage;
use hyper::header::HeaderMap;

/// When the message after this one may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// At once.
    Free,
    /// When the server has accepted this one.
    Accepted,
    /// When this one is answered: what follows depends on what was agreed.
    Answered,
}

#[derive(Debug)]
pub(super) struct Outgoing {
    pub body: Vec<u8>,
    pub asks: Vec<Asked>,
    pub era: Era,
    pub turn: Turn,
    pub is_initialize: bool,
    /// The handshake is complete: the server may now be listened to.
    pub is_initialized: bool,
    /// The request that is given up.
    pub cancels: Option<Id>,
    /// Headers that repeat the body; only the stateless era has them.
    pub mirrored: HeaderMap,
}

impl Outgoing {
    /// Reads a line. What is no message goes back with an error, if anybody waits for one.
    ///
    /// # Errors
    /// The line to answer with.
    pub(super) fn read(line: Vec<u8>, schemas: &Schemas) -> Result<Self, Option<Vec<u8>>> {
        let mut outgoing = Self {
            body: Vec::new(),
            asks: Vec::new(),
            era: Era::Handshake,
            turn: Turn::Accepted,
            is_initialize: false,
            is_initialized: false,
            cancels: None,
            mirrored: HeaderMap::new(),
        };
        {
            let salvaged = || salvage(&line).id;
            let root = json::parse(&line, &limits())
                .map_err(|_| salvaged().map(|id| reply::unparsable(Some(&id))))?;
            // Which revision was agreed on is for the relay to judge, not for us.
            let incoming = message::read_incoming(&root, Batches::Allowed)
                .map_err(|_| salvaged().map(|id| reply::invalid(Some(&id))))?;
            match incoming {
                Incoming::One(message) => outgoing.take(&message, schemas),
                Incoming::Batch(messages) => {
                    for message in &messages {
                        if let Message::Request { id, method, .. } = message {
                            let asked = Asked::new(id.clone(), method, Era::Handshake);
                            outgoing.asks.push(asked);
                            outgoing.turn = Turn::Free;
                        }
                    }
                }
            }
        }
        outgoing.body = line;
        Ok(outgoing)
    }

    fn take(&mut self, message: &Message<'_, '_>, schemas: &Schemas) {
        match message {
            Message::Request { id, method, params } => {
                self.era = Era::of(*params);
                self.asks.push(Asked::new(id.clone(), method, self.era));
                self.is_initialize = *method == "initialize";
                self.turn = if self.is_initialize {
                    Turn::Answered
                } else {
                    Turn::Free
                };
                self.mirror(method, *params, schemas);
            }
            Message::Notification { method, params } => {
                self.era = Era::of(*params);
                self.is_initialized = *method == "notifications/initialized";
                if *method == "notifications/cancelled" {
                    let id = params.and_then(|params| params.get("requestId"));
                    self.cancels = id.and_then(|id| Id::read(id).ok());
                }
                self.mirror(method, *params, schemas);
            }
            Message::Response { .. } | Message::Stray { .. } => {}
        }
    }

    fn mirror(&mut self, method: &str, params: Option<&Node<'_>>, schemas: &Schemas) {
        if self.era != Era::Stateless {
            return;
        }
        let text = |key: &str| {
            params
                .and_then(|params| params.get(key))
                .and_then(Node::as_str)
        };
        let version = params
            .and_then(|params| params.get("_meta"))
            .and_then(|meta| meta.get(VERSION_META))
            .and_then(Node::as_str);
        let name = match method {
            "tools/call" | "prompts/get" => text("name"),
            "resources/read" => text("uri"),
            _ if method.starts_with("tasks/") => text("taskId"),
            _ => None,
        };
        for (header, value) in [(VERSION, version), (METHOD, Some(method)), (NAME, name)] {
            if let Some(value) = value.and_then(encoded) {
                self.mirrored.insert(header, value);
            }
        }
        if method == "tools/call"
            && let Some(tool) = name
        {
            let arguments = params.and_then(|params| params.get("arguments"));
            self.mirrored.extend(schemas.headers(tool, arguments));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Outgoing {
        Outgoing::read(line.as_bytes().to_vec(), &Schemas::default()).unwrap()
    }

    #[track_caller]
    fn headers(line: &str) -> Vec<String> {
        let mut headers: Vec<String> = read(line)
            .mirrored
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        headers.sort();
        headers
    }

    #[test]
    fn a_request_of_the_stateless_era_is_repeated_in_headers() {
        let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#;
        let call = |method: &str, more: &str| {
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{meta}{more}}}}}"#)
        };
        assert_eq!(
            headers(&call("tools/call", r#","name":"größe""#)),
            [
                "mcp-method: tools/call",
                "mcp-name: =?base64?Z3LDtsOfZQ==?=",
                "mcp-protocol-version: 2026-07-28"
            ]
        );
        assert_eq!(
            headers(&call("resources/read", r#","uri":"file:///a","name":"n""#))[1],
            "mcp-name: file:///a"
        );
        assert_eq!(
            headers(&call("tasks/get", r#","taskId":"t1""#))[1],
            "mcp-name: t1"
        );
        assert_eq!(headers(&call("tools/list", r#","name":"x""#)).len(), 2);
        assert!(
            headers(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}"#)
                .is_empty()
        );
    }

    #[test]
    fn what_may_follow_depends_on_the_message() {
        let turn = |line: &str| read(line).turn;
        assert_eq!(
            turn(r#"{"jsonrpc":"2.0","id":1,"method":"initialize"}"#),
            Turn::Answered
        );
        assert_eq!(
            turn(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#),
            Turn::Free
        );
        assert_eq!(
            turn(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#),
            Turn::Accepted
        );
        assert_eq!(
            turn(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#),
            Turn::Accepted
        );
        let batch = read(
            r#"[{"jsonrpc":"2.0","id":1,"method":"a"},{"jsonrpc":"2.0","method":"b"},{"jsonrpc":"2.0","id":"x","method":"c"}]"#,
        );
        assert_eq!((batch.asks.len(), batch.turn), (2, Turn::Free));
    }

    #[test]
    fn a_line_that_is_no_message_is_answered_when_it_has_an_id() {
        let read = |line: &str| Outgoing::read(line.into(), &Schemas::default()).unwrap_err();
        assert!(read(r#"{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}"#).is_some());
        assert!(read(r#"{"jsonrpc":"1.0","id":1,"method":"a"}"#).is_some());
        assert!(read("noise").is_none());
    }
}
