//! `scan`: every server in every client configuration of this machine, judged before it starts.
//!
//! Works without a daemon and starts nothing. What a command line or a variable says is never
//! printed, because secrets stand there; what it is and what it runs is.

mod screen;

use super::escape::{self, excerpt};
use super::exit::{Exit, home};
use super::sarif;
use super::terminal::Terminal;
use super::wrap;
use crate::clients::{self, ClientError, Env, Listed, Listing, Scope, Start, State};
use crate::daemon::inspector::{Answer, Known, Opened, advisories};
use crate::event::identity::Identity;
use crate::event::{Finding, Launch};
use crate::policy::{Action, Decision};
use crate::proxy::changes_a_launch;
use crate::upstream::Address;
use serde::Serialize;
use serde_json::json;
use std::path::Path;

/// Judge every server in every client's configuration, without starting any
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  clawdefender scan
  clawdefender scan --json
  clawdefender scan --sarif > scan.sarif

Reads the user's configurations and those of the current folder.
Ends with 3 when a server would be denied or is known to be bad, and with 1 when a configuration
can't be read.")]
pub struct Args {
    /// Write a SARIF 2.1.0 log
    #[arg(long, conflicts_with = "json")]
    sarif: bool,
}

/// A server and everything that is known about it beforehand.
#[derive(Serialize)]
pub struct Scanned {
    pub client: &'static str,
    pub path: String,
    pub line: usize,
    /// The project's folder, in a file that has servers of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    pub server: String,
    /// `wrapped`, `not-wrapped`, `drifted`, `predecessor`, `remote`, `ours`, `unsupported`.
    pub state: &'static str,
    pub pin: Pin,
    /// As the command names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known: Option<Known>,
    /// As the disk has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// What is known about the package on the disk, when the command names another or no version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installed: Option<Known>,
    /// Absent when there is nothing to start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// Those about the launch, then those about the package on the disk.
    pub findings: Vec<Finding>,
    pub notes: Vec<String>,
    pub hit: bool,
}

/// Whether the same thing runs at every start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pin {
    /// One version of a package, or one digest of an image.
    Pinned,
    /// Something else than when it was last allowed.
    Changed,
    /// Whatever the registry serves on that day.
    Unpinned,
    /// A file of this machine.
    Local,
    /// A server that somebody else runs.
    Remote,
    Unknown,
}

/// A configuration that could not be read.
#[derive(Serialize)]
pub struct Problem {
    pub path: String,
    pub error: String,
}

