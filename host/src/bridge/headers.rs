//! Headers of the requests to a server: what every one has, what a session adds, and what repeats
//! the body.
//!
//! Source: MCP 2025-11-25, transports (session and protocol version); MCP 2026-07-28, transports
//! (request metadata, value encoding).

use super::Bridge;
use super::trouble::Trouble;
use data_encoding::BASE64;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT,
};
use hyper::{Method, Request, Uri};

pub(super) const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
pub(super) const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
pub(super) const METHOD: HeaderName = HeaderName::from_static("mcp-method");
pub(super) const NAME: HeaderName = HeaderName::from_static("mcp-name");
pub(super) const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");

/// What client and server agreed on in the handshake. In the stateless era it stays empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Conversation {
    pub session: Option<HeaderValue>,
    /// The revision as the server wrote it.
    pub revision: Option<HeaderValue>,
}

impl Conversation {
    pub(super) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(session) = &self.session {
            headers.insert(SESSION, session.clone());
        }
        if let Some(revision) = &self.revision {
            headers.insert(VERSION, revision.clone());
        }
        headers
    }
}

impl Bridge {
    /// A request with the headers that all have. Those of the protocol win over a person's own.
    pub(super) fn request(
        &self,
        method: Method,
        uri: Uri,
        more: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Request<Full<Bytes>>, Trouble> {
        let mut request = Request::new(Full::new(Bytes::from(body)));
        let accept = if method == Method::POST {
            "application/json, text/event-stream"
        } else {
            "text/event-stream"
        };
        let headers = request.headers_mut();
        headers.insert(
            USER_AGENT,
            HeaderValue::from_static(concat!("clawdefender/", env!("CARGO_PKG_VERSION"))),
        );
        headers.extend(self.headers.clone());
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if method == Method::POST {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        headers.extend(more);
        *request.method_mut() = method;
        // A URL without a path means the root.
        let mut parts = uri.into_parts();
        if parts.path_and_query.is_none() {
            parts.path_and_query = Some(hyper::http::uri::PathAndQuery::from_static("/"));
        }
        *request.uri_mut() = Uri::from_parts(parts).map_err(|_| Trouble::Request)?;
        Ok(request)
    }
}

/// A value as a header can carry it: as it is, or wrapped as `=?base64?…?=`.
pub(super) fn encoded(value: &str) -> Option<HeaderValue> {
    let plain = value.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
        && value.trim() == value
        && !(value.starts_with("=?base64?") && value.ends_with("?="));
    if plain {
        HeaderValue::from_str(value).ok()
    } else {
        HeaderValue::from_str(&format!("=?base64?{}?=", BASE64.encode(value.as_bytes()))).ok()
    }
}

/// The media type without its parameters, in lower case.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE);
    let value = value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let kind = value.split(';').next().unwrap_or_default();
    kind.trim().to_ascii_lowercase()
}

/// Whether the body is not what its bytes say.
pub(super) fn is_compressed(headers: &HeaderMap) -> bool {
    headers
        .get_all(hyper::header::CONTENT_ENCODING)
        .iter()
        .any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, header: &str) {
        assert_eq!(encoded(value).unwrap(), header, "{value:?}");
    }

    /// The examples of the specification.
    #[test]
    fn a_value_that_ascii_cannot_hold_is_wrapped() {
        check("us-west1", "us-west1");
        check("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?=");
        check(" padded ", "=?base64?IHBhZGRlZCA=?=");
        check("line1\nline2", "=?base64?bGluZTEKbGluZTI=?=");
        check("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=");
        check("", "");
        check("a\r\nX-Injected: 1", "=?base64?YQ0KWC1JbmplY3RlZDogMQ==?=");
    }
}
