//! Servers over HTTP: one that does what a test wants, and published ones on a port of their own.

use super::{Group, Home, kit_file, wait_for};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

/// A scripted server and what reached it.
pub struct Far {
    pub group: Group,
    pub url: String,
    log: PathBuf,
}

impl Far {
    pub fn start(home: &Home) -> Self {
        Self::serve(home, "http", &[])
    }

    /// Over TLS, with this certificate.
    pub fn secure(home: &Home, certificate: &Path, key: &Path) -> Self {
        Self::serve(home, "https", &[certificate, key])
    }

    fn serve(home: &Home, scheme: &str, files: &[&Path]) -> Self {
        let log = home.file("far.log");
        let mut command = Command::new("python3");
        command.arg(kit_file("far.py")).arg(&log);
        command.arg(free_port().to_string()).args(files);
        let mut group = Group::spawn(command.stdout(Stdio::piped()));
        let mut line = String::new();
        BufReader::new(group.child().stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let url = format!("{scheme}://127.0.0.1:{}/mcp", line.trim());
        Self { group, url, log }
    }

    /// Every request that reached it.
    pub fn requests(&self) -> Vec<Value> {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        // The last line may be half there.
        log.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    pub fn saw(&self, part: &str) -> bool {
        self.requests()
            .iter()
            .any(|request| request.to_string().contains(part))
    }

    /// Waits for a request with this verb and path.
    #[track_caller]
    pub fn wait_for(&self, verb: &str, path: &str) -> Value {
        wait_for(&format!("{verb} {path}"), || {
            self.requests()
                .into_iter()
                .find(|request| request["verb"] == verb && request["path"] == path)
        })
    }
}

/// A port for a server that takes it by number. Below those that the system gives out, so that nobody
/// is given it in the meantime, and each only once.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + u16::try_from(std::process::id() % 100).unwrap() * 100;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed) % 100;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Starts a server that takes its port from `{port}` in its arguments or from `PORT`.
#[track_caller]
pub fn on_a_port(command: &mut Command) -> (Group, u16) {
    let port = free_port();
    let mut with_port = Command::new(command.get_program());
    for argument in command.get_args() {
        let argument = argument.to_str().unwrap();
        with_port.arg(argument.replace("{port}", &port.to_string()));
    }
    with_port
        .env("PORT", port.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let group = Group::spawn(&mut with_port);
    wait_for("a server that listens", || {
        TcpStream::connect(("127.0.0.1", port)).ok()
    });
    (group, port)
}
