//! What is kept on the disk becomes live again: verified anew, against keys and floors that no file
//! can replace.

use super::shelf::{Back, Shelf, ShelfError, State};
use super::{FeedError, Feeds, Generation, Origin, root, unpack};
use clawdefender_trust::{
    Floor, MAX_ROTATIONS, Mode, Name, Pack, Refusal, Root, Sha256Digest, Timestamp,
    follow_rotation, verify_manifest, write_pack,
};
use std::collections::BTreeMap;

/// By feed: the epoch of the program's own keys, key epoch and version. Keys that a newer program
/// brought end what others had reached.
pub type Reached = BTreeMap<Name, (u64, u64, u64)>;

impl Feeds {
    /// Makes live what is kept for a feed, or `instead`.
    pub(super) fn take_stored(&mut self, name: &Name, now: Timestamp, instead: Option<Generation>) {
        let shelf = Shelf::of(&self.dir, name);
        let stored = match shelf.state() {
            Ok(None) => None,
            Ok(Some(state)) => self.take_state(name, &shelf, &state, now, instead.as_ref()),
            Err(error) => {
                let message = format!("what was kept can't be read: {error}");
                self.alert(name, "state-reset", message);
                self.rebuild(name, &shelf, now, instead.as_ref())
            }
        };
        if let Some(generation) = stored.or(instead) {
            self.note_skipped(name, &generation);
            self.live.insert(name.clone(), generation);
        }
    }

    /// What the state says is live; `None` when that is the seed, or is refused.
    fn take_state(
        &mut self,
        name: &Name,
        shelf: &Shelf,
        state: &State,
        now: Timestamp,
        seed: Option<&Generation>,
    ) -> Option<Generation> {
        // A newer program brings a newer seed.
        let newer = |seed: &Generation| order(seed) > (state.floor.epoch, state.floor.version);
        if seed.is_some_and(newer) {
            return None;
        }
        let root = self.root_of(name, Some(state))?;
        if self.gave_up(name, state) {
            let message = format!(
                "this program brought new keys, of epoch {}: what others signed is given up",
                self.official.epoch
            );
            self.alert(name, "keys-replaced", message);
            return None;
        }
        if root.epoch < state.root.epoch {
            let message = format!(
                "the rotations that led to epoch {} are not all here: they end at {}",
                state.root.epoch, root.epoch
            );
            self.alert(name, "links-lost", message);
        }
        self.note_emergency(name, state);
        let digest = state.live()?;
        let kept = shelf
            .pack(&digest)
            .map_err(FeedError::from)
            .and_then(|pack| self.reload(name, state, &pack, now));
        match kept {
            Ok(generation) => Some(generation),
            Err(error) => {
                let message = format!("what was kept is refused: {error}");
                self.alert(name, "stored-refused", message);
                None
            }
        }
    }

    /// Without a state the kept manifest is its own: it was accepted once, and what is older than
    /// it stays below. Third parties' keys were only in the state, so their feeds must be added
    /// again.
    fn rebuild(
        &self,
        name: &Name,
        shelf: &Shelf,
        now: Timestamp,
        seed: Option<&Generation>,
    ) -> Option<Generation> {
        let seed = seed.filter(|_| *name == self.official.feed_id)?;
        let pack = shelf.found()?;
        let floor = Floor::bottom(Timestamp::EPOCH);
        let root = self.root_of(name, None)?;
        let (generation, _) = unpack(&pack, &root, &floor, now, Mode::Reload, Origin::Stored)
            .inspect_err(|error| tracing::warn!(%error, "the kept pack"))
            .ok()?;
        (order(&generation) > order(seed)).then_some(generation)
    }

