//! One HTTP exchange: whose it is, which links its messages belong to, its way to the server.

use super::answer;
use super::body::{self, Outlet, ReadError, Reply};
use super::caller::Caller;
use super::headers;
use super::media::Media;
use super::memory::Session;
use super::messages;
use super::owed::Owed;
use super::route::Route;
use super::{Gateway, Server, stream};
use crate::judge::{Forward, Judge, Outcome, Parts};
use crate::link::{Client, End, Link};
use crate::mcp::reply::Refusal;
use crate::mcp::salvage::{Nature, salvage};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Uri, http::request};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// One exchange with everything that its messages need.
pub(super) struct Exchange {
    pub gateway: Arc<Gateway>,
    pub server: Arc<Server>,
    pub client: Client,
    pub head: request::Parts,
    /// Where it goes.
    pub target: Uri,
    /// Where the client's requests are open. Without a session it is this exchange's own: two
    /// clients may use the same ids.
    pub requests: Arc<Mutex<Link>>,
    /// Where everything else belongs: the session's, or what this caller's exchanges share.
    pub shared: Arc<Session>,
    /// The stream on which the answers come, where it is not this exchange.
    pub aside: Option<Outlet>,
    /// A document about the server is asked for, not a message.
    pub metadata: bool,
}

/// Where answers to requests of the old transport's stream go. Source: MCP 2024-11-05, HTTP+SSE.
pub(super) struct Back {
    pub uri: Uri,
    pub session: Arc<Session>,
    pub outlet: Outlet,
}

/// Answers one request.
pub(super) async fn answer(
    gateway: Arc<Gateway>,
    caller: &Caller,
    request: Request<Incoming>,
) -> Response<Reply> {
    let (head, body) = request.into_parts();
    if let Err(foreign) = gateway.names.admit(&head) {
        return answer::foreign(foreign);
    }
    let path = head.uri.path().to_owned();
    let Some(route) = Route::of(&path) else {
        return answer::no_route();
    };
    let server = match gateway.servers.get(route.name) {
        Some(Ok(server)) => Arc::clone(server),
        Some(Err(error)) => return answer::misconfigured(error),
        None => return answer::no_route(),
    };
    // What is not in the configured URL was not looked at by anybody.
    if head.uri.query().is_some() {
        return answer::query();
    }
    let Ok(client) = caller.client(&gateway.callers).await.cloned() else {
        return answer::untraced(caller.is_closed().await);
    };
    let back = match route.back {
        None => None,
        Some(word) => match stream::back(&gateway, word) {
            Some(back) => Some(back),
            None => return answer::no_route(),
        },
    };
    let mut exchange = Exchange::new(gateway, server, client, head, back);
    if let Some(document) = route.document {
        let Some(target) = exchange.server.address.well_known(document) else {
            return answer::no_route();
        };
        (exchange.target, exchange.metadata) = (target, true);
    }
    let plain = exchange.aside.is_none();
    match exchange.head.method {
        Method::POST if !exchange.metadata => exchange.post(body).await,
        Method::GET if exchange.metadata => exchange.bare("metadata-asked").await,
        Method::GET if plain => exchange.bare("stream-asked").await,
        Method::DELETE if plain && !exchange.metadata => exchange.bare("session-ended").await,
        _ => answer::method(),
    }
}

impl Exchange {
    fn new(
        gateway: Arc<Gateway>,
        server: Arc<Server>,
        client: Client,
        head: request::Parts,
        back: Option<Back>,
    ) -> Self {
        let memory = &gateway.memory;
        let (shared, target, aside) = match back {
            Some(back) => (back.session, back.uri, Some(back.outlet)),
            None => {
                let shared = match headers::session(&head.headers) {
                    Some(id) => memory.session(&server.name, id, &client),
                    None => memory.caller(&server.name, &client),
                };
                (shared, server.address.uri.clone(), None)
            }
        };
        memory.refresh(&server.name, &shared);
        // Only a session's own exchanges share its requests.
        let sessionless = aside.is_none() && headers::session(&head.headers).is_none();
        let requests = if sessionless && head.method == Method::POST {
            let mut link = memory.fresh(&server.name, &client);
            // Source: MCP 2025-06-18, transports: the header names the revision after initialize.
            link.inherit(&shared.lock());
            if let Some(named) = headers::revision(&head.headers) {
                link.revision = Some(named.to_owned());
            }
            Arc::new(Mutex::new(link))
        } else {
            let mut link = shared.lock();
            // A session that began before this daemon did. Source: MCP 2025-06-18, transports: without
            // the header it is the revision before.
            let is_session = headers::session(&head.headers).is_some();
            if is_session && aside.is_none() && link.revision.is_none() {
                let named = headers::revision(&head.headers).unwrap_or("2025-03-26");
                link.revision = Some(named.to_owned());
            }
            drop(link);
            Arc::clone(&shared.link)
        };
        Self {
            gateway,
            server,
            client,
            head,
            target,
            requests,
            shared,
            aside,
            metadata: false,
        }
    }

