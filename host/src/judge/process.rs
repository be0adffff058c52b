//! What the system tells of a process, and what kind of program it is.

use crate::link::Client;
use std::path::PathBuf;

/// Shells that clients put between themselves and a server.
const SHELLS: &[&str] = &[
    "sh", "ash", "bash", "csh", "dash", "elvish", "fish", "ksh", "ksh93", "mksh", "nu", "oksh",
    "osh", "pwsh", "tcsh", "yash", "zsh",
];

/// What else stands between a client and a server and starts nothing but it: with a time limit, as
/// another user, or with secrets in its environment.
const WRAPPERS: &[&str] = &[
    "aws-vault",
    "doas",
    "doppler",
    "dotenvx",
    "infisical",
    "op",
    "script",
    "setsid",
    "sops",
    "su",
    "sudo",
    "teller",
    "timeout",
];

/// Through which a person comes to a shell.
const DOORS: &[&str] = &[
    "abduco",
    "dtach",
    "login",
    "mosh-server",
    "screen",
    "sshd",
    "sshd-session",
    "tmux",
    "zellij",
];

/// Programs that take in whoever lost their parent, or are process 1, without being a client.
const FIRST: &[&str] = &[
    "systemd",
    "init",
    "launchd",
    "tini",
    "dumb-init",
    "docker-init",
    "catatonit",
    "runit",
    "s6-svscan",
    "supervisord",
    "sleep",
    "tail",
    "pause",
];

/// Programs of which two that run say nothing about each other: each runs a program of its own.
const INTERPRETERS: &[&str] = &["java", "perl", "python", "pypy", "ruby"];

/// More ancestors than any process has that somebody works with.
pub(super) const MAX_ANCESTORS: usize = 64;

#[derive(Clone)]
pub(super) struct Process {
    pub pid: i32,
    pub parent: i32,
    /// What it calls itself.
    pub name: String,
    /// The name of the file that runs, where the system tells; else what it calls itself.
    program: String,
    /// Clock ticks since boot: tells a process from a later one with the same number.
    pub started: u64,
    session: i32,
    has_terminal: bool,
}

impl Process {
    pub fn client(&self) -> Client {
        Client {
            label: format!("{}[{}]", self.name, self.pid),
            // A process can call itself anything, at any time; these two stay.
            key: format!("[{}]@{}", self.pid, self.started),
        }
    }

    /// It, its parent, and so on.
    pub fn line(pid: i32) -> impl Iterator<Item = Self> {
        std::iter::successors(Self::read(pid), |process| Self::read(process.parent))
            .take(MAX_ANCESTORS)
    }

    /// Whether a terminal gave it a session: who started it is no client.
    pub fn leads_terminal(&self) -> bool {
        self.session == self.pid && self.has_terminal
    }

    pub fn is_shell(&self) -> bool {
        SHELLS.contains(&self.program.as_str())
    }

    pub fn is_wrapper(&self) -> bool {
        self.is_shell() || WRAPPERS.contains(&self.program.as_str())
    }

    pub fn is_door(&self) -> bool {
        DOORS.contains(&self.program.as_str())
    }

    pub fn is_first(&self) -> bool {
        FIRST.contains(&self.program.as_str())
    }

    /// Its ancestors in its session that are processes of the same program: editors are several, of
    /// which one starts servers and another shells.
    pub fn same_program(&self) -> Vec<i32> {
        let apart = |name: &&str| self.program.starts_with(*name);
        if self.is_shell() || self.is_door() || INTERPRETERS.iter().any(apart) {
            return Vec::new();
        }
        let file = |pid: i32| std::fs::read_link(format!("/proc/{pid}/exe")).ok();
        let Some(own) = file(self.pid) else {
            return Vec::new();
        };
        Self::line(self.parent)
            .take_while(|above| {
                above.pid > 1
                    && above.session == self.session
                    && file(above.pid).as_ref() == Some(&own)
            })
            .map(|above| above.pid)
            .collect()
    }

    /// Whether it sees the same processes as this one, by the same numbers. Not when nobody tells.
    pub fn counts_as_we_do(&self) -> bool {
        let space = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/pid"));
        match (space(&self.pid.to_string()), space("self")) {
            (Ok(its), Ok(ours)) => its == ours,
            _ => false,
        }
    }

    #[cfg(target_os = "linux")]
    pub fn read(pid: i32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // Source: proc_pid_stat(5). The name is in parentheses and may hold anything.
        let open = stat.find('(')?;
        let close = stat.rfind(')')?;
        let name: String = stat
            .get(open + 1..close)?
            .chars()
            .filter(|c| c.is_ascii_graphic())
            .take(32)
            .collect();
        let fields: Vec<&str> = stat.get(close + 1..)?.split_ascii_whitespace().collect();
        let number = |index: usize| {
            fields
                .get(index)
                .and_then(|field| field.parse::<i64>().ok())
        };
        Some(Self {
            pid,
            parent: i32::try_from(number(1)?).ok()?,
            program: program(pid).unwrap_or_else(|| name.clone()),
            name,
            started: u64::try_from(number(19)?).ok()?,
            session: i32::try_from(number(3)?).ok()?,
            has_terminal: number(4)? != 0,
        })
    }

    #[cfg(not(target_os = "linux"))]
    pub fn read(_pid: i32) -> Option<Self> {
        None
    }
}

/// The name of the file that a process runs. Of another user's process it is not told, and a program
/// of many names (busybox) is the one that it is called.
#[cfg(target_os = "linux")]
fn program(pid: i32) -> Option<String> {
    let file: PathBuf = std::fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    let name = file.file_name()?.to_str()?;
    // Replaced while it runs. Source: proc_pid_exe(5).
    let name = name.strip_suffix(" (deleted)").unwrap_or(name);
    (name != "busybox" && name != "toybox").then(|| name.to_owned())
}
