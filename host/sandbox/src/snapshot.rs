//! Configures once and keeps the memory: every call starts from the state that `configure` left.
//!
//! The module is instrumented so that all of its state can be read, run in the engine for configuring, and written back
//! as a module whose initial memory and globals are as `configure` left them. `wasmtime-wizer` does the writing, and
//! rejects modules whose tables or segments could change, so memory and globals are the entire state.

use std::time::{Duration, Instant};

use callgate_catalogue::wire::{ConfigureReply, export};
use wasmtime::{Instance, Module, Store, Val};
use wasmtime_wizer::{InstanceState, SnapshotVal, ValType, Wizer};

use super::abi::{Abi, Crossing, TextFunc, last_words};
use super::engine::Engine;
use super::epoch;
use super::fault::{Circumstances, Fault, FuelKey, sort_call};
use super::guest::{Bounds, FIRST_GLOBAL, NoMemory, is_used_up};
use super::load::{Checked, LoadError};
use crate::limits::PluginLimits;
use crate::reach;
use callgate_catalogue::line::one_line;

/// A module that starts from the state that `configure` left.
pub(crate) struct Snapshot {
    pub(crate) module: Vec<u8>,
    /// How long `configure` took.
    pub(crate) configured_in: Duration,
}

/// The budget for configuring.
#[derive(Clone, Copy)]
struct ConfigureBounds<'l> {
    limits: &'l PluginLimits,
    within: Duration,
}

/// Longest reply of `configure`, in bytes: a sentence for the operator.
const REPLY_BYTES_MAX: usize = 64 * 1024;

/// Configures the plugin with `settings` (a JSON object) and returns a module that starts from the result. All of its
/// mutable globals are exported, so that they can be restored after a call.
pub(crate) fn take(
    engine: &Engine,
    checked: &Checked<'_>,
    settings: &str,
    limits: &PluginLimits,
) -> Result<Snapshot, LoadError> {
    // Fuel bounds the work; the epoch only covers what fuel cannot measure, so it may be generous.
    let within = engine.time_for(limits.fuel_to_configure) * 10 + Duration::from_secs(1);
    let bounds = ConfigureBounds { limits, within };
    // Wizer accepts more of wasm than this engine does: validate with the engine first, whose messages are also
    // clearer.
    Module::validate(engine.for_calls(), checked.bytes).map_err(|error| LoadError::Invalid { why: words(&error) })?;
    let mut wizer = Wizer::new();
    // `configure` stays as an unused export; wizer would drop it by default.
    wizer.init_func(export::CONFIGURE).keep_init_func(true);
    let bare = reach::without_custom_sections(checked.bytes);
    let (context, instrumented) = wizer.instrument(&bare).map_err(|error| prepare(&error))?;
    let for_configure =
        reach::without_unreachable(&instrumented, |name| name != export::HANDLE_CALLBACK && name != export::NEEDS);
    let module = Module::new(engine.for_configure(), for_configure).map_err(|error| prepare(&error))?;
    let started = Instant::now();
    let mut configured = run(engine, &module, settings, bounds)?;
    let configured_in = started.elapsed();
    let snapshot = ready(wizer.snapshot(&context, &mut configured)).map_err(|error| prepare(&error))?;
    let (_, snapshot) = wizer.instrument(&snapshot).map_err(|error| prepare(&error))?;
    Ok(Snapshot { module: reach::without_unreachable(&snapshot, |name| name != export::CONFIGURE), configured_in })
}

