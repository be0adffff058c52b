//! A server's stream, judged event by event while it flows.

use super::Gateway;
use super::body::{Broken, Outlet, Reply};
use super::exchange::{Back, Exchange};
use super::headers;
use super::media::Media;
use super::memory::Session;
use super::messages;
use super::owed::Owed;
use crate::judge::Forward;
use crate::link::End;
use crate::mcp::era::Era;
use crate::mcp::reply::{self, Asked, Asker, Refusal};
use crate::mcp::salvage::{Nature, salvage};
use crate::mcp::sse::{Event, Splitter, SseError};
use crate::upstream::Address;
use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use hyper::http::response;
use hyper::{Method, Response};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// While an event waits for a person, a comment this often keeps the connection open. Chosen:
/// proxies and clients commonly give up on a silent stream after 30 s and more.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Streams of the old transport, by the word in the address that their clients post to.
#[derive(Default)]
pub(super) struct Backs(Mutex<HashMap<String, Arc<Back>>>);

/// Where `back/WORD` leads, while its stream is open.
pub(super) fn back(gateway: &Gateway, word: &str) -> Option<Back> {
    let backs = gateway
        .backs
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    backs.get(word).map(|back| Back {
        uri: back.uri.clone(),
        session: Arc::clone(&back.session),
        outlet: back.outlet.clone(),
    })
}

/// Passes a stream on. Returns with the head; the events follow.
pub(super) fn follow(
    exchange: Exchange,
    owed: Owed,
    head: response::Parts,
    incoming: Incoming,
) -> Response<Reply> {
    let (outlet, body) = Reply::stream();
    let mut answer = Response::new(body);
    *answer.status_mut() = head.status;
    let server = &exchange.server.name;
    *answer.headers_mut() = headers::to_client(&head.headers, server, Media::EventStream);
    let resumed = exchange.head.headers.contains_key("last-event-id");
    let limit = exchange.gateway.judge.max_frame_bytes();
    let base = Address {
        uri: exchange.target.clone(),
    };
    let stream = Stream {
        exchange,
        base,
        owed,
        outlet,
        resumed,
        resumable: false,
        word: None,
    };
    tokio::spawn(stream.run(incoming, Splitter::new(limit)));
    answer
}

struct Stream {
    exchange: Exchange,
    /// Where the stream itself is.
    base: Address,
    owed: Owed,
    outlet: Outlet,
    /// The client takes up a stream that broke.
    resumed: bool,
    /// Events had ids, so a client may come back for what it missed.
    resumable: bool,
    /// Of the old transport.
    word: Option<String>,
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Client,
    Server,
    Broken,
    Unreadable(SseError),
    /// No verdict could be had.
    Unjudged,
}

impl Stream {
    async fn run(mut self, mut incoming: Incoming, mut splitter: Splitter) {
        let end = loop {
            match splitter.next_event() {
                Ok(Some(event)) => match self.event(event).await {
                    Ok(()) => continue,
                    Err(end) => break end,
                },
                Ok(None) => {}
                Err(error) => break Ended::Unreadable(error),
            }
            tokio::select! {
                () = self.outlet.closed() => break Ended::Client,
                frame = incoming.frame() => match frame {
                    None => break Ended::Server,
                    Some(Err(_)) => break Ended::Broken,
                    Some(Ok(frame)) => if let Some(data) = frame.data_ref() {
                        splitter.push(data);
                    },
                },
            }
        };
        drop(incoming);
        self.end(end, splitter.is_within()).await;
    }

    async fn event(&mut self, event: Event) -> Result<(), Ended> {
        self.resumable |= event.id.is_some();
        let Some(data) = event.data.as_deref().filter(|data| !data.is_empty()) else {
            return self.send(event.passed()).await;
        };
        if event.name == "endpoint" && self.exchange.head.method == Method::GET {
            return self.endpoint(&event).await;
        }
        let salvaged = salvage(data);
        let link = match salvaged.nature {
            Nature::Request | Nature::Notification => &self.exchange.shared.link,
            _ => &self.exchange.requests,
        };
        let id = salvaged.id.filter(|_| salvaged.nature == Nature::Answer);
        if let (Some(id), Some(_)) = (&id, &event.id) {
            let shared = &self.exchange.shared;
            shared.replayable(id, self.resumed);
        }
        let parts = {
            let mut ruling = std::pin::pin!(self.exchange.rule(link, End::Server, data));
            loop {
                tokio::select! {
                    parts = ruling.as_mut() => break parts,
                    () = self.outlet.closed() => return Err(Ended::Client),
                    () = tokio::time::sleep(KEEP_ALIVE) => {
                        self.send(b": waiting\n\n".to_vec()).await?;
                    }
                }
            }
        };
        let parts = parts.ok_or(Ended::Unjudged)?;
        if let Some(reply) = parts.reply {
            self.exchange.send_aside(messages::body_of(&reply)).await;
        }
        match parts.forward {
            Forward::Original => self.send(event.passed()).await,
            Forward::Instead(lines) => {
                let body = messages::body_of(&lines);
                self.send(event.with(Some(&body))).await
            }
            Forward::Nothing => match id.filter(|_| self.resumed) {
                // It may answer a request that we no longer know, after a restart of ours.
                Some(id) => {
                    let asked = Asked {
                        id: &id,
                        method: "",
                        era: Era::Handshake,
                        by: Asker::Client,
                    };
                    let line = reply::refuse(&asked, &Refusal::BadAnswer);
                    self.send(event.with(Some(&messages::body_of(&line)))).await
                }
                // A client that resumes must not ask for what it will never get.
                None if event.id.is_some() => self.send(event.with(None)).await,
                None => Ok(()),
            },
        }
    }

