//! Who may come in: each check on a request's head, in order, before a byte of its body is read.
//!
//! The order is: one well-formed Host, ours; no foreign page; the token. Only then does anybody
//! learn which routes there are.

use super::reply::Refusal;
use super::token::Token;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, ORIGIN};
use hyper::http::request::Parts;
use std::net::SocketAddr;

pub struct Door {
    token: Token,
    /// What a client that means us writes as Host, in lower case.
    hosts: Vec<String>,
}

impl Door {
    pub fn new(token: Token, bound: SocketAddr) -> Self {
        let port = bound.port();
        let names = ["127.0.0.1", "localhost", "[::1]"];
        let mut hosts: Vec<String> = names.iter().map(|name| format!("{name}:{port}")).collect();
        hosts.push(bound.to_string());
        Self { token, hosts }
    }

    /// # Errors
    /// The first check that failed.
    pub fn admit(&self, head: &Parts) -> Result<(), Refusal> {
        let host = self.host(head)?;
        no_foreign_page(&head.headers, &host)?;
        self.token(&head.headers)
    }

    /// A page whose name was rebound to 127.0.0.1 still sends its own name as Host.
    fn host(&self, head: &Parts) -> Result<String, Refusal> {
        // RFC 9112 §3.2: no Host, or more than one, is a bad request.
        let host = single(&head.headers, HOST)
            .map_err(|_| Refusal::BadHost)?
            .ok_or(Refusal::BadHost)?;
        let host = host.to_ascii_lowercase();
        // RFC 9112 §3.2.2: an absolute target would overrule Host; only proxies send one.
        if head.uri.authority().is_some() || !self.hosts.contains(&host) {
            return Err(Refusal::ForeignHost);
        }
        Ok(host)
    }

    /// RFC 6750 §2.1 in the syntax of RFC 9110 §11.4: a scheme in any case, spaces, the token.
    fn token(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let value = single(headers, AUTHORIZATION)
            .ok()
            .flatten()
            .ok_or(Refusal::NoToken)?;
        let (scheme, rest) = value.split_once(' ').ok_or(Refusal::NoToken)?;
        let given = rest.trim_start_matches(' ');
        if scheme.eq_ignore_ascii_case("bearer") && self.token.is(given.as_bytes()) {
            Ok(())
        } else {
            Err(Refusal::NoToken)
        }
    }
}

/// A browser says where a request comes from; programs say nothing.
///
/// Source: Fetch standard, `Origin`; Fetch Metadata, `Sec-Fetch-Site`. A page on another port of
/// this machine is `same-site`, so that is not enough.
fn no_foreign_page(headers: &HeaderMap, host: &str) -> Result<(), Refusal> {
    let origin = single(headers, ORIGIN).map_err(|_| Refusal::ForeignOrigin)?;
    if origin.is_some_and(|origin| origin != format!("http://{host}")) {
        return Err(Refusal::ForeignOrigin);
    }
    let site = single(headers, HeaderName::from_static("sec-fetch-site"))
        .map_err(|_| Refusal::ForeignOrigin)?;
    if site.is_some_and(|site| site != "same-origin" && site != "none") {
        return Err(Refusal::ForeignOrigin);
    }
    Ok(())
}

/// What a write may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// One JSON value.
    Json,
    /// One JSON value per line.
    Lines,
}

/// # Errors
/// [`Refusal::MediaType`]; forms and plain text, which a page can send without asking, are among it.
pub fn carries(headers: &HeaderMap) -> Result<Carries, Refusal> {
    let value = single(headers, CONTENT_TYPE)
        .ok()
        .flatten()
        .ok_or(Refusal::MediaType)?;
    let (kind, parameters) = value.split_once(';').unwrap_or((value, ""));
    let parameters = parameters.trim().to_ascii_lowercase();
    if !matches!(
        parameters.as_str(),
        "" | "charset=utf-8" | "charset=\"utf-8\""
    ) {
        return Err(Refusal::MediaType);
    }
    match kind.trim().to_ascii_lowercase().as_str() {
        "application/json" => Ok(Carries::Json),
        "application/x-ndjson" | "application/jsonl" => Ok(Carries::Lines),
        _ => Err(Refusal::MediaType),
    }
}

/// Sent more than once, or not in visible ASCII.
struct Unclear;

fn single(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, Unclear> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Unclear),
        (Some(_), Some(_)) => Err(Unclear),
    }
}
