//! From a source to a change that is verified and not live yet.
//!
//! Nothing on the disk that matters is touched here: what is staged is committed or dropped.

use super::kept::{hold_to, lost, order};
use super::links::{Links, caught_up};
use super::shelf::{Back, Shelf, State};
use super::source::{Source, Tag};
use super::turn::Turn;
use super::{FeedError, Feeds, Generation, Origin, rails, root, unpack};
use crate::download::Progress;
use clawdefender_trust::{
    Floor, KeyChange, Kind, Manifest, Mode, Name, PublicKey, Refusal, Root, Sha256Digest,
    Timestamp, Verified, meet, verify_manifest, write_pack,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Longest that one update may take, whatever number of sources there is. Source: the feed's threat
/// table, row 13.
pub(super) const MOST: Duration = Duration::from_secs(600);

/// What the sources of a feed have.
pub struct Offer {
    /// A newer generation; `None` when nobody has one.
    pub staged: Option<Staged>,
    /// For the next time.
    pub tag: Option<Tag>,
    /// What other sources came to: no reason to wait, but perhaps to say something.
    pub wrong: Vec<FeedError>,
}

/// A change that passed verification and is not live yet.
pub struct Staged {
    pub(super) feed: Name,
    /// What would be live; `None` when the feed goes.
    pub(super) generation: Option<Generation>,
    /// What the disk said when it was staged.
    pub(super) found: Option<State>,
    pub(super) step: Step,
    /// While it is held, nobody else stages from this feed's sources.
    _turn: Option<Turn>,
}

/// What committing writes.
pub(super) enum Step {
    Forward {
        state: Box<State>,
        pack: Vec<u8>,
        links: Links,
    },
    Back(Box<State>),
    Remove,
}

impl Staged {
    pub fn feed(&self) -> &Name {
        &self.feed
    }

    pub fn manifest(&self) -> Option<&Verified<Manifest>> {
        self.generation
            .as_ref()
            .map(|generation| &generation.manifest)
    }

    /// Whether it brings what was never live, rather than going back or away.
    pub fn is_new(&self) -> bool {
        matches!(self.step, Step::Forward { .. })
    }

    /// What it does to the feed's keys.
    pub fn key_change(&self) -> KeyChange {
        match &self.step {
            Step::Forward { links, .. } => links.change.unwrap_or(KeyChange::Steady),
            Step::Back(_) | Step::Remove => KeyChange::Steady,
        }
    }
}

impl Feeds {
    /// Fetches and verifies a newer generation of a feed that is known, from the first of `places`
    /// that has one.
    ///
    /// # Errors
    /// What each place came to, when none could be asked.
    pub async fn stage_update(
        &self,
        name: &Name,
        places: &[String],
        authorities: Option<&Path>,
        tag: Option<&Tag>,
        now: Timestamp,
        progress: &Progress,
    ) -> Result<Offer, Vec<FeedError>> {
        let until = Instant::now() + MOST;
        let now = self.known(now);
        // "Nothing changed" is nobody's signature: not believed when it is time for something new.
        let stale = |live: &Generation| live.manifest.expires <= now;
        let tag = tag.filter(|_| !self.live.get(name).is_some_and(stale));
        let (mut wrong, mut nothing) = (Vec::new(), None);
        for (asked, place) in places.iter().enumerate() {
            // A share of what is left, so that a slow one leaves time for those after it.
            let left = u32::try_from(places.len() - asked).unwrap_or(u32::MAX);
            let share = until.saturating_duration_since(Instant::now()) / left;
            let attempt = async {
                let source = Source::parse(place, authorities)?;
                self.update_from(name, &source, tag, now, progress).await
            };
            match timeout(share, attempt).await {
                Ok(Ok((Some(staged), tag))) => {
                    let staged = Some(staged);
                    return Ok(Offer { staged, tag, wrong });
                }
                // Perhaps another one is further.
                Ok(Ok((None, tag))) => nothing = nothing.or(Some(tag)),
                Ok(Err(error)) => {
                    tracing::warn!(feed = %name, %error, "a source of a feed");
                    wrong.push(error);
                }
                Err(_) => wrong.push(FeedError::Overdue(share)),
            }
        }
        match nothing {
            Some(tag) => Ok(Offer {
                staged: None,
                tag,
                wrong,
            }),
            None if wrong.is_empty() => Err(vec![FeedError::NoSource]),
            None => Err(wrong),
        }
    }

    async fn update_from(
        &self,
        name: &Name,
        source: &Source,
        tag: Option<&Tag>,
        now: Timestamp,
        progress: &Progress,
    ) -> Result<(Option<Staged>, Option<Tag>), FeedError> {
        let Some((envelope, fresh)) = source.envelope(tag).await? else {
            return Ok((None, tag.cloned()));
        };
        let state = self.state(name);
        let came_from = state.as_ref().and_then(|state| state.source.clone());
        let root = self
            .root_of(name, state.as_ref())
            .ok_or_else(|| FeedError::UnknownFeed(name.to_string()))?;
        let floor = self.floor(name, state.as_ref());
        let pinned = state
            .as_ref()
            .filter(|state| !self.gave_up(name, state))
            .and_then(|state| lost(&root, &state.root));
        let (root, links) = caught_up(source, &envelope, root, pinned, &floor, now).await?;
        let manifest = verify_manifest(&envelope, &root, &floor, now, Mode::Accept)?;
        hold_to(pinned, manifest.proof().root_after())?;
        let live = self.live.get(name);
        if live.is_some_and(|live| live.manifest.proof().digest() == manifest.proof().digest()) {
            return Ok((None, fresh));
        }
        // A thief of the last key may have put lists in that the owner never had: the next key's word
        // stands for itself, and the gate decides.
        if let Some(live) = live.filter(|live| live.manifest.key_epoch >= manifest.key_epoch) {
            rails::follow(&live.manifest, &manifest)?;
        }
        let verified = Found {
            envelope: &envelope,
            root,
            floor: &floor,
            links,
            state,
        };
        let staged = self.fetch(source, verified, now, progress).await?;
        Ok((Some(staged.from(came_from)), fresh))
    }

    /// Fetches and verifies a third party's feed whose key the user was given by another way;
    /// `again` is where it is to be fetched from later on.
    ///
    /// # Errors
    /// [`FeedError`].
    pub async fn stage_install(
        &self,
        source: &Source,
        key: PublicKey,
        again: Option<String>,
        now: Timestamp,
        progress: &Progress,
    ) -> Result<Staged, FeedError> {
        let now = self.known(now);
        let attempt = async {
            let Some((envelope, _)) = source.envelope(None).await? else {
                return Err(FeedError::NoSource);
            };
            let met = meet(&envelope, key, &self.official.feed_id)?;
            let state = Shelf::of(&self.dir, &met.feed_id).state()?;
            let (root, floor) = match &state {
                // Known already: its pinned keys and its floor hold.
                Some(state) => (
                    state.root.clone().of_guest(met.feed_id),
                    state.floor.clone(),
                ),
                // Of the clock the official feed knows something already.
                None => {
                    let official = self.official();
                    let known = self.floor(official, self.state(official).as_ref());
                    (met, Floor::bottom(known.time))
                }
            };
            let verified = Found {
                envelope: &envelope,
                root,
                floor: &floor,
                links: Links::default(),
                state,
            };
            self.fetch(source, verified, now, progress).await
        };
        let staged = timeout(MOST, attempt)
            .await
            .map_err(|_| FeedError::Overdue(MOST))??;
        Ok(staged.from(again))
    }

    /// Back to the generation before the newest, or to the seed when there is none.
    ///
    /// # Errors
    /// [`FeedError::NothingBefore`]; [`FeedError::Refused`] when its key has been replaced since:
    /// then what it signed is not taken any more.
    pub fn stage_back(&self, name: &Name, now: Timestamp) -> Result<Staged, FeedError> {
        let nothing = || FeedError::NothingBefore(name.clone());
        let shelf = Shelf::of(&self.dir, name);
        let live = self.live.get(name).ok_or_else(nothing)?;
        let mut state = shelf.state()?.ok_or_else(nothing)?;
        if live.origin == Origin::Seed || state.back.is_some() {
            return Err(nothing());
        }
        let found = Some(state.clone());
        // Of what is known only that holds which must not be used any more.
        let floor = state.floor.lowered();
        let root = self.root_of(name, Some(&state)).ok_or_else(nothing)?;
        let is_official = *name == self.official.feed_id;
        let unpacked =
            |pack: &[u8], origin| match unpack(pack, &root, &floor, now, Mode::Reload, origin) {
                Ok((generation, _)) => Ok(generation),
                Err(FeedError::Refused(Refusal::Revoked { .. })) => Err(FeedError::Revoked),
                Err(error) => Err(error),
            };
        let (generation, back) = match state.before {
            Some(digest) => {
                let pack = shelf.pack(&digest)?;
                (unpacked(&pack, Origin::Stored)?, Back::Pack(digest))
            }
            None if is_official => (unpacked(root::SEED, Origin::Seed)?, Back::Seed),
            None => return Err(nothing()),
        };
        // Never below what came with the program.
        if generation.manifest.feed_id != *name
            || (is_official && order(&generation) < order(&self.seed(now)?))
        {
            return Err(nothing());
        }
        state.back = Some(back);
        Ok(Staged {
            feed: name.clone(),
            generation: Some(generation),
            found,
            step: Step::Back(Box::new(state)),
            _turn: None,
        })
    }

    /// Without a third party's feed.
    ///
    /// # Errors
    /// [`FeedError::Official`], [`FeedError::UnknownFeed`].
    pub fn stage_removal(&self, name: &Name) -> Result<Staged, FeedError> {
        if *name == self.official.feed_id {
            return Err(FeedError::Official);
        }
        if !self.live.contains_key(name) && matches!(Shelf::of(&self.dir, name).state(), Ok(None)) {
            return Err(FeedError::UnknownFeed(name.to_string()));
        }
        Ok(Staged {
            feed: name.clone(),
            generation: None,
            found: self.state(name),
            step: Step::Remove,
            _turn: None,
        })
    }

    /// Whether `staged` is what a person went back from.
    pub fn was_left(&self, staged: &Staged) -> bool {
        self.state(&staged.feed).is_some_and(|state| {
            let offered = staged.manifest().map(|manifest| manifest.proof().digest());
            state.back.is_some() && state.floor.digest == offered
        })
    }

    /// Whether a feed is still as it was in `before`, when `staged` was: what is live, and what the
    /// disk says. Away and back again is another floor.
    pub fn is_as_in(&self, before: &Self, staged: &Staged) -> bool {
        let name = &staged.feed;
        let digest = |feeds: &Self| {
            let live = feeds.live.get(name)?;
            Some(live.manifest.proof().digest())
        };
        digest(self) == digest(before) && self.state(name) == staged.found
    }

    async fn fetch(
        &self,
        source: &Source,
        found: Found<'_>,
        now: Timestamp,
        progress: &Progress,
    ) -> Result<Staged, FeedError> {
        let Found {
            envelope,
            root,
            floor,
            mut links,
            state: on_disk,
        } = found;
        let manifest = verify_manifest(envelope, &root, floor, now, Mode::Accept)?;
        let feed = manifest.feed_id.clone();
        let turn = self.turns.take(&feed).ok_or(FeedError::Busy)?;
        self.names_are_free(&feed, &manifest)?;
        let change = manifest.proof().key_change();
        if change != KeyChange::Steady {
            links.push(manifest.key_epoch, envelope.to_vec(), change);
        }
        let mut blobs: Vec<Option<Vec<u8>>> = Vec::new();
        let (mut missing, mut names) = (0, BTreeSet::new());
        for entry in &manifest.artifacts {
            let here = self
                .live
                .values()
                .flat_map(|generation| &generation.artifacts)
                .find(|artifact| artifact.digest == entry.sha256);
            if here.is_none() {
                missing += entry.length;
                names.insert(entry.sha256.to_string());
            }
            blobs.push(here.map(|artifact| artifact.bytes.to_vec()));
        }
        progress.total.store(missing, Ordering::Relaxed);
        progress.done.store(0, Ordering::Relaxed);
        let shelf = Shelf::of(&self.dir, &feed);
        // What arrives, and the pack that is made of it and of what is here.
        let pack: u64 = manifest.artifacts.iter().map(|entry| entry.length).sum();
        shelf.room(missing.saturating_add(pack))?;
        let staging = shelf.staging(&names)?;
        for (entry, blob) in manifest.artifacts.iter().zip(&mut blobs) {
            if blob.is_some() {
                continue;
            }
            let bytes = source
                .artifact(&entry.sha256, entry.length, &staging, progress)
                .await?;
            // A pack files blobs under their own digest: there, these would look missing.
            if Sha256Digest::of(&bytes) != entry.sha256 {
                return Err(FeedError::Changed(entry.name.to_string()));
            }
            *blob = Some(bytes);
        }
        // Those that were here as well: a big list's name could be given to a small one.
        for (entry, bytes) in manifest.artifacts.iter().zip(&blobs) {
            rails::count(entry, bytes.as_deref().unwrap_or_default())?;
        }
        // The links are kept beside it.
        let blobs = blobs.iter().flatten().map(Vec::as_slice);
        let pack = write_pack(envelope, &BTreeMap::new(), blobs);
        let (generation, root) = unpack(&pack, &root, floor, now, Mode::Accept, Origin::Stored)?;
        let floor = generation.manifest.proof().floor_after().clone();
        let stored = self
            .live
            .get(&feed)
            .filter(|live| live.origin == Origin::Stored);
        let before = stored.and_then(|_| match &on_disk {
            Some(state) => state.live(),
            None => shelf.found().map(|pack| Sha256Digest::of(&pack)),
        });
        let emergency = match links.change {
            Some(KeyChange::Emergency) => Some(root.epoch),
            _ => on_disk
                .as_ref()
                .and_then(|state| state.emergency)
                .filter(|epoch| *epoch == root.epoch),
        };
        let state = State {
            emergency,
            root,
            anchor: self.official.epoch,
            floor,
            pack: Sha256Digest::of(&pack),
            before,
            back: None,
            source: None,
        };
        Ok(Staged {
            feed,
            generation: Some(generation),
            found: on_disk,
            step: Step::Forward {
                state: Box::new(state),
                pack,
                links,
            },
            _turn: Some(turn),
        })
    }

    /// A detector's settings, memos and findings go by its id, so no guest may take another feed's.
    /// The official feed is in nobody's way: a guest with such a detector loses it.
    fn names_are_free(&self, feed: &Name, manifest: &Manifest) -> Result<(), FeedError> {
        if *feed == self.official.feed_id {
            return Ok(());
        }
        let others = self.live.iter().filter(|(name, _)| *name != feed);
        let taken: BTreeSet<&Name> = others
            .flat_map(|(_, live)| &live.manifest.artifacts)
            .filter(|entry| entry.kind == Kind::Detector)
            .map(|entry| &entry.name)
            .collect();
        let own = manifest.artifacts.iter();
        match own
            .filter(|entry| entry.kind == Kind::Detector)
            .find(|entry| taken.contains(&entry.name))
        {
            Some(entry) => Err(FeedError::NameTaken(entry.name.clone())),
            None => Ok(()),
        }
    }
}

/// An envelope and what it is verified against.
struct Found<'f> {
    envelope: &'f [u8],
    root: Root,
    floor: &'f Floor,
    links: Links,
    /// What the disk says of the feed.
    state: Option<State>,
}

impl Staged {
    fn from(mut self, source: Option<String>) -> Self {
        if let Step::Forward { state, .. } = &mut self.step {
            state.source = source;
        }
        self
    }
}
