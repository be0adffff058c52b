//! `cargo xtask train-injection`, `eval-injection` and `train-chains`: run the laboratory in which
//! models are trained and measured, a crate of its own, so that this tool compiles without it.

use anyhow::Result;

use crate::workspace::{Workspace, cargo, run};

#[derive(clap::Args)]
pub struct Args {
    /// What the laboratory is told: `--data DIR`, and for training `--out FILE --version DATE`, for
    /// measuring `--show SOURCE`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    rest: Vec<String>,
}

pub fn main(verb: &str, args: &Args) -> Result<()> {
    let workspace = Workspace::find()?;
    let mut lab = cargo();
    // Its paths are relative to where the caller stands.
    lab.args(["run", "--quiet", "--release", "--package", "injection-lab"])
        .arg("--manifest-path")
        .arg(workspace.root.join("Cargo.toml"))
        .args(["--", verb])
        .args(&args.rest);
    run(lab)
}
