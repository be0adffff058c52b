//! `pins`: what each server was when it was last allowed, and accepting what it became.

use super::client::{self, Missing};
use super::escape::excerpt;
use super::exit::{Exit, Failure, home};
use super::moment;
use super::terminal::{Terminal, complain};
use crate::daemon::pins::Pin;
use crate::wire::Control;
use serde::Deserialize;
use serde_json::Value;
use std::io::{BufRead, IsTerminal, Read, Write};

/// Show what each server was when it last started, or accept what it became
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    List(ListArgs),
    Accept(AcceptArgs),
    Reset(ResetArgs),
}

/// List every pinned server: package, version and file, and what was refused since
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  clawdefender pins list\n  clawdefender pins list --json")]
struct ListArgs {}

/// Accept what a server became: exactly what was refused starts from now on
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  clawdefender pins accept github

Needs a terminal that was not opened by an agent's program, and asks for the name once more.")]
struct AcceptArgs {
    /// The server's name
    server: String,
}

/// Begin anew when the pins can't be read
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  clawdefender pins reset

The next allowed launch of each server pins it. Needs a terminal that was not opened by an agent's
program.")]
struct ResetArgs {}

pub fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    match &args.verb {
        Verb::List(_) => list(terminal),
        Verb::Accept(args) => accept(args, terminal),
        Verb::Reset(_) => reset(terminal),
    }
}

fn list(terminal: &Terminal) -> anyhow::Result<Exit> {
    let answer = client::ask(&home()?, Control::Pins, Missing::Report)?;
    if terminal.json {
        terminal.object(answer)?;
        return Ok(Exit::Done);
    }
    let pins = read(&answer)?;
    if pins.is_empty() {
        terminal.say("no server is pinned yet: the first launch that is allowed does it");
    }
    for pin in &pins {
        terminal.data(&row(pin))?;
    }
    Ok(Exit::Done)
}

fn accept(args: &AcceptArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    let home = home()?;
    person()?;
    let pins = read(&client::ask(&home, Control::Pins, Missing::Report)?)?;
    let mut refused = pins
        .iter()
        .filter(|pin| pin.server == args.server && pin.refused.is_some())
        .peekable();
    if refused.peek().is_none() {
        let message = "no launch of this server was refused because it had changed";
        return Err(Failure::new(Exit::No, "refused", message)
            .hint("clawdefender pins list")
            .into());
    }
    for pin in refused {
        complain(&row(pin));
    }
    confirmed("the server's name", &args.server)?;
    let server = args.server.clone();
    let done = client::ask(&home, Control::PinAccept { server }, Missing::Report)?;
    if terminal.json {
        terminal.object(done)?;
        return Ok(Exit::Done);
    }
    for pin in read(&done)? {
        terminal.data(&format!(
            "{} accepted: {}",
            terminal.ink.green("✔"),
            row(&pin)
        ))?;
    }
    Ok(Exit::Done)
}

fn reset(terminal: &Terminal) -> anyhow::Result<Exit> {
    let home = home()?;
    person()?;
    complain("What every server was before is forgotten. The next launch of each pins it.");
    confirmed("\"reset\"", "reset")?;
    let done = client::ask(&home, Control::PinsReset, Missing::Report)?;
    if terminal.json {
        terminal.object(done)?;
    } else {
        terminal.data(&format!("{} pins begun anew", terminal.ink.green("✔")))?;
    }
    Ok(Exit::Done)
}

fn person() -> anyhow::Result<()> {
    if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        return Ok(());
    }
    let message = "this is done by a person at a terminal";
    Err(Failure::new(Exit::Human, "terminal", message).into())
}

/// Asks for a word once more and reads at most one short line.
fn confirmed(what: &str, word: &str) -> anyhow::Result<()> {
    const MAX_LINE_BYTES: u64 = 4096;
    let mut out = std::io::stderr().lock();
    write!(out, "Type {what} to go on: ")?;
    out.flush()?;
    let mut typed = String::new();
    std::io::stdin()
        .lock()
        .take(MAX_LINE_BYTES)
        .read_line(&mut typed)?;
    if typed.trim() == word {
        return Ok(());
    }
    let message = "it was not typed, so nothing was changed";
    Err(Failure::new(Exit::Human, "not-confirmed", message).into())
}

fn read(answer: &Value) -> anyhow::Result<Vec<Pin>> {
    let pins = answer.get("pins").unwrap_or(&Value::Null);
    Ok(Vec::deserialize(pins)?)
}

fn row(pin: &Pin) -> String {
    let mut line = format!(
        "{} · {} · since {}",
        excerpt(&pin.server, 80),
        what(pin),
        moment::local(pin.since_ms)
    );
    if let Some(refused) = &pin.refused {
        let at = moment::local(refused.since_ms);
        line.push_str(&format!(" · refused {at}: {}", what(refused)));
    }
    line
}

/// Package or file, and the beginning of its digest.
fn what(pin: &Pin) -> String {
    let name = pin.package.as_deref().unwrap_or(&pin.subject);
    let mut text = excerpt(name, 200);
    if let Some(digest) = pin.sha256.as_deref().and_then(|digest| digest.get(..12)) {
        text.push_str(&format!(" ({digest}…)"));
    }
    text
}
