//! Reaching the daemon: connecting, starting it when it is missing, introducing ourselves.

use crate::config::{ConfigError, Home};
use crate::event::Launch;
use crate::wire::{self, FromDaemon, Hello, ToDaemon, Welcome, WireError, peer};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a daemon may take until it answers. Compiling the detectors for the first time takes
/// some seconds each on a slow machine.
const START_TIMEOUT: Duration = Duration::from_secs(60);

const POLL: Duration = Duration::from_millis(10);

/// Between two starts, while another daemon holds the lock.
const RETRY: Duration = Duration::from_millis(100);

#[derive(Debug, thiserror::Error)]
pub enum ContactError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("the daemon could not be started: {0}")]
    Start(std::io::Error),
    #[error("{}: {source}", path.display())]
    Unusable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the daemon ended while it was starting: {why}; its log is {log}")]
    Ended { why: String, log: String },
    #[error("the daemon did not answer within {} s; its log is {log}", START_TIMEOUT.as_secs())]
    Silent { log: String },
    #[error(
        "the daemon speaks protocol {theirs}, this program {}; restart it with `clawdefender daemon stop`",
        wire::PROTOCOL
    )]
    Protocol { theirs: u32 },
    #[error("the socket belongs to another user")]
    Stranger,
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Who this shim is; the same for every connection it makes.
#[derive(Clone)]
pub(super) struct Greeting {
    pub link: String,
    pub server: String,
    pub launch: Launch,
    /// Who started us, as [`parent`] said at once.
    pub parent: i32,
    /// Our program, as it was called when we started. One that was replaced since has another name
    /// to the system ("… (deleted)"), and this one names its successor.
    pub program: PathBuf,
}

/// The process above us. It is another one when the one that started us is gone.
pub(super) fn parent() -> i32 {
    rustix::process::getppid().map_or(0, |parent| parent.as_raw_nonzero().get())
}

/// Connects to a running daemon.
///
/// # Errors
/// [`ContactError::Io`] when there is none; [`ContactError::Stranger`] when the socket is not ours.
pub fn connect(home: &Home) -> Result<UnixStream, ContactError> {
    let stream = UnixStream::connect(home.socket()?)?;
    if !peer::is_us(peer::of(&stream)?) {
        return Err(ContactError::Stranger);
    }
    Ok(stream)
}

/// Connects, starting the daemon when none answers. Several shims may do so at once: the daemon's
/// lock lets one of theirs live, and all of them wait for its socket.
///
/// # Errors
/// [`ContactError`] when no daemon can be had.
pub fn ensure_daemon(home: &Home) -> Result<UnixStream, ContactError> {
    ensure(home, &std::env::current_exe().unwrap_or_default())
}

/// The same, with the program to start.
fn ensure(home: &Home, program: &Path) -> Result<UnixStream, ContactError> {
    match connect(home) {
        Ok(stream) => return Ok(stream),
        Err(ContactError::Io(_)) => {}
        Err(error) => return Err(error),
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(home.run_dir())
        .map_err(|source| ContactError::Unusable {
            path: home.run_dir(),
            source,
        })?;
    let log_path = home.log_file();
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&log_path)
        .map_err(|source| ContactError::Unusable {
            path: log_path.clone(),
            source,
        })?;
    let before = log.metadata().map_or(0, |facts| facts.len());
    let log_path = log_path.display().to_string();
    let start = || {
        Command::new(program)
            .args(["daemon", "run"])
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.try_clone()?)
            .spawn()
    };
    let mut daemon = start().map_err(ContactError::Start)?;
    let until = Instant::now() + START_TIMEOUT;
    while Instant::now() < until {
        match connect(home) {
            Ok(stream) => {
                // Reaped here if it ends before we do, so that it never stays behind as a zombie.
                std::thread::spawn(move || daemon.wait());
                return Ok(stream);
            }
            Err(ContactError::Io(_)) => {}
            Err(error) => return Err(error),
        }
        match daemon.try_wait().map_err(ContactError::Start)? {
            // Another daemon held the lock. It is about to listen, or it was killed and had not let
            // go yet; then nobody would ever listen, so we try again.
            Some(status) if status.success() => {
                std::thread::sleep(RETRY);
                daemon = start().map_err(ContactError::Start)?;
            }
            Some(_) => {
                let why = last_error(home, before);
                return Err(ContactError::Ended { why, log: log_path });
            }
            None => {}
        }
        std::thread::sleep(POLL);
    }
    Err(ContactError::Silent { log: log_path })
}

