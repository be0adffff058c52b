//! The processes whose descendants can't answer.
//!
//! A client stays one for as long as it lives: it could end its link, or the daemon, and answer then.
//! So it is told from a later process of its number by when it started, and known to the next daemon.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::Processes;

/// Who is guarded.
#[derive(Clone, Debug, Default)]
pub struct Guarded {
    /// Until they are gone: when each started, as [`Processes::started`] says.
    clients: HashMap<u32, u64>,
    /// While their links are open, and how many are: shells in which a person started a server.
    shells: HashMap<u32, usize>,
    file: Option<PathBuf>,
}

/// What the file holds: numbers and times of another boot of the machine mean other processes.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    boot: String,
    clients: HashMap<u32, u64>,
}

/// Which boot of the machine this is. Source: proc_sys_kernel(5).
fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default()
}

impl Guarded {
    /// With the clients of the last daemon, as `file` names them.
    #[must_use]
    pub fn kept_in(file: PathBuf) -> Self {
        let kept = match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::error!(%error, file = %file.display(), "who was a client before is not known");
                Kept::default()
            }),
            // There was none, or it was a start of the machine that tidies up.
            Err(_) => Kept::default(),
        };
        let same_boot = kept.boot == boot();
        Self {
            clients: if same_boot {
                kept.clients
            } else {
                HashMap::new()
            },
            shells: HashMap::new(),
            file: Some(file),
        }
    }

    /// Guards a process until it is gone. Process 0 is nobody.
    pub fn add(&mut self, pid: u32, processes: &dyn Processes) {
        let Some(started) = processes.started(pid).filter(|_| pid > 0) else {
            return;
        };
        if self.clients.insert(pid, started) == Some(started) {
            return;
        }
        self.clients
            .retain(|pid, started| processes.started(*pid) == Some(*started));
        if let Some(file) = &self.file
            && let Err(error) = write(file, &self.clients)
        {
            tracing::error!(%error, file = %file.display(), "the next daemon won't know who is a client until it connects");
        }
    }

    /// Guards a process once more, until as many [`Guarded::remove`].
    pub fn add_shell(&mut self, pid: u32) {
        *self.shells.entry(pid).or_default() += 1;
    }

    pub fn remove_shell(&mut self, pid: u32) {
        if let Some(links) = self.shells.get_mut(&pid) {
            *links -= 1;
            if *links == 0 {
                self.shells.remove(&pid);
            }
        }
    }

    pub(super) fn holds(&self, pid: u32, processes: &dyn Processes) -> bool {
        self.shells.contains_key(&pid)
            || self
                .clients
                .get(&pid)
                .is_some_and(|started| processes.started(pid) == Some(*started))
    }
}

fn write(file: &Path, clients: &HashMap<u32, u64>) -> std::io::Result<()> {
    let kept = Kept {
        boot: boot(),
        clients: clients.clone(),
    };
    let staged = file.with_extension("part");
    let mut out = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&staged)?;
    out.write_all(&serde_json::to_vec(&kept)?)?;
    fs::rename(&staged, file)
}
