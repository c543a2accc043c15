//! An instance of a plugin: called, and restored to the snapshot before it is called again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::{
    AsContextMut, Extern, Global, InstancePre, Memory, Module, ModuleExport, ResourceLimiter, Store, UpdateDeadline,
    Val,
};

use callgate_catalogue::wire::export;

use super::abi::{Abi, Crossing, Function, TextFunc, invalid};
use super::budget::Budget;
use super::cancel::{Cancel, LOOK_EVERY};
use super::cpu;
use super::epoch::{self, Epoch, Running};
use super::limits::Fuel;
use super::pages::{Glance, Originals, PageMap, Pages};
use crate::limits::PluginLimits;
use crate::reset::Reset;

/// The size to which a guest may grow, and whether it asked for more.
#[derive(Debug)]
pub(crate) struct Bounds {
    pub(crate) memory_bytes_max: usize,
    pub(crate) table_elements_max: usize,
    pub(crate) memory_denied: bool,
    /// Whether the running call is brief: memory growth causes page faults, so it ends such a call.
    is_brief: bool,
    /// The thread's CPU time when a brief call had used up its wall time.
    cpu_at_deadline: Option<Duration>,
    /// When the time of a call that is not brief is over.
    until: Option<Instant>,
    /// Ends a call that is not brief sooner.
    cancel: Option<Cancel>,
}

/// CPU time that a brief call may use after its wall time is over. The clock keeps running while the thread waits for a
/// core, so it alone says nothing about the call.
const OVERTIME_MAX: Duration = Duration::from_millis(1);

/// Ends a call that may grow its memory when the system has none left. The plugin must not notice: the snapshot would
/// depend on it, and snapshots are cached.
#[derive(Debug, thiserror::Error)]
#[error("the system has no more memory")]
pub(crate) struct NoMemory;

/// Ends a brief call that wants more memory or a larger table.
#[derive(Debug, thiserror::Error)]
#[error("a brief call wants to grow")]
pub(crate) struct NeedsRoom;

impl Bounds {
    pub(crate) fn new(limits: &PluginLimits) -> Self {
        Self {
            memory_bytes_max: limits.memory_bytes_max,
            table_elements_max: limits.table_elements_max,
            memory_denied: false,
            is_brief: false,
            cpu_at_deadline: None,
            until: None,
            cancel: None,
        }
    }
}

impl Bounds {
    /// Starts a call with this budget.
    fn begin(&mut self, budget: Budget) {
        self.is_brief = budget.is_brief;
        self.cancel = None;
        self.cpu_at_deadline = None;
        self.until = if budget.is_brief { None } else { Instant::now().checked_add(budget.within) };
    }

    /// Runs at the epoch deadline: ends the call, unless it is a brief one that has had hardly any CPU time, the epoch
    /// caught up on ticks from before the call, or it was only time to check whether the call was cancelled.
    fn deadline_reached(&mut self) -> UpdateDeadline {
        if !self.is_brief {
            let left = self.until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()));
            return match (left.is_zero(), &self.cancel) {
                (true, _) => UpdateDeadline::Interrupt,
                (false, Some(cancel)) if cancel.is_cancelled() => UpdateDeadline::Interrupt,
                (false, Some(_)) => UpdateDeadline::Continue(epoch::ticks_within(left.min(LOOK_EVERY))),
                (false, None) => UpdateDeadline::Continue(epoch::ticks_within(left)),
            };
        }
        let now = cpu::of_this_thread();
        let at_deadline = *self.cpu_at_deadline.get_or_insert(now);
        match now.saturating_sub(at_deadline) < OVERTIME_MAX {
            true => UpdateDeadline::Continue(1),
            false => UpdateDeadline::Interrupt,
        }
    }
}

