//! `pins`: what each server was when it was last allowed, and accepting what it became.

use super::client::{self, Missing};
use super::escape::excerpt;
use super::exit::{Exit, Failure, home};
use super::moment;
use super::person;
use super::terminal::{Terminal, complain};
use crate::daemon::pins::{Pin, What};
use crate::wire::Control;
use serde::Deserialize;
use serde_json::Value;

/// Show what each server was when it last started, or accept what it became
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    List(ListArgs),
    Accept(ServerArgs),
    #[command(about = "Forget a server; its next allowed launch pins it anew")]
    Remove(ServerArgs),
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
  clawdefender pins remove github

Needs a terminal that was not opened by an agent's program, and asks for the name once more.")]
struct ServerArgs {
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
        Verb::Remove(args) => remove(args, terminal),
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

fn accept(args: &ServerArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    let home = home()?;
    person::at_terminal()?;
    let pins = read(&client::ask(&home, Control::Pins, Missing::Report)?)?;
    let refused: Vec<&Pin> = pins
        .iter()
        .filter(|pin| pin.server == args.server && pin.refused.is_some())
        .collect();
    if refused.is_empty() {
        let message = "no launch of this server was refused because it had changed";
        return Err(Failure::new(Exit::No, "refused", message)
            .hint("clawdefender pins list")
            .into());
    }
    for pin in &refused {
        complain(&row(pin));
    }
    person::types("the server's name", &args.server)?;
    let control = Control::PinAccept {
        server: args.server.clone(),
        // Just this, whatever happened while it was read.
        seen: refused
            .iter()
            .filter_map(|pin| pin.refused.clone())
            .collect(),
    };
    let done = client::ask(&home, control, Missing::Report)?;
    if terminal.json {
        terminal.object(done)?;
        return Ok(Exit::Done);
    }
    for pin in read(&done)? {
        let done = terminal.ink.green("✔");
        terminal.data(&format!("{done} accepted: {}", row(&pin)))?;
    }
    Ok(Exit::Done)
}

fn remove(args: &ServerArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    let home = home()?;
    person::at_terminal()?;
    complain("What this server was before is forgotten. Its next allowed launch pins it.");
    person::types("the server's name", &args.server)?;
    let server = args.server.clone();
    let done = client::ask(&home, Control::PinRemove { server }, Missing::Report)?;
    if terminal.json {
        terminal.object(done)?;
    } else {
        let done = terminal.ink.green("✔");
        terminal.data(&format!("{done} forgotten: {}", excerpt(&args.server, 80)))?;
    }
    Ok(Exit::Done)
}

fn reset(terminal: &Terminal) -> anyhow::Result<Exit> {
    let home = home()?;
    person::at_terminal()?;
    complain("What every server was before is forgotten. The next launch of each pins it.");
    person::types("\"reset\"", "reset")?;
    let done = client::ask(&home, Control::PinsReset, Missing::Report)?;
    if terminal.json {
        terminal.object(done)?;
    } else {
        terminal.data(&format!("{} pins begun anew", terminal.ink.green("✔")))?;
    }
    Ok(Exit::Done)
}

fn read(answer: &Value) -> anyhow::Result<Vec<Pin>> {
    let pins = answer.get("pins").unwrap_or(&Value::Null);
    Ok(Vec::deserialize(pins)?)
}

fn row(pin: &Pin) -> String {
    let mut line = excerpt(&pin.server, 80);
    for accepted in pin.accepted.iter().rev() {
        let since = moment::local(accepted.at_ms);
        line.push_str(&format!("\n  {} · since {since}", what(pin, accepted)));
    }
    if let Some(refused) = &pin.refused {
        let at = moment::local(refused.at_ms);
        line.push_str(&format!("\n  {} · refused {at}", what(pin, refused)));
    }
    line
}

/// Package, file and digest, as far as they are known.
fn what(pin: &Pin, what: &What) -> String {
    let package = what.named.as_deref().or(what.package.as_deref());
    let mut text = excerpt(package.unwrap_or(&pin.subject), 200);
    if let Some(entry) = &what.entry {
        text.push_str(&format!(" · {}", excerpt(entry, 200)));
    }
    if let Some(digest) = &what.sha256 {
        text.push_str(&format!(" · SHA-256 {}", excerpt(digest, 64)));
    }
    text
}
