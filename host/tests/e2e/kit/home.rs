//! A user's home with our files in it, empty but for compiled detectors, gone after the test.

use super::{Daemon, environment, wait_for};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use tempfile::TempDir;

/// One user of the product.
pub struct Home {
    folder: TempDir,
}

/// How one run of the command line ended.
#[derive(Debug)]
pub struct Cli {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Home {
    /// Ready for a daemon that starts fast: detectors were compiled once, for all tests.
    pub fn new() -> Self {
        let home = Self::bare();
        for file in fs::read_dir(warm_cache()).unwrap() {
            let file = file.unwrap();
            fs::copy(
                file.path(),
                home.root().join("cache").join(file.file_name()),
            )
            .unwrap();
        }
        home
    }

    fn bare() -> Self {
        // Short, because a socket's path has 108 bytes.
        let folder = tempfile::Builder::new()
            .prefix("cd-")
            .tempdir_in("/tmp")
            .unwrap();
        // Links resolved: what a detector sees are real paths.
        let home = Self { folder };
        fs::create_dir_all(home.root().join("cache")).unwrap();
        fs::create_dir_all(home.user()).unwrap();
        home.configure("");
        home
    }

    /// `CLAWDEFENDER_HOME`.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("cd")
    }

    /// `HOME`.
    pub fn user(&self) -> PathBuf {
        self.folder.path().join("user")
    }

    /// A file for the test's own use.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes `config.toml`; the guard API takes any free port.
    pub fn configure(&self, more: &str) {
        let text = format!("api_listen = \"127.0.0.1:0\"\n{more}\n");
        fs::write(self.root().join("config.toml"), text).unwrap();
    }

    /// Where a running daemon serves the upstream `name`.
    #[track_caller]
    pub fn mcp_url(&self, name: &str) -> String {
        let file = self.root().join("run/mcp.json");
        let told: Value = wait_for("an MCP port", || {
            serde_json::from_slice(&fs::read(&file).ok()?).ok()
        });
        format!("http://{}/mcp/{name}", told["address"].as_str().unwrap())
    }

    /// Writes `policy.toml`, on top of the profile `balanced`.
    pub fn policy(&self, rules: &str) {
        let text = format!("version = 1\nprofile = \"balanced\"\n{rules}\n");
        fs::write(self.root().join("policy.toml"), text).unwrap();
    }

    /// The program, as this user.
    pub fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_clawdefender"));
        self.lend(&mut command).args(arguments);
        command
    }

    /// Gives a command this user's environment.
    pub fn lend<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        // The settings of whoever runs the tests are findings of their own.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PIP_") {
                command.env_remove(name);
            }
        }
        command
            .current_dir(self.user())
            .env("HOME", self.user())
            .env("CLAWDEFENDER_HOME", self.root())
            .env_remove("XDG_CONFIG_HOME")
            // Cargo's, of its target folder: a finding wherever others may write there.
            .env_remove("LD_LIBRARY_PATH")
    }

    /// Runs the command line to its end.
    pub fn cli(&self, arguments: &[&str]) -> Cli {
        let Output {
            status,
            stdout,
            stderr,
        } = self.program(arguments).output().unwrap();
        Cli {
            code: status.code().unwrap_or(-1),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }

    /// `status --json`.
    #[track_caller]
    pub fn status(&self) -> Value {
        self.cli(&["status", "--json"]).json()
    }

    /// Every record that matches, oldest first.
    #[track_caller]
    pub fn records(&self, query: &str) -> Vec<Value> {
        let ended = self.cli(&["audit", "search", "--json", "--limit", "1000000", query]);
        assert!(ended.err.is_empty(), "{ended:?}");
        let mut records: Vec<Value> = ended
            .out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        records.reverse();
        records
    }

    /// The one record that matches.
    #[track_caller]
    pub fn record(&self, query: &str) -> Value {
        let mut found = self.records(query);
        assert_eq!(found.len(), 1, "records of {query}: {found:#?}");
        found.remove(0)
    }

    /// The whole log still verifies.
    #[track_caller]
    pub fn verify_audit(&self) {
        let ended = self.cli(&["audit", "verify", "--json"]);
        assert_eq!(ended.code, 0, "{ended:?}");
    }
}

impl Cli {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    #[track_caller]
    pub fn done(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }
}

/// The rule that denied, of a record.
#[track_caller]
pub fn denied(record: &Value) -> &str {
    assert_eq!(record["decision"]["action"], "deny", "{record:#}");
    record["decision"]["rule"].as_str().unwrap()
}

impl Drop for Home {
    /// Ends what a shim may have started as this user: a daemon leads a group of its own.
    fn drop(&mut self) {
        for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let ours = format!("CLAWDEFENDER_HOME={}\0", self.root().display());
            let environ = fs::read(process.path().join("environ")).unwrap_or_default();
            let pid = process
                .file_name()
                .to_str()
                .and_then(|pid| pid.parse().ok());
            if contains(&environ, ours.as_bytes())
                && let Some(pid) = pid.and_then(rustix::process::Pid::from_raw)
            {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The cache of a home whose daemon has compiled every shipped detector.
/// Compiled detectors that are copied into each home at most.
const MOST_KEPT: usize = 8;

fn warm_cache() -> &'static Path {
    static WARM: OnceLock<PathBuf> = OnceLock::new();
    WARM.get_or_init(|| {
        let kept = environment().folder.join("warm");
        // Older builds leave theirs.
        if fs::read_dir(&kept).is_ok_and(|files| files.count() > MOST_KEPT) {
            fs::remove_dir_all(&kept).unwrap();
        }
        let home = Home::bare();
        let copy = |from: &Path, to: &Path| {
            fs::create_dir_all(to).unwrap();
            for file in fs::read_dir(from).into_iter().flatten() {
                let file = file.unwrap();
                fs::copy(file.path(), to.join(file.file_name())).unwrap();
            }
        };
        copy(&kept, &home.root().join("cache"));
        drop(Daemon::start(&home));
        copy(&home.root().join("cache"), &kept);
        kept
    })
}
