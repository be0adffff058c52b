//! `cargo xtask test`: everything that must hold before a change is taken, on a machine that has
//! only rustup, Python and Node. `.ci/run` runs this and nothing else.
//!
//! Stops at the first failure and says how to repeat that step alone.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::workspace::{Workspace, cargo, output, read, run, write_if_changed};
use crate::{guest, seed, tidy};

#[derive(clap::Args)]
pub struct Args {
    /// Only make what the tests need
    #[arg(long)]
    prepare: bool,
    /// Without the checks of form: formatting, lints, imports
    #[arg(long, conflicts_with = "prepare")]
    tests_only: bool,
}

pub fn main(args: &Args) -> Result<()> {
    let workspace = Workspace::find()?;
    let mut steps = Steps::default();
    let form = !args.prepare && !args.tests_only;
    if form {
        steps.cargo(&workspace, "formatting", &["fmt", "--all", "--check"])?;
        steps.take("imports, headers, names", "cargo xtask tidy", tidy::main)?;
    }
    steps.prepare(&workspace)?;
    if form {
        let lints = [
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ];
        steps.cargo(&workspace, "lints", &lints)?;
    }
    if !args.prepare {
        steps.cargo(&workspace, "tests", &["test", "--workspace"])?;
    }
    steps.tell();
    Ok(())
}

/// Makes what the tests need, and nothing else.
///
/// # Errors
/// When something is missing on the machine, or a registry can't be reached.
pub fn prepare(workspace: &Workspace) -> Result<()> {
    Steps::default().prepare(workspace)
}

/// What the versions of packages are compared with: npm's semver and Python's packaging.
fn references(workspace: &Workspace) -> Result<()> {
    let from = workspace.root.join("plugins/supply-chain/tests/reference");
    let into = workspace.target.join("references");
    virtual_environment(&into.join("venv"), &from.join("requirements.txt"))?;
    node_packages(&into.join("node"), &from)
}

/// What was done, and how long it took.
#[derive(Default)]
struct Steps(Vec<(String, Duration)>);

impl Steps {
    fn take(&mut self, name: &str, repeat: &str, step: impl FnOnce() -> Result<()>) -> Result<()> {
        eprintln!("== {name}");
        let since = Instant::now();
        step().with_context(|| format!("{name} failed; to repeat it: {repeat}"))?;
        let took = since.elapsed();
        eprintln!("== {name}: {:.1} s", took.as_secs_f32());
        self.0.push((name.to_owned(), took));
        Ok(())
    }

    fn prepare(&mut self, workspace: &Workspace) -> Result<()> {
        let repeat = "cargo xtask test --prepare";
        // First, because the host is not built without it.
        self.take("detectors and seed feed", repeat, || {
            seed::development(workspace).map(drop)
        })?;
        self.take("hostile detector", repeat, || hostile(workspace))?;
        self.take(
            "Python: client, servers, Node.js for the suite",
            repeat,
            || python(workspace),
        )?;
        self.take("npm: client, servers, conformance suite", repeat, || {
            node(workspace)
        })?;
        self.take("npm's and Python's own order of versions", repeat, || {
            references(workspace)
        })
    }

    fn cargo(&mut self, workspace: &Workspace, name: &str, arguments: &[&str]) -> Result<()> {
        let repeat = format!("cargo {}", arguments.join(" "));
        self.take(name, &repeat, || {
            let mut command = cargo();
            command.args(arguments).current_dir(&workspace.root);
            run(command)
        })
    }

    fn tell(&self) {
        for (name, took) in &self.0 {
            println!("{:>7.1} s  {name}", took.as_secs_f32());
        }
        let all: Duration = self.0.iter().map(|(_, took)| *took).sum();
        println!("{:>7.1} s  all", all.as_secs_f32());
    }
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target.join("e2e")
}

fn sources(workspace: &Workspace) -> PathBuf {
    workspace.root.join("host/tests/e2e")
}

/// Built like every detector, signed by the tests themselves.
fn hostile(workspace: &Workspace) -> Result<()> {
    let component = guest::build_one(workspace, &sources(workspace).join("hostile"))?;
    write_if_changed(&folder(workspace).join("hostile.wasm"), &component.bytes)?;
    Ok(())
}

