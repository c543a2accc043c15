//! A fresh store for each call: its own memory, globals and tables, its own fuel and epoch.

use std::time::Duration;

use plugin_sdk::wire::export;
use wasmtime::{ResourceLimiter, Store};

use super::Plugin;
use super::abi::{Abi, Crossing, last_words};
use super::engine::{Engine, Fuel};
use super::fault::{Circumstances, Fault, sort};

/// What one call may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Work.
    pub fuel: Fuel,
    /// Whether `fuel` is less than the plugin's own cap because the time left allows no more.
    pub fuel_cut_by_time: bool,
    /// Wall time.
    pub within: Duration,
}

/// What a call used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Work done.
    pub fuel: Fuel,
    /// Size of the memory at the end.
    pub memory_bytes: usize,
    /// Length of the reply; 0 if there was none.
    pub reply_bytes: usize,
}

/// What a guest may grow to, and whether it asked for more.
#[derive(Debug)]
pub(super) struct Bounds {
    pub(super) memory_bytes_max: usize,
    pub(super) table_elements_max: usize,
    pub(super) memory_denied: bool,
}

impl ResourceLimiter for Bounds {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let allowed = desired <= self.memory_bytes_max;
        self.memory_denied |= !allowed;
        Ok(allowed)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= self.table_elements_max)
    }
}

/// Runs one call of `plugin` in a memory of its own and gives its reply, in place, to `read`.
///
/// Fuel and epoch are set before the instance is made, because a start function is guest code too.
pub(super) fn call<T>(
    plugin: &Plugin,
    input: &[&[u8]],
    budget: Budget,
    read: impl FnOnce(&[u8]) -> T,
) -> (Result<T, Fault>, Usage) {
    let bounds = Bounds {
        memory_bytes_max: plugin.limits.memory_bytes_max,
        table_elements_max: plugin.limits.table_elements_max,
        memory_denied: false,
    };
    let mut store = Store::new(plugin.pre.module().engine(), bounds);
    store.limiter(|bounds| bounds);
    store.set_epoch_deadline(Engine::ticks_within(budget.within));
    let mut guest = None;
    let mut reply_bytes = 0;
    let result = store.set_fuel(budget.fuel.0).map_err(Crossing::Trapped).and_then(|()| {
        let abi = guest.insert(enter(plugin, &mut store)?);
        abi.call(&mut store, input, plugin.limits.reply_bytes_max, |reply| {
            reply_bytes = reply.len();
            read(reply)
        })
    });
    let memory = guest.as_ref().map_or(&[][..], |abi| abi.memory.data(&store));
    let usage = Usage {
        fuel: Fuel(budget.fuel.0.saturating_sub(store.get_fuel().unwrap_or(0))),
        memory_bytes: memory.len(),
        reply_bytes,
    };
    let result = result.map_err(|crossing| match crossing {
        Crossing::Broken(fault) => fault,
        Crossing::Trapped(error) => sort(
            &error,
            Circumstances {
                fuel: budget.fuel,
                fuel_cut_by_time: budget.fuel_cut_by_time,
                within: budget.within,
                memory_bytes_max: plugin.limits.memory_bytes_max,
                memory_denied: store.data().memory_denied,
                last_words: last_words(memory, plugin.last_words),
            },
        ),
    });
    (result, usage)
}

fn enter(plugin: &Plugin, store: &mut Store<Bounds>) -> wasmtime::Result<Abi> {
    let instance = plugin.pre.instantiate(&mut *store)?;
    let exports = &plugin.exports;
    let mut func = |export| {
        instance
            .get_module_export(&mut *store, export)
            .and_then(wasmtime::Extern::into_func)
            .ok_or_else(|| wasmtime::Error::msg("an export is missing"))
    };
    let (allocate, handle) = (func(&exports.allocate)?, func(&exports.handle_callback)?);
    let memory = instance
        .get_module_export(&mut *store, &exports.memory)
        .and_then(wasmtime::Extern::into_memory)
        .ok_or_else(|| wasmtime::Error::msg("the export `memory` is missing"))?;
    Ok(Abi { memory, allocate: allocate.typed(&*store)?, handle: handle.typed(&*store)? })
}

/// Reads where the plugin leaves its last words: a global of the snapshot, the same in every call.
pub(super) fn address_of_last_words(plugin: &Plugin) -> wasmtime::Result<u32> {
    let bounds = Bounds {
        memory_bytes_max: plugin.limits.memory_bytes_max,
        table_elements_max: plugin.limits.table_elements_max,
        memory_denied: false,
    };
    let mut store = Store::new(plugin.pre.module().engine(), bounds);
    store.limiter(|bounds| bounds);
    store.set_epoch_deadline(Engine::ticks_within(plugin.limits.call_within));
    store.set_fuel(plugin.limits.fuel_per_call.0)?;
    let instance = plugin.pre.instantiate(&mut store)?;
    let address = instance.get_global(&mut store, export::LAST_WORDS).map(|global| global.get(&mut store));
    match address {
        Some(wasmtime::Val::I32(address)) => Ok(address.cast_unsigned()),
        _ => wasmtime::bail!("the export `last_words` is not a global that holds an i32"),
    }
}
