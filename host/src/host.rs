//! A host: platforms with their dialects and routes, plugins, and the places in the sandbox.

use std::fmt;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::breaker::Breaker;
use crate::cargo::BuildError;
use crate::chain::Link;
use crate::dialect::{self, Dialect};
use crate::journal::Journal;
use crate::places::Places;
use crate::plugin::engine::{EngineError, log_memory_reset};
use crate::plugin::{Engine, LoadError, Origin, Plugin, load};
use crate::route::Routes;
use crate::settings::{self, ModuleSource, Platform, PluginLimits, Settings};
use crate::telemetry::{PlatformCounters, Telemetry};

/// Everything that answers callbacks. Cloning it is cheap and gives the same host.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

/// What a [`Host`] consists of.
pub struct Inner {
    pub(crate) settings: Settings,
    pub(crate) engine: Engine,
    pub(crate) platforms: Vec<Mounted>,
    pub(crate) links: Vec<Arc<Link>>,
    /// In the sandbox.
    pub(crate) permits: Places,
    /// Among the callbacks that are being answered.
    pub(crate) in_flight: Places,
    pub(crate) journal: Journal,
    pub(crate) telemetry: Telemetry,
    clock: Clock,
}

/// Tells the time of day: for signatures, and for plugins.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// A platform at its path.
#[derive(Debug)]
pub struct Mounted {
    /// Its settings.
    pub platform: Platform,
    /// Its protocol.
    pub dialect: Box<dyn Dialect>,
    /// Its chains.
    pub routes: Routes,
    /// Its counters.
    pub(crate) counters: PlatformCounters,
}

/// Why a host cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The engine cannot be set up.
    #[error(
        "the sandbox cannot be set up: lower `memory_bytes_max`, `calls_at_once_max` or `kept_instances_max` under [limits]"
    )]
    Engine(#[from] EngineError),
    /// Plugins cannot be used.
    #[error("{}", lines(.0))]
    Plugins(Vec<PluginError>),
}

/// Why one plugin cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("plugin {name}: {why}")]
pub struct PluginError {
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
    #[error("it is given `{command}`, but handles only {handles}: correct `commands`")]
    Command {
        /// The command.
        command: String,
        /// What it handles.
        handles: String,
    },
}

