//! Loads the plugins of the settings: several concurrently, identical ones once, and unchanged ones not at all.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use callgate_sandbox::{Engine, LoadError, Origin, Plugin};
use minisign_verify::PublicKey;

use super::build::{BuildError, build};
use super::facts;
use super::problem::{PluginError, PluginProblem};
use super::signature::{self, SignatureError};
use crate::chain::{Identity, ItsFact, Link, Loaded};
use crate::files::{Kept, Seen};
use crate::settings::{self, BreakerLimits, ModuleSource, Settings, Start};

/// Reports progress while a host starts.
pub trait Progress: Send {
    /// A plugin's crate is built or its module is prepared.
    fn step(&mut self, what: &str, plugin: &str, number: usize, of: usize);

    /// Where the lines go that cargo says while it builds a crate; `None`: to standard error.
    fn cargo(&self) -> Option<fn(&str)> {
        None
    }
}

/// Reports nothing.
impl Progress for () {
    fn step(&mut self, _: &str, _: &str, _: usize, _: usize) {}
}

/// The files of a plugin's module, as they were when it was loaded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Module {
    /// The crate that it was built from.
    pub(crate) folder: Option<PathBuf>,
    /// The module; `None`: it was not built.
    pub(crate) file: Option<Seen>,
    /// Its signature, where one is needed.
    pub(crate) signature: Option<Seen>,
}

/// What there is already: the generation in service.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Before<'b> {
    pub(super) links: &'b [Arc<Link>],
    pub(super) modules: &'b [Module],
    pub(super) keys: &'b [PublicKey],
}

impl<'b> Before<'b> {
    fn named(self, name: &str) -> Option<(&'b Arc<Link>, &'b Module)> {
        self.links.iter().zip(self.modules).find(|(link, _)| **link.name() == *name)
    }
}

/// Which crates are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crates {
    /// All of them.
    Build,
    /// Those that were not built before.
    BuildNew,
}

/// The plugins of the settings, as far as they can be used.
pub(super) struct All {
    pub(super) links: Vec<Arc<Link>>,
    pub(super) modules: Vec<Module>,
    /// What is wrong with those that cannot be used, though the host cannot do without them.
    pub(super) errors: Vec<PluginError>,
    /// What is wrong with those that it does without.
    pub(super) not_loaded: Vec<PluginError>,
}

/// Loads all plugins of the settings. Those of `before` that are the same are taken over as they are.
pub(super) fn load_all(
    settings: &Settings,
    engine: &Engine,
    before: Before<'_>,
    crates: Crates,
    progress: &mut dyn Progress,
) -> All {
    let plugins = settings.all_plugins();
    let modules = paths(settings, &plugins, before, crates, progress);
    let loader = Loader {
        engine,
        before,
        keys: &settings.public_keys,
        facts: &settings.facts,
        kept: settings.kept.as_deref(),
        prepared: Mutex::default(),
    };
    let started = Instant::now();
    let attempts = load_at_once(&loader, &plugins, modules, progress);
    let mut all = All { links: Vec::new(), modules: Vec::new(), errors: Vec::new(), not_loaded: Vec::new() };
    for (&plugin, Attempt { module, prepared }) in plugins.iter().zip(attempts) {
        let name_before = before.named(&plugin.name).map(|(link, _)| &**link);
        let link = match prepared {
            Ok(prepared) => {
                let facts = prepared.facts.clone();
                let loaded = loader.loaded(plugin, prepared, settings.limits.breaker);
                Link::new(all.links.len(), loaded, plugin, name_before, settings.journal.work_within).with_facts(facts)
            }
            Err(why) => {
                let handles = loader.handles(plugin, &module);
                let (table, number, name) = (plugin.table, plugin.number, plugin.name.clone());
                let error = PluginError { table, number, name, why };
                // A working plugin is not replaced by a broken one.
                let is_done_without = settings.server.start == Start::Healthy
                    && (before.links.is_empty() || name_before.is_some_and(|link| link.plugin().is_none()));
                if is_done_without { &mut all.not_loaded } else { &mut all.errors }.push(error);
                Link::not_loaded(all.links.len(), handles, plugin, name_before, settings.journal.work_within)
            }
        };
        all.links.push(Arc::new(link));
        all.modules.push(module);
    }
    engine.forget_functions();
    loader.log(started.elapsed());
    all
}

