//! Feeds: fetching, verifying, keeping and activating what signed manifests say.
//!
//! Verification itself is the `trust` crate's. Here is what surrounds it: one generation at a time
//! is live, the last good one is kept, and everything is verified again from the disk at each start.

mod kept;
mod links;
mod rails;
pub mod root;
mod shelf;
mod source;
mod stage;
mod status;
mod turn;

pub use kept::Reached;
pub use rails::Derailed;
pub use shelf::ShelfError;
pub use source::{Fault, FetchError, Source, Tag};
pub use stage::{Offer, Staged};
pub use status::{Alert, FeedStatus};

use crate::plugin::Package;
use clawdefender_trust::{
    Artifact, Floor, Kind, Manifest, Mode, Name, Pack, PackError, Refusal, Root, Timestamp,
    Verified, verify_manifest,
};
use shelf::Shelf;
use stage::Step;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;
use turn::Turns;

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
    #[error("detector {0} is another feed's name")]
    NameTaken(Name),
    #[error("the generation before has parts that were revoked since")]
    Revoked,
    #[error("the feed changed meanwhile; try again")]
    Meanwhile,
    #[error("it looks gutted: {0}")]
    Derailed(#[from] Derailed),
    #[error("there is no generation of {0} to go back to")]
    NothingBefore(Name),
    #[error("the official feed can't be removed")]
    Official,
    #[error("it names no source")]
    NoSource,
    #[error("it did not arrive within {} seconds", .0.as_secs())]
    Overdue(Duration),
    #[error("another update of this feed is under way; try again when it has ended")]
    Busy,
}

/// Alerts that end when the feed changes.
const PASSING: [&str; 7] = [
    "keys-replaced",
    "links-lost",
    "stale",
    "stale-long",
    "stored-refused",
    "state-reset",
    "skipped",
];

/// How long after its expiry a stale feed is said again, as a worse thing. Source: the feed's
/// failure semantics: critical after 14 days.
const STALE_LONG_DAYS: u32 = 14;

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

impl Generation {
    fn detectors(&self) -> impl Iterator<Item = &Verified<Artifact>> {
        let all = self.artifacts.iter();
        all.filter(|artifact| artifact.kind == Kind::Detector)
    }
}

