//! The transport of 2024-11-05: one stream for everything that a server says, and an address of its
//! own, named on that stream, for what it is told.

use super::stream::{message, unreadable};
use super::trouble::{Trouble, note};
use super::{Bridge, MAX_BYTES};
use crate::mcp::sse::Splitter;
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
        let endpoint = self.address.resolve(&named).ok_or_else(|| {
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