    fn reload(
        &self,
        name: &Name,
        state: &State,
        pack: &[u8],
        now: Timestamp,
    ) -> Result<Generation, FeedError> {
        let unknown = || FeedError::UnknownFeed(name.to_string());
        let root = self.root_of(name, Some(state)).ok_or_else(unknown)?;
        let floor = match &state.back {
            // A person went back to exactly these bytes.
            Some(Back::Pack(digest)) if Sha256Digest::of(pack) == *digest => state.floor.lowered(),
            // The floor may be that of this very manifest; anything older is a rollback on the disk.
            _ => state.floor.clone(),
        };
        let pinned = lost(&root, &state.root);
        let (generation, root) = unpack(pack, &root, &floor, now, Mode::Reload, Origin::Stored)?;
        hold_to(pinned, &root)?;
        if generation.manifest.feed_id == *name {
            Ok(generation)
        } else {
            Err(FeedError::UnknownFeed(
                generation.manifest.feed_id.to_string(),
            ))
        }
    }

    /// The keys in force for a feed. The official feed's are followed from those compiled in, link
    /// by link, as far as `state` says, or as far as there are links: a file can't replace the key
    /// that this binary was built with. A third party's are what the user was given.
    pub(super) fn root_of(&self, name: &Name, state: Option<&State>) -> Option<Root> {
        if *name != self.official.feed_id {
            return state.map(|state| state.root.clone().of_guest(name.clone()));
        }
        let shelf = Shelf::of(&self.dir, name);
        let mut root = self.official.clone();
        let last = state.map_or(u64::MAX, |state| state.root.epoch);
        while root.epoch < last {
            let Some(next) = shelf
                .link(root.epoch.saturating_add(1))
                .and_then(|link| follow_rotation(&link, &root).ok())
            else {
                break;
            };
            (root, _) = next;
        }
        Some(root)
    }

    /// Whether this program was made with keys to which nothing leads from those in `state`, and which
    /// were not the program's own when it was written: the owner left that chain, because others had
    /// its keys.
    pub(super) fn gave_up(&self, name: &Name, state: &State) -> bool {
        let keys = |root: &Root| (root.epoch, root.current, root.next);
        *name == self.official.feed_id
            && state.anchor < self.official.epoch
            && state.root.epoch >= self.official.epoch
            && self
                .root_of(name, Some(state))
                .is_none_or(|root| keys(&root) != keys(&state.root))
    }

    /// Below this nothing of the feed is accepted. The live manifest is itself a floor: deleting the
    /// state buys no rollback; and after going back the state still knows how far we were.
    pub(super) fn floor(&self, name: &Name, state: Option<&State>) -> Floor {
        let order = |floor: &Floor| (floor.epoch, floor.version);
        let live = self.live.get(name).map_or_else(
            || Floor::bottom(Timestamp::EPOCH),
            |generation| generation.manifest.proof().floor_after().clone(),
        );
        match (state, self.live.get(name)) {
            // How far a thief was bars nothing.
            (Some(state), Some(seed)) if self.gave_up(name, state) => {
                let mut before = state.floor.clone();
                before.epoch = 0;
                // What they said of the keys that this program brought is nobody's word.
                before.revoked.keys.clear();
                seed.manifest.floor_over(&before)
            }
            (Some(state), _) if order(&state.floor) >= order(&live) => state.floor.clone(),
            // A newer program's seed: what was revoked before is still so.
            (Some(state), Some(newer)) => newer.manifest.floor_over(&state.floor),
            _ => live,
        }
    }

    /// The time, when the clock says `now`: not before this program was made. A later time that the
    /// clock once showed is nobody's word: it may have been wrong then.
    pub(super) fn known(&self, now: Timestamp) -> Timestamp {
        now.max(self.made)
    }

    /// How far each feed has come: what is live, or what a person went back from.
    pub fn reached(&self) -> Reached {
        let reached = |(name, live): (&Name, &Generation)| {
            let floor = self.floor(name, self.state(name).as_ref());
            let far = order(live).max((floor.epoch, floor.version));
            let anchor = match *name == self.official.feed_id {
                true => self.official.epoch,
                false => 0,
            };
            (name.clone(), (anchor, far.0, far.1))
        };
        self.live.iter().map(reached).collect()
    }

