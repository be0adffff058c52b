//! What a person's answer is bound to.

use crate::mcp::message::{Message, Outcome};

/// Members of `_meta` that are others in every try.
///
/// Source: MCP 2025-11-25, progress; W3C Trace Context and Baggage, as MCP 2026-07-28 carries them.
const PER_TRY: [&str; 4] = ["progressToken", "traceparent", "tracestate", "baggage"];

/// The bytes that say what is asked for, member by member, in their order.
pub(super) fn content(bytes: &[u8], one: &Message<'_, '_>) -> Vec<u8> {
    let node = match one {
        Message::Request { params, .. } | Message::Notification { params, .. } => *params,
        Message::Response {
            outcome: Outcome::Result(node) | Outcome::Error(node),
            ..
        } => Some(*node),
        Message::Stray { error } => Some(*error),
    };
    let Some(node) = node else { return Vec::new() };
    let raw = |span: &std::ops::Range<usize>| bytes.get(span.clone()).unwrap_or_default();
    let Some(members) = node.as_object() else {
        return raw(&node.span).to_vec();
    };
    let mut content = Vec::new();
    for member in members {
        match member.node.as_object().filter(|_| member.key == "_meta") {
            Some(inner) => {
                let mut inner = inner
                    .iter()
                    .filter(|one| !PER_TRY.contains(&&*one.key))
                    .peekable();
                if inner.peek().is_none() {
                    continue;
                }
                // Between braces and without colons, as no value is: what stands here must never
                // read as the members beside it, or the answer would hold for another call.
                content.extend_from_slice(raw(&member.key_span));
                content.push(b'{');
                for one in inner {
                    content.extend_from_slice(raw(&one.key_span));
                    content.extend_from_slice(raw(&one.node.span));
                }
                content.push(b'}');
            }
            None => {
                content.extend_from_slice(raw(&member.key_span));
                content.extend_from_slice(raw(&member.node.span));
            }
        }
    }
    content
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::{json, message};

    fn of(params: &str) -> Vec<u8> {
        let line = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
        let root = json::parse(line.as_bytes(), &json::Limits::default()).unwrap();
        content(line.as_bytes(), &message::read(&root).unwrap())
    }

    #[test]
    fn what_is_another_in_every_try_does_not_count() {
        let call = of(r#"{"name":"pay","arguments":{"n":1}}"#);
        for same in [
            r#"{"name":"pay","_meta":{"progressToken":1},"arguments":{"n":1}}"#,
            r#"{"_meta":{"progressToken":"b","traceparent":"00"},"name":"pay","arguments":{"n":1}}"#,
            r#"{"name":"pay","arguments":{"n":1},"_meta":{}}"#,
        ] {
            assert!(of(same) == call, "{same}");
        }
        let with = |token: &str| {
            of(&format!(
                r#"{{"_meta":{{"a":"x","progressToken":{token}}}}}"#
            ))
        };
        assert!(with("1") == with("2"));
    }

    #[test]
    fn what_stands_in_meta_is_not_what_stands_beside_it() {
        let calls = [
            r#"{"name":"pay","_meta":{"arguments":{"n":1}}}"#,
            r#"{"name":"pay","arguments":{"n":1}}"#,
            r#"{"_meta":{"name":"pay","arguments":{"n":1}}}"#,
            r#"{"_meta":{"name":"pay"},"arguments":{"n":1}}"#,
            r#"{"name":"pay","_meta":{"a":{}},"arguments":{"n":1}}"#,
            r#"{"name":"pay","_meta":"a","arguments":{"n":1}}"#,
        ];
        for (place, call) in calls.iter().enumerate() {
            for other in calls.iter().skip(place + 1) {
                assert!(of(call) != of(other), "{call} {other}");
            }
        }
    }
}
