//! The way to an MCP server over HTTP: TLS, one request, its answer as it comes.
//!
//! Redirects are answers like any other and never followed, bodies are not decoded, nothing is
//! tried twice. What a message means is not known here.

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, Uri};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Chosen: a server that can't be reached should be said so before a client gives up at 60 s.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Chosen: below the 5 s after which Node's HTTP server closes a connection that is idle.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    #[error("{path}: no certificate in it can be read")]
    Certificates { path: PathBuf },
    #[error("`{0}` is no http or https URL with a host")]
    Url(String),
    #[error("plain http is only taken from this machine, not from `{0}`")]
    Insecure(String),
    #[error("the server can't be reached: {0}")]
    Unreachable(String),
}

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub uri: Uri,
}

impl Address {
    /// Reads a URL as a person writes it. Plain http is for this machine only: whoever sits on the
    /// network between would read the token and write the tools.
    ///
    /// # Errors
    /// [`UpstreamError::Url`], [`UpstreamError::Insecure`].
    pub fn parse(text: &str) -> Result<Self, UpstreamError> {
        let wrong = || UpstreamError::Url(shown(text));
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let authority = uri.authority().ok_or_else(wrong)?;
        // A name and password in a URL would end in logs and records.
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(wrong());
        }
        match uri.scheme_str() {
            Some("https") => Ok(Self { uri }),
            Some("http") if is_local(authority.host()) => Ok(Self { uri }),
            Some("http") => Err(UpstreamError::Insecure(authority.host().to_owned())),
            _ => Err(wrong()),
        }
    }

    /// The address as people may see it: a query can hold a token.
    #[must_use]
    pub fn shown(&self) -> String {
        format!("{}{}", self.origin(), self.uri.path())
    }

    /// Where the server publishes a document about itself. Source: RFC 9728 §3.1, RFC 8414 §3.1: the
    /// well-known part stands between the host and the path.
    #[must_use]
    pub fn well_known(&self, document: &str) -> Option<Uri> {
        let path = self.uri.path().trim_end_matches('/');
        format!("{}/.well-known/{document}{path}", self.origin())
            .parse()
            .ok()
    }

    /// Where messages go when a server names `named` for them in a stream from here: what a client
    /// would make of it. Only the same origin counts, since a person's token is sent there.
    ///
    /// Source: MCP 2024-11-05, HTTP with SSE, `endpoint`; RFC 3986 §5.2, without dot segments: a
    /// server has no need for them.
    #[must_use]
    pub fn resolve(&self, named: &str) -> Option<Uri> {
        let named = named.trim();
        let path = self.uri.path();
        // RFC 3986 §3: a scheme ends before the first of these; in a query `://` is only text.
        let head = named.split(['/', '?', '#']).next().unwrap_or_default();
        let whole = if head.contains(':') {
            named.to_owned()
        } else if named.starts_with("//") {
            format!("{}:{named}", self.uri.scheme_str()?)
        } else if named.starts_with('/') {
            format!("{}{named}", self.origin())
        } else if named.starts_with('?') {
            format!("{}{path}{named}", self.origin())
        } else {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            format!("{}{folder}/{named}", self.origin())
        };
        let address = Self::parse(&whole).ok()?;
        (address.filled_origin()? == self.filled_origin()?).then_some(address.uri)
    }

    /// Scheme, host and port, the usual port filled in.
    fn filled_origin(&self) -> Option<(String, String, u16)> {
        let scheme = self.uri.scheme_str()?.to_ascii_lowercase();
        let usual = if scheme == "https" { 443 } else { 80 };
        let host = self.uri.host()?.to_ascii_lowercase();
        Some((scheme, host, self.uri.port_u16().unwrap_or(usual)))
    }

    /// `scheme://host:port`, as a server names itself.
    #[must_use]
    pub fn origin(&self) -> String {
        let part = |part: Option<&str>| part.unwrap_or_default().to_ascii_lowercase();
        format!(
            "{}://{}",
            part(self.uri.scheme_str()),
            part(self.uri.authority().map(|authority| authority.as_str()))
        )
    }
}

/// A URL that is none, without what stands where a password or a token would.
fn shown(text: &str) -> String {
    let text = text.split(['?', '#']).next().unwrap_or_default();
    match text.rsplit_once('@') {
        Some((before, after)) => {
            let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
            format!("{scheme}://…@{after}")
        }
        None => text.to_owned(),
    }
}

