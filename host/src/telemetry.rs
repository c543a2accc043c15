//! What operators see: one record per callback in the log, and counters with units in their names.

mod facts;
mod family;
mod histogram;
mod journal;
mod plain;
mod plugins;
mod process;
mod record;
mod reloads;
mod shadows;
mod sinks;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use callgate_catalogue::line::one_line;
use callgate_dialects::{Callback, Decision, Refusal};
use callgate_facts::Facts;
use callgate_journal::Numbers;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use tokio::time::Instant;
use tracing_appender::non_blocking::ErrorCounter;

use crate::chain::Link;
use crate::edge::{Closed, EndedEarly};
use crate::overload::Overload;
use crate::reloads::Status;
use crate::settings::{Log, Settings};
use facts::FactFamilies;
use family::{Labels, registered};
use histogram::Histogram;
use journal::JournalCounters;
use plugins::{PluginCounters, PluginFamilies};
use record::Records;
use reloads::Generations;
use sinks::SinkFamilies;

pub(crate) use plain::{OPENMETRICS, content_type, from_openmetrics};
pub(crate) use record::{Answered, How};
pub(crate) use shadows::{ShadowCounters, ShadowFamilies};

/// The counters of one platform, looked up once: the path of a callback takes no lock for them.
#[derive(Debug)]
struct PlatformCounters {
    name: String,
    kind: &'static str,
    commands: HashMap<&'static str, CommandCounters>,
    /// By reason. A series exists from its first refusal on.
    refusals: Mutex<HashMap<&'static str, Counter>>,
    answer_seconds: Histogram,
}

/// The counters of one command.
#[derive(Debug, Default)]
struct CommandCounters {
    /// By verdict. A series exists from its first callback on.
    verdicts: [OnceLock<Counter>; Decision::NAMES.len()],
    /// Whether it was said that no plugin has it.
    is_told: AtomicBool,
}

/// The label of commands that the catalogue does not have; their names come from outside.
const UNKNOWN: &str = "unknown";

/// Counters, and the log of callbacks.
pub(crate) struct Telemetry {
    registry: Registry,
    records: Records,
    host: HostCounters,
    sinks: SinkFamilies,
    facts: FactFamilies,
    generations: Generations,
    plugins: PluginFamilies,
    journal: JournalCounters,
    shadows: ShadowFamilies,
    /// When each message that strangers can cause was last logged, by its name.
    told: Mutex<HashMap<&'static str, Instant>>,
    unknown_names: Mutex<HashSet<String>>,
}

/// The counters of the platforms and plugins of one generation. Those of the same name go on counting in the next one.
#[derive(Debug)]
pub(crate) struct Counters {
    log: Log,
    /// In the order of the settings.
    of_platforms: Vec<Arc<PlatformCounters>>,
    /// In the order of the settings.
    of_plugins: Vec<PluginCounters>,
}

/// The counters of the host itself.
struct HostCounters {
    callbacks: Family<Labels<3>, Counter>,
    refusals: Family<Labels<2>, Counter>,
    unknown_commands: Family<Labels<1>, Counter>,
    unhandled_commands: Family<Labels<2>, Counter>,
    ended_early: Family<Labels<1>, Counter>,
    closed: Family<Labels<1>, Counter>,
    /// Those of `ended_early`, in the order of [`EndedEarly::ALL`].
    early: Vec<Counter>,
    answer_seconds: Family<Labels<1>, Histogram, fn() -> Histogram>,
    overloaded: Family<Labels<2>, Counter>,
    cancelled: Family<Labels<1>, Counter>,
    records_written: Counter,
    records_lost: Counter,
    records_unrouted: Counter,
    log_lines_lost: Counter,
    in_flight: Gauge<i64, AtomicI64>,
    waiting: Gauge<i64, AtomicI64>,
    running: Gauge<i64, AtomicI64>,
    memory_distrusted: Gauge<i64, AtomicI64>,
}

