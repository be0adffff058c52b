//! Feeds: fetching, verifying, keeping and activating what signed manifests say.
//!
//! Verification itself is the `trust` crate's. Here is what surrounds it: one generation at a time
//! is live, the last good one is kept, and everything is verified again from the disk at each start.

mod fetch;
pub mod root;
mod shelf;
mod status;

pub use fetch::{FetchError, Source};
pub use shelf::ShelfError;
pub use status::{Alert, FeedStatus};

use crate::plugin::Package;
use clawdefender_trust::{
    Artifact, Floor, Kind, Manifest, Mode, Name, Pack, PackError, PublicKey, Refusal, Root,
    Sha256Digest, Timestamp, Verified, meet, verify_manifest, write_pack,
};
use shelf::{Shelf, State};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    #[error("refused at verification: {0}")]
    Refused(#[from] Refusal),
    #[error("the pack is damaged: {0}")]
    Pack(#[from] PackError),
    #[error("the bytes of artifact {0} are not those that were signed: another digest")]
    Changed(String),
    #[error("artifact {0} is missing")]
    Missing(String),
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    #[error("the root that is compiled in can't be used: {0}")]
    Root(String),
    #[error("no feed is called `{0}`")]
    UnknownFeed(String),
}

/// Where a live generation came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Embedded in this binary.
    Seed,
    /// Kept on this machine after an update or an installation.
    Stored,
}

/// One verified manifest with all its artifacts; bytes are shared between clones.
#[derive(Clone)]
pub struct Generation {
    pub manifest: Verified<Manifest>,
    pub artifacts: Vec<Verified<Artifact>>,
    pub origin: Origin,
}

/// A generation that passed verification and is not live yet.
pub struct Staged {
    pub generation: Generation,
    pack: Vec<u8>,
    /// The root that it was verified under; kept for a third party's feed.
    root: Root,
}

/// All feeds of this installation: the official one and those the user added.
#[derive(Clone)]
pub struct Feeds {
    dir: PathBuf,
    official: Root,
    live: BTreeMap<Name, Generation>,
    alerts: Vec<Alert>,
}

impl Feeds {
    /// Verifies everything that is kept, and the embedded seed. What fails is reported as an alert
    /// and not used; the seed stands in for the official feed.
    ///
    /// # Errors
    /// Only when even the embedded seed is refused: then nothing can be trusted.
    pub fn open(dir: &Path, now: Timestamp) -> Result<Self, FeedError> {
        let official = root::official_root().map_err(|error| FeedError::Root(error.to_string()))?;
        let mut feeds = Self {
            dir: dir.to_owned(),
            official,
            live: BTreeMap::new(),
            alerts: Vec::new(),
        };
        let seed = feeds.seed(now)?;
        feeds.take_stored(&feeds.official.feed_id.clone(), now, Some(seed));
        for name in Shelf::list(&feeds.dir) {
            if name != feeds.official.feed_id {
                feeds.take_stored(&name, now, None);
            }
        }
        Ok(feeds)
    }

    fn seed(&self, now: Timestamp) -> Result<Generation, FeedError> {
        let floor = Floor::bottom(Timestamp::EPOCH);
        let (generation, _) = unpack(
            root::SEED,
            &self.official,
            &floor,
            now,
            Mode::Reload,
            Origin::Seed,
        )?;
        Ok(generation)
    }

    /// Makes live what is kept for a feed, or `instead`.
    fn take_stored(&mut self, name: &Name, now: Timestamp, instead: Option<Generation>) {
        let shelf = Shelf::of(&self.dir, name);
        let stored = match shelf.load() {
            Ok(None) => None,
            Ok(Some((state, pack))) => match self.reload(name, &state, &pack, now) {
                Ok(generation) => Some(generation),
                Err(error) => {
                    self.alert(
                        name,
                        "stored-refused",
                        format!("what was kept is refused: {error}"),
                    );
                    None
                }
            },
            Err(error) => {
                self.alert(
                    name,
                    "state-reset",
                    format!("what was kept can't be read: {error}"),
                );
                None
            }
        };
        let order =
            |generation: &Generation| (generation.manifest.key_epoch, generation.manifest.version);
        let chosen = match (stored, instead) {
            // A newer program brings a newer seed.
            (Some(stored), Some(seed)) => Some(if order(&seed) > order(&stored) {
                seed
            } else {
                stored
            }),
            (stored, seed) => stored.or(seed),
        };
        if let Some(generation) = chosen {
            self.note_staleness(name, &generation);
            self.live.insert(name.clone(), generation);
        }
    }