    /// Says of each feed that it was further `before`: somebody, or something, took away what was kept.
    /// Said until it is as far again.
    pub fn look_for_losses(&mut self, before: &Reached) {
        let now = self.reached();
        self.alerts.retain(|alert| alert.code != "state-lost");
        for (name, far) in before {
            let (_, epoch, version) = far;
            if now.get(name).is_none_or(|now| now < far) {
                let message =
                    format!("it was at version {version} of epoch {epoch}, and is not now");
                self.alert(name, "state-lost", message);
            }
        }
    }

    /// The state of a feed whose place on the disk is sound.
    pub(super) fn state(&self, name: &Name) -> Option<State> {
        Shelf::of(&self.dir, name).state().ok().flatten()
    }

    /// The live generation of a feed as one file, for a machine without a network: with the
    /// rotations that led here, as far as they are known, so that it may have missed some.
    ///
    /// # Errors
    /// [`FeedError::UnknownFeed`]; [`ShelfError`].
    pub fn export(&self, name: &Name) -> Result<Vec<u8>, FeedError> {
        let unknown = || FeedError::UnknownFeed(name.to_string());
        let live = self.live.get(name).ok_or_else(unknown)?;
        let shelf = Shelf::of(&self.dir, name);
        let kept = match (live.origin, self.state(name).and_then(|state| state.live())) {
            (Origin::Seed, _) => root::SEED.to_vec(),
            (Origin::Stored, Some(digest)) => shelf.pack(&digest)?,
            (Origin::Stored, None) => shelf.found().ok_or_else(unknown)?,
        };
        let pack = Pack::parse(&kept)?;
        // What is written is what is live, whatever became of the file.
        let root = live.manifest.proof().root_after();
        let floor = Floor::bottom(Timestamp::EPOCH);
        let now = live.manifest.issued;
        let manifest = verify_manifest(pack.envelope(), root, &floor, now, Mode::Reload)?;
        if manifest.proof().digest() != live.manifest.proof().digest() {
            return Err(ShelfError::Lost(self.dir.join(name.as_str())).into());
        }
        let blobs = pack.blobs().map(|(_, bytes)| bytes);
        Ok(write_pack(pack.envelope(), &self.links(name)?, blobs))
    }

    /// The links that are known of a feed, by epoch: those that this machine followed, and of the
    /// official feed those that the program was built with.
    fn links(&self, name: &Name) -> Result<BTreeMap<u64, Vec<u8>>, FeedError> {
        let shelf = Shelf::of(&self.dir, name);
        let mut links = BTreeMap::new();
        if *name == self.official.feed_id {
            let seed = Pack::parse(root::SEED)?;
            let seeded = seed.rotations().iter();
            links.extend(seeded.map(|(epoch, link)| (*epoch, link.to_vec())));
        }
        let last = self
            .live
            .get(name)
            .map_or(0, |live| live.manifest.key_epoch);
        for epoch in last.saturating_sub(MAX_ROTATIONS)..=last {
            links.extend(shelf.link(epoch).map(|link| (epoch, link)));
        }
        while links.len() as u64 > MAX_ROTATIONS {
            links.pop_first();
        }
        Ok(links)
    }
}

/// What the disk says of keys, where `root` does not reach as far because links are lost. Where it
/// does, the links say it and the disk's word is nobody's.
pub(super) fn lost<'s>(root: &Root, said: &'s Root) -> Option<&'s Root> {
    (root.epoch < said.epoch).then_some(said)
}

/// Whether `root` names the successor that is pinned for its epoch. This matters when links were lost
/// and the epoch is entered a second time: whoever has its key by now could name another.
///
/// # Errors
/// [`Refusal::RotationHijack`].
pub(super) fn hold_to(pinned: Option<&Root>, root: &Root) -> Result<(), FeedError> {
    let place = |root: &Root| (root.epoch, root.current);
    match pinned.filter(|pinned| place(pinned) == place(root) && pinned.next != root.next) {
        None => Ok(()),
        Some(pinned) => Err(FeedError::Refused(Refusal::RotationHijack {
            expected: pinned.next.id(),
            found: root.next.id(),
        })),
    }
}

/// What comes later than what.
pub(super) fn order(generation: &Generation) -> (u64, u64) {
    (generation.manifest.key_epoch, generation.manifest.version)
}
