//! A line that shows how far a download of this process is: bytes, rate, time left.

use super::terminal::Terminal;
use crate::download::Progress;
use std::io::{IsTerminal, Write};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Chosen: smooth for an eye.
const EVERY: Duration = Duration::from_millis(200);
const WIDTH: usize = 24;

/// Waits for `work`, with the line on a terminal that a person looks at.
///
/// # Errors
/// When the system has no file descriptors left to begin with.
pub fn show<R>(
    terminal: &Terminal,
    progress: &Progress,
    work: impl Future<Output = R>,
) -> std::io::Result<R> {
    let wanted = ["NO_PROGRESS", "CI"]
        .iter()
        .all(|name| std::env::var_os(name).is_none_or(|value| value.is_empty()));
    let seen = wanted && !terminal.json && !terminal.quiet() && std::io::stderr().is_terminal();
    let watched = async {
        tokio::pin!(work);
        let mut pace = Pace::new(progress);
        let mut shown = false;
        loop {
            tokio::select! {
                result = &mut work => {
                    if shown {
                        let _ = write!(std::io::stderr(), "\r\u{1b}[K");
                    }
                    return result;
                }
                () = tokio::time::sleep(EVERY) => {
                    if seen && let Some(line) = pace.line(progress) {
                        shown = true;
                        let _ = write!(std::io::stderr(), "\r{line}\u{1b}[K");
                    }
                }
            }
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(watched))
}

/// How fast it has been lately.
struct Pace {
    at: Instant,
    done: u64,
    /// Bytes in a second; recent ones count more.
    rate: Option<f64>,
}

impl Pace {
    fn new(progress: &Progress) -> Self {
        Self {
            at: Instant::now(),
            done: progress.done.load(Ordering::Relaxed),
            rate: None,
        }
    }

    /// `None` while nothing is to be fetched.
    fn line(&mut self, progress: &Progress) -> Option<String> {
        let done = progress.done.load(Ordering::Relaxed);
        let total = progress.total.load(Ordering::Relaxed);
        let seconds = self.at.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "for an eye")]
        let now = done.saturating_sub(self.done) as f64 / seconds.max(0.001);
        // What is there from an earlier attempt was not fetched just now.
        let rate = match self.rate {
            None if done > 0 => 0.0,
            None => now,
            Some(before) => before * 0.9 + now * 0.1,
        };
        (self.at, self.done, self.rate) = (Instant::now(), done, Some(rate));
        (total > 0).then(|| line(done.min(total), total, rate))
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "for an eye"
)]
fn line(done: u64, total: u64, rate: f64) -> String {
    let part = done as f64 / total.max(1) as f64;
    let full = ((part * WIDTH as f64) as usize).min(WIDTH);
    let left = if rate < 1.0 {
        String::new()
    } else {
        format!(
            ", {}/s, {} left",
            size(rate as u64),
            time(((total - done) as f64 / rate) as u64)
        )
    };
    format!(
        "[{}{}] {:3} %  {} of {}{left}",
        "=".repeat(full),
        " ".repeat(WIDTH - full),
        (part * 100.0) as u64,
        size(done),
        size(total),
    )
}

/// `12.3 MiB`.
pub fn size(bytes: u64) -> String {
    let mut unit = "B";
    #[expect(clippy::cast_precision_loss, reason = "for an eye")]
    let mut number = bytes as f64;
    for next in ["KiB", "MiB", "GiB"] {
        if number < 1024.0 {
            break;
        }
        (number, unit) = (number / 1024.0, next);
    }
    if unit == "B" {
        format!("{bytes} B")
    } else {
        format!("{number:.1} {unit}")
    }
}

fn time(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_much_how_fast_and_how_long() {
        assert_eq!(
            line(50 << 20, 100 << 20, f64::from(1 << 20)),
            format!(
                "[{}{}]  50 %  50.0 MiB of 100.0 MiB, 1.0 MiB/s, 50 s left",
                "=".repeat(12),
                " ".repeat(12)
            )
        );
        assert!(line(0, 7, 0.0).ends_with("  0 %  0 B of 7 B"));
        assert!(line(7, 7, 7.0).ends_with("100 %  7 B of 7 B, 7 B/s, 0 s left"));
    }

    #[test]
    fn sizes_and_times_read_as_people_say_them() {
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(5 << 40), "5120.0 GiB");
        assert_eq!(time(59), "59 s");
        assert_eq!(time(61), "1 min 01 s");
        assert_eq!(time(7260), "2 h 01 min");
    }

    #[test]
    fn what_an_earlier_attempt_left_is_not_counted_as_fast() {
        let progress = Progress::default();
        let mut pace = Pace::new(&progress);
        assert_eq!(pace.line(&progress), None);
        progress.total.store(100 << 30, Ordering::Relaxed);
        let mut pace = Pace::new(&Progress::default());
        progress.done.store(50 << 30, Ordering::Relaxed);
        assert!(!pace.line(&progress).unwrap().contains("/s"));
    }
}
