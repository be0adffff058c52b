//! The bridge: an MCP server over HTTP, spoken to as if it were a program with standard input and
//! output. `proxy --url` starts it as the server's process.
//!
//! No policy lives here: the relay above has ruled on every message that comes in and will rule on
//! every one that goes out. What this has to do itself is what the HTTP transports ask of a client:
//! sessions, streams and their resumption, headers that repeat the body.
//!
//! The order of messages: they are sent in the order in which they were read. A notification, an
//! answer and a message of the old transport is sent only once the one before was accepted, and
//! nothing follows `initialize` before it is answered. Requests overlap, each in an exchange of its
//! own, and may overtake each other there as they may for any client over HTTP. What a server says
//! in one stream keeps its order.
//!
//! No request is left without an answer: when its exchange ends and nothing has answered it, it gets
//! an error. When the server has forgotten the session, every open request gets one and the bridge
//! ends, as a program would whose state is lost; the client then starts a new one.
//!
//! Source: MCP 2024-11-05 (HTTP with SSE), 2025-03-26 to 2025-11-25 and 2026-07-28 (Streamable HTTP).

mod exchange;
mod headers;
mod listen;
mod old;
mod open;
mod outgoing;
mod pipes;
mod schemas;
mod stream;
mod trouble;

use crate::mcp::json::Limits;
use crate::mcp::message::Id;
use crate::upstream::{Address, Dialer, UpstreamError};
use exchange::Exchange;
use headers::Conversation;
use hyper::header::HeaderMap;
use hyper::{Method, Uri};
use open::Open;
use outgoing::{Outgoing, Turn};
use pipes::Output;
use schemas::Schemas;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use trouble::Trouble;

/// What the bridge is to do.
pub struct Errand {
    pub address: Address,
    /// Sent with every request, such as `Authorization`.
    pub headers: HeaderMap,
    /// Believed instead of the web's certificate authorities.
    pub ca_file: Option<PathBuf>,
    pub transport: Transport,
}

/// Which of the two HTTP transports the server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Streamable HTTP, and the old one if the server refuses `initialize` as old servers do.
    Auto,
    Http,
    /// HTTP with SSE, of 2024-11-05.
    Sse,
}

#[derive(Debug, thiserror::Error)]
pub enum BridgeError {
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// The largest message that is read from a server. Source: the most that `max_frame_bytes` can be
/// set to; the relay above enforces what it is set to.
const MAX_BYTES: usize = 32 << 20;

/// How long a message may keep the ones after it waiting until the server accepts it. Chosen: far
/// more than a server needs, and a server that never does must not stop everything.
const ACCEPT_PATIENCE: Duration = Duration::from_secs(5);

/// How long saying goodbye to a server may take. Chosen: the relay kills one second after it asked
/// a server to end.
const GOODBYE_PATIENCE: Duration = Duration::from_millis(700);

/// Runs the bridge until its input ends or the server's session does.
///
/// # Errors
/// [`BridgeError`] before anything was read; afterwards failures are answered on the wire.
pub fn run(errand: Errand) -> Result<ExitCode, BridgeError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let code = runtime.block_on(serve(errand));
    // The thread that reads standard input may never come back.
    runtime.shutdown_background();
    code
}

async fn serve(errand: Errand) -> Result<ExitCode, BridgeError> {
    let (over, mut ended) = watch::channel(false);
    let (output, writer) = Output::start(over.clone())?;
    let bridge = Arc::new(Bridge {
        dialer: Dialer::new(errand.ca_file.as_deref())?,
        address: errand.address,
        headers: errand.headers,
        transport: errand.transport,
        output,
        over,
        opening: tokio::sync::Mutex::default(),
        state: Mutex::default(),
    });
    let mut lines = pipes::input()?;
    let mut terminated = signal(SignalKind::terminate())?;
    let code = tokio::select! {
        // That nothing can go on counts, also when the input ended at the same moment.
        biased;
        _ = ended.wait_for(|over| *over) => ExitCode::FAILURE,
        () = bridge.follow_input(&mut lines) => ExitCode::SUCCESS,
        _ = terminated.recv() => ExitCode::SUCCESS,
    };
    bridge.goodbye().await;
    bridge.output.end();
    // What was answered last is written before the process ends.
    let _ = tokio::task::spawn_blocking(move || writer.join()).await;
    Ok(code)
}

