//! Pins: what each server was when it was last allowed to start, so that a package or a file that
//! changed since is seen before it runs.
//!
//! The first allowed launch pins by itself; from then on a change is a finding, and policy decides.
//! What is allowed in spite of it becomes the pin. What the disk can't tell is not compared: a
//! package that a launcher fetches while it starts is seen at the next launch.

mod pin;
#[cfg(test)]
mod tests;

use super::{call_id, now_ms};
use crate::audit::{Durability, Ledger, Record, SealError, Sealed};
use crate::event::{Finding, Severity};
pub use pin::Pin;
use pin::{finding, shown};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Chosen: more servers than anybody has; their pins fit into a sealed file.
const MAX_PINS: usize = 1000;
/// First in what is signed.
pub const PURPOSE: &str = "clawdefender/pins/v1\n";

/// How a launch stands to its pin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Never pinned, or nothing is known that could be compared.
    New,
    Same,
    Changed(Box<Finding>),
}

/// Why a pin was not changed.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    #[error("no launch of this server was refused because it had changed")]
    NothingRefused,
    #[error("pins.json can be read; there is nothing to begin anew")]
    Sound,
    #[error("it could not be recorded, so it was not done")]
    NotRecorded,
    #[error("{0}; launches are asked about until `clawdefender pins reset`")]
    Seal(#[from] SealError),
    #[error("the pins could not be read: {0}")]
    Unread(String),
}

/// By server and subject.
type All = BTreeMap<(String, String), Pin>;

/// All pins of this installation.
pub struct Pins {
    file: Sealed,
    all: Mutex<Result<All, String>>,
}

impl Pins {
    /// Reads what is kept. What can't be believed makes every launch one that changed.
    pub fn open(file: Sealed) -> Self {
        let all = match file.read::<Vec<Pin>>() {
            Ok(all) => Ok(by_subject(all.unwrap_or_default())),
            Err(error) => {
                tracing::error!(%error, "what servers were before can't be known");
                Err(error.to_string())
            }
        };
        Self {
            file,
            all: Mutex::new(all),
        }
    }

    /// Why nothing is known, if so.
    pub fn broken(&self) -> Option<String> {
        self.lock().as_ref().err().cloned()
    }

    /// Compares a launch with its pin.
    pub fn standing(&self, server: &str, now: Option<&Pin>) -> Standing {
        let Some(now) = now else { return Standing::New };
        match &*self.lock() {
            Err(why) => Standing::Changed(Box::new(finding(
                "pins.unreadable",
                Severity::Medium,
                format!("What {} was before can't be known: {why}.", shown(server)),
            ))),
            Ok(all) => match all.get(&now.key()) {
                None => Standing::New,
                Some(pin) => pin.compare(now),
            },
        }
    }

    /// Keeps what was allowed.
    ///
    /// # Errors
    /// [`PinError`]; then the old pin stays.
    pub fn allowed(&self, now: Pin) -> Result<(), PinError> {
        self.change(|all| {
            let full = all.len() >= MAX_PINS;
            match all.get_mut(&now.key()) {
                Some(pin) if pin.is_as(&now) && pin.refused.is_none() => return false,
                Some(pin) => *pin = now,
                // Rather none for the newest server than a flood that washes out the others.
                None if full => {
                    tracing::error!(server = now.server, "there are too many pins for another");
                    return false;
                }
                None => {
                    all.insert(now.key(), now);
                }
            }
            true
        })
    }

    /// Keeps beside the pin what was refused, so that a person can accept just that.
    ///
    /// # Errors
    /// [`PinError`].
    pub fn refused(&self, now: Pin) -> Result<(), PinError> {
        self.change(|all| match all.get_mut(&now.key()) {
            Some(pin) if !pin.is_as(&now) => {
                pin.refused = Some(Box::new(now));
                true
            }
            _ => false,
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

    /// What was refused of a server becomes its pin. It is recorded first.
    ///
    /// # Errors
    /// [`PinError`].
    pub fn accept(&self, server: &str, by: &str, ledger: &Ledger) -> Result<Vec<Pin>, PinError> {
        let mut lock = self.lock();
        let all = lock.as_mut().map_err(|why| PinError::Unread(why.clone()))?;
        let mut next = all.clone();
        let mut accepted = Vec::new();
        for pin in next.values_mut().filter(|pin| pin.server == server) {
            if let Some(refused) = pin.refused.take() {
                *pin = *refused;
                pin.since_ms = now_ms();
                accepted.push(pin.clone());
            }
        }
        if accepted.is_empty() {
            return Err(PinError::NothingRefused);
        }
        for pin in &accepted {
            let note = format!("{}: {}, by {by}", shown(server), pin.told());
            record(ledger, "pin-accepted", server, note)?;
        }
        self.file.write(&next.values().collect::<Vec<_>>())?;
        *all = next;
        Ok(accepted)
    }

    /// Begins anew after the file could not be believed. It is recorded first.
    ///
    /// # Errors
    /// [`PinError`].
    pub fn reset(&self, by: &str, ledger: &Ledger) -> Result<(), PinError> {
        let mut lock = self.lock();
        let Err(why) = &*lock else {
            return Err(PinError::Sound);
        };
        record(ledger, "pins-reset", "", format!("by {by}: {why}"))?;
        self.file.write(&Vec::<Pin>::new())?;
        *lock = Ok(BTreeMap::new());
        Ok(())
    }

    /// Writes what `change` made, if it says that there is something to write.
    fn change(&self, change: impl FnOnce(&mut All) -> bool) -> Result<(), PinError> {
        let mut lock = self.lock();
        let all = lock.as_mut().map_err(|why| PinError::Unread(why.clone()))?;
        let mut next = all.clone();
        if change(&mut next) {
            self.file.write(&next.values().collect::<Vec<_>>())?;
            *all = next;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Result<All, String>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn by_subject(all: Vec<Pin>) -> All {
    all.into_iter().map(|pin| (pin.key(), pin)).collect()
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
