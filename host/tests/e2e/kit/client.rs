//! An MCP client that writes raw lines to a shim and reads what comes back.

use super::{Group, Home, PATIENCE, Server, kit_file};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

/// A client and the shim that it speaks to.
pub struct Client {
    group: Group,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    next_id: u64,
}

impl Client {
    /// A session with a scripted server, past its handshake. The test itself is the client, so all
    /// of its sessions are one client's.
    #[track_caller]
    pub fn open(home: &Home, server: &Server) -> Self {
        Self::start(&mut shim(home, server)).greeted()
    }

    /// The same, with a client process of its own between the test and the shim.
    #[track_caller]
    pub fn apart(home: &Home, server: &Server) -> Self {
        Self::start(&mut launched(home, &shim(home, server))).greeted()
    }

    /// Starts `command` and speaks to it. No handshake yet.
    pub fn start(command: &mut Command) -> Self {
        let piped = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut group = Group::spawn(piped);
        let input = group.child().stdin.take();
        let output = group.child().stdout.take().unwrap();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            group,
            input,
            lines,
            next_id: 0,
        }
    }

    /// The handshake of the era before 2026.
    #[track_caller]
    pub fn greeted(mut self) -> Self {
        let answer = self.request(
            "initialize",
            json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "e2e", "version": "1" } }),
        );
        assert!(answer["result"].is_object(), "{answer:#}");
        self.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        // The pipe keeps its order: once this is answered, the server has seen all of the above.
        self.request("ping", json!({}));
        self
    }

    /// The process that it speaks to.
    pub fn id(&self) -> u32 {
        self.group.id()
    }

    /// Writes a line as it is.
    pub fn send(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(format!("{line}\n").as_bytes()).unwrap();
        input.flush().unwrap();
    }

    /// Writes bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) {
        self.input.as_mut().unwrap().write_all(bytes).unwrap();
    }

    /// Each byte in a write of its own.
    pub fn write_slowly(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write(&[*byte]));
    }

    /// Lends the input to another thread.
    pub fn take_input(&mut self) -> ChildStdin {
        self.input.take().unwrap()
    }

    pub fn give_input(&mut self, input: ChildStdin) {
        self.input = Some(input);
    }

    /// Waits for the end and everything that came before it.
    #[track_caller]
    pub fn end(mut self) -> (ExitStatus, Vec<String>) {
        let status = self.group.wait();
        (status, self.lines.iter().collect())
    }

    /// The next line, as it came.
    #[track_caller]
    pub fn line(&mut self) -> String {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => panic!("no line within {PATIENCE:?}"),
            Err(RecvTimeoutError::Disconnected) => {
                panic!("the shim closed its output: {}", self.group.wait())
            }
        }
    }

    #[track_caller]
    pub fn message(&mut self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"))
    }

    /// Sends a request without waiting; its id.
    pub fn ask(&mut self, method: &str, params: Value) -> u64 {
        self.next_id += 1;
        let id = self.next_id;
        self.send(
            &json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string(),
        );
        id
    }

    /// A request and its answer. Anything else that comes first fails the test.
    #[track_caller]
    pub fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.ask(method, params);
        let answer = self.message();
        assert_eq!(answer["id"], id, "{answer:#}");
        answer
    }

    #[track_caller]
    pub fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.request(
            "tools/call",
            json!({ "name": tool, "arguments": arguments }),
        )
    }

    /// Closes the input as a client does that is done, and waits for the end. Nothing may follow.
    #[track_caller]
    pub fn close(mut self) -> ExitStatus {
        self.input = None;
        let status = self.group.wait();
        let rest: Vec<String> = self.lines.iter().collect();
        assert!(rest.is_empty(), "unexpected: {rest:?}");
        status
    }
}

/// The same, started by a client process of its own, so that the test is none and may answer.
pub fn launched(home: &Home, shim: &Command) -> Command {
    let mut command = Command::new("python3");
    home.lend(&mut command)
        .arg(kit_file("launcher.py"))
        .arg(shim.get_program())
        .args(shim.get_args());
    command
}

fn shim(home: &Home, server: &Server) -> Command {
    let mut command = home.program(&["proxy", "--server", &server.name, "--"]);
    command.args(server.command());
    command
}
