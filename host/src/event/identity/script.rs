//! What a Python script says it needs: inline metadata, which `uv run`, `pipx run` and others install
//! before they run it.
//!
//! Source: PyPA, "Inline script metadata" (PEP 723).

use super::disk::text;
use crate::event::Launch;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Programs that heed the metadata of a script.
const RUNNERS: [&str; 4] = ["uv", "pipx", "hatch", "pdm"];
/// Scripts of one command that are read. Chosen: more than a command that a person writes names.
const MAX_SCRIPTS: usize = 8;

/// The metadata of the scripts that a launch would run, each as TOML.
pub(super) fn metadata(launch: &Launch) -> Vec<String> {
    // A command may stand in one word of another: `sh -c 'uv run x.py'`.
    let words: Vec<&str> = launch
        .argv
        .iter()
        .flat_map(|word| std::iter::once(word.as_str()).chain(word.split_whitespace()))
        .collect();
    let start = Path::new(&launch.cwd);
    let folders: Vec<PathBuf> = std::iter::once(start.to_owned())
        .chain(directories(&words).map(|folder| start.join(folder)))
        .collect();
    let named = |word: &&str| RUNNERS.iter().any(|name| word.contains(name));
    let runs = words.iter().any(named);
    let mut paths = BTreeSet::new();
    for (at, word) in words.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| words.get(at));
        let told = before.is_some_and(|word| ["-s", "--script", "--gui-script"].contains(word));
        let script = told || [".py", ".pyw"].iter().any(|end| word.ends_with(end));
        // A program may name its runner itself, in its first line.
        if script || at == 0 {
            let found = folders.iter().map(|folder| folder.join(word));
            paths.extend(
                found
                    .filter(|path| path.is_file())
                    .map(|path| (!runs, path)),
            );
        }
    }
    let texts = paths.into_iter().take(MAX_SCRIPTS);
    texts
        .filter_map(|(itself, path)| Some((itself, text(&path)?)))
        .filter(|(itself, text)| {
            let first = text.lines().next().unwrap_or_default();
            !itself || (first.starts_with("#!") && RUNNERS.iter().any(|name| first.contains(name)))
        })
        .filter_map(|(_, text)| block(&text))
        .collect()
}

/// The folders that `--directory` names.
fn directories<'w>(words: &'w [&'w str]) -> impl Iterator<Item = &'w str> {
    words
        .iter()
        .enumerate()
        .filter_map(|(at, word)| match word.strip_prefix("--directory") {
            Some("") => words.get(at + 1).copied(),
            Some(value) => value.strip_prefix('='),
            None => None,
        })
}

/// The comment block `script`, without its `#`. It ends with the last `# ///` of the comment.
fn block(text: &str) -> Option<String> {
    let mut lines = text.lines();
    lines.find(|line| line.trim_end() == "# /// script")?;
    let comment = |line: &&str| *line == "#" || line.starts_with("# ");
    let lines: Vec<&str> = lines.take_while(comment).collect();
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
        fs::write(folder.path().join("plain.py"), "import os\n").unwrap();
        let launch = launch(argv, &[], folder.path());
        metadata(&launch)
            .iter()
            .map(|block| dependencies(block).unwrap())
            .collect()
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
            &["./x.py"],
            &["env", "./x.py"],
        ] {
            assert_eq!(needed(argv), [all], "{argv:?}");
        }
        for argv in [
            &["uv", "run", "plain.py"][..],
            &["uv", "run", "gone.py"],
            &["./plain.py"],
            &[],
        ] {
            assert!(needed(argv).is_empty(), "{argv:?}");
        }
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
            ("", None),
        ] {
            assert_eq!(block(text).as_deref(), expected, "{text:?}");
        }
        assert_eq!(dependencies("]["), None);
        assert_eq!(dependencies("dependencies = 1").as_deref(), Some(""));
    }
}
