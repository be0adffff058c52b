//! `cargo xtask tidy`: what a reviewer should not have to look for. Which module uses which (the
//! table in docs/architecture.md decides), headers, file lengths, names that say nothing, tests that a
//! page names and nobody wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::workspace::{Workspace, output};

/// The wall for one file. Chosen: beyond it nobody reads a file as a whole.
const MAX_LINES: usize = 500;
const EMPTY_NAMES: [&str; 5] = ["utils", "common", "helpers", "manager", "core"];
/// Everything in the library, spelt as the crate that it is.
const TRUST: &str = "trust";

/// Which module may use which.
type Table = BTreeMap<String, BTreeSet<String>>;

pub fn main() -> Result<()> {
    let workspace = Workspace::find()?;
    let document = workspace.root.join("docs/architecture.md");
    let text = std::fs::read_to_string(&document)
        .with_context(|| format!("no import table: cannot read {}", document.display()))?;
    let table = parse_table(&text).with_context(|| document.display().to_string())?;

    let mut list = Command::new("git");
    list.args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "*.rs",
    ])
    .current_dir(&workspace.root);
    let listed = output(list)?;
    let mut files = Vec::new();
    for name in listed
        .lines()
        .filter(|name| workspace.root.join(name).exists())
    {
        let source = std::fs::read_to_string(workspace.root.join(name))
            .with_context(|| format!("cannot read {name}"))?;
        files.push((name, source));
    }
    let modules: BTreeSet<String> = files
        .iter()
        .filter_map(|(name, _)| module_of(name))
        .collect();

    let mut complaints = Vec::new();
    for (name, source) in &files {
        complaints.extend(check_file(name, source));
        complaints.extend(check_imports(name, source, &table, &modules));
    }
    let page = "docs/feeds.md";
    let text = std::fs::read_to_string(workspace.root.join(page))
        .with_context(|| format!("cannot read {page}"))?;
    complaints.extend(check_named_tests(page, &text, &files)?);
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    ensure!(
        complaints.is_empty(),
        "{} files or imports to tidy",
        complaints.len()
    );
    println!("tidy: {} files, {} modules", files.len(), modules.len());
    Ok(())
}

/// Reads the table `| module | may import |`.
///
/// A cell is a list of modules. The second may also say `nothing`, `all above`, or
/// `everything but X, Y`. What stands in parentheses or backticks' marks is for the reader. An
/// unknown word is an error: a misspelt module would allow nothing, or too much.
fn parse_table(document: &str) -> Result<Table> {
    let cells = |line: &str| -> Vec<String> {
        let line = without_parentheses(&line.replace('`', ""));
        line.trim()
            .trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect()
    };
    let mut lines = document.lines().skip_while(|line| {
        let head = cells(line);
        !(head.first().is_some_and(|c| c == "module")
            && head.get(1).is_some_and(|c| c == "may import"))
    });
    lines
        .next()
        .context("it has no table `| module | may import |`")?;
    let mut rows = Vec::new();
    for line in lines
        .skip(1)
        .take_while(|line| line.trim_start().starts_with('|'))
    {
        let row = cells(line);
        let [names, allowed, ..] = row.as_slice() else {
            bail!("row with one cell: {line}")
        };
        let names: Vec<String> = names
            .split(',')
            .map(|name| name.trim().to_owned())
            .collect();
        rows.push((names, allowed.clone()));
    }
    ensure!(
        !rows.is_empty(),
        "its table `| module | may import |` is empty"
    );
    let known: BTreeSet<String> = rows.iter().flat_map(|(names, _)| names.clone()).collect();
    let mut table = Table::new();
    for (names, allowed) in rows {
        let above: BTreeSet<String> = table.keys().cloned().collect();
        let allowed = allowed_by(&allowed, &known, &above)?;
        for name in names {
            let twice = table.insert(name.clone(), allowed.clone());
            ensure!(twice.is_none(), "module `{name}` has two rows");
        }
    }
    Ok(table)
}

