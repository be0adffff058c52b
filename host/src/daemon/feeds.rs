//! Changing what is live: stage, try out, commit, swap, record. At every failure the old stays.

use super::chains::{self, ChainsError};
use super::control::refused;
use super::start::{self, Parts};
use super::{gate, rehearsal};
use crate::audit::{Durability, Record, Sealed};
use crate::config::Home;
use crate::feed::{Fault, FeedError, Feeds, Offer, Reached, Source, Staged, Tag};
use crate::judge::{self, now_ms};
use crate::plugin::Set;
use crate::policy::Decision;
use crate::wire::ControlReply;
use clawdefender_trust::{KeyChange, Name, PublicKey};
use serde_json::{Value, json};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

const STAYS: &str = "the feed that was live before stays; see `clawdefender feed status`";

/// What a record repeats of why a feed was refused. An author's words may be in it.
const MAX_NOTE_CHARS: usize = 2048;

/// Why nothing changed.
pub(super) struct Kept {
    /// `fetch`, `refused`, `held`, `not-stored`, `not-recorded`.
    pub code: &'static str,
    pub message: String,
}

impl From<FeedError> for Kept {
    fn from(error: FeedError) -> Self {
        let code = match &error {
            FeedError::Fetch(error) => match error.fault() {
                Fault::Source => "fetch",
                Fault::Content => "refused",
                Fault::Disk => "not-stored",
            },
            FeedError::NoSource
            | FeedError::Overdue(_)
            | FeedError::Meanwhile
            | FeedError::Busy => "fetch",
            FeedError::Derailed(_) => "held",
            FeedError::Shelf(_) => "not-stored",
            FeedError::UnknownFeed(_) | FeedError::NothingBefore(_) | FeedError::Official => {
                "usage"
            }
            _ => "refused",
        };
        Self {
            code,
            message: error.to_string(),
        }
    }
}

impl Kept {
    /// Of several the one that a person must know: what was refused or held before what failed.
    fn worst(all: Vec<Self>) -> Option<Self> {
        let rank = |kept: &Self| match kept.code {
            "refused" => 3,
            "held" => 2,
            "not-stored" => 1,
            _ => 0,
        };
        // The first of the worst.
        all.into_iter().rev().max_by_key(rank)
    }
}

impl Parts {
    /// Looks for newer generations: of the official feed at `from`, or of every feed where the
    /// configuration or the feed itself says.
    pub(super) fn update_feeds(
        &self,
        from: Option<&str>,
        dry_run: bool,
        by_person: bool,
    ) -> ControlReply {
        let official = self.feeds().official().clone();
        let mut wanted = Vec::new();
        match from {
            Some(from) => wanted.push((official, vec![from.to_owned()])),
            None => {
                let urls = &self.config.feed_url.0;
                if !urls.is_empty() {
                    wanted.push((official, urls.clone()));
                }
                let guests = self.feeds().guests();
                wanted.extend(guests.into_iter().map(|(name, url)| (name, vec![url])));
            }
        }
        if wanted.is_empty() {
            return refused(
                "no-source",
                "no feed is named, and config.toml has no `feed_url`",
                "clawdefender feed update https://HOST/PATH",
            );
        }
        let (mut changed, mut plans, mut kept) = (false, Vec::new(), Vec::new());
        for (name, urls) in wanted {
            let done = if dry_run {
                self.rehearse(&name, &urls).map(|plan| plans.extend(plan))
            } else {
                let stage = |feeds: &Feeds| {
                    let offer = self.stage_update(feeds, &name, &urls, None)?;
                    // What a person went back from comes back only by a person, or as a newer one.
                    let wanted = |staged: &Staged| by_person || !feeds.was_left(staged);
                    Ok(offer.staged.filter(wanted))
                };
                self.change_feed(stage).map(|done| changed |= done)
            };
            if let Err(why) = done {
                self.tell_kept(&name, &why);
                kept.push(why);
            }
        }
        match Kept::worst(kept) {
            Some(Kept { code, message }) => refused(code, &message, STAYS),
            None if dry_run => ControlReply::Done(json!({ "dry_run": plans })),
            None => ControlReply::Done(self.feeds_now(changed)),
        }
    }

