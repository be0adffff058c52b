//! Strings of a message that must stay as they are, or it would no longer be one: the words that
//! the protocol fixes, and what has to be sent back as it came.
//!
//! A member's name proves nothing, because its sender writes the value. So the value counts: one of
//! the protocol's own words, or of a form that has no room for others.

/// Whether the protocol fixes this value at the member that `pointer` ends with.
pub fn is_constant(pointer: &str, value: &str) -> bool {
    let key = last_key(pointer);
    match key {
        "mimeType" => is_media_type(value),
        "protocolVersion" | "supportedVersions" => is_date(value),
        "lastModified" | "lastUpdatedAt" | "createdAt" => is_moment(value),
        "sizes" => {
            value == "any"
                || value
                    .split_once('x')
                    .is_some_and(|(width, height)| is_number(width) && is_number(height))
        }
        "version" => value.len() <= MAX_VERSION_BYTES && value.split('.').all(is_number),
        key => WORDS
            .iter()
            .any(|(member, words)| *member == key && words.contains(&value)),
    }
}

/// Whether the member that `pointer` ends with is one to be sent back as it came, at its own place
/// in a result or a notification.
pub fn is_echo(pointer: &str) -> bool {
    let mut keys = pointer.rsplit('/').filter(|key| !is_number(key));
    let (own, holder) = (keys.next(), keys.next());
    let rest: Vec<&str> = keys.take(MAX_ABOVE).collect();
    own.is_some_and(|own| ECHOED.contains(&own))
        && holder.is_some_and(|holder| ["result", "params", "task", "tasks"].contains(&holder))
        && matches!(
            rest.as_slice(),
            // An input request stands under an id that its sender chose, which may be a number.
            [""] | ["result" | "params", ""]
                | [_, "inputRequests", "result" | "params", ""]
                | ["inputRequests", "result" | "params", ""]
        )
}

/// The last token of a pointer that is no place in a list.
fn last_key(pointer: &str) -> &str {
    let mut keys = pointer.rsplit('/');
    let last = keys.next().unwrap_or_default();
    match is_number(last) {
        true => keys.next().unwrap_or_default(),
        false => last,
    }
}

fn is_number(text: &str) -> bool {
    (1..=5).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// `text/plain; charset=utf-8`. Source: RFC 6838, section 4.2, and the registry's top-level types.
fn is_media_type(value: &str) -> bool {
    let (essence, parameter) = value.split_once(';').unwrap_or((value, ""));
    let Some((kind, subtype)) = essence.split_once('/') else {
        return false;
    };
    let written = |b: u8| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b);
    TYPES.contains(&kind)
        && (1..=MAX_SUBTYPE_BYTES).contains(&subtype.len())
        && subtype.bytes().all(written)
        && ["", "charset=utf-8", "charset=UTF-8", "charset=us-ascii"].contains(&parameter.trim())
}

/// `2025-11-25`.
fn is_date(value: &str) -> bool {
    value.len() == 10 && is_shaped(value, "0000-00-00")
}

/// `2025-11-25T10:00:00.123Z` or with an offset, as RFC 3339 writes it.
fn is_moment(value: &str) -> bool {
    const SECONDS: &str = "0000-00-00T00:00:00";
    let Some((seconds, rest)) = value.split_at_checked(SECONDS.len()) else {
        return is_date(value);
    };
    let rest = match rest.strip_prefix('.') {
        Some(rest) => {
            let zone = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            (rest.len() - zone.len() <= 9).then_some(zone)
        }
        None => Some(rest),
    };
    let zone = |zone: &str| {
        ["", "Z"].contains(&zone)
            || is_shaped(zone.trim_start_matches('+'), "00:00")
            || is_shaped(zone, "-00:00")
    };
    is_shaped(seconds, SECONDS) && rest.is_some_and(zone)
}

/// A digit for each zero of `shape`, and its other letters.
fn is_shaped(value: &str, shape: &str) -> bool {
    value.len() == shape.len()
        && value
            .bytes()
            .zip(shape.bytes())
            .all(|(b, expected)| b == expected || expected == b'0' && b.is_ascii_digit())
}

