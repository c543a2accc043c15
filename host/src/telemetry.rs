//! What operators see: one record per callback in the log, and counters with units in their names.

mod record;
mod seconds;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use callgate_catalogue::line::one_line;
use callgate_dialects::{Callback, Decision, Refusal};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::chain::{ChainRun, Step};
use crate::journal::Journal;
use crate::settings::Settings;
use seconds::Seconds;
use tracing_appender::non_blocking::ErrorCounter;

type Labels<const N: usize> = [(&'static str, String); N];

/// The counters of one platform, looked up once: the path of a callback takes no lock for them.
#[derive(Debug)]
struct PlatformCounters {
    name: String,
    /// By command, then by verdict. A series exists from its first callback on.
    callbacks: HashMap<&'static str, [OnceLock<Counter>; Decision::NAMES.len()]>,
    answer_seconds: Seconds,
}

/// The counters of one plugin.
#[derive(Debug)]
struct PluginCounters {
    calls: Counter,
    instances: Counter,
    fuel: Counter,
    cpu_seconds: Counter<f64, AtomicU64>,
    on_workers: Counter,
    adjustments: Counter,
}

/// The counters of all plugins, by plugin.
#[derive(Default)]
struct PluginFamilies {
    calls: Family<Labels<1>, Counter>,
    instances: Family<Labels<1>, Counter>,
    fuel: Family<Labels<1>, Counter>,
    cpu_seconds: Family<Labels<1>, Counter<f64, AtomicU64>>,
    on_workers: Family<Labels<1>, Counter>,
    adjustments: Family<Labels<1>, Counter>,
}

impl PluginFamilies {
    fn register(registry: &mut Registry) -> Self {
        let families = Self::default();
        registry.register("plugin_calls", "Calls of plugins", families.calls.clone());
        registry.register(
            "plugin_instances",
            "Instances made for calls; kept ones are used again",
            families.instances.clone(),
        );
        registry.register(
            "plugin_adjustments",
            "Things plugins asked for and got otherwise",
            families.adjustments.clone(),
        );
        registry.register_with_unit(
            "plugin_cpu",
            "CPU time of plugins' calls, with all that they cause; calls below 0.3 ms are counted by the clock",
            Unit::Seconds,
            families.cpu_seconds.clone(),
        );
        registry.register(
            "plugin_calls_on_workers",
            "Calls of plugins that were not quick",
            families.on_workers.clone(),
        );
        registry.register("plugin_fuel", "Fuel burnt by plugins", families.fuel.clone());
        families
    }

    fn of(&self, plugin: &str) -> PluginCounters {
        let labels = [("plugin", plugin.to_owned())];
        PluginCounters {
            calls: self.calls.get_or_create(&labels).clone(),
            instances: self.instances.get_or_create(&labels).clone(),
            fuel: self.fuel.get_or_create(&labels).clone(),
            cpu_seconds: self.cpu_seconds.get_or_create(&labels).clone(),
            on_workers: self.on_workers.get_or_create(&labels).clone(),
            adjustments: self.adjustments.get_or_create(&labels).clone(),
        }
    }
}

/// The label of commands that the catalogue does not have; their names come from outside.
const UNKNOWN: &str = "unknown";

/// Counters, and the log of callbacks.
#[derive(Debug)]
pub(crate) struct Telemetry {
    registry: Registry,
    callbacks: Family<Labels<3>, Counter>,
    refusals: Family<Labels<2>, Counter>,
    unknown_commands: Family<Labels<1>, Counter>,
    faults: Family<Labels<2>, Counter>,
    records_written: Counter,
    records_lost: Counter,
    log_lines_lost: Counter,
    in_flight: Gauge<i64, AtomicI64>,
    waiting: Gauge<i64, AtomicI64>,
    memory_distrusted: Gauge<i64, AtomicI64>,
    unknown_names: Mutex<HashSet<String>>,
    /// In the order of the settings.
    of_platforms: Vec<PlatformCounters>,
    /// In the order of the settings.
    of_plugins: Vec<PluginCounters>,
}

/// Counts what the log has left out; set by whoever starts a log.
static LOST_LINES: OnceLock<ErrorCounter> = OnceLock::new();

/// From now on, the lines that this log leaves out are shown among the metrics.
pub(crate) fn count_lost_lines(counter: ErrorCounter) {
    // There is one log for each process.
    let _ = LOST_LINES.set(counter);
}

/// What is not counted but asked for when somebody looks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// Callbacks being answered.
    pub(crate) in_flight: usize,
    /// Callbacks that wait for a worker.
    pub(crate) waiting: usize,
    /// Whether instances are not kept any more, because page faults are not counted right.
    pub(crate) is_memory_distrusted: bool,
}

/// Unknown command names that are remembered, so that each is logged once; the names come from outside.
const UNKNOWN_NAMES_MAX: usize = 256;

impl Telemetry {
    /// All counters at zero, for the platforms and plugins of these settings.
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut registry = Registry::with_prefix("callgate");
        let callbacks = Family::default();
        let refusals = Family::default();
        let unknown_commands = Family::default();
        let faults = Family::default();
        let answer_seconds = Family::<Labels<1>, Seconds>::default();
        let records_written = Counter::<u64, AtomicU64>::default();
        let records_lost = Counter::<u64, AtomicU64>::default();
        let log_lines_lost = Counter::<u64, AtomicU64>::default();
        let in_flight = Gauge::default();
        let waiting = Gauge::default();
        let memory_distrusted = Gauge::default();
        registry.register("callbacks", "Callbacks answered, by verdict", callbacks.clone());
        registry.register("refusals", "Requests refused before any plugin ran", refusals.clone());
        registry.register("unknown_commands", "Callbacks with a command that is not known", unknown_commands.clone());
        let plugins = PluginFamilies::register(&mut registry);
        registry.register("plugin_faults", "Calls of plugins that gave no verdict", faults.clone());
        registry.register_with_unit(
            "answer",
            "From a request's head to its answer",
            Unit::Seconds,
            answer_seconds.clone(),
        );
        registry.register("records_written", "Records appended to the records file", records_written.clone());
        registry.register("records_lost", "Records that could not be written", records_lost.clone());
        registry.register(
            "log_lines_lost",
            "Lines of the log that were left out, because it was not read in time",
            log_lines_lost.clone(),
        );
        registry.register("in_flight", "Callbacks being answered", in_flight.clone());
        registry.register(
            "memory_distrusted",
            "1 if this system's count of page faults was found wrong; instances are not kept from then on",
            memory_distrusted.clone(),
        );
        registry.register("waiting", "Callbacks that wait for a worker", waiting.clone());
        let of_platforms = settings.platforms.iter().map(|platform| {
            let names = platform.server.protocol().commands.iter().map(|command| command.name).chain([UNKNOWN]);
            PlatformCounters {
                name: platform.name.clone(),
                callbacks: names.map(|name| (name, std::array::from_fn(|_| OnceLock::new()))).collect(),
                answer_seconds: answer_seconds.get_or_create(&[("platform", platform.name.clone())]).clone(),
            }
        });
        let of_plugins = settings.plugins.iter().map(|plugin| plugins.of(&plugin.name));
        Self {
            of_platforms: of_platforms.collect(),
            of_plugins: of_plugins.collect(),
            registry,
            callbacks,
            refusals,
            unknown_commands,
            faults,
            records_written,
            records_lost,
            log_lines_lost,
            in_flight,
            waiting,
            memory_distrusted,
            unknown_names: Mutex::default(),
        }
    }

    /// All counters in Prometheus' text format.
    pub(crate) fn render(&self, journal: &Journal, now: Now) -> String {
        let Now { in_flight, waiting, is_memory_distrusted } = now;
        self.memory_distrusted.set(is_memory_distrusted.into());
        self.in_flight.set(i64::try_from(in_flight).unwrap_or(i64::MAX));
        self.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        let catch_up = |counter: &Counter, now: u64| counter.inc_by(now.saturating_sub(counter.get()));
        catch_up(&self.records_written, journal.written());
        catch_up(&self.records_lost, journal.lost());
        catch_up(&self.log_lines_lost, LOST_LINES.get().map_or(0, |lost| lost.dropped_lines() as u64));
        let mut text = String::new();
        // Writing into a text does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    /// A request to platform number `platform` was refused.
    pub(crate) fn refused(&self, platform: usize, refusal: Refusal) {
        let Some(counters) = self.of_platforms.get(platform) else { return };
        let platform = &counters.name;
        self.refusals.get_or_create(&[("platform", platform.clone()), ("reason", refusal.name().to_owned())]).inc();
        tracing::warn!(target: "callgate::callback", %platform, refusal = refusal.name(), "refused: {refusal}");
    }

    /// A command came that the catalogue does not have. It was allowed.
    pub(crate) fn unknown_command(&self, platform: usize, callback: &Callback) {
        let Some(counters) = self.of_platforms.get(platform) else { return };
        let platform = &counters.name;
        self.unknown_commands.get_or_create(&[("platform", platform.clone())]).inc();
        let name = one_line(callback.name());
        let mut names = self.unknown_names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() < UNKNOWN_NAMES_MAX && names.insert(name.clone()) {
            tracing::warn!(
                %platform,
                command = name,
                "this command is not known and is always allowed; a newer callgate may know it, or the chat server's \
                 webhook settings name something else"
            );
        }
    }

    /// A callback was answered, after `records` of its run were taken for the journal.
    pub(crate) fn answered(
        &self,
        platform: usize,
        callback: &Callback,
        run: &ChainRun,
        records: usize,
        took: Duration,
    ) {
        let Some(counters) = self.of_platforms.get(platform) else { return };
        let command = callback.command().map_or(UNKNOWN, |command| command.name);
        let decision = &run.decision;
        let counter = counters.callbacks.get(command).and_then(|decisions| decisions.get(decision.index()));
        if let Some(counter) = counter {
            let labels = || {
                let verdict = decision.name().to_owned();
                [("platform", counters.name.clone()), ("command", command.to_owned()), ("verdict", verdict)]
            };
            counter.get_or_init(|| self.callbacks.get_or_create(&labels()).clone()).inc();
        }
        counters.answer_seconds.observe(took);
        for step in &run.steps {
            self.called(step);
        }
        if let Some(fault) = &run.fault {
            self.faults.get_or_create(&[("plugin", String::new()), ("fault", fault.name().to_owned())]).inc();
        }
        record::log_lines(&counters.name, callback, run);
        record::log(&counters.name, callback, run, records, took);
    }

    fn called(&self, step: &Step) {
        let Some(counters) = self.of_plugins.get(step.link.index) else { return };
        counters.calls.inc();
        if step.usage.is_new_instance {
            counters.instances.inc();
        }
        counters.fuel.inc_by(step.usage.fuel.0);
        counters.cpu_seconds.inc_by(step.cpu.as_secs_f64());
        if step.is_on_worker {
            counters.on_workers.inc();
        }
        if !step.adjustments.is_empty() {
            counters.adjustments.inc_by(step.adjustments.len() as u64);
        }
        if let Some(fault) = &step.fault {
            let plugin = step.link.plugin().name().to_string();
            self.faults.get_or_create(&[("plugin", plugin), ("fault", fault.name().to_owned())]).inc();
        }
    }
}