    /// Back to the generation before.
    pub(super) fn roll_back_feed(&self, feed: Option<&str>) -> ControlReply {
        self.answer_change(feed, |feeds, name| {
            let now = start::now().map_err(|error| FeedError::Root(error.to_string()))?;
            feeds.stage_back(name, now)
        })
    }

    /// Without a third party's feed.
    pub(super) fn remove_feed(&self, feed: &str) -> ControlReply {
        self.answer_change(Some(feed), |feeds, name| feeds.stage_removal(name))
    }

    /// A third party's feed, by a key that the user has from elsewhere.
    pub(super) fn add_feed(&self, from: &str, key: &str) -> ControlReply {
        let key: PublicKey = match key.parse() {
            Ok(key) => key,
            Err(error) => {
                let hint = "give the publisher's public key: 64 hexadecimal digits";
                return refused("key", &format!("{error}"), hint);
            }
        };
        let again = from.contains("://").then(|| from.to_owned());
        let added = self.change_feed(|feeds| {
            let stage = || {
                let source = Source::parse(from, self.config.feed_ca_file.as_deref())?;
                let now = start::now().map_err(|error| FeedError::Root(error.to_string()))?;
                let install = feeds.stage_install(&source, key, again, now, &self.progress);
                self.runtime.block_on(install)
            };
            Ok(Some(stage()?))
        });
        match added {
            Ok(changed) => ControlReply::Done(self.feeds_now(changed)),
            Err(why) => {
                self.record_kept(&why);
                refused(why.code, &why.message, STAYS)
            }
        }
    }

