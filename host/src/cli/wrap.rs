//! `wrap` and `unwrap`: routing clients' servers through us, and back. Works without a daemon.

use super::escape::excerpt;
use super::exit::{Exit, Failure, home};
use super::terminal::{Ink, Terminal};
use crate::clients::{self, CLIENTS, Change, ClientError, Entry, Env, Selection, State, Verb};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Route MCP servers of a client through ClawDefender
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  clawdefender wrap --all --dry-run     show what would change
  clawdefender wrap --all
  clawdefender wrap github --client cursor

A server with a URL is wrapped as well, unless its entry has a login that only the client can do.
Quit the client fully and start it again afterwards; closing its window is not enough.")]
pub struct WrapArgs {
    /// Servers by their name in the client's configuration
    #[arg(value_name = "SERVER", required_unless_present = "all")]
    servers: Vec<String>,
    /// Only this client
    #[arg(long, value_parser = ["claude-code", "cursor"])]
    client: Option<String>,
    /// Every server
    #[arg(long, conflicts_with = "servers")]
    all: bool,
    /// Show the change and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// Put servers back as they were; `--all` is the way to uninstall
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  clawdefender unwrap --all
  clawdefender unwrap github")]
pub struct UnwrapArgs {
    /// Servers by their name in the client's configuration
    #[arg(value_name = "SERVER", required_unless_present = "all")]
    servers: Vec<String>,
    /// Only this client
    #[arg(long, value_parser = ["claude-code", "cursor"])]
    client: Option<String>,
    /// Every server
    #[arg(long, conflicts_with = "servers")]
    all: bool,
    /// Show the change and write nothing
    #[arg(long)]
    dry_run: bool,
}

pub fn wrap(args: &WrapArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    let selection = selection(&args.servers, args.client.as_deref());
    change(&env()?, Verb::Wrap, &selection, args.dry_run, terminal)
}

pub fn unwrap(args: &UnwrapArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    let selection = selection(&args.servers, args.client.as_deref());
    change(&env()?, Verb::Unwrap, &selection, args.dry_run, terminal)
}

fn selection(servers: &[String], client: Option<&str>) -> Selection {
    Selection {
        servers: servers.to_vec(),
        clients: client.map(str::to_owned).into_iter().collect(),
    }
}

/// What the outside looks like to the `clients` module.
pub(super) fn env() -> anyhow::Result<Env> {
    let home = home()?;
    Ok(Env {
        home: home.user().to_owned(),
        vars: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        cwd: std::env::current_dir()?,
        exe: std::env::current_exe()?,
        journal_dir: home.journal_dir(),
    })
}

/// One file's outcome.
struct Outcome {
    client: String,
    path: String,
    diff: Vec<String>,
    error: Option<String>,
}

fn change(
    env: &Env,
    verb: Verb,
    selection: &Selection,
    dry_run: bool,
    terminal: &Terminal,
) -> anyhow::Result<Exit> {
    let unknown = unknown(env, selection);
    let remarks = match verb {
        Verb::Wrap => remarks(env, selection),
        Verb::Unwrap => Vec::new(),
    };
    let mut outcomes = Vec::new();
    for planned in clients::plan(env, selection, verb) {
        outcomes.push(match planned {
            Ok(planned) if dry_run => outcome(&planned, Ok(())),
            Ok(planned) => outcome(&planned, clients::apply(env, &planned)),
            Err(error) => Outcome {
                client: String::new(),
                path: path_of(&error),
                diff: Vec::new(),
                error: Some(
                    anyhow::Error::from(error)
                        .chain()
                        .map(|cause| cause.to_string())
                        .collect::<Vec<_>>()
                        .join(": "),
                ),
            },
        });
    }
    if terminal.json {
        terminal.object(json!({
            "verb": word(verb),
            "dry_run": dry_run,
            "unknown": unknown,
            "remarks": remarks,
            "files": outcomes.iter().map(as_json).collect::<Vec<_>>(),
        }))?;
    } else {
        terminal.data(&render(&outcomes, verb, dry_run, terminal.ink))?;
        for remark in &remarks {
            terminal.say(remark);
        }
        if !dry_run && outcomes.iter().any(|outcome| outcome.error.is_none()) {
            terminal
                .say("quit the client fully and start it again; closing its window is not enough");
        }
    }
    if let Some(name) = unknown.first() {
        let message = format!("no client has a server called {}", excerpt(name, 80));
        return Err(Failure::new(Exit::No, "no-server", message)
            .hint("clawdefender wrap --all --dry-run")
            .into());
    }
    Ok(if outcomes.iter().any(|outcome| outcome.error.is_some()) {
        Exit::Failed
    } else {
        Exit::Done
    })
}

/// Every server of the selected clients, with its client.
fn known(env: &Env, selection: &Selection) -> Vec<(&'static str, Entry)> {
    clients::status(env)
        .into_iter()
        .flatten()
        .filter(|status| {
            selection.clients.is_empty()
                || selection
                    .clients
                    .iter()
                    .any(|client| client == status.client)
        })
        .flat_map(|status| {
            let client = status.client;
            status.servers.into_iter().map(move |entry| (client, entry))
        })
        .collect()
}

/// Names that were asked for and that no configuration has: most likely misspelt.
fn unknown(env: &Env, selection: &Selection) -> Vec<String> {
    let known = known(env, selection);
    selection
        .servers
        .iter()
        .filter(|name| known.iter().all(|(_, entry)| entry.server != **name))
        .cloned()
        .collect()
}

/// What a person should know: which servers stay as they are and why, and which may want a login that
/// we can't give.
fn remarks(env: &Env, selection: &Selection) -> Vec<String> {
    known(env, selection)
        .into_iter()
        .filter(|(_, entry)| {
            selection.servers.is_empty() || selection.servers.contains(&entry.server)
        })
        .filter_map(|(client, entry)| remark(client, &entry))
        .collect()
}

fn remark(client: &str, entry: &Entry) -> Option<String> {
    let name = excerpt(&entry.server, 80);
    let left = |why: &str| Some(format!("{name} in {client} is left as it is: {why}"));
    match entry.state {
        State::Remote(why) | State::Obstacle(why) => left(why),
        State::Exposed(why) => Some(format!(
            "{name} in {client} is wrapped and NOT protected by it: {why}"
        )),
        State::Unsupported => {
            left("it has no command and no URL, or arguments that are not all text")
        }
        State::Ours => left("it already runs through this program"),
        _ if entry.bare_url => Some(format!(
            "{name} in {client} sends no header; if it wants a login in the browser, which is not possible here, put it back with: clawdefender unwrap {name}"
        )),
        State::NotWrapped | State::Wrapped | State::Drifted | State::Predecessor => None,
    }
}

fn outcome(change: &Change, done: Result<(), ClientError>) -> Outcome {
    Outcome {
        client: change.client.to_owned(),
        path: change.path.display().to_string(),
        diff: change.diff(),
        error: done.err().map(|error| {
            anyhow::Error::from(error)
                .chain()
                .map(|cause| cause.to_string())
                .collect::<Vec<_>>()
                .join(": ")
        }),
    }
}

fn path_of(error: &ClientError) -> String {
    match error {
        ClientError::Edit { path, .. }
        | ClientError::NotUtf8 { path }
        | ClientError::Io { path, .. }
        | ClientError::Changed { path } => path.display().to_string(),
        ClientError::Exe => String::new(),
    }
}

fn as_json(outcome: &Outcome) -> Value {
    json!({
        "client": outcome.client, "path": outcome.path,
        "changed": outcome.error.is_none(), "diff": outcome.diff, "error": outcome.error,
    })
}

fn word(verb: Verb) -> &'static str {
    match verb {
        Verb::Wrap => "wrap",
        Verb::Unwrap => "unwrap",
    }
}

