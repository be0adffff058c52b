//! One detector: its package, its facts and the guarded call.

use super::check::{self, Answer};
use super::engine::{MAX_MEMORY_BYTES, Runtime};
use super::pool::{Pool, Recipe, Warm};
use super::{CodeCache, History, imports, lower};
use crate::event::{Event, Fault, FaultKind, Kind};
use clawdefender_trust::{Artifact, Limits, Sha256Digest, Verified};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The longest memo the host keeps, in bytes. Source: `wit/detector.wit`, `info.memo-bytes`.
const MAX_MEMO_BYTES: usize = 4096;

/// The most past steps a detector is handed. Chosen: 250 in use, room for twice that.
const MAX_HISTORY: usize = 512;

/// A verified component with the verified data it is given.
pub struct Package {
    pub component: Verified<Artifact>,
    pub data: Vec<Verified<Artifact>>,
    /// What it must say of examples; the detector itself never sees them.
    pub vectors: Option<Verified<Artifact>>,
    pub settings: Vec<(String, String)>,
    /// What the user adds to its data. Not signed: it comes from the user's own file.
    pub own: Vec<Own>,
}

/// Data that no feed brought.
#[derive(Clone, Debug)]
pub struct Own {
    pub kind: String,
    pub name: String,
    pub version: String,
    pub bytes: Arc<[u8]>,
}

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("the sandbox could not be started: {0}")]
    Engine(String),
    #[error(transparent)]
    Shape(#[from] imports::ShapeError),
    #[error("the component does not compile: {0}")]
    Compile(String),
    #[error("the component does not start: {0}")]
    Instantiate(String),
    #[error("the detector refused its configuration: {0}")]
    Configure(String),
    #[error("the detector says {field} `{said}`, its signed manifest says `{signed}`")]
    Contradiction {
        field: &'static str,
        said: String,
        signed: String,
    },
    #[error("the detector's description is out of bounds: {0}")]
    Facts(String),
}

/// What a detector said about itself, checked.
#[derive(Debug)]
pub struct Facts {
    pub id: String,
    pub version: String,
    pub rules: BTreeSet<String>,
    /// (id, summary) in the detector's order.
    pub summaries: Vec<(String, String)>,
    kinds: BTreeSet<String>,
    pub history: usize,
    pub memo_bytes: usize,
}

/// A loaded detector.
pub struct Detector {
    facts: Facts,
    digest: Sha256Digest,
    feed_id: String,
    data: Vec<(String, String, String)>,
    pool: Arc<Pool>,
    calls: AtomicU64,
    faults: AtomicU64,
}

impl Detector {
    /// Loads a verified package with `instances` warm instances.
    ///
    /// # Errors
    /// [`LoadError`]; the component's imports are refused before it is compiled.
    pub fn load(package: &Package, cache: &CodeCache, instances: usize) -> Result<Self, LoadError> {
        let artifact: &Artifact = &package.component;
        imports::check(&artifact.bytes)?;
        let runtime = Runtime::shared().map_err(|error| LoadError::Engine(error.to_string()))?;
        let component = cache
            .component(runtime, &artifact.digest, &artifact.bytes)
            .map_err(|error| LoadError::Compile(error.to_string()))?;
        let data = package.data.iter().map(|blob| &**blob);
        let recipe = Recipe {
            runtime,
            component,
            limits: bounded(&artifact.limits),
            settings: package.settings.clone(),
            data: data
                .map(|blob| {
                    (
                        blob.kind.to_string(),
                        blob.name.to_string(),
                        blob.version.to_string(),
                        Arc::clone(&blob.bytes),
                    )
                })
                // Behind what is signed, so that a contradiction is the user's.
                .chain(package.own.iter().map(|own| {
                    (
                        own.kind.clone(),
                        own.name.clone(),
                        own.version.clone(),
                        Arc::clone(&own.bytes),
                    )
                }))
                .collect(),
        };
        let facts = describe(&recipe)?;
        for (field, said, signed) in [
            ("id", &facts.id, artifact.name.as_str()),
            ("version", &facts.version, artifact.version.as_str()),
        ] {
            if said != signed {
                let (said, signed) = (said.clone(), signed.to_owned());
                return Err(LoadError::Contradiction {
                    field,
                    said,
                    signed,
                });
            }
        }
        Ok(Self {
            facts,
            digest: artifact.digest,
            feed_id: artifact.feed_id.to_string(),
            data: recipe
                .data
                .iter()
                .map(|(k, n, v, _)| (k.clone(), n.clone(), v.clone()))
                .collect(),
            pool: Pool::fill(recipe, instances)?,
            calls: AtomicU64::new(0),
            faults: AtomicU64::new(0),
        })
    }

    pub fn id(&self) -> &str {
        &self.facts.id
    }

    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    pub fn digest(&self) -> &Sha256Digest {
        &self.digest
    }

    pub fn feed_id(&self) -> &str {
        &self.feed_id
    }

    /// (kind, name, version) of each data artifact it was given.
    pub fn data(&self) -> &[(String, String, String)] {
        &self.data
    }

