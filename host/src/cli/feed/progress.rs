//! A line that shows how far a download is, while another connection waits for its end.

use super::super::client::{self, Missing};
use super::super::terminal::Terminal;
use crate::config::Home;
use crate::wire::Control;
use serde_json::Value;
use std::io::{IsTerminal, Write};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Chosen: smooth for an eye, nothing for the daemon.
const EVERY: Duration = Duration::from_millis(200);
const WIDTH: u64 = 30;

/// Runs `work`, with a line on a terminal that a person looks at.
pub(super) fn beside<R>(home: &Home, terminal: &Terminal, work: impl FnOnce() -> R) -> R {
    if terminal.json || terminal.quiet() || !std::io::stderr().is_terminal() {
        return work();
    }
    let (done, waiting) = channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut shown = false;
            while waiting.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                if let Ok(answer) = client::ask(home, Control::FeedProgress, Missing::Report)
                    && let Some(line) = line(&answer)
                {
                    let _ = write!(std::io::stderr(), "\r{line}\u{1b}[K");
                    shown = true;
                }
            }
            if shown {
                let _ = writeln!(std::io::stderr());
            }
        });
        let result = work();
        drop(done);
        result
    })
}

/// `None` while nothing is to be fetched.
fn line(progress: &Value) -> Option<String> {
    let number = |key: &str| progress.get(key)?.as_u64();
    let (done, total) = (number("done")?, number("total")?);
    if total == 0 {
        return None;
    }
    let done = done.min(total);
    let full = usize::try_from(done * WIDTH / total).ok()?;
    let rest = usize::try_from(WIDTH).ok()?.saturating_sub(full);
    Some(format!(
        "[{}{}] {:3} %  {} of {} KiB",
        "=".repeat(full),
        " ".repeat(rest),
        done * 100 / total,
        done >> 10,
        total >> 10
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_bar_is_as_long_as_what_is_done() {
        let shown = |done: u64| line(&json!({ "done": done, "total": 4096 })).unwrap();
        assert_eq!(
            shown(2048),
            format!("[{}{}]  50 %  2 of 4 KiB", "=".repeat(15), " ".repeat(15))
        );
        assert!(shown(9999).contains("100 %  4 of 4 KiB"));
        assert_eq!(line(&json!({ "done": 0, "total": 0 })), None);
    }
}