/// Whether a host is this machine whatever a name server says.
fn is_local(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

/// Connections to servers, kept for reuse.
#[derive(Clone)]
pub struct Dialer {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Dialer {
    /// Believes the web's certificate authorities, or only those in `authorities`, a PEM file.
    ///
    /// # Errors
    /// [`UpstreamError::Certificates`].
    pub fn new(authorities: Option<&Path>) -> Result<Self, UpstreamError> {
        let tls = rustls::ClientConfig::builder();
        let tls = match authorities {
            None => tls.with_webpki_roots(),
            Some(path) => tls.with_root_certificates(roots(path)?),
        }
        .with_no_client_auth();
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build(connector);
        Ok(Self { client })
    }

    /// Sends one request; the answer's body is still to come. Dropping the body closes the
    /// connection, which is how a server hears that nobody listens any more.
    ///
    /// # Errors
    /// [`UpstreamError::Unreachable`].
    pub async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, UpstreamError> {
        self.client
            .request(request)
            .await
            .map_err(|error| UpstreamError::Unreachable(cause(&error)))
    }
}

fn roots(path: &Path) -> Result<rustls::RootCertStore, UpstreamError> {
    let unreadable = || UpstreamError::Certificates {
        path: path.to_owned(),
    };
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|_| unreadable())? {
        roots
            .add(certificate.map_err(|_| unreadable())?)
            .map_err(|_| unreadable())?;
    }
    if roots.is_empty() {
        return Err(unreadable());
    }
    Ok(roots)
}

/// The innermost reason, which says more than the layers around it.
fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_urls_that_name_a_host_safely_are_addresses() {
        for good in [
            "https://mcp.example/mcp",
            "https://mcp.example:8443",
            "http://127.0.0.1:3000/mcp?x=1",
            "http://localhost:1/sse",
            "http://[::1]:1/mcp",
        ] {
            assert!(Address::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://mcp.example/mcp",
            "http://127.0.0.1.evil.example/",
            "http://10.0.0.1/",
            "https://user:secret@mcp.example/",
            "ftp://127.0.0.1/",
            "/mcp",
            "mcp.example",
            "",
            "https://",
        ] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_people_see_of_an_address_holds_no_credential() {
        let address = Address::parse("https://mcp.example/a/b?key=hunter22").unwrap();
        assert_eq!(address.shown(), "https://mcp.example/a/b");
        for (bad, shown) in [
            (
                "https://u:hunter22@h.example/x?k=1",
                "https://…@h.example/x",
            ),
            ("https://u:hun@ter22@h.example/", "https://…@h.example/"),
            ("u:hunter22@h.example", "://…@h.example"),
            ("h.example?key=hunter22", "h.example"),
            ("h.example#key=hunter22", "h.example"),
        ] {
            let error = Address::parse(bad).unwrap_err().to_string();
            assert_eq!(
                error,
                format!("`{shown}` is no http or https URL with a host")
            );
        }
    }

    #[test]
    fn an_origin_is_scheme_and_authority() {
        let address = Address::parse("https://MCP.Example:8443/a/b?c").unwrap();
        assert_eq!(address.origin(), "https://mcp.example:8443");
        assert_eq!(
            address.well_known("openid-configuration").unwrap(),
            "https://mcp.example:8443/.well-known/openid-configuration/a/b"
        );
    }

    #[track_caller]
    fn leads(base: &str, named: &str, expected: Option<&str>) {
        let found = Address::parse(base).unwrap().resolve(named);
        let found = found.map(|uri| uri.to_string());
        assert_eq!(found.as_deref(), expected, "{named}");
    }

    #[test]
    fn messages_go_to_the_origin_of_the_stream_and_nowhere_else() {
        let base = "https://mcp.example/a/sse?k=1";
        for (named, path) in [
            ("/message?sessionId=1", "/message?sessionId=1"),
            ("message", "/a/message"),
            ("?s=2", "/a/sse?s=2"),
            (" /m\n", "/m"),
            ("//mcp.example/m", "/m"),
            // What looks like an address in a query is none.
            (
                "/message?s=1&cb=https://app.example/x",
                "/message?s=1&cb=https://app.example/x",
            ),
            ("m?cb=https://app.example/", "/a/m?cb=https://app.example/"),
            ("?cb=https://app.example/", "/a/sse?cb=https://app.example/"),
            ("/v1/messages:send", "/v1/messages:send"),
        ] {
            leads(base, named, Some(&format!("https://mcp.example{path}")));
        }
        // The usual port is the same whether it is said or not.
        let (plain, said) = ("https://mcp.example/m", "https://mcp.example:443/m");
        leads(base, said, Some(said));
        leads("https://mcp.example:443/sse", plain, Some(plain));
        leads(base, "https://MCP.example/m", Some("https://MCP.example/m"));
        for foreign in [
            "https://evil.example/m",
            "https://evil.example?x=https://mcp.example/m",
            "//evil.example/m",
            "http://mcp.example/m",
            "https://mcp.example:8443/m",
            "https://mcp.example@evil.example/m",
            "https:evil.example/m",
            "http://127.0.0.1/m",
            "file:///etc/passwd",
            "evil.example:443",
        ] {
            leads(base, foreign, None);
        }
        let local = "http://127.0.0.1:9/a/sse";
        leads(local, "/message", Some("http://127.0.0.1:9/message"));
        leads(local, "http://127.0.0.1:9/m", Some("http://127.0.0.1:9/m"));
        leads(local, "http://127.0.0.1:10/m", None);
        leads(local, "https://127.0.0.1:9/m", None);
    }

    #[test]
    fn a_file_without_certificates_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(
            Dialer::new(Some(file.path())),
            Err(UpstreamError::Certificates { .. })
        ));
        assert!(Dialer::new(Some(Path::new("/nonexistent"))).is_err());
        assert!(Dialer::new(None).is_ok());
    }
}
