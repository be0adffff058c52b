//! One message to the server, and everything that comes back on it.

use super::headers::{SESSION, is_compressed, media_type};
use super::open::Asked;
use super::outgoing::{Outgoing, Turn};
use super::stream::{Place, Stream};
use super::trouble::{Trouble, note};
use super::{Bridge, MAX_BYTES, Transport, limits};
use crate::mcp::era::Era;
use crate::mcp::json::{self, Node};
use crate::mcp::message::{self, Id, Message, Outcome};
use crate::mcp::splice::Splice;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{HeaderValue, LOCATION, WWW_AUTHENTICATE};
use hyper::{Method, Response, StatusCode, Uri};
use std::sync::Arc;
use tokio::sync::oneshot;

pub(super) struct Exchange {
    bridge: Arc<Bridge>,
    asked: Vec<Asked>,
    turn: Turn,
    /// Dropped when the next message may be sent.
    taken: Option<oneshot::Sender<()>>,
}

/// What an answer's body is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Done,
    /// The old transport answers on its stream.
    Elsewhere,
}

/// An answer with an error status.
struct Refusal {
    /// The answer to the request that stood in its body.
    line: Option<Vec<u8>>,
    /// Only a server of Streamable HTTP says this.
    is_modern: bool,
}

impl Exchange {
    pub(super) fn new(
        bridge: Arc<Bridge>,
        asked: Vec<Asked>,
        turn: Turn,
    ) -> (Self, oneshot::Receiver<()>) {
        let (taken, receiver) = oneshot::channel();
        let exchange = Self {
            bridge,
            asked,
            turn,
            taken: Some(taken),
        };
        (exchange, receiver)
    }

    pub(super) async fn run(mut self, outgoing: Outgoing) {
        let trouble = match self.attempt(outgoing).await {
            Ok(After::Elsewhere) => return,
            Ok(After::Done) => Trouble::NoAnswer,
            Err(trouble @ Trouble::SessionOver) => return self.bridge.give_up(trouble).await,
            Err(trouble) => trouble,
        };
        self.fail(trouble).await;
    }

    /// Answers what is still open of this exchange.
    async fn fail(&self, trouble: Trouble) {
        for asked in self.waiting() {
            self.bridge.output.send(trouble.answer(&asked.id)).await;
            self.bridge.lock().open.close(&asked.id);
        }
    }

    fn waiting(&self) -> Vec<Asked> {
        let state = self.bridge.lock();
        let waits = |asked: &&Asked| state.open.waits(asked);
        self.asked.iter().filter(waits).cloned().collect()
    }

    async fn attempt(&mut self, outgoing: Outgoing) -> Result<After, Trouble> {
        let endpoint = match self.bridge.transport {
            Transport::Sse => Some(self.bridge.connect_old().await?),
            _ => self.bridge.lock().endpoint.clone(),
        };
        if let Some(endpoint) = endpoint {
            return self.tell_old(endpoint, outgoing.body).await;
        }
        if outgoing.is_initialize {
            // A client that begins anew has no session.
            self.bridge.lock().conversation = super::headers::Conversation::default();
        }
        let mut headers = outgoing.mirrored.clone();
        if outgoing.era == Era::Handshake || headers.is_empty() {
            headers.extend(self.bridge.lock().conversation.headers());
        }
        let in_session = headers.contains_key(SESSION);
        let bridge = Arc::clone(&self.bridge);
        let to = bridge.address.uri.clone();
        // Kept only where it may have to be said again.
        let again = (outgoing.is_initialize && bridge.transport == Transport::Auto)
            .then(|| outgoing.body.clone());
        let answer = bridge
            .send(Method::POST, to, headers, outgoing.body)
            .await?;
        if self.turn == Turn::Accepted {
            self.taken = None;
        }
        let status = answer.status();
        if status == StatusCode::NOT_FOUND && in_session {
            return Err(Trouble::SessionOver);
        }
        if !status.is_success() {
            let refusal = self.refused(answer).await?;
            if let Some(again) = again
                && is_how_old_servers_refuse(status)
                && !refusal.is_modern
            {
                match self.bridge.connect_old().await {
                    Ok(endpoint) => return self.tell_old(endpoint, again).await,
                    Err(trouble @ Trouble::ForeignEndpoint) => return Err(trouble),
                    Err(trouble) => note(&format!("not an old server either: {trouble}")),
                }
            }
            return self.told(refusal, status).await;
        }
        if outgoing.is_initialize {
            let session = answer.headers().get(SESSION).cloned();
            self.bridge.lock().conversation.session = session;
        }
        if outgoing.is_initialized {
            self.bridge.listen();
        }
        self.take(answer, outgoing.era).await?;
        Ok(After::Done)
    }

