//! Packages that a call writes into a file: manifests, lock files, and configurations that start
//! something.
//!
//! Only what the call itself carries is read, a whole file or the new half of an edit, so nothing
//! here needs a file to be well-formed: what looks like a name with a version is looked up.

mod inline;
mod lines;
mod npm_lock;
mod pins;
mod toml;

use std::collections::{BTreeMap, BTreeSet};

use clawdefender_sdk::{Role, Text};

use crate::launch::{self, Candidate, Extraction};
use crate::lockfile::is_replaced;
use crate::package::Ecosystem::{self, Cargo, Go, Npm, Oci, Pypi, Rubygems};

/// Packages of one call that are looked up: more than any manifest has and most lock files have.
const MAX_PACKAGES: usize = 2048;
/// Bytes of a call that are read. Measured: docs/supply-chain.md.
const MAX_BYTES: usize = 256 * 1024;
/// A path is no longer than this, and a patch names its first file before it.
const HEAD_BYTES: usize = 1024;

/// What a call writes.
#[derive(Debug, Default)]
pub struct Written {
    /// Asked for by somebody, so that a misspelt name is worth telling.
    pub wanted: Vec<Candidate>,
    /// Chosen by a tool.
    pub locked: Vec<Candidate>,
    /// Commands in a configuration or a script.
    pub commands: Vec<Extraction>,
    /// There was more than is read.
    pub cut: bool,
}

/// How a file speaks of packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Format {
    /// `"name": "version"`.
    JsonManifest,
    /// `"node_modules/name": { "version": "…" }`, or `name@version` as a key.
    NpmLock,
    /// A requirement on each line.
    Requirements,
    /// Requirements in quotes, or `name = "version"`.
    Toml(Ecosystem),
    /// The inline metadata of a Python script.
    Inline,
    /// `name = "…"` and `version = "…"`.
    TomlLock(Ecosystem),
    /// `path v1.2.3`.
    GoModule,
    /// `gem "name", "version"`, or `name (version)`.
    Gems,
    /// Names with one version, in whatever way.
    Pins,
    /// Commands, and the images that they run in.
    Commands,
}

/// Everything that a call writes about packages. A text is read as the file that is named beside
/// it, in the same object; without one, as the file that the call names if that is exactly one.
pub fn written(texts: &[Text]) -> Written {
    let mut out = Written::default();
    let arguments = || texts.iter().filter(|text| text.role == Role::Argument);
    // The kinds of file that are named in each object; none for a file of another kind.
    let mut named: BTreeMap<&str, BTreeSet<Option<Format>>> = BTreeMap::new();
    let mut paths = 0_usize;
    for text in arguments() {
        if let Some(path) = lone_path(&text.original) {
            let beside = named.entry(parent(&text.pointer)).or_default();
            beside.insert(format_of(path));
            paths += 1;
        }
    }
    let mut left = MAX_BYTES;
    for text in arguments().filter(|text| !is_replaced(&text.pointer)) {
        let whole = text.original.as_str();
        if lone_path(whole).is_some_and(|path| format_of(path).is_some()) {
            continue;
        }
        let head = whole
            .get(..whole.floor_char_boundary(left))
            .unwrap_or_default();
        let mut formats: BTreeSet<Format> = patched(whole).filter_map(format_of).collect();
        if formats.is_empty() {
            // `{"package.json": "…"}`.
            formats.extend(text.pointer.rsplit(['/', '~']).next().and_then(format_of));
            let mut beside = false;
            let mut above = parent(&text.pointer);
            while !above.is_empty() {
                let here = named.get(above);
                beside |= here.is_some();
                formats.extend(here.into_iter().flatten().flatten());
                above = parent(above);
            }
            if !beside && paths == 1 {
                formats.extend(named.values().flatten().flatten());
            }
        }
        let configures = head.contains("mcpServers") || head.contains("mcp_servers");
        if configures {
            formats.insert(Format::Commands);
        }
        if inline::metadata(head).is_some() {
            formats.insert(Format::Inline);
        }
        if formats.is_empty() {
            continue;
        }
        out.cut |= head.len() < whole.len();
        left -= head.len();
        let added = added(head);
        let readable = added.as_deref().unwrap_or(head);
        let plain = unescaped(readable);
        let readable = plain.as_deref().unwrap_or(readable);
        for format in formats {
            out.read(readable, format);
        }
    }
    out
}

/// JSON's `\u002d` as what it stands for; `None` where there is none.
fn unescaped(text: &str) -> Option<String> {
    let mut parts = text.split("\\u");
    let mut plain = parts.next()?.to_owned();
    let mut any = false;
    for part in parts {
        let code = part
            .get(..4)
            .and_then(|code| u32::from_str_radix(code, 16).ok());
        match code.and_then(char::from_u32).filter(char::is_ascii_graphic) {
            // A quote or a backslash stays escaped.
            Some(c) if !"\"'\\".contains(c) => {
                plain.push(c);
                plain.push_str(part.get(4..).unwrap_or_default());
                any = true;
            }
            _ => {
                plain.push_str("\\u");
                plain.push_str(part);
            }
        }
    }
    any.then_some(plain)
}