struct Bridge {
    dialer: Dialer,
    address: Address,
    headers: HeaderMap,
    transport: Transport,
    output: Output,
    /// Set once nothing can go on.
    over: watch::Sender<bool>,
    /// Held while the old transport is being opened, so that it is opened once.
    opening: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: Open,
    schemas: Schemas,
    conversation: Conversation,
    /// Where messages go in the old transport, once the server has said it.
    endpoint: Option<Uri>,
}

impl Bridge {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Delivers every line, then waits until everything is answered.
    async fn follow_input(self: &Arc<Self>, lines: &mut mpsc::Receiver<Vec<u8>>) {
        while let Some(line) = lines.recv().await {
            self.deliver(line).await;
        }
        let streams = self.lock().open.end_subscriptions();
        for stream in streams {
            stream.abort();
        }
        let settled = self.lock().open.settled();
        settled.await;
    }

    async fn deliver(self: &Arc<Self>, line: Vec<u8>) {
        let read = Outgoing::read(line, &self.lock().schemas);
        let outgoing = match read {
            Ok(outgoing) => outgoing,
            Err(answer) => {
                if let Some(answer) = answer {
                    self.output.send(answer).await;
                }
                return;
            }
        };
        if let Some(id) = &outgoing.cancels
            && !self.cancel(id)
        {
            return;
        }
        let turn = match self.transport {
            Transport::Sse => Turn::Accepted,
            _ if self.lock().endpoint.is_some() => Turn::Accepted,
            _ => outgoing.turn,
        };
        let asked = self.lock().open.add(&outgoing.asks);
        let (exchange, taken) = Exchange::new(Arc::clone(self), asked, outgoing.turn);
        let task = tokio::spawn(exchange.run(outgoing));
        self.lock().open.run_by(&task);
        match turn {
            Turn::Free => tokio::task::yield_now().await,
            Turn::Answered => {
                let answered = self.lock().open.settled();
                tokio::select! {
                    _ = taken => {}
                    () = answered => {}
                }
            }
            Turn::Accepted => {
                let _ = tokio::time::timeout(ACCEPT_PATIENCE, taken).await;
            }
        }
    }

    /// A client gave up a request. In the stateless era a closed stream says so; before it, the
    /// notification does. Whether it is to be forwarded.
    fn cancel(&self, id: &Id) -> bool {
        let mut state = self.lock();
        let stateless = state.conversation.revision.is_none();
        match state.open.cancel(id) {
            Some(open::Cancelled::Stream(task)) => {
                task.abort();
                false
            }
            Some(open::Cancelled::Told) => true,
            None => !stateless,
        }
    }

    /// Nothing more can come from the server: answers every open request and ends.
    async fn give_up(&self, trouble: Trouble) {
        let open = self.lock().open.take_all();
        for id in open {
            self.output.send(trouble.answer(&id)).await;
        }
        trouble::note(&trouble.to_string());
        self.over.send_replace(true);
    }

    /// Ends the session, so that the server need not keep it.
    async fn goodbye(&self) {
        let conversation = self.lock().conversation.clone();
        if conversation.session.is_none() || *self.over.borrow() {
            return;
        }
        let headers = conversation.headers();
        let request = self.request(
            Method::DELETE,
            self.address.uri.clone(),
            headers,
            Vec::new(),
        );
        if let Ok(request) = request {
            let _ = tokio::time::timeout(GOODBYE_PATIENCE, self.dialer.send(request)).await;
        }
    }
}

fn limits() -> Limits {
    Limits {
        max_bytes: MAX_BYTES,
        ..Limits::default()
    }
}
