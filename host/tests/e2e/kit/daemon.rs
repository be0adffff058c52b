//! The daemon in the foreground of a test.

use super::{Group, Home, wait_for};
use std::fs::File;
use std::os::unix::net::UnixStream;
use std::process::{ExitStatus, Stdio};

pub struct Daemon {
    group: Group,
}

impl Daemon {
    /// Starts it and waits until it listens.
    #[track_caller]
    pub fn start(home: &Home) -> Self {
        let log = home.file("daemon.log");
        let errors = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .unwrap();
        let mut command = home.program(&["daemon", "run"]);
        let mut group = Group::spawn(
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(errors),
        );
        let socket = home.root().join("run/daemon.sock");
        wait_for("a daemon that listens", || {
            let ended = group.child().try_wait().unwrap();
            assert!(
                ended.is_none(),
                "daemon {ended:?}: {}",
                std::fs::read_to_string(&log).unwrap()
            );
            UnixStream::connect(&socket).ok()
        });
        Self { group }
    }

    pub fn id(&self) -> u32 {
        self.group.id()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn end(mut self) -> ExitStatus {
        self.group.wait()
    }

    pub fn kill(mut self) {
        self.group.kill();
    }
}
