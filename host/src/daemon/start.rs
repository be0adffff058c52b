//! Opening the parts in the order in which they need each other. What can't be opened stops the
//! start: a daemon that could not record or verify must not serve.

use super::chains::{self, ChainsError, OwnChains};
use super::policy_watch;
use super::stop::Lock;
use crate::approval::{Desk, DeskLimits, ProcessTable};
use crate::audit::{AuditError, Durability, Ledger, Record, Sealed};
use crate::config::{Config, ConfigError, Home};
use crate::download::Progress;
use crate::event::place::{Disk, Links, Places};
use crate::event::{Fault, FaultKind};
use crate::feed::{FeedError, Feeds, Settings};
use crate::judge::pins::{self, Pins};
use crate::judge::steps::Steps;
use crate::judge::{Histories, Judge, JudgeLimits, now_ms};
use crate::plugin::{CodeCache, Detector, MAX_DETECTORS, MAX_INSTANCES, Package, Set};
use crate::policy::{Override, Policy, PolicyError};
use clawdefender_trust::Timestamp;
use data_encoding::HEXLOWER;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("audit log: {0}")]
    Audit(#[from] AuditError),
    #[error("policy: {0}")]
    Policy(#[from] PolicyError),
    #[error("chains: {0}")]
    Chains(#[from] ChainsError),
    #[error("feed: {0}")]
    Feed(#[from] FeedError),
    #[error("the system clock is not usable")]
    Clock,
    #[error("{} is no longer the one that was locked: the folder was removed or replaced while the daemon ran; the next client starts a new daemon", .0.display())]
    Lost(std::path::PathBuf),
    #[error("{}: {source}", path.display())]
    Unusable {
        path: std::path::PathBuf,
        source: std::io::Error,
    },
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Everything that is open while the daemon runs.
pub struct Parts {
    pub home: Home,
    pub config: Config,
    pub settings: Settings,
    /// The user's own chains, as they were at the start.
    pub(super) chains: Option<OwnChains>,
    pub judge: Arc<Judge>,
    pub feeds: Mutex<Feeds>,
    /// One change of policy or overrides at a time.
    pub(super) policies: Mutex<()>,
    /// One change of the feeds at a time.
    pub(super) changing: Mutex<()>,
    pub(super) progress: Progress,
    pub cache: CodeCache,
    pub runtime: tokio::runtime::Runtime,
    /// Where the guard API listens, or why it does not.
    pub api: OnceLock<Result<SocketAddr, String>>,
    pub(super) http: Mutex<super::gateway::Standing>,
    pub started_ms: u64,
    /// The policy file as it was when it was read first.
    pub(super) policy_seen: policy_watch::Stamp,
    policy_error: Mutex<Option<String>>,
    /// Why no override applies.
    pub(super) overrides_error: Option<String>,
}

fn unusable(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> DaemonError {
    let path = path.to_owned();
    move |source| DaemonError::Unusable { path, source }
}

/// Takes the lock that makes this the only daemon; `None` when another one has it.
pub(super) fn lock(home: &Home) -> Result<Option<Lock>, DaemonError> {
    for dir in [home.root().to_owned(), home.run_dir()] {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&dir)
            .map_err(unusable(&dir))?;
    }
    let path = home.lock_file();
    let file = fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(unusable(&path))?;
    match file.try_lock() {
        Ok(()) => {
            // Left by a daemon that was killed. Somebody else may have its port by now, and would be
            // sent the token by everyone who reads there where we listen.
            for left in [home.api_file(), home.mcp_file()] {
                let _ = fs::remove_file(left);
            }
            Ok(Some(Lock::new(file, home.lock_file())))
        }
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error.into()),
    }
}

pub(super) fn open(home: &Home) -> Result<Parts, DaemonError> {
    let config = Config::load(home)?;
    let (overrides, overrides_error) = read_overrides(home);
    // Before it is read: what is saved meanwhile is a change.
    let policy_seen = policy_watch::stamp(&home.policy_file());
    let (policy, unreadable) = load_policy(home)?;
    let policy_error = unreadable.map(|why| {
        tracing::error!(why, "the policy can't be read; `strict` applies");
        format!("{why}; `strict` applies")
    });
    let policy = policy.with_overrides(overrides);
    let own = OwnChains::configured(home, &config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("daemon")
        .enable_all()
        .build()?;
    let ledger = Ledger::open(&home.audit_dir(), Arc::new(now_ms))?;
    let feeds = Feeds::open(&home.feeds_dir(), now()?)?;
    let cache = CodeCache::open(&home.cache_dir())?.compiling_apart();
    let settings = settings(home, &config)?;
    let mut packages = feeds.packages(&settings);
    if let Some(own) = &own {
        own.give(&mut packages)?;
    }
    let (set, failed) = load(packages, &cache, instances());
    if let Some(own) = &own {
        chains::refused(own, &failed)?;
    }
    for (name, error) in &failed {
        tracing::error!(
            detector = name,
            error,
            "a detector could not be loaded; messages are denied"
        );
    }
    let histories = match Steps::open(&home.index_dir(), &home.audit_dir(), now_ms()) {
        Ok(shelf) => Histories::with_shelf(Arc::new(shelf)),
        Err(error) => {
            // The index is rebuildable and only remembers; judging goes on with what is in memory.
            tracing::error!(%error, "the index can't be opened; history starts empty");
            Histories::default()
        }
    };
    let limits = JudgeLimits {
        max_frame_bytes: config.max_frame_bytes,
        max_ruling_bytes: crate::wire::MAX_RULING_BYTES,
        ask_hold: Duration::from_secs(config.ask_hold_s),
    };
    let judge = Arc::new(Judge::new(
        set,
        policy,
        ledger,
        Desk::new(DeskLimits::default(), ProcessTable).guarding(home.clients_file()),
        histories,
        Pins::open(pins_file(home)),
        places(home),
        limits,
        runtime.handle().clone(),
    ));
    judge.feed_is_stale(feeds.is_stale());
    let parts = Parts {
        home: home.clone(),
        api: OnceLock::new(),
        config,
        settings,
        chains: own,
        judge,
        feeds: Mutex::new(feeds),
        policies: Mutex::default(),
        changing: Mutex::default(),
        progress: Progress::default(),
        cache,
        runtime,
        http: Mutex::default(),
        started_ms: now_ms(),
        policy_seen,
        policy_error: Mutex::new(policy_error),
        overrides_error: overrides_error.clone(),
    };
    if let Some(own) = &parts.chains {
        parts.note("daemon", "own-chains", own.summary());
    }
    for (name, error) in failed {
        parts.note("daemon", "detector-refused", format!("{name}: {error}"));
    }
    if let Some(error) = overrides_error {
        parts.note("override", "overrides-refused", error);
    }
    parts.keep_reached(None);
    match (parts.judge.pins().broken(), parts.judge.pins().begin()) {
        (Some(error), _) => parts.note("pin", "pins-refused", error),
        (None, Err(error)) => parts.note("pin", "pin-not-kept", error.to_string()),
        (None, Ok(true)) => parts.note("pin", "pins-began", "no server was pinned".into()),
        (None, Ok(false)) => {}
    }
    for alert in parts.feeds().alerts().to_vec() {
        parts.note(
            "feed",
            &alert.code,
            format!("{}: {}", alert.feed, alert.message),
        );
    }
    Ok(parts)
}

/// Warm instances per detector: as many calls as can run at once, on machines of that many cores.
pub(crate) fn instances() -> usize {
    std::thread::available_parallelism()
        .map_or(2, usize::from)
        .clamp(2, MAX_INSTANCES)
}

/// The configured settings of each detector, and the installation's own key for the fingerprints
/// that the kill-chain detector leaves in its memos: without it short secrets could be guessed
/// from them.
pub(crate) fn settings(home: &Home, config: &Config) -> Result<Settings, DaemonError> {
    let path = home.root().join("fingerprint-key");
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(home.root())
        .map_err(unusable(home.root()))?;
    if !path.exists() {
        // Whole or not at all: another process may be looking for it.
        let draft = path.with_extension(format!("{:016x}", rand::random::<u64>()));
        let key: [u8; 32] = rand::random();
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)?;
        std::io::Write::write_all(&mut file, HEXLOWER.encode(&key).as_bytes())?;
        let linked = fs::hard_link(&draft, &path);
        fs::remove_file(&draft)?;
        match linked {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(error.into());
            }
            _ => {}
        }
    }
    let mut settings = config.detectors.clone();
    let own = settings.entry("kill-chain".to_owned()).or_default();
    own.entry("fingerprint-key".to_owned())
        .or_insert(fs::read_to_string(&path)?);
    Ok(settings)
}

/// Loads detectors; each that fails is a fault on every message until it is repaired. Those behind
/// the first [`MAX_DETECTORS`] fail, and the official ones come first.
pub(crate) fn load(
    packages: Vec<Package>,
    cache: &CodeCache,
    instances: usize,
) -> (Set, Vec<(String, String)>) {
    let loaded: Vec<_> = std::thread::scope(|scope| {
        let tasks: Vec<_> = packages
            .iter()
            .take(MAX_DETECTORS)
            .map(|package| scope.spawn(move || Detector::load(package, cache, instances)))
            .collect();
        tasks
            .into_iter()
            .map(std::thread::ScopedJoinHandle::join)
            .collect()
    });
    let (mut detectors, mut missing, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    let results = loaded
        .into_iter()
        .map(Some)
        .chain(std::iter::repeat_with(|| None));
    for (package, result) in packages.iter().zip(results) {
        let name = package.component.name.to_string();
        let error = match result {
            Some(Ok(Ok(detector))) => {
                detectors.push(Arc::new(detector));
                continue;
            }
            Some(Ok(Err(error))) => error.to_string(),
            Some(Err(_)) => "loading it ended in a panic".to_owned(),
            None => format!("there are more than {MAX_DETECTORS} detectors"),
        };
        missing.push(Fault {
            part: name.clone(),
            kind: FaultKind::Missing,
            detail: error.clone(),
        });
        failed.push((name, error));
    }
    (Set::new(detectors, missing), failed)
}

/// The user's policy, or the shipped `balanced` profile when there is none. One that is there and
/// can't be read is not absent: `strict`, and why.
pub(crate) fn load_policy(home: &Home) -> Result<(Policy, Option<String>), PolicyError> {
    let path = home.policy_file();
    let error = match fs::read_to_string(&path) {
        Ok(text) => {
            let policy = Policy::parse(&text, &path.display().to_string(), home.user())?;
            return Ok((policy, None));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if fs::symlink_metadata(&path).is_err() {
                let policy = Policy::builtin(crate::policy::Profile::Balanced, home.user());
                return Ok((policy, None));
            }
            "it is a link to nothing".to_owned()
        }
        Err(error) => error.to_string(),
    };
    let policy = Policy::builtin(crate::policy::Profile::Strict, home.user());
    Ok((policy, Some(format!("{}: {error}", path.display()))))
}

/// The overrides that a person made. Those that can't be believed are none, which is stricter, and
/// the reason is said.
pub(crate) fn read_overrides(home: &Home) -> (Vec<Override>, Option<String>) {
    match super::overrides::load(home) {
        Ok(overrides) => (overrides, None),
        Err(error) => {
            tracing::error!(%error, "no override applies");
            (Vec::new(), Some(error.to_string()))
        }
    }
}

/// Where it is kept what servers were.
pub(crate) fn pins_file(home: &Home) -> Sealed {
    Sealed::new(home.pins_file(), &home.audit_dir(), pins::PURPOSE)
}

pub(crate) fn places(home: &Home) -> Places {
    // Messages name it as it is spelled and as it is; a part of it may be a link.
    let spelled = home.root().to_owned();
    let real = Disk.resolve(&spelled).filter(|real| *real != spelled);
    let ours = std::iter::once(spelled).chain(real);
    Places {
        home: home.user().to_string_lossy().into_owned(),
        ours: ours.map(|dir| dir.to_string_lossy().into_owned()).collect(),
        case: crate::event::place::Case::HERE,
        links: Box::new(Disk),
    }
}

/// Now, in the form that verification takes.
pub(crate) fn now() -> Result<Timestamp, DaemonError> {
    let seconds = i64::try_from(now_ms() / 1000).map_err(|_| DaemonError::Clock)?;
    Timestamp::from_unix(seconds).map_err(|_| DaemonError::Clock)
}

impl Parts {
    pub fn feeds(&self) -> std::sync::MutexGuard<'_, Feeds> {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what happened to the daemon itself into the ledger.
    pub fn note(&self, what: &str, kind: &str, note: String) {
        self.noted(what, kind, note);
    }

    /// As [`Parts::note`], for what must not happen unless it was written.
    pub(super) fn noted(&self, what: &str, kind: &str, note: String) -> bool {
        let record = Record {
            v: 1,
            id: crate::judge::call_id(),
            at_ms: now_ms(),
            what: what.to_owned(),
            kind: kind.to_owned(),
            note: Some(note),
            ..Record::default()
        };
        self.judge.append(&record, Durability::Now).is_some()
    }

    /// Why the policy file is not in force, when it is not.
    pub fn policy_error(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.policy_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the ledger with a signed checkpoint.
    pub(super) fn close(&self) {
        if let Err(error) = self.judge.ledger().finish() {
            let error = &error as &(dyn std::error::Error + 'static);
            tracing::error!(error, "the ledger was not closed cleanly");
        }
    }
}

#[cfg(test)]
mod tests;
