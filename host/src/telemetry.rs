//! What operators see: one record per callback in the log, and counters with units in their names.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::{MetricType, TypedMetric};
use prometheus_client::registry::{Registry, Unit};

use crate::chain::{Outcome, Step};
use crate::dialect::{Callback, Refusal};
use crate::host::Mounted;
use crate::journal::Journal;
use crate::settings::Platform;
use crate::verdict::Verdict;

type Labels<const N: usize> = [(&'static str, String); N];

/// The counters of one platform, looked up once: the path of a callback takes no lock for them.
#[derive(Debug)]
pub struct PlatformCounters {
    /// By command, then by verdict. A series exists from its first callback on.
    callbacks: HashMap<&'static str, [OnceLock<Counter>; Verdict::NAMES.len()]>,
    answer_seconds: Seconds,
}

/// The counters of one plugin.
#[derive(Debug)]
pub struct PluginCounters {
    calls: Counter,
    instances: Counter,
    fuel: Counter,
    adjustments: Counter,
}

/// The label of commands that the catalogue does not have; their names come from outside.
const UNKNOWN: &str = "unknown";

/// Counters, and the log of callbacks.
#[derive(Debug)]
pub struct Telemetry {
    registry: Registry,
    callbacks: Family<Labels<3>, Counter>,
    refusals: Family<Labels<2>, Counter>,
    unknown_commands: Family<Labels<1>, Counter>,
    calls: Family<Labels<1>, Counter>,
    instances: Family<Labels<1>, Counter>,
    faults: Family<Labels<2>, Counter>,
    adjustments: Family<Labels<1>, Counter>,
    fuel: Family<Labels<1>, Counter>,
    answer_seconds: Family<Labels<1>, Seconds>,
    records_written: Counter,
    records_lost: Counter,
    in_flight: Gauge<i64, AtomicI64>,
    unknown_names: Mutex<HashSet<String>>,
}

/// Unknown command names that are remembered, so that each is logged once; the names come from outside.
const UNKNOWN_NAMES_MAX: usize = 256;

/// How long answers took, counted without a lock: the library's own histogram has one.
#[derive(Debug, Clone, Default)]
struct Seconds(Arc<SecondsInner>);

#[derive(Debug, Default)]
struct SecondsInner {
    /// One for each bound, and one for what is longer.
    buckets: [AtomicU64; BOUNDS_NS.len() + 1],
    sum_ns: AtomicU64,
}

/// From 25 us, which a quick chain takes, to the 5 s at which the last caller has gone.
const BOUNDS_NS: [u64; 15] = [
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    50_000_000,
    100_000_000,
    500_000_000,
    1_000_000_000,
    2_000_000_000,
    5_000_000_000,
];

impl Seconds {
    fn observe(&self, took: Duration) {
        let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_NS.iter().position(|bound| ns <= *bound).unwrap_or(BOUNDS_NS.len());
        if let Some(bucket) = self.0.buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.0.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }
}

impl TypedMetric for Seconds {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Seconds {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        let seconds = |ns: u64| ns as f64 / 1e9;
        let bounds = BOUNDS_NS.iter().map(|bound| seconds(*bound)).chain([f64::INFINITY]);
        let counts = self.0.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed));
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        encoder.encode_histogram::<NoLabelSet>(seconds(self.0.sum_ns.load(Ordering::Relaxed)), count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

impl Telemetry {
    /// All counters at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("callgate");
        let callbacks = Family::default();
        let refusals = Family::default();
        let unknown_commands = Family::default();
        let calls = Family::default();
        let instances = Family::default();
        let faults = Family::default();
        let adjustments = Family::default();
        let fuel = Family::default();
        let answer_seconds = Family::default();
        let records_written = Counter::<u64, AtomicU64>::default();
        let records_lost = Counter::<u64, AtomicU64>::default();
        let in_flight = Gauge::default();
        registry.register("callbacks", "Callbacks answered, by verdict", callbacks.clone());
        registry.register("refusals", "Requests refused before any plugin ran", refusals.clone());
        registry.register("unknown_commands", "Callbacks with a command that is not known", unknown_commands.clone());
        registry.register("plugin_calls", "Calls of plugins", calls.clone());
        registry.register("plugin_instances", "Instances made for calls; kept ones are used again", instances.clone());
        registry.register("plugin_faults", "Calls of plugins that gave no verdict", faults.clone());
        registry.register("plugin_adjustments", "Things plugins asked for and got otherwise", adjustments.clone());
        registry.register("plugin_fuel", "Fuel burnt by plugins", fuel.clone());
        registry.register_with_unit(
            "answer",
            "From a request's head to its answer",
            Unit::Seconds,
            answer_seconds.clone(),
        );
        registry.register("records_written", "Records appended to the records file", records_written.clone());
        registry.register("records_lost", "Records that could not be written", records_lost.clone());
        registry.register("in_flight", "Callbacks being answered", in_flight.clone());
        Self {
            registry,
            callbacks,
            refusals,
            unknown_commands,
            calls,
            instances,
            faults,
            adjustments,
            fuel,
            answer_seconds,
            records_written,
            records_lost,
            in_flight,
            unknown_names: Mutex::default(),
        }
    }

    /// The counters of a platform.
    pub fn platform(&self, platform: &Platform) -> PlatformCounters {
        let names = platform.kind.commands.iter().map(|command| command.name).chain([UNKNOWN]);
        PlatformCounters {
            callbacks: names.map(|name| (name, std::array::from_fn(|_| OnceLock::new()))).collect(),
            answer_seconds: self.answer_seconds.get_or_create(&[("platform", platform.name.clone())]).clone(),
        }
    }

    /// The counters of a plugin.
    pub fn plugin(&self, name: &str) -> PluginCounters {
        let labels = [("plugin", name.to_owned())];
        PluginCounters {
            calls: self.calls.get_or_create(&labels).clone(),
            instances: self.instances.get_or_create(&labels).clone(),
            fuel: self.fuel.get_or_create(&labels).clone(),
            adjustments: self.adjustments.get_or_create(&labels).clone(),
        }
    }

    /// All counters in Prometheus' text format.
    pub fn render(&self, journal: &Journal, in_flight: usize) -> String {
        self.in_flight.set(i64::try_from(in_flight).unwrap_or(i64::MAX));
        let catch_up = |counter: &Counter, now: u64| counter.inc_by(now.saturating_sub(counter.get()));
        catch_up(&self.records_written, journal.written());
        catch_up(&self.records_lost, journal.lost());
        let mut text = String::new();
        // Writing into a text does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    /// A request was refused.
    pub fn refused(&self, mounted: &Mounted, refusal: Refusal) {
        let platform = &mounted.platform.name;
        self.refusals.get_or_create(&[("platform", platform.clone()), ("reason", refusal.name().to_owned())]).inc();
        tracing::warn!(target: "callgate::callback", %platform, refusal = refusal.name(), "refused: {refusal}");
    }

    /// A command came that the catalogue does not have. It was allowed.
    pub fn unknown_command(&self, mounted: &Mounted, callback: &Callback) {
        let platform = &mounted.platform.name;
        self.unknown_commands.get_or_create(&[("platform", platform.clone())]).inc();
        let name = crate::verdict::one_line(callback.name());
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

    /// A callback was answered, after `records` of the outcome were taken for the journal.
    pub fn answered(&self, mounted: &Mounted, callback: &Callback, outcome: &Outcome, records: usize, took: Duration) {
        let platform = &mounted.platform.name;
        let command = callback.command().map_or(UNKNOWN, |command| command.name);
        let verdict = outcome.verdict();
        let counter = mounted.counters.callbacks.get(command).and_then(|verdicts| verdicts.get(verdict.index()));
        if let Some(counter) = counter {
            let labels = || {
                let verdict = verdict.name().to_owned();
                [("platform", platform.clone()), ("command", command.to_owned()), ("verdict", verdict)]
            };
            counter.get_or_init(|| self.callbacks.get_or_create(&labels()).clone()).inc();
        }
        mounted.counters.answer_seconds.observe(took);
        for step in &outcome.steps {
            self.called(step);
        }
        if let Some(fault) = &outcome.fault {
            self.faults.get_or_create(&[("plugin", String::new()), ("fault", fault.name().to_owned())]).inc();
        }
        log_callback(platform, callback, outcome, records, took);
    }

    fn called(&self, step: &Step) {
        let counters = step.link.counters();
        counters.calls.inc();
        if step.usage.is_new_instance {
            counters.instances.inc();
        }
        counters.fuel.inc_by(step.usage.fuel.0);
        if !step.adjustments.is_empty() {
            counters.adjustments.inc_by(step.adjustments.len() as u64);
        }
        if let Some(fault) = &step.fault {
            let plugin = step.link.plugin().name().to_string();
            self.faults.get_or_create(&[("plugin", plugin), ("fault", fault.name().to_owned())]).inc();
        }
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        Self::new()
    }
}

/// The one record of a callback: payloads and secrets never.
fn log_callback(platform: &str, callback: &Callback, outcome: &Outcome, records: usize, took: Duration) {
    let is_fault = outcome.fault.is_some() || outcome.steps.iter().any(|step| step.fault.is_some());
    // Nothing is put together for a record that nobody reads.
    let is_read = match is_fault {
        true => tracing::enabled!(target: "callgate::callback", tracing::Level::WARN),
        false => tracing::enabled!(target: "callgate::callback", tracing::Level::INFO),
    };
    if !is_read {
        return;
    }
    let verdict = outcome.verdict().name();
    let command = crate::verdict::one_line(callback.name());
    let fuel: u64 = outcome.steps.iter().map(|step| step.usage.fuel.0).sum();
    let ms = took.as_micros() as f64 / 1000.0;
    let (mut plugins, mut notes) = (String::new(), String::new());
    for step in &outcome.steps {
        let name = step.link.plugin().name();
        let _ = write!(plugins, "{}{name}", if plugins.is_empty() { "" } else { "," });
        if let Some(fault) = &step.fault {
            let _ = write!(notes, "; {name}: {fault}");
        }
        for adjustment in &step.adjustments {
            let _ = write!(notes, "; {name}: {adjustment}");
        }
    }
    if let Some(fault) = &outcome.fault {
        let _ = write!(notes, "; {fault}");
    }
    let operation_id = crate::verdict::one_line(callback.operation_id());
    macro_rules! record {
        ($level:ident) => {
            tracing::$level!(
                target: "callgate::callback",
                %platform, %command, %verdict, %plugins, fuel, ms, records, %operation_id,
                "answered{notes}"
            )
        };
    }
    if is_fault { record!(warn) } else { record!(info) }
}
