//! The three canaries: one that must pass untouched, one that must not reach the server, one that
//! must not reach the client. Each is then looked up in the audit log.

use super::super::exit::{Exit, Failure};
use super::super::moment::now_ms;
use super::peer::Peer;
use super::server::{self, CANARY, Entry};
use crate::audit::{self, Query, Record};
use crate::config::Home;
use crate::policy::Action;
use clawdefender_trust::Sha256Digest;
use serde::Serialize;
use serde_json::{Value, json};
use std::path::Path;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Held,
    /// Something passed that should not have.
    Leaked,
    /// It could not be shown: something did not work.
    Failed,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    pub name: &'static str,
    pub state: State,
    pub detail: String,
    pub rule: Option<String>,
    pub call: Option<String>,
}

const ORDINARY: &str = "an ordinary call comes back byte for byte";
const SECRET: &str = "a path where secrets live is blocked before the server sees it";
const INJECTED: &str = "an instruction hidden in a result is blocked before the client sees it";

pub fn run(peer: &mut Peer, diary: &Path, home: &Home) -> anyhow::Result<Vec<Check>> {
    greet(peer)?;
    let log = Log { home };
    let nonce = format!("{:016x}", rand::random::<u64>());
    let text = format!("ClawDefender self-test, an ordinary call: {nonce}");
    let mut checks = Vec::new();

    let call = echo(2, &json!({ "text": text }));
    let answer = peer.ask(&call, 2)?;
    let seen = server::read(diary)?;
    checks.push(log.confirm(
        ORDINARY,
        ordinary(&call, &answer, &seen),
        Action::Allow,
        &call,
        &answer,
    ));

    let call = echo(3, &json!({ "path": "~/.ssh/id_ed25519" }));
    let answer = peer.ask(&call, 3)?;
    // The server answers in order: what it had received before this one is in the diary by now.
    let after = echo(4, &json!({ "text": format!("{text} again") }));
    peer.ask(&after, 4)?;
    let seen = server::read(diary)?;
    checks.push(log.confirm(
        SECRET,
        secret(&call, &answer, &seen),
        Action::Deny,
        &call,
        &answer,
    ));

    let call = echo(5, &json!({ "canary": true }));
    let answer = peer.ask(&call, 5)?;
    let seen = server::read(diary)?;
    checks.push(log.confirm(
        INJECTED,
        injected(&call, &answer, &seen),
        Action::Deny,
        &call,
        &answer,
    ));
    Ok(checks)
}

fn greet(peer: &mut Peer) -> anyhow::Result<()> {
    let hello = request(
        0,
        "initialize",
        &json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": { "name": "clawdefender-selftest", "version": env!("CARGO_PKG_VERSION") },
        }),
    );
    let welcome: Value = serde_json::from_slice(&peer.ask(&hello, 0)?)?;
    let refused = |what: &str, answer: &Value| {
        let found = answer
            .pointer("/error/message")
            .and_then(Value::as_str)
            .unwrap_or("no error was given");
        Failure::new(Exit::Failed, "selftest-start", format!("{what}: {found}"))
            .hint("clawdefender audit search server:selftest since:5m")
    };
    if welcome.get("result").is_none() {
        return Err(refused("the wrapped server could not be initialised", &welcome).into());
    }
    peer.tell(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)?;
    let tools: Value =
        serde_json::from_slice(&peer.ask(&request(1, "tools/list", &json!({})), 1)?)?;
    let listed = tools.pointer("/result/tools").and_then(Value::as_array);
    if !listed.is_some_and(|tools| {
        tools
            .iter()
            .any(|tool| tool.get("name").is_some_and(|name| name == "echo"))
    }) {
        return Err(refused("the wrapped server's tool is not in its list", &tools).into());
    }
    Ok(())
}

fn request(id: u64, method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()
}

fn echo(id: u64, arguments: &Value) -> String {
    request(
        id,
        "tools/call",
        &json!({ "name": "echo", "arguments": arguments }),
    )
}

