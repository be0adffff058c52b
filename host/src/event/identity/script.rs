//! What a Python script says it needs: inline metadata, which `uv run`, `pipx run` and others install
//! before they run it.
//!
//! Source: PyPA, "Inline script metadata" (PEP 723).

use super::disk::beginning;
use super::folders::{starts, words};
use crate::event::Launch;
use std::path::{Path, PathBuf};

/// Programs that heed the metadata of a script.
const RUNNERS: [&str; 4] = ["uv", "pipx", "hatch", "pdm"];
/// Files of one command that are looked at, and blocks that are read. Chosen: more than a command
/// that a person writes names.
const MAX_FILES: usize = 64;
const MAX_BLOCKS: usize = 8;
/// How much of a file is read. Chosen: far above any script that a person wrote, and most data.
const MAX_BYTES: u64 = 32 << 20;
/// Source: execve(2) of Linux reads 255 bytes; others read more.
const MAX_FIRST_LINE: u64 = 4096;
const OPENING: &str = "# /// script";

/// What the scripts of a command say.
#[derive(Default)]
pub(super) struct Scripts {
    /// Each as TOML.
    pub blocks: Vec<String>,
    /// There is more than was read.
    pub unread: bool,
}

/// The metadata of the scripts that a launch would run. Which word is the script depends on options,
/// and `--script` lets it be called anything, so every file that is named is looked at.
pub(super) fn metadata(launch: &Launch) -> Scripts {
    let mut scripts = Scripts::default();
    let words = words(launch);
    let runs = words
        .iter()
        .any(|word| RUNNERS.iter().any(|name| word.contains(name)));
    let options = ["directory", "C", "chdir"];
    let folders = starts(launch, &words, &options, &["UV_WORKING_DIR"]);
    scripts.unread |= runs && folders.is_none();
    let folders = folders.unwrap_or_else(|| vec![launch.cwd.clone().into()]);
    let mut paths: Vec<PathBuf> = Vec::new();
    for word in words {
        let value = word.split_once('=').map(|(_, value)| value);
        for name in std::iter::once(word)
            .chain(value)
            .filter(|name| !name.is_empty())
        {
            let found = folders.iter().map(|folder| folder.join(name));
            for path in found.filter(|path| path.is_file()) {
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
        }
        if paths.len() > MAX_FILES {
            scripts.unread |= runs;
            paths.truncate(MAX_FILES);
            break;
        }
    }
    for path in paths {
        scripts.file(&path, runs);
    }
    scripts
}

impl Scripts {
    /// Takes what a file says, if its runner reads it: one that is named before, or that the file names
    /// itself, in its first line.
    fn file(&mut self, path: &Path, runs: bool) {
        if !runs && !names_runner(path) {
            return;
        }
        let Ok(bytes) = beginning(path, MAX_BYTES + 1) else {
            self.unread = true;
            return;
        };
        // Python takes no source with such a byte, so this is data.
        if bytes.contains(&0) {
            return;
        }
        self.unread |= bytes.len() as u64 > MAX_BYTES;
        if !bytes
            .windows(OPENING.len())
            .any(|part| part == OPENING.as_bytes())
        {
            return;
        }
        for block in blocks(&String::from_utf8_lossy(&bytes)) {
            if self.blocks.len() == MAX_BLOCKS {
                self.unread = true;
                return;
            }
            self.blocks.push(block);
        }
    }
}

fn names_runner(path: &Path) -> bool {
    let bytes = beginning(path, MAX_FIRST_LINE).unwrap_or_default();
    let first = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let first = String::from_utf8_lossy(first);
    first.starts_with("#!") && RUNNERS.iter().any(|name| first.contains(name))
}

/// The comment blocks `script`, without their `#`. One ends with the last `# ///` of the comment.
/// Runners differ in which they take where there are several, and in what ends a line.
fn blocks(text: &str) -> Vec<String> {
    let text = text.replace("\r\n", "\n");
    let lines: Vec<&str> = text.split(['\n', '\r']).collect();
    let starts = lines.iter().enumerate();
    let starts = starts.filter(|(_, line)| line.trim_end() == OPENING);
    let blocks = starts.filter_map(|(at, _)| block(lines.get(at + 1..)?));
    // A few more than are read, so that it is seen that there are more.
    blocks.take(MAX_BLOCKS + 1).collect()
}

fn block(lines: &[&str]) -> Option<String> {
    let comment = |line: &&&str| **line == "#" || line.starts_with("# ");
    let lines: Vec<&str> = lines.iter().take_while(comment).copied().collect();
    let end = lines.iter().rposition(|line| line.trim_end() == "# ///")?;
    let lines = lines.get(..end).unwrap_or_default();
    let plain = lines.iter().flat_map(|line| {
        let line = line.strip_prefix("# ").or_else(|| line.strip_prefix('#'));
        [line.unwrap_or_default(), "\n"]
    });
    Some(plain.collect())
}

/// The requirements of a block, one a line and without spaces or markers; `None` if it is no TOML.
pub(super) fn dependencies(block: &str) -> Option<String> {
    let table = block.parse::<toml::Table>().ok()?;
    let listed = table.get("dependencies").and_then(toml::Value::as_array);
    let lines = listed.into_iter().flatten().filter_map(|value| {
        let requirement = value.as_str()?.split(';').next()?;
        let plain: String = requirement.split_whitespace().collect();
        (!plain.is_empty()).then_some(plain)
    });
    Some(lines.collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::launch;
    use super::*;
    use std::fs;

    const SCRIPT: &str = "#!/usr/bin/env -S uv run --script\n# about\n\n# /// script\n\
        # requires-python = \">=3.11\"\n# dependencies = [\n#   \"evil == 1.0 ; os_name == 'x'\",\n#\n\
        #   \"b[c]>=1,<2\",\n#   \"d @ git+https://g.example/d\",\n# ]\n# ///\n\nimport evil\n";

    fn needed(argv: &[&str]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(folder.path().join("x.py"), SCRIPT).unwrap();
        fs::write(folder.path().join("sub/y"), SCRIPT).unwrap();
        fs::write(folder.path().join("x.PY"), SCRIPT).unwrap();
        fs::write(folder.path().join("plain.py"), "import os\n").unwrap();
        fs::write(folder.path().join("data"), format!("\0{SCRIPT}")).unwrap();
        for n in 0..8 {
            fs::write(folder.path().join(format!("a{n}.py")), "").unwrap();
        }
        let launch = launch(argv, &[], folder.path());
        let scripts = metadata(&launch);
        assert!(!scripts.unread);
        let blocks = scripts.blocks.iter();
        blocks.map(|block| dependencies(block).unwrap()).collect()
    }

    #[test]
    fn a_script_s_dependencies_are_read_where_its_runner_reads_them() {
        let all = "evil==1.0\nb[c]>=1,<2\nd@git+https://g.example/d";
        for argv in [
            &["uv", "run", "x.py", "--port", "1"][..],
            &["uv", "run", "--script", "sub/y"],
            &["/opt/uv", "run", "--directory", "sub", "-s", "y"],
            &["uv", "run", "--directory=sub", "--script", "y"],
            &["pipx", "run", "x.py"],
            &["sh", "-c", "exec uv run x.py"],
            &["sh", "-c", "uv run 'x.py';"],
            &["sh", "-c", "cd sub && uv run -s y"],
            &["uv", "run", "x.PY"],
            &["uv", "run", "-s", "-q", "sub/y"],
            &["uv", "run", "-qs", "sub/y"],
            &["uv", "run", "--script", "--no-progress", "sub/y"],
            &["env", "UV_WORKING_DIR=sub", "uv", "run", "-s", "y"],
            &[
                "uv", "run", "x.py", "a0.py", "a1.py", "a2.py", "a3.py", "a4.py", "a5.py", "a6.py",
                "a7.py",
            ],
            &["./x.py"],
            &["env", "./x.py"],
        ] {
            assert_eq!(needed(argv), [all], "{argv:?}");
        }
        for argv in [
            &["uv", "run", "plain.py"][..],
            &["uv", "run", "gone.py"],
            &["uv", "run", "plain.py", "--db", "data"],
            &["cat", "x.txt", "sub"],
            &["./plain.py"],
            &[],
        ] {
            assert!(needed(argv).is_empty(), "{argv:?}");
        }
    }

    #[test]
    fn what_is_too_much_to_be_read_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let said = |argv: &[&str]| metadata(&launch(argv, &[], folder.path())).unread;
        let large = format!("{}\n", "#".repeat(1 << 20)).repeat(33);
        fs::write(folder.path().join("large"), &large).unwrap();
        assert!(said(&["uv", "run", "-s", "large"]));
        assert!(!said(&["python", "large"]));
        let many: Vec<String> = (0..65).map(|n| format!("{n}.py")).collect();
        for name in &many {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let words: Vec<&str> = ["uv", "run"]
            .into_iter()
            .chain(many.iter().map(|name| &**name))
            .collect();
        assert!(said(&words));
        assert!(!said(&words[..60]));
        // A script of some megabytes is read.
        let script = format!("{}\n{SCRIPT}", "#".repeat(2 << 20));
        fs::write(folder.path().join("some.py"), script).unwrap();
        let read = metadata(&launch(&["uv", "run", "some.py"], &[], folder.path()));
        assert_eq!((read.blocks.len(), read.unread), (1, false));
    }

    #[test]
    fn a_block_ends_with_the_comment_that_it_stands_in() {
        for (text, expected) in [
            ("# /// script\n# a = 1\n# ///\n", Some("a = 1\n")),
            (
                "# /// script\n# a = 1\n# ///\n# b = 2\n# ///\nx",
                Some("a = 1\n///\nb = 2\n"),
            ),
            ("# /// script\r\n# a = 1\r\n# ///\r\n", Some("a = 1\n")),
            ("# /// script\n#a = 1\n# ///\n", None),
            ("# /// script\n# a = 1\nx = 1\n# ///\n", None),
            ("# /// other\n# a = 1\n# ///\n", None),
            ("x\r# /// script\n# a = 1\n# ///\n", Some("a = 1\n")),
            ("# /// script\r# a = 1\r# ///\r", Some("a = 1\n")),
            (" # /// script\n# a = 1\n# ///\n", None),
            ("", None),
        ] {
            let expected: Vec<&str> = expected.into_iter().collect();
            assert_eq!(blocks(text), expected, "{text:?}");
        }
        assert_eq!(dependencies("]["), None);
        assert_eq!(dependencies("dependencies = 1").as_deref(), Some(""));
    }
}
