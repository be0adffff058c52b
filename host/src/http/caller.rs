//! Who is at the other end of a connection: the process, as far as the system says.

use crate::judge;
use crate::link::Client;
use crate::loopback::process;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use tokio::sync::OnceCell;

/// Processes that connected lately: the next connection is most likely one of theirs.
#[derive(Default)]
pub struct Recent(Mutex<Vec<u32>>);

/// Chosen: more agents than anyone runs at once, few enough to try in turn.
const MAX_RECENT: usize = 8;

impl Recent {
    fn all(&self) -> Vec<u32> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    fn note(&self, pid: u32) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|other| *other != pid);
        known.insert(0, pid);
        known.truncate(MAX_RECENT);
    }
}

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
    pub async fn client(&self, recent: &Recent) -> &(Client, Option<i32>) {
        let (peer, bound) = (self.peer, self.bound);
        self.known
            .get_or_init(|| async move {
                // The kernel's tables are files: reading them blocks.
                let likely = recent.all();
                let look = move || process::process(peer, bound, &likely);
                let found = tokio::task::spawn_blocking(look).await;
                let pid = found.ok().and_then(Result::ok).flatten();
                match pid.and_then(|pid| Some((judge::client_process(pid)?, pid))) {
                    Some((client, pid)) => {
                        recent.note(pid);
                        (client, i32::try_from(pid).ok())
                    }
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