/// What a daemon that just ended said of it, in the part of the log after `before` bytes.
fn last_error(home: &Home, before: u64) -> String {
    const MAX_BYTES: u64 = 64 << 10;
    let read = || {
        let mut file = std::fs::File::open(home.log_file())?;
        file.seek(SeekFrom::Start(before))?;
        let mut said = Vec::new();
        file.take(MAX_BYTES).read_to_end(&mut said)?;
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&said).into_owned())
    };
    let said = read().unwrap_or_default();
    let mut errors = said.lines().filter_map(|line| line.strip_prefix("error: "));
    let why = errors.next_back().unwrap_or("it does not say why");
    why.chars().filter(|c| !c.is_control()).take(400).collect()
}

/// How long a shim tries to be heard by one daemon after another.
const GREET_PATIENCE: Duration = Duration::from_secs(30);

/// [`greet`], again and again while daemons end before they answer: one that is stopped or killed
/// in this very moment is no reason to refuse a session.
pub(super) fn greet_patiently(
    home: &Home,
    greeting: &Greeting,
) -> Result<(UnixStream, Welcome), ContactError> {
    let since = Instant::now();
    loop {
        match greet(home, greeting, Standing::New, Vec::new()) {
            Err(ContactError::Wire(WireError::Closed | WireError::Io(_)))
                if since.elapsed() < GREET_PATIENCE =>
            {
                std::thread::sleep(RETRY);
            }
            outcome => return outcome,
        }
    }
}

/// Where a link stands when it is introduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    New,
    /// The server runs.
    Running,
    /// The server was never started.
    Refused,
}

/// Introduces a link and hears whether its server may start.
pub(super) fn greet(
    home: &Home,
    greeting: &Greeting,
    standing: Standing,
    tickets: Vec<(String, String)>,
) -> Result<(UnixStream, Welcome), ContactError> {
    let mut stream = ensure(home, &greeting.program)?;
    let hello = Hello {
        protocol: wire::PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        parent: Some(greeting.parent).filter(|first| *first == parent()),
        link: greeting.link.clone(),
        server: greeting.server.clone(),
        launch: greeting.launch.clone(),
        resumed: standing != Standing::New,
        refused: standing == Standing::Refused,
        tickets,
    };
    wire::write_message(&mut stream, &ToDaemon::Hello(Box::new(hello)))?;
    match wire::read_message(&mut stream)? {
        FromDaemon::Welcome(welcome) if welcome.protocol == wire::PROTOCOL => Ok((stream, welcome)),
        FromDaemon::Welcome(welcome) => Err(ContactError::Protocol {
            theirs: welcome.protocol,
        }),
        _ => Err(WireError::Malformed("not a welcome").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_program_that_stands_in_our_place_is_started() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("c"), folder.path());
        let program = folder.path().join("clawdefender");
        let upgrade = "#!/bin/sh\necho \"error: upgraded: $*\" >&2\nexit 1\n";
        std::fs::write(&program, upgrade).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o700)).unwrap();
        let greeting = Greeting {
            link: "l".into(),
            server: "s".into(),
            launch: Launch::default(),
            parent: parent(),
            program,
        };
        let refused = greet(&home, &greeting, Standing::Running, Vec::new());
        match refused {
            Err(ContactError::Ended { why, .. }) => assert_eq!(why, "upgraded: daemon run"),
            other => panic!("{other:?}"),
        }
        let gone = Greeting {
            program: folder.path().join("gone"),
            ..greeting
        };
        let refused = greet(&home, &gone, Standing::Running, Vec::new());
        assert!(
            matches!(refused, Err(ContactError::Start(_))),
            "{refused:?}"
        );
    }
}
