//! Files in which a package and its one version stand in some other way: `name==1.0` on a line of
//! `tox.ini`, `"npm:name@1.0.0"` in `deno.json`, `name: 1.0.0` in `pnpm-workspace.yaml`.
//!
//! Nothing is known about such a file but its name, so only what names one version is looked up.

use super::{Written, quoted};
use crate::package::Ecosystem::{Npm, Pypi};

/// Whether a file, named in lower case, is read so.
pub fn is_file(name: &str) -> bool {
    const NAMES: [&str; 14] = [
        "setup.cfg",
        "tox.ini",
        "environment.yml",
        "environment.yaml",
        ".pre-commit-config.yaml",
        "deno.json",
        "deno.jsonc",
        "deno.lock",
        "import_map.json",
        "pnpm-workspace.yaml",
        "mise.toml",
        ".mise.toml",
        ".tool-versions",
        "pipfile.lock",
    ];
    NAMES.contains(&name)
}

impl Written {
    pub(super) fn pins(&mut self, text: &str) {
        for line in text.lines() {
            let line = line.split(" #").next().unwrap_or(line);
            let joined = line.replace(" == ", "==");
            let parts = |c: char| c.is_whitespace() || "\"',{}()".contains(c);
            for word in joined.split(parts).filter(|word| !word.is_empty()) {
                if let Some((name, version)) = word.split_once("==") {
                    let name = name.split('[').next().unwrap_or(name);
                    self.lock(name, version, Pypi);
                } else if let Some((name, version)) = word.rsplit_once('@') {
                    let name = name.rsplit("npm:").next().unwrap_or(name);
                    self.lock(name, version, Npm);
                }
            }
            self.pin_of_key(line);
        }
        // `"name": { "version": "==1.0" }`.
        for (object, key, value) in fields(text) {
            if let Some(version) = value.strip_prefix("==") {
                self.lock(if key == "version" { object } else { key }, version, Pypi);
            }
        }
    }

    /// `name: 1.0.0`, `"npm:name" = "1.0.0"`, `npm:name 1.0.0`.
    fn pin_of_key(&mut self, line: &str) {
        let pair = [": ", "=", " "]
            .iter()
            .find_map(|sign| line.trim().split_once(sign));
        let Some((key, value)) = pair else {
            return;
        };
        let plain = |part: &str| part.trim().trim_matches(['"', '\'', ',', ':']).to_owned();
        let (key, value) = (plain(key), plain(value));
        let name = key.strip_prefix("npm:").unwrap_or(&key);
        if name.contains("==") || name.contains(char::is_whitespace) {
            return;
        }
        // `overrides: { good: npm:evil@1.0.0 }` is read as a word already.
        self.lock(name, &value, Npm);
    }
}

/// Strings that are no keys, each with its key and that of the object around it.
pub fn fields(text: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    let mut open: Vec<&str> = Vec::new();
    let (mut key, mut read) = ("", 0);
    quoted(text).filter_map(move |(string, is_key)| {
        let start = (string.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        let between = text.get(read..start).unwrap_or_default();
        read = start + string.len();
        for brace in between.bytes() {
            match brace {
                b'{' => open.push(std::mem::take(&mut key)),
                b'}' => drop(open.pop()),
                _ => {}
            }
        }
        if is_key {
            key = string;
            return None;
        }
        Some((open.last().copied().unwrap_or_default(), key, string))
    })
}
