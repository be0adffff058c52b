//! `daemon`: its life cycle. `daemon run` is the only verb that becomes the daemon.

use super::client::{self, Missing};
use super::escape::escape;
use super::exit::{Exit, Failure, home};
use super::moment;
use super::terminal::Terminal;
use crate::config::Home;
use crate::daemon::{DaemonError, Ended};
use crate::proxy;
use crate::wire::Control;
use anyhow::Context;
use serde_json::{Value, json};
use std::io::{ErrorKind, IsTerminal, Read, Seek, SeekFrom};
use std::time::{Duration, Instant};
use tracing_subscriber::EnvFilter;

/// Start, stop and watch the daemon that inspects messages
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Be the daemon, in the foreground, until it is stopped
    #[command(after_help = "\
Examples:
  clawdefender daemon run
  CLAWDEFENDER_LOG=debug clawdefender daemon run")]
    Run,
    /// Start it in the background; it is also started by the first wrapped server
    #[command(after_help = "Examples:\n  clawdefender daemon start")]
    Start,
    /// Stop it; wrapped servers wait, and start it again with their next message
    #[command(after_help = "Examples:\n  clawdefender daemon stop")]
    Stop,
    /// Whether it runs
    #[command(after_help = "Examples:\n  clawdefender daemon status --json")]
    Status,
    /// Show the end of its log
    #[command(
        after_help = "Examples:\n  clawdefender daemon logs\n  clawdefender daemon logs --lines 500"
    )]
    Logs {
        /// How many lines
        #[arg(long, short = 'n', default_value_t = 50)]
        lines: usize,
    },
    /// Compile the component on stdin to stdout; the daemon has this done
    #[command(hide = true)]
    Compile,
}

pub fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    match args.verb {
        Verb::Run => serve(terminal),
        Verb::Start => start(terminal),
        Verb::Stop => stop(terminal),
        Verb::Status => status(terminal),
        Verb::Logs { lines } => logs(lines, terminal),
        Verb::Compile => {
            crate::daemon::compile().map_err(anyhow::Error::msg)?;
            Ok(Exit::Done)
        }
    }
}

fn serve(terminal: &Terminal) -> anyhow::Result<Exit> {
    log_to_stderr()?;
    match crate::daemon::run(&home()?) {
        Ok(Ended::Stopped) => {}
        Ok(Ended::AlreadyRunning) => terminal.say("another daemon is running; it stays"),
        Err(error) => return Err(failure(error)),
    }
    Ok(Exit::Done)
}

fn failure(error: DaemonError) -> anyhow::Error {
    let hint = match &error {
        DaemonError::Policy(_) => "clawdefender policy check",
        DaemonError::Chains(_) => "clawdefender policy check-chains",
        DaemonError::Audit(_) => "clawdefender audit verify",
        _ => return error.into(),
    };
    Failure::new(Exit::Failed, "daemon", error.to_string())
        .hint(hint)
        .into()
}

