//! Which program a launch will run, as far as the disk says so before it runs.
//!
//! Reads only, a bounded amount, and never asks a network or a launcher. What can't be known this way
//! is left out and the reason said. These are facts for people and the log: a file on the disk can
//! call itself anything, so they can raise suspicion (`judge::pins`) and never lower it.

mod disk;
mod folders;
mod image;
mod node;
mod npm;
mod npmrc;
mod project;
mod python;
mod script;
mod settings;
mod version;
mod words;
mod yarnrc;

use super::Launch;
use disk::{digest, text};
use image::of_image;
use node::started;
use npm::of_npm;
use project::of_project;
use python::{of_module, of_python_tool, python_around};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;
pub use version::{normal, normal_version};
use words::{Runs, runs};

/// What will run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Identity {
    /// `ecosystem:name@version` as it lies on the disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The file that runs: a script rather than its interpreter, links resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// Hexadecimal SHA-256 of that file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Why something is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
    /// It is what ran last; its launcher looks for a newer one first.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub may_renew: bool,
}

/// How long the disk may take. Chosen: a launch waits for it, and clients wait longer for a server.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many entries of a folder are looked at.
const MAX_ENTRIES: usize = 4096;
/// How far above a script its package may begin.
const MAX_PARENTS: usize = 8;

/// `named` is the package that the command line asks for, `home` the user's folder.
pub fn identify(launch: &Launch, named: Option<&str>, home: &Path) -> Identity {
    let (launch, named, home) = (launch.clone(), named.map(str::to_owned), home.to_owned());
    patiently(move || look(&launch, named.as_deref(), &home))
        .unwrap_or_else(|| Identity::unknown("the disk did not answer in time"))
}

/// The launch with what settings of its folder say as further variables: what detectors are shown.
pub fn with_settings(launch: &Launch, home: &Path) -> Launch {
    let (asked, home) = (launch.clone(), home.to_owned());
    told(launch, patiently(move || settings::of_files(&asked, &home)))
}

/// With these settings; with the worst of each kind where they can't be had.
fn told(launch: &Launch, settings: Option<Vec<(String, String)>>) -> Launch {
    let mut launch = launch.clone();
    launch.env.extend(settings.unwrap_or_else(settings::unread));
    launch
}

/// Looks, but not for long: a disk that hangs must not hold up the launch, which it holds up itself.
fn patiently<T: Send + 'static>(look: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || tell.send(look()));
    told.recv_timeout(PATIENCE).ok()
}

fn look(launch: &Launch, named: Option<&str>, home: &Path) -> Identity {
    let cwd = Path::new(&launch.cwd);
    let Some((program, arguments)) = launch.argv.split_first() else {
        return Identity::unknown("there is no command");
    };
    let launcher = Path::new(program)
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let registry = named.and_then(|named| named.split_once(':'));
    let own = of_project(launch, launcher, arguments, registry.is_none(), home);
    if let Some(own) = own {
        return own;
    }
    match (launcher, registry) {
        ("npx" | "npm" | "pnpm" | "pnpx" | "pnx" | "yarn" | "bunx", Some(("npm", name))) => {
            return of_npm(launch, launcher, bare(name), arguments, home);
        }
        ("uvx" | "uv" | "pipx", Some(("pypi", name))) => {
            return of_python_tool(launch, launcher, name, arguments, home);
        }
        ("npx" | "npm" | "pnpm" | "pnpx" | "pnx" | "yarn" | "bunx" | "uvx" | "uv" | "pipx", _) => {
            return Identity::unknown("what the launcher will run can't be told from its words");
        }
        ("docker" | "podman" | "nerdctl" | "finch" | "container", Some(("oci", name))) => {
            return of_image(launch, launcher, name, arguments, home);
        }
        ("docker" | "podman" | "nerdctl" | "finch" | "container", _) => {
            return Identity::unknown("which image is meant can't be told from the words");
        }
        _ if WRAPPERS.contains(&launcher) => {
            return Identity::unknown("a shell or another program decides what will run");
        }
        _ => {}
    }
    let Some(program) = resolve(program, launch, cwd) else {
        return Identity::unknown("the program was not found");
    };
    if !is_interpreter(launcher) {
        return Identity::of(&program);
    }
    match runs(stem(launcher), arguments) {
        Runs::Module(module) => of_module(&program, module),
        Runs::Script(script) => {
            let found = match launcher {
                "node" | "nodejs" | "tsx" | "ts-node" | "bun" => started(launcher, cwd, script),
                _ => cwd.join(script).canonicalize().ok(),
            };
            match found.filter(|found| found.is_file()) {
                Some(script) => Identity::of(&script),
                None => Identity::unknown("the interpreter's script was not found"),
            }
        }
        Runs::Unclear => Identity::unknown("flags of the interpreter decide what will run"),
    }
}

