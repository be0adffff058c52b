//! Which file Node starts for a word: it may be a folder, or lack its ending.
//!
//! Source: Node's manual of `node:module`, "All together", and what Node 20 was seen to do: the word
//! is made an absolute path without looking at links, so `x/` is `x.js` where there is one.

use super::disk::text;
use std::path::{Component, Path, PathBuf};

/// Node's own first, then what runs TypeScript tries as well.
const ENDINGS: [&str; 10] = [
    "js", "json", "node", "ts", "tsx", "jsx", "mjs", "cjs", "mts", "cts",
];

/// The file that stands for `word`, as a path without links.
pub(super) fn started(program: &str, cwd: &Path, word: &str) -> Option<PathBuf> {
    let of_node = matches!(program, "node" | "nodejs");
    let endings = ENDINGS.get(..3).filter(|_| of_node).unwrap_or(&ENDINGS);
    let path = absolute(&cwd.join(word));
    let found = file(&path, endings).or_else(|| folder(&path, endings));
    found?.canonicalize().ok()
}

fn file(path: &Path, endings: &[&str]) -> Option<PathBuf> {
    if path.is_file() {
        return Some(path.to_owned());
    }
    with_endings(path, endings)
}

fn with_endings(path: &Path, endings: &[&str]) -> Option<PathBuf> {
    let mut paths = endings.iter().map(|ending| {
        let mut longer = path.as_os_str().to_owned();
        longer.push(".");
        longer.push(ending);
        PathBuf::from(longer)
    });
    paths.find(|path| path.is_file())
}

fn folder(path: &Path, endings: &[&str]) -> Option<PathBuf> {
    let index = |folder: &Path| with_endings(&folder.join("index"), endings);
    let manifest = path.join("package.json");
    if manifest.symlink_metadata().is_ok() {
        let text = text(&manifest)?;
        let manifest = text.trim_start_matches('\u{feff}');
        let manifest: serde_json::Value = serde_json::from_str(manifest).ok()?;
        let main = manifest.get("main").and_then(serde_json::Value::as_str);
        let main = main.map(|main| absolute(&path.join(main)));
        if let Some(found) = main.and_then(|main| file(&main, endings).or_else(|| index(&main))) {
            return Some(found);
        }
    }
    index(path)
}

/// Without `.` and `..`, as a text: what links lead to is not asked.
fn absolute(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_folder_or_a_name_without_its_ending_is_what_node_makes_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        for (path, text) in [
            ("x/index.js", ""),
            ("x/plain", ""),
            ("y.json", "{}"),
            ("y/index.js", ""),
            ("main/package.json", "\u{feff}{\"main\":\"./lib\"}"),
            ("main/lib/index.node", ""),
            ("named/package.json", r#"{"main":"s/../cli"}"#),
            ("named/cli.js", ""),
            ("gone/package.json", r#"{"main":"gone.js"}"#),
            ("gone/index.js", ""),
            ("ts/index.ts", ""),
            ("odd/package.json", "]"),
            ("odd/index.js", ""),
            ("c.cjs", ""),
        ] {
            write(path, text);
        }
        std::os::unix::fs::symlink("/usr", root.join("link")).unwrap();
        let found = |program: &str, cwd: &str, word: &str| {
            let path = started(program, &root.join(cwd), word)?;
            Some(path.strip_prefix(&root).unwrap().display().to_string())
        };
        for (cwd, word, expected) in [
            ("", "x", Some("x/index.js")),
            ("", "./x/", Some("x/index.js")),
            ("", "x/plain", Some("x/plain")),
            ("x", ".", Some("x/index.js")),
            ("x", "../y", Some("y.json")),
            ("y", ".", Some("y.json")),
            ("", "main", Some("main/lib/index.node")),
            ("", "named", Some("named/cli.js")),
            ("", "gone", Some("gone/index.js")),
            ("", "link/../x", Some("x/index.js")),
            ("", "odd", None),
            ("", "ts", None),
            ("", "c", None),
            ("", "nowhere", None),
        ] {
            assert_eq!(
                found("node", cwd, word).as_deref(),
                expected,
                "{cwd} {word}"
            );
        }
        assert_eq!(found("tsx", "", "ts").as_deref(), Some("ts/index.ts"));
        assert_eq!(found("bun", "", "c").as_deref(), Some("c.cjs"));
    }
}