    /// The live generation as a file that did not exist.
    pub(super) fn export_feed(&self, feed: Option<&str>, to: &Path) -> ControlReply {
        let exported = self.feed_name(feed).and_then(|name| {
            let pack = self.feeds().export(&name)?;
            Ok((name, pack))
        });
        let (name, pack) = match exported {
            Ok(exported) => exported,
            Err(error) => {
                let Kept { code, message } = error.into();
                return refused(code, &message, "clawdefender feed status");
            }
        };
        let written = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o644)
            .open(to)
            .and_then(|mut file| file.write_all(&pack).and_then(|()| file.sync_all()));
        match written {
            Ok(()) => ControlReply::Done(json!({
                "feed": name.to_string(), "file": to, "bytes": pack.len(),
            })),
            Err(error) => refused(
                "not-written",
                &format!("{}: {error}", to.display()),
                "name a file that does not exist, in a folder that you may write",
            ),
        }
    }

    pub(super) fn feed_progress(&self) -> Value {
        json!({
            "done": self.progress.done.load(Ordering::Relaxed),
            "total": self.progress.total.load(Ordering::Relaxed),
        })
    }

    /// Fetches and verifies what a feed's sources have. What any of them tried is said, whatever
    /// another one had.
    pub(super) fn stage_update(
        &self,
        feeds: &Feeds,
        name: &Name,
        urls: &[String],
        tag: Option<&Tag>,
    ) -> Result<Offer, Kept> {
        let authorities = self.config.feed_ca_file.as_deref();
        let now = start::now().map_err(|error| FeedError::Root(error.to_string()))?;
        let update = feeds.stage_update(name, urls, authorities, tag, now, &self.progress);
        let offer = self.runtime.block_on(update);
        let wrong = match &offer {
            Ok(offer) => &offer.wrong,
            Err(wrong) => wrong,
        };
        for error in wrong {
            if self.feeds().alarm(name, error).is_some() {
                self.note("feed", "feed-alarm", format!("{name}: {error}"));
            }
        }
        offer.map_err(|wrong| {
            let all = wrong.into_iter().map(Kept::from).collect();
            Kept::worst(all).unwrap_or_else(|| FeedError::NoSource.into())
        })
    }

    /// Stages, tries out, commits and swaps. Whether anything changed.
    pub(super) fn change_feed(
        &self,
        stage: impl FnOnce(&Feeds) -> Result<Option<Staged>, Kept>,
    ) -> Result<bool, Kept> {
        // A copy, and no lock: a slow source must hold up neither `status` nor going back.
        let feeds = self.feeds().clone();
        let Some(staged) = stage(&feeds)? else {
            return Ok(false);
        };
        let _one = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.feeds().is_as_in(&feeds, &staged) {
            return Err(FeedError::Meanwhile.into());
        }
        let set = self.try_out(&staged)?;
        let (kind, note) = told(&staged);
        let removed = staged.manifest().is_none().then(|| staged.feed().clone());
        // Before it is done, so that nothing is ever live of which the log knows nothing.
        if !self.record_feed("feed-changing", format!("{kind}: {note}"), None) {
            return Err(Kept {
                code: "not-recorded",
                message: "the audit log can't be written, so nothing was changed".to_owned(),
            });
        }
        self.feeds().commit(staged)?;
        self.record_feed(kind, note, None);
        self.judge.swap_detectors(set);
        self.say_whether_stale();
        self.keep_reached(removed.as_ref());
        Ok(true)
    }

    pub(super) fn say_whether_stale(&self) {
        let stale = self.feeds().is_stale();
        self.judge.feed_is_stale(stale);
    }

    /// The detectors of a staged change, when its own load and say what they must, and none that runs
    /// now is lost by it. Of a change that goes back, others may be missing: nothing may keep a person
    /// from going back or from removing them.
    fn try_out(&self, staged: &Staged) -> Result<Set, Kept> {
        let held = |message| Kept {
            code: "held",
            message,
        };
        let feed = staged.feed();
        let packages = self.feeds().packages_with(staged, &self.settings);
        let own: Vec<_> = packages
            .iter()
            .filter(|package| package.component.feed_id == *feed)
            .map(|package| (package.component.name.to_string(), package.vectors.clone()))
            .collect();
        let (set, failed) = start::load(packages, &self.cache, start::instances());
        if !staged.is_new() {
            // What was live before needs no proof.
            return self.with_chains(staged, set);
        }
        if let Some((name, error)) = failed
            .iter()
            .find(|(name, _)| own.iter().any(|(own, _)| own == name))
        {
            return Err(held(format!("detector {name}: {error}")));
        }
        let running = self.judge.detectors();
        let lost = running.detectors().iter().find_map(|one| {
            let failed = failed.iter().find(|(name, _)| name == one.id());
            failed.map(|(name, error)| format!("detector {name}, of another feed: {error}"))
        });
        if let Some(lost) = lost {
            return Err(held(lost));
        }
        let is_official = *feed == *self.feeds().official();
        let mut tried = Vec::new();
        for (name, vectors) in &own {
            let detector = set.detectors().iter().find(|one| one.id() == name);
            let detector = detector.ok_or_else(|| held(format!("detector {name} is missing")))?;
            match vectors {
                Some(vectors) => {
                    judge::vectors::hold(detector, &vectors.bytes)
                        .map_err(|error| held(format!("detector {name}: {error}")))?;
                }
                None if is_official => return Err(held(format!("detector {name} has no vectors"))),
                None => {}
            }
            tried.push(Arc::clone(detector));
        }
        let now = start::now().map_err(|error| FeedError::Root(error.to_string()))?;
        let corpus = self.feeds().seed_vectors(now)?;
        let tried = Set::new(tried, Vec::new());
        let since = Instant::now();
        gate::pass(&tried, is_official, &corpus, &self.home).map_err(held)?;
        let took_us = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
        tracing::info!(%feed, took_us, "the gate was passed");
        self.with_chains(staged, set)
    }

    /// The same detectors with the user's own chains, where there are any. Feeds are tried without
    /// them: what the user finds suspicious is no author's promise.
    fn with_chains(&self, staged: &Staged, set: Set) -> Result<Set, Kept> {
        let Some(own) = &self.chains else {
            return Ok(set);
        };
        let held = |error: ChainsError| Kept {
            code: "held",
            message: error.to_string(),
        };
        let mut packages = self.feeds().packages_with(staged, &self.settings);
        own.give(&mut packages).map_err(held)?;
        let (set, failed) = start::load(packages, &self.cache, start::instances());
        chains::refused(own, &failed).map_err(held)?;
        Ok(set)
    }

    fn rehearse(&self, name: &Name, urls: &[String]) -> Result<Option<Value>, Kept> {
        let feeds = self.feeds().clone();
        let Some(staged) = self.stage_update(&feeds, name, urls, None)?.staged else {
            return Ok(None);
        };
        let set = self.try_out(&staged)?;
        let mut plan = feeds.compare(&staged);
        let replay = rehearsal::replay(self, &set);
        if let Some(plan) = plan.as_object_mut() {
            plan.insert("replay".into(), replay);
        }
        Ok(Some(plan))
    }

    fn answer_change(
        &self,
        feed: Option<&str>,
        stage: impl FnOnce(&Feeds, &Name) -> Result<Staged, FeedError>,
    ) -> ControlReply {
        let changed = self
            .feed_name(feed)
            .map_err(Kept::from)
            .and_then(|name| self.change_feed(|feeds| Ok(Some(stage(feeds, &name)?))));
        match changed {
            Ok(changed) => ControlReply::Done(self.feeds_now(changed)),
            Err(why) => {
                self.record_kept(&why);
                refused(why.code, &why.message, "clawdefender feed status")
            }
        }
    }

    fn feed_name(&self, feed: Option<&str>) -> Result<Name, FeedError> {
        match feed {
            None => Ok(self.feeds().official().clone()),
            Some(text) => text
                .parse()
                .map_err(|_| FeedError::UnknownFeed(text.chars().take(64).collect())),
        }
    }

    fn feeds_now(&self, changed: bool) -> Value {
        let feeds = self.feeds();
        json!({ "changed": changed, "feeds": feeds.status(), "alerts": feeds.alerts() })
    }

    pub(super) fn tell_kept(&self, feed: &Name, why: &Kept) {
        tracing::error!(%feed, code = why.code, message = why.message, "a feed was refused");
        self.record_kept(why);
    }

    fn record_kept(&self, why: &Kept) {
        self.record_feed(
            &format!("feed-{}", why.code),
            why.message.chars().take(MAX_NOTE_CHARS).collect(),
            Some(Decision::deny("feed", "the feed was refused")),
        );
    }

    /// Whether it is in the log.
    fn record_feed(&self, kind: &str, note: String, decision: Option<Decision>) -> bool {
        let record = Record {
            v: 1,
            id: judge::call_id(),
            at_ms: now_ms(),
            what: "feed".into(),
            kind: kind.to_owned(),
            note: Some(note),
            decision,
            ..Record::default()
        };
        self.judge.append(&record, Durability::Now).is_some()
    }
}

