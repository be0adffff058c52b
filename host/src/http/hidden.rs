//! Names that were cut from servers' lists: refused for every caller, and after a restart as well.
//!
//! A link over stdio gets them back from its shim. Here the daemon is the only one who knows them,
//! so they are on the disk before the cut list goes out.

use crate::link::Link;
use crate::link::hidden::{self, Full};
use rustix::fs::fsync;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

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

/// Why a verdict's names are not as safe as they should be.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// Some are not remembered at all.
    #[error(transparent)]
    Full(#[from] Full),
    /// They hold until the daemon ends.
    #[error(transparent)]
    Write(#[from] io::Error),
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
    #[serde(default)]
    sha256: hidden::Hidden,
    /// Whole tickets, as earlier versions kept them.
    #[serde(default, skip_serializing)]
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
        let mut servers = match fs::read(&path) {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(servers) => servers,
                Err(source) => return Err(HiddenError::Damaged { path, source }),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => BTreeMap::new(),
            Err(source) => return Err(HiddenError::Read { path, source }),
        };
        for names in servers.values_mut() {
            if let Err(source) = take_over(names) {
                return Err(HiddenError::Damaged { path, source });
            }
        }
        Ok(Self { path, servers })
    }

    /// What is hidden at `server`, and a number that changes with every change of it; 0 when nothing
    /// ever was.
    pub fn at(&self, server: &str) -> (u64, hidden::Hidden) {
        let names = self.servers.get(server);
        names.map_or_else(Default::default, |names| {
            (names.version, names.sha256.clone())
        })
    }

    /// Takes over what a verdict wants to be remembered: names that are hidden or shown again.
    ///
    /// # Errors
    /// [`LearnError`].
    pub fn learn(
        &mut self,
        server: &str,
        keep: &[(String, String)],
        discard: &[String],
    ) -> Result<(), LearnError> {
        let hidden = keep.iter().filter_map(|(key, _)| Link::hidden_name(key));
        let shown = discard.iter().filter_map(|key| Link::hidden_name(key));
        let (hidden, shown): (Vec<_>, Vec<_>) = (hidden.collect(), shown.collect());
        if hidden.is_empty() && shown.is_empty() {
            return Ok(());
        }
        let (version, mut names) = self.at(server);
        let mut news = false;
        for name in shown {
            news |= names.remove(name);
        }
        for name in hidden {
            news |= names.insert(name)?;
        }
        if !news {
            return Ok(());
        }
        let names = Names {
            version: version + 1,
            sha256: names,
            tickets: BTreeMap::new(),
        };
        self.servers.insert(server.to_owned(), names);
        Ok(self.write()?)
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

/// What an earlier version kept.
fn take_over(names: &mut Names) -> serde_json::Result<()> {
    for ticket in std::mem::take(&mut names.tickets).values() {
        let name = Link::hidden_by(ticket);
        let unknown = || serde::de::Error::custom("a ticket that hides no name");
        names.sha256.extend([name.ok_or_else(unknown)?]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::hidden::{MAX_HIDDEN, Name};

    fn hides(hidden: &Hidden, name: &str) -> bool {
        hidden.at("web").1.contains(Name::of(name))
    }

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
        assert_eq!(again.at("web"), hidden.at("web"));
        assert!(hides(&again, "worse") && !hides(&again, "bad"));
        assert_ne!(again.at("web").0, 0);
        assert_eq!(again.at("other"), Default::default());
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
        let before = hidden.at("web");
        hide(&mut hidden, "bad");
        assert_eq!(hidden.at("web"), before);
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
        let learnt = hidden.learn("web", &keep, &[]);
        assert!(matches!(learnt, Err(LearnError::Write(_))));
        assert!(hides(&hidden, "bad"));
    }

    #[test]
    fn what_an_earlier_version_kept_is_hidden_and_written_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hidden.json");
        let old = r#"{"web":{"version":3,"tickets":{"hidden tool a":"{\"hidden\":{\"name\":\"tool a\"}}"}}}"#;
        fs::write(&path, old).unwrap();
        let mut hidden = Hidden::open(&path).unwrap();
        assert!(hides(&hidden, "tool a"));
        hide(&mut hidden, "tool b");
        assert_eq!(hidden.at("web").0, 4);
        let again = Hidden::open(&path).unwrap();
        assert!(hides(&again, "tool a") && hides(&again, "tool b"));
        let unknown = r#"{"web":{"version":3,"tickets":{"hidden tool a":"?"}}}"#;
        fs::write(&path, unknown).unwrap();
        let opened = Hidden::open(&path);
        assert!(matches!(opened, Err(HiddenError::Damaged { .. })));
    }

    #[test]
    fn names_beyond_the_limit_are_an_error_and_none_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hidden.json");
        let mut hidden = Hidden::open(&path).unwrap();
        hide(&mut hidden, "first");
        let names = (1..MAX_HIDDEN).map(|n| Name::of(&n.to_string()));
        hidden.servers.get_mut("web").unwrap().sha256.extend(names);
        let list = |names: &[&str]| -> Vec<_> {
            names.iter().map(|name| Link::hidden_ticket(name)).collect()
        };
        let more = hidden.learn("web", &list(&["first", "new"]), &[]);
        assert!(matches!(more, Err(LearnError::Full(Full))), "{more:?}");
        assert!(hides(&hidden, "first") && hides(&hidden, "65535"));
        hidden.learn("web", &list(&["first", "7"]), &[]).unwrap();
        let room = [Link::hidden_key("5")];
        hidden.learn("web", &list(&["new"]), &room).unwrap();
        assert!(hides(&hidden, "new") && !hides(&hidden, "5"));
        hidden.learn("other", &list(&["new"]), &[]).unwrap();
    }

    #[test]
    fn long_names_make_no_long_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hidden.json");
        let mut hidden = Hidden::open(&path).unwrap();
        for n in 0..15 {
            hide(&mut hidden, &format!("tool {n} {}", "x".repeat(1 << 20)));
        }
        assert!(fs::metadata(&path).unwrap().len() < 2000);
    }
}
