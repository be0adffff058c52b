//! The client's end of the self-test: our shim as a child, lines over its pipes, every wait bounded.

use super::super::exit::{Exit, Failure};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// For one answer. Longer than a question waits for a person, which ends in an answer as well.
const PATIENCE: Duration = Duration::from_secs(75);

/// For the end of the shim after its input was closed.
const END_PATIENCE: Duration = Duration::from_secs(10);

pub struct Peer {
    shim: Child,
    input: Option<ChildStdin>,
    lines: Receiver<Vec<u8>>,
}

impl Peer {
    /// Starts the shim in the way that `wrap` writes into a client's configuration.
    pub fn start(diary: &Path) -> anyhow::Result<Self> {
        let exe = std::env::current_exe()?;
        let mut shim = Command::new(&exe)
            .args(["proxy", "--server", "selftest", "--"])
            .arg(&exe)
            .arg("selftest-server")
            .arg(diary)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let input = shim.stdin.take();
        let (sender, lines) = channel();
        if let Some(output) = shim.stdout.take() {
            std::thread::spawn(move || {
                let mut output = BufReader::new(output);
                loop {
                    let mut line = Vec::new();
                    match output.read_until(b'\n', &mut line) {
                        Ok(0) | Err(_) => return,
                        Ok(_) => {
                            let whole =
                                line.strip_suffix(b"\n").map(<[u8]>::to_vec).unwrap_or(line);
                            if sender.send(whole).is_err() {
                                return;
                            }
                        }
                    }
                }
            });
        }
        Ok(Self { shim, input, lines })
    }

    /// Sends a line that wants no answer.
    pub fn tell(&mut self, line: &str) -> Result<(), Failure> {
        let gone = |why: String| {
            Failure::new(
                Exit::Failed,
                "selftest",
                format!("the wrapped server can't be written to: {why}"),
            )
        };
        let input = self.input.as_mut().ok_or_else(|| gone("closed".into()))?;
        input
            .write_all(format!("{line}\n").as_bytes())
            .and_then(|()| input.flush())
            .map_err(|error| gone(error.to_string()))
    }

    /// Sends a request and waits for the line that answers `id`; what else comes is passed over.
    pub fn ask(&mut self, line: &str, id: u64) -> Result<Vec<u8>, Failure> {
        self.tell(line)?;
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(answer) if answers(&answer, id) => return Ok(answer),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => {
                    let message = format!("no answer within {} s", PATIENCE.as_secs());
                    return Err(Failure::new(Exit::Failed, "selftest-silent", message)
                        .hint("clawdefender daemon logs"));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let failure = Failure::new(
                        Exit::Failed,
                        "selftest-ended",
                        "the wrapped server ended in the middle",
                    );
                    return Err(failure.hint("clawdefender daemon logs"));
                }
            }
        }
    }

    /// Closes the shim's input, as a client does, and waits for its end.
    pub fn finish(mut self) {
        drop(self.input.take());
        let until = Instant::now() + END_PATIENCE;
        while Instant::now() < until && matches!(self.shim.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // An error means that it has ended by itself.
        let _ = self.shim.kill();
        let _ = self.shim.wait();
    }
}

fn answers(line: &[u8], id: u64) -> bool {
    serde_json::from_slice::<Value>(line).is_ok_and(|message| {
        message.get("id") == Some(&Value::from(id)) && message.get("method").is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_to_a_request_is_taken_for_it() {
        assert!(answers(br#"{"jsonrpc":"2.0","id":3,"result":{}}"#, 3));
        assert!(!answers(br#"{"jsonrpc":"2.0","id":4,"result":{}}"#, 3));
        assert!(!answers(br#"{"jsonrpc":"2.0","id":3,"method":"ping"}"#, 3));
        assert!(!answers(b"not json", 3));
    }
}
