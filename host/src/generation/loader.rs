//! Loads the plugins of the settings: several concurrently, and identical ones once.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use callgate_sandbox::{Engine, LoadError, Origin, Plugin, sha256};
use callgate_terminal::read_file;

use crate::chain::{Identity, Link, Loaded};
use crate::settings::{self, BreakerLimits, ModuleSource, Problem, Settings, Source, Step};

/// Why one plugin cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("plugin {name}: {why}")]
pub struct PluginError {
    /// The table of the settings that it is in: `plugin`, or `shadow` for a candidate's.
    pub table: &'static str,
    /// The number of that table in the settings, counted from 1.
    pub number: usize,
    /// Its name in the settings.
    pub name: String,
    /// What is wrong with it.
    pub why: PluginProblem,
}

/// What is wrong with a plugin.
#[derive(Debug, thiserror::Error)]
pub enum PluginProblem {
    /// Its file cannot be read.
    #[error("{} cannot be read ({error}): build the plugin, or correct `wasm`", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// Its crate cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// Its module cannot be used.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Its patterns name commands that it does not handle.
    #[error("it does not handle `{command}`, only {handles}: correct `commands`")]
    Command {
        /// The command.
        command: String,
        /// What it handles.
        handles: String,
    },
}

impl PluginError {
    /// The mistake in the settings that this is, where they have it.
    #[must_use]
    pub fn problem(&self, source: &Source) -> Problem {
        use Step::{Key, Number};
        let plugin = [Key(self.table), Number(self.number)];
        let at = |keys: &[&'static str]| -> Vec<Step<'_>> {
            plugin.into_iter().chain(keys.iter().map(|key| Key(key))).collect()
        };
        let module = if source.has(&at(&["source"])) { "source" } else { "wasm" };
        let place = match &self.why {
            PluginProblem::Load(LoadError::Checksum { .. }) => at(&["sha256"]),
            PluginProblem::Load(LoadError::Settings { reason }) => {
                // What its author's words quote is a key of the settings, or the value of one.
                for table in ["settings", "settings_files"] {
                    let table = at(&[table]);
                    if let Some(member) =
                        quoted(reason).find_map(|word| source.member(&table, word.split('[').next().unwrap_or(word)))
                    {
                        return source.problem(&[&table[..], &[Key(&member)]].concat(), &self.to_string());
                    }
                }
                at(&["settings"])
            }
            PluginProblem::Command { .. } => at(&["commands"]),
            PluginProblem::Unreadable { .. } | PluginProblem::Build(_) | PluginProblem::Load(_) => at(&[module]),
        };
        source.problem(&place, &self.to_string())
    }
}

/// The words in quotes of a sentence, in its order.
fn quoted(words: &str) -> impl Iterator<Item = &str> {
    words.split(['`', '"']).skip(1).step_by(2).filter(|word| !word.is_empty())
}

pub(crate) fn lines(errors: &[PluginError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

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

/// Loads all plugins of the settings. Those of `before` that are the same are taken over as they are.
///
/// # Errors
/// What is wrong with each plugin that cannot be used.
pub(super) fn load_all(
    settings: &Settings,
    engine: &Engine,
    before: &[Arc<Link>],
    progress: &mut dyn Progress,
) -> Result<Vec<Arc<Link>>, Vec<PluginError>> {
    let (mut links, mut errors) = (Vec::new(), Vec::new());
    let plugins = settings.all_plugins();
    let of = plugins.len();
    // Build all crates first, to keep cargo's output together.
    let modules: Vec<_> = plugins
        .iter()
        .enumerate()
        .map(|(index, plugin)| match &plugin.module {
            ModuleSource::Wasm(path) => Ok(path.clone()),
            ModuleSource::Crate(folder) => {
                progress.step("building", &plugin.name, index + 1, of);
                build(folder, progress.cargo())
            }
        })
        .collect();
    let loader = Loader::new(engine, before);
    let started = Instant::now();
    let prepared = load_at_once(&loader, &plugins, modules, progress);
    for (&plugin, prepared) in plugins.iter().zip(prepared) {
        match prepared {
            Ok(prepared) => {
                let loaded = loader.loaded(plugin, prepared, settings.limits.breaker);
                links.push(Arc::new(Link::new(links.len(), loaded, plugin)));
            }
            Err(why) => {
                errors.push(PluginError { table: plugin.table, number: plugin.number, name: plugin.name.clone(), why })
            }
        }
    }
    engine.forget_functions();
    loader.log(started.elapsed());
    if errors.is_empty() { Ok(links) } else { Err(errors) }
}

#[cfg(feature = "workshop")]
use callgate_workshop::cargo::BuildError;

/// Builds a plugin from its crate.
#[cfg(feature = "workshop")]
fn build(folder: &Path, tell: Option<fn(&str)>) -> Result<PathBuf, PluginProblem> {
    callgate_workshop::cargo::build_telling(folder, tell).map_err(PluginProblem::from)
}

/// Why a crate cannot be built.
#[cfg(not(feature = "workshop"))]
#[derive(Debug, thiserror::Error)]
#[error(
    "this callgate was built without the author commands and cannot build crates: build the module elsewhere and name it under `wasm`"
)]
pub struct BuildError;

#[cfg(not(feature = "workshop"))]
fn build(_: &Path, _: Option<fn(&str)>) -> Result<PathBuf, PluginProblem> {
    Err(BuildError.into())
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
}

/// Loads several plugins concurrently. Progress and results are in the order of the settings.
fn load_at_once(
    loader: &Loader<'_>,
    plugins: &[&settings::Plugin],
    modules: Vec<Result<PathBuf, PluginProblem>>,
    progress: &mut dyn Progress,
) -> Vec<Result<Prepared, PluginProblem>> {
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
            let loaded = module.and_then(|path| loader.load(plugin, path));
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
    before: &'e [Arc<Link>],
    prepared: Mutex<Vec<(Identity, Shared)>>,
}

/// A plugin that is being prepared; set when that is finished.
type Shared = Arc<OnceLock<Result<Plugin, LoadError>>>;

impl<'e> Loader<'e> {
    fn new(engine: &'e Engine, before: &'e [Arc<Link>]) -> Self {
        Self { engine, before, prepared: Mutex::default() }
    }

