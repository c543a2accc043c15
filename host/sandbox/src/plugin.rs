//! A plugin: loaded once, called many times. The only way to wasmtime.

use std::sync::Arc;
use std::time::Duration;

use callgate_catalogue::wire::Manifest;
use wasmtime::Module;

use crate::abi::Function;
use crate::budget::{Brief, Budget, Usage};
use crate::cache::{self, Key};
use crate::call;
use crate::cancel::Cancel;
use crate::engine::Engine;
use crate::fault::{Fault, FuelCut, FuelKey};
use crate::guest::{Code, Guest};
use crate::limits::{Fuel, PluginLimits};
use crate::load::{self, Checked, LoadError};
use crate::pool::Pool;
use crate::snapshot;

/// A configured plugin, ready to be called from any thread.
pub struct Plugin {
    name: Arc<str>,
    limits: PluginLimits,
    prepared: Arc<Prepared>,
}

/// Maximum size of the memory that `configure` leaves, for calls to be brief.
const BRIEF_MEMORY_BYTES_MAX: usize = 16 << 20;

/// How many times the wall time of a call it has with [`Plugin::patient_budget`].
const PATIENCE: u32 = 8;

/// A `configure` that takes longer than this is worth a line of the log.
const CONFIGURE_TOLD: Duration = Duration::from_secs(1);

/// Where a plugin's compiled code came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was configured and compiled.
    Compiled,
    /// It was loaded from the cache.
    Cache,
}

/// Shared by plugins with the same module, settings and limits.
struct Prepared {
    origin: Origin,
    manifest: Manifest,
    pool: Pool,
    /// Size of the memory with which each call starts.
    memory_bytes: usize,
}

impl Plugin {
    /// Checks a module, configures it with `settings` (a JSON object) and keeps the result for calls. If the engine has
    /// a cache, the configured and compiled module is loaded from it, or stored in it.
    ///
    /// # Errors
    /// What is wrong with the module, or why it cannot work with these settings.
    pub fn load(
        engine: &Engine,
        name: &str,
        module: &[u8],
        sha256: Option<&str>,
        settings: &str,
        limits: &PluginLimits,
    ) -> Result<Self, LoadError> {
        let checked = load::check(module, limits, sha256)?;
        let prepare = |error: wasmtime::Error| LoadError::Prepare { why: snapshot::words(&error) };
        let key = engine.key(checked.bytes, settings, limits);
        let found = engine.cache().and_then(|cache| cache.find(&key, engine.for_calls()));
        let (module, compiled) = match found {
            Some(module) => (module, None),
            None => {
                let (module, entry, configured_in) = compile(engine, &key, &checked, settings, limits)?;
                if configured_in > CONFIGURE_TOLD {
                    let configure_ms = u64::try_from(configured_in.as_millis()).unwrap_or(u64::MAX);
                    tracing::info!(
                        plugin = name,
                        configure_ms,
                        "`configure` took long; the cache spares the next start from that, unless the module or its \
                         settings change"
                    );
                }
                (module, Some(entry))
            }
        };
        let origin = if compiled.is_some() { Origin::Compiled } else { Origin::Cache };
        let manifest = checked.manifest;
        let code = Code::new(engine.epoch(), &module).map_err(prepare)?;
        // Check now, rather than at the first callback, that an instance can be made within these limits.
        let trial = budget(engine, limits, FuelKey::PerCall, limits.call_within);
        let guest = Guest::enter(&code, limits, trial, &code.run()).map_err(|denied| prepare(denied.error))?;
        let memory_bytes = guest.memory().len();
        drop(guest);
        let pool = Pool::new(engine.keeper(), code, limits);
        let plugin = Self {
            name: name.into(),
            limits: limits.clone(),
            prepared: Arc::new(Prepared { pool, origin, manifest, memory_bytes }),
        };
        // Only usable results are cached: failures are reported afresh each time.
        if let (Some(cache), Some(entry)) = (engine.cache(), compiled) {
            cache.keep(&key, &entry);
        }
        Ok(plugin)
    }

    /// Checks a module as [`Plugin::load`] does, as far as that is possible without settings.
    ///
    /// # Errors
    /// What is wrong with the module.
    pub fn check(engine: &Engine, module: &[u8], limits: &PluginLimits) -> Result<Manifest, LoadError> {
        let checked = load::check(module, limits, None)?;
        Module::validate(engine.for_calls(), checked.bytes)
            .map_err(|error| LoadError::Invalid { why: snapshot::words(&error) })?;
        Ok(checked.manifest)
    }

    /// The same plugin under another name, without preparing it again: compiled code, snapshot and kept instances are
    /// shared.
    pub fn with_name(&self, name: &str) -> Self {
        Self { name: name.into(), limits: self.limits.clone(), prepared: Arc::clone(&self.prepared) }
    }

    /// The same plugin under another name, with instances of its own: calls of the one leave those of the other as they
    /// are. Compiled code and snapshot are shared.
    pub fn apart(&self, name: &str) -> Self {
        let Prepared { pool, origin, manifest, memory_bytes } = &*self.prepared;
        let (pool, manifest) = (pool.apart(), manifest.clone());
        let prepared = Prepared { pool, origin: *origin, manifest, memory_bytes: *memory_bytes };
        Self { name: name.into(), limits: self.limits.clone(), prepared: Arc::new(prepared) }
    }

