//! What the API answers: JSON, fixed refusals, and the headers that every answer carries.
//!
//! A refusal is fixed text. Nothing that a client sent is ever repeated in one.

use crate::approval::AnswerError;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

pub type Reply = Response<Full<Bytes>>;

/// Why a request was not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    BadHost,
    ForeignHost,
    ForeignOrigin,
    NoToken,
    NoRoute,
    NoRecord,
    /// With the methods that there are.
    Method(&'static str),
    MediaType,
    TooLarge,
    TooManyLines,
    /// The body did not come in time.
    Slow,
    /// The body ended early or was not HTTP.
    CutOff,
    NotUtf8,
    NotUnderstood,
    /// Inspection did not end in time; the caller has no decision.
    NoDecision,
    Broken,
    UntracedProcess,
    Answer(AnswerError),
}

impl Refusal {
    fn facts(&self) -> (StatusCode, &'static str, String, &'static str) {
        let fixed = |status, code, message: &str, hint| (status, code, message.to_owned(), hint);
        match self {
            Self::BadHost => fixed(
                StatusCode::BAD_REQUEST,
                "host",
                "exactly one Host header is needed",
                "send the address in run/api.json as Host",
            ),
            Self::ForeignHost => fixed(
                StatusCode::MISDIRECTED_REQUEST,
                "host",
                "this Host is not served here",
                "send the address in run/api.json as Host",
            ),
            Self::ForeignOrigin => fixed(
                StatusCode::FORBIDDEN,
                "origin",
                "requests from web pages are not served",
                "call the API from a program, not from a page",
            ),
            Self::NoToken => fixed(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "a valid token is needed",
                "send Authorization: Bearer with the digits in the server-token file",
            ),
            Self::NoRoute => fixed(
                StatusCode::NOT_FOUND,
                "not-found",
                "there is no such path",
                "see GET /api/v1/openapi.yaml",
            ),
            Self::NoRecord => fixed(
                StatusCode::NOT_FOUND,
                "no-record",
                "no record has this id",
                "send the call id that a refusal names",
            ),
            Self::Method(_) => fixed(
                StatusCode::METHOD_NOT_ALLOWED,
                "method",
                "this path does not take that method",
                "see the Allow header",
            ),
            Self::MediaType => fixed(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "media-type",
                "the body must be JSON",
                "send Content-Type: application/json, or application/x-ndjson to inspect lines",
            ),
            Self::TooLarge => fixed(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-large",
                "the body is longer than 4 MiB",
                "send less at once",
            ),
            Self::TooManyLines => fixed(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-many-lines",
                "the body has more than 4096 lines",
                "send fewer lines at once",
            ),
            Self::Slow => fixed(
                StatusCode::REQUEST_TIMEOUT,
                "slow",
                "the body did not come in time",
                "send it at once",
            ),
            Self::CutOff => fixed(
                StatusCode::BAD_REQUEST,
                "cut-off",
                "the body could not be read whole",
                "send a correct length",
            ),
            Self::NotUtf8 => fixed(
                StatusCode::BAD_REQUEST,
                "utf-8",
                "the body is not UTF-8",
                "send UTF-8",
            ),
            Self::NotUnderstood => fixed(
                StatusCode::BAD_REQUEST,
                "body",
                "the body does not say what this path asks for",
                "see GET /api/v1/openapi.yaml",
            ),
            Self::NoDecision => fixed(
                StatusCode::SERVICE_UNAVAILABLE,
                "no-decision",
                "no decision in time; treat this as a denial",
                "send less at once, or see `clawdefender status`",
            ),
            Self::Broken => fixed(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "the request could not be served; treat this as a denial",
                "see run/daemon.log",
            ),
            Self::UntracedProcess => fixed(
                StatusCode::FORBIDDEN,
                "untraced-process",
                "the process that answers can't be traced",
                "answer from one process that stays until it has the reply",
            ),
            Self::Answer(error) => {
                let (status, code, hint) = match error {
                    AnswerError::Unknown => (
                        StatusCode::NOT_FOUND,
                        "no-question",
                        "see GET /api/v1/approvals",
                    ),
                    AnswerError::AlreadyAnswered { .. } => (
                        StatusCode::CONFLICT,
                        "already-answered",
                        "see GET /api/v1/approvals",
                    ),
                    AnswerError::SelfApproval { .. } => (
                        StatusCode::FORBIDDEN,
                        "self-approval",
                        "answer from a program that the agent did not start",
                    ),
                    AnswerError::UnknownProcess => (
                        StatusCode::FORBIDDEN,
                        "untraced-process",
                        "answer from one process that stays until it has the reply",
                    ),
                    AnswerError::BadDuration { .. } => {
                        (StatusCode::BAD_REQUEST, "duration", "send other `seconds`")
                    }
                    AnswerError::NotRecorded => (
                        StatusCode::SERVICE_UNAVAILABLE,
                        "not-recorded",
                        "see `clawdefender status`, then answer again",
                    ),
                };
                (status, code, error.to_string(), hint)
            }
        }
    }

    pub fn into_reply(self) -> Reply {
        let (status, code, message, hint) = self.facts();
        let body = json!({ "error": { "code": code, "message": message, "hint": hint } });
        let mut reply = with(status, "application/json", body.to_string());
        let headers = reply.headers_mut();
        match self {
            Self::NoToken => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::Method(allowed) => {
                headers.insert(ALLOW, HeaderValue::from_static(allowed));
            }
            // What is left of the body would be read as the next request.
            Self::TooLarge | Self::Slow | Self::CutOff => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        reply
    }
}

pub fn json(value: &Value) -> Reply {
    with(StatusCode::OK, "application/json", value.to_string())
}

pub fn text(kind: &'static str, text: impl Into<Bytes>) -> Reply {
    with(StatusCode::OK, kind, text)
}

/// On every answer: never sniffed, stored, framed or read by another page.
pub const HEADERS: [(&str, &str); 6] = [
    ("x-content-type-options", "nosniff"),
    ("cache-control", "no-store"),
    (
        "content-security-policy",
        "default-src 'none'; frame-ancestors 'none'",
    ),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
];

fn with(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    reply
}
