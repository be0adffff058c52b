//! Names that were cut from servers' lists: refused for every caller, and after a restart as well.
//!
//! A link over stdio gets them back from its shim. Here the daemon is the only one who knows them,
//! so they are on the disk before the cut list goes out.

use crate::link::Link;
use rustix::fs::fsync;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Names that may be hidden at a server. Chosen: no list of a server that is meant well has as many
/// entries that must be cut; beyond it the oldest words of a flood don't matter.
const MAX_HIDDEN: usize = 4096;

#[derive(Debug, thiserror::Error)]
pub enum HiddenError {
    #[error("{path} can't be read: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error(
        "{path} is damaged ({source}): it names the tools that callers must not reach; \
         remove it only if every client of an upstream is started anew"
    )]
    Damaged {
        path: PathBuf,
        source: serde_json::Error,
    },
}

/// What is hidden at each server.
pub struct Hidden {
    path: PathBuf,
    servers: BTreeMap<String, Names>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    /// How often it changed, so that a link knows whether it has them all. A link of this daemon
    /// begins at 0.
    version: u64,
    /// Tickets as `link` makes and reads them.
    tickets: BTreeMap<String, String>,
}

impl Hidden {
    /// What earlier daemons kept in `path`; nothing when there is no such file.
    ///
    /// # Errors
    /// [`HiddenError`] for a file that is there and can't be understood: to begin anew would let
    /// through what was refused.
    pub fn open(path: &Path) -> Result<Self, HiddenError> {
        let path = path.to_owned();
        let servers = match fs::read(&path) {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(servers) => servers,
                Err(source) => return Err(HiddenError::Damaged { path, source }),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => BTreeMap::new(),
            Err(source) => return Err(HiddenError::Read { path, source }),
        };
        Ok(Self { path, servers })
    }

    /// Changes with every change of what is hidden at `server`; 0 when nothing ever was.
    pub fn version(&self, server: &str) -> u64 {
        self.servers.get(server).map_or(0, |names| names.version)
    }

    /// Tickets that make a link refuse what is hidden at `server`.
    pub fn tickets(&self, server: &str) -> Vec<(String, String)> {
        let names = self.servers.get(server);
        let tickets = names.into_iter().flat_map(|names| &names.tickets);
        tickets
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    /// Takes over what a verdict wants to be remembered: names that are hidden or shown again.
    ///
    /// # Errors
    /// When it can't be written. It holds until the daemon ends all the same.
    pub fn learn(
        &mut self,
        server: &str,
        keep: &[(String, String)],
        discard: &[String],
    ) -> io::Result<()> {
        let about = |key: &str| key.starts_with(Link::hidden_key("").as_str());
        let known = self.servers.get(server);
        let fresh = |key: &str| known.is_none_or(|names| !names.tickets.contains_key(key));
        let news = keep.iter().any(|(key, _)| about(key) && fresh(key));
        if !news && !discard.iter().any(|key| about(key) && !fresh(key)) {
            return Ok(());
        }
        let names = self.servers.entry(server.to_owned()).or_default();
        names.version += 1;
        for (key, value) in keep.iter().filter(|(key, _)| about(key)) {
            if names.tickets.len() < MAX_HIDDEN {
                names.tickets.insert(key.clone(), value.clone());
            }
        }
        for key in discard {
            names.tickets.remove(key);
        }
        self.write()
    }

    fn write(&self) -> io::Result<()> {
        let draft = self.path.with_extension("json.new");
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(&serde_json::to_vec(&self.servers)?)?;
        file.sync_all()?;
        fs::rename(&draft, &self.path)?;
        let dir = self.path.parent().map(fs::File::open).transpose()?;
        dir.map_or(Ok(()), |dir| Ok(fsync(dir)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hide(hidden: &mut Hidden, name: &str) {
        let keep = [Link::hidden_ticket(name)];
        hidden.learn("web", &keep, &[]).unwrap();
    }

    #[test]
    fn the_next_daemon_knows_what_this_one_hid() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hidden.json");
        let mut hidden = Hidden::open(&path).unwrap();
        hide(&mut hidden, "bad");
        hide(&mut hidden, "worse");
        hidden
            .learn("web", &[], &[Link::hidden_key("bad")])
            .unwrap();
        let again = Hidden::open(&path).unwrap();
        assert_eq!(again.tickets("web"), [Link::hidden_ticket("worse")]);
        assert_ne!(again.version("web"), 0);
        assert!(again.tickets("other").is_empty());
    }

    #[test]
    fn only_news_is_written_and_only_of_hidden_names() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hidden.json");
        let mut hidden = Hidden::open(&path).unwrap();
        let revision = [Link::revision_ticket("2025-06-18")];
        let gone = [Link::hidden_key("never hidden"), "other".into()];
        hidden.learn("web", &revision, &gone).unwrap();
        assert!(!path.exists());
        hide(&mut hidden, "bad");
        let version = hidden.version("web");
        hide(&mut hidden, "bad");
        assert_eq!(hidden.version("web"), version);
    }

    #[test]
    fn a_damaged_file_is_not_taken_for_an_empty_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hidden.json");
        fs::write(&path, "{").unwrap();
        assert!(matches!(
            Hidden::open(&path),
            Err(HiddenError::Damaged { .. })
        ));
    }

    #[test]
    fn what_cannot_be_written_holds_for_now_and_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let mut hidden = Hidden::open(&dir.path().join("none/hidden.json")).unwrap();
        let keep = [Link::hidden_ticket("bad")];
        assert!(hidden.learn("web", &keep, &[]).is_err());
        assert_eq!(hidden.tickets("web"), keep);
    }
}