/// Where the modules are. All crates are built first, to keep cargo's output together.
fn paths(
    settings: &Settings,
    plugins: &[&settings::Plugin],
    before: Before<'_>,
    crates: Crates,
    progress: &mut dyn Progress,
) -> Vec<Result<PathBuf, BuildError>> {
    let of = plugins.len();
    let path = |(index, plugin): (usize, &&settings::Plugin)| match &plugin.module {
        ModuleSource::Wasm(path) => Ok(path.clone()),
        ModuleSource::Crate(folder) => {
            let built = before.modules.iter().filter(|_| crates == Crates::BuildNew || settings.kept.is_some());
            let built =
                built.filter(|module| module.folder.as_ref() == Some(folder)).find_map(|module| module.file.as_ref());
            if let Some(built) = built {
                return Ok(built.path.clone());
            }
            progress.step("building", &plugin.name, index + 1, of);
            build(folder, progress.cargo())
        }
    };
    plugins.iter().enumerate().map(path).collect()
}

/// Maximum number of plugins loaded concurrently: each may take the memory of `[loading] memory_bytes_max`.
const LOADED_AT_ONCE_MAX: usize = 8;

/// How many of this number of plugins are loaded concurrently; they share the cores.
pub(crate) fn at_once(plugins: usize) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    cores.min(LOADED_AT_ONCE_MAX).min(plugins)
}

/// A plugin that is ready to be called.
struct Prepared {
    plugin: Plugin,
    identity: Identity,
    /// The origin of its compiled code, in one word.
    from: &'static str,
    /// The facts that it gets.
    facts: Vec<ItsFact>,
}

/// A plugin that is ready to be called, or why it is not; and the files that were read for it.
struct Attempt {
    module: Module,
    prepared: Result<Prepared, PluginProblem>,
}

/// Loads several plugins concurrently. Progress and results are in the order of the settings.
fn load_at_once(
    loader: &Loader<'_>,
    plugins: &[&settings::Plugin],
    modules: Vec<Result<PathBuf, BuildError>>,
    progress: &mut dyn Progress,
) -> Vec<Attempt> {
    let jobs = Mutex::new((plugins.iter().zip(modules).enumerate(), progress));
    let done = Mutex::new(Vec::with_capacity(plugins.len()));
    let work = || {
        let next = || {
            let mut jobs = jobs.lock().unwrap_or_else(PoisonError::into_inner);
            let (number, job) = jobs.0.next()?;
            // Reported while the queue is locked, so that steps stay in order.
            jobs.1.step("preparing", &job.0.name, number + 1, plugins.len());
            Some((number, job))
        };
        while let Some((number, (plugin, module))) = next() {
            let loaded = loader.attempt(plugin, module);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((number, loaded));
        }
    };
    let threads = at_once(plugins.len());
    std::thread::scope(|scope| {
        // This thread is one of them. If no other can be started, it does all the work.
        for _ in 1..threads {
            let _ = std::thread::Builder::new().name("load".to_owned()).spawn_scoped(scope, work);
        }
        work();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, loaded)| loaded).collect()
}

/// Loads plugins. Those with the same module, settings and limits are prepared once, and not at all if the last
/// generation has one.
struct Loader<'e> {
    engine: &'e Engine,
    before: Before<'e>,
    /// Modules must be signed with one of these; empty: they need not be.
    keys: &'e [PublicKey],
    facts: &'e [settings::Fact],
    kept: Option<&'e Kept>,
    prepared: Mutex<Vec<(Identity, Shared)>>,
}

/// A plugin that is being prepared; set when that is finished.
type Shared = Arc<OnceLock<Result<Plugin, LoadError>>>;

