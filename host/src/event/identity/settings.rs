//! Settings that launchers read from files of the folder where they are started, told as the
//! variables that would say the same.
//!
//! A folder that was cloned can choose another registry for `npx` without a word of it in the
//! command. Only what changes where packages come from, or brings code, is told; never a credential.
//! What stands in the user's own files is the user's choice and is not told.

use super::disk::text;
use super::folders::{set, starts};
use super::npmrc::npmrc;
use super::yarnrc::{classic, yarnrc};
use super::{folders, script};
use crate::event::Launch;
use std::path::{Path, PathBuf};

/// Folders above the start that are looked at. Chosen: deeper than projects lie.
const MAX_FOLDERS: usize = 32;
/// Settings that are told at most. Chosen: more than any honest file has.
const MAX_SETTINGS: usize = 64;

/// What a file sets; `None` when it can't be read.
type Reader = fn(&str) -> Option<Vec<(String, String)>>;

/// What was found.
#[derive(Default)]
struct Found {
    /// By the names of variables. One that is set wins over a file, as it does for the launchers.
    settings: Vec<(String, String)>,
    /// What may be anything, so that no variable wins over it.
    doubts: Vec<(String, String)>,
}

/// The settings of `launch`, by the names of variables; a name may be there several times, where it
/// depends on the launcher which counts.
pub(super) fn of_files(launch: &Launch, home: &Path) -> Vec<(String, String)> {
    let words = folders::words(launch);
    let home = home.canonicalize().unwrap_or_else(|_| home.to_owned());
    let mut found = Found::default();
    found.npm(launch, &words, &home);
    found.yarn(launch, &words, &home);
    found.bun(launch, &words, &home);
    found.uv(launch, &words, &home);
    found.homes(launch, &words, &home);
    let needed = found.scripts(launch);
    found.finish(launch, &needed)
}

/// Whether one of these programs may be started.
fn runs(words: &[&str], names: &[&str]) -> bool {
    let mut words = words.iter();
    words.any(|word| names.iter().any(|name| word.contains(name)))
}

/// A folder and those above it, up to the user's own.
fn above<'p>(start: &'p Path, home: &'p Path) -> impl Iterator<Item = &'p Path> {
    let folders = start.ancestors().take(MAX_FOLDERS);
    folders.take_while(move |folder| *folder != home)
}

