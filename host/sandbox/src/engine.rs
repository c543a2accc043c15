//! The wasmtime configuration, the epoch ticker, and how fast this machine burns fuel.

use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use wasmtime::{
    Config, Enabled, Engine as Wasmtime, InstanceAllocationStrategy, Module, OperatorCost, OptLevel,
    PoolingAllocationConfig, Store,
};

use super::aside;
use super::cache::{self, Cache, CacheError, Key, SHA256_BYTES};
use super::cpu;
use super::epoch::{Epoch, Event, IDLE_TICKS};
use super::functions::Functions;
use super::loading::{Children, Start};
use super::pages::PageMap;
use super::pool::Keeper;
use super::system::{NOT_EXECUTABLE, is_not_executable, is_out_of_space};
use crate::limits::{CacheSettings, EngineLimits, Fuel, Loading, LoadingLimits, MemoryReset, PluginLimits};

/// Stack of one call on the host's thread, in bytes. Well below the 2 MiB that tokio gives its threads.
const STACK_BYTES_MAX: usize = 512 * 1024;

/// The engines that all plugins share, and the thread that advances the epoch, which ends when the engine and all
/// plugins are dropped.
///
/// There are two, because configuring and deciding have different needs: a plugin is configured once, in memory that is
/// allocated for it and then freed; decisions run from the snapshot, in a pool of memories. Both use the same compiler
/// settings, and each reuses what the other has compiled.
#[derive(Debug)]
pub struct Engine {
    configure: Wasmtime,
    call: Wasmtime,
    memory_reset: MemoryReset,
    keeper: Option<Arc<Keeper>>,
    functions: Arc<Functions>,
    cache: Option<Cache>,
    /// Child processes that prepare modules; `None`: this process does.
    children: Option<Children>,
    /// Common prefix of the keys of compiled modules.
    program: [u8; SHA256_BYTES],
    fuel_per_ms: u64,
    /// How sure that is; see [`Calibration`].
    spread_percent: u64,
    /// How many calls can be on workers at the same time.
    calls_at_once: usize,
    epoch: Arc<Epoch>,
}

/// What went wrong while the engine was set up.
#[derive(Debug, thiserror::Error)]
#[error("wasmtime cannot be set up: {}", self.advice())]
pub struct EngineError(#[from] wasmtime::Error);

impl EngineError {
    /// What to do about it.
    fn advice(&self) -> &'static str {
        let words = format!("{:#}", self.0);
        if is_not_executable(&words) {
            return NOT_EXECUTABLE;
        }
        match is_out_of_space(&words) {
            true => {
                "there is too little address space even for one call at a time, which takes 4 GiB and as much for each \
                 core, reserved and not used: raise or remove `ulimit -v` (LimitAS= of systemd), and set \
                 vm.overcommit_memory to 0 or 1"
            }
            false => "lower `memory_bytes_max`, `calls_at_once_max` or `kept_instances_max` under [limits]",
        }
    }
}

impl Engine {
    /// Sets up both engines, calibrates fuel and starts the ticker.
    ///
    /// # Errors
    /// If the address space does not hold the pool, or no thread can be started.
    pub fn new(limits: &EngineLimits) -> Result<Self, EngineError> {
        Self::idle_after(limits, IDLE_TICKS)
    }

    /// The same, but the ticker sleeps after `idle_ticks` ticks without a call.
    pub(crate) fn idle_after(limits: &EngineLimits, idle_ticks: u32) -> Result<Self, EngineError> {
        let functions = Arc::default();
        let configure = Wasmtime::new(&remembering(&functions)?)?;
        let (limits, (call, memory_reset, keeper)) = fitting(limits, &functions)?;
        let calls_at_once = limits.calls_at_once_max.get();
        let Calibration { fuel_per_ms, spread_percent } = match limits.fuel_per_ms {
            Some(pinned) => Calibration { fuel_per_ms: pinned.get(), spread_percent: 0 },
            None => calibrate(&call)?,
        };
        let epoch = epoch([configure.clone(), call.clone()], idle_ticks)?;
        let program = cache::program([&configure, &call]);
        let (cache, children) = (None, None);
        Ok(Self {
            configure,
            call,
            memory_reset,
            keeper,
            functions,
            cache,
            children,
            program,
            fuel_per_ms,
            spread_percent,
            calls_at_once,
            epoch,
        })
    }

