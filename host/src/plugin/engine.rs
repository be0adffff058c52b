//! The one wasmtime engine of the process and the clock that ends calls which run too long.
//!
//! Settings are those measured for warm component instances: pooling allocator, copy-on-write
//! memory, epochs instead of fuel. No detector code is chosen or run here.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
};

/// How long one epoch tick lasts. Chosen: a deadline may be overrun by one tick.
pub const TICK: Duration = Duration::from_millis(2);

/// Ticks without a call after which the ticker sleeps, so that an idle daemon does not wake up.
const IDLE_TICKS: u32 = 500;

/// Most memory a detector may ever be given, whatever its manifest says.
pub const MAX_MEMORY_BYTES: usize = 64 << 20;

/// Most warm instances of one detector. Chosen: each call takes less than a millisecond, an instance
/// up to some 13 MiB, and what agents ask for is far less than four at once.
pub const MAX_INSTANCES: usize = 4;

/// Most detectors of all feeds together.
pub const MAX_DETECTORS: usize = 24;

/// How many sets of detectors exist at once: what runs, a change that is tried out, and the same
/// with the user's own chains; and one more whose last calls are not over.
const SETS: usize = 4;

/// Most instances at once; beside the warm ones each detector is asked once what it is.
const ALL_INSTANCES: u32 = ((MAX_INSTANCES + 1) * MAX_DETECTORS * SETS) as u32;

/// The engine, with its ticker.
pub struct Runtime {
    engine: Engine,
    begun: AtomicU64,
    running: AtomicU64,
    asleep: AtomicBool,
    ticker: OnceLock<std::thread::Thread>,
}

impl Runtime {
    /// The process's runtime, made on first use.
    ///
    /// # Errors
    /// When the machine can't give the address space or lacks what Cranelift needs.
    pub fn shared() -> Result<&'static Self, wasmtime::Error> {
        static SHARED: OnceLock<Runtime> = OnceLock::new();
        if let Some(runtime) = SHARED.get() {
            return Ok(runtime);
        }
        let engine = Engine::new(&config())?;
        let runtime = SHARED.get_or_init(|| Runtime {
            engine,
            begun: AtomicU64::new(0),
            running: AtomicU64::new(0),
            asleep: AtomicBool::new(true),
            ticker: OnceLock::new(),
        });
        runtime.ticker.get_or_init(|| {
            let spawned = std::thread::Builder::new()
                .name("epoch".into())
                .spawn(move || runtime.tick());
            match spawned {
                Ok(handle) => handle.thread().clone(),
                // Without a ticker no deadline would ever fire, so nothing may run.
                Err(_) => std::process::abort(),
            }
        });
        Ok(runtime)
    }

    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Says that a call begins: the deadline clock runs from here on, until what is returned is gone.
    #[must_use]
    pub fn begin_call(&'static self) -> Running {
        self.running.fetch_add(1, Ordering::SeqCst);
        self.begun.fetch_add(1, Ordering::SeqCst);
        if self.asleep.load(Ordering::SeqCst)
            && let Some(thread) = self.ticker.get()
        {
            thread.unpark();
        }
        Running(&self.running)
    }

    fn tick(&self) {
        let mut seen = u64::MAX;
        let mut idle = 0;
        loop {
            let begun = self.begun.load(Ordering::SeqCst);
            let running = self.running.load(Ordering::SeqCst) > 0;
            idle = if begun == seen && !running {
                idle + 1
            } else {
                0
            };
            seen = begun;
            if idle >= IDLE_TICKS {
                self.asleep.store(true, Ordering::SeqCst);
                // A call that began between the load and the store is not slept through.
                if self.begun.load(Ordering::SeqCst) == seen {
                    std::thread::park();
                }
                idle = 0;
            }
            self.asleep.store(false, Ordering::SeqCst);
            std::thread::sleep(TICK);
            self.engine.increment_epoch();
        }
    }
}

/// A call that is under way.
pub struct Running(&'static AtomicU64);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn config() -> Config {
    let mut pool = PoolingAllocationConfig::default();
    // Addresses, not memory: nothing is held of what no detector uses.
    pool.total_component_instances(ALL_INSTANCES)
        .total_core_instances(ALL_INSTANCES * 4)
        .total_memories(ALL_INSTANCES)
        .total_tables(ALL_INSTANCES * 4)
        // One, because what a detector may have is a limit of its memory.
        .max_memories_per_component(1)
        .max_core_instances_per_component(8)
        .max_memory_size(MAX_MEMORY_BYTES)
        .linear_memory_keep_resident(1 << 20)
        .table_keep_resident(64 << 10)
        .max_unused_warm_slots(64)
        .pagemap_scan(Enabled::Auto);
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .epoch_interruption(true)
        .cranelift_opt_level(OptLevel::Speed)
        .memory_init_cow(true)
        .max_wasm_stack(512 << 10)
        .memory_reservation(4 << 30)
        .memory_guard_size(32 << 20)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}