/// The real client and servers that run on Python, and Node.js for the conformance suite.
fn python(workspace: &Workspace) -> Result<()> {
    let requirements = sources(workspace).join("requirements.txt");
    virtual_environment(&folder(workspace).join("venv"), &requirements)
}

/// The published servers, as the lock file says.
fn node(workspace: &Workspace) -> Result<()> {
    node_packages(
        &folder(workspace).join("node"),
        &sources(workspace).join("node"),
    )
}

/// A virtual environment with the pinned packages.
fn virtual_environment(venv: &Path, requirements: &Path) -> Result<()> {
    let pinned = read(requirements)?;
    if is_made_from(venv, &pinned) {
        return Ok(());
    }
    make_anew(
        venv,
        "python3 with venv is needed: apt-get install python3-venv",
        &|| {
            let mut make = Command::new("python3");
            make.args(["-m", "venv"]).arg(venv);
            run(make)?;
            let mut install = Command::new(venv.join("bin/python"));
            install
                .args(["-m", "pip", "install", "--quiet", "--requirement"])
                .arg(requirements);
            run(install)
        },
    )?;
    mark(venv, &pinned)
}

/// The packages of `from/package-lock.json`.
fn node_packages(into: &Path, from: &Path) -> Result<()> {
    let lock = read(&from.join("package-lock.json"))?;
    if is_made_from(into, &lock) {
        return Ok(());
    }
    make_anew(
        into,
        "node and npm are needed: apt-get install nodejs npm",
        &|| {
            check_node()?;
            for name in ["package.json", "package-lock.json"] {
                write_if_changed(&into.join(name), &read(&from.join(name))?)?;
            }
            // No script of any package runs here.
            let mut install = Command::new("npm");
            install
                .args([
                    "ci",
                    "--ignore-scripts",
                    "--no-audit",
                    "--no-fund",
                    "--loglevel",
                    "error",
                ])
                .current_dir(into);
            run(install)
        },
    )?;
    mark(into, &lock)
}

fn check_node() -> Result<()> {
    let mut version = Command::new("node");
    version.arg("--version");
    let version = output(version)?;
    let version = version.trim();
    let major = version.trim_start_matches('v').split('.').next();
    match major.and_then(|major| major.parse().ok()) {
        Some(20_u32..) => Ok(()),
        _ => bail!("node {version} is too old: the servers need 20 or newer"),
    }
}

/// Starts from nothing, so that a half-made folder never counts; twice, because a network may fail once.
fn make_anew(folder: &Path, hint: &str, make: &dyn Fn() -> Result<()>) -> Result<()> {
    if let Err(error) = make_in_empty(folder, make) {
        eprintln!("{error:#}; once more");
        make_in_empty(folder, make).with_context(|| hint.to_owned())?;
    }
    Ok(())
}

fn make_in_empty(folder: &Path, make: &dyn Fn() -> Result<()>) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    if let Some(above) = folder.parent() {
        std::fs::create_dir_all(above)
            .with_context(|| format!("cannot make {}", above.display()))?;
    }
    make()
}

fn is_made_from(folder: &Path, from: &[u8]) -> bool {
    std::fs::read(folder.join("made-from")).is_ok_and(|old| old == from)
}

/// Written last: what has it is complete.
fn mark(folder: &Path, from: &[u8]) -> Result<()> {
    write_if_changed(&folder.join("made-from"), from).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_says_how_to_repeat_it_and_ends_the_run() {
        let mut steps = Steps::default();
        steps.take("first", "repeat first", || Ok(())).unwrap();
        let error = steps
            .take("second", "repeat second", || bail!("broken"))
            .unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            "second failed; to repeat it: repeat second: broken"
        );
        assert_eq!(steps.0.len(), 1);
    }

    #[test]
    fn a_folder_counts_only_when_it_was_finished_from_the_same_source() {
        let above = tempfile::tempdir().unwrap();
        let folder = above.path().join("venv");
        let half = || std::fs::create_dir(&folder).context("half");
        make_anew(&folder, "hint", &half).unwrap();
        assert!(!is_made_from(&folder, b"1"));
        mark(&folder, b"1").unwrap();
        assert!(is_made_from(&folder, b"1"));
        assert!(!is_made_from(&folder, b"2"));
        make_anew(&folder, "hint", &half).unwrap();
        assert!(!is_made_from(&folder, b"1"), "starting anew forgets");
    }
}
