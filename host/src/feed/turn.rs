//! Whose turn it is: two updates of one feed would take each other's parts away.

use clawdefender_trust::Name;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The feeds of which an update is under way, shared between copies.
#[derive(Clone, Default)]
pub(super) struct Turns(Arc<Mutex<BTreeSet<Name>>>);

/// One update of one feed. It ends when this is dropped.
pub(super) struct Turn {
    turns: Turns,
    feed: Name,
}

impl Turns {
    /// `None` while somebody else has it.
    pub(super) fn take(&self, feed: &Name) -> Option<Turn> {
        let mut under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.insert(feed.clone()).then(|| Turn {
            turns: self.clone(),
            feed: feed.clone(),
        })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut under_way = self.turns.0.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.remove(&self.feed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_has_one_update_at_a_time_and_the_next_when_it_ended() {
        let turns = Turns::default();
        let [one, other] = ["official", "acme"].map(|name| name.parse::<Name>().unwrap());
        let first = turns.take(&one).unwrap();
        assert!(turns.clone().take(&one).is_none());
        assert!(turns.take(&other).is_some());
        drop(first);
        assert!(turns.take(&one).is_some());
    }
}
