//! The real server as our child: its own process group, ended when its time is over.

use super::ProxyError;
use rustix::process::{Pid, Signal, kill_process_group};
use std::ffi::OsString;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

pub(super) struct Child {
    process: std::process::Child,
    pub stdin: Option<ChildStdin>,
    pub stdout: Option<ChildStdout>,
}

impl Child {
    /// Starts the server with the client's environment (less ours) and `env`, the client's directory
    /// and stderr.
    pub(super) fn spawn(
        command: &[OsString],
        env: &[(String, OsString)],
    ) -> Result<Self, ProxyError> {
        let (program, arguments) = command.split_first().ok_or_else(|| ProxyError::Spawn {
            command: String::new(),
            source: std::io::ErrorKind::InvalidInput.into(),
        })?;
        let mut start = Command::new(program);
        start
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("CLAWDEFENDER_") {
                start.env_remove(name);
            }
        }
        start.envs(env.iter().map(|(name, value)| (name, value)));
        let us = rustix::process::getpid();
        // SAFETY: between fork and exec only async-signal-safe system calls are made.
        #[cfg(target_os = "linux")]
        #[expect(
            unsafe_code,
            reason = "the server must not outlive a shim that was killed"
        )]
        unsafe {
            start.pre_exec(move || {
                rustix::process::set_parent_process_death_signal(Some(Signal::TERM))?;
                // Who died before that gets no signal sent any more.
                match rustix::process::getppid() == Some(us) {
                    true => Ok(()),
                    false => Err(std::io::ErrorKind::BrokenPipe.into()),
                }
            });
        }
        let mut process = start.spawn().map_err(|source| ProxyError::Spawn {
            command: program.to_string_lossy().into_owned(),
            source,
        })?;
        Ok(Self {
            stdin: process.stdin.take(),
            stdout: process.stdout.take(),
            process,
        })
    }

    pub(super) fn group(&self) -> Group {
        Group(
            i32::try_from(self.process.id())
                .ok()
                .and_then(Pid::from_raw),
        )
    }

    pub(super) fn wait(&mut self) -> Option<ExitStatus> {
        self.process.wait().ok()
    }
}

/// The server's process group: a launcher such as `npx` and all that it started.
#[derive(Clone, Copy)]
pub(super) struct Group(Option<Pid>);

impl Group {
    /// Sends a signal; a group that is gone is what was wanted.
    pub(super) fn signal(self, signal: Signal) {
        if let Some(pid) = self.0 {
            let _ = kill_process_group(pid, signal);
        }
    }
}

/// The code a shell would report: the exit code, or 128 and the signal.
pub(super) fn code(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(1);
    u8::try_from(code & 0xff).unwrap_or(1)
}
