//! Headers: which travel on, and whether those that repeat the body say the same.
//!
//! Source: RFC 9110 §7.6.1 (connection-specific fields); MCP 2026-07-28, transports: request
//! metadata headers and their values.

use super::media::Media;
use crate::mcp::era::VERSION_META;
use crate::mcp::json::{self, Limits, Node, Value};
use data_encoding::BASE64;
use hyper::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap,
    HeaderName, HeaderValue, ORIGIN, SET_COOKIE, TRANSFER_ENCODING,
};

/// Fields that speak about one connection only.
const HOP: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
];

const PROTOCOL_VERSION: &str = "mcp-protocol-version";
const METHOD: &str = "mcp-method";
const NAME: &str = "mcp-name";
const PARAMETER: &str = "mcp-param-";

/// Longest session id that is remembered. Chosen: SDKs use UUIDs, others signed tokens.
const MAX_SESSION_BYTES: usize = 2048;

/// What a client's headers become on the way to the server. Bodies must be readable on the way
/// back, so the server is asked not to compress them.
pub fn to_server(headers: &HeaderMap) -> HeaderMap {
    let mut kept = end_to_end(headers);
    // The page's origin was checked here, against our name; the server would compare it with its own.
    for own in [HOST, ORIGIN, CONTENT_LENGTH, ACCEPT_ENCODING] {
        kept.remove(own);
    }
    kept.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if Media::of(headers) == Media::Json {
        kept.insert(CONTENT_TYPE, Media::Json.content_type(headers));
    }
    kept
}

/// What the headers of `server`'s answer become on the way to the client; the length and the type
/// are the new body's.
pub fn to_client(headers: &HeaderMap, server: &str, media: Media) -> HeaderMap {
    let mut kept = end_to_end(headers);
    kept.remove(CONTENT_LENGTH);
    for name in ELSEWHERE {
        kept.remove(name);
    }
    kept.insert(CONTENT_TYPE, media.content_type(headers));
    kept.remove(SET_COOKIE);
    for cookie in headers.get_all(SET_COOKIE) {
        if let Some(cookie) = cookie_of(server, cookie) {
            kept.append(SET_COOKIE, cookie);
        }
    }
    kept
}

/// Headers of an answer that send a client elsewhere, speak to a person, or set cookies in a form
/// that nobody writes any more.
const ELSEWHERE: [&str; 5] = ["alt-svc", "refresh", "link", "warning", "set-cookie2"];

/// A cookie of `server`'s, for `server` alone: all servers have one host here, so its domain goes and
/// its path is ours. `None` when the result can't be a header.
///
/// Source: RFC 6265 §5.2: parts between semicolons, the first is the cookie. Readers differ in
/// whether the first or the last of two paths counts, so only attributes that say nothing of where
/// a cookie goes are kept.
fn cookie_of(server: &str, cookie: &HeaderValue) -> Option<HeaderValue> {
    let mut parts = cookie.as_bytes().split(|byte| *byte == b';');
    let mut ours = parts.next()?.trim_ascii().to_vec();
    ours.extend(format!("; Path=/mcp/{server}").into_bytes());
    for part in parts.map(<[u8]>::trim_ascii) {
        let name = part.split(|byte| *byte == b'=').next().unwrap_or_default();
        let name = name.trim_ascii().to_ascii_lowercase();
        if KEPT_OF_COOKIES.contains(&name.as_slice()) {
            ours.extend(b"; ");
            ours.extend(part);
        }
    }
    HeaderValue::from_bytes(&ours).ok()
}

const KEPT_OF_COOKIES: [&[u8]; 5] = [b"expires", b"max-age", b"secure", b"httponly", b"samesite"];

fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let mut kept = headers.clone();
    for name in HOP
        .into_iter()
        .filter_map(|name| name.parse().ok())
        .chain(named)
    {
        kept.remove(name);
    }
    kept.remove(TRANSFER_ENCODING);
    kept
}

/// Whether the body is not what its bytes say: compressed in some way.
pub fn is_encoded(headers: &HeaderMap) -> bool {
    headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// The session that a message belongs to, if it has one that can be remembered.
pub fn session(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all("mcp-session-id").iter();
    let value = values.next()?.to_str().ok()?;
    let one = values.next().is_none() && (1..=MAX_SESSION_BYTES).contains(&value.len());
    one.then_some(value)
}

pub fn revision(headers: &HeaderMap) -> Option<&str> {
    headers.get(PROTOCOL_VERSION)?.to_str().ok()
}

/// A header that says something else than the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    pub header: String,
}

