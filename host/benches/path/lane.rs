//! One way to the echo server: its processes, and a timed call over their pipes.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A daemon with a home of its own.
pub struct Daemon {
    process: Child,
    home: TempDir,
}

impl Daemon {
    /// The product's own, as it ships: verified seed, `balanced`.
    pub fn of(product: &Path) -> Self {
        Self::start(|home| {
            let mut daemon = Command::new(product);
            daemon
                .args(["daemon", "run"])
                .env("CLAWDEFENDER_HOME", home)
                .env("HOME", home);
            daemon
        })
    }

    /// The same library, socket and ledger; see `quiet.rs`.
    pub fn without_detectors() -> Self {
        Self::start(|home| {
            let mut daemon = Command::new(std::env::current_exe().unwrap());
            daemon.arg("quiet-daemon").arg(home);
            daemon
        })
    }

    fn start(command: impl FnOnce(&Path) -> Command) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut process = command(home.path())
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let socket = clawdefender::config::Home::at(home.path(), home.path())
            .socket()
            .unwrap();
        let until = Instant::now() + Duration::from_secs(120);
        while UnixStream::connect(&socket).is_err() {
            assert!(process.try_wait().unwrap().is_none(), "the daemon ended");
            assert!(Instant::now() < until, "the daemon does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { process, home }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub struct Lane {
    pub name: &'static str,
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    id: u64,
}

impl Lane {
    pub fn direct(name: &'static str) -> Self {
        let mut server = Command::new(std::env::current_exe().unwrap());
        server.arg("echo");
        Self::start(name, server)
    }

    pub fn through(name: &'static str, daemon: &Daemon, product: &Path) -> Self {
        let mut shim = Command::new(product);
        shim.args(["proxy", "--server", "bench", "--"])
            .arg(std::env::current_exe().unwrap())
            .arg("echo")
            .env("CLAWDEFENDER_HOME", daemon.home.path())
            .env("HOME", daemon.home.path());
        Self::start(name, shim)
    }

    fn start(name: &'static str, mut command: Command) -> Self {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            name,
            input: process.stdin.take().unwrap(),
            output: BufReader::new(process.stdout.take().unwrap()),
            process,
            id: 0,
        }
    }

    /// What every client says first.
    pub fn greet(&mut self) {
        let hello = json!({
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": { "name": "bench", "version": "1" },
        });
        self.ask("initialize", hello);
        let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        self.input
            .write_all(format!("{ready}\n").as_bytes())
            .unwrap();
        self.ask("tools/list", json!({}));
    }

    /// Calls `echo` and says how long it took; the answer must carry the text.
    pub fn call(&mut self, text: &str) -> Duration {
        let (answer, took) = self.ask(
            "tools/call",
            json!({ "name": "echo", "arguments": { "text": text } }),
        );
        let echoed = answer.pointer("/result/content/0/text");
        assert!(
            echoed.is_some_and(|echoed| echoed == text),
            "{}: not the echo but {answer}",
            self.name
        );
        took
    }

    fn ask(&mut self, method: &str, params: Value) -> (Value, Duration) {
        self.id += 1;
        let mut line = serde_json::to_vec(
            &json!({ "jsonrpc": "2.0", "id": self.id, "method": method, "params": params }),
        )
        .unwrap();
        line.push(b'\n');
        let mut answer = Vec::with_capacity(4096);
        let started = Instant::now();
        self.input.write_all(&line).unwrap();
        self.output.read_until(b'\n', &mut answer).unwrap();
        let took = started.elapsed();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer.get("id"), Some(&json!(self.id)), "{}", self.name);
        (answer, took)
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
