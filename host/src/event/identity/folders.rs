//! Where the launchers of a command begin: in the folder of the launch, or in one that an option or a
//! variable names instead.
//!
//! Words are taken apart without knowing whose they are, so a folder more may be named here than is
//! entered; none that a launcher would enter by these options is left out.

use crate::event::Launch;
use std::path::{Path, PathBuf};

/// Folders that one command may name. Chosen: launchers take one or two.
const MAX_NAMED: usize = 8;

/// Each word, and the words in it: a command may stand in one word of another, `sh -c 'uv run x.py'`.
pub(super) fn words(launch: &Launch) -> Vec<&str> {
    let marks = ['"', '\'', ';', '&', '|', '(', ')'];
    let parts = launch.argv.iter().flat_map(|word| {
        let inside = word.split_whitespace().filter(move |part| part != word);
        std::iter::once(word.as_str()).chain(inside)
    });
    parts.map(|word| word.trim_matches(marks)).collect()
}

/// What a variable is set to, by the launch or by a word of it (`env NAME=VALUE program`). What
/// `docker -e` sets is set elsewhere.
pub(super) fn set<'l>(
    launch: &'l Launch,
    words: &'l [&'l str],
    name: &'l str,
) -> impl Iterator<Item = &'l str> {
    let own = launch.env.iter().filter(move |(known, _)| known == name);
    let said = words.iter().enumerate().filter_map(move |(at, word)| {
        let before = at.checked_sub(1).and_then(|at| words.get(at));
        let inside = before.is_some_and(|word| ["-e", "--env"].contains(word));
        let value = word.strip_prefix(name)?.strip_prefix('=')?;
        (!inside).then_some(value)
    });
    own.map(|(_, value)| value.as_str()).chain(said)
}

/// The folders in which a launch may begin: its own, and those that these options (without their
/// dashes) and variables name. `None` when there are more than anybody would write.
pub(super) fn starts(
    launch: &Launch,
    words: &[&str],
    options: &[&str],
    variables: &[&str],
) -> Option<Vec<PathBuf>> {
    let mut named: Vec<&str> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let option = word.trim_start_matches('-');
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (option, words.get(at + 1).copied()),
        };
        let takes = *word == "cd" || (option != *word && options.contains(&name));
        named.extend(value.filter(|_| takes));
        // `env -Csub`.
        let glued = word.strip_prefix("-C").filter(|rest| !rest.is_empty());
        named.extend(glued.filter(|_| options.contains(&"C")));
    }
    named.extend(variables.iter().flat_map(|name| set(launch, words, name)));
    named.retain(|folder| !folder.is_empty());
    named.sort_unstable();
    named.dedup();
    if named.len() > MAX_NAMED {
        return None;
    }
    let own = Path::new(&launch.cwd);
    let mut folders = vec![own.to_owned()];
    for first in &named {
        folders.push(own.join(first));
        // `uv --directory a --project b` is in `a/b`.
        let others = named.iter().filter(|second| *second != first);
        folders.extend(others.map(|second| own.join(first).join(second)));
    }
    // A process knows its folder without links.
    let mut real: Vec<PathBuf> = Vec::new();
    for folder in folders {
        let folder = folder.canonicalize().unwrap_or(folder);
        if !real.contains(&folder) && (real.is_empty() || folder.is_dir()) {
            real.push(folder);
        }
    }
    Some(real)
}
