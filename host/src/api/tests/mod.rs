//! The whole API over real sockets: what it refuses, and the innocent twin of each refusal.

mod door;
mod limits;
mod routes;

use super::{Check, Guard, Limits, start_within};
use crate::approval::{Answer, AnswerError, Approver};
use crate::config::Home;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A guard that denies what mentions `evil`, holds one question, and notes what it was asked.
#[derive(Default)]
struct Noting {
    lines: Mutex<Vec<(String, Option<String>)>>,
    answers: Mutex<Vec<(String, Answer, Option<u32>)>>,
}

impl Guard for Noting {
    fn status(&self) -> Value {
        json!({ "protected": true })
    }

    fn inspect(&self, line: &str) -> Value {
        self.lines.lock().unwrap().push((line.to_owned(), None));
        let Ok(value) = serde_json::from_str::<Value>(line) else {
            return json!({ "id": null, "error": "not the expected JSON" });
        };
        let decision = if line.contains("evil") {
            "deny"
        } else {
            "allow"
        };
        json!({ "id": value.get("id"), "decision": decision, "rule": "r", "findings": [], "faults": [] })
    }

    fn check(&self, check: &Check, pid: Option<u32>) -> Value {
        assert_eq!(pid, Some(std::process::id()));
        let line = check.result().unwrap_or_else(|| check.call());
        let answer = self.inspect(&line);
        let mut lines = self.lines.lock().unwrap();
        lines.last_mut().unwrap().1 = check.agent().map(str::to_owned);
        answer
    }

    fn record(&self, id: &str) -> Result<Option<Value>, String> {
        match id {
            "c7f2kq3a" => Ok(Some(json!({ "id": id, "timeline": [] }))),
            "torn" => Err("it can't be read".into()),
            _ => Ok(None),
        }
    }

    fn approvals(&self) -> Value {
        json!({ "questions": [{ "id": "abc123" }] })
    }

    fn answer(&self, id: &str, answer: Answer, pid: Option<u32>) -> Result<Value, AnswerError> {
        self.answers
            .lock()
            .unwrap()
            .push((id.to_owned(), answer, pid));
        let by = Approver {
            door: "terminal".into(),
            user: "u".into(),
            pid: None,
        };
        match id {
            "abc123" => Ok(json!({ "question": id })),
            "agents" => Err(AnswerError::SelfApproval { pid: 7 }),
            "late" => Err(AnswerError::AlreadyAnswered {
                answer: Answer::Deny,
                by,
            }),
            _ => Err(AnswerError::Unknown),
        }
    }
}

struct Served {
    address: SocketAddr,
    token: String,
    guard: Arc<Noting>,
    home: Home,
    _root: tempfile::TempDir,
    _runtime: tokio::runtime::Runtime,
}

struct Got {
    status: u16,
    head: String,
    body: String,
}

impl Served {
    fn new() -> Self {
        Self::within(Limits::default())
    }

    fn within(limits: Limits) -> Self {
        let root = tempfile::tempdir().unwrap();
        let home = Home::at(root.path().join("home"), root.path());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let guard = Arc::new(Noting::default());
        let address = start_within(
            limits,
            guard.clone(),
            &home,
            "127.0.0.1:0".parse().unwrap(),
            runtime.handle(),
        )
        .unwrap();
        let token = super::token::read_for_client(&home).unwrap();
        Self {
            address,
            token,
            guard,
            home,
            _root: root,
            _runtime: runtime,
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        stream
    }

    /// Sends exactly these bytes and reads one answer.
    fn raw(&self, bytes: impl AsRef<[u8]>) -> Got {
        let mut stream = self.connect();
        stream.write_all(bytes.as_ref()).unwrap();
        read(&mut stream)
    }

    /// A well-formed request, with other headers after those that every request needs.
    fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Got {
        let (host, token) = (self.address, &self.token);
        let length = body.len();
        self.raw(format!(
            "{method} /api/v1{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        ))
    }

    fn get(&self, path: &str) -> Got {
        self.send("GET", path, "", "")
    }

    fn post(&self, path: &str, body: &str) -> Got {
        self.send("POST", path, "Content-Type: application/json\r\n", body)
    }
}

/// Reads one answer by its declared length, so that a kept-alive connection can be read again.
fn read(stream: &mut TcpStream) -> Got {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => bytes.push(byte[0]),
            ended => panic!("{ended:?} after {:?}", String::from_utf8_lossy(&bytes)),
        }
    }
    let head = String::from_utf8(bytes).unwrap().to_ascii_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap()
        .parse()
        .unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    Got {
        status,
        head,
        body: String::from_utf8(body).unwrap(),
    }
}

impl Got {
    #[track_caller]
    fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}{}", self.head, self.body);
        for (name, value) in super::reply::HEADERS {
            let line = format!("{name}: {value}").to_ascii_lowercase();
            assert!(
                self.head.contains(&line),
                "{line} is missing: {}",
                self.head
            );
        }
        assert!(!self.head.contains("access-control-"), "{}", self.head);
        self
    }

    #[track_caller]
    fn refused(&self, status: u16, code: &str) -> &Self {
        self.is(status);
        let error = &self.json()["error"];
        assert_eq!(error["code"], code, "{}", self.body);
        assert!(error["message"].is_string() && error["hint"].is_string());
        self
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}
