//! A host: platforms with their dialects and routes, plugins, and the places in the sandbox.

use std::fmt;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::breaker::Breaker;
use crate::cargo::BuildError;
use crate::chain::Link;
use crate::dialect::{self, Dialect};
use crate::journal::Journal;
use crate::places::Places;
use crate::plugin::engine::{EngineError, log_memory_reset};
use crate::plugin::{Engine, LoadError, Plugin, load};
use crate::route::Routes;
use crate::settings::{ModuleSource, Platform, PluginLimits, Settings};
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
pub trait Progress {
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
        let engine = Engine::new(&settings.limits)?;
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
    let mut prepared = Vec::new();
    for (index, (plugin, module)) in settings.plugins.iter().zip(modules).enumerate() {
        progress.step("preparing", &plugin.name, index + 1, of);
        let breaker = Breaker::new(settings.limits.breaker_faults_max, settings.limits.breaker_pause);
        match module.and_then(|path| prepare(engine, plugin, path, &mut prepared)) {
            Ok(loaded) => links.push(Arc::new(Link::new(loaded, plugin, breaker, telemetry.plugin(&plugin.name)))),
            Err(why) => errors.push(PluginError { name: plugin.name.clone(), why }),
        }
    }
    if errors.is_empty() { Ok(links) } else { Err(errors) }
}

/// A plugin that was prepared before, and all that it depends on.
struct Prepared {
    sha256: String,
    settings: String,
    limits: PluginLimits,
    plugin: Plugin,
}

/// Reads a module and prepares it; one that is registered again, with the same settings and limits, is prepared once.
fn prepare(
    engine: &Engine,
    plugin: &crate::settings::Plugin,
    path: PathBuf,
    prepared: &mut Vec<Prepared>,
) -> Result<Plugin, PluginProblem> {
    let module = std::fs::read(&path).map_err(|error| PluginProblem::Unreadable { path, error })?;
    let settings = serde_json::Value::Object(plugin.settings.clone()).to_string();
    let sha256 = load::sha256(&module);
    let known = prepared.iter().find(|known| {
        known.sha256 == sha256
            && known.settings == settings
            && known.limits == plugin.limits
            && plugin.sha256.as_ref().is_none_or(|expected| *expected == sha256)
    });
    let loaded = match known {
        Some(known) => known.plugin.with_name(&plugin.name),
        None => Plugin::load(engine, &plugin.name, &module, plugin.sha256.as_deref(), &settings, &plugin.limits)?,
    };
    let handles = &loaded.manifest().commands;
    for pattern in plugin.commands.iter().filter(|pattern| pattern.is_exact()) {
        if !handles.is_empty() && !handles.iter().any(|handled| pattern.matches(handled)) {
            let command = pattern.to_string();
            return Err(PluginProblem::Command { command, handles: handles.join(", ") });
        }
    }
    if known.is_none() {
        let plugin = loaded.with_name(&plugin.name);
        prepared.push(Prepared { sha256, settings, limits: loaded.limits().clone(), plugin });
    }
    Ok(loaded)
}