    /// Takes what a server answers to a message that it accepted.
    async fn take(&mut self, answer: Response<Incoming>, era: Era) -> Result<(), Trouble> {
        match media_type(answer.headers()).as_str() {
            kind if self.asked.is_empty() && kind != "text/event-stream" => {
                // Nobody waits; reading it lets the connection be used again.
                let _ = bounded(answer.into_body()).await;
                Ok(())
            }
            "application/json" => {
                let body = bounded(answer.into_body()).await?;
                self.bridge.pass(&body).await;
                Ok(())
            }
            "text/event-stream" => {
                let asked = self.asked.clone();
                let place = Place::new(era == Era::Handshake);
                let mut stream = Stream::new(Arc::clone(&self.bridge), asked, place);
                stream.follow_to_the_end(answer.into_body()).await
            }
            _ if answer.status() == StatusCode::ACCEPTED => Err(Trouble::NoAnswer),
            _ => Err(Trouble::MediaType),
        }
    }

    /// What an answer with an error status says in its body.
    async fn refused(&self, answer: Response<Incoming>) -> Result<Refusal, Trouble> {
        let status = answer.status();
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            tell_login(&self.bridge.address.uri, &answer);
            return Err(Trouble::Login(status.as_u16()));
        }
        if self.asked.is_empty() {
            note(&format!("the server refused a notification: HTTP {status}"));
        }
        let is_json = media_type(answer.headers()) == "application/json";
        let body = bounded(answer.into_body()).await.unwrap_or_default();
        let body = if is_json { body } else { Vec::new() };
        Ok(Refusal {
            is_modern: is_modern_error(&body),
            line: self.as_answer(&body),
        })
    }

    /// Passes on what a refusal says to the request.
    async fn told(&self, refusal: Refusal, status: StatusCode) -> Result<After, Trouble> {
        let line = refusal.line.ok_or(Trouble::Status(status.as_u16()))?;
        self.bridge.pass(&line).await;
        Ok(After::Done)
    }

    /// The body as the answer to the one request that waits: as it is if it has its id, under that
    /// id if it is an error without one.
    fn as_answer(&self, body: &[u8]) -> Option<Vec<u8>> {
        let root = json::parse(body, &limits()).ok()?;
        let [asked] = self.asked.as_slice() else {
            return None;
        };
        let of = |id: &Id| *id == asked.id;
        let given = root.get("id").map(Id::read);
        if given.is_some_and(|given| given.is_ok_and(|id| of(&id))) {
            return Some(body.to_vec());
        }
        let error = root.get("error")?;
        error.get("code")?;
        let raw = std::str::from_utf8(error.raw(body)?).ok()?;
        let id = &asked.id;
        Some(format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{raw}}}"#).into_bytes())
    }

    async fn tell_old(&mut self, endpoint: Uri, body: Vec<u8>) -> Result<After, Trouble> {
        let headers = self.bridge.lock().conversation.headers();
        let bridge = Arc::clone(&self.bridge);
        let answer = bridge.send(Method::POST, endpoint, headers, body).await?;
        self.taken = None;
        if !answer.status().is_success() {
            let status = answer.status();
            let refusal = self.refused(answer).await?;
            return self.told(refusal, status).await;
        }
        let _ = bounded(answer.into_body()).await;
        Ok(After::Elsewhere)
    }
}

impl Bridge {
    /// Sends a request and looks at what no answer may be.
    pub(super) async fn send(
        &self,
        method: Method,
        to: Uri,
        headers: hyper::HeaderMap,
        body: Vec<u8>,
    ) -> Result<Response<Incoming>, Trouble> {
        let request = self.request(method, to, headers, body)?;
        let answer = self.dialer.send(request).await.map_err(|error| {
            note(&format!("{}: {error}", self.address.origin()));
            Trouble::Unreachable
        })?;
        let status = answer.status();
        if status.is_redirection() {
            let to = answer.headers().get(LOCATION);
            let to = to.map_or("nowhere".into(), |to| {
                String::from_utf8_lossy(to.as_bytes())
            });
            note(&format!("not following HTTP {status} to {to}"));
            return Err(Trouble::Redirect(status.as_u16()));
        }
        if is_compressed(answer.headers()) {
            return Err(Trouble::Compressed);
        }
        Ok(answer)
    }

    /// Passes what a server said on to the client, as one line, and takes note of what it answers.
    pub(super) async fn pass(&self, data: &[u8]) {
        let Ok(root) = json::parse(data, &limits()) else {
            return self.output.send(one_line(data, false)).await;
        };
        let cut = self.without_unusable_tools(data, &root);
        let line = one_line(cut.as_deref().unwrap_or(data), true);
        self.output.send(line).await;
        let Some(messages) = root.as_array() else {
            return self.heard(&root);
        };
        for message in messages {
            self.heard(message);
        }
    }

    fn heard(&self, root: &Node<'_>) {
        let Ok(Message::Response { id, outcome }) = message::read(root) else {
            return;
        };
        let mut state = self.lock();
        let Some(asked) = state.open.close(&id) else {
            return;
        };
        let Outcome::Result(result) = outcome else {
            return;
        };
        if asked.method == "initialize" {
            let revision = result.get("protocolVersion").and_then(Node::as_str);
            state.conversation.revision =
                revision.and_then(|revision| HeaderValue::from_str(revision).ok());
        }
    }

