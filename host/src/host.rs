//! A host: the generation in service, and what outlives generations: the sandbox, workers, permits, journal, metrics.

use std::collections::HashSet;
use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::{ArcSwap, Guard};
use callgate_catalogue::line::one_line;
use callgate_journal::Journal;
use callgate_journal::sink::{SinkStatus, State};
use callgate_sandbox::{CacheSettings, Engine, EngineError, Loading};

use crate::bodies::Bodies;
use crate::fixed::Fixed;
use crate::gate::Gate;
use crate::generation::{self, Crates, Generation, NotBuilt, PluginError, Progress, Retired};
use crate::keeping::Keeping;
use crate::records::Records;
use crate::reloads::Reloads;
use crate::settings::Settings;
use crate::shadow::{self, Job, Queue};
use crate::telemetry::{Now, Telemetry, VERSION};
use crate::workers::Workers;

/// Everything that answers callbacks. Clones are cheap and share one host.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

/// A host that is not kept alive by this.
pub(crate) struct WeakHost(Weak<Inner>);

impl WeakHost {
    /// The host, if it is still there.
    pub(crate) fn upgrade(&self) -> Option<Host> {
        self.0.upgrade().map(Host)
    }
}

/// What a [`Host`] consists of.
pub struct Inner {
    /// What only a restart changes.
    pub(crate) settings: Fixed,
    pub(crate) engine: Engine,
    generation: ArcSwap<Generation>,
    retired: Retired<Generation>,
    pub(crate) reloads: Reloads,
    /// Threads for the guests that are not quick.
    pub(crate) workers: Workers,
    /// Permits to be among the callbacks in flight.
    pub(crate) in_flight: Gate,
    /// Memory for the bodies of requests.
    pub(crate) bodies: Bodies,
    /// The journal on disk, and what uses it.
    pub(crate) keeping: Keeping,
    pub(crate) records: Records,
    /// The thread that compares candidates; set once there is one.
    comparing: OnceLock<Arc<Queue<Job>>>,
    pub(crate) telemetry: Telemetry,
    /// The names of counters whose last save failed; the next save writes all of their parts.
    pub(crate) unsaved_facts: Mutex<HashSet<String>>,
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
    #[error("{}", generation::lines(.0))]
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
        engine.load_in(loading, &settings.loading, generation::at_once(settings.plugins.len()));
        open_cache(&mut engine, &settings.cache);
        engine.log_memory_reset();
        tracing::info!(version = VERSION, "callgate starts");
        let workers =
            Workers::new(engine.calls_at_once(), engine.calls_behind(), settings.limits.plugin_share_percent_max)
                .map_err(StartError::Workers)?;
        let telemetry = Telemetry::new(shadow::OUTCOMES);
        let fixed = Fixed::of(&settings);
        let started_unix_ms = clock();
        let first = Generation::build(settings, &engine, &telemetry, None, Crates::Build, started_unix_ms, progress)
            .map_err(|not_built| StartError::Plugins(not_built.errors))?;
        let records = Records::new(&first.settings().sinks, format!("callgate-{started_unix_ms:x}"));
        let host = Self(Arc::new(Inner {
            generation: ArcSwap::from_pointee(first),
            retired: Retired::default(),
            reloads: Reloads::new(started_unix_ms),
            workers,
            in_flight: Gate::new("in_flight_max", fixed.server.in_flight_max, 1),
            bodies: Bodies::new(&fixed.server),
            keeping: Keeping::default(),
            records,
            comparing: OnceLock::new(),
            telemetry,
            unsaved_facts: Mutex::default(),
            settings: fixed,
            engine,
            started_unix_ms,
            operations: AtomicU64::new(0),
            clock,
        }));
        host.start_comparing();
        Ok(host)
    }

    /// The generation in service. A callback asks for it once, when it arrives. Takes no lock, and counts no reference
    /// where few are held at the same time.
    pub fn generation(&self) -> Guard<Arc<Generation>> {
        self.0.generation.load()
    }

    /// The generation in service, for work that outlasts a request.
    pub(crate) fn generation_for_long(&self) -> Arc<Generation> {
        self.0.generation.load_full()
    }

    /// This host, without keeping it alive.
    pub(crate) fn downgrade(&self) -> WeakHost {
        WeakHost(Arc::downgrade(&self.0))
    }

    /// Builds what these settings say beside the generation in service. Blocks: plugins are built, configured and
    /// compiled.
    ///
    /// # Errors
    /// The problems of all plugins that cannot be used.
    pub(crate) fn build(
        &self,
        settings: Settings,
        crates: Crates,
        progress: &mut dyn Progress,
    ) -> Result<Generation, NotBuilt> {
        let before = Arc::clone(&self.generation());
        let now = self.now_unix_ms();
        Generation::build(settings, &self.engine, &self.telemetry, Some(&before), crates, now, progress)
    }

    /// Puts a generation into service: each callback that arrives from now on is answered by it. The one before ends
    /// when its last callback is answered.
    pub(crate) fn replace(&self, next: Generation) {
        let next = Arc::new(next);
        let before = self.0.generation.swap(Arc::clone(&next));
        self.telemetry.forget(before.counters(), next.counters());
        self.records.set_sinks(&next.settings().sinks);
        for gone in before.shadows().iter().filter(|gone| !next.shadows().iter().any(|it| it.name() == gone.name())) {
            self.telemetry.shadows().forget(gone.name());
        }
        self.retired.add(before);
        self.start_comparing();
    }

    /// Starts the thread that compares candidates, if there are any and it does not run yet.
    fn start_comparing(&self) {
        if self.generation().shadows().is_empty() || self.comparing.get().is_some() {
            return;
        }
        let (its, itself) = (Arc::downgrade(&self.0), Arc::downgrade(&self.0));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        // With as many callbacks under way as there are cores, none is to spare.
        let has_spare =
            move || its.upgrade().is_none_or(|host| host.workers.waiting() == 0 && host.in_flight() < cores);
        let run = move |job: Job| {
            if let Some(host) = itself.upgrade() {
                job.run(&host.engine, &*host.clock);
            }
        };
        match Queue::start(has_spare, run) {
            Ok(queue) => drop(self.comparing.set(Arc::new(queue))),
            Err(error) => tracing::error!("candidates are not compared, because no thread can be started: {error}"),
        }
    }

    /// The thread that compares candidates; `None`: there are none.
    pub(crate) fn comparing(&self) -> Option<&Arc<Queue<Job>>> {
        self.comparing.get()
    }

    /// Completes when all callbacks that were answered by now are compared.
    #[doc(hidden)]
    pub async fn compared(&self) {
        if let Some(queue) = self.comparing() {
            queue.settle().await;
        }
    }

    /// How many generations are in memory: one, and while callbacks hold them those before it.
    pub(crate) fn generations(&self) -> usize {
        1 + self.retired.len()
    }

    /// The settings that only a restart changes.
    pub fn settings(&self) -> &Fixed {
        &self.0.settings
    }

    /// The metrics in OpenMetrics text format.
    pub fn metrics(&self) -> String {
        let generation = self.generation();
        let families = self.telemetry.shadows();
        for shadow in generation.shadows() {
            let (percent, waiting, is_fallen_back) = shadow.now();
            families.look(shadow.name(), percent, waiting, is_fallen_back);
        }
        let now = Now {
            journal: self.keeping.numbers(),
            decisions_dropped: self.keeping.decisions_dropped(),
            in_flight: self.in_flight.taken(),
            waiting: self.workers.waiting(),
            running: self.workers.running(),
            cancelled: self.workers.cancelled(),
            is_memory_distrusted: self.engine.is_distrusted(),
            generation: generation.number(),
            generations: self.generations(),
            reloads: self.reloads.status().clone(),
        };
        self.telemetry.render(generation.counters(), generation.facts(), &self.records, now)
    }

    /// Has records go into this journal from now on, and the sinks of the settings read from it. Must be called in a
    /// runtime, once. Until then, and in a host without a journal, records go straight to sinks of lines.
    pub async fn keep_records_in(&self, journal: Journal, clock: callgate_journal::Clock) {
        let generation = self.0.generation.load_full();
        self.records.use_journal(journal, clock, &generation.settings().sinks).await;
    }

    /// Waits until each sink that works has the records that are on disk now, at most for
    /// [`SETTLES_WITHIN`](callgate_journal::sink::SETTLES_WITHIN). One that fails is not waited for.
    pub async fn settle_sinks(&self) {
        self.records.settle().await;
    }

    /// The sinks that fail, each on a line with the reason; empty if all deliver.
    pub(crate) fn failing_sinks(&self) -> String {
        let failing =
            self.records.status().into_iter().filter(|sink| sink.state != State::Running || sink.refusal.is_some());
        let line = |sink: SinkStatus| {
            let state = match (&sink.state, &sink.refusal) {
                (State::Running, Some(why)) => format!("records are refused and retried: {why}"),
                (state, _) => state.to_string(),
            };
            let (name, state) = (&sink.name, one_line(&state));
            let (records, seconds) = (sink.lag_records, sink.lag_age.as_secs());
            format!("sink {name}: {state}; {records} records behind, the oldest {seconds} s old\n")
        };
        failing.map(line).collect()
    }

    /// An ID for a callback that has none.
    pub(crate) fn new_operation_id(&self) -> String {
        format!("callgate-{:x}-{}", self.started_unix_ms, self.operations.fetch_add(1, Ordering::Relaxed) + 1)
    }

    pub(crate) fn now_unix_ms(&self) -> u64 {
        (self.0.clock)()
    }
}

impl Inner {
    /// Callbacks being answered.
    fn in_flight(&self) -> usize {
        self.in_flight.taken()
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
        f.debug_struct("Host").field("generation", &self.0.generation.load().number()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("generation", &self.generation.load().number()).finish_non_exhaustive()
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
