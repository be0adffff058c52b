//! Pins: what each server was when it was last allowed to start, so that a package or a file that
//! changed since is seen before it runs.
//!
//! The first allowed launch pins by itself; from then on a change is a finding, and policy decides.
//! What is allowed in spite of it is pinned, too. What the disk can't tell is not compared, and
//! nothing that was known is forgotten: a package that a launcher fetches while it starts is seen at
//! the next launch.

mod pin;
#[cfg(test)]
mod tests;

use super::{call_id, now_ms};
use crate::audit::{Durability, Ledger, Record, SealError, Sealed};
use crate::event::{Finding, Severity};
pub use pin::{Candidate, Pin, What};
pub(super) use pin::{finding, shown};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Chosen: more servers than anybody has; their pins fit into a sealed file.
const MAX_PINS: usize = 500;
/// First in what is signed.
pub const PURPOSE: &str = "clawdefender/pins/v1\n";

/// How a launch stands to what is pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing of this server is pinned.
    New,
    Same,
    Changed(Box<Finding>),
}

/// Why a pin was not changed.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    #[error("no launch of this server was refused because it had changed")]
    NothingRefused,
    #[error("another launch was refused meanwhile; look again")]
    Meanwhile,
    #[error("nothing of this server is pinned")]
    Unknown,
    #[error("pins.json can be read; there is nothing to begin anew")]
    Sound,
    #[error("{MAX_PINS} servers are pinned already; `clawdefender pins remove` makes room")]
    Full,
    #[error("it could not be recorded, so it was not done")]
    NotRecorded,
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error("the pins can't be believed: {0}")]
    Unread(String),
}

/// All pins of this installation.
pub struct Pins {
    file: Sealed,
    all: Mutex<Result<All, String>>,
    /// There was no file yet.
    began: bool,
}

/// By server and subject.
type All = BTreeMap<(String, String), Pin>;

impl Pins {
    /// Reads what is kept. What can't be believed makes every launch one that changed.
    pub fn open(file: Sealed) -> Self {
        let (all, began) = read(&file);
        Self {
            file,
            all: Mutex::new(all),
            began,
        }
    }

    /// Writes an empty file where there was none, so that a missing one can be told from a new
    /// installation. Whether there was none.
    ///
    /// # Errors
    /// [`PinError::Seal`].
    pub fn begin(&self) -> Result<bool, PinError> {
        if self.began {
            self.file.write(&Vec::<Pin>::new())?;
        }
        Ok(self.began)
    }

    /// Why nothing is known, if so.
    pub fn broken(&self) -> Option<String> {
        self.lock().as_ref().err().cloned()
    }

    /// Compares a launch with what is pinned of its server.
    pub fn standing(&self, server: &str, now: Option<&Candidate>) -> Standing {
        let lock = self.lock();
        let all = match &*lock {
            Ok(all) => all,
            Err(why) => {
                let server = shown(server, 60);
                let message = format!("What {server} was before can't be known: {why}.");
                let found = finding("pins.unreadable", Severity::Medium, message);
                return Standing::Changed(Box::new(found));
            }
        };
        if let Some((pin, now)) = now.and_then(|now| Some((all.get(&now.key())?, now))) {
            return pin.compare(&now.what);
        }
        let Some(other) = all.values().find(|pin| pin.server == server) else {
            return Standing::New;
        };
        let message = format!(
            "{} now, and {} before, under the same name: {}.",
            now.map_or("not known what".to_owned(), |now| shown(&now.subject, 200)),
            shown(&other.subject, 200),
            shown(server, 60),
        );
        Standing::Changed(Box::new(finding("pins.other", Severity::Info, message)))
    }

    /// Keeps what was allowed.
    ///
    /// # Errors
    /// [`PinError`]; then nothing changed.
    pub fn allowed(&self, now: Candidate) -> Result<(), PinError> {
        self.change(|all| {
            let full = all.len() >= MAX_PINS;
            match all.get_mut(&now.key()) {
                Some(pin) => Ok(pin.accept(&now.what)),
                // Rather none for the newest server than a flood that washes out the others.
                None if full => Err(PinError::Full),
                None => {
                    all.insert(now.key(), Pin::first(now));
                    Ok(true)
                }
            }
        })
    }

    /// Keeps beside the pin what was refused, so that a person can accept just that.
    ///
    /// # Errors
    /// [`PinError`].
    pub fn refused(&self, now: Candidate) -> Result<(), PinError> {
        self.change(|all| match all.get_mut(&now.key()) {
            Some(pin) if pin.compare(&now.what) != Standing::Same => {
                let known = pin.refused.as_ref();
                let again = known.is_some_and(|was| was.agrees(&now.what));
                if !again {
                    pin.refused = Some(now.what);
                }
                Ok(!again)
            }
            _ => Ok(false),
        })
    }

