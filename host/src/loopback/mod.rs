//! HTTP that is meant for this machine only: which Host names us, which pages may call, and which
//! process it is that connected.
//!
//! A page in the user's browser can send requests to loopback ports, and can give itself a name
//! that leads there. These checks are what stops it, on every port that we serve.

pub mod process;

use hyper::header::{HOST, HeaderMap, HeaderName, ORIGIN};
use hyper::http::request::Parts;
use std::net::SocketAddr;

/// Why a request is not for us, or not from someone we serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// None, or more than one, or not in ASCII.
    BadHost,
    Host,
    Origin,
}

/// What a client that means us writes as Host, in lower case.
#[derive(Clone, Debug)]
pub struct Names(Vec<String>);

impl Names {
    #[must_use]
    pub fn of(bound: SocketAddr) -> Self {
        let port = bound.port();
        let names = ["127.0.0.1", "localhost", "[::1]"];
        let mut hosts: Vec<String> = names.iter().map(|name| format!("{name}:{port}")).collect();
        hosts.push(bound.to_string());
        Self(hosts)
    }

    /// # Errors
    /// The first check that failed.
    pub fn admit(&self, head: &Parts) -> Result<(), Foreign> {
        let host = self.host(head)?;
        no_foreign_page(&head.headers, &host)
    }

    /// A page whose name was rebound to 127.0.0.1 still sends its own name as Host.
    fn host(&self, head: &Parts) -> Result<String, Foreign> {
        // RFC 9112 §3.2: no Host, or more than one, is a bad request.
        let host = single(&head.headers, HOST)
            .map_err(|_| Foreign::BadHost)?
            .ok_or(Foreign::BadHost)?;
        let host = host.to_ascii_lowercase();
        // RFC 9112 §3.2.2: an absolute target would overrule Host; only proxies send one.
        if head.uri.authority().is_some() || !self.0.contains(&host) {
            return Err(Foreign::Host);
        }
        Ok(host)
    }
}

/// A browser says where a request comes from; programs say nothing.
///
/// Source: Fetch standard, `Origin`; Fetch Metadata, `Sec-Fetch-Site`. A page on another port of
/// this machine is `same-site`, so that is not enough.
fn no_foreign_page(headers: &HeaderMap, host: &str) -> Result<(), Foreign> {
    let origin = single(headers, ORIGIN).map_err(|_| Foreign::Origin)?;
    if origin.is_some_and(|origin| origin != format!("http://{host}")) {
        return Err(Foreign::Origin);
    }
    let site =
        single(headers, HeaderName::from_static("sec-fetch-site")).map_err(|_| Foreign::Origin)?;
    if site.is_some_and(|site| site != "same-origin" && site != "none") {
        return Err(Foreign::Origin);
    }
    Ok(())
}

/// Sent more than once, or not in visible ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unclear;

/// The value of a header that may stand only once.
///
/// # Errors
/// [`Unclear`].
pub fn single(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, Unclear> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Unclear),
        (Some(_), Some(_)) => Err(Unclear),
    }
}