/// Logs go to stderr in every verb, never to stdout: in `proxy` that is the MCP stream.
pub fn log_to_stderr() -> anyhow::Result<()> {
    let wanted = std::env::var("CLAWDEFENDER_LOG")
        .ok()
        .filter(|wanted| !wanted.is_empty());
    let filter = EnvFilter::try_new(wanted.as_deref().unwrap_or("info")).map_err(|error| {
        Failure::new(
            Exit::Usage,
            "log-filter",
            format!("CLAWDEFENDER_LOG: {error}"),
        )
        .hint("export CLAWDEFENDER_LOG=info")
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init()
        .map_err(|error| anyhow::anyhow!("{error}"))
}

fn start(terminal: &Terminal) -> anyhow::Result<Exit> {
    let home = home()?;
    let was_running = proxy::connect(&home).is_ok();
    let status = client::ask(&home, Control::Status, Missing::Start)?;
    terminal.say(if was_running {
        "the daemon was already running"
    } else {
        "the daemon is running"
    });
    show(&status, terminal)
}

fn status(terminal: &Terminal) -> anyhow::Result<Exit> {
    let status = client::ask(&home()?, Control::Status, Missing::Report)?;
    if let Some(note) = client::other_version(&status) {
        terminal.say(&note);
    }
    show(&status, terminal)
}

fn show(status: &Value, terminal: &Terminal) -> anyhow::Result<Exit> {
    let field = |name: &str| status.get(name).cloned().unwrap_or_default();
    if terminal.json {
        let facts = json!({
            "running": true, "pid": field("pid"), "version": field("version"),
            "up_ms": field("up_ms"), "api": field("api"),
        });
        terminal.object(facts)?;
    } else {
        terminal.data(&line(status))?;
    }
    Ok(Exit::Done)
}

fn line(status: &Value) -> String {
    let version = status
        .get("version")
        .and_then(Value::as_str)
        .unwrap_or("unknown");
    let number = |name: &str| status.get(name).and_then(Value::as_u64).unwrap_or_default();
    let api = |name: &str| status.pointer(name).and_then(Value::as_str).map(escape);
    let api = match (api("/api/address"), api("/api/error")) {
        (Some(address), _) => address,
        (None, Some(error)) => format!("not served: {error}"),
        (None, None) => "not served yet".to_owned(),
    };
    format!(
        "daemon {} · process {} · up {} · API {api}",
        escape(version),
        number("pid"),
        moment::span(number("up_ms")),
    )
}

fn stop(terminal: &Terminal) -> anyhow::Result<Exit> {
    let home = home()?;
    match client::ask(&home, Control::Stop, Missing::Report) {
        Err(failure) if failure.code == "daemon-unreachable" => {
            terminal.say("the daemon was not running")
        }
        Err(failure) => return Err(failure.into()),
        Ok(_) => {
            wait_until_gone(&home)?;
            terminal.say("the daemon has stopped");
        }
    }
    if terminal.json {
        terminal.object(json!({ "running": false }))?;
    }
    Ok(Exit::Done)
}

/// Until its lock is free: a `daemon start` right after must not meet the old one.
fn wait_until_gone(home: &Home) -> Result<(), Failure> {
    let until = Instant::now() + Duration::from_secs(15);
    while Instant::now() < until {
        let lock = std::fs::File::open(home.lock_file());
        if lock.map_or(true, |lock| lock.try_lock().is_ok()) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Err(Failure::new(
        Exit::Failed,
        "still-running",
        "the daemon was asked to stop but still answers",
    )
    .hint("clawdefender daemon logs"))
}

/// The most that is read from the end of a log.
const MAX_LOG_BYTES: u64 = 4 << 20;

fn logs(lines: usize, terminal: &Terminal) -> anyhow::Result<Exit> {
    let path = home()?.log_file();
    let mut file = match std::fs::File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            terminal.say(&format!("no log yet: {}", path.display()));
            return Ok(Exit::Done);
        }
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    };
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(MAX_LOG_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(MAX_LOG_BYTES).read_to_end(&mut bytes)?;
    for line in tail(&String::from_utf8_lossy(&bytes), lines) {
        if terminal.closed() {
            break;
        }
        if terminal.json {
            terminal.object(json!({ "line": line }))?;
        } else {
            terminal.data(&escape(line))?;
        }
    }
    Ok(Exit::Done)
}

fn tail(text: &str, lines: usize) -> impl Iterator<Item = &str> {
    let skip = text.lines().count().saturating_sub(lines);
    text.lines().skip(skip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_which_daemon_runs_and_whether_its_api_does() {
        let line = |api: Value| {
            line(&json!({ "version": "0.1.0", "pid": 42, "up_ms": 7_300_000, "api": api }))
        };
        let start = "daemon 0.1.0 · process 42 · up 2 h · API ";
        assert_eq!(
            line(json!({ "address": "127.0.0.1:3202" })),
            format!("{start}127.0.0.1:3202")
        );
        assert_eq!(
            line(json!({ "error": "in\nuse" })),
            format!("{start}not served: in⟨U+000A⟩use")
        );
        assert_eq!(line(Value::Null), format!("{start}not served yet"));
    }

    #[test]
    fn the_last_lines_are_shown_however_many_there_are() {
        assert_eq!(tail("a\nb\nc\n", 2).collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!(tail("a\n", 50).collect::<Vec<_>>(), ["a"]);
        assert_eq!(tail("", 5).count(), 0);
    }
}
