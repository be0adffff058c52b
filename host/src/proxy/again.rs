//! When the daemon is gone: another is found, told our tickets, and asked again about every frame.
//!
//! What no daemon rules on is given up here, with an error to whoever waits for it.

use super::contact;
use super::refuse;
use super::relay::{Outlets, Relay, message};
use crate::mcp::salvage::salvage;
use crate::wire::{self, Side};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// How long frames wait for a daemon to come back before they are answered with an error.
const RECONNECT_PATIENCE: Duration = Duration::from_secs(30);

/// How many daemons or connections in a row may end without one ruling while frames are held. Chosen:
/// far more than anybody restarts a daemon while a message waits.
const MAX_IN_VAIN: u32 = 8;

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);

impl Relay {
    /// A connection ended after `in_vain` others that brought no ruling; how many there are now.
    /// When a frame itself is what ends them, asking again would go on for ever: it is given up, and
    /// with it all that are held, because none of them says that it is the one.
    pub(super) fn weary(&self, in_vain: u32, outlets: &Outlets) -> u32 {
        if self.lock().pending.is_empty() {
            return 0;
        }
        if in_vain >= MAX_IN_VAIN {
            self.give_up_held(outlets);
            return 0;
        }
        if in_vain > 0 {
            std::thread::sleep(PAUSE);
        }
        in_vain + 1
    }

    /// Finds or starts a daemon, hands it our tickets and asks again about every held frame.
    pub(super) fn reconnect(self: &Arc<Self>, outlets: &Outlets) -> Option<UnixStream> {
        let since = Instant::now();
        loop {
            let tickets = wire::fitting(&self.lock().tickets);
            if let Ok((stream, _)) =
                contact::greet(&self.home, &self.greeting, self.standing, tickets)
                && let Ok(reading) = stream.try_clone()
            {
                // Elsewhere, because the daemon rules while it reads: were its rulings not read
                // meanwhile, both would wait for room in the socket.
                let relay = Arc::clone(self);
                let daemon = self.daemons.fetch_add(1, Ordering::SeqCst) + 1;
                std::thread::spawn(move || relay.ask_again(stream, daemon));
                return Some(reading);
            }
            if self.lock().over {
                return None;
            }
            if since.elapsed() > RECONNECT_PATIENCE {
                self.give_up_held(outlets);
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Sends every held frame to a new daemon, and leaves the socket to those who ask next. A
    /// socket that breaks on the way is given up; whoever reads its rulings sees that too.
    fn ask_again(&self, mut stream: UnixStream, daemon: u64) {
        let mut socket = self
            .to_daemon
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if self.daemons.load(Ordering::SeqCst) != daemon {
            return;
        }
        let again = self.lock().pending.clone();
        let mut held = again.iter();
        if held
            .all(|(seq, held)| wire::write_message(&mut stream, &message(*seq, held, true)).is_ok())
        {
            *socket = Some(stream);
        } else {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// No verdict can be had: every held request is answered with an error, nothing is forwarded.
    fn give_up_held(&self, outlets: &Outlets) {
        let pending = std::mem::take(&mut self.lock().pending);
        for (_, held) in pending {
            for (side, line) in refuse::all_unavailable(held.from, held.said()) {
                // Answered, so nobody waits for it any more.
                if let Some(id) = salvage(&line).id {
                    self.lock().tickets.remove(&wire::open_ticket(side, &id));
                }
                match side {
                    Side::Client => outlets.client.send(line.into(), |_| {}),
                    Side::Server => outlets.server.send(line.into(), |_| {}),
                }
            }
            self.release(held.from, held.bytes.len());
        }
        // An end may have waited for these.
        self.changed.notify_all();
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::contact::{Greeting, Standing, greet};
    use super::super::outlet::Outlet;
    use super::super::relay::Held;
    use super::*;
    use crate::config::Home;
    use crate::event::Launch;
    use crate::wire::{Forward, FromDaemon, Ruling, ToDaemon, Welcome};
    use std::io::{BufRead, BufReader};
    use std::os::unix::net::UnixListener;
    use std::path::Path;

    /// What a daemon of ours does with a frame.
    #[derive(Clone, Copy)]
    pub enum Daemon {
        /// Forwards nothing.
        Rules,
        /// Ends the connection, as one does whose ruling can't be sent.
        Ends,
    }

    impl Daemon {
        fn serve(self, mut stream: UnixStream) {
            while let Ok(message) = wire::read_message(&mut stream) {
                let answer = match (message, self) {
                    (ToDaemon::Hello(_), _) => FromDaemon::Welcome(welcome()),
                    (ToDaemon::Frame { seq, .. } | ToDaemon::Ended { seq, .. }, Self::Rules) => {
                        FromDaemon::Ruling(Ruling {
                            seq,
                            forward: Forward::Nothing,
                            reply: None,
                            keep: Vec::new(),
                            discard: Vec::new(),
                        })
                    }
                    _ => return,
                };
                wire::write_message(&mut stream, &answer).unwrap();
            }
        }
    }

    fn welcome() -> Welcome {
        Welcome {
            protocol: wire::PROTOCOL,
            version: String::new(),
            launch: true,
            max_frame_bytes: 1 << 20,
        }
    }

    /// A relay that was greeted by such a daemon.
    pub fn relay(folder: &Path, daemon: Daemon) -> Arc<Relay> {
        let home = Home::at(folder.join("c"), folder);
        std::fs::create_dir_all(home.run_dir()).unwrap();
        let listener = UnixListener::bind(home.socket().unwrap()).unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                daemon.serve(stream.unwrap());
            }
        });
        let greeting = Greeting {
            link: "l".into(),
            server: "s".into(),
            launch: Launch::default(),
            parent: contact::parent(),
            program: "/nowhere".into(),
        };
        let (stream, welcome) = greet(&home, &greeting, Standing::New, Vec::new()).unwrap();
        Arc::new(Relay::new(home, greeting, stream, &welcome))
    }

    /// Lets it obey its daemon.
    pub fn follow(relay: &Arc<Relay>, outlets: &Arc<Outlets>) {
        let rulings = relay.reading_half();
        let (relay, outlets) = (Arc::clone(relay), Arc::clone(outlets));
        std::thread::spawn(move || relay.follow(rulings, &outlets));
    }

    #[test]
    fn a_frame_that_ends_every_connection_is_given_up_and_answered() {
        let folder = tempfile::tempdir().unwrap();
        let relay = relay(folder.path(), Daemon::Ends);
        let (reader, writer) = std::io::pipe().unwrap();
        let outlets = Arc::new(Outlets {
            client: Outlet::start(writer, || {}),
            server: Outlet::nowhere(),
        });
        for id in [7, 8] {
            let call = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
            relay.ask(Held::frame(Side::Client, call.as_bytes()));
        }
        follow(&relay, &outlets);
        let mut lines = BufReader::new(reader).lines();
        for id in [7, 8] {
            let line = lines.next().unwrap().unwrap();
            assert!(line.contains(&format!(r#""id":{id},"error""#)), "{line}");
        }
        assert!(relay.lock().pending.is_empty());
    }
}
