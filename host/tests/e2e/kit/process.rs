//! Processes that never outlive their test: each leads a group, which is killed when it is dropped.

use super::wait_for;
use rustix::process::{Pid, Signal, kill_process_group};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};

/// A process and all that it started.
pub struct Group(Child);

impl Group {
    pub fn spawn(command: &mut Command) -> Self {
        let child = command.process_group(0).spawn();
        Self(child.unwrap_or_else(|error| panic!("{command:?} does not start: {error}")))
    }

    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }

    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        wait_for("the end of a process", || self.0.try_wait().unwrap())
    }

    /// What a crash, an out-of-memory killer or an impatient person does.
    pub fn kill(&mut self) {
        let group = i32::try_from(self.0.id())
            .ok()
            .and_then(Pid::from_raw)
            .unwrap();
        // A group that is gone already is what was wanted.
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.0.wait();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