pub fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    let env = wrap::env()?;
    let opened = Opened::open(&home()?, None)?;
    let (mut scanned, mut problems, mut files) = (Vec::new(), Vec::new(), Vec::new());
    for listing in clients::servers(&env) {
        match listing {
            Ok(listing) => {
                files.push(json!({ "client": listing.client, "path": listing.path }));
                let servers = listing.servers.iter();
                scanned.extend(servers.map(|entry| scan(&opened, &env, &listing, entry)));
            }
            Err(error) => problems.push(problem(error)),
        }
    }
    let hit = scanned.iter().any(|server: &Scanned| server.hit);
    for warning in &opened.warnings {
        terminal.say(&format!("note: {}", excerpt(warning, 300)));
    }
    if args.sarif {
        let log = sarif::log(&scanned, &problems, &opened.rules());
        terminal.data(&escape::json(&serde_json::to_string_pretty(&log)?))?;
    } else if terminal.json {
        terminal.object(json!({
            "files": files, "servers": scanned, "problems": problems, "hit": hit,
            "sources": opened.sources(),
        }))?;
    } else {
        terminal.data(&screen::render(&scanned, &problems, terminal.ink))?;
    }
    Ok(if hit {
        Exit::No
    } else if problems.is_empty() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

fn problem(error: ClientError) -> Problem {
    let path = match &error {
        ClientError::Edit { path, .. }
        | ClientError::NotUtf8 { path }
        | ClientError::Io { path, .. }
        | ClientError::Changed { path } => path.display().to_string(),
        ClientError::Exe => String::new(),
    };
    let error = anyhow::Error::from(error);
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    Problem {
        path,
        error: causes.join(": "),
    }
}

fn scan(opened: &Opened, env: &Env, listing: &Listing, entry: &Listed) -> Scanned {
    let (state, mut notes) = standing(entry);
    let mut scanned = Scanned {
        client: listing.client,
        path: listing.path.display().to_string(),
        line: entry.line,
        project: entry.under.clone(),
        server: entry.server.clone(),
        state,
        pin: Pin::Unknown,
        package: None,
        known: None,
        identity: None,
        installed: None,
        decision: None,
        findings: Vec::new(),
        notes: Vec::new(),
        hit: false,
    };
    let launch = match launch(env, listing, entry, &mut notes) {
        Ok(launch) => launch,
        Err(why) => {
            notes.push(why.to_owned());
            scanned.notes = notes;
            return scanned;
        }
    };
    let seen = opened.server(&entry.server, &launch);
    scanned.hit = is_hit(&seen.launch) || seen.installed.as_ref().is_some_and(is_bad);
    scanned.pin = match seen.changed {
        true => Pin::Changed,
        false => pin(&launch, &seen.launch, &seen.identity),
    };
    scanned.known = seen.launch.known;
    scanned.package = seen.launch.package.or(launch.origin);
    scanned.identity = match entry.start {
        Start::Url(_) => None,
        _ => Some(seen.identity),
    };
    scanned.decision = seen.launch.decision;
    for fault in &seen.launch.faults {
        notes.push(format!("{} gave no answer: {}", fault.part, fault.detail));
    }
    scanned.findings = seen.launch.findings;
    if let Some(installed) = seen.installed {
        scanned.installed = installed.known;
        for finding in installed.findings {
            let same =
                |known: &Finding| known.rule == finding.rule && known.message == finding.message;
            if !scanned.findings.iter().any(same) {
                scanned.findings.push(finding);
            }
        }
    }
    scanned.notes = notes;
    scanned
}

/// How an entry stands to us, and what a reader should know of that.
fn standing(entry: &Listed) -> (&'static str, Vec<String>) {
    match &entry.state {
        State::Wrapped => ("wrapped", Vec::new()),
        State::NotWrapped => ("not-wrapped", Vec::new()),
        State::Drifted => {
            let wrapper = entry.wrapper.as_deref().unwrap_or_default();
            let note = format!("{wrapper} stands before it, which is not this program");
            ("drifted", vec![note])
        }
        State::Predecessor => ("predecessor", Vec::new()),
        State::Remote(why) => ("remote", vec![format!("it can't be wrapped: {why}")]),
        State::Obstacle(why) => ("obstacle", vec![format!("it is not wrapped: {why}")]),
        State::Exposed(why) => ("exposed", vec![format!("it is not protected: {why}")]),
        State::Ours => ("ours", Vec::new()),
        State::Unsupported => ("unsupported", Vec::new()),
    }
}

/// The launch as the client would make it, from this folder and with this environment's `PATH`.
fn launch(
    env: &Env,
    listing: &Listing,
    entry: &Listed,
    notes: &mut Vec<String>,
) -> Result<Launch, &'static str> {
    let project = entry.under.as_ref().filter(|under| under.starts_with('/'));
    let folder = match (project, listing.scope) {
        (Some(project), _) => project.clone(),
        (None, Scope::Project) => env.cwd.display().to_string(),
        (None, Scope::User) => env.home.display().to_string(),
    };
    let around = env.vars.iter().filter(|(name, _)| changes_a_launch(name));
    let mut variables: Vec<(String, String)> = around
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let filled = |text: &str| text.contains("${");
    match &entry.start {
        Start::Nothing(why) => Err(why),
        Start::Url(url) => {
            let origin = Address::parse(url).ok().map(|address| address.origin());
            if origin.is_none() {
                notes.push("its URL is neither https nor on this machine, or has variables that the client fills in".into());
            }
            let program = env.exe.display().to_string();
            Ok(Launch {
                argv: vec![program, "bridge".to_owned(), url.clone()],
                env: variables,
                cwd: folder,
                origin: Some(origin.unwrap_or_else(|| "unknown".to_owned())),
            })
        }
        Start::Command {
            argv,
            env: own,
            cwd,
            url_too,
        } => {
            if *url_too {
                notes.push("it has a URL as well, and only the command was judged".into());
            }
            if argv.iter().any(|word| filled(word)) {
                notes.push("it has variables that the client fills in; judged as written".into());
            }
            for (name, value) in own.iter().filter(|(name, _)| changes_a_launch(name)) {
                variables.retain(|(known, _)| known != name);
                variables.push((name.clone(), value.clone()));
            }
            let cwd = cwd.as_ref().map(|cwd| Path::new(&folder).join(cwd));
            Ok(Launch {
                argv: argv.clone(),
                env: variables,
                cwd: cwd.map_or(folder, |cwd| cwd.display().to_string()),
                origin: None,
            })
        }
    }
}

