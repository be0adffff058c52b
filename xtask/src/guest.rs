//! Building detectors: same source, same bytes, on every machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::component::Component;
use crate::workspace::{Workspace, cargo, output, read, run, write_if_changed};

const TARGET: &str = "wasm32-unknown-unknown";

/// The guest profile, given on the command line so that a plugin outside this workspace is built
/// alike. The workspace's `[profile.guest]` says the same.
const PROFILE: [&str; 8] = [
    "profile.guest.inherits='release'",
    "profile.guest.opt-level=3",
    "profile.guest.lto='fat'",
    "profile.guest.codegen-units=1",
    "profile.guest.panic='abort'",
    "profile.guest.strip=true",
    "profile.guest.debug=false",
    "profile.guest.overflow-checks=false",
];

#[derive(Deserialize)]
struct Message {
    reason: String,
    target: Option<Target>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    src_path: PathBuf,
}

/// Builds the shipped detectors and leaves them in `target/detectors/`. Returns them by id.
pub fn build_official(workspace: &Workspace) -> Result<BTreeMap<String, Component>> {
    let components = official(workspace)?;
    for (name, component) in &components {
        let path = workspace.detectors().join(format!("{name}.wasm"));
        write_if_changed(&path, &component.bytes)?;
    }
    Ok(components)
}

/// The shipped detectors by id.
pub fn official(workspace: &Workspace) -> Result<BTreeMap<String, Component>> {
    let names: Vec<String> = workspace
        .official_plugins()
        .iter()
        .filter_map(|folder| Some(folder.file_name()?.to_str()?.to_owned()))
        .collect();
    let mut select = Vec::new();
    for name in &names {
        select.extend(["-p".to_owned(), name.clone()]);
    }
    let modules = build(workspace, &workspace.root, &select)?;
    let mut components = BTreeMap::new();
    for name in names {
        let module = modules
            .get(&name.replace('-', "_"))
            .with_context(|| format!("cargo built no WASM module of {name}"))?;
        let component = Component::from_module(&read(module)?)
            .with_context(|| format!("detector {name} is refused"))?;
        components.insert(name, component);
    }
    Ok(components)
}

/// Builds the one plugin in `folder`, inside or outside this workspace.
pub fn build_one(workspace: &Workspace, folder: &Path) -> Result<Component> {
    let manifest = folder.join("Cargo.toml");
    let manifest = manifest
        .canonicalize()
        .with_context(|| format!("no plugin in {}: no Cargo.toml", folder.display()))?;
    let select = [
        "--manifest-path".to_owned(),
        manifest.display().to_string(),
        "--lib".to_owned(),
    ];
    let modules = build(workspace, manifest.parent().unwrap_or(folder), &select)?;
    let mut modules = modules.into_values();
    match (modules.next(), modules.next()) {
        (Some(module), None) => Component::from_module(&read(&module)?)
            .with_context(|| format!("plugin {} is refused", folder.display())),
        (None, _) => bail!(
            "{} builds no WASM module: its [lib] needs crate-type = [\"cdylib\"]",
            folder.display()
        ),
        _ => bail!("{} builds more than one WASM module", folder.display()),
    }
}

/// Runs cargo and returns the WASM modules that it made, by crate name.
fn build(
    workspace: &Workspace,
    from: &Path,
    select: &[String],
) -> Result<BTreeMap<String, PathBuf>> {
    ensure_target(workspace)?;
    let mut command = cargo();
    command
        .arg("build")
        .args(select)
        .args(["--target", TARGET, "--profile", "guest"]);
    for setting in PROFILE {
        command.args(["--config", setting]);
    }
    command
        .args(["--message-format", "json-render-diagnostics"])
        .arg("--target-dir")
        .arg(workspace.target.join("guest"))
        .current_dir(from)
        .env_remove("RUSTFLAGS")
        .env("CARGO_ENCODED_RUSTFLAGS", rust_flags(workspace, from)?)
        .stdin(Stdio::null());
    let mut modules = BTreeMap::new();
    for line in output(command)
        .context("the detectors do not build")?
        .lines()
    {
        let Ok(message) = serde_json::from_str::<Message>(line) else {
            continue;
        };
        let (Some(target), "compiler-artifact") = (message.target, message.reason.as_str()) else {
            continue;
        };
        // A dependency may make a module of its own; it is linked, not shipped.
        if !target.src_path.starts_with(from) {
            continue;
        }
        let wasm = message
            .filenames
            .into_iter()
            .find(|f| f.extension().is_some_and(|e| e == "wasm"));
        modules.extend(wasm.map(|path| (target.name.replace('-', "_"), path)));
    }
    Ok(modules)
}

/// SIMD on, and no folder name of this machine in panic messages.
fn rust_flags(workspace: &Workspace, from: &Path) -> Result<String> {
    let mut rustc = Command::new("rustc");
    rustc
        .args(["--print", "sysroot"])
        .current_dir(&workspace.root);
    let sysroot = output(rustc)?;
    let home = std::env::var("CARGO_HOME")
        .or_else(|_| std::env::var("HOME").map(|home| format!("{home}/.cargo")))
        .unwrap_or_default();
    // The last matching prefix wins, so the wider ones come first.
    let remaps = [
        (sysroot.trim().to_owned(), "/rust"),
        (home, "/cargo"),
        (workspace.root.display().to_string(), "/clawdefender"),
        (from.display().to_string(), "/clawdefender/plugin"),
        (workspace.target.display().to_string(), "/target"),
    ];
    let mut flags = vec!["-C".to_owned(), "target-feature=+simd128".to_owned()];
    for (path, name) in remaps {
        let inside_workspace = from == workspace.root && name == "/clawdefender/plugin";
        if !path.is_empty() && !inside_workspace {
            flags.push(format!("--remap-path-prefix={path}={name}"));
        }
    }
    Ok(flags.join("\u{1f}"))
}

fn ensure_target(workspace: &Workspace) -> Result<()> {
    let mut rustc = Command::new("rustc");
    rustc
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(&workspace.root);
    if Path::new(output(rustc)?.trim()).is_dir() {
        return Ok(());
    }
    let mut add = Command::new("rustup");
    add.args(["target", "add", TARGET])
        .current_dir(&workspace.root);
    run(add).with_context(|| format!("install the Rust target {TARGET} and try again"))
}
