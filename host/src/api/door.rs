//! Who may come in: each check on a request's head, in order, before a byte of its body is read.
//!
//! The order is: one well-formed Host, ours; no foreign page; the token. Only then does anybody
//! learn which routes there are.

use super::reply::Refusal;
use super::token::Token;
use crate::loopback::{Foreign, Names, single};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use hyper::http::request::Parts;
use std::net::SocketAddr;

pub struct Door {
    token: Token,
    names: Names,
}

impl Door {
    pub fn new(token: Token, bound: SocketAddr) -> Self {
        let names = Names::of(bound);
        Self { token, names }
    }

    /// # Errors
    /// The first check that failed.
    pub fn admit(&self, head: &Parts) -> Result<(), Refusal> {
        self.names.admit(head).map_err(|foreign| match foreign {
            Foreign::BadHost => Refusal::BadHost,
            Foreign::Host => Refusal::ForeignHost,
            Foreign::Origin => Refusal::ForeignOrigin,
        })?;
        self.token(&head.headers)
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