    /// An engine that only prepares modules for other processes to call: it has no pool, no ticker (fuel and the
    /// process's own limits bound guests), and only one wasmtime engine, with the same compiler settings as the other
    /// two.
    pub(crate) fn for_loading() -> Result<Self, EngineError> {
        let functions = Arc::default();
        let engine = Wasmtime::new(&remembering(&functions)?)?;
        Ok(Self {
            configure: engine.clone(),
            program: cache::program([&engine, &engine]),
            epoch: Arc::new(Epoch::start(IDLE_TICKS, |_| {}).map_err(wasmtime::Error::from)?),
            call: engine,
            memory_reset: MemoryReset::Unmap,
            keeper: None,
            functions,
            cache: None,
            children: None,
            fuel_per_ms: u64::MAX,
            spread_percent: 0,
            calls_at_once: 1,
        })
    }

    /// Has modules prepared there from now on, within these limits if it is not in this process. `at_once` are loaded
    /// at the same time, and share the cores.
    pub fn load_in(&mut self, loading: Loading, limits: &LoadingLimits, at_once: usize) {
        let threads = std::thread::available_parallelism().map_or(1, usize::from) / at_once.max(1);
        self.children = match loading {
            Loading::InThisProcess => None,
            Loading::InChildren { program, arguments, environment } => {
                let start = Start { program, arguments, environment, threads: threads.max(1) };
                Some(Children::new(start, *limits))
            }
        };
    }

    pub(crate) fn children(&self) -> Option<&Children> {
        self.children.as_ref()
    }

    /// The key of a module that is configured with these settings.
    pub(crate) fn key(&self, module: &[u8], settings: &str, limits: &PluginLimits) -> Key {
        Key::new(&self.program, module, settings, limits)
    }

    /// From now on, loads compiled plugins from the folder named in these settings, and keeps them there.
    ///
    /// # Errors
    /// If that folder cannot be used; the engine then works without a cache.
    pub fn open_cache(&mut self, settings: &CacheSettings) -> Result<(), CacheError> {
        self.cache = Cache::open(settings)?;
        Ok(())
    }

    /// Where compiled plugins are kept; `None`: nowhere.
    pub fn cache(&self) -> Option<&Cache> {
        self.cache.as_ref()
    }

    /// Frees the memory and ends the processes needed only for loading plugins. More plugins can still be loaded.
    pub fn forget_functions(&self) {
        if let Some(children) = &self.children {
            children.end();
        }
        self.functions.forget();
    }

    #[cfg(test)]
    pub(crate) fn functions(&self) -> &Functions {
        &self.functions
    }

    pub(crate) fn for_configure(&self) -> &Wasmtime {
        &self.configure
    }

    pub(crate) fn for_calls(&self) -> &Wasmtime {
        &self.call
    }

    /// Keeps instances between calls; `None`: each call gets a new one.
    pub(crate) fn keeper(&self) -> Option<Arc<Keeper>> {
        self.keeper.clone()
    }

    /// Advances the epoch of both engines while calls run.
    pub(crate) fn epoch(&self) -> &Arc<Epoch> {
        &self.epoch
    }

    /// Whether this system was found to misreport which pages a call has changed, so that no instance is kept any more
    /// although `memory_reset` is [`MemoryReset::Keep`]. This lasts until the host is restarted, and it deserves an
    /// alert: until it was noticed, a call may have seen data from an earlier call of the same plugin.
    pub fn is_distrusted(&self) -> bool {
        self.keeper.as_ref().is_some_and(|keeper| keeper.is_distrusted())
    }

    /// An engine for profiles: it counts the same fuel, and has twice the stack, because hooks make frames larger and
    /// the profiled call must not overflow where the original did not.
    #[cfg(feature = "profile")]
    pub(crate) fn for_profiles() -> Result<Wasmtime, wasmtime::Error> {
        Wasmtime::new(basics().max_wasm_stack(2 * STACK_BYTES_MAX))
    }

