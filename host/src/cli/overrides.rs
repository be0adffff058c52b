//! `override`: accepting one advisory about one package, for a while.
//!
//! Only a person at a terminal makes one: the daemon refuses what an agent's program started, and
//! here the advisory's id must be typed again. Removing one needs no person, because it can only
//! make things stricter.

use super::client::{self, Missing};
use super::escape::{escape, excerpt};
use super::exit::{Exit, Failure, home};
use super::moment;
use super::package::line;
use super::person;
use super::terminal::{Terminal, complain};
use crate::daemon::inspector::Opened;
use crate::daemon::overrides::MAX_DAYS;
use crate::policy::Override;
use crate::wire::Control;
use serde::Deserialize;
use serde_json::Value;

/// Accept one advisory about one package for a while, or take that back
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    Add(AddArgs),
    List(ListArgs),
    Remove(RemoveArgs),
}

/// Accept an advisory: its finding is recorded as overridden and no longer counts
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  clawdefender override add CVE-2025-6514 npm:mcp-remote@0.1.10 --days 14 --reason 'only our own URL'

The package is the one that `clawdefender package check` shows beside the finding, version included.
Needs a terminal that was not opened by an agent's program, and asks for the id once more.")]
struct AddArgs {
    /// The advisory's id: CVE-…, GHSA-…, MAL-…
    advisory: String,
    /// ECOSYSTEM:NAME@VERSION
    package: String,
    /// Why it does not matter here; kept and recorded
    #[arg(long)]
    reason: String,
    /// When it ends
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_DAYS)))]
    days: u32,
}

/// List what is overridden, why, and until when
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  clawdefender override list\n  clawdefender override list --json"
)]
struct ListArgs {}

/// End an override now
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  clawdefender override remove c7f2kq3a")]
struct RemoveArgs {
    /// The override's id
    id: String,
}

pub fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    match &args.verb {
        Verb::Add(args) => add(args, terminal),
        Verb::List(_) => list(terminal),
        Verb::Remove(args) => remove(args, terminal),
    }
}

fn add(args: &AddArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    let home = home()?;
    person::at_terminal()?;
    // A daemon that is not there is said before anybody types.
    client::ask(&home, Control::Overrides, Missing::Report)?;
    let opened = Opened::open(&home, None)?;
    let (ecosystem, name) = args.package.split_once(':').unwrap_or_default();
    let answer = opened.package(ecosystem, name);
    let mut about = answer.findings.iter().filter(|finding| {
        finding.package.as_ref() == Some(&args.package) && finding.refs.contains(&args.advisory)
    });
    let Some(finding) = about.next() else {
        let message = "no advisory of this id is found for exactly this package";
        return Err(Failure::new(Exit::No, "refused", message)
            .hint("clawdefender package check PACKAGE")
            .into());
    };
    complain(&format!(
        "{}\nFor {} days this will not count for {}, for every client and server. Reason: {}",
        line(finding),
        args.days,
        escape(&args.package),
        excerpt(&args.reason, 300),
    ));
    person::types("the advisory's id", &args.advisory)?;
    let control = Control::OverrideAdd {
        advisory: args.advisory.clone(),
        package: args.package.clone(),
        reason: args.reason.clone(),
        days: args.days,
    };
    let done = client::ask(&home, control, Missing::Report)?;
    show(done, "overridden", terminal)
}

fn list(terminal: &Terminal) -> anyhow::Result<Exit> {
    let answer = client::ask(&home()?, Control::Overrides, Missing::Report)?;
    if terminal.json {
        terminal.object(answer)?;
        return Ok(Exit::Done);
    }
    let overrides = answer.get("overrides").and_then(Value::as_array);
    let overrides = overrides.map(Vec::as_slice).unwrap_or_default();
    if overrides.is_empty() {
        terminal.say("nothing is overridden");
    }
    for one in overrides {
        let in_force = one.get("in_force").and_then(Value::as_bool) == Some(true);
        terminal.data(&row(&read(one)?, in_force))?;
    }
    Ok(Exit::Done)
}

fn remove(args: &RemoveArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    let control = Control::OverrideRemove {
        id: args.id.clone(),
    };
    let done = client::ask(&home()?, control, Missing::Report)?;
    show(done, "removed", terminal)
}

fn show(done: Value, word: &str, terminal: &Terminal) -> anyhow::Result<Exit> {
    if terminal.json {
        terminal.object(done)?;
        return Ok(Exit::Done);
    }
    let one = read(done.get("override").unwrap_or(&Value::Null))?;
    terminal.data(&format!(
        "{} {word}: {}",
        terminal.ink.green("✔"),
        row(&one, true)
    ))?;
    Ok(Exit::Done)
}

/// `in_force` stands beside the members of an override in a list.
fn read(value: &Value) -> anyhow::Result<Override> {
    let mut value = value.clone();
    if let Some(members) = value.as_object_mut() {
        members.remove("in_force");
    }
    Ok(Override::deserialize(value)?)
}

fn row(one: &Override, in_force: bool) -> String {
    let end = moment::local(one.expires_ms);
    let end = match in_force {
        true => format!("until {end}"),
        false => format!("ended {end}"),
    };
    format!(
        "{} {} {} · {end} · {} · {}",
        excerpt(&one.id, 40),
        excerpt(&one.advisory, 64),
        excerpt(&one.package, 200),
        excerpt(&one.by, 80),
        excerpt(&one.reason, 300)
    )
}
