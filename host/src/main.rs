//! The one binary. What it does is in `clawdefender::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    clawdefender::cli::main()
}
