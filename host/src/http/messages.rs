//! What an exchange must know of a message besides its verdict: its requests' ids, and how lines of
//! ours become a body.
//!
//! A lenient reading. It decides only which open requests a message is held against and who is
//! told when no answer comes; what passes is decided by the judge's strict one.

use crate::mcp::json::{self, Limits, Node};
use crate::mcp::message::Id;
use crate::mcp::salvage::{Nature, Salvaged, salvage};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// The ids of all requests in a message of which this was salvaged, or in a batch.
pub fn request_ids(bytes: &[u8], salvaged: &Salvaged) -> Vec<Id> {
    match salvaged.nature {
        Nature::Request => salvaged.id.iter().cloned().collect(),
        Nature::Batch => {
            let all: Vec<&RawValue> = serde_json::from_slice(bytes).unwrap_or_default();
            all.iter()
                .map(|one| salvage(one.get().as_bytes()))
                .filter(|one| one.nature == Nature::Request)
                .filter_map(|one| one.id)
                .collect()
        }
        _ => Vec::new(),
    }
}

/// The request that a notification cancels, if it is one that does.
pub fn cancelled(bytes: &[u8]) -> Option<Id> {
    let limits = Limits {
        max_bytes: bytes.len(),
        ..Limits::default()
    };
    let root = json::parse(bytes, &limits).ok()?;
    let method = root.get("method").and_then(Node::as_str);
    let id = root.get("params")?.get("requestId")?;
    // Source: MCP 2025-11-25, cancellation.
    (method == Some("notifications/cancelled"))
        .then(|| Id::read(id).ok())
        .flatten()
}

/// What a verdict puts in a message's place, as one body: a message that was changed as it is, lines
/// of ours one by one, several as a batch.
pub fn body_of(given: &[u8]) -> Vec<u8> {
    // One that was changed keeps the line breaks that it came with.
    if serde_json::from_slice::<IgnoredAny>(given).is_ok() {
        return given.trim_ascii().to_vec();
    }
    let lines: Vec<&[u8]> = given
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty())
        .collect();
    if lines.is_empty() {
        return Vec::new();
    }
    [b"[", lines.join(&b","[..]).as_slice(), b"]"].concat()
}

/// Whether a line of ours says that a message was no valid message. A client gets 400 with it, as
/// the specification wants; every other refusal is an answer and comes with 200.
pub fn is_protocol_error(line: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Line {
        error: Code,
    }
    #[derive(Deserialize)]
    struct Code {
        code: i64,
    }
    // Source: JSON-RPC 2.0, section 5.1: parse error, invalid request.
    serde_json::from_slice::<Line>(line)
        .is_ok_and(|line| matches!(line.error.code, -32700 | -32600))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_has_the_ids_of_its_requests_only() {
        let batch = br#"[{"id":1,"method":"x"},{"method":"n"},{"id":"a","method":"y"},{"id":2,"result":{}}]"#;
        let ids = request_ids(batch, &salvage(batch));
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        assert_eq!(ids, ["1", "\"a\""]);
        let answer = br#"{"id":1,"result":{}}"#;
        assert!(request_ids(answer, &salvage(answer)).is_empty());
    }

    #[test]
    fn only_a_cancellation_names_what_is_cancelled() {
        let of = |method: &str, params: &str| {
            let message = format!(r#"{{"method":"notifications/{method}","params":{params}}}"#);
            cancelled(message.as_bytes()).map(|id| id.to_string())
        };
        let seven = Some("7".to_owned());
        assert_eq!(of("cancelled", r#"{"requestId":7,"reason":"x"}"#), seven);
        assert_eq!(of("c\\u0061ncelled", r#"{"request\u0049d":7}"#), seven);
        let text = Some("\"a\"".to_owned());
        assert_eq!(of("cancelled", r#"{"requestId":"a"}"#), text);
        for none in [
            r#"{"requestId":null}"#,
            "{}",
            r#"{"requestId":7,"requestId":8}"#,
        ] {
            assert_eq!(of("cancelled", none), None, "{none}");
        }
        assert_eq!(of("progress", r#"{"requestId":7}"#), None);
    }

    #[test]
    fn lines_become_a_message_or_a_batch() {
        assert_eq!(body_of(b"{\"a\":1}\r\n"), b"{\"a\":1}");
        assert_eq!(body_of(b"{}\n{\"b\":2}\n"), b"[{},{\"b\":2}]");
        assert_eq!(body_of(b"\n"), b"");
        assert_eq!(body_of(b"{\n \"a\": [\n1]\n}\n"), b"{\n \"a\": [\n1]\n}");
    }

    #[test]
    fn only_errors_of_form_are_protocol_errors() {
        let line =
            |code: i32| format!(r#"{{"jsonrpc":"2.0","error":{{"code":{code},"message":"m"}}}}"#);
        assert!(is_protocol_error(line(-32700).as_bytes()));
        assert!(is_protocol_error(line(-32600).as_bytes()));
        assert!(!is_protocol_error(line(-31403).as_bytes()));
        assert!(!is_protocol_error(br#"{"id":1,"result":{"isError":true}}"#));
    }
}
