//! Ordinary text that a coding agent reads all day: documents and sources of the packages that this
//! project's own lock files name, as they lie on the disk after a build and `cargo xtask test --prepare`.
//!
//! Harmless rows, and only of packages whose licence permits it. What a machine has is what the lock files
//! say, so the same lock files give the same rows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clawdefender_sdk::Kind;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::feeds::root;
use crate::rows::{Row, Source, hex};

/// How the names of these sources begin.
pub const PACKAGES: &str = "packages-";
/// They are left out in turn, in so many parts.
const PARTS: usize = 8;
/// Files of a package, and bytes of a file. Chosen: what an agent looks at.
const FILES: usize = 12;
const BYTES: usize = 3000;
/// Shorter files say nothing.
const LEAST: usize = 200;
const ENDINGS: [&str; 9] = ["md", "rs", "toml", "py", "pyi", "js", "ts", "json", "txt"];
const PERMISSIVE: [&str; 9] = [
    "MIT",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "0BSD",
    "Unlicense",
    "Apache-2.0 WITH LLVM-exception",
];

/// A package on the disk: its name with its version, its licence, and the files that it may be read from.
struct Package {
    name: String,
    licence: String,
    files: Vec<PathBuf>,
}

pub fn packages() -> Result<Vec<Source>> {
    let mut all = crates()?;
    all.extend(of_npm()?);
    all.extend(of_python()?);
    all.retain(|package| is_permissive(&package.licence) && !package.name.contains("inject"));
    all.sort_by(|a, b| a.name.cmp(&b.name));
    let mut sources: BTreeMap<usize, (Source, Sha256, BTreeSet<String>)> = BTreeMap::new();
    for package in all {
        let [first, ..]: [u8; 32] = Sha256::digest(&package.name).into();
        let part = usize::from(first) % PARTS;
        let (source, digest, licences) = sources.entry(part).or_insert_with(|| {
            let name = format!("{PACKAGES}{part}");
            let empty = Source {
                name,
                ships: true,
                licence: String::new(),
                sha256: String::new(),
                rows: Vec::new(),
            };
            (empty, Sha256::new(), BTreeSet::new())
        });
        licences.insert(package.licence.clone());
        for text in texts(&package) {
            digest.update(&text);
            source.rows.push(Row {
                id: format!("{}-{}", package.name, source.rows.len()),
                source: source.name.clone(),
                language: "en".to_owned(),
                kind: Kind::ToolResult,
                attack: false,
                weight: 1.0,
                text,
            });
        }
    }
    let sources = sources
        .into_values()
        .map(|(source, digest, licences)| Source {
            licence: licences.into_iter().collect::<Vec<_>>().join("; "),
            sha256: hex(&digest.finalize()),
            ..source
        });
    Ok(sources.collect())
}

/// The same files of a package each time, and of a long one a stretch somewhere inside.
fn texts(package: &Package) -> Vec<String> {
    let mut files: Vec<_> = package
        .files
        .iter()
        .filter(|file| {
            let end = file
                .extension()
                .and_then(|end| end.to_str())
                .unwrap_or_default();
            let name = file
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            ENDINGS.contains(&end) || name.starts_with("LICENSE")
        })
        .map(|file| {
            (
                Sha256::digest(
                    file.to_string_lossy()
                        .rsplit(&package.name)
                        .next()
                        .unwrap_or_default()
                        .as_bytes(),
                ),
                file,
            )
        })
        .collect();
    files.sort();
    let texts = files.into_iter().filter_map(|(digest, file)| {
        let text = std::fs::read_to_string(file).ok()?;
        let room = text.len().saturating_sub(BYTES);
        let [high, low, ..]: [u8; 32] = digest.into();
        let mut start = match room {
            0 => 0,
            room => (usize::from(high) << 8 | usize::from(low)) * 17 % room,
        };
        while !text.is_char_boundary(start) {
            start += 1;
        }
        let mut end = (start + BYTES).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = text.get(start..end)?.to_owned();
        (text.len() >= LEAST).then_some(text)
    });
    texts.take(FILES).collect()
}

fn is_permissive(licence: &str) -> bool {
    let plain = licence.replace(['(', ')'], "").replace('/', " OR ");
    !plain.contains(" AND ")
        && plain
            .split(" OR ")
            .any(|one| PERMISSIVE.contains(&one.trim()))
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    source: Option<String>,
}

