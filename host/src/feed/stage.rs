//! From a source to a change that is verified and not live yet.
//!
//! Nothing on the disk that matters is touched here: what is staged is committed or dropped.

use super::shelf::{Back, Shelf, State};
use super::source::{Source, Tag};
use super::{FeedError, Feeds, Generation, Origin, rails, root, unpack};
use crate::download::Progress;
use clawdefender_trust::{
    Floor, KeyChange, Manifest, Mode, Name, PublicKey, Refusal, Root, Sha256Digest, Timestamp,
    Verified, follow_rotation, meet, verify_manifest, write_pack,
};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Longest that one update may take. Source: the feed's threat table, row 13.
pub(super) const MOST: Duration = Duration::from_secs(600);

/// Most rotations that are followed at once. Source: the feed's specification, pre-rotation.
const MOST_ROTATIONS: u64 = 64;

/// A change that passed verification and is not live yet.
pub struct Staged {
    pub(super) feed: Name,
    /// What would be live; `None` when the feed goes.
    pub(super) generation: Option<Generation>,
    pub(super) step: Step,
}

/// What committing writes.
pub(super) enum Step {
    Forward { state: Box<State>, pack: Vec<u8> },
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
        self.manifest()
            .map_or(KeyChange::Steady, |manifest| manifest.proof().key_change())
    }
}

impl Feeds {
    /// Fetches and verifies a newer generation of a feed that is known, from the first of `sources`
    /// that has one. `Ok` with nothing when there is none; the tag is for the next time.
    ///
    /// # Errors
    /// What the first source that was refused, or else the last one that failed, came to.
    pub async fn stage_update(
        &self,
        name: &Name,
        sources: &[Source],
        tag: Option<&Tag>,
        now: Timestamp,
        progress: &Progress,
    ) -> Result<(Option<Staged>, Option<Tag>), FeedError> {
        let mut worst = FeedError::NoSource;
        for source in sources {
            let attempt = self.update_from(name, source, tag, now, progress);
            let error = match tokio::time::timeout(MOST, attempt).await {
                Ok(Ok(staged)) => return Ok(staged),
                Ok(Err(error)) => error,
                Err(_) => FeedError::Overdue,
            };
            tracing::warn!(feed = %name, %error, "a source of a feed");
            if !matches!(worst, FeedError::Refused(_)) {
                worst = error;
            }
        }
        Err(worst)
    }