    async fn send(&self, bytes: impl Into<Bytes>) -> Result<(), Ended> {
        let sent = self.outlet.send(Ok(bytes.into())).await;
        sent.map_err(|_| Ended::Client)
    }

    /// The old transport says where messages are to be posted: to us, and we know where that is.
    async fn endpoint(&mut self, event: &Event) -> Result<(), Ended> {
        let given = event
            .data
            .as_deref()
            .and_then(|data| std::str::from_utf8(data).ok());
        let uri = given.and_then(|given| self.base.resolve(given));
        let Some(uri) = uri else {
            let why = "the stream names an address of another server to post to";
            self.exchange
                .refused(End::Server, &[], "protocol:endpoint", why);
            return Err(Ended::Unjudged);
        };
        if self.word.is_none() {
            // Each stream counts its requests anew, so each has a link of its own.
            let exchange = &mut self.exchange;
            let memory = &exchange.gateway.memory;
            let link = memory.fresh(&exchange.server.name, &exchange.client);
            memory.open(&link);
            exchange.shared = Arc::new(Session::of(Arc::new(Mutex::new(link))));
            exchange.requests = Arc::clone(&exchange.shared.link);
        }
        // Our answers to its requests go where the client's would.
        self.exchange.target = uri.clone();
        let word = format!("{:032x}", rand::random::<u128>());
        let back = Back {
            uri,
            session: Arc::clone(&self.exchange.shared),
            outlet: self.outlet.clone(),
        };
        {
            let backs = &self.exchange.gateway.backs;
            let mut backs = backs.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(old) = self.word.replace(word.clone()) {
                backs.remove(&old);
            }
            backs.insert(word.clone(), Arc::new(back));
        }
        let path = format!("/mcp/{}/back/{word}", self.exchange.server.name);
        self.send(event.with(Some(path.as_bytes()))).await
    }

    async fn end(mut self, end: Ended, within: bool) {
        if let Some(word) = &self.word {
            let backs = &self.exchange.gateway.backs;
            let mut backs = backs.0.lock().unwrap_or_else(PoisonError::into_inner);
            backs.remove(word);
        }
        let why = match end {
            Ended::Client => {
                if self.resumable {
                    self.owed.hand_over(&self.exchange.shared);
                }
                return self.close();
            }
            Ended::Server if within => "the stream ended inside an event".to_owned(),
            Ended::Server => "the stream ended".to_owned(),
            Ended::Broken => "the stream broke".to_owned(),
            Ended::Unreadable(error) => error.to_string(),
            Ended::Unjudged => "no verdict could be had".to_owned(),
        };
        if let Ended::Unreadable(_) = end {
            self.exchange
                .refused(End::Server, &[], "protocol:frame", &why);
        }
        let comes_back = self.resumable && matches!(end, Ended::Server | Ended::Broken);
        if comes_back {
            self.owed.hand_over(&self.exchange.shared);
        }
        let refusal = match end {
            Ended::Server | Ended::Broken => Refusal::ServerGone,
            _ => Refusal::BadAnswer,
        };
        let lines = if self.word.is_some() {
            let judge = &self.exchange.gateway.judge;
            let link = &self.exchange.shared.link;
            let open = super::exchange::lock(link).open_ids(End::Client);
            judge.abandon(link, &open, &refusal, &why)
        } else {
            self.owed.abandon(&self.exchange, &refusal, &why)
        };
        for line in &lines {
            let event = [
                b"event: message\ndata: ",
                messages::body_of(line).as_slice(),
                b"\n\n",
            ]
            .concat();
            if self.send(event).await.is_err() {
                break;
            }
        }
        self.close();
        if lines.is_empty() && end != Ended::Server {
            let _ = self.outlet.send(Err(Broken)).await;
        }
    }
}

impl Stream {
    /// The link of a stream of the old transport ends with it.
    fn close(&self) {
        if self.word.is_some() {
            let judge = &self.exchange.gateway.judge;
            judge.link_closed(&self.exchange.shared.link);
        }
    }
}