    /// (calls, faults) since it was loaded.
    pub fn counts(&self) -> (u64, u64) {
        (
            self.calls.load(Ordering::Relaxed),
            self.faults.load(Ordering::Relaxed),
        )
    }

    /// Whether it asked for this kind of event.
    pub fn wants(&self, kind: &Kind) -> bool {
        let word = if matches!(kind, Kind::Other(_)) {
            "other"
        } else {
            kind.word()
        };
        self.facts.kinds.is_empty() || self.facts.kinds.contains(word)
    }

    pub(super) fn inspect(&self, event: &Event, history: &dyn History) -> Result<Answer, Fault> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.call(event, history).map_err(|(kind, detail)| {
            self.faults.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(detector = self.id(), ?kind, detail, "detector fault");
            Fault {
                part: self.facts.id.clone(),
                kind,
                detail,
            }
        })
    }

    fn call(&self, event: &Event, history: &dyn History) -> Result<Answer, (FaultKind, String)> {
        let recent = match self.facts.history {
            0 => Vec::new(),
            wanted => history.recent(&self.facts.id, wanted),
        };
        let mut warm = self.pool.take().ok_or_else(|| {
            (
                FaultKind::Overload,
                "no instance became free in time".to_owned(),
            )
        })?;
        let recipe = self.pool.recipe();
        let limits = &recipe.limits;
        warm.store
            .set_hostcall_fuel(usize::try_from(limits.output_bytes).unwrap_or(usize::MAX));
        let deadline = Duration::from_millis(limits.deadline_ms.into());
        let running = warm.begin(recipe.runtime, deadline);
        let packed = lower::Packed::of(&recent);
        let result = lower::lend(event, |lent| {
            warm.guest.clawdefender_detector_api().call_inspect(
                &mut warm.store,
                lent,
                packed.lend(),
            )
        });
        drop(running);
        match result {
            Ok(report) => match check::report(&self.facts, event, &recent, report) {
                Ok(answer) => {
                    self.pool.give(warm);
                    Ok(answer)
                }
                Err(detail) => {
                    // Whatever made it say that may still be in its memory.
                    self.pool.replace(warm);
                    Err((FaultKind::Output, detail))
                }
            },
            Err(error) => {
                let fault = classify(&warm, &error);
                self.pool.replace(warm);
                Err(fault)
            }
        }
    }
}

/// Which limit a failed call ran into.
fn classify(warm: &Warm, error: &wasmtime::Error) -> (FaultKind, String) {
    let cause = error.root_cause().to_string();
    let kind = match error.downcast_ref::<wasmtime::Trap>() {
        Some(wasmtime::Trap::Interrupt) => FaultKind::Deadline,
        _ if warm.store.data().refused_memory => FaultKind::Memory,
        Some(_) => FaultKind::Trap,
        // Not a trap: the host refused to lift what was handed back.
        None => FaultKind::Output,
    };
    (kind, cause.chars().take(256).collect())
}

fn bounded(limits: &Limits) -> Limits {
    let mut limits = *limits;
    limits.memory_bytes = limits.memory_bytes.min(MAX_MEMORY_BYTES as u64);
    limits
}

fn describe(recipe: &Recipe) -> Result<Facts, LoadError> {
    let mut warm = recipe.instantiate()?;
    let _running = recipe.runtime.begin_call();
    let info = warm
        .guest
        .clawdefender_detector_api()
        .call_describe(&mut warm.store)
        .map_err(|error| LoadError::Instantiate(error.root_cause().to_string()))?;
    let plain = |word: &str| {
        !word.is_empty()
            && word.len() <= 64
            && word
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._".contains(&b))
    };
    if !plain(&info.id) {
        return Err(LoadError::Facts("its id is not `[a-z0-9._-]{1,64}`".into()));
    }
    if info.version.len() > 64 || info.rules.len() > 512 || info.kinds.len() > 64 {
        return Err(LoadError::Facts(
            "version, rules or kinds are too long".into(),
        ));
    }
    let prefix = format!("{}.", info.id);
    for rule in &info.rules {
        if !rule.id.starts_with(&prefix) || rule.id.len() > 128 || rule.summary.len() > 512 {
            return Err(LoadError::Facts(format!(
                "a rule id does not begin with `{prefix}` or is too long"
            )));
        }
    }
    Ok(Facts {
        rules: info.rules.iter().map(|rule| rule.id.clone()).collect(),
        summaries: info
            .rules
            .into_iter()
            .map(|rule| (rule.id, rule.summary))
            .collect(),
        kinds: info
            .kinds
            .iter()
            .map(|kind| lower::kind_word(kind).to_owned())
            .collect(),
        history: usize::try_from(info.history)
            .unwrap_or(usize::MAX)
            .min(MAX_HISTORY),
        memo_bytes: usize::try_from(info.memo_bytes)
            .unwrap_or(usize::MAX)
            .min(MAX_MEMO_BYTES),
        id: info.id,
        version: info.version,
    })
}
