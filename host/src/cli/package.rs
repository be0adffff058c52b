//! `package check`: what the threat data knows about packages, without a daemon.
//!
//! The answer is the detector's, by the same way as `inspect`. "No data" is an answer of its own: a
//! list of what is bad can't say that something is good.

use super::escape::{escape, excerpt};
use super::exit::{Exit, Failure, home};
use super::purl::{self, Named};
use super::terminal::{Ink, Terminal};
use crate::daemon::inspector::{Answer, Known, Opened, Source, advisories};
use crate::event::{Finding, Severity};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Packages and what is known about them
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    Check(CheckArgs),
}

/// Ask whether packages are known to be malicious or vulnerable
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  clawdefender package check npm:postmark-mcp@1.0.16
  clawdefender package check pypi:litellm==1.82.8 pkg:npm/%40scope/name@1.2.3

Ecosystems: npm, pypi, oci, jsr, cargo, go, maven, rubygems.
Ends with 3 when one of them is, or may be, known to be bad. \"No data\" means that nobody has
reported it, not that it is harmless.")]
struct CheckArgs {
    /// ECOSYSTEM:NAME@VERSION or a package URL
    #[arg(value_name = "PACKAGE", required = true)]
    packages: Vec<String>,
}

pub fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    let Verb::Check(args) = &args.verb;
    let named = args
        .packages
        .iter()
        .map(|text| purl::read(text).map_err(|why| wrong(text, why)))
        .collect::<Result<Vec<Named>, Failure>>()?;
    let opened = Opened::open(&home()?, None)?;
    let mut checked = Vec::new();
    for (text, named) in args.packages.iter().zip(&named) {
        let answer = opened.package(&named.ecosystem, &named.name);
        checked.push(Checked::of(text, answer)?);
    }
    for warning in &opened.warnings {
        terminal.say(&format!("note: {}", excerpt(warning, 300)));
    }
    let sources = opened.sources();
    let hit = checked.iter().any(Checked::is_hit);
    if terminal.json {
        let packages: Vec<Value> = checked.iter().map(Checked::as_json).collect();
        terminal.object(json!({ "packages": packages, "hit": hit, "sources": sources }))?;
    } else {
        for one in &checked {
            terminal.data(&one.render(terminal.ink))?;
        }
        terminal.say(&told(&sources));
    }
    Ok(if hit { Exit::No } else { Exit::Done })
}

fn wrong(text: &str, why: &str) -> Failure {
    let message = format!("{} can't be looked up: {why}", excerpt(text, 80));
    Failure::new(Exit::Usage, "package", message)
        .hint("clawdefender package check npm:postmark-mcp@1.0.16")
}

/// One package and the answer about it.
struct Checked {
    package: String,
    known: Known,
    answer: Answer,
}

impl Checked {
    /// # Errors
    /// A [`Failure`] when nobody answered: that must never look like "no data".
    fn of(package: &str, answer: Answer) -> Result<Self, Failure> {
        if let Some(fault) = answer.faults.first() {
            let message = format!("{} could not be asked: {}", fault.part, fault.detail);
            return Err(
                Failure::new(Exit::Failed, "detector", message).hint("clawdefender feed status")
            );
        }
        match answer.known {
            Some(Known::Unreadable) => Err(wrong(
                package,
                "its ecosystem is not known, or it names no package of a registry",
            )),
            Some(known) => Ok(Self {
                package: package.to_owned(),
                known,
                answer,
            }),
            None => {
                let message = "no detector of this feed answers questions about packages";
                Err(Failure::new(Exit::Failed, "detector", message)
                    .hint("clawdefender feed update"))
            }
        }
    }

    /// Known to be bad, perhaps known to be bad, or an imitation; and nobody overrode it.
    fn is_hit(&self) -> bool {
        let standing = |finding: &&Finding| finding.overridden.is_none();
        let mut findings = self.answer.findings.iter().filter(standing);
        advisories(&self.answer).next().is_some()
            || findings.any(|finding| finding.severity >= Severity::Medium)
    }

    fn as_json(&self) -> Value {
        let empty = json!([]);
        let findings = self.answer.json.get("findings").unwrap_or(&empty);
        json!({
            "package": self.package,
            "known": self.known,
            "hit": self.is_hit(),
            "decision": self.answer.decision.as_ref().map(|decision| decision.action),
            "findings": findings,
        })
    }

    fn render(&self, ink: Ink) -> String {
        let package = escape(&self.package);
        let (verdict, more) = match self.known {
            Known::Affected => (ink.red("✖ affected"), ""),
            Known::Possible => (
                ink.yellow("? possible"),
                " · name one version to know for certain",
            ),
            Known::NotAffected => (ink.green("✔ not affected"), " · reported in other versions"),
            Known::NoData | Known::Unreadable => (
                ink.yellow("– no data"),
                " · nobody reported it; that does not make it safe",
            ),
        };
        let mut screen = format!("{verdict} {package}{more}\n");
        for finding in &self.answer.findings {
            let _ = writeln!(screen, "  {}", line(finding));
        }
        screen
    }
}

/// A finding on one line: how bad, what it refers to, what it says.
pub(super) fn line(finding: &Finding) -> String {
    let severity = format!("{:?}", finding.severity).to_lowercase();
    let refs = match finding.refs.is_empty() {
        true => String::new(),
        false => format!(" {}", escape(&finding.refs.join(" "))),
    };
    let overridden = finding.overridden.as_ref();
    let overridden = overridden.map_or(String::new(), |id| {
        format!(" · overridden by {}", escape(id))
    });
    format!(
        "{severity}{refs}: {}{overridden}",
        excerpt(&finding.message, 300)
    )
}

/// Which lists were asked.
fn told(sources: &[Source]) -> String {
    let lists: Vec<String> = sources
        .iter()
        .map(|source| {
            format!(
                "{} {} of feed {}",
                excerpt(&source.name, 40),
                excerpt(&source.version, 40),
                excerpt(&source.feed, 40)
            )
        })
        .collect();
    format!("asked: {}", lists.join(", "))
}