impl ResourceLimiter for Bounds {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        // The module's own maximum, not a limit of the host.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        if self.is_brief && current > 0 && desired > current && desired <= self.memory_bytes_max {
            return Err(NeedsRoom.into());
        }
        let allowed = desired <= self.memory_bytes_max;
        self.memory_denied |= !allowed;
        Ok(allowed)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        Err(NoMemory.into())
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        if self.is_brief && current > 0 && desired > current && desired <= self.table_elements_max {
            return Err(NeedsRoom.into());
        }
        Ok(desired <= self.table_elements_max)
    }
}

/// The compiled snapshot of a plugin, and the exports that a call needs.
pub(crate) struct Code {
    pre: InstancePre<Bounds>,
    memory: ModuleExport,
    allocate: ModuleExport,
    handle_callback: ModuleExport,
    needs: Option<ModuleExport>,
    last_words: ModuleExport,
    /// All globals that guest code can change.
    mutable_globals: Vec<ModuleExport>,
    /// The first global, if guest code can change it: LLVM's linker uses it as the stack pointer.
    first_global: Option<ModuleExport>,
    epoch: Arc<Epoch>,
}

impl Code {
    /// Finds the exports of a snapshot that was taken with [`super::snapshot::take`].
    pub(crate) fn new(epoch: &Arc<Epoch>, module: &Module) -> wasmtime::Result<Self> {
        let export = |name: &str| {
            module.get_export_index(name).ok_or_else(|| wasmtime::Error::msg(format!("the export `{name}` is missing")))
        };
        let mutable_globals = module.exports().filter_map(|export| {
            let is_mutable =
                export.ty().global().is_some_and(|global| global.mutability() == wasmtime::Mutability::Var);
            is_mutable.then(|| module.get_export_index(export.name())).flatten()
        });
        Ok(Self {
            memory: export(export::MEMORY)?,
            allocate: export(export::ALLOCATE)?,
            handle_callback: export(export::HANDLE_CALLBACK)?,
            needs: module.get_export_index(export::NEEDS),
            last_words: export(export::LAST_WORDS)?,
            mutable_globals: mutable_globals.collect(),
            first_global: module.get_export_index(FIRST_GLOBAL),
            pre: wasmtime::Linker::new(module.engine()).instantiate_pre(module)?,
            epoch: Arc::clone(epoch),
        })
    }

    /// Held by a call around all its work: the epoch advances meanwhile.
    pub(crate) fn run(&self) -> Running<'_> {
        self.epoch.run()
    }

    /// How many globals a reset has to restore.
    pub(crate) fn mutable_globals(&self) -> usize {
        self.mutable_globals.len()
    }
}

/// Whether a global that was `at_first` and is `now` something else is a stack pointer that has reached the bottom.
pub(crate) fn is_used_up(at_first: i32, now: Val) -> bool {
    let is_stack = at_first > RED_ZONE_BYTES && at_first % 16 == 0;
    is_stack && matches!(now, Val::I32(now) if now < RED_ZONE_BYTES)
}

/// The export that wizer creates for the first global, if guest code can change it.
pub(crate) const FIRST_GLOBAL: &str = "__wizer_global_0";

/// How far below the stack pointer a function may write without moving it, in bytes: LLVM's red zone.
const RED_ZONE_BYTES: i32 = 128;

/// An instance could not be made.
pub(crate) struct Denied {
    pub(crate) error: wasmtime::Error,
    /// The budget left after the attempt.
    pub(crate) fuel_left: Fuel,
}

/// An instance that starts from the snapshot.
pub(crate) struct Guest {
    store: Store<Bounds>,
    abi: Abi,
    handle: TextFunc,
    /// The export `needs`, if the plugin has one.
    needs: Option<TextFunc>,
    last_words: u32,
    /// What has to be restored before the next call, besides the memory's contents.
    memory_bytes: usize,
    globals: Box<[(Global, Val)]>,
    /// The stack pointer, and its value in the snapshot.
    stack: Option<(Global, i32)>,
    /// Not called yet: the clock of its first call started when the instance was made.
    is_new: bool,
    pages: Pages,
}

