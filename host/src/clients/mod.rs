//! Client configurations: routes a client's servers through us, and undoes it byte for byte.
//!
//! Works without a daemon and without any state: the wrapped form describes itself, the journal
//! only makes undoing exact when nothing else changed. Which files there are is a table in
//! `places`, how text is rewritten is in `edit`, how files are replaced in `file`.

mod diff;
mod edit;
mod file;
mod places;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

pub use edit::{EditError, Entry, Listed, Start, State};
use places::Place;
pub use places::{CLIENTS, Scope};

/// What the outside looks like; nothing is read from the process itself.
#[derive(Clone, Debug)]
pub struct Env {
    pub home: PathBuf,
    pub vars: BTreeMap<String, String>,
    /// Whose project files count.
    pub cwd: PathBuf,
    /// Absolute path of this program, as clients shall start it.
    pub exe: PathBuf,
    /// Where original bytes are kept.
    pub journal_dir: PathBuf,
}

/// Which servers; empty lists mean all.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    pub servers: Vec<String>,
    pub clients: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Wrap,
    Unwrap,
}

/// One file's rewrite, not yet done.
#[derive(Clone, Debug)]
pub struct Change {
    pub client: &'static str,
    pub scope: Scope,
    /// Symbolic links followed.
    pub path: PathBuf,
    pub verb: Verb,
    before: Vec<u8>,
    after: Vec<u8>,
    /// What undoing must give, for the journal.
    original: Vec<u8>,
}

/// One configuration file and its servers.
#[derive(Clone, Debug)]
pub struct Configuration<S> {
    pub client: &'static str,
    pub scope: Scope,
    pub path: PathBuf,
    pub servers: Vec<S>,
}

/// How the servers of one file stand to us.
pub type Status = Configuration<Entry>;

/// What the servers of one file start.
pub type Listing = Configuration<Listed>;

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("{}:{source}", path.display())]
    Edit { path: PathBuf, source: EditError },
    #[error("{}: not UTF-8", path.display())]
    NotUtf8 { path: PathBuf },
    #[error("{}: can't be used", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{}: changed meanwhile; nothing was written", path.display())]
    Changed { path: PathBuf },
    #[error("the program's own path must be absolute and UTF-8")]
    Exe,
}

/// What would be done: nothing is written. A file that can't be edited is an error of its own and
/// does not hide the others.
pub fn plan(env: &Env, selection: &Selection, verb: Verb) -> Vec<Result<Change, ClientError>> {
    if !env.exe.is_absolute() || env.exe.to_str().is_none() {
        return vec![Err(ClientError::Exe)];
    }
    let wanted = |client: &str| {
        selection.clients.is_empty() || selection.clients.iter().any(|c| c == client)
    };
    let mut places = places::places(env);
    if verb == Verb::Unwrap && selection.servers.is_empty() {
        // Projects elsewhere as well: who uninstalls must not leave servers behind that can't start.
        places::add_projects(&mut places, file::remembered(&env.journal_dir));
    }
    let places = places.into_iter().filter(|place| wanted(place.client));
    places
        .filter_map(|place| change(env, selection, verb, &place).transpose())
        .collect()
}

/// Does it: journal first, then the file, atomically.
///
/// # Errors
/// [`ClientError::Changed`] if the file is no longer what the plan saw.
pub fn apply(env: &Env, change: &Change) -> Result<(), ClientError> {
    let at = |source| ClientError::Io {
        path: change.path.clone(),
        source,
    };
    if change.verb == Verb::Wrap {
        file::remember(
            &env.journal_dir,
            &change.path,
            &change.original,
            &change.after,
        )
        .map_err(at)?;
    }
    if !file::replace(&change.path, &change.before, &change.after).map_err(at)? {
        return Err(ClientError::Changed {
            path: change.path.clone(),
        });
    }
    if change.verb == Verb::Unwrap {
        file::forget(&env.journal_dir, &change.path).map_err(at)?;
    }
    Ok(())
}

/// Every known configuration file that exists, with its servers.
pub fn status(env: &Env) -> Vec<Result<Status, ClientError>> {
    configurations(env, edit::entries)
}

/// Every known configuration file that exists, with what its servers start: wrapped ones as their
/// originals. A file that can't be read is an error of its own and does not hide the others.
pub fn servers(env: &Env) -> Vec<Result<Listing, ClientError>> {
    configurations(env, edit::list)
}

fn configurations<S>(
    env: &Env,
    of: impl Fn(&str, &[edit::Root], &Path) -> Result<Vec<S>, EditError>,
) -> Vec<Result<Configuration<S>, ClientError>> {
    let look = |place: Place| {
        let Some(text) = read(&place)? else {
            return Ok(None);
        };
        let servers = of(&text, place.roots, &env.exe).map_err(|source| ClientError::Edit {
            path: place.path.clone(),
            source,
        })?;
        Ok(Some(Configuration {
            client: place.client,
            scope: place.scope,
            path: place.path,
            servers,
        }))
    };
    places::places(env)
        .into_iter()
        .filter_map(|place| look(place).transpose())
        .collect()
}

impl Change {
    /// The changed lines, `-` before and `+` after, with values that may be secrets masked. Control
    /// characters are escaped: the file's author must not write to the terminal.
    pub fn diff(&self) -> Vec<String> {
        diff::lines(
            &String::from_utf8_lossy(&self.before),
            &String::from_utf8_lossy(&self.after),
        )
    }
}

fn read(place: &Place) -> Result<Option<String>, ClientError> {
    match file::read(&place.path) {
        Ok(None) => Ok(None),
        Ok(Some(bytes)) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(ClientError::NotUtf8 {
                path: place.path.clone(),
            }),
        },
        Err(source) => Err(ClientError::Io {
            path: place.path.clone(),
            source,
        }),
    }
}

fn change(
    env: &Env,
    selection: &Selection,
    verb: Verb,
    place: &Place,
) -> Result<Option<Change>, ClientError> {
    let Some(text) = read(place)? else {
        return Ok(None);
    };
    let path = place
        .path
        .canonicalize()
        .unwrap_or_else(|_| place.path.clone());
    let wrong = |source| ClientError::Edit {
        path: path.clone(),
        source,
    };
    let all = |_: &str| true;
    let selected = |server: &str| {
        selection.servers.is_empty() || selection.servers.iter().any(|s| s == server)
    };
    let remembered = file::recall(&env.journal_dir, &path, text.as_bytes());
    let (after, original) = match verb {
        Verb::Wrap => {
            let original = match remembered {
                Some(original) => original,
                None => edit::unwrap(&text, place.roots, &env.exe, all)
                    .map_err(wrong)?
                    .into_bytes(),
            };
            let after = edit::wrap(&text, place.roots, &env.exe, selected).map_err(wrong)?;
            (after.into_bytes(), original)
        }
        Verb::Unwrap => match remembered {
            Some(original) if selection.servers.is_empty() => (original.clone(), original),
            _ => {
                let after = edit::unwrap(&text, place.roots, &env.exe, selected).map_err(wrong)?;
                (after.into_bytes(), Vec::new())
            }
        },
    };
    let before = text.into_bytes();
    let change = Change {
        client: place.client,
        scope: place.scope,
        path,
        verb,
        before,
        after,
        original,
    };
    Ok((change.before != change.after).then_some(change))
}

#[cfg(test)]
mod tests;
