//! Answers of our own, in a form that the asker's protocol revision accepts.
//!
//! Fixed text and ids only: nothing that a peer wrote reaches an answer, except the request's own
//! id. Whether and why something is blocked was decided before.
//!
//! Source: MCP 2024-11-05 to 2026-07-28, tools (execution errors), sampling, elicitation, roots;
//! JSON-RPC 2.0 §5.1.

use std::fmt;

use super::era::Era;
use super::message::Id;

/// The request that gets our answer instead of its peer's.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'q> {
    pub id: &'q Id,
    pub method: &'q str,
    pub era: Era,
    pub by: Asker,
}

/// Who sent the request, and so who reads the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    Client,
    /// Handshake era only: sampling, elicitation, roots, ping.
    Server,
}

/// An id of ours, safe to show anywhere: `[A-Za-z0-9._:/-]{1,64}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label(String);

impl Label {
    /// `text`, or `unnamed` if it has characters that ids of ours don't have: an answer is owed
    /// even then.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte);
        let fits = (1..=64).contains(&text.len()) && text.bytes().all(safe);
        Self(if fits { text } else { "unnamed" }.to_owned())
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why the peer's answer isn't coming.
#[derive(Debug, Clone, Copy)]
pub enum Refusal<'q> {
    /// Policy said no. `call` is what a person looks up in the audit log.
    Blocked { rule: &'q Label, call: &'q Label },
    /// Nobody has approved it yet; a retry may pass.
    Unapproved { rule: &'q Label, call: &'q Label },
    /// No verdict could be had, and without one nothing passes.
    Unavailable,
    /// The server ended with the request still open.
    ServerGone,
    /// The server's answer was no valid, unambiguous message.
    BadAnswer,
}

impl fmt::Display for Refusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blocked { rule, call } => write!(
                f,
                "Blocked by ClawDefender (rule {rule}, ref {call}). Trying again will not help; \
                 the person who runs ClawDefender can look up the ref in its audit log."
            ),
            Self::Unapproved { rule, call } => write!(
                f,
                "Blocked by ClawDefender (rule {rule}, ref {call}): this needs approval. Once \
                 the person who runs ClawDefender has approved it, the same call will pass."
            ),
            Self::Unavailable => f.write_str(
                "ClawDefender is unavailable, so nothing passes. The person who runs it can see \
                 what is wrong with: clawdefender status",
            ),
            Self::ServerGone => f.write_str("The MCP server ended before it answered."),
            Self::BadAnswer => f.write_str(
                "Blocked by ClawDefender: the MCP server's answer was not a valid, unambiguous \
                 message.",
            ),
        }
    }
}

/// The answer to a refused request: one line of JSON, newline included.
#[must_use]
pub fn refuse(asked: &Asked<'_>, refusal: &Refusal<'_>) -> Vec<u8> {
    let Asked {
        id,
        method,
        era,
        by,
    } = *asked;
    let done = match era {
        Era::Handshake => "",
        Era::Stateless => r#","resultType":"complete""#,
    };
    // No text of ours needs escaping, but a later one might.
    let text = serde_json::Value::from(refusal.to_string());
    match (by, method) {
        // The model sees it and can go on, which a protocol error need not allow.
        (Asker::Client, "tools/call") => result(
            id,
            &format!(r#"{{"content":[{{"type":"text","text":{text}}}],"isError":true{done}}}"#),
        ),
        (Asker::Client, "completion/complete") => {
            result(id, &format!(r#"{{"completion":{{"values":[]}}{done}}}"#))
        }
        // Source: MCP 2025-11-25, client/sampling: error -1 is a person's no.
        (Asker::Server, "sampling/createMessage") => error(
            Some(id),
            -1,
            &serde_json::Value::from("User rejected sampling request"),
        ),
        (Asker::Server, "elicitation/create") => result(id, r#"{"action":"decline"}"#),
        (Asker::Server, "roots/list") => result(id, r#"{"roots":[]}"#),
        _ => error(Some(id), refusal.code(), &text),
    }
}

impl Refusal<'_> {
    fn code(&self) -> i32 {
        match self {
            Self::ServerGone => GONE,
            _ => BLOCKED,
        }
    }
}

/// The answer to a request that names a tool, prompt or resource which was hidden from its list.
#[must_use]
pub fn unknown(asked: &Asked<'_>) -> Vec<u8> {
    error(
        Some(asked.id),
        INVALID_PARAMS,
        &serde_json::Value::from("Unknown name"),
    )
}

/// The answer to bytes that are not JSON, or could be read in two ways; with the id if it could
/// be salvaged. Without one it is left out: revisions since 2025-11-25 allow that, none allows null.
#[must_use]
pub fn unparsable(id: Option<&Id>) -> Vec<u8> {
    let text = "Refused by ClawDefender: not valid, unambiguous JSON";
    error(id, PARSE_ERROR, &serde_json::Value::from(text))
}

/// The answer to a message that was too long, or ended before it was complete.
#[must_use]
pub fn unreadable(id: Option<&Id>) -> Vec<u8> {
    let text = "Refused by ClawDefender: the message is longer than the limit, or incomplete";
    error(id, INVALID_REQUEST, &serde_json::Value::from(text))
}

/// The answer to JSON that is no MCP message.
#[must_use]
pub fn invalid(id: Option<&Id>) -> Vec<u8> {
    let text = "Refused by ClawDefender: not a valid MCP message";
    error(id, INVALID_REQUEST, &serde_json::Value::from(text))
}

fn result(id: &Id, result: &str) -> Vec<u8> {
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}\n").into_bytes()
}

fn error(id: Option<&Id>, code: i32, message: &serde_json::Value) -> Vec<u8> {
    let id = id.map(|id| format!(r#","id":{id}"#)).unwrap_or_default();
    let line = format!(
        "{{\"jsonrpc\":\"2.0\"{id},\"error\":{{\"code\":{code},\"message\":{message}}}}}\n"
    );
    line.into_bytes()
}

/// Outside JSON-RPC's reserved range, as MCP asks of codes that it doesn't define; after HTTP 403.
pub const BLOCKED: i32 = -31403;
/// The same for a server that did not answer; after HTTP 502.
pub const GONE: i32 = -31502;
const PARSE_ERROR: i32 = -32700;
const INVALID_REQUEST: i32 = -32600;
const INVALID_PARAMS: i32 = -32602;

#[cfg(test)]
mod tests;