impl Loader<'_> {
    fn attempt(&self, plugin: &settings::Plugin, path: Result<PathBuf, BuildError>) -> Attempt {
        let folder = match &plugin.module {
            ModuleSource::Wasm(_) => None,
            ModuleSource::Crate(folder) => Some(folder.clone()),
        };
        let mut module = Module { folder, ..Module::default() };
        let prepared = match path {
            Ok(path) => self.load(plugin, &path, &mut module),
            Err(error) => Err(error.into()),
        };
        Attempt { module, prepared: prepared.and_then(|prepared| fitting(plugin, self.facts, prepared)) }
    }

    fn load(&self, plugin: &settings::Plugin, path: &Path, module: &mut Module) -> Result<Prepared, PluginProblem> {
        let settings = serde_json::Value::Object(plugin.settings.clone()).to_string();
        if let Some(prepared) = self.untouched(plugin, path, &settings, module) {
            return Ok(prepared);
        }
        let (name, limits) = (&plugin.name, &plugin.limits);
        let (seen, bytes) = read(path, limits.module_bytes_max, self.kept);
        let sum = seen.sha256.clone();
        module.file = Some(seen);
        let (bytes, sum) = (bytes?, sum.unwrap_or_default());
        self.check_signature(plugin, path, &bytes, module)?;
        let identity = Identity::new(sum, &settings, limits);
        let mut from = "shared";
        let mut prepare = || {
            let loaded = Plugin::load(self.engine, name, &bytes, plugin.sha256.as_deref(), &settings, limits);
            from = loaded.as_ref().map_or(from, |loaded| loaded.origin().name());
            loaded
        };
        let is_as_expected = plugin.sha256.as_ref().is_none_or(|expected| *expected == identity.sha256);
        let mut before = self.before.links.iter().filter_map(|link| link.loaded());
        let loaded = match before.find(|loaded| *loaded.identity() == identity) {
            // Checks it, to say what is wrong.
            _ if !is_as_expected => prepare()?,
            Some(loaded) => loaded.plugin().with_name(name),
            None => {
                let prepared = self.prepared(&identity);
                // Waits if another thread is preparing it.
                let prepared = prepared.get_or_init(prepare);
                prepared.as_ref().map_err(Clone::clone)?.with_name(name)
            }
        };
        Ok(Prepared { plugin: loaded, identity, from, facts: Vec::new() })
    }

    /// The plugin of the last generation, if nothing that it was made from can have changed: then nothing is read.
    fn untouched(
        &self,
        plugin: &settings::Plugin,
        path: &Path,
        settings: &str,
        module: &mut Module,
    ) -> Option<Prepared> {
        let (link, before) = self.before.named(&plugin.name)?;
        let (loaded, file) = (link.loaded()?, before.file.as_ref()?);
        let is_signed = self.keys.is_empty()
            || self.keys == self.before.keys
                && before
                    .signature
                    .as_ref()
                    .is_some_and(|seen| seen.path == signature_of(plugin, path) && seen.is_untouched());
        if self.kept.is_some() || file.path != path || !is_signed || !file.is_untouched() {
            return None;
        }
        let sum = file.sha256.clone().filter(|sum| plugin.sha256.as_ref().is_none_or(|expected| expected == sum))?;
        let identity = Identity::new(sum, settings, &plugin.limits);
        if *loaded.identity() != identity {
            return None;
        }
        (module.file, module.signature) = (before.file.clone(), before.signature.clone());
        let plugin = loaded.plugin().with_name(&plugin.name);
        Some(Prepared { plugin, identity, from: "unchanged", facts: Vec::new() })
    }

    fn check_signature(
        &self,
        plugin: &settings::Plugin,
        path: &Path,
        bytes: &[u8],
        module: &mut Module,
    ) -> Result<(), PluginProblem> {
        if self.keys.is_empty() {
            return Ok(());
        }
        if module.folder.is_some() {
            return Err(SignatureError::Crate.into());
        }
        let (seen, checked) = signature::check(self.keys, bytes, &signature_of(plugin, path), self.kept);
        module.signature = Some(seen);
        Ok(checked?)
    }

    /// A prepared plugin with the state of its calls: that of the last generation, if it is the same.
    fn loaded(&self, plugin: &settings::Plugin, prepared: Prepared, limits: BreakerLimits) -> Arc<Loaded> {
        let Prepared { plugin: loaded, identity, from, .. } = prepared;
        let before = self.before.named(&plugin.name).and_then(|(link, _)| link.loaded());
        if let Some(before) = before.filter(|before| before.is(&identity, limits)) {
            return Arc::clone(before);
        }
        let manifest = loaded.manifest();
        let (module, version, sha256) = (&manifest.name, &manifest.version, &identity.sha256);
        tracing::info!(plugin = plugin.name, module, version, sha256, from, "plugin is loaded");
        Arc::new(Loaded::new(loaded, identity, limits))
    }

    /// The commands that a plugin handles which cannot be loaded, as far as its module says; empty: it is not known.
    fn handles(&self, plugin: &settings::Plugin, module: &Module) -> Vec<String> {
        let Some(file) = &module.file else { return Vec::new() };
        let (_, bytes) = read(&file.path, plugin.limits.module_bytes_max, self.kept);
        let manifest = bytes.ok().and_then(|bytes| Plugin::check(self.engine, &bytes, &plugin.limits).ok());
        manifest.map_or_else(Vec::new, |manifest| manifest.commands)
    }

    fn prepared(&self, identity: &Identity) -> Shared {
        let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = prepared.iter().find(|(known, _)| known == identity) {
            return Arc::clone(known);
        }
        let new = Arc::default();
        prepared.push((identity.clone(), Arc::clone(&new)));
        new
    }

    /// Logs once what loading cost, and whether the next start will cost the same.
    fn log(&self, took: Duration) {
        let prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        let origins = || prepared.iter().filter_map(|(_, prepared)| Some(prepared.get()?.as_ref().ok()?.origin()));
        let count = |wanted| origins().filter(|origin| *origin == wanted).count();
        let (compiled, from_cache) = (count(Origin::Compiled), count(Origin::Cache));
        if compiled + from_cache > 0 {
            let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            tracing::info!(compiled, from_cache, took_ms, "plugins are prepared");
        }
        if let Some((path, error)) = self.engine.cache().and_then(|cache| Some((cache.path(), cache.trouble()?))) {
            tracing::warn!(
                "compiled plugins cannot be cached in {} ({error}): free space there, or name another `folder` under [cache]",
                path.display()
            );
        }
    }
}

