//! The command line: one file per verb, and what all verbs share.
//!
//! Verbs parse, ask the part that knows, and render its answer. None of them judges a message,
//! starts wasmtime or opens the store; only `daemon` and `inspect` do.

mod approve;
mod audit;
mod catalog;
mod client;
mod completions;
mod configured;
mod daemon;
mod escape;
mod exit;
mod feed;
mod gateway;
mod inspect;
mod model;
mod moment;
mod overrides;
mod package;
mod person;
mod pins;
mod plugin;
mod policy;
mod progress;
mod proxy;
mod purl;
mod remote;
mod sarif;
mod scan;
mod self_update;
mod selftest;
mod status;
mod terminal;
mod timeline;
mod topics;
mod wrap;

use clap::{Parser, Subcommand};
use exit::{Exit, Failure};
use std::ffi::OsString;
use std::process::ExitCode;
use terminal::{Terminal, complain};

/// The firewall for AI agents that speak MCP.
#[derive(Parser)]
#[command(name = "clawdefender", version = topics::VERSION, about, after_help = AFTER_HELP, arg_required_else_help = true)]
struct Cli {
    /// Print JSON: one object, or one per line
    #[arg(long, global = true)]
    json: bool,
    /// Print data and errors only
    #[arg(long, short, global = true)]
    quiet: bool,
    #[command(subcommand)]
    verb: Verb,
}

const AFTER_HELP: &str = "\
Examples:
  clawdefender wrap --all          protect every MCP server of every client found
  clawdefender status              what is protected, and what needs you
  clawdefender selftest            prove it with a canary through the real path
  clawdefender approve             the questions that wait for you

More: clawdefender help environment, clawdefender help exit-codes";

#[derive(Subcommand)]
enum Verb {
    Status(status::Args),
    Approve(approve::ApproveArgs),
    Deny(approve::DenyArgs),
    Wrap(wrap::WrapArgs),
    Unwrap(wrap::UnwrapArgs),
    Selftest(selftest::Args),
    Audit(audit::Args),
    Policy(policy::Args),
    Feed(feed::Args),
    Plugin(plugin::Args),
    Model(model::Args),
    Inspect(inspect::Args),
    Package(package::Args),
    Scan(scan::Args),
    Override(overrides::Args),
    Pins(pins::Args),
    Daemon(daemon::Args),
    SelfUpdate(self_update::Args),
    Completions(completions::Args),
    #[command(hide = true)]
    Proxy(proxy::Args),
    #[command(hide = true)]
    Bridge(remote::Args),
    #[command(hide = true)]
    SelftestServer(selftest::ServerArgs),
    #[command(hide = true, help_template = "{after-help}\n", after_help = topics::ENVIRONMENT)]
    Environment,
    #[command(hide = true, help_template = "{after-help}\n", after_help = topics::EXIT_CODES)]
    ExitCodes,
}

/// Runs the program with the process's own arguments.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, &arguments),
    };
    let terminal = Terminal::new(cli.json, cli.quiet);
    match cli.verb.run(&terminal) {
        Ok(code) => code,
        Err(error) => {
            let (exit, text) = exit::told(&error, cli.json);
            complain(&text);
            exit.into()
        }
    }
}

impl Verb {
    fn run(self, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let exit = match self {
            Self::Status(args) => status::run(&args, terminal),
            Self::Approve(args) => approve::approve(&args, terminal),
            Self::Deny(args) => approve::deny(&args, terminal),
            Self::Wrap(args) => wrap::wrap(&args, terminal),
            Self::Unwrap(args) => wrap::unwrap(&args, terminal),
            Self::Selftest(args) => selftest::run(&args, terminal),
            Self::Audit(args) => audit::run(&args, terminal),
            Self::Policy(args) => policy::run(&args, terminal),
            Self::Feed(args) => feed::run(&args, terminal),
            Self::Plugin(args) => plugin::run(&args, terminal),
            Self::Model(args) => model::run(&args, terminal),
            Self::Inspect(args) => inspect::run(&args),
            Self::Package(args) => package::run(&args, terminal),
            Self::Scan(args) => scan::run(&args, terminal),
            Self::Override(args) => overrides::run(&args, terminal),
            Self::Pins(args) => pins::run(&args, terminal),
            Self::Daemon(args) => daemon::run(&args, terminal),
            Self::SelfUpdate(args) => self_update::run(&args, terminal),
            Self::Completions(args) => completions::run(&args, terminal),
            // The server's exit code, not one of ours.
            Self::Proxy(args) => return proxy::run(args),
            Self::Bridge(args) => return remote::run(&args),
            Self::SelftestServer(args) => selftest::serve(&args),
            Self::Environment => topics::show(topics::ENVIRONMENT, terminal),
            Self::ExitCodes => topics::show(topics::EXIT_CODES, terminal),
        };
        exit.map(ExitCode::from)
    }
}

/// Help and version are answers; the rest is wrong usage, told as JSON to who asked for JSON.
fn usage(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    let ours = arguments.iter().take_while(|argument| *argument != "--");
    if error.use_stderr() && ours.into_iter().any(|argument| argument == "--json") {
        let text = error.to_string();
        let message: Vec<&str> = text
            .lines()
            .take_while(|line| !line.trim().is_empty())
            .map(str::trim)
            .collect();
        let message = message.join(" ").trim_start_matches("error: ").to_owned();
        let failure = Failure::new(Exit::Usage, "usage", message).hint("clawdefender --help");
        complain(&exit::told(&failure.into(), true).1);
    } else {
        let _ = error.print();
    }
    // 2 for wrong usage, 0 for help.
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_grammar_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_verb_shows_examples_and_hidden_ones_stay_out_of_the_short_help() {
        let mut command = Cli::command();
        let help = command.render_help().to_string();
        for hidden in [
            "proxy",
            "bridge",
            "selftest-server",
            "environment  ",
            "exit-codes  ",
        ] {
            assert!(
                !help.contains(&format!("\n  {hidden}")),
                "{hidden} in\n{help}"
            );
        }
        fn visit(command: &clap::Command, path: &str) {
            for verb in command
                .get_subcommands()
                .filter(|verb| verb.get_name() != "help" && !verb.is_hide_set())
            {
                let path = format!("{path} {}", verb.get_name());
                if verb.has_subcommands() {
                    visit(verb, &path);
                } else {
                    let examples = verb
                        .get_after_help()
                        .map(ToString::to_string)
                        .unwrap_or_default();
                    assert!(
                        examples.contains(&format!("clawdefender{path}")),
                        "no example for{path}"
                    );
                }
            }
        }
        visit(&command, "");
    }

    #[test]
    fn json_and_quiet_work_on_every_verb() {
        for line in [
            "status --json",
            "--json status",
            "audit verify --json --quiet",
            "policy check -q --json",
        ] {
            let cli =
                Cli::try_parse_from(["clawdefender"].into_iter().chain(line.split(' '))).unwrap();
            assert!(cli.json, "{line}");
        }
    }

    #[test]
    fn a_server_keeps_its_own_flags() {
        let line = [
            "clawdefender",
            "proxy",
            "--server",
            "s",
            "--",
            "npx",
            "--json",
            "-y",
            "x",
        ];
        let cli = Cli::try_parse_from(line).unwrap();
        assert!(!cli.json);
        let Verb::Proxy(args) = cli.verb else {
            panic!("another verb")
        };
        assert_eq!(args.command, ["npx", "--json", "-y", "x"]);
    }
}
