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
    println!("  {name} selftest              # proof through the real path");
    println!("  {name} wrap --all --dry-run  # protect the servers of your MCP clients");
    println!("  {name} status");
    println!();
    let mut daemon = Command::new(&binary);
    daemon.args(["daemon", "run"]);
    run(daemon)
}