    fn reload(
        &self,
        name: &Name,
        state: &State,
        pack: &[u8],
        now: Timestamp,
    ) -> Result<Generation, FeedError> {
        let root = if *name == self.official.feed_id {
            self.official_after(state)
        } else {
            state.root.clone()
        };
        // The floor may be that of this very manifest; anything older is a rollback on the disk.
        let (generation, _) = unpack(pack, &root, &state.floor, now, Mode::Reload, Origin::Stored)?;
        if generation.manifest.feed_id == *name {
            Ok(generation)
        } else {
            Err(FeedError::UnknownFeed(
                generation.manifest.feed_id.to_string(),
            ))
        }
    }

    /// The kept root when it continues the compiled-in one, else the compiled-in one: a file on the
    /// disk can't replace the key that this binary was built with.
    fn official_after(&self, state: &State) -> Root {
        let kept = &state.root;
        let continues = kept.feed_id == self.official.feed_id
            && kept.code_keys == self.official.code_keys
            && kept.scope == self.official.scope
            && ((kept.epoch == self.official.epoch && kept.current == self.official.current)
                || (kept.epoch > self.official.epoch
                    && kept.retired.contains(&self.official.current)));
        if continues {
            kept.clone()
        } else {
            self.official.clone()
        }
    }

    fn note_staleness(&mut self, name: &Name, generation: &Generation) {
        if let Some(since) = generation.manifest.proof().stale_since() {
            self.alert(
                name,
                "stale",
                format!("it expired at {since}; its data is used until a newer one is accepted"),
            );
        }
        let skipped: Vec<String> = generation
            .manifest
            .proof()
            .skipped()
            .iter()
            .map(ToString::to_string)
            .collect();
        if !skipped.is_empty() {
            self.alert(
                name,
                "skipped",
                format!("not for this version of the host: {}", skipped.join(", ")),
            );
        }
    }

    fn alert(&mut self, feed: &Name, code: &'static str, message: String) {
        tracing::error!(%feed, code, message, "feed");
        self.alerts.push(Alert {
            feed: feed.to_string(),
            code: code.into(),
            message,
        });
    }

    /// Fetches and verifies a newer generation of the official feed. Nothing changes yet.
    ///
    /// # Errors
    /// [`FeedError`]; `Ok(None)` when the source has what is live already.
    pub async fn stage_update(
        &self,
        source: &Source,
        now: Timestamp,
    ) -> Result<Option<Staged>, FeedError> {
        let name = &self.official.feed_id;
        let state = Shelf::of(&self.dir, name)
            .load()
            .ok()
            .flatten()
            .map(|(state, _)| state);
        let root = state
            .as_ref()
            .map_or_else(|| self.official.clone(), |state| self.official_after(state));
        // The live manifest is itself a floor: deleting the state file buys no rollback.
        let floor = self.live.get(name).map_or_else(
            || Floor::bottom(Timestamp::EPOCH),
            |generation| generation.manifest.proof().floor_after().clone(),
        );
        let envelope = source.envelope().await?;
        let manifest = verify_manifest(&envelope, &root, &floor, now, Mode::Accept)?;
        if self
            .live
            .get(name)
            .is_some_and(|live| live.manifest.proof().digest() == manifest.proof().digest())
        {
            return Ok(None);
        }
        self.fetch_all(source, &envelope, root, &floor, now)
            .await
            .map(Some)
    }

    /// Fetches and verifies a third party's feed whose key the user was given by another way.
    ///
    /// # Errors
    /// [`FeedError`].
    pub async fn stage_install(
        &self,
        source: &Source,
        key: PublicKey,
        now: Timestamp,
    ) -> Result<Staged, FeedError> {
        let envelope = source.envelope().await?;
        let met = meet(&envelope, key, &self.official.feed_id)?;
        let (root, floor) = match Shelf::of(&self.dir, &met.feed_id).load()? {
            // Known already: its pinned keys and its floor hold.
            Some((state, _)) => (state.root, state.floor),
            None => (met, Floor::bottom(Timestamp::EPOCH)),
        };
        self.fetch_all(source, &envelope, root, &floor, now).await
    }

