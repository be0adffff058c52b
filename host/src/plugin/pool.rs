//! Warm instances of one detector: configured once, used by one call at a time, never after a fault.

use super::bindings;
use super::deadline::{Deadline, ticks};
use super::detector::LoadError;
use super::engine::{Running, Runtime};
use clawdefender_trust::Limits;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use wasmtime::component::{Component, Linker};
use wasmtime::{ResourceLimiter, Store, Trap, UpdateDeadline};

/// Compiling patterns takes 20–90 ms measured; this leaves room for a loaded machine.
const CONFIGURE_DEADLINE: Duration = Duration::from_secs(10);

/// How long a call waits for an instance before it is a fault. Chosen: well below the 60 s after
/// which clients give up, and long enough that a busy machine is slow before it denies.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a fresh instance is tried after a fault before the slot is given up.
const REBUILD_TRIES: u32 = 5;

/// Cap on what a guest may hand back in one call, before the contract's own bounds. Lifting a
/// result is host work that epochs don't interrupt.
const CONFIGURE_HOSTCALL_FUEL: usize = 1 << 20;

/// What the store remembers about its guest.
pub(super) struct Guard {
    memory_bytes: usize,
    deadline: Deadline,
    /// A growth was refused: the trap that follows is about memory.
    pub(super) refused_memory: bool,
}

impl ResourceLimiter for Guard {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let fits = desired <= self.memory_bytes;
        self.refused_memory |= !fits;
        Ok(fits)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= 20_000)
    }
}

/// One configured instance.
pub(super) struct Warm {
    pub(super) store: Store<Guard>,
    pub(super) guest: bindings::Detector,
}

/// What an instance is made from; kept so that a fresh one can be made after a fault.
pub(super) struct Recipe {
    pub(super) runtime: &'static Runtime,
    pub(super) component: Component,
    pub(super) limits: Limits,
    pub(super) settings: Vec<(String, String)>,
    /// (kind, name, version, bytes) of each data artifact.
    pub(super) data: Vec<(String, String, String, Arc<[u8]>)>,
}

impl Warm {
    /// Says that a call begins that may use this much processor time.
    #[must_use]
    pub(super) fn begin(&mut self, runtime: &'static Runtime, processor: Duration) -> Running {
        self.store.data_mut().deadline = Deadline::from_now(processor);
        self.store.set_epoch_deadline(ticks(processor));
        runtime.begin_call()
    }
}

impl Recipe {
    /// A fresh instance, not yet configured.
    pub(super) fn instantiate(&self) -> Result<Warm, LoadError> {
        let memory_bytes = usize::try_from(self.limits.memory_bytes).unwrap_or(usize::MAX);
        let guard = Guard {
            memory_bytes,
            deadline: Deadline::from_now(CONFIGURE_DEADLINE),
            refused_memory: false,
        };
        let mut store = Store::new(self.runtime.engine(), guard);
        store.limiter(|guard| guard);
        store.set_hostcall_fuel(CONFIGURE_HOSTCALL_FUEL);
        store.epoch_deadline_callback(|store| match store.data().deadline.more() {
            Some(ticks) => Ok(UpdateDeadline::Continue(ticks)),
            None => Err(Trap::Interrupt.into()),
        });
        store.set_epoch_deadline(ticks(CONFIGURE_DEADLINE));
        let _running = self.runtime.begin_call();
        // An empty linker: there is nothing to reach.
        let linker = Linker::new(self.runtime.engine());
        let guest = bindings::Detector::instantiate(&mut store, &self.component, &linker)
            .map_err(|source| LoadError::Instantiate(source.to_string()))?;
        Ok(Warm { store, guest })
    }

    /// A fresh instance, configured and ready.
    pub(super) fn warm(&self) -> Result<Warm, LoadError> {
        let mut warm = self.instantiate()?;
        let settings: Vec<(&str, &str)> = self
            .settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let data: Vec<bindings::api::Blob<'_>> = self
            .data
            .iter()
            .map(|(kind, name, version, bytes)| bindings::api::Blob {
                kind,
                name,
                version,
                bytes,
            })
            .collect();
        let running = warm.begin(self.runtime, CONFIGURE_DEADLINE);
        warm.guest
            .clawdefender_detector_api()
            .call_configure(&mut warm.store, &settings, &data)
            .map_err(|source| LoadError::Configure(format!("it failed: {}", source.root_cause())))?
            .map_err(|reason| LoadError::Configure(reason.chars().take(512).collect()))?;
        drop(running);
        Ok(warm)
    }
}

/// The instances of one detector.
pub(super) struct Pool {
    recipe: Arc<Recipe>,
    state: Mutex<State>,
    freed: Condvar,
}

struct State {
    idle: Vec<Warm>,
    /// Instances that exist or are being rebuilt; 0 means every call is a fault.
    alive: usize,
}

impl Pool {
    /// Makes `size` configured instances.
    pub(super) fn fill(recipe: Recipe, size: usize) -> Result<Arc<Self>, LoadError> {
        let recipe = Arc::new(recipe);
        let idle = (0..size.max(1))
            .map(|_| recipe.warm())
            .collect::<Result<Vec<_>, _>>()?;
        let state = Mutex::new(State {
            alive: idle.len(),
            idle,
        });
        Ok(Arc::new(Self {
            recipe,
            state,
            freed: Condvar::new(),
        }))
    }

    pub(super) fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Takes an instance, waiting for one at most [`ACQUIRE_TIMEOUT`].
    pub(super) fn take(&self) -> Option<Warm> {
        let until = Instant::now() + ACQUIRE_TIMEOUT;
        let mut state = self.lock();
        loop {
            if let Some(warm) = state.idle.pop() {
                return Some(warm);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || state.alive == 0 {
                return None;
            }
            state = self
                .freed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Gives a healthy instance back.
    pub(super) fn give(&self, warm: Warm) {
        self.lock().idle.push(warm);
        self.freed.notify_one();
    }

    /// Replaces an instance that faulted, off the calling thread: configuring takes long.
    pub(super) fn replace(self: &Arc<Self>, broken: Warm) {
        drop(broken);
        let pool = Arc::clone(self);
        let spawned = std::thread::Builder::new()
            .name("detector-rebuild".into())
            .spawn(move || {
                for _ in 0..REBUILD_TRIES {
                    match pool.recipe.warm() {
                        Ok(warm) => return pool.give(warm),
                        Err(error) => tracing::error!(%error, "a fresh detector instance failed"),
                    }
                }
                pool.lock().alive -= 1;
                pool.freed.notify_all();
            });
        if spawned.is_err() {
            self.lock().alive -= 1;
            self.freed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
