//! Answers: a server's, judged before they go on, and our own.
//!
//! A blocked message is answered with 200 and a JSON-RPC body: clients take a bare 400, 404 or 405
//! for an older protocol and begin again with less. Source: MCP 2026-07-28, backward compatibility.

use super::body::{self, Reply};
use super::exchange::{BAD_GATEWAY, Exchange};
use super::headers;
use super::media::Media;
use super::messages;
use super::owed::Owed;
use super::stream;
use crate::judge::Forward;
use crate::link::End;
use crate::loopback::Foreign;
use crate::mcp::json::{self as strict, Limits};
use crate::mcp::message::Id;
use crate::mcp::reply::Refusal;
use crate::mcp::salvage::{Nature, salvage};
use crate::upstream::UpstreamError;
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use hyper::http::response;
use hyper::{Method, Response, StatusCode};
use serde_json::json;

/// Passes a server's answer on, as far as the judge lets it.
pub(super) async fn relay(
    exchange: Exchange,
    owed: Owed,
    response: Response<Incoming>,
) -> Response<Reply> {
    let (head, incoming) = response.into_parts();
    // A client would follow it, to where nothing is judged.
    if head.status.is_redirection() || head.status.is_informational() {
        return refuse(
            &exchange,
            &owed,
            "protocol:redirect",
            "the server answered with a redirect or another protocol",
        );
    }
    if headers::is_encoded(&head.headers) {
        return refuse(
            &exchange,
            &owed,
            "protocol:encoding",
            "the server compressed its answer unasked",
        );
    }
    let media = Media::of(&head.headers);
    if media == Media::Unclear {
        return refuse(
            &exchange,
            &owed,
            "protocol:encoding",
            "the server's answer is not in UTF-8",
        );
    }
    if let Some(stopped) = challenge(&exchange, &owed, &head).await {
        return stopped;
    }
    sessions(&exchange, &head);
    if head.status.is_success() && media == Media::EventStream {
        return stream::follow(exchange, owed, head, incoming);
    }
    let limit = exchange.gateway.judge.max_frame_bytes();
    let bytes = match body::read(incoming, limit).await {
        Ok(bytes) => bytes,
        Err(error) => return refuse(&exchange, &owed, "protocol:frame", &error.to_string()),
    };
    if bytes.trim_ascii().is_empty() {
        return pass(&exchange, &head, media, bytes);
    }
    let salvaged = salvage(&bytes);
    let answers = salvaged.id.is_some_and(|id| owed.has(&id));
    // What is no message and owes nobody an answer is a word of the server's, whatever its form.
    let is_word = owed.is_empty() && matches!(salvaged.nature, Nature::Noise | Nature::Unclear);
    let may_be =
        head.status.is_success() && exchange.aside.is_none() && !exchange.metadata && !is_word;
    if answers || (may_be && media == Media::Json) {
        message(&exchange, &owed, salvaged.nature, &head, bytes).await
    } else {
        text(&exchange, &owed, &head, media, bytes).await
    }
}

/// Begins and ends sessions as the server says.
fn sessions(exchange: &Exchange, head: &response::Parts) {
    let (memory, server) = (&exchange.gateway.memory, &exchange.server.name);
    match headers::session(&exchange.head.headers) {
        Some(id) => {
            // Source: MCP 2025-11-25, transports: 404 to a message means that the session is gone.
            let method = &exchange.head.method;
            let lost = method == Method::POST && head.status == StatusCode::NOT_FOUND;
            let ended = method == Method::DELETE && head.status.is_success();
            if lost || ended {
                memory.end(server, id, &exchange.client);
            }
        }
        None => {
            let id = headers::session(&head.headers).filter(|_| head.status.is_success());
            if let Some(id) = id.filter(|_| exchange.head.method == Method::POST) {
                memory.begin(server, id, &exchange.client, &exchange.requests);
            }
        }
    }
}

/// A body that is one message, or a batch.
async fn message(
    exchange: &Exchange,
    owed: &Owed,
    nature: Nature,
    head: &response::Parts,
    bytes: Bytes,
) -> Response<Reply> {
    let link = match nature {
        Nature::Request | Nature::Notification => &exchange.shared.link,
        _ => &exchange.requests,
    };
    let Some(parts) = exchange.rule(link, End::Server, &bytes).await else {
        return unavailable();
    };
    if let Some(reply) = parts.reply {
        exchange.send_aside(messages::body_of(&reply)).await;
    }
    // It was judged as a message, so it is none of the kinds that are read in another way.
    let pass = |bytes| pass(exchange, head, Media::Json, bytes);
    match parts.forward {
        Forward::Original => pass(bytes),
        Forward::Instead(ours) if head.status.is_success() => pass(messages::body_of(&ours).into()),
        Forward::Instead(ours) => json_body(StatusCode::OK, messages::body_of(&ours)),
        Forward::Nothing => {
            let lines = owed.abandon(exchange, &Refusal::BadAnswer, "the answer was refused");
            if lines.is_empty() {
                accepted()
            } else {
                self::lines(&lines)
            }
        }
    }
}