/// What both ends show; the audit log is asked afterwards.
type Seen = (State, &'static str);

fn ordinary(call: &str, answer: &[u8], seen: &[Entry]) -> Seen {
    if refusal(answer).is_some() {
        return (State::Failed, "it was blocked");
    }
    let received = seen
        .iter()
        .any(|entry| *entry == Entry::Received(call.to_owned()));
    let sent = seen
        .iter()
        .any(|entry| matches!(entry, Entry::Sent(line) if line.as_bytes() == answer));
    match (received, sent) {
        (true, true) => (
            State::Held,
            "the server got the client's bytes, the client the server's",
        ),
        (false, _) => (
            State::Failed,
            "the server did not get the bytes that were sent",
        ),
        (true, false) => (
            State::Failed,
            "the client did not get the bytes that the server sent",
        ),
    }
}

fn secret(call: &str, answer: &[u8], seen: &[Entry]) -> Seen {
    let reached = seen.iter().any(|entry| matches!(entry, Entry::Received(line) if line == call || line.contains("id_ed25519")));
    if reached {
        return (State::Leaked, "the server received the path");
    }
    match refusal(answer) {
        Some(_) => (State::Held, "the client got a refusal, the server nothing"),
        None => (
            State::Failed,
            "the server got nothing, but the client no refusal of ours",
        ),
    }
}

fn injected(call: &str, answer: &[u8], seen: &[Entry]) -> Seen {
    if contains_canary(answer) {
        return (State::Leaked, "the client received the instruction");
    }
    let called = seen
        .iter()
        .any(|entry| *entry == Entry::Received(call.to_owned()));
    let sent = seen
        .iter()
        .any(|entry| matches!(entry, Entry::Sent(line) if contains_canary(line.as_bytes())));
    match (refusal(answer), called && sent) {
        (Some(_), true) => (State::Held, "the server sent it, the client got a refusal"),
        (Some(_), false) => (
            State::Failed,
            "the call was blocked before the server could answer",
        ),
        (None, _) => (
            State::Failed,
            "the client got neither the result nor a refusal of ours",
        ),
    }
}

fn contains_canary(line: &[u8]) -> bool {
    // Any longer piece of it counts: a result from which one word was cut is still a leak.
    let text = String::from_utf8_lossy(line);
    CANARY
        .split(' ')
        .collect::<Vec<_>>()
        .windows(3)
        .any(|words| text.contains(&words.join(" ")))
}

/// The rule and call id of a refusal of ours to `tools/call`.
fn refusal(answer: &[u8]) -> Option<(String, String)> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let result = answer.get("result")?;
    result
        .get("isError")
        .filter(|is_error| **is_error == true)?;
    let text = result.pointer("/content/0/text")?.as_str()?;
    let (ids, _) = text
        .strip_prefix("Blocked by ClawDefender (rule ")?
        .split_once(')')?;
    let (rule, call) = ids.split_once(", ref ")?;
    Some((rule.to_owned(), call.to_owned()))
}

struct Log<'h> {
    home: &'h Home,
}