impl Parts {
    /// Remembers how far the feeds are, apart from them. One that a person `removed` is forgotten.
    pub(super) fn keep_reached(&self, removed: Option<&Name>) {
        let file = reached_file(&self.home);
        let known = match file.read::<Reached>() {
            Ok(known) => known,
            Err(error) => {
                self.note("feed", "feeds-reached-refused", error.to_string());
                Some(Reached::new())
            }
        };
        if known.is_none() {
            let note = "how far the feeds are is kept from now on".to_owned();
            self.note("feed", "feeds-reached-began", note);
        }
        let before = known.clone();
        let mut reached = known.unwrap_or_default();
        if let Some(name) = removed {
            reached.remove(name);
        }
        for (name, far) in self.feeds().reached() {
            let known = reached.entry(name).or_insert(far);
            *known = far.max(*known);
        }
        self.feeds().look_for_losses(&reached);
        if before.as_ref() == Some(&reached) {
            return;
        }
        if let Err(error) = file.write(&reached) {
            self.note("feed", "feeds-reached-not-kept", error.to_string());
        }
    }
}

fn reached_file(home: &Home) -> Sealed {
    const PURPOSE: &str = "clawdefender/feeds-reached/v1\n";
    Sealed::new(home.reached_file(), &home.audit_dir(), PURPOSE)
}

/// What the log says of a change.
fn told(staged: &Staged) -> (&'static str, String) {
    let feed = staged.feed();
    let Some(manifest) = staged.manifest() else {
        return ("feed-removed", feed.to_string());
    };
    let proof = manifest.proof();
    let signers: Vec<String> = proof.signers().iter().map(ToString::to_string).collect();
    let mut note = format!(
        "{feed} version {} of epoch {}, SHA-256 {}, signed by {}",
        manifest.version,
        manifest.key_epoch,
        proof.digest(),
        signers.join(" and ")
    );
    if !staged.is_new() {
        return ("feed-rolled-back", note);
    }
    match staged.key_change() {
        KeyChange::Steady => {}
        KeyChange::Rotated => note.push_str("; its keys rotated, and the old key agreed"),
        KeyChange::Emergency => note.push_str("; its keys rotated without the old key"),
    }
    ("feed-activated", note)
}
