//! Asking the daemon over its socket.
//!
//! One question per connection. Whether a missing daemon is started is the verb's choice: what only
//! looks never starts one.

use super::exit::{Exit, Failure};
use crate::config::Home;
use crate::proxy::{self, ContactError};
use crate::wire::{self, Control, ControlReply, FromDaemon, ToDaemon, WireError};
use serde_json::Value;
use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    Start,
    Report,
}

/// Asks and waits for the answer.
///
/// # Errors
/// A [`Failure`] with the daemon's own words, or saying that there is no daemon.
pub fn ask(home: &Home, control: Control, missing: Missing) -> Result<Value, Failure> {
    let stream = match missing {
        Missing::Start => proxy::ensure_daemon(home),
        Missing::Report => proxy::connect(home),
    };
    let stream = stream.map_err(|error| Failure::contact(&error))?;
    exchange(stream, control)
}

fn exchange(mut stream: UnixStream, control: Control) -> Result<Value, Failure> {
    stream
        .set_read_timeout(Some(patience(&control)))
        .map_err(|error| unanswered(&error.into()))?;
    wire::write_message(&mut stream, &ToDaemon::Control(control))
        .map_err(|error| unanswered(&error))?;
    match wire::read_message(&mut stream) {
        Ok(FromDaemon::Reply(ControlReply::Done(value))) => Ok(value),
        Ok(FromDaemon::Reply(ControlReply::Refused {
            code,
            message,
            hint,
        })) => Err(refused(code, message, hint)),
        Ok(_) => Err(unanswered(&WireError::Malformed("not a reply"))),
        Err(error) => Err(unanswered(&error)),
    }
}

/// Fetching a feed may take ten minutes, and there may be a second one; the rest is in memory.
fn patience(control: &Control) -> Duration {
    match control {
        Control::FeedUpdate { .. } | Control::PluginInstall { .. } => Duration::from_secs(21 * 60),
        // Detectors are loaded before the change is made.
        Control::FeedRollback { .. } | Control::FeedRemove { .. } => Duration::from_secs(120),
        _ => Duration::from_secs(20),
    }
}

fn refused(code: String, message: String, hint: String) -> Failure {
    let exit = match code.as_str() {
        "self-approval" => Exit::Human,
        // A feed or detector that did not pass: the check worked and said no.
        "refused" | "held" => Exit::No,
        "usage" => Exit::Usage,
        _ => Exit::Failed,
    };
    Failure {
        exit,
        code,
        message,
        hint: Some(hint).filter(|hint| !hint.is_empty()),
    }
}

/// The daemon is there but does not answer in a way that we understand.
fn unanswered(error: &WireError) -> Failure {
    let again = "clawdefender daemon stop && clawdefender daemon start";
    match error {
        WireError::Io(error)
            if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
        {
            Failure::new(
                Exit::Unreachable,
                "daemon-silent",
                "the daemon does not answer in time",
            )
            .hint("clawdefender daemon logs")
        }
        // A daemon closes the connection on a question that its version does not know.
        WireError::Closed | WireError::Malformed(_) => Failure::new(
            Exit::Unreachable,
            "daemon-version",
            format!(
                "the daemon did not understand the question; it may not be version {}",
                env!("CARGO_PKG_VERSION")
            ),
        )
        .hint(again),
        error => {
            Failure::new(Exit::Unreachable, "daemon-unreachable", error.to_string()).hint(again)
        }
    }
}

/// What to tell a person when the daemon is of another version than this program.
pub fn other_version(status: &Value) -> Option<String> {
    let theirs = status.get("version")?.as_str()?;
    (theirs != env!("CARGO_PKG_VERSION")).then(|| {
        format!(
            "note: the daemon is version {}, this program {}\nhint: clawdefender daemon stop && clawdefender daemon start",
            super::escape::excerpt(theirs, 40),
            env!("CARGO_PKG_VERSION"),
        )
    })
}

impl From<ContactError> for Failure {
    fn from(error: ContactError) -> Self {
        Self::contact(&error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Asks a peer that reads one message and then does what `answer` says.
    fn asked(
        answer: impl FnOnce(&mut UnixStream, ToDaemon) + Send + 'static,
    ) -> Result<Value, Failure> {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let peer = std::thread::spawn(move || {
            let message = wire::read_message(&mut theirs).unwrap();
            answer(&mut theirs, message);
        });
        let answered = exchange(ours, Control::Status);
        peer.join().unwrap();
        answered
    }

    #[test]
    fn the_daemons_answer_comes_back() {
        let answered = asked(|stream, message| {
            assert_eq!(message, ToDaemon::Control(Control::Status));
            let reply = FromDaemon::Reply(ControlReply::Done(json!({ "pid": 7 })));
            wire::write_message(stream, &reply).unwrap();
        });
        assert_eq!(answered, Ok(json!({ "pid": 7 })));
    }

    #[test]
    fn a_refusal_keeps_the_daemons_words_and_gets_its_exit_code() {
        let refusal = |code: &str| {
            let code = code.to_owned();
            asked(move |stream, _| {
                let reply = ControlReply::Refused {
                    code,
                    message: "no".into(),
                    hint: "paste".into(),
                };
                wire::write_message(stream, &FromDaemon::Reply(reply)).unwrap();
            })
            .unwrap_err()
        };
        let held = refusal("held");
        assert_eq!(
            (held.exit, held.message.as_str(), held.hint.as_deref()),
            (Exit::No, "no", Some("paste"))
        );
        assert_eq!(refusal("self-approval").exit, Exit::Human);
        assert_eq!(refusal("not-stored").exit, Exit::Failed);
    }

    #[test]
    fn a_daemon_that_hangs_up_is_suspected_of_another_version() {
        let failure = asked(|_, _| {}).unwrap_err();
        assert_eq!(
            (failure.exit, failure.code.as_str()),
            (Exit::Unreachable, "daemon-version")
        );
    }

    #[test]
    fn another_version_is_mentioned_and_the_same_is_not() {
        assert!(
            other_version(&json!({ "version": "9.9.9" }))
                .unwrap()
                .contains("9.9.9")
        );
        assert_eq!(
            other_version(&json!({ "version": env!("CARGO_PKG_VERSION") })),
            None
        );
    }
}