fn parent(pointer: &str) -> &str {
    pointer.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// The path that a short text is.
fn lone_path(text: &str) -> Option<&str> {
    let short = text.len() <= HEAD_BYTES && !text.contains('\n');
    if !short {
        return None;
    }
    let name = text.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain = |c: u8| c.is_ascii_alphanumeric() || b"._-".contains(&c);
    let ending = name.rsplit_once('.').is_some_and(|(_, ending)| {
        ending.len() <= 8 && ending.starts_with(|c: char| c.is_ascii_alphabetic())
    });
    (format_of(text).is_some() || (ending && name.bytes().all(plain))).then_some(text)
}

/// The files that a patch changes.
fn patched(text: &str) -> impl Iterator<Item = &str> {
    let head = text
        .get(..text.floor_char_boundary(HEAD_BYTES))
        .unwrap_or_default();
    head.lines().filter_map(|line| {
        ["+++ ", "*** Update File: ", "*** Add File: "]
            .iter()
            .find_map(|start| line.strip_prefix(start))
            // `diff` puts a tab and a time behind the name.
            .map(|path| path.split('\t').next().unwrap_or(path))
    })
}

fn format_of(path: &str) -> Option<Format> {
    let name = path.trim().rsplit(['/', '\\']).next()?;
    if name.len() > 64 || name.contains(char::is_whitespace) {
        return None;
    }
    let name = name.to_ascii_lowercase();
    Some(match name.as_str() {
        "package.json" => Format::JsonManifest,
        "package-lock.json"
        | "npm-shrinkwrap.json"
        | "yarn.lock"
        | "pnpm-lock.yaml"
        | "bun.lock" => Format::NpmLock,
        "pyproject.toml" | "pipfile" | "setup.py" => Format::Toml(Pypi),
        name if pins::is_file(name) => Format::Pins,
        "uv.lock" | "poetry.lock" | "pdm.lock" | "pylock.toml" => Format::TomlLock(Pypi),
        "cargo.toml" => Format::Toml(Cargo),
        "cargo.lock" => Format::TomlLock(Cargo),
        "go.mod" | "go.sum" | "go.work" => Format::GoModule,
        "gemfile" | "gemfile.lock" | "gems.rb" => Format::Gems,
        "dockerfile" | "containerfile" | "makefile" | "justfile" | "procfile" | "crontab"
        | ".envrc" | ".profile" | ".bashrc" | ".zshrc" | ".bash_profile" | ".zshenv" => {
            Format::Commands
        }
        name if name.ends_with(".txt")
            && ["require", "constrain"].iter().any(|w| name.contains(w)) =>
        {
            Format::Requirements
        }
        name if name.ends_with(".in") && name.contains("require") => Format::Requirements,
        name => {
            const ENDINGS: [&str; 14] = [
                ".json", ".jsonc", ".json5", ".toml", ".yml", ".yaml", ".sh", ".bash", ".zsh",
                ".ps1", ".bat", ".cmd", ".service", ".plist",
            ];
            let ends = ENDINGS.iter().any(|ending| name.ends_with(ending));
            return (ends || name.starts_with("dockerfile.")).then_some(Format::Commands);
        }
    })
}

/// What a patch adds; `None` for text that is no patch.
fn added(text: &str) -> Option<String> {
    let patch =
        text.starts_with("--- ") || text.starts_with("*** Begin Patch") || text.contains("\n@@");
    let lines = || {
        text.lines()
            .filter(|line| !line.starts_with('-') && !line.starts_with("+++"))
    };
    patch.then(|| {
        let lines = lines().map(|line| line.strip_prefix('+').unwrap_or(line));
        lines.collect::<Vec<&str>>().join("\n")
    })
}

impl Written {
    /// Reads what a script writes into files.
    pub fn files(&mut self, files: &[(String, String)]) {
        for (path, text) in files {
            let script = || text.starts_with("#!").then_some(Format::Commands);
            if let Some(format) = format_of(path).or_else(script) {
                self.read(text, format);
            }
            self.read(text, Format::Inline);
        }
    }

    fn read(&mut self, text: &str, format: Format) {
        let text = text.trim_start_matches('\u{feff}');
        match format {
            Format::JsonManifest => {
                for (key, value) in pairs(text) {
                    let value = value.trim();
                    if is_npm_spec(value) {
                        self.want(&format!("{key}@{value}"), Npm);
                    }
                }
                self.commands.push(launch::mentions(text));
            }
            Format::NpmLock => self.npm_lock(text),
            Format::Pins => {
                self.pins(text);
                self.commands.push(launch::mentions(text));
            }
            Format::Requirements => {
                for line in lines::requirements(text) {
                    if line.starts_with(|c: char| c.is_ascii_alphanumeric()) {
                        let end = line.find(" --").unwrap_or(line.len());
                        self.want(line.get(..end).unwrap_or(&line), Pypi);
                    }
                }
            }
            Format::Toml(ecosystem) => self.toml(text, ecosystem),
            Format::Inline => {
                let metadata = inline::metadata(text).unwrap_or_default();
                self.toml(&metadata, Pypi);
            }
            Format::TomlLock(ecosystem) => {
                // In any order, one of each in a table.
                let (mut name, mut version) = (None, None);
                for line in text.lines() {
                    if line.trim_start().starts_with('[') {
                        (name, version) = (None, None);
                    }
                    match (assignment(line), name) {
                        (Some(("name", value)), _) => {
                            name = Some(value);
                            if let Some(version) = version.take() {
                                self.lock(value, version, ecosystem);
                            }
                        }
                        (Some(("version", value)), Some(name)) => self.lock(name, value, ecosystem),
                        (Some(("version", value)), None) => version = Some(value),
                        _ => {}
                    }
                }
            }
            Format::GoModule => {
                for line in text.lines() {
                    let mut words = line
                        .split_whitespace()
                        .skip_while(|word| *word == "require");
                    while let Some(word) = words.next() {
                        if word.contains('.')
                            && let Some(version) = words.next()
                        {
                            let version = version.trim_end_matches("/go.mod");
                            self.lock(word, version, Go);
                        }
                    }
                }
            }
            Format::Gems => {
                for line in text.lines().map(str::trim) {
                    let mut strings = quoted(line);
                    if let Some((name, _)) = strings.next().filter(|_| line.starts_with("gem")) {
                        let version = strings.next().map_or("", |(version, _)| version);
                        self.want(&format!("{name}:{version}"), Rubygems);
                    } else if let Some((name, version)) = line.split_once(" (") {
                        self.lock(name, version.trim_end_matches(')'), Rubygems);
                    }
                }
            }
            Format::Commands => {
                let whole = lines::commands(text);
                let text = whole.as_deref().unwrap_or(text);
                for line in text.lines().map(str::trim) {
                    let image = line
                        .strip_prefix("FROM ")
                        .or_else(|| line.strip_prefix("image:"))
                        .or_else(|| line.strip_prefix("\"image\":"));
                    if let Some(image) = image.and_then(|rest| {
                        rest.split_whitespace().find(|word| !word.starts_with("--"))
                    }) {
                        self.want(image.trim_matches(['"', '\'', ',']), Oci);
                    }
                }
                self.commands.push(launch::mentions(text));
            }
        }
    }

    fn want(&mut self, text: &str, ecosystem: Ecosystem) {
        let found = self.candidate(text, ecosystem);
        self.wanted.extend(found);
    }

    fn lock(&mut self, name: &str, version: &str, ecosystem: Ecosystem) {
        let starts = version
            .trim_start_matches('v')
            .starts_with(|c: char| c.is_ascii_digit());
        if starts && !name.is_empty() {
            let separator = if ecosystem == Pypi { "==" } else { "@" };
            let found = self.candidate(&format!("{name}{separator}{version}"), ecosystem);
            self.locked.extend(found);
        }
    }

    fn candidate(&mut self, text: &str, ecosystem: Ecosystem) -> Option<Candidate> {
        if self.wanted.len() + self.locked.len() >= MAX_PACKAGES {
            self.cut = true;
            return None;
        }
        let found = Candidate::read(text, ecosystem, launch::Role::Extra, false).ok()?;
        found.ecosystem.is_legal(&found.name).then_some(found)
    }
}

/// Strings in double or single quotes on one line each, and whether a colon follows.
fn quoted(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let start = rest.find(['"', '\''])?;
            let quote = rest.get(start..start + 1)?;
            let after = rest.get(start + 1..)?;
            let mut escaped = false;
            let end = after.find(|c: char| {
                let ends = !escaped && (c == '\n' || quote.starts_with(c));
                escaped = !escaped && c == '\\';
                ends
            })?;
            let closed = after.get(end..end + 1) == Some(quote);
            let string = after.get(..end)?;
            rest = after.get(end + 1..)?;
            if closed {
                return Some((string, rest.trim_start().starts_with(':')));
            }
        }
    })
}

/// `"key": "value"`, wherever it stands.
fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut key = None;
    quoted(text).filter_map(move |(string, is_key)| {
        let pair = key.take().filter(|_| !is_key).map(|key| (key, string));
        key = is_key.then_some(string);
        pair
    })
}

/// `key = "value"`, `key = { version = "value", … }`.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let (key, rest) = line.split_once('=')?;
    let key = key.trim().trim_matches(['"', '\'']);
    let rest = rest.trim();
    let rest = match rest.strip_prefix('{') {
        Some(table) => table.split("version").nth(1)?,
        None => rest.starts_with(['"', '\'']).then_some(rest)?,
    };
    let (value, _) = quoted(rest).next()?;
    let plain = !key.is_empty() && !key.contains(char::is_whitespace);
    plain.then_some((key, value))
}

fn is_npm_spec(value: &str) -> bool {
    value.starts_with(|c: char| c.is_ascii_digit() || "^~<>=*v".contains(c))
        || value.starts_with("npm:")
        || (value.contains("://")
            && matches!(launch::target(value, Npm), launch::Target::Registry { .. }))
        || matches!(value, "latest" | "next")
}

#[cfg(test)]
mod tests;