/// Where the signature of a plugin's module is.
fn signature_of(plugin: &settings::Plugin, module: &Path) -> PathBuf {
    plugin.signature.clone().unwrap_or_else(|| signature::beside(module))
}

/// The plugin with its facts, if it handles each command that its settings name without `*`, and its facts are
/// configured.
fn fitting(
    settings: &settings::Plugin,
    all_facts: &[settings::Fact],
    mut prepared: Prepared,
) -> Result<Prepared, PluginProblem> {
    let handles = &prepared.plugin.manifest().commands;
    for pattern in settings.commands.iter().filter(|pattern| pattern.is_exact()) {
        if !handles.is_empty() && !handles.iter().any(|handled| pattern.matches(handled)) {
            let command = pattern.to_string();
            return Err(PluginProblem::Command { command, handles: handles.join(", ") });
        }
    }
    prepared.facts = facts::of_plugin(settings, prepared.plugin.manifest(), all_facts)?;
    Ok(prepared)
}

/// A module, if it is a file that is no larger than it may be.
fn read(path: &Path, bytes_max: usize, kept: Option<&Kept>) -> (Seen, Result<Vec<u8>, PluginProblem>) {
    let found = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file);
    let bytes = found.map_or(0, |found| usize::try_from(found.len()).unwrap_or(usize::MAX));
    let (seen, read) = Seen::read("", path, bytes_max as u64, kept);
    let read = match read {
        Err(_) if bytes > bytes_max => Err(LoadError::TooLarge { bytes, bytes_max }.into()),
        read => read.map_err(|error| PluginProblem::Unreadable { path: path.to_owned(), error }),
    };
    (seen, read)
}
