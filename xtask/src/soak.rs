//! `cargo xtask soak`: the long soak of the end-to-end tests, on an optimised build. It prints what
//! daemon and shims hold before and after, and fails when they keep what they should not.

use anyhow::Result;

use crate::test;
use crate::workspace::{Workspace, cargo, run};

pub fn main() -> Result<()> {
    let workspace = Workspace::find()?;
    test::prepare(&workspace)?;
    let mut soak = cargo();
    soak.args(["test", "--release", "--package", "clawdefender"])
        .args([
            "--test",
            "e2e",
            "--",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
            "soak::",
        ])
        .current_dir(&workspace.root);
    run(soak)
}