/// Checks the headers that repeat what the body says, so that nobody who reads only them is
/// misled, and so that a tool's argument does not leave in a header when no detector has seen it.
/// Without a body there is nothing that they could repeat.
///
/// A header that is missing is the server's business: only it knows which revision it speaks.
///
/// # Errors
/// [`Mismatch`] with the first such header.
pub fn agree(headers: &HeaderMap, body: &[u8]) -> Result<(), Mismatch> {
    let mirrored: Vec<(&str, &HeaderValue)> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value))
        .filter(|(name, _)| {
            matches!(*name, PROTOCOL_VERSION | METHOD | NAME) || name.starts_with(PARAMETER)
        })
        .collect();
    if mirrored.is_empty() {
        return Ok(());
    }
    let repeats = |(name, _): &(&str, &HeaderValue)| *name != PROTOCOL_VERSION;
    if body.is_empty() {
        return match mirrored.iter().copied().find(repeats) {
            Some((header, _)) => Err(Mismatch {
                header: header.to_owned(),
            }),
            None => Ok(()),
        };
    }
    // A body that can't be read strictly is refused by the judge.
    let Ok(root) = json::parse(
        body,
        &Limits {
            max_bytes: body.len(),
            ..Limits::default()
        },
    ) else {
        return Ok(());
    };
    let mut seen: Vec<&str> = Vec::new();
    for (header, value) in mirrored {
        let once = !seen.contains(&header);
        seen.push(header);
        let agrees = once && decoded(value).is_some_and(|value| says(&root, header, &value));
        if !agrees {
            return Err(Mismatch {
                header: header.to_owned(),
            });
        }
    }
    Ok(())
}

fn says(root: &Node<'_>, header: &str, value: &str) -> bool {
    let params = root.get("params");
    let of_params = |key: &str| {
        params
            .and_then(|params| params.get(key))
            .and_then(Node::as_str)
    };
    match header {
        // Before 2026-07-28 the body does not name the revision.
        PROTOCOL_VERSION => params
            .and_then(|params| params.get("_meta"))
            .and_then(|meta| meta.get(VERSION_META))
            .is_none_or(|version| version.as_str() == Some(value)),
        METHOD => root.get("method").and_then(Node::as_str) == Some(value),
        NAME => {
            let method = root
                .get("method")
                .and_then(Node::as_str)
                .unwrap_or_default();
            let key = match method.split('/').next() {
                Some("resources") => "uri",
                Some("tasks") => "taskId",
                _ => "name",
            };
            of_params(key) == Some(value)
        }
        _ => params
            .and_then(|params| params.get("arguments"))
            .is_some_and(|arguments| holds(arguments, value)),
    }
}

/// Whether some value below `node` is written as `value`.
fn holds(node: &Node<'_>, value: &str) -> bool {
    match &node.value {
        Value::String(text) => *text == value,
        Value::Number(lexeme) => *lexeme == value,
        Value::Bool(truth) => value == if *truth { "true" } else { "false" },
        Value::Null => false,
        Value::Array(items) => items.iter().any(|item| holds(item, value)),
        Value::Object(members) => members.iter().any(|member| holds(&member.node, value)),
    }
}