/// Source: the schemas of MCP 2024-11-05 to 2026-07-28.
const WORDS: &[(&str, &[&str])] = &[
    (
        "type",
        &[
            "text",
            "image",
            "audio",
            "resource",
            "resource_link",
            "tool_use",
            "tool_result",
            "ref/prompt",
            "ref/resource",
            "ref/tool",
            "auto",
            "any",
            "tool",
            "none",
        ],
    ),
    ("role", &["user", "assistant"]),
    ("audience", &["user", "assistant"]),
    ("resultType", &["complete", "input_required", "task"]),
    (
        "level",
        &[
            "debug",
            "info",
            "notice",
            "warning",
            "error",
            "critical",
            "alert",
            "emergency",
        ],
    ),
    ("action", &["accept", "decline", "cancel"]),
    (
        "status",
        &[
            "submitted",
            "working",
            "input_required",
            "completed",
            "failed",
            "cancelled",
            "unknown",
        ],
    ),
    (
        "method",
        &[
            "elicitation/create",
            "sampling/createMessage",
            "roots/list",
            "tools/call",
        ],
    ),
    ("mode", &["form", "url", "auto", "required", "none"]),
    ("theme", &["light", "dark"]),
    ("includeContext", &["none", "thisServer", "allServers"]),
    (
        "stopReason",
        &["endTurn", "stopSequence", "maxTokens", "toolUse"],
    ),
    ("taskSupport", &["forbidden", "optional", "required"]),
    ("cacheScope", &["public", "private"]),
];

const ECHOED: &[&str] = &[
    "cursor",
    "nextCursor",
    "requestState",
    "taskId",
    "progressToken",
    "requestId",
    "elicitationId",
    "subscriptionId",
];

const TYPES: &[&str] = &[
    "application",
    "audio",
    "chemical",
    "font",
    "image",
    "message",
    "model",
    "multipart",
    "text",
    "video",
];
/// Source: RFC 6838, section 4.2: more than 64 is refused.
const MAX_SUBTYPE_BYTES: usize = 64;
/// One more than the longest way to such a member has.
const MAX_ABOVE: usize = 5;
const MAX_VERSION_BYTES: usize = 17;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(key: &str, constant: &str, other: &str) {
        let pointer = format!("/result/content/0/{key}");
        assert!(is_constant(&pointer, constant), "{key} {constant}");
        assert!(!is_constant(&pointer, other), "{key} {other}");
        assert!(is_constant(&format!("{pointer}/0"), constant));
        assert!(!is_constant(&format!("{pointer}/x"), constant), "nested");
    }

    #[test]
    fn only_what_the_protocol_fixes_is_constant() {
        check("type", "text", "secret 1");
        check("status", "completed", "secret 2");
        check("mode", "url", "secret 3");
        check("lastModified", "2025-01-12T15:00:58Z", "secret 4");
        check(
            "createdAt",
            "2025-01-12T15:00:58.123+02:00",
            "2025-01-12T15:00:58 hunter22",
        );
        check("mimeType", "text/plain; charset=utf-8", "secret 5");
        check("mimeType", "application/vnd.x+json", "secret/5");
        check("sizes", "48x48", "48xhunter");
        check("protocolVersion", "2025-11-25", "hunter-22");
        check("version", "1.2.3", "1.2.hunter");
        check("method", "elicitation/create", "hunter/22");
    }

    #[test]
    fn what_is_sent_back_stands_at_its_own_place() {
        for echo in [
            "/result/nextCursor",
            "/result/requestState",
            "/result/task/taskId",
            "/result/tasks/3/taskId",
            "/params/progressToken",
            "/result/inputRequests/q1/params/elicitationId",
            "/result/inputRequests/1/params/elicitationId",
        ] {
            assert!(is_echo(echo), "{echo}");
        }
        for other in [
            "/result/content/0/text/nextCursor",
            "/result/structuredContent/params/cursor",
            "/result/content/0/id",
            "/result/nextCursor/x",
        ] {
            assert!(!is_echo(other), "{other}");
        }
    }
}
