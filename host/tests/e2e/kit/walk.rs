//! Sessions of the real clients with real servers, directly and through the product.

use super::{Home, environment, kit_file};
use serde_json::{Value, json};
use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Whose client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sdk {
    /// `initialize`, protocol revisions up to 2025-11-25.
    Python,
    /// No handshake, protocol revision 2026-07-28.
    PythonStateless,
    /// Speaks only the handshake era.
    TypeScript,
}

/// How the server is reached.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    Direct,
    Proxied,
}

/// Where the server is.
pub enum Place {
    /// A program that the client starts.
    Stdio(Vec<String>),
    /// Streamable HTTP, by its own URL; through the product under the plan's name.
    Http(String),
}

/// What one session does.
pub struct Plan {
    /// The server's name with the product.
    pub name: &'static str,
    pub place: Place,
    /// Variables of the server beside `HOME`, `PATH` and `LANG`.
    pub env: Vec<(&'static str, String)>,
    /// Folders that the client names as its roots.
    pub roots: Vec<String>,
    /// What the client's person enters into every form.
    pub entered: Value,
    /// See `walk.py`.
    pub steps: Value,
}

impl Plan {
    pub fn stdio(name: &'static str, command: Vec<String>, steps: Value) -> Self {
        Self {
            name,
            place: Place::Stdio(command),
            env: Vec::new(),
            roots: Vec::new(),
            entered: json!({ "name": "Ada" }),
            steps,
        }
    }

    /// The same with another place.
    pub fn at(mut self, url: String) -> Self {
        self.place = Place::Http(url);
        self
    }

    /// One session, told as JSON.
    #[track_caller]
    pub fn walk(&self, home: &Home, sdk: Sdk, way: Way) -> Value {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let file = home.file(&format!("plan-{number}.json"));
        let body = json!({
            "server": self.server(home, way),
            "stateless": sdk == Sdk::PythonStateless,
            "roots": self.roots,
            "entered": self.entered,
            "steps": self.steps,
        });
        fs::write(&file, body.to_string()).unwrap();
        let mut client = match sdk {
            Sdk::Python | Sdk::PythonStateless => {
                let mut python = Command::new(&environment().python);
                python.arg(kit_file("walk.py")).arg(&file);
                python
            }
            Sdk::TypeScript => {
                let mut node = Command::new("node");
                let modules = environment().node_modules();
                node.arg(kit_file("walk.cjs")).arg(&file).arg(modules);
                node
            }
        };
        let output = home.lend(&mut client).output().unwrap();
        assert!(
            output.status.success(),
            "{} {sdk:?} {way:?}: {}",
            self.name,
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn server(&self, home: &Home, way: Way) -> Value {
        let mut command = match (&self.place, way) {
            (Place::Http(url), Way::Direct) => return json!(url),
            (Place::Http(_), Way::Proxied) => return json!(home.mcp_url(self.name)),
            (Place::Stdio(command), Way::Direct) => command.clone(),
            (Place::Stdio(command), Way::Proxied) => {
                let ours = [
                    env!("CARGO_BIN_EXE_clawdefender"),
                    "proxy",
                    "--server",
                    self.name,
                    "--",
                ];
                let ours = ours.into_iter().map(str::to_owned);
                ours.chain(command.iter().cloned()).collect()
            }
        };
        let mut env = json!({
            "HOME": home.user(),
            "PATH": std::env::var("PATH").unwrap(),
            "LANG": "C.UTF-8",
        });
        for (name, value) in &self.env {
            env[name] = json!(value);
        }
        // The same in both ways but for our own variable, which the server must not see.
        if matches!(way, Way::Proxied) {
            env["CLAWDEFENDER_HOME"] = json!(home.root());
        }
        let program = command.remove(0);
        json!({ "command": program, "args": command, "env": env, "cwd": home.user() })
    }
}
