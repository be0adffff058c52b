//! Pins on request: listed, and accepted by a person.

use super::start::Parts;
use crate::approval::{AnswerError, Approver};
use crate::judge::pins::PinError;
pub use crate::judge::pins::{Pin, What};
use serde_json::{Value, json};

/// Why a person's word about a pin was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PinRefused {
    #[error(transparent)]
    NotAPerson(#[from] AnswerError),
    #[error(transparent)]
    Pin(#[from] PinError),
}

impl PinRefused {
    /// A word for programs, and what to do.
    pub(super) fn advice(&self) -> (&'static str, &'static str) {
        match self {
            Self::NotAPerson(_) => (
                "self-approval",
                "do it in a terminal that was not opened by the agent's program",
            ),
            Self::Pin(
                PinError::NothingRefused
                | PinError::Meanwhile
                | PinError::Unknown
                | PinError::Sound,
            ) => ("refused", "clawdefender pins list"),
            Self::Pin(PinError::Unread(_)) => ("pins", "clawdefender pins reset"),
            Self::Pin(_) => ("pins", "clawdefender daemon logs"),
        }
    }
}

impl Parts {
    pub(super) fn list_pins(&self) -> Result<Value, PinRefused> {
        Ok(json!({ "pins": self.judge.pins().list()? }))
    }

    /// Takes what was refused of a server for what it is from now on: a person's word only.
    pub(super) fn accept_pin(
        &self,
        server: &str,
        seen: &[What],
        by: &Approver,
    ) -> Result<Value, PinRefused> {
        self.judge.desk().refuse_self_approval(by)?;
        let who = format!("{} through {}", by.user, by.door);
        let accepted = self
            .judge
            .pins()
            .accept(server, seen, &who, self.judge.ledger())?;
        Ok(json!({ "pins": accepted }))
    }

    /// Forgets a server, whose next allowed launch pins it anew: a person's word only.
    pub(super) fn remove_pin(&self, server: &str, by: &Approver) -> Result<Value, PinRefused> {
        self.judge.desk().refuse_self_approval(by)?;
        let who = format!("{} through {}", by.user, by.door);
        self.judge
            .pins()
            .remove(server, &who, self.judge.ledger())?;
        Ok(json!({ "server": server }))
    }

    /// Begins anew when the file can't be believed: a person's word only.
    pub(super) fn reset_pins(&self, by: &Approver) -> Result<Value, PinRefused> {
        self.judge.desk().refuse_self_approval(by)?;
        let who = format!("{} through {}", by.user, by.door);
        self.judge.pins().reset(&who, self.judge.ledger())?;
        Ok(json!({ "pins": [] }))
    }
}