    async fn fetch_all(
        &self,
        source: &Source,
        envelope: &[u8],
        root: Root,
        floor: &Floor,
        now: Timestamp,
    ) -> Result<Staged, FeedError> {
        let manifest = verify_manifest(envelope, &root, floor, now, Mode::Accept)?;
        let mut blobs: Vec<Vec<u8>> = Vec::new();
        for entry in &manifest.artifacts {
            let here = self
                .live
                .values()
                .flat_map(|generation| &generation.artifacts);
            match here
                .into_iter()
                .find(|artifact| artifact.digest == entry.sha256)
            {
                Some(artifact) => blobs.push(artifact.bytes.to_vec()),
                None => {
                    let bytes = source.artifact(&entry.sha256, entry.length).await?;
                    // A pack files blobs under their own digest: there, these would look missing.
                    if Sha256Digest::of(&bytes) != entry.sha256 {
                        return Err(FeedError::Changed(entry.name.to_string()));
                    }
                    blobs.push(bytes);
                }
            }
        }
        let pack = write_pack(envelope, blobs.iter().map(Vec::as_slice));
        let (generation, root) = unpack(&pack, &root, floor, now, Mode::Accept, Origin::Stored)?;
        Ok(Staged {
            generation,
            pack,
            root,
        })
    }

    /// What would be loaded with `staged` live: for trying it before it is committed.
    pub fn packages_with(&self, staged: &Staged, settings: &Settings) -> Vec<Package> {
        let new = &staged.generation;
        let others = self
            .live
            .iter()
            .filter(|(name, _)| **name != new.manifest.feed_id);
        let all = others.map(|(_, generation)| generation).chain([new]);
        packages(all, settings)
    }

    /// Keeps a staged generation and makes it live. It is on the disk when this returns.
    ///
    /// # Errors
    /// [`ShelfError`]; the old generation stays live then.
    pub fn commit(&mut self, staged: Staged) -> Result<(), FeedError> {
        let Staged {
            generation,
            pack,
            root,
        } = staged;
        let name = generation.manifest.feed_id.clone();
        let floor = generation.manifest.proof().floor_after().clone();
        Shelf::of(&self.dir, &name).store(&State { root, floor }, &pack)?;
        self.alerts.retain(|alert| alert.feed != name.as_str());
        self.live.insert(name, generation);
        Ok(())
    }

    /// Every detector that is live, with its data.
    pub fn packages(&self, settings: &Settings) -> Vec<Package> {
        packages(self.live.values(), settings)
    }

    pub fn alerts(&self) -> &[Alert] {
        &self.alerts
    }

    pub fn status(&self) -> Vec<FeedStatus> {
        self.live
            .iter()
            .map(|(name, generation)| status::of(name, generation, &self.official))
            .collect()
    }
}

/// Settings per detector id.
pub type Settings = BTreeMap<String, BTreeMap<String, String>>;

fn packages<'g>(
    generations: impl Iterator<Item = &'g Generation>,
    settings: &Settings,
) -> Vec<Package> {
    let mut all = Vec::new();
    for generation in generations {
        for component in generation
            .artifacts
            .iter()
            .filter(|artifact| artifact.kind == Kind::Detector)
        {
            let own = |artifact: &&Verified<Artifact>| {
                artifact.detector.as_ref() == Some(&component.name)
            };
            all.push(Package {
                component: component.clone(),
                data: generation.artifacts.iter().filter(own).cloned().collect(),
                settings: settings
                    .get(component.name.as_str())
                    .map(|own| own.clone().into_iter().collect())
                    .unwrap_or_default(),
            });
        }
    }
    all
}

/// Verifies a pack and every artifact in it.
fn unpack(
    bytes: &[u8],
    root: &Root,
    floor: &Floor,
    now: Timestamp,
    mode: Mode,
    origin: Origin,
) -> Result<(Generation, Root), FeedError> {
    let pack = Pack::parse(bytes)?;
    let manifest = verify_manifest(pack.envelope(), root, floor, now, mode)?;
    let skipped = manifest.proof().skipped().to_vec();
    let mut artifacts = Vec::new();
    for entry in &manifest.artifacts {
        let bytes = pack
            .blob(&entry.sha256)
            .ok_or_else(|| FeedError::Missing(entry.name.to_string()))?;
        if entry.kind == Kind::Detector && skipped.contains(&entry.name) {
            continue;
        }
        artifacts.push(manifest.admit(entry, bytes.to_vec())?);
    }
    let root = manifest.proof().root_after().clone();
    Ok((
        Generation {
            manifest,
            artifacts,
            origin,
        },
        root,
    ))
}