fn lines(errors: &[PluginError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// What is going on while a host starts; for people who wait.
pub trait Progress: Send {
    /// A plugin's crate is built or its module is prepared.
    fn step(&mut self, what: &str, plugin: &str, number: usize, of: usize);
}

/// Nobody waits.
impl Progress for () {
    fn step(&mut self, _: &str, _: &str, _: usize, _: usize) {}
}

impl Host {
    /// Builds and loads all plugins.
    ///
    /// # Errors
    /// If the engine cannot be set up, or what is wrong with every plugin that cannot be used.
    pub fn start(settings: Settings, progress: &mut dyn Progress) -> Result<Self, StartError> {
        let clock = || {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        };
        Self::start_with_clock(settings, progress, Arc::new(clock))
    }

    /// As [`Host::start`], with a clock of the caller's own: milliseconds since 1970-01-01 UTC.
    ///
    /// # Errors
    /// As [`Host::start`].
    pub fn start_with_clock(settings: Settings, progress: &mut dyn Progress, clock: Clock) -> Result<Self, StartError> {
        let mut engine = Engine::new(&settings.limits)?;
        open_cache(&mut engine, &settings.cache);
        log_memory_reset(&engine);
        let telemetry = Telemetry::new();
        let links = load_all(&settings, &engine, &telemetry, progress).map_err(StartError::Plugins)?;
        let platforms = settings
            .platforms
            .iter()
            .map(|platform| Mounted {
                platform: platform.clone(),
                dialect: dialect::of(platform),
                routes: Routes::build(platform, &links),
                counters: telemetry.platform(platform),
            })
            .collect();
        Ok(Self(Arc::new(Inner {
            permits: Places::new(settings.limits.calls_at_once_max.get()),
            in_flight: Places::new(settings.server.in_flight_max),
            journal: Journal::new(&settings.records_file),
            telemetry,
            settings,
            engine,
            platforms,
            links,
            clock,
        })))
    }

    /// The platform that a path belongs to, and what follows the platform's own path. Empty pieces do not count:
    /// `//openim//x` is `/openim/x`.
    pub fn find(&self, path: &str) -> Option<(usize, String)> {
        fn pieces(path: &str) -> impl Iterator<Item = &str> {
            path.split('/').filter(|piece| !piece.is_empty())
        }
        let mut found: Option<(usize, usize)> = None;
        for (index, mounted) in self.platforms.iter().enumerate() {
            let (mut rest, mut len) = (pieces(path), 0);
            let fits = pieces(&mounted.platform.path).all(|piece| {
                len += 1;
                rest.next() == Some(piece)
            });
            if fits && found.is_none_or(|(_, longest)| len > longest) {
                found = Some((index, len));
            }
        }
        let (index, len) = found?;
        let mut subpath = String::with_capacity(path.len());
        for (number, piece) in pieces(path).skip(len).enumerate() {
            subpath.push_str(if number > 0 { "/" } else { "" });
            subpath.push_str(&percent_encoding::percent_decode_str(piece).decode_utf8_lossy());
        }
        Some((index, subpath))
    }

    /// The platforms, in the order of the settings.
    pub fn platforms(&self) -> &[Mounted] {
        &self.0.platforms
    }

    /// The plugins, in the order of the settings.
    pub fn plugins(&self) -> impl Iterator<Item = &Plugin> {
        self.0.links.iter().map(|link| link.plugin())
    }

    /// The counters as text.
    pub fn metrics(&self) -> String {
        self.telemetry.render(&self.journal, self.in_flight.taken())
    }

    pub(crate) fn now_unix_ms(&self) -> u64 {
        (self.0.clock)()
    }
}

impl Deref for Host {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("platforms", &self.0.platforms).finish_non_exhaustive()
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("platforms", &self.platforms).finish_non_exhaustive()
    }
}

fn load_all(
    settings: &Settings,
    engine: &Engine,
    telemetry: &Telemetry,
    progress: &mut dyn Progress,
) -> Result<Vec<Arc<Link>>, Vec<PluginError>> {
    let (mut links, mut errors) = (Vec::new(), Vec::new());
    let of = settings.plugins.len();
    // All crates first: cargo's output stays together.
    let modules: Vec<_> = settings
        .plugins
        .iter()
        .enumerate()
        .map(|(index, plugin)| match &plugin.module {
            ModuleSource::Wasm(path) => Ok(path.clone()),
            ModuleSource::Crate(folder) => {
                progress.step("building", &plugin.name, index + 1, of);
                crate::cargo::build(folder).map_err(PluginProblem::from)
            }
        })
        .collect();
    let loader = Loader { engine, prepared: Mutex::default() };
    let started = Instant::now();
    let loaded = load_at_once(&loader, &settings.plugins, modules, progress);
    for (plugin, loaded) in settings.plugins.iter().zip(loaded) {
        let breaker = Breaker::new(settings.limits.breaker_faults_max, settings.limits.breaker_pause);
        match loaded {
            Ok((loaded, from)) => {
                tracing::debug!(name = plugin.name, from, "prepared");
                links.push(Arc::new(Link::new(loaded, plugin, breaker, telemetry.plugin(&plugin.name))));
            }
            Err(why) => errors.push(PluginError { name: plugin.name.clone(), why }),
        }
    }
    engine.forget_functions();
    loader.log(started.elapsed());
    if errors.is_empty() { Ok(links) } else { Err(errors) }
}

/// Most plugins that are loaded at the same time. Wasmtime compiles each of them on all cores already, and a large
/// module takes much memory while it is compiled: this only fills the cores while others do what cannot be divided.
const LOADED_AT_ONCE_MAX: usize = 8;

/// What became of a plugin: itself, and in a word where its compiled code came from.
type Loaded = Result<(Plugin, &'static str), PluginProblem>;

/// Loads several plugins at the same time. Steps are told, and results are given, in the order of the settings.
fn load_at_once(
    loader: &Loader<'_>,
    plugins: &[crate::settings::Plugin],
    modules: Vec<Result<PathBuf, PluginProblem>>,
    progress: &mut dyn Progress,
) -> Vec<Loaded> {
    let jobs = Mutex::new((plugins.iter().zip(modules).enumerate(), progress));
    let done = Mutex::new(Vec::with_capacity(plugins.len()));
    let work = || {
        let next = || {
            let mut jobs = jobs.lock().unwrap_or_else(PoisonError::into_inner);
            let (number, job) = jobs.0.next()?;
            // Told while the next one cannot be taken.
            jobs.1.step("preparing", &job.0.name, number + 1, plugins.len());
            Some((number, job))
        };
        while let Some((number, (plugin, module))) = next() {
            let loaded = module.and_then(|path| loader.load(plugin, path));
            done.lock().unwrap_or_else(PoisonError::into_inner).push((number, loaded));
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.min(LOADED_AT_ONCE_MAX).min(plugins.len());
    std::thread::scope(|scope| {
        // This thread is one of them. Where no other can be started, it does all of the work.
        for _ in 1..threads {
            let _ = std::thread::Builder::new().name("load".to_owned()).spawn_scoped(scope, work);
        }
        work();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, loaded)| loaded).collect()
}

/// Loads plugins; one that is registered again, with the same module, settings and limits, is prepared once.
struct Loader<'e> {
    engine: &'e Engine,
    prepared: Mutex<Vec<(Same, Prepared)>>,
}

/// What came of preparing a plugin, once that is over.
type Prepared = Arc<OnceLock<Result<Plugin, LoadError>>>;

/// All that a prepared plugin depends on.
#[derive(PartialEq, Eq)]
struct Same {
    sha256: String,
    settings: String,
    limits: PluginLimits,
}

impl Loader<'_> {
    fn load(&self, plugin: &crate::settings::Plugin, path: PathBuf) -> Loaded {
        let module = std::fs::read(&path).map_err(|error| PluginProblem::Unreadable { path, error })?;
        let settings = serde_json::Value::Object(plugin.settings.clone()).to_string();
        let sha256 = load::sha256(&module);
        let is_as_expected = plugin.sha256.as_ref().is_none_or(|expected| *expected == sha256);
        let (name, limits) = (&plugin.name, &plugin.limits);
        let mut from = "shared";
        let mut prepare = || {
            let loaded = Plugin::load(self.engine, name, &module, plugin.sha256.as_deref(), &settings, limits);
            from = loaded.as_ref().map_or(from, |loaded| loaded.origin().name());
            loaded
        };
        let loaded = match is_as_expected {
            true => {
                let prepared = self.prepared(Same { sha256, settings: settings.clone(), limits: limits.clone() });
                // Another thread that prepares it at this moment is waited for.
                let prepared = prepared.get_or_init(prepare);
                prepared.as_ref().map_err(Clone::clone)?.with_name(name)
            }
            false => prepare()?,
        };
        let handles = &loaded.manifest().commands;
        for pattern in plugin.commands.iter().filter(|pattern| pattern.is_exact()) {
            if !handles.is_empty() && !handles.iter().any(|handled| pattern.matches(handled)) {
                let command = pattern.to_string();
                return Err(PluginProblem::Command { command, handles: handles.join(", ") });
            }
        }
        Ok((loaded, from))
    }

    fn prepared(&self, same: Same) -> Prepared {
        let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = prepared.iter().find(|(known, _)| *known == same) {
            return Arc::clone(known);
        }
        let new = Arc::default();
        prepared.push((same, Arc::clone(&new)));
        new
    }

    /// Says once what the start cost, and whether the next one will cost as much.
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
                "compiled plugins cannot be kept in {} ({error}): make room there, or name another `folder` under [cache]",
                path.display()
            );
        }
    }
}

/// Opens the cache. Without it a host starts more slowly and is the same otherwise, so it starts.
fn open_cache(engine: &mut Engine, settings: &settings::Cache) {
    if let Err(error) = engine.open_cache(settings) {
        tracing::warn!("compiled plugins are not kept: {error}");
    } else if settings.folder.is_none() && settings.bytes_max > 0 {
        tracing::info!(
            "compiled plugins are not kept: neither `folder` under [cache] nor the environment names a folder (CACHE_DIRECTORY, XDG_CACHE_HOME, HOME)"
        );
    }
}
