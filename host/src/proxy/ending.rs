//! The end of a relay: closes, then terminates, then kills, and takes the server's exit code.

use super::child::{self, Group};
use super::relay::{Outlets, Relay, State};
use crate::wire::{self, Side};
use rustix::process::Signal;
use std::process::ExitCode;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// After the client closed its side. Clients kill at 2 s and 4 s (TypeScript SDK), so the server
/// must have been ended by us before.
const TERM_AFTER: Duration = Duration::from_millis(1500);
const KILL_AFTER: Duration = Duration::from_millis(2500);

/// How long the output of a server that exited is waited for, once the client is gone too.
const LEFTOVER_PATIENCE: Duration = Duration::from_secs(2);

/// How long a client that closed its side may still be answered on requests already sent.
const ANSWER_PATIENCE: Duration = Duration::from_secs(60);

impl Relay {
    pub(super) fn pass_signals(self: &Arc<Self>, group: Group) {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM]) else {
            return;
        };
        let relay = Arc::clone(self);
        std::thread::spawn(move || {
            for signal in signals.forever() {
                group.signal(match signal {
                    SIGHUP => Signal::HUP,
                    SIGINT => Signal::INT,
                    _ => Signal::TERM,
                });
                // What a server makes of the other two is its own affair, as it is without us.
                if signal == SIGTERM {
                    relay.note(|state| {
                        state.terminating.get_or_insert(Instant::now());
                    });
                }
            }
        });
    }

    /// Waits for the end and brings it about: closes, then terminates, then kills.
    pub(super) fn supervise(&self, outlets: &Outlets, group: Option<Group>) -> ExitCode {
        let mut client_over: Option<Instant> = None;
        let mut termed = false;
        let mut last = None;
        loop {
            let mut state = self.lock();
            let served =
                |state: &State, side| !state.pending.values().any(|held| held.from == side);
            if (state.client.ended && served(&state, Side::Client)) || state.client.deaf {
                client_over.get_or_insert_with(Instant::now);
            }
            let server_over = match group {
                Some(_) => state.server.ended && served(&state, Side::Server),
                None => client_over.is_some(),
            };
            // What a server wrote before it exited is still read, ruled on and passed on. Only a
            // process of its that keeps the pipe open can make this wait for nothing.
            let late = state
                .exit
                .is_some_and(|(_, at)| at.elapsed() >= LEFTOVER_PATIENCE);
            let abandoned = client_over.is_some() && late && {
                // What was read by then is ruled on, however long that takes.
                let last = *last.get_or_insert(state.next_seq);
                let mut read = state.pending.range(..last).map(|(_, held)| held.from);
                state.client.deaf || !read.any(|from| from == Side::Server)
            };
            if server_over || abandoned {
                break;
            }
            if client_over.is_some() {
                outlets.server.end();
            }
            let awaited = state.tickets.keys().any(|ticket| wire::is_awaited(ticket));
            let waiting_for_answers = awaited && !state.client.deaf;
            let patience = if waiting_for_answers {
                ANSWER_PATIENCE
            } else {
                Duration::ZERO
            };
            let overdue = match (state.terminating, client_over) {
                (Some(since), _) => Some(since.elapsed() + TERM_AFTER),
                (None, Some(since)) => since.elapsed().checked_sub(patience),
                (None, None) => None,
            };
            if let (Some(late), Some(group)) = (overdue, group) {
                if late >= KILL_AFTER {
                    group.signal(Signal::KILL);
                } else if late >= TERM_AFTER && !termed {
                    termed = true;
                    // A second one could cut short how the server ends after the first.
                    if state.terminating.is_none() {
                        group.signal(Signal::TERM);
                    }
                }
            }
            state = match overdue {
                // Only while an end is near does the clock matter.
                Some(_) => {
                    self.changed
                        .wait_timeout(state, Duration::from_millis(50))
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
                None if client_over.is_some() => {
                    self.changed
                        .wait_timeout(state, Duration::from_millis(500))
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
                None => self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
            };
            drop(state);
        }
        outlets.client.drained();
        outlets.server.end();
        self.lock().over = true;
        self.finish(group)
    }

    /// Ends what is left of the server and takes its exit code.
    fn finish(&self, group: Option<Group>) -> ExitCode {
        let Some(group) = group else {
            return ExitCode::from(3);
        };
        let since = Instant::now();
        let mut state = self.lock();
        while state.exit.is_none() {
            if since.elapsed() >= KILL_AFTER {
                group.signal(Signal::KILL);
            } else if since.elapsed() >= TERM_AFTER {
                group.signal(Signal::TERM);
            }
            state = self
                .changed
                .wait_timeout(state, Duration::from_millis(50))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        // What the launcher started must not stay behind when the launcher is gone.
        group.signal(Signal::KILL);
        state.exit.map_or(ExitCode::FAILURE, |(status, _)| {
            ExitCode::from(child::code(status))
        })
    }
}