impl Found {
    fn read(&mut self, path: PathBuf, reader: Reader, source: &str) {
        match text(&path).as_deref().and_then(reader) {
            Some(settings) => self.settings.extend(settings),
            // A launcher that is less strict may read what we can't: then it says "elsewhere".
            None if path.symlink_metadata().is_ok() => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                self.doubt(source, format!("unreadable {name}"));
            }
            None => {}
        }
    }

    fn doubt(&mut self, source: &str, why: String) {
        self.doubts.push((source.to_owned(), why));
    }

    /// Where a launch may begin, by options and variables.
    fn starts(
        &mut self,
        launch: &Launch,
        words: &[&str],
        options: &[&str],
        variables: &[&str],
    ) -> Vec<PathBuf> {
        starts(launch, words, options, variables).unwrap_or_else(|| {
            self.doubts.extend(unread());
            vec![launch.cwd.clone().into()]
        })
    }

    /// Source: npm-config(7), npmrc(5): the nearest folder with a package is the project, or one above
    /// that has it as a workspace.
    fn npm(&mut self, launch: &Launch, words: &[&str], home: &Path) {
        if !runs(words, &["npm", "npx", "pnx", "yarn", "bun", "deno"]) {
            return;
        }
        let mut options = vec!["prefix", "prefi", "C", "chdir"];
        options.extend(Some("cwd").filter(|_| runs(words, &["yarn", "bun"])));
        options.extend(Some("dir").filter(|_| runs(words, &["pnpm", "pnpx", "pnx"])));
        let has = |folder: &Path, name: &str| folder.join(name).exists();
        let mut folders: Vec<PathBuf> = Vec::new();
        for start in self.starts(launch, words, &options, &[]) {
            let mut above = above(&start, home).map(Path::to_owned).peekable();
            folders.extend(above.peek().cloned());
            let is_project = |at: &PathBuf| has(at, "package.json") || has(at, "node_modules");
            folders.extend(above.by_ref().find(is_project));
            folders.extend(above.filter(|at| has_workspaces(at)));
        }
        let mut seen = Vec::new();
        for folder in folders {
            if !seen.contains(&folder) {
                self.read(folder.join(".npmrc"), npmrc, "npm_config_registry");
                seen.push(folder);
            }
        }
    }

    /// Source: yarn's documentation of .yarnrc.yml, and of .yarnrc of its version 1: every folder above
    /// counts.
    fn yarn(&mut self, launch: &Launch, words: &[&str], home: &Path) {
        if runs(words, &["yarn"]) {
            for start in self.starts(launch, words, &["cwd", "C", "chdir"], &[]) {
                for folder in above(&start, home) {
                    let path = folder.join(".yarnrc.yml");
                    self.read(path, yarnrc, "YARN_NPM_REGISTRY_SERVER");
                    self.read(folder.join(".yarnrc"), classic, "YARN_REGISTRY");
                }
            }
        }
    }

    /// Source: bun's documentation of bunfig.toml.
    fn bun(&mut self, launch: &Launch, words: &[&str], home: &Path) {
        if runs(words, &["bun"]) {
            for start in self.starts(launch, words, &["cwd", "C", "chdir"], &[]) {
                for folder in above(&start, home).take(1) {
                    self.read(folder.join("bunfig.toml"), bunfig, "BUN_CONFIG_REGISTRY");
                }
            }
        }
    }

    /// Source: uv's documentation of configuration files: commands of `uv tool` heed no project's.
    fn uv(&mut self, launch: &Launch, words: &[&str], home: &Path) {
        if !heeds_project(words) {
            return;
        }
        let options = ["directory", "project", "C", "chdir"];
        let variables = ["UV_PROJECT", "UV_WORKING_DIR"];
        for start in self.starts(launch, words, &options, &variables) {
            let mut is_found = false;
            for folder in above(&start, home) {
                let files = ["uv.toml", "pyproject.toml"].map(|name| folder.join(name));
                // A project without a word for uv is no end of its search.
                let heeded = |path: &PathBuf| match text(path).as_deref().and_then(uv) {
                    Some(settings) => !settings.is_empty() || path.ends_with("uv.toml"),
                    None => path.symlink_metadata().is_ok(),
                };
                // Of a member's project, the settings of its workspace count.
                let nearest = !is_found && files.iter().any(heeded);
                if nearest || files.iter().any(|path| is_workspace(path)) {
                    is_found = true;
                    for path in files {
                        self.read(path, uv, "UV_INDEX_URL");
                    }
                }
            }
        }
    }

    /// The user's own files, where the launch says that they are elsewhere.
    fn homes(&mut self, launch: &Launch, words: &[&str], home: &Path) {
        let start = Path::new(&launch.cwd);
        let start = start.canonicalize().unwrap_or_else(|_| start.to_owned());
        let real = |path: &str| {
            let path = start.join(path);
            path.canonicalize().unwrap_or(path)
        };
        let other = set(launch, words, "HOME").find(|path| real(path) != home);
        // Clients in containers of their own (Flatpak, Snap) have their settings below the user's
        // folder; a project has nothing to say there.
        let is_own = |path: &str| {
            let path = real(path);
            let project = !home.starts_with(&start) && path.starts_with(&start);
            path.starts_with(home) && !project
        };
        let config = set(launch, words, "XDG_CONFIG_HOME");
        let config = config
            .filter(|path| !path.is_empty())
            .find(|path| !is_own(path));
        if other.is_some() && runs(words, &["npm", "npx", "pnx", "yarn", "bun", "deno"]) {
            self.doubt("npm_config_userconfig", "another home".to_owned());
        }
        if (other.is_some() || config.is_some()) && runs(words, &["uv", "pip"]) {
            self.doubt("UV_CONFIG_FILE", "another home".to_owned());
            self.doubt("PIP_CONFIG_FILE", "another home".to_owned());
        }
    }

    /// What scripts need, and the settings that they bring.
    fn scripts(&mut self, launch: &Launch) -> Vec<String> {
        let mut needed = Vec::new();
        let scripts = script::metadata(launch);
        for block in scripts.blocks {
            let settings = uv(&block).zip(script::dependencies(&block));
            let Some((settings, dependencies)) = settings else {
                self.doubt("UV_INDEX_URL", "unreadable script".to_owned());
                continue;
            };
            self.settings.extend(settings);
            needed.extend(Some(dependencies).filter(|all| !all.is_empty()));
        }
        if scripts.unread {
            self.doubt("UV_INDEX_URL", "unreadable script".to_owned());
        }
        needed
    }

    fn finish(self, launch: &Launch, needed: &[String]) -> Vec<(String, String)> {
        // npm ignores the case of its variables, and those that are empty.
        let is_set = |name: &str| {
            let mut variables = launch.env.iter().filter(|(_, value)| !value.is_empty());
            variables.any(|(known, _)| match name.starts_with("npm_") {
                true => known.eq_ignore_ascii_case(name),
                false => known == name,
            })
        };
        let mut doubts = self.doubts;
        let mut settings: Vec<(String, String)> = Vec::new();
        for setting in self.settings {
            if is_set(&setting.0) || settings.contains(&setting) {
                continue;
            }
            if settings.len() == MAX_SETTINGS {
                doubts.extend(unread());
                break;
            }
            // What lies in a cache is taken for what the registry said.
            if setting.0 == "npm_config_cache" {
                doubts.push(("npm_config_registry".to_owned(), "a cache".to_owned()));
            }
            settings.push(setting);
        }
        for doubt in doubts {
            if !settings.contains(&doubt) {
                settings.push(doubt);
            }
        }
        // uv has no such variable, so one that is set hides nothing.
        if !needed.is_empty() {
            settings.push(("UV_WITH".to_owned(), needed.join("\n")));
        }
        settings
    }
}

