//! Who is at the other end of a connection: the process, as far as the system says.

use crate::judge;
use crate::link::Client;
use crate::loopback::process;
use std::net::SocketAddr;
use tokio::sync::OnceCell;

/// One connection's client. Looked up once, when its first request comes.
pub struct Caller {
    peer: SocketAddr,
    bound: SocketAddr,
    known: OnceCell<(Client, Option<i32>)>,
}

impl Caller {
    pub fn new(peer: SocketAddr, bound: SocketAddr) -> Self {
        Self {
            peer,
            bound,
            known: OnceCell::new(),
        }
    }

    /// The client, and its process, which must not answer questions about its own calls.
    ///
    /// All clients whose process can't be told share one history: what one of them read is
    /// remembered when another one sends, which is the stricter reading.
    pub async fn client(&self) -> &(Client, Option<i32>) {
        let (peer, bound) = (self.peer, self.bound);
        self.known
            .get_or_init(|| async move {
                // The kernel's tables are files: reading them blocks.
                let found =
                    tokio::task::spawn_blocking(move || process::process(peer, bound)).await;
                let pid = found.ok().and_then(Result::ok).flatten();
                match pid.and_then(|pid| Some((judge::client_process(pid)?, pid))) {
                    Some((client, pid)) => (client, i32::try_from(pid).ok()),
                    None => {
                        let client = Client {
                            label: "http".into(),
                            key: "http".into(),
                        };
                        (client, None)
                    }
                }
            })
            .await
    }
}