/// Denied, or denied if the profile were not `monitor`, or known to be bad.
fn is_hit(answer: &Answer) -> bool {
    let denied = answer.decision.as_ref().is_none_or(|decision| {
        decision.action == Action::Deny || decision.would == Some(Action::Deny)
    });
    denied || is_bad(answer)
}

/// Known to be bad in just this version.
fn is_bad(answer: &Answer) -> bool {
    answer.known == Some(Known::Affected) && advisories(answer).next().is_some()
}

fn pin(launch: &Launch, answer: &Answer, identity: &Identity) -> Pin {
    let unpinned = |finding: &Finding| finding.rule == "supply-chain.unpinned";
    let version = |package: &String| {
        let name = package.split_once(':').map_or("", |(_, name)| name);
        name.rfind('@').is_some_and(|at| at > 0)
    };
    if launch.origin.is_some() {
        Pin::Remote
    } else if answer.findings.iter().any(unpinned) {
        Pin::Unpinned
    } else if answer.package.as_ref().is_some_and(version) {
        Pin::Pinned
    } else if answer.known.is_none() && identity.sha256.is_some() {
        Pin::Local
    } else {
        Pin::Unknown
    }
}

impl Pin {
    pub fn word(self) -> &'static str {
        match self {
            Self::Pinned => "pinned",
            Self::Changed => "changed",
            Self::Unpinned => "not pinned",
            Self::Local => "local file",
            Self::Remote => "remote",
            Self::Unknown => "pin unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(argv: &[&str], env: &[(&str, &str)]) -> Listed {
        let own = |text: &&str| (*text).to_owned();
        Listed {
            server: "s".into(),
            under: Some("/w/p".into()),
            line: 1,
            state: State::NotWrapped,
            wrapper: None,
            start: Start::Command {
                argv: argv.iter().map(own).collect(),
                env: env
                    .iter()
                    .map(|(name, value)| (own(name), own(value)))
                    .collect(),
                cwd: Some("sub".into()),
                url_too: false,
            },
        }
    }

    #[test]
    fn a_launch_has_the_clients_folder_and_only_the_variables_that_matter() {
        let vars = [
            ("PATH", "/bin"),
            ("EDITOR", "vi"),
            ("npm_config_cache", "/a"),
        ];
        let env = Env {
            home: "/h".into(),
            vars: vars
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            cwd: "/cwd".into(),
            exe: "/opt/clawdefender".into(),
            journal_dir: "/j".into(),
        };
        let listing = Listing {
            client: "claude-code",
            scope: Scope::User,
            path: "/h/.claude.json".into(),
            servers: Vec::new(),
        };
        let own = [
            ("API_KEY", "s3cret"),
            ("npm_config_cache", "/b"),
            ("npm_config__authToken", "s3cret"),
        ];
        let mut notes = Vec::new();
        let launch = launch(&env, &listing, &listed(&["x", "${Y}"], &own), &mut notes).unwrap();
        assert_eq!(launch.cwd, "/w/p/sub");
        let expected = [("PATH", "/bin"), ("npm_config_cache", "/b")];
        assert_eq!(
            launch.env,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
        assert_eq!(notes.len(), 1);
    }
}
