//! What the shim itself answers when no verdict can be had: an error to whoever waits, nothing else.
//!
//! Reads a frame only to find out who that is. Nothing is ever forwarded by this reading.

use super::relay::{own, unread};
use crate::mcp::era::Era;
use crate::mcp::frame;
use crate::mcp::json::{self, Limits};
use crate::mcp::message::{self, Id, Message};
use crate::mcp::reply::{self, Asked, Asker, Refusal};
use crate::mcp::salvage::{Nature, salvage};
use crate::wire::Side;

/// The answers to all that waits for a frame: one, or of a batch one for each of its messages.
pub(super) fn all_unavailable(from: Side, bytes: &[u8]) -> Vec<(Side, Vec<u8>)> {
    let root = json::parse(bytes, &Limits::default()).ok();
    match root.as_ref().and_then(json::Node::as_array) {
        Some(items) => items
            .iter()
            .filter_map(|item| unavailable(from, item.raw(bytes)?))
            .collect(),
        None => unavailable(from, bytes).into_iter().collect(),
    }
}

/// The line to send and the side to send it to; `None` when nobody waits for an answer.
pub(super) fn unavailable(from: Side, bytes: &[u8]) -> Option<(Side, Vec<u8>)> {
    let answer = |id: &Id, method: &str, era: Era, by: Asker| {
        reply::refuse(
            &Asked {
                id,
                method,
                era,
                by,
            },
            &Refusal::Unavailable,
        )
    };
    let (here, there) = match from {
        Side::Client => (Asker::Client, Asker::Server),
        Side::Server => (Asker::Server, Asker::Client),
    };
    let to = |asker: Asker| match asker {
        Asker::Client => Side::Client,
        Asker::Server => Side::Server,
    };
    let Ok(root) = json::parse(bytes, &Limits::default()) else {
        return broken(bytes, to(here), to(there), true);
    };
    match message::read(&root) {
        Ok(Message::Request { id, method, params }) => {
            Some((to(here), answer(&id, method, Era::of(params), here)))
        }
        // It was the answer to a request of the other side, which waits for it. Its method is
        // not known here; an error is right for all of them.
        Ok(Message::Response { id, .. }) => {
            Some((to(there), answer(&id, "", Era::Handshake, there)))
        }
        Ok(Message::Notification { .. } | Message::Stray { .. }) => None,
        Err(_) => broken(bytes, to(here), to(there), false),
    }
}

fn broken(bytes: &[u8], here: Side, there: Side, unparsable: bool) -> Option<(Side, Vec<u8>)> {
    let salvaged = salvage(bytes);
    let id = salvaged.id?;
    match salvaged.nature {
        Nature::Answer => {
            let asker = match there {
                Side::Client => Asker::Client,
                Side::Server => Asker::Server,
            };
            let asked = Asked {
                id: &id,
                method: "",
                era: Era::Handshake,
                by: asker,
            };
            Some((there, reply::refuse(&asked, &Refusal::Unavailable)))
        }
        Nature::Request if unparsable => Some((here, reply::unparsable(Some(&id)))),
        Nature::Request => Some((here, reply::invalid(Some(&id)))),
        _ => None,
    }
}

/// No daemon, no server: answers every request with an error until the client closes.
pub(super) fn refuse_all() {
    let (Ok(input), Ok(mut output)) = (own(&std::io::stdin()), own(&std::io::stdout())) else {
        return;
    };
    let mut reader = frame::FrameReader::new(input);
    loop {
        let lines = match reader.next(16 << 20) {
            Ok(Some(line)) => all_unavailable(Side::Client, line.json()),
            Ok(None) | Err(frame::FrameError::Io(_)) => return,
            Err(error) => all_unavailable(Side::Client, &unread(&error).bones),
        };
        for (_, line) in lines {
            if std::io::Write::write_all(&mut output, &line).is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: Side, line: &str) -> Option<(Side, String)> {
        unavailable(from, line.as_bytes())
            .map(|(side, line)| (side, String::from_utf8(line).unwrap()))
    }

    #[test]
    fn a_request_is_answered_where_it_came_from_an_answer_where_it_goes() {
        let request = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{}}"#;
        let (side, line) = check(Side::Client, request).unwrap();
        assert_eq!(side, Side::Client);
        assert!(
            line.contains(r#""id":7,"result""#) && line.contains(r#""isError":true"#),
            "{line}"
        );

        let (side, line) =
            check(Side::Server, r#"{"jsonrpc":"2.0","id":"x","result":{}}"#).unwrap();
        assert_eq!(side, Side::Client);
        assert!(line.contains(r#""id":"x","error""#), "{line}");

        let (side, _) = check(
            Side::Server,
            r#"{"jsonrpc":"2.0","id":1,"method":"roots/list"}"#,
        )
        .unwrap();
        assert_eq!(side, Side::Server);
        assert_eq!(
            check(
                Side::Client,
                r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#
            ),
            None
        );
    }

    #[test]
    fn broken_requests_are_answered_when_their_id_can_be_read() {
        let (side, line) = check(
            Side::Client,
            r#"{"jsonrpc":"2.0","id":7,"method":"x","method":"y"}"#,
        )
        .unwrap();
        assert_eq!(side, Side::Client);
        assert!(line.contains(r#""id":7"#), "{line}");
        assert_eq!(check(Side::Client, "noise"), None);
        let (side, line) = check(Side::Server, r#"{"id":7,"result":{},"result":{}}"#).unwrap();
        assert_eq!(side, Side::Client, "who waits for it: {line}");
        assert!(line.contains(r#""id":7"#), "{line}");
    }

    #[test]
    fn each_request_of_a_batch_is_answered() {
        let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"n"},
            {"jsonrpc":"2.0","id":"s","result":{}},{"jsonrpc":"2.0","id":2,"method":"ping"}]"#;
        let sides: Vec<(Side, bool)> = all_unavailable(Side::Client, batch.as_bytes())
            .into_iter()
            .map(|(side, line)| (side, line.ends_with(b"}\n")))
            .collect();
        let lines = [
            (Side::Client, true),
            (Side::Server, true),
            (Side::Client, true),
        ];
        assert_eq!(sides, lines);
    }
}
