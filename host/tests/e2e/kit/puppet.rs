//! A server that misuses its streams on demand, and shims in front of it.

use super::{Client, Home, kit_file};
use std::path::PathBuf;
use std::process::Command;

/// A puppet in a home; see `puppet.py` for what it can be asked.
pub struct Puppet<'h> {
    home: &'h Home,
    server: String,
    log: PathBuf,
}

impl<'h> Puppet<'h> {
    pub fn new(home: &'h Home, name: &str) -> Self {
        Self {
            home,
            server: "puppet".to_owned(),
            log: home.file(&format!("{name}.log")),
        }
    }

    /// One under a server name of its own.
    pub fn named(home: &'h Home, name: &str) -> Self {
        Self {
            server: name.to_owned(),
            ..Self::new(home, name)
        }
    }

    /// A home in which a puppet is not refused because a detector was too slow on a busy machine:
    /// what these tests ask about are the streams.
    pub fn home() -> Home {
        let home = Home::new();
        home.policy("[servers.puppet]\non_fault = \"allow\"");
        home
    }

    /// The command of a shim that starts it.
    pub fn shim(&self) -> Command {
        let mut command = self
            .home
            .program(&["proxy", "--server", &self.server, "--"]);
        command
            .args(["python3", &kit_file("puppet.py")])
            .arg(&self.log);
        command
    }

    /// A shim that has it as its server. No handshake yet.
    pub fn start(&self) -> Client {
        Client::start(&mut self.shim())
    }

    /// Every line that reached it, long ones cut.
    pub fn seen(&self) -> Vec<String> {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        log.lines().map(str::to_owned).collect()
    }
}
