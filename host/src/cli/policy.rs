//! `policy`: checking the file before it is in force, and converting an old one.

use super::escape::escape;
use super::exit::{Exit, Failure, home};
use super::terminal::Terminal;
use crate::daemon::DaemonError;
use crate::daemon::chains::{self, ChainsError};
use crate::policy::{Policy, PolicyError, import};
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Check or convert policy files
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Say everything that is wrong with a policy file
    #[command(after_help = "\
Examples:
  clawdefender policy check
  clawdefender policy check ./policy.toml --json

Ends with 3 when the file would be refused.")]
    Check {
        /// Default: the policy.toml that is in force
        file: Option<PathBuf>,
    },
    /// Say what is wrong with a file of your own kill chains, as the daemon would at its start
    #[command(after_help = "\
Examples:
  clawdefender policy check-chains
  clawdefender policy check-chains ./chains.toml --json

Ends with 3 when the daemon would refuse the file.")]
    CheckChains {
        /// Default: the `chains_file` that config.toml names
        file: Option<PathBuf>,
    },
    /// Convert a policy of the predecessor; prints the new one for you to review
    #[command(after_help = "Examples:\n  clawdefender policy import old.toml > policy.toml")]
    Import { file: PathBuf },
}

pub fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    match &args.verb {
        Verb::Check { file } => check(file.as_deref(), terminal),
        Verb::CheckChains { file } => check_chains(file.as_deref(), terminal),
        Verb::Import { file } => convert(file, terminal),
    }
}

fn check(file: Option<&Path>, terminal: &Terminal) -> anyhow::Result<Exit> {
    let home = home()?;
    let path = file.map_or_else(|| home.policy_file(), Path::to_owned);
    let name = path.display().to_string();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound && file.is_none() => {
            terminal.say(&format!(
                "{name} does not exist; the shipped profile `balanced` is in force"
            ));
            if terminal.json {
                terminal.object(
                    json!({ "ok": true, "file": null, "profile": "balanced", "errors": [] }),
                )?;
            }
            return Ok(Exit::Done);
        }
        Err(error) => return Err(unreadable(&name, &error).into()),
    };
    let errors = Policy::check(&text, &name, home.user());
    if terminal.json {
        let errors: Vec<Value> = errors.iter().map(as_json).collect();
        terminal.object(json!({ "ok": errors.is_empty(), "file": name, "errors": errors }))?;
    } else if errors.is_empty() {
        terminal.data(&sound(&Policy::parse(&text, &name, home.user())?, &name))?;
    } else {
        terminal.data(&errors.iter().map(as_text).collect::<String>())?;
    }
    Ok(if errors.is_empty() {
        Exit::Done
    } else {
        Exit::No
    })
}

fn check_chains(file: Option<&Path>, terminal: &Terminal) -> anyhow::Result<Exit> {
    match chains::check(&home()?, file) {
        Ok(Some(own)) if terminal.json => {
            terminal.object(json!({
                "ok": true, "file": own.path, "chains": own.count(),
                "sha256": own.digest.to_string(), "errors": [],
            }))?;
            Ok(Exit::Done)
        }
        Ok(Some(own)) => {
            terminal.data(&format!("{}, nothing wrong\n", escape(&own.summary())))?;
            Ok(Exit::Done)
        }
        Ok(None) => {
            terminal.say("config.toml names no `chains_file`; the shipped chains are in force");
            if terminal.json {
                terminal.object(json!({ "ok": true, "file": null, "chains": 0, "errors": [] }))?;
            }
            Ok(Exit::Done)
        }
        Err(DaemonError::Chains(error)) => {
            if terminal.json {
                let line = match &error {
                    ChainsError::Invalid { line, .. } => Some(*line),
                    _ => None,
                };
                let error = json!({ "line": line, "message": error.to_string() });
                terminal.object(json!({ "ok": false, "errors": [error] }))?;
            } else {
                terminal.data(&format!("{}\n", escape(&error.to_string())))?;
            }
            Ok(Exit::No)
        }
        Err(error) => Err(error.into()),
    }
}

fn sound(policy: &Policy, name: &str) -> String {
    format!(
        "{}: profile {}, {} rules, nothing wrong\n",
        escape(name),
        policy.profile().word(),
        policy.rules().len()
    )
}

fn as_text(error: &PolicyError) -> String {
    let hint = error
        .hint()
        .map(|hint| format!("  hint: {}\n", escape(&hint)))
        .unwrap_or_default();
    format!("{}\n{hint}", escape(&error.to_string()))
}

fn as_json(error: &PolicyError) -> Value {
    json!({
        "file": error.source_name, "line": error.line, "column": error.column,
        "message": error.problem.to_string(), "hint": error.hint(),
    })
}

fn convert(file: &Path, terminal: &Terminal) -> anyhow::Result<Exit> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(&name, &error))?;
    let imported = import(&text)
        .map_err(|error| Failure::new(Exit::Failed, "import", format!("{name}: {error}")))?;
    if terminal.json {
        terminal.object(json!({ "text": imported.text, "notes": imported.notes }))?;
        return Ok(Exit::Done);
    }
    terminal.data(&imported.text)?;
    for note in &imported.notes {
        terminal.say(&format!("note: {}", escape(note)));
    }
    terminal.say("hint: review it, then check it with: clawdefender policy check FILE");
    Ok(Exit::Done)
}

fn unreadable(name: &str, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Failed, "unreadable", format!("{name}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn errors(text: &str) -> String {
        Policy::check(text, "policy.toml", Path::new("/home/u"))
            .iter()
            .map(as_text)
            .collect()
    }

    #[test]
    fn what_is_wrong_is_shown_with_its_place_and_a_way_out() {
        expect![[r#"
            policy.toml:4:6: rule "a" has no criterion, so it would match everything or nothing
              hint: name at least one value, for example `[rule.match]` with `tool = "write_file"`; to match every message write `server = "*"`
        "#]]
        .assert_eq(&errors("version = 1\nprofile = \"balanced\"\n[[rule]]\nid = \"a\"\naction = \"deny\"\n[rule.match]\n"));
    }

    #[test]
    fn a_sound_file_says_what_it_is() {
        let text = "version = 1\nprofile = \"strict\"\n";
        assert_eq!(errors(text), "");
        let policy = Policy::parse(text, "p", Path::new("/home/u")).unwrap();
        assert!(sound(&policy, "p\u{1b}").starts_with("p⟨U+001B⟩: profile strict, "));
    }
}
