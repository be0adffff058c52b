//! `pyproject.toml`, `Pipfile`, `setup.py` and `Cargo.toml`: where in them a name is a package.

use super::{Written, assignment, quoted};
use crate::package::Ecosystem::{self, Cargo, Pypi};

/// How far into a file's tables and arrays a line is.
#[derive(Default)]
struct Place<'a> {
    /// The table, once one was named.
    table: Option<&'a str>,
    /// Brackets that are open since `dependencies = [`; none outside.
    open: Option<i32>,
}

impl Written {
    pub(super) fn toml(&mut self, text: &str, ecosystem: Ecosystem) {
        let mut place = Place::default();
        let whole = text.contains("setup(");
        for line in text.lines() {
            let line = line.trim();
            if let Some(table) = header(line) {
                place = Place {
                    table: Some(table),
                    open: None,
                };
                continue;
            }
            if ecosystem == Pypi {
                let listed = place.listed(line);
                let fragment = place.table.is_none() && !whole;
                for (string, _) in quoted(line) {
                    let versioned = ["==", "<", ">", "~=", "!=", " @ "];
                    let versioned = versioned.iter().any(|sign| string.contains(sign));
                    if versioned || (place.is_listed(listed) && !string.contains(' ')) {
                        self.want(string, Pypi);
                    } else if fragment && line.starts_with(['"', '\'']) {
                        // Perhaps a line of such a list: only what is known to be bad counts.
                        let found = self.candidate(string, Pypi);
                        self.locked.extend(found);
                    }
                }
            }
            if let Some((key, value)) = assignment(line).filter(|_| !whole) {
                self.assigned(&place, key, value, ecosystem);
            }
        }
    }

    /// `name = "version"` in a table of dependencies, or where no table is named.
    fn assigned(&mut self, place: &Place<'_>, key: &str, value: &str, ecosystem: Ecosystem) {
        // `[dependencies.evil]`, `version = "1.0.0"`.
        let own = place
            .table
            .and_then(|table| table.rsplit_once("dependencies."));
        let name = match own {
            Some((_, name)) if !name.ends_with("dependencies") && !name.contains('.') => {
                if key != "version" {
                    return;
                }
                name.trim_matches(['"', '\''])
            }
            _ if place.is_dependencies() => key,
            _ => return,
        };
        const NO_PACKAGES: [&str; 6] = [
            "version",
            "__version__",
            "python",
            "requires-python",
            "edition",
            "rust-version",
        ];
        let version = value.starts_with(|c: char| c.is_ascii_digit() || "^~<>=!*".contains(c));
        let plain = |c: u8| c.is_ascii_alphanumeric() || b"._-".contains(&c);
        if !version || NO_PACKAGES.contains(&name) || !name.bytes().all(plain) {
            return;
        }
        let exact = value.trim_start_matches(['=', ' ']);
        let digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
        match ecosystem {
            Cargo if digit(value) => self.want(&format!("{name}@^{value}"), Cargo),
            Cargo if digit(exact) && exact.split('.').count() > 2 => {
                self.want(&format!("{name}@{exact}"), Cargo);
            }
            Cargo => self.want(&format!("{name}@{value}"), Cargo),
            _ if digit(value) => self.want(&format!("{name}=={value}"), Pypi),
            _ => self.want(&format!("{name} {value}"), ecosystem),
        }
    }
}

impl Place<'_> {
    fn is_dependencies(&self) -> bool {
        self.table.is_none_or(|table| {
            [
                "dependencies",
                "packages",
                "dependency-groups",
                "patch",
                "requires",
            ]
            .iter()
            .any(|word| table.contains(word))
        })
    }

    /// Whether a list of requirements holds this line, or begins in it; the list's end is noted.
    fn listed(&mut self, line: &str) -> bool {
        const KEYS: [&str; 5] = [
            "dependencies",
            "requires",
            "_require",
            "constraint-dependencies",
            "override-dependencies",
        ];
        let before = self.open;
        let begins = line.find(['[', '{']).filter(|at| {
            let key = line.get(..*at).unwrap_or_default();
            let key = key.trim_end().trim_end_matches(['=', ':', '(']).trim_end();
            let key = key.trim_matches(['"', '\'']);
            KEYS.iter().any(|word| key.ends_with(word))
        });
        let (start, open) = match (before, begins) {
            (Some(open), _) => (0, open),
            (None, Some(at)) => (at, 0),
            (None, None) => return false,
        };
        let open = depth(line.get(start..).unwrap_or_default(), open);
        self.open = (open > 0).then_some(open);
        true
    }

    fn is_listed(&self, listed: bool) -> bool {
        let groups = self.table.is_some_and(|table| {
            table.ends_with("optional-dependencies") || table == "dependency-groups"
        });
        listed || groups
    }
}

/// Brackets open behind a line; those in quotes count for nothing.
fn depth(line: &str, mut open: i32) -> i32 {
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(end), c) if end == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '#') => break,
            (None, '[' | '{' | '(') => open += 1,
            (None, ']' | '}' | ')') => open -= 1,
            _ => {}
        }
    }
    open
}

/// `[name]` on a line of its own, or `[[name]]`.
fn header(line: &str) -> Option<&str> {
    let line = line.split(" #").next().unwrap_or(line).trim_end();
    let table = line.strip_prefix('[')?.strip_suffix(']')?;
    let table = table.strip_prefix('[').unwrap_or(table);
    let table = table.strip_suffix(']').unwrap_or(table).trim();
    let plain = |c: char| c.is_alphanumeric() || "._-'\"()".contains(c);
    // `["x"]` may be a list.
    (table.starts_with(|c: char| c.is_alphabetic()) && table.chars().all(plain)).then_some(table)
}