    /// Its name in the settings.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The module's manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.prepared.manifest
    }

    /// Where its compiled code came from.
    pub fn origin(&self) -> Origin {
        self.prepared.origin
    }

    /// Its limits.
    pub fn limits(&self) -> &PluginLimits {
        &self.limits
    }

    /// The budget of one call when `remaining` is left until the answer is due.
    pub fn budget(&self, engine: &Engine, remaining: Duration) -> Budget {
        budget(engine, &self.limits, FuelKey::PerCall, remaining)
    }

    /// The budget of one background call, when `remaining` is left: `within` and `fuel` replace the
    /// plugin's own `call_within` and `fuel_per_call`.
    pub fn budget_for_work(&self, engine: &Engine, remaining: Duration, within: Duration, fuel: Fuel) -> Budget {
        let limits = PluginLimits { fuel_per_call: fuel, call_within: within, ..self.limits.clone() };
        budget(engine, &limits, FuelKey::PerWork, remaining)
    }

    /// The budget of a call on a thread of the lowest priority: as much fuel as a call with all of its time
    /// has, and more wall time, because such a thread may be paused at any moment.
    pub fn patient_budget(&self, engine: &Engine) -> Budget {
        let budget = self.budget(engine, self.limits.call_within);
        Budget { within: budget.within.saturating_mul(PATIENCE), ..budget }
    }

    /// Whether brief calls of this plugin are bounded well enough for a thread that other callbacks wait for.
    ///
    /// A single instruction can write to all of a memory, with a page fault for each page. The size of the memory
    /// therefore bounds what neither fuel nor the epoch measures: 16 MiB are 4096 page faults, about 5 ms.
    #[must_use]
    pub fn can_be_brief(&self) -> bool {
        self.prepared.memory_bytes <= BRIEF_MEMORY_BYTES_MAX
    }

    /// Passes in one callback as [`Plugin::ask`] does, on a thread that other callbacks wait for: the call has
    /// `within`, and the fuel that fits into it; it must not grow its memory; and its reply must be short enough to be
    /// read quickly. A call within these bounds ends as it would with a full budget.
    pub fn ask_briefly<T>(
        &self,
        engine: &Engine,
        function: Function,
        parts: &[&str],
        within: Duration,
        read: impl FnOnce(&[u8]) -> T,
    ) -> (Brief<T>, Usage) {
        let budget = Budget { is_brief: true, ..self.budget(engine, within) };
        call::run(&self.prepared.pool, function, parts, budget, None, read)
    }

    /// Passes in one callback, the concatenation of `parts`, and calls `read` with the reply. If `cancel` is cancelled,
    /// the call ends within some milliseconds, with [`Fault::OutOfTime`].
    pub fn ask<T>(
        &self,
        function: Function,
        parts: &[&str],
        budget: Budget,
        cancel: Option<&Cancel>,
        read: impl FnOnce(&[u8]) -> T,
    ) -> (Result<T, Fault>, Usage) {
        call::call(&self.prepared.pool, function, parts, budget, cancel, read)
    }

    /// Whether it may need facts: whether it has [`Function::Needs`].
    #[must_use]
    pub fn has_needs(&self) -> bool {
        !self.manifest().facts.is_empty()
    }

    /// Asks which facts a callback needs. As [`Plugin::ask`], without a way to cancel it.
    pub fn needs<T>(&self, parts: &[&str], budget: Budget, read: impl FnOnce(&[u8]) -> T) -> (Result<T, Fault>, Usage) {
        self.ask(Function::Needs, parts, budget, None, read)
    }

    /// Asks for the verdict on a callback. As [`Plugin::ask`], without a way to cancel it.
    pub fn call<T>(&self, parts: &[&str], budget: Budget, read: impl FnOnce(&[u8]) -> T) -> (Result<T, Fault>, Usage) {
        self.ask(Function::Handle, parts, budget, None, read)
    }
}

fn budget(engine: &Engine, limits: &PluginLimits, key: FuelKey, remaining: Duration) -> Budget {
    let within = remaining.min(limits.call_within);
    let fuel_in_time = engine.fuel_within(within);
    let fuel_per_call = limits.fuel_per_call;
    let cut = (fuel_in_time < fuel_per_call).then(|| FuelCut {
        given: fuel_in_time,
        fuel_per_call,
        key,
        fuel_per_ms: engine.fuel_per_ms(),
    });
    Budget { fuel: fuel_in_time.min(fuel_per_call), key, cut, within, is_brief: false }
}

/// Configures and compiles a module, here or in a child process; also returns the compile cache entry, and how long
/// `configure` took.
fn compile(
    engine: &Engine,
    key: &Key,
    checked: &Checked<'_>,
    settings: &str,
    limits: &PluginLimits,
) -> Result<(Module, Vec<u8>, Duration), LoadError> {
    let failed = |error: wasmtime::Error| LoadError::Prepare { why: snapshot::words(&error) };
    let Some(children) = engine.children() else {
        let snapshot = snapshot::take(engine, checked, settings, limits)?;
        let module = Module::new(engine.for_calls(), snapshot.module).map_err(failed)?;
        let code = module.serialize().map_err(failed)?;
        return Ok((module, cache::entry(key.as_str(), &code), snapshot.configured_in));
    };
    let (entry, configured_in) = children.prepare(key, checked.bytes, settings, limits)?;
    let unfit = || LoadError::Process { why: "gave compiled code that does not fit".to_owned() };
    let module = cache::module_of(key, &entry, engine.for_calls()).ok_or_else(unfit)?.map_err(failed)?;
    Ok((module, entry, configured_in))
}

impl Origin {
    /// The name used in logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Compiled => "compiled",
            Self::Cache => "cache",
        }
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin").field("name", &self.name).field("manifest", self.manifest()).finish_non_exhaustive()
    }
}
