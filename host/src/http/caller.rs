//! Who is at the other end of a connection: the process, as far as the system says.

use crate::judge::{self, Judge};
use crate::link::Client;
use crate::loopback::process::{self, Untraced};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OnceCell;

/// Processes that called. None of them may answer questions, as long as it lives.
pub struct Callers {
    judge: Arc<Judge>,
    /// Each with what tells it from a later process of the same number.
    known: Mutex<HashMap<u32, Client>>,
}

impl Callers {
    pub fn new(judge: Arc<Judge>) -> Self {
        Self {
            judge,
            known: Mutex::default(),
        }
    }

    /// Lets go of processes that are gone.
    pub fn sweep(&self) {
        let mut known = self.lock();
        known.retain(|pid, client| {
            judge::client_process(*pid).is_some_and(|(now, _)| now.key == client.key)
        });
    }

    /// The process behind a connection. Blocks: the kernel's tables are files.
    fn find(&self, peer: SocketAddr, bound: SocketAddr) -> Result<Option<Client>, Untraced> {
        // The next connection is most likely from one that connected before.
        let likely: Vec<u32> = self.lock().keys().copied().collect();
        let Some(pid) = process::process(peer, bound, &likely)? else {
            return Ok(None);
        };
        let (client, barred) = judge::client_process(pid).ok_or(Untraced)?;
        self.judge.bar(&barred);
        self.lock().insert(pid, client.clone());
        Ok(Some(client))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u32, Client>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection's client. Looked up once, when its first request comes.
pub struct Caller {
    peer: SocketAddr,
    bound: SocketAddr,
    known: OnceCell<Result<Client, Untraced>>,
}

impl Caller {
    pub fn new(peer: SocketAddr, bound: SocketAddr) -> Self {
        Self {
            peer,
            bound,
            known: OnceCell::new(),
        }
    }

    /// The client.
    ///
    /// Where the system can't tell processes apart all clients share one history: what one of them
    /// read is remembered when another one sends, which is the stricter reading.
    ///
    /// # Errors
    /// [`Untraced`]: the system can tell, and no process of this user, or more than one, is there.
    pub async fn client(&self, callers: &Arc<Callers>) -> Result<&Client, Untraced> {
        let (peer, bound) = (self.peer, self.bound);
        let known = self.known.get_or_init(|| async move {
            let callers = Arc::clone(callers);
            let look = move || callers.find(peer, bound);
            let found = tokio::task::spawn_blocking(look)
                .await
                .map_err(|_| Untraced)??;
            Ok(found.unwrap_or_else(|| Client {
                label: "http".into(),
                key: "http".into(),
            }))
        });
        known.await.as_ref().map_err(|Untraced| Untraced)
    }
    /// Whether one that is not traced is this user's all the same: its process can't be looked into.
    pub async fn is_closed(&self) -> bool {
        let (peer, bound) = (self.peer, self.bound);
        let look = move || process::is_closed(peer, bound);
        tokio::task::spawn_blocking(look).await.unwrap_or(false)
    }
}