    /// Learns from a list of tools what calls repeat in headers. A tool that asks for headers which
    /// can't be written is taken out of the list, as a client over HTTP must; the list without it.
    ///
    /// Source: MCP 2026-07-28, transports, schema extension.
    fn without_unusable_tools(&self, data: &[u8], root: &Node<'_>) -> Option<Vec<u8>> {
        let Ok(Message::Response {
            id,
            outcome: Outcome::Result(result),
        }) = message::read(root)
        else {
            return None;
        };
        let unusable = {
            let mut state = self.lock();
            let asked = state.open.asked(&id)?;
            if asked.method != "tools/list" || asked.era != Era::Stateless {
                return None;
            }
            state.schemas.learn(result)
        };
        if unusable.is_empty() {
            return None;
        }
        let tools = result.get("tools")?;
        let mut splice = Splice::new(data);
        for index in unusable {
            splice.remove(tools, index).ok()?;
        }
        splice.finish().ok()
    }
}

/// One line of what may have been written on several. Where it was JSON, breaks stood between its
/// tokens and become spaces; where it was not, they become a character that no JSON has, so that
/// it stays what it was for whoever judges it.
fn one_line(data: &[u8], is_json: bool) -> Vec<u8> {
    let data = data.trim_ascii();
    let instead = if is_json { b' ' } else { 0x1e };
    let mut line: Vec<u8> = data.to_vec();
    for byte in &mut line {
        if matches!(byte, b'\n' | b'\r') {
            *byte = instead;
        }
    }
    line.push(b'\n');
    line
}

/// The whole body, if it is not too long.
async fn bounded(mut body: Incoming) -> Result<Vec<u8>, Trouble> {
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            note(&format!("the answer broke off: {error}"));
            Trouble::NoAnswer
        })?;
        if let Some(data) = frame.data_ref() {
            if whole.len() + data.len() > MAX_BYTES {
                return Err(Trouble::TooLong);
            }
            whole.extend_from_slice(data);
        }
    }
    Ok(whole)
}

/// Source: MCP 2025-03-26 and later, transports, backwards compatibility.
fn is_how_old_servers_refuse(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED
    )
}

/// An error that only a server of Streamable HTTP writes, so that there is no other transport to
/// try. Source: MCP 2026-07-28, its own codes and those of JSON-RPC that it gives a status.
fn is_modern_error(body: &[u8]) -> bool {
    let code = json::parse(body, &limits()).ok().and_then(|root| {
        let code = root.get("error")?.get("code")?;
        std::str::from_utf8(code.raw(body)?)
            .ok()?
            .parse::<i64>()
            .ok()
    });
    matches!(code, Some(-32022..=-32020 | -32001 | -32602..=-32601))
}

/// Says on standard error what the server wants, since nobody can log in from here.
fn tell_login(uri: &Uri, answer: &Response<Incoming>) {
    let wants: Vec<String> = answer
        .headers()
        .get_all(WWW_AUTHENTICATE)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect();
    let host = uri.host().unwrap_or_default();
    note(&format!(
        "{host} wants a login (HTTP {}): {}",
        answer.status().as_u16(),
        if wants.is_empty() {
            "it does not say which".to_owned()
        } else {
            wants.join(", ")
        }
    ));
    note(
        "give a token with --header-env Authorization=VARIABLE; a login in the browser is not possible here",
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_on_several_lines_becomes_one_and_a_broken_one_stays_broken() {
        let pretty = b"{\n  \"a\": \"x y\",\r\n  \"b\": [1,\n2]\n}\n";
        let line = one_line(pretty, true);
        assert_eq!(line, b"{   \"a\": \"x y\",    \"b\": [1, 2] }\n");
        assert!(json::parse(&line, &limits()).is_ok());
        let broken = b"{\"a\": \"x\ny\"}";
        assert!(json::parse(broken, &limits()).is_err());
        assert!(json::parse(&one_line(broken, false), &limits()).is_err());
        let compact = br#"{"jsonrpc": "2.0" ,"id":1}"#;
        assert_eq!(one_line(compact, true).trim_ascii(), compact);
    }

    #[test]
    fn only_errors_that_old_servers_cannot_know_keep_us_from_trying_the_old_transport() {
        let error = |code: i32| {
            format!(r#"{{"jsonrpc":"2.0","id":null,"error":{{"code":{code},"message":"m"}}}}"#)
        };
        for modern in [-32601, -32602, -32020, -32022] {
            assert!(is_modern_error(error(modern).as_bytes()), "{modern}");
        }
        for other in [-32000, -32603, 0] {
            assert!(!is_modern_error(error(other).as_bytes()), "{other}");
        }
        assert!(!is_modern_error(b"<html>"));
    }
}
