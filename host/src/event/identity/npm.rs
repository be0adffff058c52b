//! What npm's launchers would take, as far as the disk says.

use super::disk::text;
use super::{Identity, Launch, MAX_PARENTS, npm_name, resolve};
use sha2::Digest;
use std::path::{Path, PathBuf};

/// What npx would take: the project's own program of that name, else what it fetched before.
pub(super) fn of_npm(
    launch: &Launch,
    launcher: &str,
    name: &str,
    words: &[String],
    home: &Path,
) -> Identity {
    let spec = words.iter().find(|word| {
        let rest = word.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('@'))
    });
    let spec = spec.map(String::as_str);
    let short = name.rsplit('/').next().unwrap_or(name);
    let exact = spec.is_some_and(|spec| spec.len() > name.len());
    let serves = |manifest: &Path| {
        let version = spec.and_then(|spec| spec.strip_prefix(name)?.strip_prefix('@'));
        manifest.exists() && (!exact || version == version_of(manifest).as_deref())
    };
    let folders = Path::new(&launch.cwd).ancestors().take(MAX_PARENTS);
    // What the project has runs in place of the registry's: a program called like the word as it
    // stands, one of the project's own, or a package that is what was asked for. Source: libnpmexec.
    for folder in folders {
        let modules = folder.join("node_modules");
        let programs = spec.into_iter().chain((!exact).then_some(short));
        let mut programs = programs.map(|word| modules.join(".bin").join(word));
        if let Some(program) = programs.find(|program| program.exists()) {
            return Identity::of(&program);
        }
        let project = folder.join("package.json");
        if spec.is_some_and(|spec| brings(&project, spec) || brings(&project, short)) {
            return Identity::unknown("the project itself brings a program of this name");
        }
        let own = modules.join(name).join("package.json");
        if serves(&own) {
            return of_manifest(&own, short);
        }
    }
    // So does what is installed for everybody, beside npm itself.
    let npx = resolve(launcher, launch, Path::new(&launch.cwd));
    let npx = npx.and_then(|npx| npx.canonicalize().ok());
    let beside = npx.as_deref().and_then(|npx| {
        let mut above = npx.ancestors();
        above.find(|folder| {
            folder
                .file_name()
                .is_some_and(|name| name == "node_modules")
        })
    });
    let global = beside.map(|modules| modules.join(name).join("package.json"));
    if let Some(global) = global.filter(|global| serves(global)) {
        return of_manifest(&global, short);
    }
    if launcher != "npx" && launcher != "npm" {
        return Identity::unknown("where this launcher keeps what it fetched is not known");
    }
    let fetched = spec.map(|spec| {
        let digest = data_encoding::HEXLOWER.encode(&sha2::Sha512::digest(spec.as_bytes()));
        npm_cache(launch, home)
            .join("_npx")
            .join(digest.get(..16).unwrap_or_default())
            .join("node_modules")
            .join(name)
            .join("package.json")
    });
    match fetched {
        Some(manifest) if manifest.exists() => of_manifest(&manifest, short),
        _ => Identity::unknown("the package is not on this disk yet"),
    }
}

/// Whether the project at this manifest has a program of this name.
fn brings(manifest: &Path, program: &str) -> bool {
    let manifest: Option<serde_json::Value> =
        text(manifest).and_then(|text| serde_json::from_str(&text).ok());
    let Some(manifest) = manifest else {
        return false;
    };
    match manifest.get("bin") {
        Some(serde_json::Value::Object(all)) => all.contains_key(program),
        Some(serde_json::Value::String(_)) => {
            let name = manifest.get("name").and_then(serde_json::Value::as_str);
            name.is_some_and(|name| name.rsplit('/').next() == Some(program))
        }
        _ => false,
    }
}

fn version_of(manifest: &Path) -> Option<String> {
    let manifest: serde_json::Value = serde_json::from_str(&text(manifest)?).ok()?;
    Some(manifest.get("version")?.as_str()?.to_owned())
}

/// Source: npm's configuration: `npm_config_cache`, then `cache` in `~/.npmrc`, then `~/.npm`.
fn npm_cache(launch: &Launch, home: &Path) -> PathBuf {
    let variable = launch
        .env
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("npm_config_cache"));
    let written = || {
        let text = text(&home.join(".npmrc"))?;
        let line = text.lines().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == "cache").then(|| value.trim().trim_matches('"').to_owned())
        })?;
        Some(match line.strip_prefix("~/") {
            Some(rest) => home.join(rest),
            None => PathBuf::from(line),
        })
    };
    match variable {
        Some((_, path)) => PathBuf::from(path),
        None => written().unwrap_or_else(|| home.join(".npm")),
    }
}

/// The program that a package of npm runs under its own name.
fn of_manifest(path: &Path, program: &str) -> Identity {
    let manifest: Option<serde_json::Value> =
        text(path).and_then(|text| serde_json::from_str(&text).ok());
    let bin = manifest
        .as_ref()
        .and_then(|manifest| match manifest.get("bin")? {
            serde_json::Value::String(path) => Some(path.as_str()),
            serde_json::Value::Object(all) => all
                .get(program)
                .or_else(|| all.values().next().filter(|_| all.len() == 1))?
                .as_str(),
            _ => None,
        });
    let entry = bin.and_then(|bin| path.parent()?.join(bin).canonicalize().ok());
    let package = manifest.as_ref().and_then(npm_name);
    Identity::of_package(package, entry.as_deref(), "the package names no program")
}