impl Identity {
    fn unknown(why: &str) -> Self {
        Self {
            unknown: Some(why.to_owned()),
            ..Self::default()
        }
    }

    /// A package and the file of it that runs, or `why` that is not known.
    fn of_package(package: Option<String>, entry: Option<&Path>, why: &str) -> Self {
        Self {
            package,
            ..entry.map_or_else(|| Self::unknown(why), Self::of)
        }
    }

    /// A file and the package that it lies in.
    fn of(entry: &Path) -> Self {
        let entry = entry.canonicalize().unwrap_or_else(|_| entry.to_owned());
        let digest = digest(&entry);
        Self {
            package: npm_around(&entry).or_else(|| python_around(&entry)),
            unknown: digest.as_ref().err().map(|why| (*why).to_owned()),
            sha256: digest.ok(),
            entry: Some(entry.to_string_lossy().into_owned()),
            may_renew: false,
        }
    }
}

/// Programs whose words say what runs in a way that is not read here.
const WRAPPERS: &[&str] = &[
    "sh",
    "bash",
    "zsh",
    "dash",
    "fish",
    "ksh",
    "env",
    "sudo",
    "doas",
    "nice",
    "nohup",
    "timeout",
    "time",
    "stdbuf",
    "xargs",
    "setsid",
    "ssh",
    "java",
    "dotnet",
    "lua",
    "Rscript",
    "pwsh",
    "poetry",
    "pdm",
    "rye",
    "hatch",
    "pipenv",
    "conda",
    "mamba",
    "micromamba",
    "mise",
    "asdf",
    "direnv",
    "nix",
    "nix-shell",
    "go",
    "cargo",
    "make",
    "just",
    "volta",
    "fnm",
];

/// The package.json that a file lies under. In `node_modules` it is that of the package's own folder:
/// one further in is only a file of it, and one further out is the project's.
fn npm_around(entry: &Path) -> Option<String> {
    let is_modules = |at: &Path| at.file_name().is_some_and(|name| name == "node_modules");
    let manifest = |folder: &Path| {
        let text = text(&folder.join("package.json"))?;
        npm_name(&serde_json::from_str(&text).ok()?)
    };
    let Some(modules) = entry.ancestors().skip(1).find(|at| is_modules(at)) else {
        let mut folders = entry.ancestors().skip(1).take(MAX_PARENTS);
        return folders.find_map(manifest);
    };
    let mut inside = entry.strip_prefix(modules).ok()?.components();
    let first = inside.next()?.as_os_str();
    let package = modules.join(first);
    match first.to_str()?.starts_with('@') {
        true => manifest(&package.join(inside.next()?)),
        false => manifest(&package),
    }
}

fn npm_name(manifest: &serde_json::Value) -> Option<String> {
    let part = |key: &str| manifest.get(key)?.as_str();
    package("npm", part("name")?, part("version")?)
}

/// Only what a registry could call a package: these words are shown to people.
fn package(ecosystem: &str, name: &str, version: &str) -> Option<String> {
    let fits = |text: &str, more: &[u8]| {
        (1..=214).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
    };
    // A registry may have a port, and a digest names its kind.
    let (names, versions) = match ecosystem {
        "oci" => (&b"/._-:"[..], &b":"[..]),
        _ => (&b"@/._~-"[..], &b".+-_!"[..]),
    };
    (fits(name, names) && fits(version, versions)).then(|| format!("{ecosystem}:{name}@{version}"))
}

/// A package's name without its version, with or without its ecosystem.
pub fn bare(package: &str) -> &str {
    let name = package.find(':').map_or(0, |at| at + 1);
    match package.rfind('@') {
        Some(at) if at > name => package.get(..at).unwrap_or(package),
        _ => package,
    }
}

fn is_interpreter(name: &str) -> bool {
    [
        "node", "nodejs", "python", "bun", "deno", "ruby", "perl", "php", "tsx", "ts-node",
    ]
    .contains(&stem(name))
}

/// `python` of `python3.12`.
fn stem(name: &str) -> &str {
    name.trim_end_matches(|char: char| char.is_ascii_digit() || char == '.')
}

fn resolve(program: &str, launch: &Launch, cwd: &Path) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(cwd.join(program)).filter(|path| path.is_file());
    }
    let (_, path) = launch.env.iter().find(|(name, _)| name == "PATH")?;
    path.split(':')
        .map(|folder| cwd.join(folder).join(program))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests;