fn allowed_by(
    cell: &str,
    known: &BTreeSet<String>,
    above: &BTreeSet<String>,
) -> Result<BTreeSet<String>> {
    let words = |list: &str| -> Result<BTreeSet<String>> {
        let list: BTreeSet<String> = list
            .split([',', ';'])
            .map(|word| word.trim().to_owned())
            .filter(|word| !word.is_empty())
            .collect();
        match list.difference(known).next() {
            Some(unknown) => bail!("`{unknown}` in the table is no module with a row"),
            None => Ok(list),
        }
    };
    match cell.trim() {
        "nothing" | "nothing of ours" => Ok(BTreeSet::new()),
        "all above" => Ok(above.clone()),
        "everything" => Ok(known.clone()),
        other => match other.strip_prefix("everything but ") {
            Some(list) => Ok(known.difference(&words(list)?).cloned().collect()),
            None => words(other),
        },
    }
}

fn without_parentheses(line: &str) -> String {
    let mut depth = 0usize;
    let mut out = String::new();
    for c in line.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}

/// `host/src/policy/mod.rs` and `host/src/policy.rs` belong to `policy`; `lib.rs` and `main.rs` wire
/// and belong to none.
fn module_of(file: &str) -> Option<String> {
    let inside = file.strip_prefix("host/src/")?;
    let first = inside.split('/').next()?.trim_end_matches(".rs");
    (!["lib", "main"].contains(&first)).then(|| first.to_owned())
}

fn check_imports(
    file: &str,
    source: &str,
    table: &Table,
    modules: &BTreeSet<String>,
) -> Vec<String> {
    let Some(module) = module_of(file) else {
        return Vec::new();
    };
    let Some(allowed) = table.get(&module) else {
        return vec![format!(
            "{file}: module `{module}` has no row in docs/architecture.md"
        )];
    };
    let mut complaints = Vec::new();
    for (number, used) in uses(source) {
        let ours = modules.contains(&used) || used == TRUST;
        if ours && used != module && !allowed.contains(&used) {
            complaints.push(format!(
                "{file}:{number}: `{module}` may not use `{used}` (table in docs/architecture.md)"
            ));
        }
    }
    complaints
}

/// The first path segments after `crate::`, with their line; comments don't count.
fn uses(source: &str) -> Vec<(usize, String)> {
    let code: String = source
        .lines()
        .map(|line| {
            if line.trim_start().starts_with("//") {
                ""
            } else {
                line
            }
        })
        .flat_map(|line| [line, "\n"])
        .collect();
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        // `$crate::` in a macro is the same crate; `my_crate::` is another one.
        let before = code.get(..at).and_then(|text| text.chars().next_back());
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let number = code.get(..at).unwrap_or_default().matches('\n').count() + 1;
        let rest = code
            .get(at + "crate::".len()..)
            .unwrap_or_default()
            .trim_start();
        for name in first_segments(rest) {
            found.push((number, name));
        }
    }
    for (at, _) in code.match_indices("clawdefender_trust") {
        let number = code.get(..at).unwrap_or_default().matches('\n').count() + 1;
        found.push((number, TRUST.to_owned()));
    }
    found
}

/// Of `a::b` the `a`; of `{a::b, c::{d, e}}` the `a` and the `c`.
fn first_segments(rest: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.trim_start()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let Some(group) = rest.strip_prefix('{') else {
        return vec![word(rest)];
    };
    let mut names = Vec::new();
    let mut depth = 0usize;
    let mut start = 0;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.push(word(group.get(start..at).unwrap_or_default()));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(word(group.get(start..at).unwrap_or_default()));
                start = at + 1;
            }
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// The table `| attack | … | tests |` of a page: every name in its last column must be a test's.
fn check_named_tests(page: &str, text: &str, files: &[(&str, String)]) -> Result<Vec<String>> {
    let rows = text
        .lines()
        .skip_while(|line| !(line.starts_with("| attack |") && line.ends_with("| tests |")))
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let names: Vec<&str> = rows
        .filter_map(|row| row.trim_end_matches([' ', '|']).rsplit_once('|'))
        .flat_map(|(_, tests)| tests.split('`').skip(1).step_by(2))
        .collect();
    ensure!(
        !names.is_empty(),
        "{page} has no table of attacks and tests"
    );
    let missing = names.into_iter().filter(|name| {
        let test = format!("fn {name}() {{");
        !files.iter().any(|(_, source)| source.contains(&test))
    });
    Ok(missing
        .map(|name| format!("{page}: no test is called {name}"))
        .collect())
}

