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

/// Between SIGTERM and SIGKILL, however late the first one was.
const TERM_PATIENCE: Duration = Duration::from_millis(1000);

/// How long the output of a server that exited is waited for: once the client is gone too, and when
/// it did not end well while a process of its keeps the pipe open.
const LEFTOVER_PATIENCE: Duration = Duration::from_secs(2);

/// How long we go on after a SIGTERM and the server's end: for what it wrote to be ruled on, and then
/// for the client to read it. Chosen: with the server's own second it is less than the least that a
/// service manager gives.
const LAST_PATIENCE: Duration = Duration::from_millis(1000);

/// Between two looks at what nobody tells us.
const LOOK: Duration = Duration::from_millis(50);
const RARE_LOOK: Duration = Duration::from_millis(500);

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
    pub(super) fn supervise(self: &Arc<Self>, outlets: &Outlets, group: Option<Group>) -> ExitCode {
        let mut countdown = Countdown::default();
        let mut silence = Silence::default();
        let mut forsaken = false;
        let mut last = None;
        loop {
            let mut state = self.lock();
            let now = Instant::now();
            let served =
                |state: &State, side| !state.pending.values().any(|held| held.from == side);
            if (state.client.ended && served(&state, Side::Client)) || state.client.deaf {
                countdown.client_over.get_or_insert(now);
            }
            let client_over = countdown.client_over.is_some();
            let server_over = match group {
                Some(_) => state.server.ended && served(&state, Side::Server),
                None => client_over,
            };
            // What a server wrote before it exited is still read, ruled on and passed on. Only a
            // process of its that keeps the pipe open can make this wait for nothing.
            let late = state
                .exit
                .is_some_and(|(_, at)| now.duration_since(at) >= LEFTOVER_PATIENCE);
            let abandoned = client_over && late && {
                // What was read by then is ruled on, however long that takes.
                let last = *last.get_or_insert(state.next_seq);
                let mut read = state.pending.range(..last).map(|(_, held)| held.from);
                state.client.deaf || !read.any(|from| from == Side::Server)
            };
            let cut_short = state.terminating.zip(state.exit);
            let cut_short = cut_short
                .is_some_and(|(at, (_, exit))| now.duration_since(at.max(exit)) >= LAST_PATIENCE);
            if server_over || abandoned || cut_short {
                break;
            }
            if client_over {
                outlets.server.end();
            }
            // A launcher that ended well may have left the server behind, and that may be silent for
            // as long as nobody asks it. What is left of one that died, or reads no more, is none.
            let died = state
                .exit
                .filter(|(status, _)| !status.success() || state.server.deaf);
            let idle = died.filter(|_| state.server.frames == 0);
            let silent = silence.lasts(idle.map(|_| state.server.heard), now);
            if silent >= LEFTOVER_PATIENCE && !forsaken && !client_over {
                forsaken = true;
                self.say_gone();
            }
            let awaited = state.tickets.keys().any(|ticket| wire::is_awaited(ticket));
            let push = countdown.push(now, state.terminating, awaited && !state.client.deaf);
            if let Some(group) = group {
                match push {
                    Some(Push::Kill) => group.signal(Signal::KILL),
                    Some(Push::Term) => group.signal(Signal::TERM),
                    None => {}
                }
            }
            // Only while an end is near does the clock matter.
            let look = if countdown.unneeded.is_some() || state.terminating.is_some() {
                Some(LOOK)
            } else {
                (client_over || state.exit.is_some()).then_some(RARE_LOOK)
            };
            state = match look {
                Some(look) => {
                    self.changed
                        .wait_timeout(state, look)
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
        let since = Instant::now();
        while !outlets.client.drained(RARE_LOOK) {
            let terminating = self.lock().terminating;
            // Who is told to end does not wait for a client that does not read.
            if terminating.is_some_and(|at| at.max(since).elapsed() >= LAST_PATIENCE) {
                break;
            }
        }
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

/// What a server hears that does not end on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Push {
    Term,
    Kill,
}

/// Counts down to a server's end.
#[derive(Default)]
struct Countdown {
    /// Since when its client is gone: closed, or deaf.
    client_over: Option<Instant>,
    /// Since when nobody waits for its answers either.
    unneeded: Option<Instant>,
    termed: Option<Instant>,
}

impl Countdown {
    /// What is due at `now`. `terminating`: since when it has a SIGTERM that was sent to us.
    /// `awaited`: whether a client that closed still waits for an answer.
    fn push(&mut self, now: Instant, terminating: Option<Instant>, awaited: bool) -> Option<Push> {
        if let Some(since) = self.client_over {
            let most = since + ANSWER_PATIENCE;
            if !awaited || now >= most {
                // Its last answer may come late: from then on it has the same time to end as a
                // server that owed none.
                self.unneeded.get_or_insert(now.min(most));
            }
        }
        if let Some(since) = terminating {
            return (now.duration_since(since) >= TERM_PATIENCE).then_some(Push::Kill);
        }
        let late = now.duration_since(self.unneeded?);
        match self.termed {
            // A second one could cut short how the server ends after the first.
            None if late >= TERM_AFTER => {
                self.termed = Some(now);
                Some(Push::Term)
            }
            Some(at) if late >= KILL_AFTER && now.duration_since(at) >= TERM_PATIENCE => {
                Some(Push::Kill)
            }
            _ => None,
        }
    }
}

/// For how long a pipe was silent, with nothing of it under way.
#[derive(Default)]
struct Silence(Option<(u64, Instant)>);

impl Silence {
    /// `heard`: how often it was heard by `now`, while nothing of it is under way.
    fn lasts(&mut self, heard: Option<u64>, now: Instant) -> Duration {
        match (self.0, heard) {
            (Some((before, since)), Some(heard)) if before == heard => now.duration_since(since),
            (_, heard) => {
                self.0 = heard.map(|heard| (heard, now));
                Duration::ZERO
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::again::tests::{Daemon, follow, relay};
    use super::super::child::Child;
    use super::super::outlet::Outlet;
    use super::*;
    use std::ffi::OsString;
    use std::path::Path;
    use std::sync::mpsc::channel;

    /// Looks every 50 ms for as long as is said, and tells what was due, and when, in milliseconds.
    #[track_caller]
    fn check(seconds: u64, at: impl Fn(u64) -> (Option<u64>, bool), due: &[(u64, Push)]) {
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let mut countdown = Countdown::default();
        let mut pushed: Vec<(u64, Push)> = Vec::new();
        for ms in (0..seconds * 1000).step_by(50) {
            if ms == 1000 {
                countdown.client_over = Some(after(ms));
            }
            let (terminating, awaited) = at(ms);
            let push = countdown.push(after(ms), terminating.map(after), awaited);
            // Once killed it is killed at every look.
            if let Some(push) = push
                && pushed.last().is_none_or(|(_, last)| *last != push)
            {
                pushed.push((ms, push));
            }
        }
        assert_eq!(pushed, due);
    }

    #[test]
    fn a_server_that_owes_nothing_is_ended_before_its_client_kills_us() {
        let due = [(2500, Push::Term), (3500, Push::Kill)];
        check(10, |_| (None, false), &due);
    }

    #[test]
    fn a_server_that_gave_its_last_answer_late_still_has_its_time_to_end() {
        let due = [(6500, Push::Term), (7500, Push::Kill)];
        check(20, |ms| (None, ms < 5000), &due);
        // Nor does the last moment of patience cut it.
        let due = [(62_350, Push::Term), (63_350, Push::Kill)];
        check(80, |ms| (None, ms < 60_850), &due);
    }

    #[test]
    fn an_answer_that_does_not_come_is_not_waited_for_without_end() {
        let due = [(62_500, Push::Term), (63_500, Push::Kill)];
        check(80, |_| (None, true), &due);
        // One that comes after that changes nothing.
        check(80, |ms| (None, ms < 62_000), &due);
    }

    #[test]
    fn a_late_look_kills_nobody_who_was_not_told_to_end() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut countdown = Countdown {
            client_over: Some(start),
            ..Countdown::default()
        };
        assert_eq!(countdown.push(start, None, false), None);
        assert_eq!(countdown.push(after(30), None, false), Some(Push::Term));
        assert_eq!(countdown.push(after(30), None, false), None);
        assert_eq!(countdown.push(after(31), None, false), Some(Push::Kill));
    }

    #[test]
    fn a_server_that_was_terminated_with_us_is_killed_a_second_later() {
        check(
            10,
            |ms| ((ms >= 3000).then_some(3000), ms < 9000),
            &[(4000, Push::Kill)],
        );
    }

    #[test]
    fn silence_counts_while_nothing_is_heard_and_nothing_is_under_way() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut silence = Silence::default();
        for (second, heard, lasted) in [
            (0, None, 0),
            (5, Some(3), 0),
            (6, Some(3), 1),
            (9, Some(3), 4),
            (10, Some(4), 0),
            (12, Some(4), 2),
            (13, None, 0),
            (14, Some(4), 0),
            (16, Some(4), 2),
        ] {
            let lasts = silence.lasts(heard, after(second));
            assert_eq!(lasts, Duration::from_secs(lasted), "at {second} s");
        }
    }

    /// A relay whose server ended as `script` says, while something keeps its pipe open.
    fn ended(folder: &Path, script: &str) -> (Arc<Relay>, Group) {
        let relay = relay(folder, Daemon::Rules);
        let command = ["sh", "-c", script].map(OsString::from);
        let mut child = Child::spawn(&command, &[]).unwrap();
        let status = child.wait().unwrap();
        relay.note(|state| state.exit = Some((status, Instant::now())));
        (relay, child.group())
    }

    fn outlets(client: Outlet) -> Arc<Outlets> {
        Arc::new(Outlets {
            client,
            server: Outlet::nowhere(),
        })
    }

    #[test]
    fn a_server_that_died_is_gone_though_a_helper_of_its_keeps_the_pipe() {
        let folder = tempfile::tempdir().unwrap();
        let (relay, group) = ended(folder.path(), "exit 7");
        let outlets = outlets(Outlet::nowhere());
        follow(&relay, &outlets);
        let code = relay.supervise(&outlets, Some(group));
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::from(7)));
        let state = relay.lock();
        // The daemon was told, and has answered whoever waited.
        assert_eq!((state.next_seq, state.pending.len()), (1, 0));
    }

    #[test]
    fn a_launcher_that_ended_well_may_have_left_the_server_behind() {
        let folder = tempfile::tempdir().unwrap();
        let (relay, group) = ended(folder.path(), "exit 0");
        let outlets = outlets(Outlet::nowhere());
        follow(&relay, &outlets);
        let (over, ended) = channel();
        let watched = Arc::clone(&relay);
        std::thread::spawn(move || {
            watched.supervise(&outlets, Some(group));
            over.send(()).unwrap();
        });
        let early = ended.recv_timeout(LEFTOVER_PATIENCE + 3 * RARE_LOOK);
        assert!(early.is_err(), "it goes on");
        assert_eq!(relay.lock().next_seq, 0);
        relay.note(|state| state.server.ended = true);
        ended.recv_timeout(Duration::from_secs(20)).unwrap();
    }

    #[test]
    fn who_is_told_to_end_waits_neither_for_a_client_that_does_not_read_nor_for_the_pipe() {
        let folder = tempfile::tempdir().unwrap();
        let (relay, group) = ended(folder.path(), "exit 0");
        let (_reader, writer) = std::io::pipe().unwrap();
        let client = Outlet::start(writer, || {});
        client.send(vec![b'x'; 4 << 20].into(), |_| {});
        relay.note(|state| state.terminating = Some(Instant::now()));
        let began = Instant::now();
        relay.supervise(&outlets(client), Some(group));
        let took = began.elapsed();
        assert!(
            took >= LAST_PATIENCE && took < Duration::from_secs(20),
            "{took:?}"
        );
    }
}