fn run(engine: &Engine, module: &Module, settings: &str, bounds: ConfigureBounds<'_>) -> Result<Configured, LoadError> {
    let _running = engine.epoch().run();
    let mut store = Store::new(engine.for_configure(), Bounds::new(bounds.limits));
    store.limiter(|bounds| bounds);
    store.set_epoch_deadline(epoch::ticks_within(bounds.within));
    store.set_fuel(bounds.limits.fuel_to_configure.0).map_err(|error| prepare(&error))?;
    let instance = Instance::new(&mut store, module, &[]).map_err(|error| failed(&mut store, None, &error, bounds))?;
    let at_first = first_global(&mut store, &instance);
    let (abi, configure) = abi(&mut store, &instance).map_err(|error| prepare(&error))?;
    let input = format!(r#"{{"settings":{settings}}}"#);
    let read = |reply: &[u8]| serde_json::from_slice::<ConfigureReply>(reply);
    let reply = abi.call(&mut store, &configure, &[&input], REPLY_BYTES_MAX, read);
    match reply {
        Ok(Ok(ConfigureReply { accepted: true, .. })) => Ok(Configured { store, instance }),
        Ok(Ok(ConfigureReply { reason, .. })) => Err(LoadError::Settings { reason: one_line(&reason) }),
        Ok(Err(error)) => Err(LoadError::Configure {
            fault: Fault::ReplyInvalid { why: one_line(&error.to_string()), detail: String::new() },
        }),
        Err(Crossing::Trapped(error)) => Err(failed(&mut store, Some((&instance, at_first)), &error, bounds)),
        Err(Crossing::Broken(fault)) => Err(LoadError::Configure { fault }),
    }
}

fn failed(
    store: &mut Store<Bounds>,
    instance: Option<(&Instance, Option<i32>)>,
    error: &wasmtime::Error,
    bounds: ConfigureBounds<'_>,
) -> LoadError {
    if error.is::<NoMemory>() {
        return LoadError::NoMemory;
    }
    let last_words = instance.and_then(|(instance, _)| words_left(store, instance));
    let is_used_up = instance.is_some_and(|(instance, at_first)| {
        let now = first_global(store, instance);
        at_first.zip(now).is_some_and(|(at_first, now)| is_used_up(at_first, Val::I32(now)))
    });
    let circumstances = Circumstances {
        fuel: bounds.limits.fuel_to_configure,
        key: FuelKey::PerCall,
        cut: None,
        within: bounds.within,
        memory_bytes_max: bounds.limits.memory_bytes_max,
        memory_denied: store.data().memory_denied,
        last_words,
    };
    LoadError::Configure { fault: sort_call(error, circumstances, is_used_up) }
}

/// The first global of an instrumented module, which LLVM's linker uses as the stack pointer.
fn first_global(store: &mut Store<Bounds>, instance: &Instance) -> Option<i32> {
    match instance.get_global(&mut *store, FIRST_GLOBAL)?.get(&mut *store) {
        Val::I32(value) => Some(value),
        _ => None,
    }
}

fn abi(store: &mut Store<Bounds>, instance: &Instance) -> wasmtime::Result<(Abi, TextFunc)> {
    let memory = instance
        .get_memory(&mut *store, export::MEMORY)
        .ok_or_else(|| wasmtime::Error::msg("the export `memory` is missing"))?;
    let allocate = instance.get_typed_func(&mut *store, export::ALLOCATE)?;
    let function = instance.get_typed_func(&mut *store, export::CONFIGURE)?;
    Ok((Abi { memory, allocate }, function))
}

fn words_left(store: &mut Store<Bounds>, instance: &Instance) -> Option<String> {
    let address = match instance.get_global(&mut *store, export::LAST_WORDS)?.get(&mut *store) {
        Val::I32(address) => address.cast_unsigned(),
        _ => return None,
    };
    let memory = instance.get_memory(&mut *store, export::MEMORY)?;
    last_words(memory.data(&*store), address)
}

/// An instance after `configure`; wizer reads its state.
struct Configured {
    store: Store<Bounds>,
    instance: Instance,
}

impl InstanceState for Configured {
    async fn global_get(&mut self, name: &str, _: ValType) -> SnapshotVal {
        match self.instance.get_global(&mut self.store, name).map(|global| global.get(&mut self.store)) {
            Some(Val::I64(value)) => SnapshotVal::I64(value),
            Some(Val::F32(value)) => SnapshotVal::F32(value),
            Some(Val::F64(value)) => SnapshotVal::F64(value),
            Some(Val::V128(value)) => SnapshotVal::V128(value.as_u128()),
            Some(Val::I32(value)) => SnapshotVal::I32(value),
            // Wizer only reads globals that it exported itself, and rejects those that hold references.
            _ => SnapshotVal::I32(0),
        }
    }

    async fn memory_contents(&mut self, name: &str, contents: impl FnOnce(&[u8]) + Send) {
        if let Some(memory) = self.instance.get_memory(&mut self.store, name) {
            contents(memory.data(&self.store));
        }
    }
}

/// The result of a future that never waits. Wizer's functions are asynchronous for the sake of other runtimes.
fn ready<T>(future: impl Future<Output = wasmtime::Result<T>>) -> wasmtime::Result<T> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(result) => result,
        std::task::Poll::Pending => Err(wasmtime::Error::msg("taking the snapshot waited for something")),
    }
}

fn prepare(error: &wasmtime::Error) -> LoadError {
    LoadError::Prepare { why: words(error) }
}

/// A wasmtime error with its causes, on one line.
pub(crate) fn words(error: &wasmtime::Error) -> String {
    one_line(&format!("{error:#}"))
}