    fn load(&self, plugin: &settings::Plugin, path: PathBuf) -> Result<Prepared, PluginProblem> {
        let module = read(&path, plugin.limits.module_bytes_max)?;
        let settings = serde_json::Value::Object(plugin.settings.clone()).to_string();
        let (name, limits) = (&plugin.name, &plugin.limits);
        let identity = Identity::new(sha256(&module), &settings, limits);
        let mut from = "shared";
        let mut prepare = || {
            let loaded = Plugin::load(self.engine, name, &module, plugin.sha256.as_deref(), &settings, limits);
            from = loaded.as_ref().map_or(from, |loaded| loaded.origin().name());
            loaded
        };
        let is_as_expected = plugin.sha256.as_ref().is_none_or(|expected| *expected == identity.sha256);
        let loaded = match self.before.iter().find(|link| *link.loaded().identity() == identity) {
            // Checks and prepares it, to say what is wrong.
            _ if !is_as_expected => prepare()?,
            Some(link) => link.plugin().with_name(name),
            None => {
                let prepared = self.prepared(&identity);
                // Waits if another thread is preparing it.
                let prepared = prepared.get_or_init(prepare);
                prepared.as_ref().map_err(Clone::clone)?.with_name(name)
            }
        };
        let handles = &loaded.manifest().commands;
        for pattern in plugin.commands.iter().filter(|pattern| pattern.is_exact()) {
            if !handles.is_empty() && !handles.iter().any(|handled| pattern.matches(handled)) {
                let command = pattern.to_string();
                return Err(PluginProblem::Command { command, handles: handles.join(", ") });
            }
        }
        Ok(Prepared { plugin: loaded, identity, from })
    }

    /// A prepared plugin with what is known of its calls: that of the last generation, if it is the same.
    fn loaded(&self, plugin: &settings::Plugin, prepared: Prepared, limits: BreakerLimits) -> Arc<Loaded> {
        let Prepared { plugin: loaded, identity, from } = prepared;
        let before = self.before.iter().find(|link| **link.name() == *plugin.name).map(|link| link.loaded());
        if let Some(before) = before.filter(|before| before.is(&identity, limits)) {
            return Arc::clone(before);
        }
        let manifest = loaded.manifest();
        let (module, version, sha256) = (&manifest.name, &manifest.version, &identity.sha256);
        tracing::info!(plugin = plugin.name, module, version, sha256, from, "plugin is loaded");
        Arc::new(Loaded::new(loaded, identity, limits, before.map(Arc::as_ref)))
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

    /// Logs once what loading cost, and whether the next start will cost as much.
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

/// A module, if it is a file that is no larger than it may be.
fn read(path: &Path, bytes_max: usize) -> Result<Vec<u8>, PluginProblem> {
    let unreadable = |error| PluginProblem::Unreadable { path: path.to_owned(), error };
    let found = std::fs::metadata(path).map_err(unreadable)?;
    let bytes = usize::try_from(found.len()).unwrap_or(usize::MAX);
    if found.is_file() && bytes > bytes_max {
        return Err(LoadError::TooLarge { bytes, bytes_max }.into());
    }
    read_file(path, bytes_max as u64).map_err(unreadable)
}
