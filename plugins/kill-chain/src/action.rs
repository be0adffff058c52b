//! The words the detector thinks in: what an event does, where, and with what properties.
//!
//! Only names and bits. Which tool or command means which action is data (`lexicon`).

use serde::Deserialize;

/// What an event does; one event can do several. The discriminant is its bit in a stored memo, so
/// the order is part of the memo's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    List,
    Search,
    ReadFile,
    /// Reads a place where credentials live, or a tool whose purpose is to hand out secrets.
    ReadSecret,
    /// Content that an outsider can write arrives: web page, inbox, issue.
    ReadUntrusted,
    Write,
    /// Runs a file or a script.
    Execute,
    Install,
    /// Something leaves: post, upload, mail, HTTP with a body.
    Send,
    /// Writes where things are started from later.
    Persist,
    /// Rights, members, modes.
    Permission,
    Delete,
    Schedule,
    Pay,
    /// Brings a program or file from outside.
    Download,
    Encode,
    Archive,
    /// Stops or empties logs, history, protections.
    Impair,
    /// Looks around: user, network, processes, system.
    Recon,
    /// Changes the user's own account: password, profile.
    Account,
    /// Asks a server outside for a page or document.
    Fetch,
    /// Hands over a command line or code, whatever that does.
    Shell,
    /// An order to do something that none of the others is: book, unlock, assign.
    Act,
    /// Does more than look, as far as its name tells.
    Change,
    /// Runs what comes from outside without keeping it.
    RunUnseen,
    /// Hands a shell to somebody outside.
    RemoteShell,
    /// Hard to take back, or dangerous to people: locks, alarms, medicine, keys, resets.
    Grave,
    /// Puts a secret where secrets are kept.
    KeepSecret,
    /// Switches off or empties a record of who did what.
    Blind,
    /// Copies a whole database into a file.
    Dump,
    /// Names another place that a repository is pushed to.
    Reroute,
}

/// A kind of place that a path can lie in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    Credential,
    Persistence,
    Log,
    Metadata,
}

/// What an event is to a condition of a chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    pub actions: Actions,
    pub flags: u16,
    pub places: u8,
}

/// A set of [`Action`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Actions(pub u32);

impl Action {
    pub const fn bit(self) -> Actions {
        Actions(1 << self as u32)
    }
}

impl Place {
    pub const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl Actions {
    pub fn add(&mut self, action: Action) {
        self.0 |= action.bit().0;
    }

    pub fn has(self, action: Action) -> bool {
        self.meets(action.bit())
    }

    /// Whether the two sets share an action.
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Their words, joined by `+`; that a call changes something is said when nothing else is known.
    pub fn words(self) -> String {
        let all = NAMES.iter().enumerate();
        let own = all.filter(|(bit, _)| self.0 & (1 << bit) != 0);
        let mut words: Vec<&str> = own.map(|(_, name)| *name).collect();
        if words.len() > 1 {
            words.retain(|name| *name != "change");
        }
        words.join("+")
    }

    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl FromIterator<Action> for Actions {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        let mut set = Self::default();
        actions.into_iter().for_each(|action| set.add(action));
        set
    }
}

/// The words of the actions, in the order of their bits.
const NAMES: [&str; 31] = [
    "list",
    "search",
    "read-file",
    "read-secret",
    "read-untrusted",
    "write",
    "execute",
    "install",
    "send",
    "persist",
    "permission",
    "delete",
    "schedule",
    "pay",
    "download",
    "encode",
    "archive",
    "impair",
    "recon",
    "account",
    "fetch",
    "shell",
    "act",
    "change",
    "run-unseen",
    "remote-shell",
    "grave",
    "keep-secret",
    "blind",
    "dump",
    "reroute",
];

/// Properties of an event, as bits of a stored memo.
pub mod flag {
    /// What came back, not what was asked.
    pub const RESULT: u16 = 1;
    /// It names a host or mail address outside.
    pub const OUTSIDE: u16 = 2;
    /// Recursive or by wildcard.
    pub const MASS: u16 = 4;
    /// The texts came from a public page: what looks secret there is none.
    pub const PUBLIC: u16 = 8;
    /// It carried values that look like secrets.
    pub const SECRET: u16 = 16;
    /// The call used a name that only an order in content gave; or this answers such a call.
    pub const LED: u16 = 32;
    /// No event but a definition: what a tool does by its own account.
    pub const DEFINED: u16 = 64;
    /// Many things whose place is named from the root or the home, or no place at all.
    pub const WIDE: u16 = 128;
    /// It asks a host that is not outside.
    pub const INSIDE: u16 = 256;
    /// What it writes would take secrets out when it is run.
    pub const LOADED: u16 = 512;
    /// It answers a call that is remembered for what its answer holds.
    pub const CLOSES: u16 = 1024;
    /// It asks for a page and logs in: what comes back is not for everybody.
    pub const LOGS_IN: u16 = 2048;
    /// What it writes asks for money and promises something back.
    pub const DEMANDS: u16 = 4096;
    /// The address that it opens carries what other results gave.
    pub const LADEN: u16 = 8192;
    /// What it puts where programs start from sends something outside.
    pub const TALKS: u16 = 16384;
    /// It names a file that is there to tell agents what to do.
    pub const GUIDE: u16 = 32768;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bit_has_the_word_that_chains_use() {
        for (bit, name) in NAMES.iter().enumerate() {
            let action: Action = serde_json::from_value((*name).into()).unwrap();
            assert_eq!(action as usize, bit, "{name}");
        }
        let both: Actions = [Action::Change, Action::Send, Action::List]
            .into_iter()
            .collect();
        assert_eq!(both.words(), "list+send");
        assert_eq!(Action::Change.bit().words(), "change");
    }
}