/// What a server says of logging in stands in a header, and clients show it: judged as the error that
/// they make of it, and passed as it is or not at all.
async fn challenge(
    exchange: &Exchange,
    owed: &Owed,
    head: &response::Parts,
) -> Option<Response<Reply>> {
    let mut said = Vec::new();
    for value in head.headers.get_all(WWW_AUTHENTICATE) {
        said.extend_from_slice(value.as_bytes());
        said.push(b'\n');
    }
    if said.is_empty() {
        return None;
    }
    let Some(error) = as_error(None, Media::Other, &said) else {
        let why = "what the server says of logging in is not in UTF-8";
        return Some(refuse(exchange, owed, "protocol:encoding", why));
    };
    let link = &exchange.shared.link;
    match exchange.rule(link, End::Server, &error).await {
        None => Some(unavailable()),
        Some(parts) if parts.forward == Forward::Original => None,
        Some(_) => Some(blocked(exchange, owed, head.status)),
    }
}

/// Our word in place of what a server said and nobody may read.
fn blocked(exchange: &Exchange, owed: &Owed, status: StatusCode) -> Response<Reply> {
    let lines = owed.abandon(exchange, &Refusal::BadAnswer, "the answer was refused");
    if lines.is_empty() {
        ours(
            status,
            "blocked",
            "ClawDefender blocked the server's error text",
        )
    } else {
        self::lines(&lines)
    }
}

/// A body that is no message: an error page, a word of explanation, an error without an id. Clients
/// put it into what they tell the model, so it is judged as the error that they make of it.
async fn text(
    exchange: &Exchange,
    owed: &Owed,
    head: &response::Parts,
    media: Media,
    bytes: Bytes,
) -> Response<Reply> {
    let Some(error) = as_error(owed.only(), media, &bytes) else {
        return refuse(
            exchange,
            owed,
            "protocol:encoding",
            "the server's answer can be read in two ways",
        );
    };
    let link = owed.only().map_or(&exchange.shared.link, |_| owed.link());
    let Some(parts) = exchange.rule(link, End::Server, &error).await else {
        return unavailable();
    };
    if parts.forward == Forward::Original {
        return pass(exchange, head, media, bytes);
    }
    if let Forward::Instead(ours) = parts.forward
        && owed.only().is_some()
    {
        return json_body(StatusCode::OK, messages::body_of(&ours));
    }
    let mut answer = blocked(exchange, owed, head.status);
    if answer.status() == head.status {
        for value in head.headers.get_all(WWW_AUTHENTICATE) {
            answer.headers_mut().append(WWW_AUTHENTICATE, value.clone());
        }
    }
    answer
}

