//! Edits of lock files and of the settings that say where packages come from.
//!
//! A lock file is read by nobody and believed by every later install, so an address in it that is
//! not the public registry's is told. Only what the call itself writes is seen; files are not read.

use clawdefender_sdk::{Role, Text};

/// A written address that is not the public registry's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Foreign {
    /// In a file that chooses the registry.
    Setting,
    /// In a file that says what exactly is installed.
    Locked,
    /// In either, and over plain HTTP.
    Plaintext,
}

const LOCKS: [&str; 12] = [
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "uv.lock",
    "poetry.lock",
    "Pipfile.lock",
    "pdm.lock",
    "pylock.toml",
    "Cargo.lock",
    "Gemfile.lock",
];
const SETTINGS: [&str; 13] = [
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    "bunfig.toml",
    "pip.conf",
    "pip.ini",
    "uv.toml",
    "requirements.txt",
    ".bashrc",
    ".bash_profile",
    ".zshrc",
    ".zshenv",
    ".envrc",
];
/// What stands before an address from which something is fetched; a funding link has none of it.
const FETCHED: [&str; 10] = [
    "resolved",
    "registry",
    "tarball",
    "index-url",
    "index_url",
    "find-links",
    "url = ",
    "remote:",
    "resolution",
    "source = ",
];
/// Registries, where they keep files, and GitHub, which stands for a source of its own kind.
const PUBLIC: [&str; 13] = [
    "registry.npmjs.org",
    "registry.yarnpkg.com",
    "npm.jsr.io",
    "pypi.org",
    "files.pythonhosted.org",
    "crates.io",
    "index.crates.io",
    "static.crates.io",
    "rubygems.org",
    "index.rubygems.org",
    "proxy.golang.org",
    "github.com",
    "codeload.github.com",
];
/// A file is named in a short text or at the head of a patch.
const HEAD_BYTES: usize = 1024;
/// Bytes of one text that are read; `manifest` tells what is too long.
const MAX_BYTES: usize = 512 * 1024;
/// How far before an address its key may stand on the same line.
const KEY_BYTES: usize = 200;

/// The worst address that a call writes into such a file.
pub fn foreign(texts: &[Text]) -> Option<Foreign> {
    let written = || texts.iter().filter(|text| text.role == Role::Argument);
    let file = written().filter_map(|text| named(&text.original)).max()?;
    written()
        .filter(|text| !is_replaced(&text.pointer))
        .filter_map(|text| worst_address(&text.original, file))
        .max()
}

/// Which kind of file a text names, if any.
fn named(text: &str) -> Option<Foreign> {
    let end = text.floor_char_boundary(HEAD_BYTES);
    let head = text.get(..end).unwrap_or_default();
    let names = |files: &[&str]| {
        files.iter().any(|file| {
            head.match_indices(file).any(|(at, _)| {
                let before = head.get(..at).unwrap_or_default().chars().next_back();
                before.is_none_or(|c| !c.is_alphanumeric() && c != '-' && c != '_')
            })
        })
    };
    if names(&LOCKS) {
        Some(Foreign::Locked)
    } else {
        names(&SETTINGS).then_some(Foreign::Setting)
    }
}

/// `old_string` and its like say what is taken away.
pub fn is_replaced(pointer: &str) -> bool {
    let key = pointer.rsplit('/').next().unwrap_or_default();
    key.get(..3)
        .is_some_and(|start| start.eq_ignore_ascii_case("old"))
}

fn worst_address(text: &str, file: Foreign) -> Option<Foreign> {
    let end = text.floor_char_boundary(MAX_BYTES);
    let text = text.get(..end).unwrap_or_default();
    text.lines()
        .filter_map(|line| worst_in_line(line, file))
        .max()
}