impl HostCounters {
    fn register(registry: &mut Registry) -> Self {
        let build_info: Family<Labels<1>, Gauge<i64, AtomicI64>> =
            registered(registry, "build_info", "The version of this program; always 1");
        build_info.get_or_create(&[("version", VERSION.to_owned())]).set(1);
        let seconds: fn() -> Histogram = Histogram::of_seconds;
        let answer_seconds = Family::new_with_constructor(seconds);
        let help = "From a request's head to its answer";
        registry.register_with_unit("answer", help, Unit::Seconds, answer_seconds.clone());
        Self {
            answer_seconds,
            early: Vec::new(),
            callbacks: registered(registry, "callbacks", "Callbacks answered, by verdict"),
            refusals: registered(
                registry,
                "refusals",
                "Requests refused before any plugin ran; without a platform, none was found",
            ),
            unknown_commands: registered(registry, "unknown_commands", "Callbacks with a command that is not known"),
            unhandled_commands: registered(
                registry,
                "unhandled_commands",
                "Callbacks with a known command that no plugin has",
            ),
            ended_early: registered(
                registry,
                "connections_ended_early",
                "Connections that ended before a request, by what came instead",
            ),
            overloaded: registered(
                registry,
                "overloaded",
                "Callbacks refused for lack of time, by the limit that they would have waited for; at the door: before \
                 their bodies were read",
            ),
            cancelled: registered(
                registry,
                "cancelled",
                "Calls on workers that were cancelled because the client disconnected, by whether they had begun",
            ),
            closed: registered(
                registry,
                "connections_closed",
                "Connections closed because of a limit or a failed TLS handshake, by cause",
            ),
            records_written: registered(registry, "records_written", "Records that are on disk, or written by sinks"),
            records_lost: registered(registry, "records_lost", "Records that could not be written"),
            records_unrouted: registered(registry, "records_unrouted", "Records whose topic no sink receives"),
            log_lines_lost: registered(
                registry,
                "log_lines_lost",
                "Lines of the log that were left out, because it was not read in time",
            ),
            in_flight: registered(registry, "in_flight", "Callbacks being answered"),
            waiting: registered(registry, "waiting", "Callbacks that wait for a worker"),
            running: registered(registry, "running", "Callbacks whose plugins run on a worker"),
            memory_distrusted: registered(
                registry,
                "memory_distrusted",
                "1 if this system's count of page faults was found wrong; instances are not kept from then on",
            ),
        }
    }
}

impl HostCounters {
    /// Removes the series of a platform.
    fn forget(&self, platform: &PlatformCounters) {
        let name = || ("platform", platform.name.clone());
        self.answer_seconds.remove(&[name()]);
        self.unknown_commands.remove(&[name()]);
        for reason in platform.refusals.lock().unwrap_or_else(PoisonError::into_inner).keys() {
            self.refusals.remove(&[name(), ("reason", (*reason).to_owned())]);
        }
        for command in platform.commands.keys() {
            self.unhandled_commands.remove(&[name(), ("command", (*command).to_owned())]);
            for verdict in Decision::NAMES {
                let (command, verdict) = ((*command).to_owned(), verdict.to_owned());
                self.callbacks.remove(&[name(), ("command", command), ("verdict", verdict)]);
            }
        }
    }
}

/// Counts lines that the log dropped; set when a log starts.
static LOST_LINES: OnceLock<ErrorCounter> = OnceLock::new();

/// From now on, the lines that this log leaves out are shown among the metrics.
pub(crate) fn count_lost_lines(counter: ErrorCounter) {
    // There is one log for each process.
    let _ = LOST_LINES.set(counter);
}

/// What is not counted but read when metrics are requested.
#[derive(Debug, Clone)]
pub(crate) struct Now {
    /// What the journal counts.
    pub(crate) journal: Numbers,
    /// Decisions that did not reach it.
    pub(crate) decisions_dropped: u64,
    /// Callbacks being answered.
    pub(crate) in_flight: usize,
    /// Callbacks that wait for a worker.
    pub(crate) waiting: usize,
    /// Callbacks whose plugins run on a worker.
    pub(crate) running: usize,
    /// Calls that were cancelled because the client had disconnected: before they had started, and after.
    pub(crate) cancelled: [u64; 2],
    /// Whether instances are not kept any more, because page faults are not counted right.
    pub(crate) is_memory_distrusted: bool,
    /// The number of the generation in service.
    pub(crate) generation: u64,
    /// Generations in memory: that one, and those that callbacks still hold.
    pub(crate) generations: usize,
    /// How reloads have ended.
    pub(crate) reloads: Status,
}

/// Unknown command names that are remembered, so that each is logged once; the names come from outside.
const UNKNOWN_NAMES_MAX: usize = 256;

/// Minimum interval between two log lines of the same kind that strangers can cause.
const TELL_PAUSE: Duration = Duration::from_secs(60);

