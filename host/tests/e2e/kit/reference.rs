//! The reference server: a real MCP server over HTTP that has what the conformance suite asks for.

use super::{Group, PATIENCE, environment, kit_file};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;

/// A running reference server.
pub struct Reference {
    _group: Group,
    pub url: String,
}

impl Reference {
    /// Starts it; it listens when this returns.
    #[track_caller]
    pub fn start() -> Self {
        let mut command = Command::new(&environment().python);
        command.args(["-u", &kit_file("reference/server.py")]);
        Self::listening(&mut command)
    }

    /// Starts a command that says its URL as its first line.
    #[track_caller]
    pub fn listening(command: &mut Command) -> Self {
        let mut group = Group::spawn(
            command
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        );
        let output = group.child().stdout.take().unwrap();
        let (sender, first) = channel();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(output).lines().map_while(Result::ok);
            let _ = sender.send(lines.next());
            // Read on, so that the server never waits for a reader.
            lines.for_each(drop);
        });
        let url = first.recv_timeout(PATIENCE).ok().flatten();
        Self {
            _group: group,
            url: url.unwrap_or_else(|| panic!("{command:?} said no URL")),
        }
    }
}
