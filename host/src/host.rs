//! A host: its platforms with their dialects and routes, its plugins, and the slots in the sandbox.

mod loader;
mod mounted;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use callgate_sandbox::{CacheSettings, Engine, EngineError, Loading, Plugin};
use tokio::sync::Semaphore;

use crate::bodies::Bodies;
use crate::chain::Link;
use crate::journal::Journal;
use crate::route::Routes;
use crate::settings::Settings;
use crate::telemetry::{Now, Telemetry, VERSION};
use crate::workers::Workers;

pub use loader::{PluginError, PluginProblem, Progress};
pub use mounted::Mounted;

/// Everything that answers callbacks. Clones are cheap and share one host.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

/// What a [`Host`] consists of.
pub struct Inner {
    pub(crate) settings: Settings,
    pub(crate) engine: Engine,
    pub(crate) platforms: Vec<Mounted>,
    pub(crate) links: Vec<Arc<Link>>,
    /// Threads for the guests that are not quick.
    pub(crate) workers: Workers,
    /// Permits to be among the callbacks in flight.
    pub(crate) in_flight: Semaphore,
    /// Memory for the bodies of requests.
    pub(crate) bodies: Bodies,
    pub(crate) journal: Journal,
    pub(crate) telemetry: Telemetry,
    /// When it was started, and how many operations it has named since: together, an ID that no other has.
    started_unix_ms: u64,
    operations: AtomicU64,
    clock: Clock,
}

/// Returns the time of day in milliseconds since 1970-01-01 UTC, for signatures and for plugins.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Why a host cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The engine cannot be set up.
    #[error("the sandbox cannot be set up")]
    Engine(#[from] EngineError),
    /// The threads for plugins cannot be started.
    #[error(
        "no thread can be started for plugins: raise the maximum number of threads (`ulimit -u`, `TasksMax` of systemd)"
    )]
    Workers(#[source] std::io::Error),
    /// Plugins cannot be used.
    #[error("{}", loader::lines(.0))]
    Plugins(Vec<PluginError>),
}

impl Host {
    /// Builds and loads all plugins.
    ///
    /// # Errors
    /// If the engine cannot be set up; or the problems of all plugins that cannot be used.
    pub fn start(settings: Settings, progress: &mut dyn Progress) -> Result<Self, StartError> {
        Self::start_loading(settings, progress, Loading::InThisProcess)
    }

    /// As [`Host::start`], with modules prepared where `loading` says; [`Host::start`] does that in this process.
    ///
    /// # Errors
    /// As [`Host::start`].
    pub fn start_loading(
        settings: Settings,
        progress: &mut dyn Progress,
        loading: Loading,
    ) -> Result<Self, StartError> {
        let clock = || {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        };
        Self::start_with(settings, progress, loading, Arc::new(clock))
    }

    /// Like [`Host::start`], with the caller's own clock.
    ///
    /// # Errors
    /// As [`Host::start`].
    pub fn start_with_clock(settings: Settings, progress: &mut dyn Progress, clock: Clock) -> Result<Self, StartError> {
        Self::start_with(settings, progress, Loading::InThisProcess, clock)
    }

    fn start_with(
        settings: Settings,
        progress: &mut dyn Progress,
        loading: Loading,
        clock: Clock,
    ) -> Result<Self, StartError> {
        let mut engine = Engine::new(&settings.limits.engine)?;
        engine.load_in(loading, &settings.loading, loader::at_once(settings.plugins.len()));
        open_cache(&mut engine, &settings.cache);
        engine.log_memory_reset();
        tracing::info!(version = VERSION, "callgate starts");
        let workers =
            Workers::new(engine.calls_at_once(), engine.calls_behind(), settings.limits.plugin_share_percent_max)
                .map_err(StartError::Workers)?;
        let links = loader::load_all(&settings, &engine, progress).map_err(StartError::Plugins)?;
        let telemetry = Telemetry::new(&settings, &links);
        let platforms = settings.platforms.iter().enumerate().map(|(index, platform)| Mounted {
            index,
            platform: platform.clone(),
            routes: Routes::build(index, platform, &links),
        });
        Ok(Self(Arc::new(Inner {
            platforms: platforms.collect(),
            workers,
            in_flight: Semaphore::new(settings.server.in_flight_max),
            bodies: Bodies::new(settings.server.body_bytes_max, settings.server.bodies_bytes_max),
            journal: Journal::new(&settings.records_file),
            telemetry,
            settings,
            engine,
            links,
            started_unix_ms: clock(),
            operations: AtomicU64::new(0),
            clock,
        })))
    }

    /// The platform that a path belongs to, and what follows the platform's own path.
    pub(crate) fn find(&self, path: &str) -> Option<(&Mounted, String)> {
        mounted::find(&self.0.platforms, path)
    }

    /// Its settings.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The platforms, in the order of the settings.
    pub fn platforms(&self) -> &[Mounted] {
        &self.0.platforms
    }

    /// The plugins, in the order of the settings.
    pub fn plugins(&self) -> impl Iterator<Item = &Plugin> {
        self.0.links.iter().map(|link| link.plugin())
    }

    /// The metrics in OpenMetrics text format.
    pub fn metrics(&self) -> String {
        let in_flight = self.settings.server.in_flight_max - self.in_flight.available_permits();
        let now = Now { in_flight, waiting: self.workers.waiting(), is_memory_distrusted: self.engine.is_distrusted() };
        self.telemetry.render(&self.journal, now)
    }

    /// An ID for a callback that has none.
    pub(crate) fn new_operation_id(&self) -> String {
        format!("callgate-{:x}-{}", self.started_unix_ms, self.operations.fetch_add(1, Ordering::Relaxed) + 1)
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

/// Opens the cache. A host without a cache starts more slowly but is otherwise the same, so a failure is only logged.
fn open_cache(engine: &mut Engine, settings: &CacheSettings) {
    if let Err(error) = engine.open_cache(settings) {
        tracing::warn!("compiled plugins are not cached: {error}");
    } else if settings.folder.is_none() && settings.bytes_max > 0 {
        tracing::info!(
            "compiled plugins are not cached: neither `folder` under [cache] nor the environment names a folder (CACHE_DIRECTORY, XDG_CACHE_HOME, HOME)"
        );
    }
}
