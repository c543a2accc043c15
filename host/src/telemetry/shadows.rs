//! The metrics of candidates.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::family::{Labels, registered};

/// The metrics of all candidates.
#[derive(Debug, Clone)]
pub(crate) struct ShadowFamilies {
    outcomes: &'static [&'static str],
    callbacks: Family<Labels<4>, Counter>,
    answers: Family<Labels<4>, Counter>,
    answer_faults: Family<Labels<1>, Counter>,
    faults: Family<Labels<4>, Counter>,
    fuel: Family<Labels<2>, Counter>,
    cpu_seconds: Family<Labels<2>, Counter<f64, AtomicU64>>,
    percent: Family<Labels<1>, Gauge<i64, AtomicI64>>,
    waiting: Family<Labels<1>, Gauge<i64, AtomicI64>>,
    fallen_back: Family<Labels<1>, Gauge<i64, AtomicI64>>,
}

/// The metrics of one candidate at one command. A series exists from its first callback on.
#[derive(Debug)]
pub(crate) struct ShadowCounters {
    families: ShadowFamilies,
    shadow: String,
    platform: String,
    command: &'static str,
    /// In the order of the outcomes' names.
    outcomes: Box<[OnceLock<Counter>]>,
    dropped: OnceLock<Counter>,
    /// By the chain in service, and by the candidate.
    answers: [OnceLock<Counter>; 2],
    answer_faults: Counter,
    fuel: [Counter; 2],
    cpu_seconds: [Counter<f64, AtomicU64>; 2],
}

const SIDES: [&str; 2] = ["present", "candidate"];

impl ShadowFamilies {
    /// `outcomes`: the names of the outcomes of a comparison.
    pub(super) fn register(registry: &mut Registry, outcomes: &'static [&'static str]) -> Self {
        let cpu_seconds = Family::default();
        let help = "CPU time of both chains in comparisons without a fault";
        registry.register_with_unit("shadow_cpu", help, Unit::Seconds, cpu_seconds.clone());
        Self {
            outcomes,
            cpu_seconds,
            callbacks: registered(
                registry,
                "shadow_callbacks",
                "Callbacks compared with a candidate, by outcome; dropped: its queue was full",
            ),
            answers: registered(
                registry,
                "shadow_answers",
                "Callbacks answered while a candidate answers a part of them, by the chain that answered",
            ),
            answer_faults: registered(
                registry,
                "shadow_answer_faults",
                "Callbacks answered by a candidate in which one of its plugins failed",
            ),
            faults: registered(registry, "shadow_faults", "Calls of plugins that gave no verdict in a comparison"),
            fuel: registered(registry, "shadow_fuel", "Fuel burnt by both chains in comparisons without a fault"),
            percent: registered(registry, "shadow_percent", "Percentage of users whose callbacks a candidate answers"),
            waiting: registered(registry, "shadow_waiting", "Callbacks that wait to be compared"),
            fallen_back: registered(
                registry,
                "shadow_fallen_back",
                "1 after the faults of a candidate passed their maximum, and it answers nothing any more",
            ),
        }
    }

    /// The metrics of a candidate at a command.
    pub(crate) fn of(&self, shadow: &str, platform: &str, command: &'static str) -> ShadowCounters {
        let label = [("shadow", shadow.to_owned())];
        let side = |side: &str| [("shadow", shadow.to_owned()), ("side", side.to_owned())];
        ShadowCounters {
            shadow: shadow.to_owned(),
            platform: platform.to_owned(),
            command,
            outcomes: self.outcomes.iter().map(|_| OnceLock::new()).collect(),
            dropped: OnceLock::new(),
            answers: Default::default(),
            answer_faults: self.answer_faults.get_or_create(&label).clone(),
            fuel: SIDES.map(|name| self.fuel.get_or_create(&side(name)).clone()),
            cpu_seconds: SIDES.map(|name| self.cpu_seconds.get_or_create(&side(name)).clone()),
            families: self.clone(),
        }
    }

    /// Counts a call without a verdict in a comparison.
    pub(crate) fn fault(&self, shadow: &str, side: &str, plugin: &str, fault: &str) {
        let labels = [("shadow", shadow), ("side", side), ("plugin", plugin), ("fault", fault)];
        self.faults.get_or_create(&labels.map(|(name, value)| (name, value.to_owned()))).inc();
    }

    /// Removes what a candidate does now, because it is gone. What it did stays.
    pub(crate) fn forget(&self, shadow: &str) {
        let label = [("shadow", shadow.to_owned())];
        self.percent.remove(&label);
        self.waiting.remove(&label);
        self.fallen_back.remove(&label);
    }

    /// What a candidate does now.
    pub(crate) fn look(&self, shadow: &str, percent: u8, waiting: u64, is_fallen_back: bool) {
        let label = [("shadow", shadow.to_owned())];
        self.percent.get_or_create(&label).set(percent.into());
        self.waiting.get_or_create(&label).set(i64::try_from(waiting).unwrap_or(i64::MAX));
        self.fallen_back.get_or_create(&label).set(is_fallen_back.into());
    }
}

impl ShadowCounters {
    /// Counts a comparison with the outcome of this number.
    pub(crate) fn compared(&self, outcome: usize) {
        let name = self.families.outcomes.get(outcome).copied().unwrap_or_default();
        if let Some(counter) = self.outcomes.get(outcome) {
            counter.get_or_init(|| self.callbacks(name)).inc();
        }
    }

    /// Counts what both chains used in a comparison without a fault: in service, and the candidate.
    pub(crate) fn used(&self, fuel: [u64; 2], cpu: [Duration; 2]) {
        for (counter, fuel) in self.fuel.iter().zip(fuel) {
            counter.inc_by(fuel);
        }
        for (counter, cpu) in self.cpu_seconds.iter().zip(cpu) {
            counter.inc_by(cpu.as_secs_f64());
        }
    }

    /// Counts a callback for which there was no room in the queue.
    pub(crate) fn dropped(&self) {
        self.dropped.get_or_init(|| self.callbacks("dropped")).inc();
    }

    /// Counts a callback that was answered.
    pub(crate) fn answered(&self, by_candidate: bool) {
        let [present, candidate] = &self.answers;
        let (counter, name) = if by_candidate { (candidate, "candidate") } else { (present, "present") };
        counter.get_or_init(|| self.families.answers.get_or_create(&self.labels("side", name)).clone()).inc();
    }

    /// Counts a callback that the candidate answered, and in which one of its plugins failed.
    pub(crate) fn failed(&self) {
        self.answer_faults.inc();
    }

    fn callbacks(&self, outcome: &str) -> Counter {
        self.families.callbacks.get_or_create(&self.labels("outcome", outcome)).clone()
    }

    fn labels(&self, name: &'static str, value: &str) -> Labels<4> {
        [
            ("shadow", self.shadow.clone()),
            ("platform", self.platform.clone()),
            ("command", self.command.to_owned()),
            (name, value.to_owned()),
        ]
    }
}
