//! The transport of 2024-11-05: one stream for everything that a server says, and an address of its
//! own, named on that stream, for what it is told.

use super::stream::{message, unreadable};
use super::trouble::{Trouble, note};
use super::{Bridge, MAX_BYTES};
use crate::mcp::sse::Splitter;
use crate::upstream::Address;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{HeaderMap, Method, Uri};
use std::sync::Arc;
use std::time::Duration;

/// How long a server may take to name its address. Chosen: as long as to accept a connection.
const ENDPOINT_PATIENCE: Duration = Duration::from_secs(10);

impl Bridge {
    /// Opens the stream, if it is not open, and learns where messages go.
    pub(super) async fn connect_old(self: &Arc<Self>) -> Result<Uri, Trouble> {
        let _opening = self.opening.lock().await;
        let known = self.lock().endpoint.clone();
        if let Some(endpoint) = known {
            return Ok(endpoint);
        }
        let to = self.address.uri.clone();
        let answer = self
            .send(Method::GET, to, HeaderMap::new(), Vec::new())
            .await?;
        let status = answer.status();
        if status == hyper::StatusCode::UNAUTHORIZED || status == hyper::StatusCode::FORBIDDEN {
            return Err(Trouble::Login(status.as_u16()));
        }
        if !status.is_success() {
            return Err(Trouble::Status(status.as_u16()));
        }
        if super::headers::media_type(answer.headers()) != "text/event-stream" {
            return Err(Trouble::MediaType);
        }
        let mut stream = Old {
            bridge: Arc::clone(self),
            body: answer.into_body(),
            splitter: Splitter::new(MAX_BYTES),
        };
        let named = tokio::time::timeout(ENDPOINT_PATIENCE, stream.endpoint()).await;
        let named = named.map_err(|_| Trouble::NoAnswer)??;
        let endpoint = resolve(&self.address, &named).ok_or_else(|| {
            note(&format!("refused as the address for messages: {named}"));
            Trouble::ForeignEndpoint
        })?;
        self.lock().endpoint = Some(endpoint.clone());
        tokio::spawn(stream.follow());
        Ok(endpoint)
    }
}

struct Old {
    bridge: Arc<Bridge>,
    body: Incoming,
    splitter: Splitter,
}

impl Old {
    async fn endpoint(&mut self) -> Result<String, Trouble> {
        loop {
            while let Some(event) = self.splitter.next_event().map_err(unreadable)? {
                if event.name == "endpoint" {
                    let data = event.data.unwrap_or_default();
                    return String::from_utf8(data).map_err(|_| Trouble::Stream);
                }
            }
            if !self.more().await {
                return Err(Trouble::NoAnswer);
            }
        }
    }

    async fn follow(mut self) {
        loop {
            loop {
                match self.splitter.next_event() {
                    Ok(Some(event)) => {
                        if let Some(message) = message(&event) {
                            self.bridge.pass(message).await;
                        }
                    }
                    Ok(None) => break,
                    Err(error) => return self.bridge.give_up(unreadable(error)).await,
                }
            }
            if !self.more().await {
                return self.bridge.give_up(Trouble::StreamOver).await;
            }
        }
    }

    /// Whether more arrived before the stream ended or broke.
    async fn more(&mut self) -> bool {
        match self.body.frame().await {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.splitter.push(data);
                }
                true
            }
            _ => false,
        }
    }
}

/// Where messages go: what the server named, seen from where its stream is. Only the same origin
/// counts, since a person's token would be sent there.
///
/// Source: RFC 3986 §5.2, without dot segments: a server has no need for them.
fn resolve(base: &Address, named: &str) -> Option<Uri> {
    let named = named.trim();
    let scheme = base.uri.scheme_str()?;
    let path = base.uri.path();
    let whole = if named.contains("://") {
        named.to_owned()
    } else if named.starts_with("//") {
        format!("{scheme}:{named}")
    } else if named.starts_with('/') {
        format!("{}{named}", base.origin())
    } else if named.starts_with('?') {
        format!("{}{path}{named}", base.origin())
    } else {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{}{folder}/{named}", base.origin())
    };
    let address = Address::parse(&whole).ok()?;
    (origin(&address) == origin(base)).then_some(address.uri)
}

/// Scheme, host and port, the usual port filled in.
fn origin(address: &Address) -> Option<(String, String, u16)> {
    let scheme = address.uri.scheme_str()?.to_ascii_lowercase();
    let usual = if scheme == "https" { 443 } else { 80 };
    let host = address.uri.host()?.to_ascii_lowercase();
    Some((scheme, host, address.uri.port_u16().unwrap_or(usual)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(base: &str, named: &str, expected: Option<&str>) {
        let found = resolve(&Address::parse(base).unwrap(), named);
        assert_eq!(
            found.map(|uri| uri.to_string()).as_deref(),
            expected,
            "{named}"
        );
    }

    #[test]
    fn messages_go_to_the_origin_of_the_stream_and_nowhere_else() {
        let base = "https://mcp.example/a/sse?k=1";
        let at = |path: &str| Some(format!("https://mcp.example{path}"));
        for (named, path) in [
            ("/message?sessionId=1", "/message?sessionId=1"),
            ("message", "/a/message"),
            ("?s=2", "/a/sse?s=2"),
            (" /m\n", "/m"),
            ("https://MCP.example/m", "/m"),
        ] {
            let found = resolve(&Address::parse(base).unwrap(), named).unwrap();
            let found = found.to_string().replace("MCP", "mcp");
            assert_eq!(Some(found), at(path), "{named}");
        }
        check(
            base,
            "https://mcp.example:443/m",
            Some("https://mcp.example:443/m"),
        );
        for foreign in [
            "https://evil.example/m",
            "//evil.example/m",
            "http://mcp.example/m",
            "https://mcp.example:8443/m",
            "https://mcp.example@evil.example/m",
            "http://127.0.0.1/m",
            "file:///etc/passwd",
        ] {
            check(base, foreign, None);
        }
        check(
            "http://127.0.0.1:3001/sse",
            "/message",
            Some("http://127.0.0.1:3001/message"),
        );
    }
}
