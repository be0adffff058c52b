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
    match node.as_object() {
        Some(members) => {
            let mut content = Vec::new();
            for member in members {
                let meta = member.node.as_object().filter(|_| member.key == "_meta");
                let (holder, inner) = match meta {
                    Some(inner) => (None, inner),
                    None => (Some(member), &[][..]),
                };
                let inner = inner.iter().filter(|one| !PER_TRY.contains(&&*one.key));
                for member in holder.into_iter().chain(inner) {
                    content.extend_from_slice(raw(&member.key_span));
                    content.extend_from_slice(raw(&member.node.span));
                }
            }
            content
        }
        None => raw(&node.span).to_vec(),
    }
}
