//! Judging: the one place where detection meets decision, and where a decision becomes a verdict.
//!
//! [`examine`] says what a frame is and what should happen; [`Judge`] records it and only then
//! makes the [`Verdict`] that the wire enforces.

mod ask;
mod broken;
mod change;
mod client;
mod content;
mod ending;
mod enforce;
mod examine;
mod exchange;
mod history;
pub mod inspect;
mod installed;
mod launch;
pub mod pins;
mod process;
mod record;
mod stale;
pub mod steps;
pub mod vectors;
mod verdict;
mod weigh;

pub use client::{Barred, asker, client_of, client_process};
pub use ending::Unread;
pub use enforce::Question;
pub use examine::{Bench, Examined, Shape, examine};
pub use history::{Histories, Shelf};
pub(crate) use record::MAX_LISTED;
pub use verdict::{Forward, Parts, Stop, Verdict};
pub use weigh::{Weighed, weigh};

use crate::approval::Desk;
use crate::audit::Ledger;
use crate::event::identity::Identity;
use crate::event::place::Places;
use crate::link::Link;
use crate::plugin::Set;
use crate::policy::Policy;
use arc_swap::ArcSwap;
use inspect::Inspector;
use pins::Pins;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What the wire is to do with a frame.
pub enum Outcome {
    Now(Verdict),
    /// A person is asked; see [`Judge::when_answered`].
    Later(Box<Question>),
}

/// Everything a verdict needs.
pub struct Judge {
    pub(crate) detectors: ArcSwap<Set>,
    pub(crate) policy: ArcSwap<Policy>,
    pub(crate) ledger: Ledger,
    pub(crate) desk: Desk,
    pub(crate) histories: Histories,
    pins: Pins,
    stale: AtomicBool,
    pub(crate) places: Places,
    pub(crate) limits: JudgeLimits,
    pub(crate) tasks: tokio::runtime::Handle,
    links: Mutex<BTreeMap<String, LinkFacts>>,
    counts: Counts,
}

#[derive(Clone, Copy, Debug)]
pub struct JudgeLimits {
    pub max_frame_bytes: usize,
    /// What a changed message and its tickets may come to: a placeholder can be far longer than
    /// what it stands for, and the wire takes only so much.
    pub max_ruling_bytes: usize,
    pub ask_hold: Duration,
}

/// A live link, for `status`.
#[derive(Clone, Debug, serde::Serialize)]
pub struct LinkFacts {
    pub link: String,
    pub client: String,
    pub server: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    pub since_ms: u64,
    #[serde(skip)]
    shells: Vec<u32>,
}

/// How many verdicts of each kind since the start.
#[derive(Default)]
pub struct Counts {
    pub allowed: AtomicU64,
    pub redacted: AtomicU64,
    pub asked: AtomicU64,
    pub denied: AtomicU64,
    pub faults: AtomicU64,
}

impl Judge {
    #[expect(
        clippy::too_many_arguments,
        reason = "wiring: called once, by name of the parts"
    )]
    pub fn new(
        set: Set,
        policy: Policy,
        ledger: Ledger,
        desk: Desk,
        histories: Histories,
        pins: Pins,
        places: Places,
        limits: JudgeLimits,
        tasks: tokio::runtime::Handle,
    ) -> Self {
        Self {
            detectors: ArcSwap::from_pointee(set),
            policy: ArcSwap::from_pointee(policy),
            ledger,
            desk,
            histories,
            pins,
            stale: AtomicBool::new(false),
            places,
            limits,
            tasks,
            links: Mutex::default(),
            counts: Counts::default(),
        }
    }

    pub fn max_frame_bytes(&self) -> usize {
        self.limits.max_frame_bytes
    }

    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    pub fn pins(&self) -> &Pins {
        &self.pins
    }

    pub fn places(&self) -> &Places {
        &self.places
    }

    pub fn histories(&self) -> &Histories {
        &self.histories
    }

    /// Lends out what inspects with the detectors and the policy of now.
    pub fn inspector<T>(&self, inspect: impl FnOnce(&Inspector<'_>) -> T) -> T {
        let (set, policy) = (self.detectors(), self.policy());
        inspect(&Inspector {
            set: &set,
            policy: &policy,
            places: &self.places,
            max_frame_bytes: self.limits.max_frame_bytes,
        })
    }

    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    pub fn policy(&self) -> Arc<Policy> {
        self.policy.load_full()
    }

    pub fn detectors(&self) -> Arc<Set> {
        self.detectors.load_full()
    }

    /// From the next event on these detectors are asked. Calls that run finish with the old ones.
    pub fn swap_detectors(&self, set: Set) {
        self.detectors.store(Arc::new(set));
    }

    pub fn swap_policy(&self, policy: Policy) {
        self.policy.store(Arc::new(policy));
    }

    /// Bars clients from answering questions, as long as they live.
    pub fn bar(&self, barred: &Barred) {
        for pid in &barred.clients {
            if let Ok(pid) = u32::try_from(*pid) {
                self.desk.guard(pid);
            }
        }
    }

    /// Makes a link known, and bars processes from answering questions.
    pub fn guard_processes(&self, link: &str, barred: &Barred) {
        self.bar(barred);
        let shell = barred.shell.and_then(|pid| u32::try_from(pid).ok());
        if let Some(pid) = shell {
            self.desk.guard_shell(pid);
        }
        let mut links = self.links();
        let facts = links.entry(link.to_owned()).or_insert_with(|| LinkFacts {
            link: link.to_owned(),
            client: String::new(),
            server: String::new(),
            package: None,
            identity: None,
            since_ms: now_ms(),
            shells: Vec::new(),
        });
        facts.shells.extend(shell);
    }

    pub fn link_opened(&self, link: &Link) {
        if let Some(facts) = self.links().get_mut(&link.id) {
            facts.client.clone_from(&link.client.label);
            facts.server.clone_from(&link.server.name);
        }
    }

    pub fn link_closed(&self, link: &Mutex<Link>) {
        let id = link
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .id
            .clone();
        if let Some(facts) = self.links().remove(&id) {
            for pid in facts.shells {
                self.desk.unguard_shell(pid);
            }
        }
    }

    /// The links that are open now.
    pub fn live_links(&self) -> Vec<LinkFacts> {
        self.links().values().cloned().collect()
    }

    pub(crate) fn bench<'b>(&'b self, set: &'b Set, policy: &'b Policy) -> Bench<'b> {
        Bench {
            set,
            policy,
            histories: &self.histories,
            places: &self.places,
            now_ms: now_ms(),
            max_frame_bytes: self.limits.max_frame_bytes,
        }
    }

    fn links(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, LinkFacts>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn name_package(&self, link: &Link, identity: &Identity) {
        if let Some(facts) = self.links().get_mut(&link.id) {
            facts.package.clone_from(&link.server.package);
            facts.identity = Some(identity.clone());
        }
    }
}

impl Counts {
    pub(crate) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Milliseconds since the Unix epoch.
pub fn now_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A call id: short enough to say, unique enough to find. 40 random bits in base 32.
pub fn call_id() -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let bits: u64 = rand::random();
    (0..8)
        .filter_map(|place| LETTERS.get(usize::try_from(bits >> (place * 5) & 31).unwrap_or(0)))
        .map(|letter| char::from(*letter))
        .collect()
}