impl Log<'_> {
    /// Adds what the audit log says. Without the record that is owed, nothing was shown.
    fn confirm(
        &self,
        name: &'static str,
        seen: Seen,
        expected: Action,
        call: &str,
        answer: &[u8],
    ) -> Check {
        let (mut state, mut detail) = (seen.0, seen.1.to_owned());
        let record = match refusal(answer) {
            Some((_, id)) => audit::show(&self.home.audit_dir(), &id)
                .ok()
                .flatten()
                .map(|found| found.record),
            None => self.by_digest(call),
        };
        let decision = record.as_ref().and_then(|record| record.decision.as_ref());
        if state == State::Held {
            match decision.map(|decision| decision.action) {
                None => {
                    (state, detail) = (
                        State::Failed,
                        format!("{detail}; but there is no audit record of it"),
                    )
                }
                // A message that is only marked passes like any other.
                Some(Action::Allow | Action::Log) if expected == Action::Allow => {}
                Some(Action::Deny | Action::Ask) if expected == Action::Deny => {}
                Some(_) => {
                    (state, detail) = (
                        State::Failed,
                        format!("{detail}; but its audit record says otherwise"),
                    )
                }
            }
        }
        Check {
            name,
            state,
            detail,
            rule: decision.map(|decision| decision.rule.clone()),
            call: record.as_ref().map(|record| record.id.clone()),
        }
    }

    /// The record of a message that was not refused, found by its bytes.
    fn by_digest(&self, call: &str) -> Option<Record> {
        let digest = Sha256Digest::of(call.as_bytes()).to_string();
        let query = Query::parse("server:selftest since:15m", now_ms()).ok()?;
        let found = audit::search(&self.home.audit_dir(), &query).ok()?;
        found
            .take(1000)
            .flatten()
            .map(|found| found.record)
            .find(|record| record.digest == digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Vec<u8> {
        let text =
            "Blocked by ClawDefender (rule credentials, ref c7f2kq3a). Trying again will not help.";
        let result = json!({ "content": [{ "type": "text", "text": text }], "isError": true });
        json!({ "jsonrpc": "2.0", "id": 3, "result": result })
            .to_string()
            .into_bytes()
    }

    fn plain(text: &str) -> Vec<u8> {
        let result = json!({ "content": [{ "type": "text", "text": text }] });
        json!({ "jsonrpc": "2.0", "id": 3, "result": result })
            .to_string()
            .into_bytes()
    }

    fn sent(line: &[u8]) -> Entry {
        Entry::Sent(String::from_utf8(line.to_vec()).unwrap())
    }

    #[test]
    fn a_refusal_names_its_rule_and_its_record() {
        assert_eq!(
            refusal(&refused()),
            Some(("credentials".into(), "c7f2kq3a".into()))
        );
        assert_eq!(
            refusal(&plain("Blocked by ClawDefender (rule x, ref y)")),
            None
        );
        assert_eq!(refusal(b"{}"), None);
    }

    #[test]
    fn an_ordinary_call_must_arrive_unchanged_at_both_ends() {
        let call = echo(2, &json!({ "text": "x" }));
        let answer = plain("x");
        let seen = [Entry::Received(call.clone()), sent(&answer)];
        assert_eq!(ordinary(&call, &answer, &seen).0, State::Held);
        assert_eq!(ordinary(&call, &plain("y"), &seen).0, State::Failed);
        assert_eq!(
            ordinary(&format!("{call} "), &answer, &seen).0,
            State::Failed
        );
        assert_eq!(ordinary(&call, &refused(), &seen).0, State::Failed);
    }

    #[test]
    fn a_secret_that_reached_the_server_is_a_leak_even_if_the_client_was_refused() {
        let call = echo(3, &json!({ "path": "~/.ssh/id_ed25519" }));
        assert_eq!(secret(&call, &refused(), &[]).0, State::Held);
        assert_eq!(
            secret(&call, &refused(), &[Entry::Received(call.clone())]).0,
            State::Leaked
        );
        assert_eq!(secret(&call, &plain(""), &[]).0, State::Failed);
    }

    #[test]
    fn an_instruction_that_reached_the_client_is_a_leak_and_one_never_sent_proves_nothing() {
        let call = echo(5, &json!({ "canary": true }));
        let seen = [Entry::Received(call.clone()), sent(&plain(CANARY))];
        assert_eq!(injected(&call, &refused(), &seen).0, State::Held);
        assert_eq!(injected(&call, &plain(CANARY), &seen).0, State::Leaked);
        let cut = CANARY.replace("Ignore all previous instructions", "[redacted]");
        assert_eq!(injected(&call, &plain(&cut), &seen).0, State::Leaked);
        assert_eq!(injected(&call, &refused(), &[]).0, State::Failed);
    }
}
