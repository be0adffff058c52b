//! Connections: how many, how slow, each with its caller. What a request means is `exchange`'s
//! business.

use super::Gateway;
use super::caller::Caller;
use super::exchange;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// Chosen: each agent keeps a few, and open streams count too. Beyond it the system's backlog
/// holds a connection until another one ends.
const MAX_CONNECTIONS: usize = 1024;

/// Chosen: longer than the pause after which clients' pools drop a connection themselves.
const HEADER_TIME: Duration = Duration::from_secs(75);

/// Largest head of a request: tokens and cookies can be long.
const MAX_HEAD_BYTES: usize = 64 << 10;
const MAX_HEADERS: usize = 128;

pub async fn serve(listener: TcpListener, gateway: Arc<Gateway>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let gateway = Arc::clone(&gateway);
                tokio::spawn(async move {
                    connection(stream, peer, gateway).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "MCP over HTTP could not take a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, peer: std::net::SocketAddr, gateway: Arc<Gateway>) {
    let _ = stream.set_nodelay(true);
    let caller = Arc::new(Caller::new(peer, gateway.bound));
    let service = service_fn(move |request| {
        let (gateway, caller) = (Arc::clone(&gateway), Arc::clone(&caller));
        async move { Ok::<_, Infallible>(exchange::answer(gateway, &caller, request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection of MCP over HTTP ended early");
    }
}