/// All feeds of this installation: the official one and those the user added.
#[derive(Clone)]
pub struct Feeds {
    dir: PathBuf,
    official: Root,
    live: BTreeMap<Name, Generation>,
    alerts: Vec<Alert>,
    /// When the seed was made, as its publisher signed: no honest clock shows an earlier time.
    made: Timestamp,
    /// The latest time that the clock has shown; at least that.
    latest: Timestamp,
    turns: Turns,
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
            made: Timestamp::EPOCH,
            latest: Timestamp::EPOCH,
            turns: Turns::default(),
        };
        let seed = feeds.seed(now)?;
        // No clock is right that is before this program was made.
        feeds.made = seed.manifest.issued;
        feeds.latest = feeds.made;
        feeds.take_stored(&feeds.official.feed_id.clone(), now, Some(seed));
        for name in Shelf::list(&feeds.dir) {
            if name != feeds.official.feed_id {
                feeds.take_stored(&name, now, None);
            }
        }
        feeds.note_taken();
        feeds.look_at_the_clock(now);
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

    /// The vectors that are inside the program, one artifact for each detector of the seed: no feed
    /// can change them.
    ///
    /// # Errors
    /// As [`Feeds::open`].
    pub fn seed_vectors(&self, now: Timestamp) -> Result<Vec<Verified<Artifact>>, FeedError> {
        let all = self.seed(now)?.artifacts.into_iter();
        Ok(all.filter(|one| one.kind == Kind::Vectors).collect())
    }

    fn note_skipped(&mut self, name: &Name, generation: &Generation) {
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

    /// Says of each detector that another feed has the right to its name.
    fn note_taken(&mut self) {
        self.alerts.retain(|alert| alert.code != "name-taken");
        let mut taken = BTreeSet::new();
        let mut lost = Vec::new();
        for (feed, generation) in self.in_order(self.live.iter()) {
            for detector in generation.detectors() {
                if !taken.insert(detector.name.clone()) {
                    lost.push((feed.clone(), detector.name.clone()));
                }
            }
        }
        for (feed, name) in lost {
            let message = format!("detector {name} is another feed's name, and is not used");
            self.alert(&feed, "name-taken", message);
        }
    }

    /// The official feed first: of two detectors with one name it has the right of way.
    fn in_order<'g>(
        &self,
        all: impl Iterator<Item = (&'g Name, &'g Generation)>,
    ) -> Vec<(&'g Name, &'g Generation)> {
        let mut all: Vec<_> = all.collect();
        all.sort_by_key(|(name, _)| **name != self.official.feed_id);
        all
    }

    /// Says that the running keys came into force without the old one's agreement. Not ended by the
    /// next change, only by the next rotation and a new start.
    fn note_emergency(&mut self, name: &Name, state: &shelf::State) {
        let Some(epoch) = state.emergency else { return };
        let message = format!("key epoch {epoch} began without the old key: it was lost or stolen");
        let said = |alert: &Alert| alert.feed == name.as_str() && alert.message == message;
        if !self.alerts.iter().any(said) {
            self.alert(name, "emergency-rotation", message);
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

    /// What would be loaded with `staged` live: for trying it before it is committed.
    pub fn packages_with(&self, staged: &Staged, settings: &Settings) -> Vec<Package> {
        let others = self.live.iter().filter(|(name, _)| **name != staged.feed);
        let new = staged.generation.iter().map(|new| (&staged.feed, new));
        packages(self.in_order(others.chain(new)), settings)
    }

    /// Keeps a staged change and makes it live. It is on the disk when this returns.
    ///
    /// # Errors
    /// [`ShelfError`]; the old generation stays live then.
    pub fn commit(&mut self, staged: Staged) -> Result<(), FeedError> {
        let name = staged.feed.clone();
        let Staged {
            feed,
            generation,
            step,
            ..
        } = staged;
        let shelf = Shelf::of(&self.dir, &feed);
        let state = match &step {
            Step::Forward { state, .. } | Step::Back(state) => Some(state.clone()),
            Step::Remove => None,
        };
        match step {
            Step::Forward { state, pack, links } => {
                // Before the state that needs them; without it they change nothing.
                for (epoch, link) in links.all {
                    shelf.keep_link(epoch, &link)?;
                }
                shelf.store(&state, &pack)?;
            }
            Step::Back(state) => shelf.note(&state)?,
            Step::Remove => shelf.remove()?,
        }
        // What somebody tried stays said until the daemon ends.
        self.alerts
            .retain(|alert| alert.feed != feed.as_str() || !PASSING.contains(&alert.code.as_str()));
        match generation {
            Some(generation) => {
                self.note_skipped(&feed, &generation);
                self.live.insert(feed, generation);
            }
            None => {
                self.live.remove(&feed);
            }
        }
        self.note_taken();
        if let Some(state) = state {
            self.note_emergency(&name, &state);
        }
        Ok(())
    }

    /// What committing `staged` would change, artifact by artifact.
    pub fn compare(&self, staged: &Staged) -> serde_json::Value {
        let empty = Vec::new();
        let live = self.live.get(&staged.feed);
        let before = live.map_or(&empty, |live| &live.manifest.artifacts);
        let after = staged.manifest().map_or(&empty, |new| &new.artifacts);
        status::compare(&staged.feed, before, after)
    }

    /// What became stale since the last look. Nothing is unloaded: old data is better than none.
    pub fn look_at_the_clock(&mut self, now: Timestamp) -> Vec<Alert> {
        // A clock that is set back makes nothing fresh again.
        self.latest = self.latest.max(now);
        let now = self.latest;
        let mut fresh = Vec::new();
        for (name, generation) in &self.live {
            let expires = generation.manifest.expires;
            for (code, since) in [
                ("stale", expires),
                ("stale-long", expires.plus_days(STALE_LONG_DAYS)),
            ] {
                let said = |alert: &Alert| alert.feed == name.as_str() && alert.code == code;
                if since <= now && !self.alerts.iter().chain(&fresh).any(said) {
                    fresh.push(Alert {
                        feed: name.to_string(),
                        code: code.into(),
                        message: format!(
                            "it expired at {expires}; its data is used until a newer one is accepted"
                        ),
                    });
                }
            }
        }
        for alert in &fresh {
            tracing::error!(feed = alert.feed, code = alert.code, "feed");
        }
        self.alerts.extend(fresh.iter().cloned());
        fresh
    }

    /// Says loudly that someone who holds a key, or answers for a source, tries what nobody may.
    /// `None` when `error` is no such thing; said until the feed changes.
    pub fn alarm(&mut self, name: &Name, error: &FeedError) -> Option<&'static str> {
        let FeedError::Refused(refusal) = error else {
            return None;
        };
        let code = match refusal {
            Refusal::RotationHijack { .. } => "rotation-hijack",
            Refusal::WrongKey { .. } | Refusal::KeyNotFresh { .. } => "key-takeover",
            Refusal::Equivocation { .. } => "equivocation",
            Refusal::Rollback { .. } | Refusal::ArtifactRollback { .. } => "rollback",
            Refusal::EpochBack { .. } => "replay",
            Refusal::BadSignature { .. } | Refusal::BelowThreshold { .. } => "not-signed",
            Refusal::EndorsementMismatch { .. } => "not-endorsed",
            _ => return None,
        };
        let said = |alert: &Alert| alert.feed == name.as_str() && alert.code == code;
        if !self.alerts.iter().any(said) {
            self.alert(name, code, error.to_string());
        }
        Some(code)
    }

    /// The official feed's name.
    pub fn official(&self) -> &Name {
        &self.official.feed_id
    }

    /// The third parties' feeds that say where they are fetched from.
    pub fn guests(&self) -> Vec<(Name, String)> {
        // Also those that were refused when we started: a newer one may be good.
        Shelf::list(&self.dir)
            .into_iter()
            .filter(|name| name != self.official())
            .filter_map(|name| {
                let source = self.state(&name)?.source?;
                Some((name, source))
            })
            .collect()
    }

    /// Every detector that is live, with its data.
    pub fn packages(&self, settings: &Settings) -> Vec<Package> {
        packages(self.in_order(self.live.iter()), settings)
    }

    /// Whether the official feed has expired.
    pub fn is_stale(&self) -> bool {
        let official = self.official().as_str();
        let mut alerts = self.alerts.iter();
        alerts.any(|alert| alert.feed == official && alert.code == "stale")
    }

    pub fn alerts(&self) -> &[Alert] {
        &self.alerts
    }

    pub fn status(&self) -> Vec<FeedStatus> {
        self.live
            .iter()
            .map(|(name, generation)| {
                let stale = |alert: &Alert| alert.feed == name.as_str() && alert.code == "stale";
                let stale = self.alerts.iter().any(stale);
                let state = self.state(name);
                status::of(name, generation, &self.official, stale, state.as_ref())
            })
            .collect()
    }
}

/// Settings per detector id.
pub type Settings = BTreeMap<String, BTreeMap<String, String>>;

/// The detectors of `generations` with their data. Of two with one name only the first: settings, memos
/// and findings go by it.
fn packages(generations: Vec<(&Name, &Generation)>, settings: &Settings) -> Vec<Package> {
    let mut all = Vec::new();
    let mut taken = BTreeSet::new();
    for (_, generation) in generations {
        for component in generation.detectors() {
            if !taken.insert(component.name.clone()) {
                continue;
            }
            let own = |artifact: &&Verified<Artifact>| {
                artifact.detector.as_ref() == Some(&component.name)
            };
            let (vectors, data): (Vec<_>, Vec<_>) = generation
                .artifacts
                .iter()
                .filter(own)
                .cloned()
                .partition(|artifact| artifact.kind == Kind::Vectors);
            all.push(Package {
                component: component.clone(),
                data,
                vectors: vectors.into_iter().next(),
                settings: settings
                    .get(component.name.as_str())
                    .map(|own| own.clone().into_iter().collect())
                    .unwrap_or_default(),
                own: Vec::new(),
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

#[cfg(test)]
mod tests;