/// What is told when the disk does not say in time what the files hold: each launcher may be led
/// elsewhere.
pub(super) fn unread() -> Vec<(String, String)> {
    [
        "npm_config_registry",
        "YARN_NPM_REGISTRY_SERVER",
        "BUN_CONFIG_REGISTRY",
        "UV_INDEX_URL",
    ]
    .map(|name| (name.to_owned(), "unreadable settings".to_owned()))
    .into()
}

/// Whether a folder's package has others below it, as far as that can be told.
fn has_workspaces(folder: &Path) -> bool {
    let path = folder.join("package.json");
    let manifest = text(&path).and_then(|text| {
        let text = text.trim_start_matches('\u{feff}');
        serde_json::from_str::<serde_json::Value>(text).ok()
    });
    match manifest {
        Some(manifest) => manifest.get("workspaces").is_some(),
        None => path.symlink_metadata().is_ok(),
    }
}

/// Whether uv is started for something else than its tools.
fn heeds_project(words: &[&str]) -> bool {
    let name = |word: &str| word.rsplit('/').next().is_some_and(|name| name == "uv");
    let mut named = words.iter().enumerate().filter(|(_, word)| name(word));
    if named.clone().next().is_none() {
        let tools = words.iter().any(|word| word.ends_with("uvx"));
        return !tools && runs(words, &["uv"]);
    }
    named.any(|(at, _)| {
        let behind = words.get(at + 1..).unwrap_or_default();
        positional(behind) != Some("tool")
    })
}

/// The first word that is neither an option of uv's nor the value of one.
fn positional<'w>(words: &[&'w str]) -> Option<&'w str> {
    const VALUES: [&str; 8] = [
        "--directory",
        "--project",
        "--config-file",
        "--cache-dir",
        "--color",
        "--allow-insecure-host",
        "--python-preference",
        "--preview-features",
    ];
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        if VALUES.contains(&word) {
            words.next();
        } else if !word.starts_with('-') {
            return Some(word);
        }
    }
    None
}

/// Whether a project is the root of a workspace of uv's.
fn is_workspace(path: &Path) -> bool {
    let table = text(path).and_then(|text| text.parse::<toml::Table>().ok());
    let part = table
        .as_ref()
        .and_then(|table| table.get("tool")?.get("uv"));
    part.is_some_and(|part| part.get("workspace").is_some())
}

fn bunfig(text: &str) -> Option<Vec<(String, String)>> {
    let table = text.parse::<toml::Table>().ok()?;
    let install = |key: &str| table.get("install")?.get(key);
    let url = |found: &toml::Value| match found.as_str() {
        Some(url) => Some(url.to_owned()),
        None => Some(found.get("url")?.as_str()?.to_owned()),
    };
    let registry = install("registry").and_then(url);
    let registry = registry.map(|url| ("BUN_CONFIG_REGISTRY".to_owned(), url));
    let scopes = install("scopes").and_then(toml::Value::as_table);
    let scopes = scopes.into_iter().flatten().filter_map(|(scope, found)| {
        let name = format!("npm_config_@{}:registry", scope.trim_start_matches('@'));
        Some((name, url(found)?))
    });
    let own = ["ca", "cafile"]
        .into_iter()
        .find(|key| install(key).is_some());
    let own = own.map(|key| ("npm_config_strict_ssl".to_owned(), key.to_owned()));
    let preload = table
        .get("preload")
        .map(strings)
        .filter(|words| !words.is_empty());
    let preload = preload.map(|words| ("NODE_OPTIONS".to_owned(), format!("--require {words}")));
    let told = registry.into_iter().chain(preload);
    Some(told.chain(scopes).chain(own).collect())
}

/// `uv.toml`, or the part of `pyproject.toml` that is uv's.
fn uv(text: &str) -> Option<Vec<(String, String)>> {
    let table = text.parse::<toml::Table>().ok()?;
    let part = table.get("tool").and_then(|tool| tool.get("uv"));
    let of = |key: &str| match part {
        Some(part) => part.get(key),
        None => table.get(key),
    };
    let mut settings = Vec::new();
    for (key, name) in [
        ("index-url", "UV_INDEX_URL"),
        ("extra-index-url", "UV_EXTRA_INDEX_URL"),
        ("find-links", "UV_FIND_LINKS"),
        ("allow-insecure-host", "UV_INSECURE_HOST"),
    ] {
        let words = of(key).map(strings).filter(|words| !words.is_empty());
        settings.extend(words.map(|words| (name.to_owned(), words)));
    }
    let listed = of("index").and_then(toml::Value::as_array);
    let urls = listed
        .into_iter()
        .flatten()
        .filter_map(|index| index.get("url")?.as_str());
    let urls: Vec<&str> = urls.collect();
    if !urls.is_empty() {
        settings.push(("UV_INDEX".to_owned(), urls.join(" ")));
    }
    Some(settings)
}

/// A string, or the strings of a list, with spaces between them.
fn strings(value: &toml::Value) -> String {
    match value {
        toml::Value::String(word) => word.clone(),
        toml::Value::Array(list) => {
            let words: Vec<&str> = list.iter().filter_map(toml::Value::as_str).collect();
            words.join(" ")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