impl Guest {
    /// Makes an instance, using the fuel and time of the call that needs it. Snapshots have no start function, but
    /// wasmtime may run code to set up tables and globals.
    pub(crate) fn enter(code: &Code, limits: &PluginLimits, budget: Budget, _: &Running<'_>) -> Result<Self, Denied> {
        let mut store = Store::new(code.pre.module().engine(), Bounds::new(limits));
        store.limiter(|bounds| bounds);
        store.epoch_deadline_callback(|mut store| Ok(store.data_mut().deadline_reached()));
        store.data_mut().begin(budget);
        match Entered::enter(&mut store, code, budget) {
            Ok(Entered { abi, handle, needs, last_words, globals, stack }) => {
                let memory_bytes = abi.memory.data_size(&store);
                let (is_new, pages) = (true, Pages::default());
                Ok(Self { store, abi, handle, needs, last_words, memory_bytes, globals, stack, is_new, pages })
            }
            Err(error) => Err(Denied { error, fuel_left: Fuel(store.get_fuel().unwrap_or(0)) }),
        }
    }

    /// Passes in one callback and calls `read` with the reply, in place. `cancel` ends a call that is not brief.
    pub(crate) fn call<T>(
        &mut self,
        function: Function,
        input: &[&str],
        budget: Budget,
        cancel: Option<&Cancel>,
        reply_bytes_max: usize,
        read: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, Crossing> {
        if !std::mem::take(&mut self.is_new) {
            self.store.data_mut().begin(budget);
            self.store.set_epoch_deadline(epoch::ticks_within(budget.within));
        }
        if !budget.is_brief {
            self.store.data_mut().cancel = cancel.cloned();
            if cancel.is_some() {
                self.store.set_epoch_deadline(epoch::ticks_within(budget.within.min(LOOK_EVERY)));
            }
        }
        // The full amount even if the instance is new: the same input burns the same in each instance.
        self.store.set_fuel(budget.fuel.0)?;
        let function = match function {
            Function::Handle => &self.handle,
            Function::Needs => self.needs.as_ref().ok_or_else(|| invalid("there is no export `needs`"))?,
        };
        self.abi.call(&mut self.store, function, input, reply_bytes_max, read)
    }

    /// Fuel left over from the last call.
    pub(crate) fn fuel_left(&self) -> Fuel {
        Fuel(self.store.get_fuel().unwrap_or(0))
    }

    pub(crate) fn memory(&self) -> &[u8] {
        self.abi.memory.data(&self.store)
    }

    /// The panic message that the last call left.
    pub(crate) fn last_words(&self) -> Option<String> {
        super::abi::last_words(self.memory(), self.last_words)
    }

    /// How much the memory has grown since the instance was made.
    pub(crate) fn memory_grown_bytes(&self) -> usize {
        self.memory().len().saturating_sub(self.memory_bytes)
    }

    /// Whether the guest's own stack has reached the bottom of the memory: the stack pointer is below zero, or so close
    /// to it that a function that does not move it writes below. In the snapshot it is above, and a multiple of 16, as
    /// in the output of all compilers.
    pub(crate) fn has_used_up_its_stack(&mut self) -> bool {
        let Some((global, at_first)) = self.stack else { return false };
        is_used_up(at_first, global.get(&mut self.store))
    }

    pub(crate) fn memory_denied(&self) -> bool {
        self.store.data().memory_denied
    }

    /// Finds out, on the thread that ran the call, what it takes to restore this.
    pub(crate) fn glance(&mut self, map: &PageMap) -> Glance {
        self.pages.glance(map)
    }

    /// Restores everything that a call can change: the memory's contents and the mutable globals. (The memory's size
    /// cannot be restored; tables and segments cannot change, see `snapshot.rs`.) Unless it returns [`Reset::Done`],
    /// this instance must not be called again. May be done on any thread.
    pub(crate) fn put_back(&mut self, code: &Code, limits: &PluginLimits, map: &PageMap, glance: Glance) -> Reset {
        if self.memory_grown_bytes() > 0 {
            return Reset::Spoiled;
        }
        for (global, value) in &self.globals {
            if global.set(&mut self.store, *value).is_err() {
                return Reset::Unfit;
            }
        }
        self.store.data_mut().memory_denied = false;
        let originals = || Pristine::enter(code, limits);
        self.pages.put_back(self.abi.memory.data_mut(&mut self.store), map, glance, originals)
    }
}

#[cfg(test)]
impl Guest {
    pub(crate) fn pages(&self) -> &Pages {
        &self.pages
    }
}

/// The exports of a new instance.
struct Entered {
    abi: Abi,
    handle: TextFunc,
    needs: Option<TextFunc>,
    last_words: u32,
    globals: Box<[(Global, Val)]>,
    stack: Option<(Global, i32)>,
}

impl Entered {
    fn enter(store: &mut Store<Bounds>, code: &Code, budget: Budget) -> wasmtime::Result<Self> {
        // Set before anything runs.
        store.set_epoch_deadline(epoch::ticks_within(budget.within));
        store.set_fuel(budget.fuel.0)?;
        let instance = code.pre.instantiate(&mut *store)?;
        let missing = || wasmtime::Error::msg("an export of the snapshot is missing");
        let mut find = |export| instance.get_module_export(&mut *store, export).ok_or_else(missing);
        let memory = find(&code.memory)?.into_memory().ok_or_else(missing)?;
        let allocate = find(&code.allocate)?.into_func().ok_or_else(missing)?;
        let handle = find(&code.handle_callback)?.into_func().ok_or_else(missing)?;
        let needs = code.needs.as_ref().map(&mut find).transpose()?.and_then(Extern::into_func);
        let last_words = find(&code.last_words)?.into_global().ok_or_else(missing)?;
        let first_global = code.first_global.as_ref().map(&mut find).transpose()?;
        let globals = code.mutable_globals.iter().map(|export| find(export)?.into_global().ok_or_else(missing));
        let globals = globals.collect::<wasmtime::Result<Vec<_>>>()?;
        let globals = globals.into_iter().map(|global| (global, global.get(&mut *store))).collect();
        let last_words = match last_words.get(&mut *store) {
            Val::I32(address) => address.cast_unsigned(),
            _ => wasmtime::bail!("the export `last_words` is not a global that holds an i32"),
        };
        let stack = first_global.and_then(Extern::into_global).and_then(|global| match global.get(&mut *store) {
            Val::I32(end) => Some((global, end)),
            _ => None,
        });
        // It may have another type, but only if the manifest lists no facts; then it is never called.
        let needs = needs.and_then(|needs| needs.typed(&*store).ok());
        let (abi, handle) = (Abi { memory, allocate: allocate.typed(&*store)? }, handle.typed(&*store)?);
        Ok(Self { abi, handle, needs, last_words, globals, stack })
    }
}

/// Another, untouched instance, from which the snapshot's own pages can be read.
struct Pristine {
    store: Store<Bounds>,
    memory: Memory,
}

impl Pristine {
    fn enter(code: &Code, limits: &PluginLimits) -> Option<Self> {
        let mut store = Store::new(code.pre.module().engine(), Bounds::new(limits));
        store.limiter(|bounds| bounds);
        // Its exports are never called, but wasmtime may set up tables and globals with code that counts as guest code.
        store.set_epoch_deadline(epoch::ticks_within(limits.call_within));
        store.set_fuel(limits.fuel_per_call.0).ok()?;
        let instance = code.pre.instantiate(&mut store).ok()?;
        let memory = instance.get_module_export(store.as_context_mut(), &code.memory)?.into_memory()?;
        Some(Self { store, memory })
    }
}

impl Originals for Pristine {
    fn bytes(&self) -> &[u8] {
        self.memory.data(&self.store)
    }
}