fn check_file(file: &str, source: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    if !source.trim_start().starts_with("//!") {
        complaints.push(format!(
            "{file}: does not open with `//!`: say what lives here"
        ));
    }
    let lines = source.lines().count();
    if lines > MAX_LINES {
        complaints.push(format!("{file}: {lines} lines, split it below {MAX_LINES}"));
    }
    let says_nothing = Path::new(file).components().any(|part| {
        let name = part.as_os_str().to_string_lossy();
        EMPTY_NAMES.contains(&name.trim_end_matches(".rs"))
    });
    if says_nothing {
        complaints.push(format!("{file}: name it after what it is"));
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "# Map\n\n| module | may import | because |\n|---|---|---|\n\
        | trust, mcp | nothing | leaves |\n| `event` | mcp (facts) | |\n| judge | all above | |\n\
        | cli | mcp, event | |\n| daemon | everything but cli | |\n\ntext\n| x | y |\n";

    fn complaints(file: &str, source: &str) -> usize {
        let modules = ["mcp", "event", "judge", "cli", "daemon"]
            .map(str::to_owned)
            .into();
        check_imports(file, source, &parse_table(DOCUMENT).unwrap(), &modules).len()
    }

    #[test]
    fn the_table_is_read_as_a_person_reads_it() {
        let table = parse_table(DOCUMENT).unwrap();
        let row = |name: &str| {
            table[name]
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(row("mcp"), "");
        assert_eq!(row("event"), "mcp");
        assert_eq!(row("judge"), "event mcp trust");
        assert_eq!(row("daemon"), "daemon event judge mcp trust");
        assert_eq!(table.len(), 6);
    }

    #[test]
    fn a_document_without_a_readable_table_fails() {
        assert!(parse_table("# Map\n").is_err());
        assert!(parse_table(&DOCUMENT.replace("mcp, event", "mpc, event")).is_err());
        assert!(parse_table(&DOCUMENT.replace("| cli |", "| event |")).is_err());
    }

    #[test]
    fn a_forbidden_import_is_found_however_it_is_written() {
        for source in [
            "use crate::judge::X;",
            "fn f() { crate::judge::x() }",
            "use crate::{mcp::A, judge::{B, C}};",
            "use crate::{\n    mcp,\n    judge,\n};",
            "use clawdefender_trust::Name;",
        ] {
            assert_eq!(complaints("host/src/event/mod.rs", source), 1, "{source}");
        }
        for source in [
            "use crate::mcp::Frame;",
            "use crate::{mcp::{A, B}, event::C};",
            "//! See crate::judge::X.",
            "use other_crate::judge::X;",
            "use crate::Error;",
        ] {
            assert_eq!(complaints("host/src/event.rs", source), 0, "{source}");
        }
        assert_eq!(
            complaints("host/src/judge.rs", "use clawdefender_trust::Name;"),
            0
        );
        assert_eq!(complaints("host/src/lib.rs", "use crate::judge;"), 0);
        assert_eq!(complaints("host/src/unlisted.rs", ""), 1);
    }

    #[test]
    fn headers_lengths_and_names_are_checked() {
        assert_eq!(check_file("a/b.rs", "//! What.\n").len(), 0);
        assert_eq!(check_file("a/b.rs", "use x;\n").len(), 1);
        assert_eq!(check_file("a/utils.rs", "//! What.\n").len(), 1);
        assert_eq!(check_file("a/core/mod.rs", "//! What.\n").len(), 1);
        assert_eq!(check_file("a/scores.rs", "//! What.\n").len(), 0);
        assert_eq!(
            check_file("a/b.rs", &format!("//! What.\n{}", "\n".repeat(500))).len(),
            1
        );
    }

    #[test]
    fn a_test_that_a_page_names_must_exist() {
        let page = "text\n| attack | what | tests |\n|---|---|---|\n\
                    | a | `x` | `there`, `gone` |\n| b | y | `there` |\n\n| c | | `other` |\n";
        let files = [("a.rs", "#[test]\nfn there() {\n}".to_owned())];
        let missing = check_named_tests("p", page, &files).unwrap();
        assert_eq!(missing, ["p: no test is called gone"]);
        assert!(check_named_tests("p", "no table", &files).is_err());
    }
}