    /// Every pin, by server and subject.
    ///
    /// # Errors
    /// [`PinError::Unread`].
    pub fn list(&self) -> Result<Vec<Pin>, PinError> {
        match &*self.lock() {
            Ok(all) => Ok(all.values().cloned().collect()),
            Err(why) => Err(PinError::Unread(why.clone())),
        }
    }

    /// Pins what was refused of a server, if it still is what `seen` says. It is recorded first.
    ///
    /// # Errors
    /// [`PinError`].
    pub fn accept(
        &self,
        server: &str,
        seen: &[What],
        by: &str,
        ledger: &Ledger,
    ) -> Result<Vec<Pin>, PinError> {
        let mut accepted = Vec::new();
        self.change(|all| {
            let mut of_server: Vec<&mut Pin> = all
                .values_mut()
                .filter(|pin| pin.server == server && pin.refused.is_some())
                .collect();
            let refused = of_server.iter().filter_map(|pin| pin.refused.as_ref());
            if of_server.is_empty() {
                return Err(PinError::NothingRefused);
            }
            if !refused.eq(seen) {
                return Err(PinError::Meanwhile);
            }
            for pin in &mut of_server {
                let Some(what) = pin.refused.take() else {
                    continue;
                };
                let digest = what.sha256.as_deref().unwrap_or("unknown");
                let note = format!(
                    "{}: {}, SHA-256 {digest}, by {by}",
                    shown(server, 60),
                    what.told(&pin.subject)
                );
                record(ledger, "pin-accepted", server, note)?;
                pin.accept(&what);
                accepted.push(pin.clone());
            }
            Ok(true)
        })?;
        Ok(accepted)
    }

    /// Forgets a server: its next allowed launch pins it anew. It is recorded first.
    ///
    /// # Errors
    /// [`PinError`].
    pub fn remove(&self, server: &str, by: &str, ledger: &Ledger) -> Result<(), PinError> {
        self.change(|all| {
            let before = all.len();
            all.retain(|(name, _), _| name != server);
            if all.len() == before {
                return Err(PinError::Unknown);
            }
            let note = format!("{}, by {by}", shown(server, 60));
            record(ledger, "pin-removed", server, note)?;
            Ok(true)
        })
    }

    /// Begins anew when the file can't be believed. It is recorded first.
    ///
    /// # Errors
    /// [`PinError`].
    pub fn reset(&self, by: &str, ledger: &Ledger) -> Result<(), PinError> {
        let mut lock = self.lock();
        let Err(why) = &*lock else {
            return Err(PinError::Sound);
        };
        // Perhaps it was the disk, and that is well again.
        if let (Ok(all), false) = read(&self.file) {
            *lock = Ok(all);
            return Ok(());
        }
        record(ledger, "pins-reset", "", format!("by {by}: {why}"))?;
        self.file.write(&Vec::<Pin>::new())?;
        *lock = Ok(BTreeMap::new());
        Ok(())
    }

    /// Writes what `change` made, if it says that there is something to write.
    fn change(
        &self,
        change: impl FnOnce(&mut All) -> Result<bool, PinError>,
    ) -> Result<(), PinError> {
        let mut lock = self.lock();
        let all = lock.as_mut().map_err(|why| PinError::Unread(why.clone()))?;
        let mut next = all.clone();
        if change(&mut next)? {
            self.file.write(&next.values().collect::<Vec<_>>())?;
            *all = next;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Result<All, String>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is kept, and whether there was no file.
fn read(file: &Sealed) -> (Result<All, String>, bool) {
    match file.read::<Vec<Pin>>() {
        Ok(None) => (Ok(All::new()), true),
        Ok(Some(all)) => {
            let all = all.into_iter().map(|pin| (pin.key(), pin)).collect();
            (Ok(all), false)
        }
        Err(error) => {
            tracing::error!(%error, "what servers were before can't be known");
            (Err(error.to_string()), false)
        }
    }
}

fn record(ledger: &Ledger, kind: &str, server: &str, note: String) -> Result<(), PinError> {
    let record = Record {
        v: 1,
        id: call_id(),
        at_ms: now_ms(),
        what: "pin".into(),
        kind: kind.to_owned(),
        server: server.to_owned(),
        note: Some(note),
        ..Record::default()
    };
    match ledger.append(&record, Durability::Now) {
        Ok(_) => Ok(()),
        Err(error) => {
            tracing::error!(%error, "a change of a pin was not recorded");
            Err(PinError::NotRecorded)
        }
    }
}
