//! One way to the echo server: its processes, and timed calls over a [`Wire`].

use crate::calls::Calls;
use crate::usage::{Usage, usage};
use crate::wire::{Stdio, Wire};
use clawdefender::config::Home;
use serde_json::json;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio as Pipe};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A daemon with a home of its own.
pub struct Daemon {
    process: Child,
    home: TempDir,
}

impl Daemon {
    /// The product's own, with its verified seed. `monitor`: of made-up prose a text in some thousand
    /// is taken for an attack, and must be answered like any other.
    pub fn of(product: &Path) -> Self {
        Self::start(|home| {
            std::fs::write(
                home.join("policy.toml"),
                "version = 1\nprofile = \"monitor\"\n",
            )
            .unwrap();
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

    /// Rules on nothing; see `floor.rs`.
    pub fn of_hops() -> Self {
        Self::start(|home| {
            let mut daemon = Command::new(std::env::current_exe().unwrap());
            std::fs::create_dir_all(at(home).run_dir()).unwrap();
            daemon.arg("floor-daemon").arg(at(home).socket().unwrap());
            daemon
        })
    }

    fn start(command: impl FnOnce(&Path) -> Command) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut process = command(home.path())
            .stdin(Pipe::null())
            .stderr(Pipe::null())
            .spawn()
            .unwrap();
        let socket = at(home.path()).socket().unwrap();
        let until = Instant::now() + Duration::from_secs(120);
        while UnixStream::connect(&socket).is_err() {
            assert!(process.try_wait().unwrap().is_none(), "the daemon ended");
            assert!(Instant::now() < until, "the daemon does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { process, home }
    }
}

fn at(home: &Path) -> Home {
    Home::at(home, home)
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the processes of a lane spent, apart from the client's.
#[derive(Clone, Copy, Default)]
pub struct Spent {
    pub server: Usage,
    pub shim: Usage,
    pub daemon: Usage,
}

pub struct Lane {
    pub name: &'static str,
    process: Child,
    wire: Box<dyn Wire>,
    daemon: Option<u32>,
    id: u64,
}

impl Lane {
    pub fn direct(name: &'static str) -> Self {
        let mut server = Command::new(std::env::current_exe().unwrap());
        server.arg("echo");
        Self::start(name, server, None)
    }

    pub fn of_hops(name: &'static str, daemon: &Daemon) -> Self {
        let mut shim = Command::new(std::env::current_exe().unwrap());
        shim.arg("floor-shim")
            .arg(at(daemon.home.path()).socket().unwrap());
        Self::start(name, shim, Some(daemon.process.id()))
    }

    pub fn through(name: &'static str, daemon: &Daemon, product: &Path) -> Self {
        let mut shim = Command::new(product);
        shim.args(["proxy", "--server", "bench", "--"])
            .arg(std::env::current_exe().unwrap())
            .arg("echo")
            .env("CLAWDEFENDER_HOME", daemon.home.path())
            .env("HOME", daemon.home.path());
        Self::start(name, shim, Some(daemon.process.id()))
    }

    fn start(name: &'static str, mut command: Command, daemon: Option<u32>) -> Self {
        let mut process = command
            .stdin(Pipe::piped())
            .stdout(Pipe::piped())
            .spawn()
            .unwrap();
        let wire = Stdio::new(
            process.stdin.take().unwrap(),
            process.stdout.take().unwrap(),
        );
        let mut lane = Self {
            name,
            wire: Box::new(wire),
            process,
            daemon,
            id: 0,
        };
        lane.greet();
        lane
    }

    /// What every client says first.
    fn greet(&mut self) {
        let hello = json!({
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": { "name": "bench", "version": "1" },
        });
        self.ask("initialize", &hello);
        let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        self.wire.tell(format!("{ready}\n").as_bytes());
        self.ask("tools/list", &json!({}));
    }

    fn ask(&mut self, method: &str, params: &serde_json::Value) {
        self.id += 1;
        let request =
            json!({ "jsonrpc": "2.0", "id": self.id, "method": method, "params": params });
        let mut one = Some(format!("{request}\n").into_bytes());
        let mut answered = false;
        self.wire.drive(1, &mut || one.take(), &mut |line, _| {
            let answer: serde_json::Value = serde_json::from_slice(line).unwrap();
            answered = answer.get("result").is_some();
        });
        assert!(answered, "{}: {method} was refused", self.name);
    }

    /// Calls `echo` for as long as `time` says, at least once; every answer must carry its text.
    /// Hands `took` the time of each call and returns the time of all.
    pub fn calls(
        &mut self,
        calls: &Calls,
        in_flight: usize,
        time: Duration,
        mut took: impl FnMut(Duration),
    ) -> Duration {
        let started = Instant::now();
        let mut sent = self.id;
        let mut answered = self.id;
        let first = sent + 1;
        let name = self.name;
        self.wire.drive(
            in_flight,
            &mut || {
                (sent < first || started.elapsed() < time).then(|| {
                    sent += 1;
                    calls.request(sent)
                })
            },
            &mut |line, time| {
                answered += 1;
                assert!(
                    calls.is_answer(answered, line),
                    "{name}: not the echo but {}",
                    String::from_utf8_lossy(line.get(..line.len().min(200)).unwrap_or_default())
                );
                took(time);
            },
        );
        self.id = sent;
        started.elapsed()
    }

    /// What its processes have spent until now.
    pub fn spent(&self) -> Spent {
        let own = self.process.id();
        match self.daemon {
            None => Spent {
                server: usage(own),
                ..Spent::default()
            },
            Some(daemon) => Spent {
                server: crate::usage::children(own).map(usage).sum(),
                shim: usage(own),
                daemon: usage(daemon),
            },
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
