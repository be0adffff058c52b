//! Reference inside the tool: `help environment`, `help exit-codes`, and what `--version` says.

use super::exit::Exit;
use super::terminal::Terminal;
use crate::feed::root::EMBEDDED_ROOT_IS_DEVELOPMENT;

/// A build from source trusts a key that was made on its builder's machine, and says so.
pub const VERSION: &str = if EMBEDDED_ROOT_IS_DEVELOPMENT {
    concat!(
        env!("CARGO_PKG_VERSION"),
        " (development root: its feed key was made on the machine that built it)"
    )
} else {
    env!("CARGO_PKG_VERSION")
};

pub const ENVIRONMENT: &str = "\
Environment variables:
  CLAWDEFENDER_HOME   where all files are; absolute. Default: ~/.local/share/clawdefender
  CLAWDEFENDER_LOG    what is logged to stderr: error, warn, info, debug, or a filter such as
                      warn,clawdefender::judge=debug. Default: info for `daemon run`; everything
                      else logs nothing unless it is set
  HOME                what ~ means in policies and arguments
  NO_COLOR            not empty: never colour
  CLICOLOR_FORCE      not empty and not 0: colour also where no terminal is; NO_COLOR wins
  TERM                dumb: no colour

A wrapped server never sees the variables that begin with CLAWDEFENDER_.";

pub const EXIT_CODES: &str = "\
Exit codes:
  0   yes, or done
  1   it failed
  2   wrong usage
  3   the honest answer is no: unprotected, denied, a broken audit log, a feed that was refused,
      a package or a server that is known to be bad
  4   a person or a token is needed
  5   the daemon is unreachable

`proxy` ends with the exit code of the server that it runs.
With --json a failure is one line on stderr: {\"error\":{\"code\",\"message\",\"hint\"}}.";

pub fn show(text: &str, terminal: &Terminal) -> anyhow::Result<Exit> {
    terminal.data(text)?;
    Ok(Exit::Done)
}