    async fn update_from(
        &self,
        name: &Name,
        source: &Source,
        tag: Option<&Tag>,
        now: Timestamp,
        progress: &Progress,
    ) -> Result<(Option<Staged>, Option<Tag>), FeedError> {
        let Some((envelope, tag)) = source.envelope(tag).await? else {
            return Ok((None, tag.cloned()));
        };
        let kept = Shelf::of(&self.dir, name).load().ok().flatten();
        let (root, came_from) = match &kept {
            Some((state, _)) if *name != self.official.feed_id => {
                (state.root.clone(), state.source.clone())
            }
            Some((state, _)) => (self.official_after(state), None),
            None if *name == self.official.feed_id => (self.official.clone(), None),
            None => return Err(FeedError::UnknownFeed(name.to_string())),
        };
        let floor = self.floor(name, kept.as_ref().map(|(state, _)| state));
        let root = caught_up(source, &envelope, root, &floor, now).await?;
        let manifest = verify_manifest(&envelope, &root, &floor, now, Mode::Accept)?;
        let live = self.live.get(name);
        if live.is_some_and(|live| live.manifest.proof().digest() == manifest.proof().digest()) {
            return Ok((None, tag));
        }
        if let Some(live) = live {
            rails::follow(&live.manifest, &manifest)?;
        }
        let staged = self
            .fetch(source, &envelope, root, &floor, now, progress)
            .await?;
        Ok((Some(staged.from(came_from)), tag))
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
        let attempt = async {
            let Some((envelope, _)) = source.envelope(None).await? else {
                return Err(FeedError::NoSource);
            };
            let met = meet(&envelope, key, &self.official.feed_id)?;
            let (root, floor) = match Shelf::of(&self.dir, &met.feed_id).load()? {
                // Known already: its pinned keys and its floor hold.
                Some((state, _)) => (state.root, state.floor),
                None => (met, Floor::bottom(Timestamp::EPOCH)),
            };
            self.fetch(source, &envelope, root, &floor, now, progress)
                .await
        };
        let staged = tokio::time::timeout(MOST, attempt)
            .await
            .map_err(|_| FeedError::Overdue)??;
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
        let (mut state, _) = shelf.load()?.ok_or_else(nothing)?;
        if live.origin == Origin::Seed || state.back.is_some() {
            return Err(nothing());
        }
        let floor = Floor::bottom(state.floor.time);
        let root = &state.root;
        let (generation, back) = match shelf.previous()? {
            Some(pack) => {
                let (generation, _) =
                    unpack(&pack, root, &floor, now, Mode::Reload, Origin::Stored)?;
                (generation, Back::Pack(Sha256Digest::of(&pack)))
            }
            None if *name == self.official.feed_id => {
                let (generation, _) =
                    unpack(root::SEED, root, &floor, now, Mode::Reload, Origin::Seed)?;
                (generation, Back::Seed)
            }
            None => return Err(nothing()),
        };
        state.back = Some(back);
        Ok(Staged {
            feed: name.clone(),
            generation: Some(generation),
            step: Step::Back(Box::new(state)),
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
        if !self.live.contains_key(name)
            && Shelf::of(&self.dir, name)
                .load()
                .is_ok_and(|kept| kept.is_none())
        {
            return Err(FeedError::UnknownFeed(name.to_string()));
        }
        Ok(Staged {
            feed: name.clone(),
            generation: None,
            step: Step::Remove,
        })
    }

    /// Whether `staged` is what a person went back from.
    pub fn was_left(&self, staged: &Staged) -> bool {
        let kept = Shelf::of(&self.dir, &staged.feed).load().ok().flatten();
        kept.is_some_and(|(state, _)| {
            let offered = staged.manifest().map(|manifest| manifest.proof().digest());
            state.back.is_some() && state.floor.digest == offered
        })
    }

    /// Below this nothing of the feed is accepted. The live manifest is itself a floor: deleting the
    /// state buys no rollback; and after going back the state still knows how far we were.
    fn floor(&self, name: &Name, state: Option<&State>) -> Floor {
        let order = |floor: &Floor| (floor.epoch, floor.version);
        let live = self.live.get(name).map_or_else(
            || Floor::bottom(Timestamp::EPOCH),
            |generation| generation.manifest.proof().floor_after().clone(),
        );
        match state {
            Some(state) if order(&state.floor) >= order(&live) => state.floor.clone(),
            _ => live,
        }
    }

    async fn fetch(
        &self,
        source: &Source,
        envelope: &[u8],
        root: Root,
        floor: &Floor,
        now: Timestamp,
        progress: &Progress,
    ) -> Result<Staged, FeedError> {
        let manifest = verify_manifest(envelope, &root, floor, now, Mode::Accept)?;
        let feed = manifest.feed_id.clone();
        let mut blobs: Vec<Option<Vec<u8>>> = Vec::new();
        let mut missing = 0;
        for entry in &manifest.artifacts {
            let here = self
                .live
                .values()
                .flat_map(|generation| &generation.artifacts)
                .find(|artifact| artifact.digest == entry.sha256);
            if here.is_none() {
                missing += entry.length;
            }
            blobs.push(here.map(|artifact| artifact.bytes.to_vec()));
        }
        progress.total.store(missing, Ordering::Relaxed);
        progress.done.store(0, Ordering::Relaxed);
        let staging = Shelf::of(&self.dir, &feed).staging()?;
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
        let pack = write_pack(envelope, blobs.iter().flatten().map(Vec::as_slice));
        let (generation, root) = unpack(&pack, &root, floor, now, Mode::Accept, Origin::Stored)?;
        let floor = generation.manifest.proof().floor_after().clone();
        let state = State {
            root,
            floor,
            back: None,
            source: None,
        };
        Ok(Staged {
            feed,
            generation: Some(generation),
            step: Step::Forward {
                state: Box::new(state),
                pack,
            },
        })
    }
}

impl Staged {
    fn from(mut self, source: Option<String>) -> Self {
        if let Step::Forward { state, .. } = &mut self.step {
            state.source = source;
        }
        self
    }
}

/// The root after the rotations that this machine missed. The source keeps the first manifest of
/// each epoch; they are followed one by one, and one that does not follow ends the update.
async fn caught_up(
    source: &Source,
    envelope: &[u8],
    mut root: Root,
    floor: &Floor,
    now: Timestamp,
) -> Result<Root, FeedError> {
    for _ in 0..MOST_ROTATIONS {
        match verify_manifest(envelope, &root, floor, now, Mode::Accept) {
            // Signed by nobody whom this root knows, or an epoch too far: perhaps a successor's.
            Err(Refusal::BelowThreshold { .. } | Refusal::EpochSkip { .. }) => {}
            _ => return Ok(root),
        }
        let Some(link) = source.rotation(root.epoch + 1).await? else {
            return Ok(root);
        };
        root = follow_rotation(&link, &root)?;
    }
    Ok(root)
}