    /// Logs once which memory reset was chosen.
    pub fn log_memory_reset(&self) {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            tracing::info!(
                memory_reset = self.memory_reset().name(),
                fuel_per_ms = self.fuel_per_ms(),
                spread_percent = self.spread_percent,
                calls_at_once = self.calls_at_once(),
                "sandbox is set up"
            );
            if self.spread_percent > SPREAD_PERCENT_MAX {
                tracing::info!(
                    spread_percent = self.spread_percent,
                    "this machine is too busy to measure `fuel_per_ms` well: if plugins run out of time although they \
                     burn little, set it under [limits]"
                );
            }
        });
    }

    /// How memory is restored to the snapshot between calls; never [`MemoryReset::Auto`].
    pub fn memory_reset(&self) -> MemoryReset {
        self.memory_reset
    }

    /// Fuel that a guest burns per millisecond on this machine.
    pub fn fuel_per_ms(&self) -> u64 {
        self.fuel_per_ms
    }

    /// How many calls can be on workers at the same time: `calls_at_once_max`, or fewer if the address space does not
    /// hold as many.
    #[must_use]
    pub fn calls_at_once(&self) -> usize {
        self.calls_at_once
    }

    /// How many more background calls can run on workers concurrently.
    #[must_use]
    pub fn calls_behind(&self) -> usize {
        CALLS_BEHIND
    }

    /// The most fuel that can be burnt in `time`.
    pub fn fuel_within(&self, time: Duration) -> Fuel {
        let fuel = u128::from(self.fuel_per_ms) * time.as_micros() / 1000;
        Fuel(u64::try_from(fuel).unwrap_or(u64::MAX))
    }

    /// About how long `fuel` lasts.
    pub fn time_for(&self, fuel: Fuel) -> Duration {
        Duration::from_millis(fuel.0 / self.fuel_per_ms)
    }
}

/// A wider spread of the calibration is worth a line: the figure may be too low by as much.
const SPREAD_PERCENT_MAX: u64 = 50;

/// Starts the epoch of two engines, which sleeps after `idle_ticks` ticks without a call.
fn epoch(engines: [Wasmtime; 2], idle_ticks: u32) -> wasmtime::Result<Arc<Epoch>> {
    let move_on = move |event| {
        if event == Event::Ticks {
            engines.iter().for_each(Wasmtime::increment_epoch);
        }
    };
    Ok(Arc::new(Epoch::start(idle_ticks, move_on)?))
}

/// Configuration shared by both engines: the three guards are on, and every wasm proposal that rustc does not emit for
/// `wasm32-unknown-unknown` is off, so that modules use only features that are measured and tested here.
fn basics() -> Config {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .operator_cost(costs())
        .epoch_interruption(true)
        .max_wasm_stack(STACK_BYTES_MAX)
        .cranelift_opt_level(OptLevel::Speed)
        // The same input gives the same reply on every machine, including the bits of a NaN.
        .cranelift_nan_canonicalization(true)
        .concurrency_support(false)
        // A trap is reported by its kind and the plugin's last words; addresses are not needed.
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .native_unwind_info(false)
        .wasm_tail_call(false)
        .wasm_features(wasmparser::WasmFeatures::FUNCTION_REFERENCES, false)
        .wasm_relaxed_simd(false)
        .wasm_multi_memory(false)
        .wasm_memory64(false)
        .wasm_extended_const(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false);
    config
}

/// The fuel cost of instructions: one unit each, wasmtime's default, except for two that call into the host.
///
/// Bulk instructions also cost one unit per byte or element, charged in advance, and check the epoch at that point: at
/// most `memory_bytes_max` is written between two checks, 64 MiB in about 10 ms. So only their fixed cost is missing:
/// measured, `memory.grow` takes 0.1 us even if it asks for nothing, and 0.2 us if it is refused; `memory.fill` takes
/// 0.2 us even for zero bytes. (`memory.copy` and `memory.init` take 3 ns for zero bytes. The cost of tables and
/// segments does not matter: modules that change them are rejected.) Pages of a grown memory are paid for when they are
/// touched, which fuel does not measure.
fn costs() -> OperatorCost {
    OperatorCost { MemoryGrow: u8::MAX, MemoryFill: 100, ..OperatorCost::new() }
}

/// The same, for an engine that reuses compiled functions from this store and adds those it compiles.
fn remembering(functions: &Arc<Functions>) -> Result<Config, wasmtime::Error> {
    let mut config = basics();
    config.enable_incremental_compilation(Arc::<Functions>::clone(functions))?;
    Ok(config)
}

/// The engine for calls, and how it restores memory.
type ForCalls = (Wasmtime, MemoryReset, Option<Arc<Keeper>>);

/// The engine for calls within these limits; if the address space does not hold its pool, within smaller ones.
///
/// A slot reserves 4 GiB. Some systems give a process little address space, or count what is only reserved: 39 bits on
/// many boards with ARM processors, `ulimit -v`, `vm.overcommit_memory = 2`. What can be reserved is found by trying.
fn fitting(limits: &EngineLimits, functions: &Arc<Functions>) -> Result<(EngineLimits, ForCalls), wasmtime::Error> {
    let mut fitting = limits.clone();
    let engine = loop {
        match for_calls(&fitting, functions) {
            Err(error) if is_out_of_space(&format!("{error:#}")) && fitting.halve() => {}
            ended => break ended?,
        }
    };
    if fitting.kept_instances_max < limits.kept_instances_max {
        tracing::warn!(
            kept_instances_max = fitting.kept_instances_max,
            calls_at_once_max = fitting.calls_at_once_max,
            "there is too little address space (`ulimit -v`, vm.overcommit_memory, or few bits): fewer instances are kept, \
             and fewer calls made at the same time"
        );
    }
    Ok((fitting, engine))
}