    /// A message of the client's.
    async fn post(self, incoming: Incoming) -> Response<Reply> {
        let judge = &self.gateway.judge;
        if Media::of(&self.head.headers) != Media::Json || headers::is_encoded(&self.head.headers) {
            return answer::media_type();
        }
        let bytes = match body::read_in_time(incoming, judge.max_frame_bytes()).await {
            Ok(bytes) => bytes,
            Err(error) => {
                self.refused(End::Client, &[], "protocol:frame", &error.to_string());
                return match error {
                    ReadError::TooLong { .. } => answer::too_large(),
                    ReadError::Slow | ReadError::CutOff => answer::slow(),
                };
            }
        };
        if let Err(mismatch) = headers::agree(&self.head.headers, &bytes) {
            let why = format!("header {} does not say what the body says", mismatch.header);
            self.refused(End::Client, &bytes, "protocol:headers", &why);
            return answer::mismatch(salvage(&bytes).id.as_ref());
        }
        let salvaged = salvage(&bytes);
        // The exchange that carries what is cancelled: there it may still wait for a person.
        let cancelled = match salvaged.nature {
            Nature::Notification => messages::cancelled(&bytes),
            _ => None,
        };
        let cancelled = cancelled.and_then(|id| self.shared.pending.only(&id));
        let link = match salvaged.nature {
            Nature::Notification | Nature::Answer => {
                cancelled.as_ref().unwrap_or(&self.shared.link)
            }
            _ => &self.requests,
        };
        let ids = messages::request_ids(&bytes, &salvaged);
        let mut owed = Owed::new(link, ids, &self.shared);
        let Some(parts) = self.rule(link, End::Client, &bytes).await else {
            return answer::unavailable();
        };
        let forward = match parts.forward {
            Forward::Nothing => None,
            Forward::Original => Some(bytes),
            Forward::Instead(lines) => Some(messages::body_of(&lines).into()),
        };
        if forward.is_none() {
            // What was refused is closed by the judge; what is open under the same id is not ours.
            owed.keep();
        }
        if let Some(changed) = &forward
            && headers::agree(&self.head.headers, changed).is_err()
        {
            // What was taken out of the body still stands in a header.
            self.refused(
                End::Client,
                changed,
                "protocol:headers",
                "a header repeats what was redacted",
            );
            let lines = owed.abandon(&self, &Refusal::Unavailable, "refused");
            return answer::lines(&lines);
        }
        if let Some(reply) = parts.reply {
            if let Some(bytes) = forward {
                // Answers of a refused batch: the server hears ours in their place.
                self.send_aside(bytes).await;
            }
            return self.tell(reply).await;
        }
        match forward {
            None => answer::accepted(),
            Some(bytes) => self.ask(bytes, owed).await,
        }
    }

    /// A request without a message: to open a stream, or to end a session.
    async fn bare(self, kind: &str) -> Response<Reply> {
        if let Err(mismatch) = headers::agree(&self.head.headers, &[]) {
            let why = format!(
                "header {} repeats a body that is not there",
                mismatch.header
            );
            self.refused(End::Client, &[], "protocol:headers", &why);
            return answer::mismatch(None);
        }
        let what = format!("{} {}", self.head.method, self.server.address.origin());
        if !self.gateway.judge.note(&self.shared.link, kind, &what) {
            return answer::unavailable();
        }
        let owed = Owed::new(&self.requests, Vec::new(), &self.shared);
        self.ask(Bytes::new(), owed).await
    }

    async fn ask(self, bytes: Bytes, mut owed: Owed) -> Response<Reply> {
        let sent = self.request(bytes);
        match self.server.dialer.send(sent).await {
            Ok(response) => {
                if self.aside.is_some() && response.status().is_success() {
                    // The answer comes on the stream, whatever this exchange says.
                    owed.keep();
                }
                answer::relay(self, owed, response).await
            }
            Err(error) => {
                let why = error.to_string();
                self.gateway
                    .judge
                    .note(&self.shared.link, "unreachable", &why);
                let lines = owed.abandon(&self, &Refusal::ServerGone, &why);
                if lines.is_empty() {
                    answer::unreachable()
                } else {
                    self.tell(lines.concat()).await
                }
            }
        }
    }

