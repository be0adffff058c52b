//! `completions`: the script that makes a shell complete our verbs.

use super::Cli;
use super::exit::Exit;
use super::terminal::Terminal;
use clap::CommandFactory;
use clap_complete::Shell;

/// Print a completion script for a shell
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  clawdefender completions bash > ~/.local/share/bash-completion/completions/clawdefender
  clawdefender completions fish > ~/.config/fish/completions/clawdefender.fish")]
pub struct Args {
    shell: Shell,
}

pub fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    // Written to memory first: the generator panics when its writer fails, as a closed pipe does.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "clawdefender", &mut script);
    terminal.data(&String::from_utf8(script)?)?;
    Ok(Exit::Done)
}