impl Telemetry {
    /// All counters of the host itself, at zero. `outcomes`: the names of those of a comparison with a candidate.
    pub(crate) fn new(outcomes: &'static [&'static str]) -> Self {
        let mut registry = Registry::with_prefix("callgate");
        let sinks = SinkFamilies::register(&mut registry);
        let plugins = PluginFamilies::register(&mut registry);
        plugins.fault("", callgate_sandbox::Fault::NoTime.name());
        let mut host = HostCounters::register(&mut registry);
        host.early = EndedEarly::ALL
            .map(|cause| host.ended_early.get_or_create(&[("cause", cause.name().to_owned())]).clone())
            .into();
        let journal = JournalCounters::register(&mut registry);
        let facts = FactFamilies::register(&mut registry);
        Self {
            journal,
            generations: Generations::register(&mut registry),
            shadows: ShadowFamilies::register(&mut registry, outcomes),
            registry,
            records: Records::default(),
            host,
            sinks,
            facts,
            told: Mutex::default(),
            unknown_names: Mutex::default(),
            plugins,
        }
    }

    /// The counters for the platforms of these settings and these plugins; those of the same name as in `before` go on.
    pub(crate) fn counters(&self, settings: &Settings, links: &[Arc<Link>], before: Option<&Counters>) -> Counters {
        let of_platforms = settings.platforms.iter().map(|platform| {
            let (name, protocol) = (&platform.name, platform.server.protocol());
            let before = before.and_then(|before| before.of_platforms.iter().find(|before| before.name == *name));
            if let Some(before) = before.filter(|before| before.kind == protocol.name) {
                return Arc::clone(before);
            }
            let names = protocol.commands.iter().map(|command| command.name).chain([UNKNOWN]);
            Arc::new(PlatformCounters {
                name: name.clone(),
                kind: protocol.name,
                commands: names.map(|name| (name, CommandCounters::default())).collect(),
                refusals: Mutex::default(),
                answer_seconds: self.host.answer_seconds.get_or_create(&[("platform", name.clone())]).clone(),
            })
        });
        Counters {
            log: settings.log,
            of_platforms: of_platforms.collect(),
            of_plugins: links.iter().map(|link| self.plugins.of(link)).collect(),
        }
    }

    /// The metrics of candidates.
    pub(crate) fn shadows(&self) -> &ShadowFamilies {
        &self.shadows
    }

    /// Removes the series of plugins that the next generation does not have. What callbacks that are under way still
    /// count there is lost.
    pub(crate) fn forget(&self, before: &Counters, next: &Counters) {
        for plugin in &before.of_plugins {
            self.plugins.forget(plugin, &next.of_plugins);
        }
        for platform in &before.of_platforms {
            if !next.of_platforms.iter().any(|next| next.name == platform.name && next.kind == platform.kind) {
                self.host.forget(platform);
            }
        }
    }

    /// All counters in OpenMetrics' text format.
    pub(crate) fn render(
        &self,
        counters: &Counters,
        facts: &Facts,
        kept: &crate::records::Records,
        now: Now,
    ) -> String {
        let Now {
            in_flight, waiting, running, cancelled, is_memory_distrusted, generation, generations, reloads, ..
        } = now;
        let host = &self.host;
        host.memory_distrusted.set(is_memory_distrusted.into());
        host.in_flight.set(i64::try_from(in_flight).unwrap_or(i64::MAX));
        host.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        host.running.set(i64::try_from(running).unwrap_or(i64::MAX));
        self.generations.show(generation, generations, &reloads);
        let catch_up = |counter: &Counter, now: u64| counter.inc_by(now.saturating_sub(counter.get()));
        self.sinks.show(&kept.status());
        self.facts.show(facts);
        catch_up(&host.records_written, kept.written());
        catch_up(&host.records_lost, kept.lost());
        catch_up(&host.records_unrouted, kept.unrouted());
        for (count, state) in cancelled.into_iter().zip(["waiting", "running"]) {
            catch_up(&host.cancelled.get_or_create(&[("state", state.to_owned())]), count);
        }
        catch_up(&host.log_lines_lost, LOST_LINES.get().map_or(0, |lost| lost.dropped_lines() as u64));
        self.journal.look(&now.journal, now.decisions_dropped);
        counters.of_plugins.iter().for_each(PluginCounters::look);
        let mut text = String::new();
        // Writing into a text does not fail.
        let _ = encode_registry(&mut text, &self.registry);
        process::append(&mut text);
        let _ = encode_eof(&mut text);
        text
    }

    /// Counts an update of a fact that is not configured.
    pub(crate) fn fact_not_configured(&self) {
        self.facts.not_configured.inc();
    }

    /// A request to platform number `platform` of a generation was refused.
    pub(crate) fn refused(&self, counters: &Counters, platform: usize, refusal: Refusal) {
        let Some(counters) = counters.of_platforms.get(platform) else { return };
        let platform = &counters.name;
        let labels = || [("platform", platform.clone()), ("reason", refusal.name().to_owned())];
        let mut refusals = counters.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.entry(refusal.name()).or_insert_with(|| self.host.refusals.get_or_create_owned(&labels())).inc();
        drop(refusals);
        tracing::warn!(target: "callgate::callback", %platform, refusal = refusal.name(), "refused: {refusal}");
    }

    /// There was no time for a callback: at the `door`, before its body was read, or later.
    pub(crate) fn overloaded(&self, overload: &Overload, door: bool) {
        let at = if door { "door" } else { "queue" };
        self.host.overloaded.get_or_create(&[("limit", overload.limit.to_owned()), ("at", at.to_owned())]).inc();
    }

    /// A request was refused before its platform was known.
    pub(crate) fn refused_without_platform(&self, reason: &'static str) {
        self.host.refusals.get_or_create(&[("platform", String::new()), ("reason", reason.to_owned())]).inc();
    }

    /// A request was refused because of its head, which could not be parsed.
    pub(crate) fn refused_head(&self, reason: &'static str, text: &str) {
        self.refused_without_platform(reason);
        if self.may_tell(reason) {
            tracing::warn!(refusal = reason, "refused: {text}");
        }
    }

    /// Whether this may be logged again: strangers can cause it as often as they like.
    fn may_tell(&self, what: &'static str) -> bool {
        let now = Instant::now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_told = told.get(what).is_some_and(|at| now.saturating_duration_since(*at) < TELL_PAUSE);
        if !is_told {
            told.insert(what, now);
        }
        !is_told
    }

    /// Connections were closed for this reason.
    pub(crate) fn closed(&self, why: Closed, connections: usize) {
        let labels = [("cause", why.name().to_owned())];
        let count = self.host.closed.get_or_create(&labels).inc_by(connections as u64);
        if self.may_tell(why.name()) {
            let before = count;
            tracing::warn!(cause = why.name(), before, "connections were closed: {}", why.advice());
        }
    }

    /// A connection ended before a request came.
    pub(crate) fn ended_early(&self, cause: EndedEarly) {
        let count = self.host.early.get(cause.index()).map_or(0, |counter| counter.inc() + 1);
        if !self.may_tell(cause.name()) {
            return;
        }
        match cause.advice() {
            Some(advice) => {
                tracing::warn!(cause = cause.name(), count, "a connection ended before a request: {advice}")
            }
            None => tracing::debug!(cause = cause.name(), count, "a connection ended before a request"),
        }
    }

    /// A command came that the catalogue does not have. It was allowed.
    pub(crate) fn unknown_command(&self, counters: &Counters, platform: usize, callback: &Callback) {
        let Some(counters) = counters.of_platforms.get(platform) else { return };
        let platform = &counters.name;
        self.host.unknown_commands.get_or_create(&[("platform", platform.clone())]).inc();
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

    /// A known command came that no plugin has. It was allowed.
    pub(crate) fn unhandled_command(&self, counters: &Counters, platform: usize, command: &'static str) {
        let Some(counters) = counters.of_platforms.get(platform) else { return };
        let platform = &counters.name;
        self.host
            .unhandled_commands
            .get_or_create(&[("platform", platform.clone()), ("command", command.to_owned())])
            .inc();
        let counters = counters.commands.get(command);
        if counters.is_some_and(|counters| !counters.is_told.swap(true, Ordering::Relaxed)) {
            tracing::info!(
                %platform,
                command,
                "no plugin has this command: it is always allowed. Add a plugin for it, or turn its callback off in the \
                 chat server"
            );
        }
    }

    /// A callback of platform number `platform` of a generation was answered.
    pub(crate) fn answered(&self, counters: &Counters, platform: usize, answered: &Answered<'_>) {
        let Some(of_platform) = counters.of_platforms.get(platform) else { return };
        let Answered { callback, run, took, .. } = *answered;
        let command = callback.command().map_or(UNKNOWN, |command| command.name);
        let decision = &run.decision;
        let counter = of_platform.commands.get(command).and_then(|of| of.verdicts.get(decision.index()));
        if let Some(counter) = counter {
            let labels = || {
                let verdict = decision.name().to_owned();
                [("platform", of_platform.name.clone()), ("command", command.to_owned()), ("verdict", verdict)]
            };
            counter.get_or_init(|| self.host.callbacks.get_or_create(&labels()).clone()).inc();
        }
        of_platform.answer_seconds.observe_time(took);
        self.called(counters, answered);
    }

    /// Records the end of an attempt to process a journal entry.
    pub(crate) fn worked(&self, counters: &Counters, worked: &Answered<'_>) {
        self.called(counters, worked);
    }

    /// Plugins were called.
    fn called(&self, counters: &Counters, answered: &Answered<'_>) {
        let run = answered.run;
        for step in &run.steps {
            if let Some(of_plugin) = counters.of_plugins.get(step.link.index) {
                of_plugin.called(step);
            }
        }
        if let Some(fault) = &run.fault {
            self.plugins.fault("", fault.name()).inc();
        }
        self.records.write(answered, counters.log);
    }
}

/// The version of this program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Telemetry").finish_non_exhaustive()
    }
}