/// Longest line of a diff, in characters.
const MAX_LINE_CHARS: usize = 500;

fn render(outcomes: &[Outcome], verb: Verb, dry_run: bool, ink: Ink) -> String {
    let mut screen = String::new();
    for outcome in outcomes {
        let path = excerpt(&outcome.path, 300);
        match &outcome.error {
            Some(error) => {
                let _ = writeln!(
                    screen,
                    "{} {path}\n  {}",
                    ink.red("✖ unchanged"),
                    excerpt(error, 500)
                );
            }
            None => {
                let done = match (verb, dry_run) {
                    (_, true) => ink.yellow("~ would change"),
                    (Verb::Wrap, false) => ink.green("✔ wrapped"),
                    (Verb::Unwrap, false) => ink.green("✔ unwrapped"),
                };
                let _ = writeln!(screen, "{done} {path} ({})", excerpt(&outcome.client, 40));
            }
        }
        if dry_run {
            for line in &outcome.diff {
                let text = excerpt(line, MAX_LINE_CHARS);
                let _ = writeln!(
                    screen,
                    "  {}",
                    match line.chars().next() {
                        Some('+') => ink.green(&text),
                        Some('-') => ink.red(&text),
                        _ => ink.dim(&text),
                    }
                );
            }
        }
    }
    if outcomes.is_empty() {
        let mut looked: Vec<&str> = CLIENTS.iter().map(|row| row.client).collect();
        looked.dedup();
        let _ = writeln!(
            screen,
            "nothing to {}: looked at {}",
            word(verb),
            looked.join(", ")
        );
    }
    screen
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn outcome(error: Option<&str>) -> Outcome {
        Outcome {
            client: "cursor".into(),
            path: "/home/u/.cursor/mcp.json".into(),
            diff: vec![
                "@@ -2,1 +2,1 @@".into(),
                "-npx\u{202e}".into(),
                "+clawdefender".into(),
            ],
            error: error.map(str::to_owned),
        }
    }

    #[test]
    fn each_file_says_what_happened_to_it() {
        let both = [
            outcome(None),
            outcome(Some("changed meanwhile; nothing was written")),
        ];
        expect![[r#"
            ✔ wrapped /home/u/.cursor/mcp.json (cursor)
            ✖ unchanged /home/u/.cursor/mcp.json
              changed meanwhile; nothing was written
        "#]]
        .assert_eq(&render(&both, Verb::Wrap, false, Ink::Plain));
        assert_eq!(
            render(&[], Verb::Unwrap, false, Ink::Plain),
            "nothing to unwrap: looked at claude-code, cursor\n"
        );
    }

    #[test]
    fn every_server_that_is_left_as_it_is_has_a_remark() {
        let said = |state| {
            let server = "git\u{202e}hub".to_owned();
            let bare_url = false;
            remark(
                "cursor",
                &Entry {
                    server,
                    state,
                    bare_url,
                },
            )
        };
        let name = "git⟨U+202E⟩hub in cursor is";
        for state in [State::Remote("why"), State::Obstacle("why")] {
            assert_eq!(said(state), Some(format!("{name} left as it is: why")));
        }
        let exposed = format!("{name} wrapped and NOT protected by it: why");
        assert_eq!(said(State::Exposed("why")), Some(exposed));
        assert!(said(State::Unsupported).is_some() && said(State::Ours).is_some());
        for done in [
            State::NotWrapped,
            State::Wrapped,
            State::Drifted,
            State::Predecessor,
        ] {
            assert_eq!(said(done), None, "{done:?} is wrapped after this");
        }
    }

    #[test]
    fn a_dry_run_shows_the_difference_and_nothing_raw() {
        expect![[r#"
            ~ would change /home/u/.cursor/mcp.json (cursor)
              @@ -2,1 +2,1 @@
              -npx⟨U+202E⟩
              +clawdefender
        "#]]
        .assert_eq(&render(&[outcome(None)], Verb::Wrap, true, Ink::Plain));
    }
}
