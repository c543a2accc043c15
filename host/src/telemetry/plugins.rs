//! The metrics of plugins.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64};

use callgate_dialects::Decision;
use callgate_sandbox::Fault;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::family::{Labels, registered};
use super::histogram::Histogram;
use crate::chain::{Link, Step};

/// A family of histograms.
type Histograms = Family<Labels<1>, Histogram, fn() -> Histogram>;

/// The metrics of one plugin, looked up once.
#[derive(Debug)]
pub(super) struct PluginCounters {
    link: Arc<Link>,
    calls: Counter,
    instances: Counter,
    fuel: Counter,
    cpu_seconds: Counter<f64, AtomicU64>,
    on_workers: Counter,
    adjustments: Counter,
    let_through: Counter,
    suspensions: Counter,
    is_suspended: Gauge<i64, AtomicI64>,
    is_not_loaded: Gauge<i64, AtomicI64>,
    call_seconds: Histogram,
    call_fuel: Histogram,
    /// In the order of [`Decision::NAMES`].
    verdicts: [Counter; Decision::NAMES.len()],
    /// In the order of [`Fault::NAMES`].
    faults: [Counter; Fault::NAMES.len()],
}

/// The metrics of all plugins.
pub(super) struct PluginFamilies {
    info: Family<Labels<3>, Gauge<i64, AtomicI64>>,
    calls: Family<Labels<1>, Counter>,
    instances: Family<Labels<1>, Counter>,
    fuel: Family<Labels<1>, Counter>,
    cpu_seconds: Family<Labels<1>, Counter<f64, AtomicU64>>,
    on_workers: Family<Labels<1>, Counter>,
    adjustments: Family<Labels<1>, Counter>,
    let_through: Family<Labels<1>, Counter>,
    suspensions: Family<Labels<1>, Counter>,
    suspended: Family<Labels<1>, Gauge<i64, AtomicI64>>,
    not_loaded: Family<Labels<1>, Gauge<i64, AtomicI64>>,
    call_seconds: Histograms,
    call_fuel: Histograms,
    verdicts: Family<Labels<2>, Counter>,
    faults: Family<Labels<2>, Counter>,
}