/// Reads a line once for each key and once for its addresses, however long it is.
fn worst_in_line(line: &str, file: Foreign) -> Option<Foreign> {
    // The removed line of a patch.
    // `-i URL` and `-r URL` of a list of requirements.
    let option = ["-i ", "-f ", "-r ", "-c "];
    let option = option.iter().any(|start| line.starts_with(start));
    let removed = line.starts_with('-') && !line.starts_with("--") && !option;
    if removed || !line.contains("://") {
        return None;
    }
    let lower = line.to_ascii_lowercase();
    let mut keys: Vec<usize> = FETCHED
        .iter()
        .flat_map(|key| lower.match_indices(key).map(|(at, _)| at))
        .collect();
    if option {
        keys.push(0);
    }
    keys.sort_unstable();
    let mut keys = keys.into_iter().peekable();
    let mut last_key = None;
    let mut worst = None;
    for (at, _) in line.match_indices("://") {
        while let Some(key) = keys.next_if(|key| *key < at) {
            last_key = Some(key);
        }
        let fetched = last_key.is_some_and(|key| at - key <= KEY_BYTES);
        let (before, after) = line.split_at(at);
        let plain = before.ends_with("http");
        if !fetched || (!plain && !before.ends_with("https")) {
            continue;
        }
        let after = after
            .get(..after.floor_char_boundary(KEY_BYTES))
            .unwrap_or_default();
        let host = after.trim_start_matches("://");
        let host = host
            .split(['/', ':', '"', '\'', ' ', '#'])
            .next()
            .unwrap_or_default();
        let host = match after.trim_start_matches("://").split_once('@') {
            // `user:password@host`.
            Some((user, rest)) if !user.contains(['/', '"', '\'', ' ']) => rest
                .split(['/', ':', '"', '\'', ' ', '#'])
                .next()
                .unwrap_or_default(),
            _ => host,
        };
        // Nobody is on the way to one's own machine.
        let own = matches!(host, "localhost" | "127.0.0.1");
        if !PUBLIC.iter().any(|known| host.eq_ignore_ascii_case(known)) {
            worst = worst.max(Some(if plain && !own {
                Foreign::Plaintext
            } else {
                file
            }));
        }
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(texts: &[(&str, &str)], expected: Option<Foreign>) {
        let texts: Vec<Text> = texts
            .iter()
            .map(|(key, text)| Text {
                pointer: format!("/params/arguments/{key}"),
                role: Role::Argument,
                original: (*text).to_owned(),
                canonical: None,
                attrs: Vec::new(),
            })
            .collect();
        assert_eq!(foreign(&texts), expected, "{texts:?}");
    }

    #[test]
    fn a_line_without_an_end_is_read_once() {
        let long = "resolved https://a.example/".repeat(100_000) + &"http://".repeat(100_000);
        assert_eq!(
            worst_in_line(&long, Foreign::Locked),
            Some(Foreign::Plaintext)
        );
        check(
            &[
                ("path", "yarn.lock"),
                (
                    "content",
                    "resolved \"https://registry.yarnpkg.com:x@evil.example/a\"",
                ),
            ],
            Some(Foreign::Locked),
        );
    }

    #[test]
    fn options_of_a_list_and_exports_of_a_profile_are_told() {
        let list = ("path", "requirements.txt");
        let profile = ("path", "/home/u/.zshrc");
        let export = "export npm_config_registry=https://r.example";
        for (file, line, expected) in [
            (list, "-i http://r.example/simple", Some(Foreign::Plaintext)),
            (list, "-r https://r.example/r.txt", Some(Foreign::Setting)),
            (list, "-i https://pypi.org/simple", None),
            (list, "- see https://r.example", None),
            (profile, export, Some(Foreign::Setting)),
            (profile, "# see https://r.example", None),
        ] {
            check(&[file, ("content", line)], expected);
        }
    }

    #[test]
    fn addresses_in_lock_files_are_told_apart() {
        let lock = ("path", "/w/package-lock.json");
        let entry = |url: &str| format!("\"resolved\": \"{url}\",\n\"integrity\": \"sha512-x\"");
        check(
            &[lock, ("content", &entry("https://evil.example/a.tgz"))],
            Some(Foreign::Locked),
        );
        check(
            &[
                lock,
                (
                    "content",
                    &entry("http://registry.npmjs.org.evil.example/a.tgz"),
                ),
            ],
            Some(Foreign::Plaintext),
        );
        check(
            &[
                lock,
                (
                    "content",
                    &entry("https://registry.npmjs.org/a/-/a-1.0.0.tgz"),
                ),
            ],
            None,
        );
        check(
            &[
                lock,
                (
                    "content",
                    "\"funding\": {\"url\": \"https://give.example\"}",
                ),
            ],
            None,
        );
        check(
            &[
                lock,
                ("old_string", &entry("https://evil.example/a.tgz")),
                ("new_string", ""),
            ],
            None,
        );
        check(
            &[
                ("path", "/w/notes.md"),
                ("content", &entry("https://evil.example/a.tgz")),
            ],
            None,
        );
        check(
            &[
                ("path", "/w/my-uv.lock-notes"),
                ("content", &entry("https://evil.example/a")),
            ],
            None,
        );
        check(
            &[
                ("file", "uv.lock"),
                (
                    "text",
                    "wheels = [\n{ url = \"https://evil.example/a.whl\" }]",
                ),
            ],
            Some(Foreign::Locked),
        );
        check(
            &[("command", "echo registry=https://npm.evil.example > .npmrc")],
            Some(Foreign::Setting),
        );
        check(
            &[(
                "patch",
                "--- a/yarn.lock\n+++ b/yarn.lock\n-  resolved \"https://evil.example/a\"\n+  resolved \"https://registry.yarnpkg.com/a\"",
            )],
            None,
        );
        check(
            &[(
                "patch",
                "+++ b/yarn.lock\n+  resolved \"https://user:pw@evil.example/a\"",
            )],
            Some(Foreign::Locked),
        );
        check(
            &[
                ("path", "requirements.txt"),
                (
                    "content",
                    "--index-url http://pypi.evil.example/simple\nevil",
                ),
            ],
            Some(Foreign::Plaintext),
        );
    }
}
