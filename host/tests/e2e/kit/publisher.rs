//! A web server that publishes a feed, well or badly.

use super::{Group, kit_file};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One server process; it ends with this value.
pub struct Publisher {
    _server: Group,
    port: u16,
    folder: PathBuf,
    scheme: &'static str,
}

impl Publisher {
    /// Serves what is in `folder`, whatever that is when somebody asks.
    pub fn of(folder: &Path) -> Self {
        Self::start(folder, "http", &[])
    }

    /// The same over TLS, with this certificate and key.
    pub fn secure(folder: &Path, certificate: &Path, key: &Path) -> Self {
        Self::start(folder, "https", &[certificate, key])
    }

    fn start(folder: &Path, scheme: &'static str, more: &[&Path]) -> Self {
        let log = folder.with_extension("log");
        let mut command = Command::new("python3");
        let mut server = Group::spawn(
            command
                .arg(kit_file("publisher.py"))
                .arg(folder)
                .arg(&log)
                .args(more)
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        );
        let mut line = String::new();
        BufReader::new(server.child().stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            _server: server,
            port: line.trim().parse().unwrap(),
            folder: folder.to_owned(),
            scheme,
        }
    }

    pub fn url(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.port)
    }

    /// From now on: words of `publisher.py`, each a line, empty for good manners.
    pub fn behave(&self, how: &str) {
        let mut name = self.folder.clone().into_os_string();
        name.push(".behaviour");
        fs::write(name, how).unwrap();
    }

    /// What was asked for, oldest first: path and range.
    pub fn asked(&self) -> Vec<String> {
        let log = fs::read_to_string(self.folder.with_extension("log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }
}
