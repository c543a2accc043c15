//! A plugin: loaded once, called many times. The only door to wasmtime.

mod abi;
pub mod engine;
pub mod fault;
pub mod load;
pub mod profile;
pub mod sandbox;
mod snapshot;

use std::sync::Arc;
use std::time::Duration;

use plugin_sdk::wire::{Manifest, export};
use wasmtime::{InstancePre, Linker, Module, ModuleExport};

pub use engine::{Engine, Fuel};
pub use fault::Fault;
pub use load::LoadError;
pub use sandbox::{Budget, Usage};

use crate::settings::PluginLimits;
use sandbox::Bounds;
use snapshot::ConfigureBounds;

/// A configured plugin, ready to be called from any thread.
pub struct Plugin {
    name: Arc<str>,
    manifest: Manifest,
    limits: PluginLimits,
    pre: InstancePre<Bounds>,
    exports: Exports,
    last_words: u32,
}

#[derive(Clone)]
struct Exports {
    memory: ModuleExport,
    allocate: ModuleExport,
    handle_callback: ModuleExport,
}

impl Plugin {
    /// Checks a module, configures it with `settings` (a JSON object) and keeps the result for calls.
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
        let bounds = ConfigureBounds {
            fuel: limits.fuel_to_configure,
            // Fuel bounds the work; the epoch only ends what fuel cannot see, so it may be generous.
            within: engine.time_for(limits.fuel_to_configure) * 10 + Duration::from_secs(1),
            memory_bytes_max: limits.memory_bytes_max,
            table_elements_max: limits.table_elements_max,
        };
        let snapshot = snapshot::take(engine, &checked, settings, bounds)?;
        let manifest = checked.manifest;
        let prepare = |error: wasmtime::Error| LoadError::Prepare { why: snapshot::words(&error) };
        let module = Module::new(engine.for_calls(), snapshot).map_err(prepare)?;
        let export = |name: &str| {
            module
                .get_export_index(name)
                .ok_or_else(|| LoadError::Exports { problems: vec![format!("the export `{name}` is missing")] })
        };
        let exports = Exports {
            memory: export(export::MEMORY)?,
            allocate: export(export::ALLOCATE)?,
            handle_callback: export(export::HANDLE_CALLBACK)?,
        };
        let pre = Linker::new(engine.for_calls()).instantiate_pre(&module).map_err(prepare)?;
        let mut plugin =
            Self { name: name.into(), manifest, limits: limits.clone(), pre, exports, last_words: u32::MAX };
        plugin.last_words = sandbox::address_of_last_words(&plugin).map_err(prepare)?;
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

    /// The same plugin under another name, without preparing it again: the compiled code and the snapshot are shared.
    pub fn with_name(&self, name: &str) -> Self {
        Self {
            name: name.into(),
            manifest: self.manifest.clone(),
            limits: self.limits.clone(),
            pre: self.pre.clone(),
            exports: self.exports.clone(),
            last_words: self.last_words,
        }
    }

    /// Its name in the settings.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// What the module says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its limits.
    pub fn limits(&self) -> &PluginLimits {
        &self.limits
    }

    /// What one call may use when `remaining` is left until the answer is due.
    pub fn budget(&self, engine: &Engine, remaining: Duration) -> Budget {
        let within = remaining.min(self.limits.call_within);
        let fuel_in_time = engine.fuel_within(within);
        let fuel_cut_by_time = fuel_in_time < self.limits.fuel_per_call;
        let fuel = if fuel_cut_by_time { fuel_in_time } else { self.limits.fuel_per_call };
        Budget { fuel, fuel_cut_by_time, within }
    }

    /// Hands over one callback, given in `parts` that follow one another, and gives the reply to `read`.
    pub fn call<T>(&self, parts: &[&[u8]], budget: Budget, read: impl FnOnce(&[u8]) -> T) -> (Result<T, Fault>, Usage) {
        sandbox::call(self, parts, budget, read)
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin").field("name", &self.name).field("manifest", &self.manifest).finish_non_exhaustive()
    }
}