    fn request(&self, bytes: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(bytes));
        *request.method_mut() = self.head.method.clone();
        *request.uri_mut() = self.target.clone();
        *request.headers_mut() = headers::to_server(&self.head.headers);
        request
    }

    /// Sends a message of ours to the server, beside this exchange. Waits only while too many are
    /// under way.
    pub(super) async fn send_aside(&self, bytes: impl Into<Bytes>) {
        let mut request = self.request(bytes.into());
        *request.method_mut() = Method::POST;
        let headers = request.headers_mut();
        headers.remove("last-event-id");
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let accept = "application/json, text/event-stream";
        headers.insert("accept", HeaderValue::from_static(accept));
        let Ok(place) = Arc::clone(&self.server.asides).acquire_owned().await else {
            return;
        };
        let server = Arc::clone(&self.server);
        tokio::spawn(async move {
            let sent = tokio::time::timeout(ASIDE_TIME, server.dialer.send(request)).await;
            if !matches!(&sent, Ok(Ok(answer)) if answer.status().is_success()) {
                tracing::warn!(server = server.name, "a server did not take our answer");
            }
            drop(place);
        });
    }

    /// Gives the client a line of ours, here or on the stream where it waits.
    async fn tell(&self, lines: Vec<u8>) -> Response<Reply> {
        match &self.aside {
            None => answer::line(&lines),
            Some(outlet) => {
                let event = [
                    b"event: message\ndata: ",
                    messages::body_of(&lines).as_slice(),
                    b"\n\n",
                ]
                .concat();
                match outlet.send(Ok(event.into())).await {
                    Ok(()) => answer::accepted(),
                    Err(_) => answer::no_route(),
                }
            }
        }
    }

    /// The judge's word on one message; `None` when none can be had.
    pub(super) async fn rule(
        &self,
        link: &Arc<Mutex<Link>>,
        from: End,
        bytes: &[u8],
    ) -> Option<Parts> {
        let judge = &self.gateway.judge;
        // On this worker: handing the work to another thread costs more than most rulings.
        let verdict = match judge.rule(link, from, false, bytes) {
            Outcome::Now(verdict) => verdict,
            Outcome::Later(question) => {
                // A client that leaves takes its question along: nothing of it would be sent.
                let asked = Asked {
                    judge: Arc::clone(judge),
                    waiter: question.waiter().unwrap_or_default().to_owned(),
                };
                let (sender, receiver) = oneshot::channel();
                judge.when_answered(link, question, move |verdict| {
                    let _ = sender.send(verdict);
                });
                let verdict = receiver.await.ok()?;
                asked.answered();
                verdict
            }
        };
        let parts = verdict.into_parts();
        let name = &self.server.name;
        let memory = &self.gateway.memory;
        if let Err(full) = memory.learn(name, &parts.keep, &parts.discard) {
            // Lists that came at once: each fitted, together they don't.
            self.refused(from, bytes, "redaction", &full.to_string());
            return None;
        }
        if !Arc::ptr_eq(link, &self.shared.link) {
            let shared = parts.keep.iter().filter(|(key, _)| Link::is_of_caller(key));
            let shared: Vec<_> = shared.cloned().collect();
            if !shared.is_empty() {
                self.shared.lock().resume(&shared);
            }
        }
        Some(parts)
    }

    pub(super) fn refused(&self, from: End, bytes: &[u8], rule: &str, why: &str) {
        let judge = &self.gateway.judge;
        judge.refused(&self.shared.link, from, bytes, rule, why);
    }
}

/// Chosen: our answers are small, and a server that takes longer is not waiting for them.
const ASIDE_TIME: Duration = Duration::from_secs(10);

/// A question to a person, withdrawn when nobody waits for its answer any more.
struct Asked {
    judge: Arc<Judge>,
    waiter: String,
}

impl Asked {
    fn answered(mut self) {
        self.waiter.clear();
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if !self.waiter.is_empty() {
            self.judge.desk().withdraw(&self.waiter);
        }
    }
}

pub(super) fn lock(link: &Mutex<Link>) -> std::sync::MutexGuard<'_, Link> {
    link.lock().unwrap_or_else(PoisonError::into_inner)
}

/// For a client that speaks to a server that is not there.
pub(super) const BAD_GATEWAY: StatusCode = StatusCode::BAD_GATEWAY;