/// The error that a client makes of a body. JSON is put in as it is, so that its strings are read
/// unescaped; `None` when it is not strict, or the text not UTF-8.
fn as_error(id: Option<&Id>, media: Media, bytes: &[u8]) -> Option<Vec<u8>> {
    let said = std::str::from_utf8(bytes).ok()?;
    let id = id.map(|id| format!(r#","id":{id}"#)).unwrap_or_default();
    let (message, data) = if media == Media::Json {
        let limits = Limits {
            max_bytes: bytes.len(),
            ..Limits::default()
        };
        strict::parse(bytes, &limits).ok()?;
        (json!("the server's error"), format!(r#","data":{said}"#))
    } else {
        (json!(said), String::new())
    };
    let error =
        format!(r#"{{"jsonrpc":"2.0"{id},"error":{{"code":{STRAY},"message":{message}{data}}}}}"#);
    Some(error.into_bytes())
}

/// Source: JSON-RPC 2.0, section 5.1: internal error. Only ever seen by detectors.
const STRAY: i32 = -32603;

/// The server's answer as it came, or with another body; what its body is, it says in our words.
fn pass(
    exchange: &Exchange,
    head: &response::Parts,
    media: Media,
    bytes: Bytes,
) -> Response<Reply> {
    let body = if bytes.is_empty() {
        Reply::empty()
    } else {
        Reply::whole(bytes)
    };
    let mut answer = Response::new(body);
    *answer.status_mut() = head.status;
    let server = &exchange.server.name;
    *answer.headers_mut() = headers::to_client(&head.headers, server, media);
    if answer.body().is_end_stream() && media == Media::Other {
        // Nothing is of no kind: some clients take an acceptance that names one for a bad answer.
        answer.headers_mut().remove(CONTENT_TYPE);
    }
    answer
}

/// A server's answer that can't be passed on at all.
fn refuse(exchange: &Exchange, owed: &Owed, rule: &str, why: &str) -> Response<Reply> {
    exchange.refused(End::Server, &[], rule, why);
    let lines = owed.abandon(exchange, &Refusal::BadAnswer, why);
    if lines.is_empty() {
        ours(
            BAD_GATEWAY,
            "bad-answer",
            "ClawDefender could not judge the server's answer",
        )
    } else {
        self::lines(&lines)
    }
}

/// Answers of ours to requests.
pub(super) fn lines(lines: &[Vec<u8>]) -> Response<Reply> {
    line(&lines.concat())
}

pub(super) fn line(line: &[u8]) -> Response<Reply> {
    let status = if messages::is_protocol_error(line) {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    json_body(status, messages::body_of(line))
}

/// Source: MCP 2026-07-28, transports: error -32020, header mismatch, comes with 400.
pub(super) fn mismatch(id: Option<&Id>) -> Response<Reply> {
    let id = id.map(|id| format!(r#","id":{id}"#)).unwrap_or_default();
    let text = "Refused by ClawDefender: a header does not say what the body says";
    let body = format!(r#"{{"jsonrpc":"2.0"{id},"error":{{"code":-32020,"message":"{text}"}}}}"#);
    json_body(StatusCode::BAD_REQUEST, body)
}

pub(super) fn accepted() -> Response<Reply> {
    let mut answer = Response::new(Reply::empty());
    *answer.status_mut() = StatusCode::ACCEPTED;
    answer
}

pub(super) fn foreign(foreign: Foreign) -> Response<Reply> {
    match foreign {
        Foreign::BadHost => ours(
            StatusCode::BAD_REQUEST,
            "bad-host",
            "one Host header is needed",
        ),
        Foreign::Host => ours(
            StatusCode::MISDIRECTED_REQUEST,
            "foreign-host",
            "this address is served under 127.0.0.1 and localhost only",
        ),
        Foreign::Origin => ours(
            StatusCode::FORBIDDEN,
            "foreign-origin",
            "web pages of other origins are not served",
        ),
    }
}

/// A connection that no process is known to hold. Where its process is this user's and only closed
/// to others, a person can choose another way, so it is said which.
pub(super) fn untraced(is_closed: bool) -> Response<Reply> {
    let why = if is_closed {
        "the client's process does not let others look into it (as Codex's does), or runs in \
         another container, so nobody can tell that it is not the one who answers questions: let \
         it start `clawdefender proxy --server NAME --url URL` instead of connecting here"
    } else {
        "the connection is not one process's of the user who runs ClawDefender"
    };
    ours(StatusCode::FORBIDDEN, "untraced", why)
}

pub(super) fn no_route() -> Response<Reply> {
    ours(
        StatusCode::NOT_FOUND,
        "no-server",
        "no server of this name is configured: see `clawdefender status`",
    )
}

pub(super) fn query() -> Response<Reply> {
    ours(
        StatusCode::BAD_REQUEST,
        "query",
        "a query belongs into the server's URL in config.toml",
    )
}

pub(super) fn misconfigured(error: &UpstreamError) -> Response<Reply> {
    tracing::debug!(%error, "a server that can't be used was asked for");
    ours(
        BAD_GATEWAY,
        "misconfigured",
        "this server's configuration is not usable: see `clawdefender status`",
    )
}

pub(super) fn unreachable() -> Response<Reply> {
    ours(BAD_GATEWAY, "unreachable", "the server can't be reached")
}

pub(super) fn unavailable() -> Response<Reply> {
    ours(
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable",
        "no verdict can be had, so nothing passes: see `clawdefender status`",
    )
}

pub(super) fn media_type() -> Response<Reply> {
    ours(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "media-type",
        "a message is application/json and not compressed",
    )
}

pub(super) fn too_large() -> Response<Reply> {
    ours(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too-large",
        "the message is longer than max_frame_bytes",
    )
}

pub(super) fn slow() -> Response<Reply> {
    ours(
        StatusCode::REQUEST_TIMEOUT,
        "slow",
        "the message did not arrive whole",
    )
}

pub(super) fn method() -> Response<Reply> {
    let mut answer = ours(
        StatusCode::METHOD_NOT_ALLOWED,
        "method",
        "POST, GET or DELETE",
    );
    let allowed = HeaderValue::from_static("POST, GET, DELETE");
    answer.headers_mut().insert(ALLOW, allowed);
    answer
}

fn ours(status: StatusCode, code: &str, message: &str) -> Response<Reply> {
    json_body(
        status,
        json!({ "error": { "code": code, "message": message } }).to_string(),
    )
}

fn json_body(status: StatusCode, body: impl Into<Bytes>) -> Response<Reply> {
    let mut answer = Response::new(Reply::whole(body));
    *answer.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(CONTENT_TYPE, json);
    answer
}