fn for_calls(limits: &EngineLimits, functions: &Arc<Functions>) -> Result<ForCalls, wasmtime::Error> {
    let engine = |memory_reset| {
        let pool = InstanceAllocationStrategy::Pooling(pool(limits, memory_reset));
        Wasmtime::new(remembering(functions)?.allocation_strategy(pool))
    };
    let wanted = limits.memory_reset;
    // Without room for an instance there is nothing to keep, and no slots are needed for those that are restored.
    let keeps = limits.kept_instances_max > 0 && wanted == MemoryReset::Auto || wanted == MemoryReset::Keep;
    if keeps {
        let call = engine(MemoryReset::Keep)?;
        if let Some(map) = PageMap::open(|map| sees_writes(&call, map)) {
            let keeper = Keeper::new(map, limits.kept_instances_max)?;
            return Ok((call, MemoryReset::Keep, Some(Arc::new(keeper))));
        }
        if wanted == MemoryReset::Keep {
            wasmtime::bail!("`memory_reset` cannot be \"keep\": this system does not tell which pages were changed");
        }
    }
    let memory_reset = match wanted {
        // The scan needs Linux 6.7, and misses pages that were swapped out. On older kernels or with swap, memory is
        // returned to the system after each call, which is slower but always correct.
        MemoryReset::Auto if PoolingAllocationConfig::is_pagemap_scan_available() && !swap_is_active() => {
            MemoryReset::Scan
        }
        MemoryReset::Auto => MemoryReset::Unmap,
        chosen => chosen,
    };
    Ok((engine(memory_reset)?, memory_reset, None))
}

/// Four pages of memory, the first of them with data: `(memory (export "m") 4) (data (i32.const 0) "x")`.
const TRIAL_GUEST: &[u8] = b"\0asm\x01\0\0\0\x05\x03\x01\0\x04\x07\x05\x01\x01m\x02\0\x0b\x07\x01\0\x41\0\x0b\x01x";

/// Whether the page map shows writes to a guest's memory, as it is mapped here.
fn sees_writes(engine: &Wasmtime, map: &PageMap) -> bool {
    let trial = || {
        let module = Module::new(engine, TRIAL_GUEST)?;
        let mut store = Store::new(engine, ());
        let instance = wasmtime::Instance::new(&mut store, &module, &[])?;
        let memory = instance.get_memory(&mut store, "m").ok_or_else(|| wasmtime::Error::msg("no memory"))?;
        Ok::<_, wasmtime::Error>(map.sees_writes(memory.data_mut(&mut store)))
    };
    trial().unwrap_or(false)
}

/// Calls at the same time on threads that get what the others leave; see [`Plugin::patient_budget`](crate::Plugin).
const SPARE_CALLS: usize = 1;

/// Maximum number of concurrent background calls on workers, in addition to `calls_at_once_max`.
const CALLS_BEHIND: usize = 1;

