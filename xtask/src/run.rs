//! `cargo xtask run`: the daemon of this checkout, in the foreground.

use std::process::Command;

use anyhow::Result;

use crate::build;
use crate::workspace::run;

pub fn main() -> Result<()> {
    let binary = build::main(&build::Args::development())?;
    let name = binary.display();
    println!();
    println!("The daemon starts in the foreground; Ctrl-C stops it. In another terminal:");
    println!("  {name} status");
    println!("  {name} proxy --server NAME -- COMMAND …");
    println!();
    let mut daemon = Command::new(&binary);
    daemon.args(["daemon", "run"]);
    run(daemon)
}
