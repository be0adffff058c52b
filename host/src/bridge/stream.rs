//! A stream of events, followed to its end and taken up again where it broke.
//!
//! Source: MCP 2025-11-25, transports, resumability and redelivery; WHATWG HTML, server-sent events.

use super::headers::{LAST_EVENT, is_compressed, media_type};
use super::open::Asked;
use super::trouble::{Trouble, note};
use super::{Bridge, MAX_BYTES};
use crate::mcp::sse::{Event, Splitter};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::{Method, StatusCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between two attempts, when the server names no other time; doubled each time. Chosen: what the
/// official SDKs begin with.
const PAUSE: Duration = Duration::from_secs(1);
/// What a server may ask for at least and at most. Chosen: a server must not make us busy, and one
/// that is back should be noticed within half a minute.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(30));

/// Attempts without an event before a request is given up. Chosen: 1 + 2 + 4 + 8 + 16 seconds, so
/// that the error comes before clients give up at 60.
const ATTEMPTS: u32 = 5;

/// How long a stream may stay open once everything is answered on it. Chosen: servers should close
/// it then, and what they still say should not be lost.
const AFTERWARDS: Duration = Duration::from_secs(5);

/// How far a stream was read.
pub(super) struct Place {
    /// Whether it can be taken up again at all; the stateless era knows no such thing.
    resumable: bool,
    last_event: Option<HeaderValue>,
    retry: Option<Duration>,
    /// Events seen, comments not counted.
    events: u64,
}

impl Place {
    pub(super) fn new(resumable: bool) -> Self {
        Self {
            resumable,
            last_event: None,
            retry: None,
            events: 0,
        }
    }

    fn note(&mut self, event: &Event) {
        let fields = event.data.is_some() || event.id.is_some() || event.retry.is_some();
        self.events += u64::from(fields);
        if let Some(id) = &event.id {
            // An empty id means that there is none any more.
            self.last_event = HeaderValue::from_str(id).ok().filter(|id| !id.is_empty());
        }
        if let Some(retry) = &event.retry {
            let asked = retry.parse().map_or(PAUSES.1, Duration::from_millis);
            self.retry = Some(asked.clamp(PAUSES.0, PAUSES.1));
        }
    }

    /// How long to wait before the attempt with this number, counted from 0.
    fn pause(&self, attempt: u32) -> Duration {
        let first = self.retry.unwrap_or(PAUSE);
        first.saturating_mul(1 << attempt.min(10)).min(PAUSES.1)
    }
}

/// A stream and those who wait for an answer on it; nobody does on one that only listens.
pub(super) struct Stream {
    bridge: Arc<Bridge>,
    asked: Vec<Asked>,
    place: Place,
}

/// How an attempt to take a stream up again ended.
enum Attempt {
    Body(Incoming),
    /// It may work later.
    Later,
    /// The server has no such stream.
    Never,
}

impl Stream {
    pub(super) fn new(bridge: Arc<Bridge>, asked: Vec<Asked>, place: Place) -> Self {
        Self {
            bridge,
            asked,
            place,
        }
    }

    /// Follows the stream until everything is answered, through as many connections as it takes.
    ///
    /// # Errors
    /// [`Trouble::NoAnswer`] when that can't be had any more.
    pub(super) async fn follow_to_the_end(&mut self, body: Incoming) -> Result<(), Trouble> {
        self.follow(body).await?;
        let mut attempt = 0;
        while self.is_awaited() {
            if !self.place.resumable || self.place.last_event.is_none() || attempt == ATTEMPTS {
                return Err(Trouble::NoAnswer);
            }
            tokio::time::sleep(self.place.pause(attempt)).await;
            attempt += 1;
            match self.attempt().await {
                Attempt::Body(body) => {
                    let before = self.place.events;
                    self.follow(body).await?;
                    if self.place.events > before {
                        attempt = 0;
                    }
                }
                Attempt::Later => {}
                Attempt::Never => return Err(Trouble::NoAnswer),
            }
        }
        Ok(())
    }

    /// Listens to what the server says on its own, for as long as it offers that.
    pub(super) async fn listen(mut self) {
        let mut attempt = 0;
        loop {
            let before = self.place.events;
            match self.attempt().await {
                Attempt::Never => return,
                Attempt::Later => {}
                Attempt::Body(body) => {
                    if let Err(trouble) = self.follow(body).await {
                        return note(&trouble.to_string());
                    }
                }
            }
            if self.place.events > before {
                attempt = 0;
            }
            tokio::time::sleep(self.place.pause(attempt)).await;
            attempt += 1;
        }
    }

    async fn attempt(&self) -> Attempt {
        let mut headers = self.bridge.lock().conversation.headers();
        if let Some(last) = &self.place.last_event {
            headers.insert(LAST_EVENT, last.clone());
        }
        let to = self.bridge.address.uri.clone();
        let Ok(request) = self.bridge.request(Method::GET, to, headers, Vec::new()) else {
            return Attempt::Never;
        };
        // Nobody waits for this one, so what goes wrong is not said each time.
        let Ok(answer) = self.bridge.dialer.send(request).await else {
            return Attempt::Later;
        };
        let sound =
            media_type(answer.headers()) == "text/event-stream" && !is_compressed(answer.headers());
        match answer.status() {
            StatusCode::OK if sound => Attempt::Body(answer.into_body()),
            StatusCode::TOO_MANY_REQUESTS => Attempt::Later,
            status if status.is_server_error() => Attempt::Later,
            _ => Attempt::Never,
        }
    }

    fn is_awaited(&self) -> bool {
        let state = self.bridge.lock();
        self.asked.iter().any(|asked| state.open.waits(asked))
    }

    /// Passes on every message until the stream ends or breaks.
    async fn follow(&mut self, mut body: Incoming) -> Result<(), Trouble> {
        let mut splitter = Splitter::new(MAX_BYTES);
        let mut afterwards = Afterwards::default();
        loop {
            let needed = self.asked.is_empty() || self.is_awaited();
            let frame = match afterwards.left(needed, Instant::now()) {
                None => body.frame().await,
                // Not left to the timeout: it lets a body pass that always has more at hand.
                Some(Duration::ZERO) => return Ok(()),
                Some(left) => match tokio::time::timeout(left, body.frame()).await {
                    Ok(frame) => frame,
                    Err(_) => return Ok(()),
                },
            };
            let Some(Ok(frame)) = frame else {
                return Ok(());
            };
            let Ok(data) = frame.into_data() else {
                continue;
            };
            splitter.push(&data);
            while let Some(event) = splitter.next_event().map_err(unreadable)? {
                self.place.note(&event);
                if let Some(message) = message(&event) {
                    self.bridge.pass(message).await;
                }
            }
        }
    }
}

/// Until when a stream may stay open on which nothing is awaited any more: what a server says
/// afterwards, comments that keep it alive among it, gains it no time.
#[derive(Default)]
struct Afterwards(Option<Instant>);

impl Afterwards {
    /// How long it may still stay open; `None` while it is `needed`.
    fn left(&mut self, needed: bool, now: Instant) -> Option<Duration> {
        if needed {
            self.0 = None;
            return None;
        }
        let until = *self.0.get_or_insert(now + AFTERWARDS);
        Some(until.saturating_duration_since(now))
    }
}

/// The message that an event carries.
pub(super) fn message(event: &Event) -> Option<&[u8]> {
    let named = event.name.is_empty() || event.name == "message";
    let data = event.data.as_deref()?;
    (named && !data.trim_ascii().is_empty()).then_some(data)
}

pub(super) fn unreadable(error: crate::mcp::sse::SseError) -> Trouble {
    note(&error.to_string());
    match error {
        crate::mcp::sse::SseError::TooLong { .. } => Trouble::TooLong,
        crate::mcp::sse::SseError::Encoding => Trouble::Stream,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> Event {
        let mut splitter = Splitter::new(1024);
        splitter.push(text.as_bytes());
        splitter.next_event().unwrap().unwrap()
    }

    #[test]
    fn only_messages_are_messages() {
        let found = |text: &str| message(&event(text)).map(<[u8]>::to_vec);
        assert_eq!(found("data: {}\n\n"), Some(b"{}".to_vec()));
        assert_eq!(found("event: message\ndata: {}\n\n"), Some(b"{}".to_vec()));
        assert_eq!(found("event: endpoint\ndata: /x\n\n"), None);
        assert_eq!(found("id: 1\ndata:\n\n"), None);
        assert_eq!(found(": alive\n"), None);
    }

    #[test]
    fn a_stream_that_is_kept_alive_ends_all_the_same() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut afterwards = Afterwards::default();
        assert_eq!(afterwards.left(true, at(0)), None);
        assert_eq!(afterwards.left(true, at(60)), None);
        assert_eq!(afterwards.left(false, at(61)), Some(AFTERWARDS));
        let left = Some(AFTERWARDS.saturating_sub(Duration::from_secs(4)));
        assert_eq!(afterwards.left(false, at(65)), left);
        assert_eq!(afterwards.left(false, at(66)), Some(Duration::ZERO));
        assert_eq!(afterwards.left(false, at(99)), Some(Duration::ZERO));
    }

    #[test]
    fn a_server_may_ask_for_patience_but_not_for_haste() {
        let mut place = Place::new(true);
        assert_eq!(place.pause(0), PAUSE);
        assert_eq!(place.pause(3), PAUSE * 8);
        assert_eq!(place.pause(40), PAUSES.1);
        place.note(&event("id: 7\nretry: 0\ndata:\n\n"));
        assert_eq!(place.last_event.as_ref().unwrap(), "7");
        assert_eq!(place.pause(0), PAUSES.0);
        place.note(&event("retry: 999999999999999999999999\n\n"));
        assert_eq!(place.pause(0), PAUSES.1);
        place.note(&event("id\ndata: x\n\n"));
        assert_eq!(place.last_event, None);
    }
}
