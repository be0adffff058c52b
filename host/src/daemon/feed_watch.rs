//! Looks for newer feeds from time to time, and at the clock for stale ones.

use super::feeds::Kept;
use super::start::{self, Parts};
use crate::feed::Tag;
use clawdefender_trust::Name;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How often the clock is looked at. Chosen: a feed's life is counted in days.
const LOOK: Duration = Duration::from_secs(60);

/// The first look after a start comes within this time. Chosen: after the work of starting.
const FIRST: Duration = Duration::from_secs(600);

/// The first pause after a failure; it doubles up to the usual one. Source: the feed's failure
/// semantics, 1 minute to 6 hours.
const RETRY: Duration = Duration::from_secs(60);

/// Below this many seconds between looks nothing is spread or slowed: a person is trying it out.
const TRYING: Duration = Duration::from_secs(60);

pub(super) fn spawn(parts: &Arc<Parts>) {
    let every = Duration::from_secs(parts.config.feed_check_s);
    let weak = Arc::downgrade(parts);
    let clock = weak.clone();
    parts.runtime.spawn(async move {
        let mut ticks = tokio::time::interval(LOOK);
        loop {
            ticks.tick().await;
            let Some(parts) = clock.upgrade() else { return };
            let looked = tokio::task::spawn_blocking(move || parts.look_at_the_clock()).await;
            if looked.is_err() {
                tracing::error!("looking for stale feeds failed");
            }
        }
    });
    if every.is_zero() {
        return;
    }
    let spawned = std::thread::Builder::new()
        .name("feeds".into())
        .spawn(move || watch(&weak, every));
    if let Err(error) = spawned {
        tracing::error!(%error, "feeds are not looked for");
    }
}

fn watch(parts: &Weak<Parts>, every: Duration) {
    let mut memory = Memory::default();
    let mut pause = spread(every.min(FIRST), every);
    let mut failed = 0;
    loop {
        // In small pieces: the daemon may end meanwhile.
        let mut left = pause;
        while !left.is_zero() {
            let piece = left.min(Duration::from_secs(5));
            std::thread::sleep(piece);
            left -= piece;
            if parts.strong_count() == 0 {
                return;
            }
        }
        let Some(parts) = parts.upgrade() else { return };
        failed = if parts.look_for_feeds(&mut memory) {
            0
        } else {
            failed + 1
        };
        pause = match failed {
            0 => spread(every, every) / 2 + every / 2,
            many => spread(RETRY.min(every) * (1 << many.min(12)), every).min(every),
        };
    }
}

/// A random time up to `most`, so that not everybody comes at once.
fn spread(most: Duration, every: Duration) -> Duration {
    if every < TRYING {
        return every;
    }
    most.mul_f64(rand::random_range(0.0..=1.0))
}

/// What `look` came to. One that panics, whatever made it, is a failure of that feed alone: the others
/// are still looked for, now and later.
fn unwound<T>(look: impl FnOnce() -> Result<T, Kept>) -> Result<T, Kept> {
    // The locks that it held are taken as they are by whoever comes next.
    std::panic::catch_unwind(AssertUnwindSafe(look)).unwrap_or_else(|_| {
        Err(Kept {
            code: "fault",
            message: "looking for it broke off; this is a defect of the program".to_owned(),
        })
    })
}

/// What is known from earlier looks, per feed.
#[derive(Default)]
struct Memory {
    tags: BTreeMap<Name, Tag>,
    /// What was last said of a failure; saying it again would only fill the log.
    said: BTreeMap<Name, String>,
}

impl Parts {
    fn look_at_the_clock(&self) {
        let Ok(now) = start::now() else { return };
        let alerts = self.feeds().look_at_the_clock(now);
        self.say_whether_stale();
        for alert in alerts {
            let note = format!("{}: {}", alert.feed, alert.message);
            self.note("feed", &alert.code, note);
        }
    }

    /// Whether every feed could be asked and had nothing wrong.
    fn look_for_feeds(&self, memory: &mut Memory) -> bool {
        // The official one first: whatever a guest's source does comes after it.
        let official = self.feeds().official().clone();
        let mut places = Vec::new();
        if !self.config.feed_url.0.is_empty() {
            places.push((official, self.config.feed_url.0.clone()));
        }
        let guests = self.feeds().guests();
        places.extend(guests.into_iter().map(|(name, url)| (name, vec![url])));
        let mut good = true;
        for (name, urls) in places {
            let mut fresh = None;
            let known = memory.tags.get(&name).cloned();
            let changed = unwound(|| {
                self.change_feed(|feeds| {
                    let offer = self.stage_update(feeds, &name, &urls, known.as_ref())?;
                    fresh = offer.tag;
                    // What a person went back from comes back only by a person, or as a newer one.
                    Ok(offer.staged.filter(|staged| !feeds.was_left(staged)))
                })
            });
            match changed {
                Ok(_) => {
                    memory.said.remove(&name);
                    // Only now: what was refused must be looked at again.
                    match fresh {
                        Some(tag) => memory.tags.insert(name, tag),
                        None => memory.tags.remove(&name),
                    };
                }
                Err(why) => {
                    good = false;
                    self.tell_once(memory, &name, &why);
                }
            }
        }
        good
    }

    fn tell_once(&self, memory: &mut Memory, feed: &Name, why: &Kept) {
        let said = memory.said.insert(feed.clone(), why.message.clone());
        if said.as_ref() != Some(&why.message) {
            self.tell_kept(feed, why);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_whose_look_panics_is_one_that_failed() {
        let broken = unwound(|| -> Result<bool, Kept> { panic!("whatever a source sent") });
        assert_eq!(broken.err().map(|kept| kept.code), Some("fault"));
        assert!(matches!(unwound(|| Ok(true)), Ok(true)));
    }
}