fn pool(limits: &EngineLimits, memory_reset: MemoryReset) -> PoolingAllocationConfig {
    let kept_max = if memory_reset == MemoryReset::Keep { limits.kept_instances_max } else { 0 };
    // A second slot for each call, from which the snapshot's own pages may have to be read.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let calls =
        (limits.calls_at_once_max.get() + CALLS_BEHIND + SPARE_CALLS + cores) * if kept_max > 0 { 2 } else { 1 };
    let waiting = if memory_reset == MemoryReset::Keep { aside::waiting_max() } else { 0 };
    // Slots for trial calls of plugins that are loaded while others are in service.
    let trials = cores.min(TRIALS_MAX);
    let slots = u32::try_from(calls + kept_max + waiting + trials).unwrap_or(u32::MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(slots)
        .total_memories(slots)
        .total_tables(slots)
        .max_memories_per_module(1)
        .max_tables_per_module(1)
        .max_memory_size(limits.memory_bytes_largest)
        .table_elements(limits.table_elements_max)
        .max_core_instance_size(256 * 1024)
        .max_unused_warm_slots(slots);
    if memory_reset == MemoryReset::Scan {
        // Pages that a call has touched stay mapped and are restored from the snapshot, so the next call has no page
        // fault. After a call that dirtied more than this, the rest is returned to the system.
        pool.pagemap_scan(Enabled::Yes).linear_memory_keep_resident(1 << 20).table_keep_resident(1 << 16);
    }
    pool
}

/// Instances that are made on trial at the same time, at most: the loader loads one plugin per core, and no more than
/// this.
const TRIALS_MAX: usize = 8;

/// Whether any swap area is in use; true if that cannot be determined.
fn swap_is_active() -> bool {
    // One header line, then one line per area.
    std::fs::read_to_string("/proc/swaps").map_or(true, |swaps| swaps.lines().count() > 1)
}

/// Guests that burn fuel in different ways; the slowest counts, so that a fuel budget never lasts longer than the time
/// left.
///
/// In text: `(func (export "f") (local i32) (loop (local.set 0 (i32.add (local.get 0) (i32.const 1))) (br 0)))`, the
/// same with `i32.mul` by 3, and one that walks through 64 KiB of memory in steps of 4104 bytes: `(local.set 0 (i32.add
/// (i32.add (local.get 0) (i32.load (i32.and (local.get 0) (i32.const 65528)))) (i32.const 4104)))`.
const CALIBRATION_GUESTS: [&[u8]; 3] = [
    b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x05\x01\x01f\0\0\x0a\x12\x01\x10\x01\x01\x7f\x03\x40\x20\0\x41\x01\x6a\x21\0\x0c\0\x0b\x0b",
    b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x05\x01\x01f\0\0\x0a\x12\x01\x10\x01\x01\x7f\x03\x40\x20\0\x41\x03\x6c\x21\0\x0c\0\x0b\x0b",
    b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x05\x03\x01\0\x01\x07\x05\x01\x01f\0\0\x0a\x1e\x01\x1c\x01\x01\x7f\x03\x40\x20\0\x20\0\x41\xf8\xff\x03\x71\x28\x02\0\x6a\x41\x88\x20\x6a\x21\0\x0c\0\x0b\x0b",
];

/// Fuel for one calibration run: some tenths of a millisecond, long enough to drown the call itself, and short enough
/// to be left alone by a busy machine now and then.
const CALIBRATION_FUEL: u64 = 500_000;

/// Runs of each guest.
const CALIBRATION_RUNS: usize = 15;

/// How much fuel this machine burns in a millisecond, and how far apart the runs were.
#[derive(Debug, Clone, Copy)]
struct Calibration {
    fuel_per_ms: u64,
    /// How much longer half of the runs took than the fastest one, in percent: the larger, the busier the machine was,
    /// and the less sure is the figure.
    spread_percent: u64,
}

fn calibrate(engine: &Wasmtime) -> Result<Calibration, wasmtime::Error> {
    let (mut slowest, mut spread_percent) = (u64::MAX, 0);
    for guest in CALIBRATION_GUESTS {
        let module = Module::new(engine, guest)?;
        let mut runs = Vec::with_capacity(CALIBRATION_RUNS);
        for _ in 0..CALIBRATION_RUNS {
            let mut store = Store::new(engine, ());
            store.set_epoch_deadline(u64::MAX / 2);
            store.set_fuel(CALIBRATION_FUEL)?;
            let instance = wasmtime::Instance::new(&mut store, &module, &[])?;
            let spin = instance.get_typed_func::<(), ()>(&mut store, "f")?;
            // CPU time, which stands still while the thread waits for a core; where it cannot be had, or is coarse, the
            // clock.
            let (started, cpu_before) = (Instant::now(), cpu::of_this_thread());
            // The guest never returns; it runs out of fuel.
            let _ = spin.call(&mut store, ());
            let (wall, cpu) = (started.elapsed(), cpu::of_this_thread().saturating_sub(cpu_before));
            runs.push(if cpu.is_zero() { wall } else { cpu.min(wall) });
        }
        runs.sort_unstable();
        // The best of many: a run that others have slowed down says nothing about the machine.
        let nanos = |run: Option<&Duration>| {
            run.map_or(u64::MAX, |run| u64::try_from(run.as_nanos()).unwrap_or(u64::MAX)).max(1)
        };
        let (fastest, median) = (nanos(runs.first()), nanos(runs.get(runs.len() / 2)));
        slowest = slowest.min(CALIBRATION_FUEL.saturating_mul(1_000_000) / fastest);
        spread_percent = spread_percent.max(median.saturating_sub(fastest).saturating_mul(100) / fastest);
    }
    Ok(Calibration { fuel_per_ms: slowest.max(1), spread_percent })
}