/// Crates of `Cargo.lock`, where cargo unpacks them.
fn crates() -> Result<Vec<Package>> {
    let lock: Lock = toml::from_str(&std::fs::read_to_string(root().join("Cargo.lock"))?)?;
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let home = home.context("neither CARGO_HOME nor HOME is set")?;
    let registries: Vec<PathBuf> = children(&home.join("registry/src"));
    let mut found = Vec::new();
    for locked in lock
        .package
        .into_iter()
        .filter(|locked| locked.source.is_some())
    {
        let name = format!("{}-{}", locked.name, locked.version);
        let folder = registries
            .iter()
            .map(|at| at.join(&name))
            .find(|at| at.is_dir());
        let Some(folder) = folder else {
            // Of another platform, or not fetched: `cargo fetch` has them all.
            bail!("{name} is not unpacked; `cargo fetch --locked` does it");
        };
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml"))?;
        let manifest: toml::Table = toml::from_str(&manifest)?;
        let licence = manifest
            .get("package")
            .and_then(|package| package.get("license"));
        found.push(Package {
            name,
            licence: licence
                .and_then(toml::Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            files: files(&folder),
        });
    }
    Ok(found)
}

/// Packages that the end-to-end tests install for Node.
fn of_npm() -> Result<Vec<Package>> {
    let folder = root().join("target/e2e/node/node_modules");
    let scoped = |at: PathBuf| match at
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with('@'))
    {
        true => children(&at),
        false => vec![at],
    };
    let mut found = Vec::new();
    for package in children(&folder).into_iter().flat_map(scoped) {
        let Ok(manifest) = std::fs::read_to_string(package.join("package.json")) else {
            continue;
        };
        let manifest: serde_json::Value = serde_json::from_str(&manifest)?;
        let word = |key: &str| {
            manifest
                .get(key)
                .and_then(serde_json::Value::as_str)
                .unwrap_or_default()
        };
        found.push(Package {
            name: word("name").to_owned(),
            licence: word("license").to_owned(),
            files: files(&package),
        });
    }
    if found.is_empty() {
        bail!(
            "{} is empty; `cargo xtask test --prepare` fills it",
            folder.display()
        );
    }
    Ok(found)
}

/// Packages that the end-to-end tests install for Python.
fn of_python() -> Result<Vec<Package>> {
    let lib = root().join("target/e2e/venv/lib");
    let mut found = Vec::new();
    for site in children(&lib)
        .iter()
        .map(|python| python.join("site-packages"))
    {
        for about in children(&site)
            .into_iter()
            .filter(|at| at.extension().is_some_and(|end| end == "dist-info"))
        {
            let text = std::fs::read_to_string(about.join("METADATA")).unwrap_or_default();
            let head = text.split("\n\n").next().unwrap_or_default();
            let of = |key: &str| {
                head.lines()
                    .find_map(|line| line.strip_prefix(key))
                    .unwrap_or_default()
            };
            let classified = |(words, licence): &(&str, &str)| {
                head.contains(words).then(|| (*licence).to_owned())
            };
            let licence = match of("License-Expression: ") {
                "" => CLASSIFIERS.iter().find_map(classified).unwrap_or_default(),
                known => known.to_owned(),
            };
            let record = std::fs::read_to_string(about.join("RECORD")).unwrap_or_default();
            let files = record.lines().filter_map(|line| line.split(',').next());
            found.push(Package {
                name: of("Name: ").to_owned(),
                licence,
                files: files.map(|file| site.join(file)).collect(),
            });
        }
    }
    if found.is_empty() {
        bail!(
            "{} is empty; `cargo xtask test --prepare` fills it",
            lib.display()
        );
    }
    Ok(found)
}

const CLASSIFIERS: [(&str, &str); 3] = [
    ("OSI Approved :: MIT License", "MIT"),
    ("OSI Approved :: Apache Software License", "Apache-2.0"),
    ("OSI Approved :: BSD License", "BSD-3-Clause"),
];

fn children(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    found.sort();
    found
}

/// All files below a folder, but for other packages inside.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in children(folder) {
        if entry.is_symlink() || entry.ends_with("node_modules") {
            continue;
        }
        match entry.is_dir() {
            true => found.extend(files(&entry)),
            false => found.push(entry),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_licence_permits_is_learnt_from() {
        for licence in [
            "MIT",
            "MIT OR GPL-3.0",
            "MIT/Apache-2.0",
            "(MIT OR Apache-2.0)",
        ] {
            assert!(is_permissive(licence), "{licence}");
        }
        for licence in [
            "",
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "SEE LICENSE IN x",
            "LGPL-2.1 OR MPL-2.0",
        ] {
            assert!(!is_permissive(licence), "{licence}");
        }
    }
}
