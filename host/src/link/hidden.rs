//! Names that were cut from lists. Only whether a name is among them is ever asked, so a digest of
//! each is kept: the longest name takes no more room than the shortest.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// Names that may be hidden on a link, and at a server. Chosen: no list of a server that is meant
/// well has a hundredth of it that must be cut; as tickets they fit the wire several times over.
pub const MAX_HIDDEN: usize = 65_536;

/// A name, as far as it must be known again: its SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name([u8; 32]);

impl Name {
    #[must_use]
    pub fn of(name: &str) -> Self {
        Self(Sha256::digest(name.as_bytes()).into())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.to_string()
    }
}

impl TryFrom<String> for Name {
    type Error = NoName;

    fn try_from(text: String) -> Result<Self, NoName> {
        Self::try_from(text.as_str())
    }
}

impl TryFrom<&str> for Name {
    type Error = NoName;

    fn try_from(text: &str) -> Result<Self, NoName> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| NoName)?;
        bytes.try_into().map(Self).map_err(|_| NoName)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no SHA-256 in lower case hex")]
pub struct NoName;

/// More names than are remembered. Nothing was noted: whatever would have shown the others must not
/// pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than {MAX_HIDDEN} names were cut from lists")]
pub struct Full;

/// A set of hidden names; a copy of it costs nothing until one of the two changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeSet<Name>", into = "BTreeSet<Name>")]
pub struct Hidden(Arc<BTreeSet<Name>>);

impl Hidden {
    /// Whether it is a new one.
    ///
    /// # Errors
    /// [`Full`].
    pub fn insert(&mut self, name: Name) -> Result<bool, Full> {
        if self.0.contains(&name) {
            return Ok(false);
        }
        if self.0.len() >= MAX_HIDDEN {
            return Err(Full);
        }
        Ok(Arc::make_mut(&mut self.0).insert(name))
    }

    /// Whether it was there.
    pub fn remove(&mut self, name: Name) -> bool {
        self.0.contains(&name) && Arc::make_mut(&mut self.0).remove(&name)
    }

    #[must_use]
    pub fn contains(&self, name: Name) -> bool {
        self.0.contains(&name)
    }

    /// Takes over what is hidden elsewhere, however many that makes.
    pub fn take_over(&mut self, other: &Self) {
        if self.0.is_subset(&other.0) {
            self.0 = Arc::clone(&other.0);
        } else if !other.0.is_subset(&self.0) {
            Arc::make_mut(&mut self.0).extend(other.0.iter().copied());
        }
    }
}

impl From<BTreeSet<Name>> for Hidden {
    fn from(names: BTreeSet<Name>) -> Self {
        Self(Arc::new(names))
    }
}

impl From<Hidden> for BTreeSet<Name> {
    fn from(hidden: Hidden) -> Self {
        Arc::unwrap_or_clone(hidden.0)
    }
}

impl Extend<Name> for Hidden {
    fn extend<T: IntoIterator<Item = Name>>(&mut self, names: T) {
        Arc::make_mut(&mut self.0).extend(names);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_set_takes_no_new_name_and_keeps_the_old_ones() {
        let mut hidden = Hidden::default();
        let name = |n: usize| Name::of(&n.to_string());
        for n in 0..MAX_HIDDEN {
            assert_eq!(hidden.insert(name(n)), Ok(true));
        }
        assert_eq!(hidden.insert(name(MAX_HIDDEN)), Err(Full));
        assert_eq!(hidden.insert(name(7)), Ok(false));
        assert!(hidden.contains(name(0)) && hidden.contains(name(MAX_HIDDEN - 1)));
        assert!(hidden.remove(name(7)) && !hidden.remove(name(7)));
        assert_eq!(hidden.insert(name(MAX_HIDDEN)), Ok(true));
    }

    #[test]
    fn what_is_hidden_elsewhere_is_added_and_nothing_is_lost() {
        let set = |names: &[&str]| {
            let mut set = Hidden::default();
            set.extend(names.iter().map(|name| Name::of(name)));
            set
        };
        for (ours, theirs, both) in [
            (set(&["a"]), set(&["b"]), set(&["a", "b"])),
            (set(&[]), set(&["b"]), set(&["b"])),
            (set(&["a", "b"]), set(&["b"]), set(&["a", "b"])),
        ] {
            let mut one = ours.clone();
            one.take_over(&theirs);
            assert_eq!(one, both);
        }
        let (mut one, all) = (set(&[]), set(&["a", "b"]));
        one.take_over(&all);
        assert!(Arc::ptr_eq(&one.0, &all.0), "no copy is made");
    }

    #[test]
    fn a_name_is_written_as_hex_and_nothing_else_is_read() {
        let name = Name::of("tool bad");
        let written = serde_json::to_string(&name).unwrap();
        assert_eq!(written.len(), 66);
        assert_eq!(serde_json::from_str::<Name>(&written).unwrap(), name);
        for wrong in ["\"\"", "\"ab\"", "7", &written.to_uppercase()] {
            assert!(serde_json::from_str::<Name>(wrong).is_err(), "{wrong}");
        }
    }
}