impl PluginFamilies {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let seconds: fn() -> Histogram = Histogram::of_seconds;
        let fuel: fn() -> Histogram = Histogram::of_fuel;
        let (call_seconds, call_fuel) = (Family::new_with_constructor(seconds), Family::new_with_constructor(fuel));
        let cpu_seconds = Family::default();
        let help = "How long calls of plugins took";
        registry.register_with_unit("plugin_call", help, Unit::Seconds, call_seconds.clone());
        registry.register("plugin_call_fuel", "Fuel that calls of plugins burnt", call_fuel.clone());
        let help = "CPU time of plugins' calls, with all that they cause; calls below 0.3 ms are counted by the clock";
        registry.register_with_unit("plugin_cpu", help, Unit::Seconds, cpu_seconds.clone());
        Self {
            call_seconds,
            call_fuel,
            cpu_seconds,
            info: registered(registry, "plugin_info", "The module of a plugin; always 1"),
            calls: registered(registry, "plugin_calls", "Calls of plugins"),
            instances: registered(registry, "plugin_instances", "Instances made for calls; kept ones are used again"),
            adjustments: registered(registry, "plugin_adjustments", "Things plugins asked for and got otherwise"),
            on_workers: registered(registry, "plugin_calls_on_workers", "Calls of plugins that were not quick"),
            fuel: registered(registry, "plugin_fuel", "Fuel burnt by plugins"),
            verdicts: registered(registry, "plugin_verdicts", "Verdicts of plugins, as they were carried out"),
            faults: registered(registry, "plugin_faults", "Calls of plugins that gave no verdict"),
            let_through: registered(
                registry,
                "plugin_faults_allowed",
                "Operations that were allowed unchecked, because a plugin gave no verdict",
            ),
            suspensions: registered(registry, "plugin_suspensions", "How often plugins were suspended"),
            suspended: registered(registry, "plugin_suspended", "1 while a plugin is suspended"),
            not_loaded: registered(
                registry,
                "plugin_not_loaded",
                "1 if a plugin could not be loaded, and `on_fault` decides in its place",
            ),
        }
    }

    /// Those of one plugin: at zero, or those that its name has had so far.
    pub(super) fn of(&self, link: &Arc<Link>) -> PluginCounters {
        let name = link.name().to_string();
        let labels = [("plugin", name.clone())];
        if let Some(info) = info(link) {
            self.info.get_or_create(&info).set(1);
        }
        let verdict = |verdict: &str| [("plugin", name.clone()), ("verdict", verdict.to_owned())];
        PluginCounters {
            link: Arc::clone(link),
            calls: self.calls.get_or_create(&labels).clone(),
            instances: self.instances.get_or_create(&labels).clone(),
            fuel: self.fuel.get_or_create(&labels).clone(),
            cpu_seconds: self.cpu_seconds.get_or_create(&labels).clone(),
            on_workers: self.on_workers.get_or_create(&labels).clone(),
            adjustments: self.adjustments.get_or_create(&labels).clone(),
            let_through: self.let_through.get_or_create(&labels).clone(),
            suspensions: self.suspensions.get_or_create(&labels).clone(),
            is_suspended: self.suspended.get_or_create(&labels).clone(),
            is_not_loaded: self.not_loaded.get_or_create(&labels).clone(),
            call_seconds: self.call_seconds.get_or_create(&labels).clone(),
            call_fuel: self.call_fuel.get_or_create(&labels).clone(),
            verdicts: Decision::NAMES.map(|name| self.verdicts.get_or_create(&verdict(name)).clone()),
            faults: Fault::NAMES.map(|fault| self.fault(&name, fault)),
        }
    }

    /// Removes the series of a plugin that is not among the next ones, and its module's where that is another one now.
    pub(super) fn forget(&self, before: &PluginCounters, next: &[PluginCounters]) {
        before.look();
        let link = &before.link;
        if let Some(module) = info(link)
            && !next.iter().any(|next| info(&next.link).as_ref() == Some(&module))
        {
            self.info.remove(&module);
        }
        if next.iter().any(|next| next.link.name() == link.name()) {
            return;
        }
        let name = || ("plugin", link.name().to_string());
        let labels = [name()];
        for counters in [
            &self.calls,
            &self.instances,
            &self.fuel,
            &self.on_workers,
            &self.adjustments,
            &self.let_through,
            &self.suspensions,
        ] {
            counters.remove(&labels);
        }
        self.cpu_seconds.remove(&labels);
        self.suspended.remove(&labels);
        self.not_loaded.remove(&labels);
        self.call_seconds.remove(&labels);
        self.call_fuel.remove(&labels);
        for verdict in Decision::NAMES {
            self.verdicts.remove(&[name(), ("verdict", verdict.to_owned())]);
        }
        for fault in Fault::NAMES {
            self.faults.remove(&[name(), ("fault", fault.to_owned())]);
        }
    }

    /// The counter of a fault; no plugin: the name is empty.
    pub(super) fn fault(&self, plugin: &str, fault: &str) -> Counter {
        self.faults.get_or_create(&[("plugin", plugin.to_owned()), ("fault", fault.to_owned())]).clone()
    }
}

/// The labels of a plugin's module, if it is loaded.
fn info(link: &Link) -> Option<Labels<3>> {
    let loaded = link.loaded()?;
    let (version, sha256) = (loaded.plugin().manifest().version.clone(), loaded.identity().sha256.clone());
    Some([("plugin", link.name().to_string()), ("version", version), ("sha256", sha256)])
}

impl PluginCounters {
    /// Counts one call.
    pub(super) fn called(&self, step: &Step) {
        self.calls.inc();
        if step.usage.is_new_instance {
            self.instances.inc();
        }
        self.fuel.inc_by(step.usage.fuel.0);
        self.cpu_seconds.inc_by(step.cpu.as_secs_f64());
        if step.is_on_worker {
            self.on_workers.inc();
        }
        if !step.adjustments.is_empty() {
            self.adjustments.inc_by(step.adjustments.len() as u64);
        }
        if !matches!(step.fault, Some(Fault::Suspended | Fault::NotLoaded)) {
            self.call_seconds.observe_time(step.took);
            self.call_fuel.observe(step.usage.fuel.0);
        }
        if step.is_let_through {
            self.let_through.inc();
        }
        if let Some(counter) = step.verdict.and_then(|verdict| self.verdicts.get(verdict)) {
            counter.inc();
        }
        if let Some(counter) = step.fault.as_ref().and_then(|fault| self.faults.get(fault.index())) {
            counter.inc();
        }
    }

    /// Brings up to date what is not counted here.
    pub(super) fn look(&self) {
        self.is_suspended.set(self.link.is_suspended().into());
        self.is_not_loaded.set(self.link.plugin().is_none().into());
        self.suspensions.inc_by(self.link.new_suspensions());
    }
}