/// A header's value; one that ASCII can't hold is wrapped as `=?base64?…?=`.
fn decoded(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?;
    let wrapped = text
        .strip_prefix("=?base64?")
        .and_then(|rest| rest.strip_suffix("?="));
    match wrapped {
        None => Some(text.to_owned()),
        Some(base64) => String::from_utf8(BASE64.decode(base64.as_bytes()).ok()?).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(headers: &[(&str, &str)]) -> HeaderMap {
        headers
            .iter()
            .map(|(name, value)| {
                (
                    name.parse::<HeaderName>().unwrap(),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect()
    }

    #[test]
    fn only_what_speaks_about_the_message_travels_on() {
        let came = map(&[
            ("host", "127.0.0.1:3100"),
            ("connection", "keep-alive, x-private"),
            ("x-private", "1"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("content-length", "5"),
            ("accept-encoding", "gzip"),
            ("authorization", "Bearer t"),
            ("mcp-session-id", "s"),
            ("x-custom", "a"),
        ]);
        let mut names: Vec<String> = to_server(&came).keys().map(ToString::to_string).collect();
        names.sort();
        assert_eq!(
            names,
            [
                "accept-encoding",
                "authorization",
                "mcp-session-id",
                "x-custom"
            ]
        );
        assert_eq!(to_server(&came)["accept-encoding"], "identity");
        let back = to_client(&came, "web", Media::Json);
        assert!(back.get("content-length").is_none());
    }

    const CALL: &str = r#"{"method":"tools/call","params":{"name":"t","arguments":{"a":{"b":["x y"]},"n":7},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;

    #[track_caller]
    fn check(headers: &[(&str, &str)], expect: Result<(), &str>) {
        let found = agree(&map(headers), CALL.as_bytes()).map_err(|mismatch| mismatch.header);
        assert_eq!(found, expect.map_err(str::to_owned), "{headers:?}");
    }

    #[test]
    fn headers_must_say_what_the_body_says() {
        check(&[], Ok(()));
        check(&[("mcp-method", "tools/call"), ("mcp-name", "t")], Ok(()));
        check(&[("mcp-protocol-version", "2026-07-28")], Ok(()));
        check(&[("mcp-name", "=?base64?dA==?=")], Ok(()));
        check(&[("mcp-param-a", "x y"), ("mcp-param-n", "7")], Ok(()));
        check(&[("mcp-method", "tools/list")], Err("mcp-method"));
        check(&[("mcp-method", "Tools/call")], Err("mcp-method"));
        check(&[("mcp-name", "other")], Err("mcp-name"));
        check(&[("mcp-name", "=?base64?dA?=")], Err("mcp-name"));
        check(&[("mcp-name", "t"), ("mcp-name", "t")], Err("mcp-name"));
        check(
            &[("mcp-protocol-version", "2025-11-25")],
            Err("mcp-protocol-version"),
        );
        check(&[("mcp-param-a", "c2VjcmV0")], Err("mcp-param-a"));
    }

    #[test]
    fn before_2026_the_body_names_no_revision() {
        let body = br#"{"method":"tools/list","params":{}}"#;
        assert_eq!(
            agree(&map(&[("mcp-protocol-version", "2025-06-18")]), body),
            Ok(())
        );
    }

    #[test]
    fn a_session_is_one_short_visible_word() {
        assert_eq!(session(&map(&[("mcp-session-id", "abc")])), Some("abc"));
        assert_eq!(
            session(&map(&[("mcp-session-id", "a"), ("mcp-session-id", "b")])),
            None
        );
        assert_eq!(
            session(&map(&[("mcp-session-id", &"a".repeat(4000))])),
            None
        );
        assert_eq!(session(&map(&[])), None);
    }

    #[test]
    fn compressed_bodies_are_told_from_plain_ones() {
        assert!(is_encoded(&map(&[("content-encoding", "gzip")])));
        assert!(is_encoded(&map(&[
            ("content-encoding", "identity"),
            ("content-encoding", "br")
        ])));
        assert!(!is_encoded(&map(&[("content-encoding", "Identity")])));
    }

    #[test]
    fn what_a_body_is_travels_in_our_words() {
        let sent = map(&[("content-type", "application/json; x*=utf-8''utf-7")]);
        assert_eq!(to_server(&sent)["content-type"], "application/json");
        assert!(to_server(&map(&[])).get("content-type").is_none());
        let back = |media| to_client(&sent, "web", media)["content-type"].clone();
        assert_eq!(back(Media::Json), "application/json");
        assert_eq!(back(Media::EventStream), "text/event-stream");
    }

    #[test]
    fn a_cookie_goes_back_to_its_own_server_only() {
        for (came, goes) in [
            ("a=1", "a=1; Path=/mcp/web"),
            (
                "s=\"x=y\"; Path=/; HttpOnly; SameSite=Lax; Max-Age=60",
                "s=\"x=y\"; Path=/mcp/web; HttpOnly; SameSite=Lax; Max-Age=60",
            ),
            (
                "a=1;domain=localhost;PATH = /mcp/other",
                "a=1; Path=/mcp/web",
            ),
            (
                "a=1; Path=/; Expires=Wed, 21 Oct 2026 07:28:00 GMT; path=/mcp",
                "a=1; Path=/mcp/web; Expires=Wed, 21 Oct 2026 07:28:00 GMT",
            ),
        ] {
            let back = to_client(&map(&[("set-cookie", came)]), "web", Media::Json);
            assert_eq!(back["set-cookie"], goes, "{came}");
        }
        let two = map(&[
            ("set-cookie", "a=1"),
            ("set-cookie2", "b=2"),
            ("set-cookie", "c=3"),
        ]);
        let back = to_client(&two, "web", Media::Json);
        let kept: Vec<_> = back.get_all("set-cookie").iter().collect();
        assert_eq!(kept, ["a=1; Path=/mcp/web", "c=3; Path=/mcp/web"]);
        assert!(back.get("set-cookie2").is_none());
    }

    #[test]
    fn without_a_body_nothing_is_repeated() {
        assert!(agree(&map(&[("mcp-protocol-version", "2025-06-18")]), b"").is_ok());
        assert!(agree(&map(&[("mcp-param-x", "secret")]), b"").is_err());
    }
}
