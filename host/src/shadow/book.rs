//! The figures of a candidate since it was last changed, or since an operator reset them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::outcome::{Kind, Outcome};
use super::room::Room;
use super::samples::{Sample, Samples};
use crate::settings::plain_name;
use crate::telemetry::{ShadowCounters, ShadowFamilies};

/// The figures of one candidate. A reload after which its chains are the same goes on with them.
#[derive(Debug)]
pub(crate) struct Book {
    name: String,
    /// What its chains, and those in service, are made of.
    pub(super) fingerprint: String,
    families: ShadowFamilies,
    since_unix_ms: AtomicU64,
    /// Callbacks that wait to be compared, and the size of their bodies.
    pub(super) waiting: Room,
    tallies: Mutex<BTreeMap<(String, &'static str), Arc<Tally>>>,
    /// Faults in comparisons, by side, plugin and kind.
    faults: Mutex<BTreeMap<(Side, String, &'static str), u64>>,
    pub(super) samples: Mutex<Samples>,
}

/// Which chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    /// The one in service.
    Present,
    /// The candidate.
    Candidate,
}

impl Side {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Candidate => "candidate",
        }
    }
}

/// The figures of one command.
#[derive(Debug)]
pub(crate) struct Tally {
    compared: Mutex<Compared>,
    /// Callbacks that did not fit into the queue.
    dropped: AtomicU64,
    /// Callbacks that were answered, by side; only while the candidate answers some.
    answered: [AtomicU64; 2],
    /// Those that the candidate answered, and in which one of its plugins failed.
    answered_faults: AtomicU64,
    counters: ShadowCounters,
}

/// The figures of comparisons. Fuel and CPU time are those without a fault on either side, so that both did the same
/// work.
#[derive(Debug, Default, Clone, Copy)]
struct Compared {
    /// In the order of [`Kind::ALL`].
    kinds: [u64; Kind::ALL.len()],
    /// In service, and of the candidate.
    fuel: [u64; 2],
    cpu: [Duration; 2],
}

impl Book {
    pub(super) fn new(name: &str, fingerprint: String, families: ShadowFamilies, now_unix_ms: u64) -> Self {
        Self {
            name: name.to_owned(),
            fingerprint,
            families,
            since_unix_ms: AtomicU64::new(now_unix_ms),
            waiting: Room::default(),
            tallies: Mutex::default(),
            faults: Mutex::default(),
            samples: Mutex::default(),
        }
    }

    /// The figures of a command of a platform.
    pub(super) fn tally(&self, platform: &str, command: &'static str) -> Arc<Tally> {
        let new = || Arc::new(Tally::new(self.families.of(&self.name, platform, command)));
        Arc::clone(lock(&self.tallies).entry((platform.to_owned(), command)).or_insert_with(new))
    }

    /// Counts the faults of one side of a comparison.
    pub(super) fn count_faults(&self, side: Side, outcome: &Outcome) {
        for (plugin, fault) in &outcome.faults {
            let plugin = plain_name(plugin);
            *lock(&self.faults).entry((side, plugin.to_owned(), fault.name())).or_default() += 1;
            self.families.fault(&self.name, side.name(), plugin, fault.name());
        }
    }

    /// Resets all figures to zero. The metrics are not reset.
    pub(super) fn reset(&self, now_unix_ms: u64) {
        self.since_unix_ms.store(now_unix_ms, Ordering::Relaxed);
        lock(&self.tallies).values().for_each(|tally| tally.reset());
        lock(&self.faults).clear();
        *lock(&self.samples) = Samples::default();
    }

    /// All figures. Blocks: the thread that compares may hold a lock.
    pub(super) fn report(&self) -> Value {
        let tallies = lock(&self.tallies);
        let commands: Vec<Value> =
            tallies.iter().filter_map(|((platform, command), tally)| tally.report(platform, command)).collect();
        let faults: Vec<Value> = lock(&self.faults)
            .iter()
            .map(|((side, plugin, fault), count)| {
                json!({"side": side.name(), "plugin": plugin, "fault": fault, "count": count})
            })
            .collect();
        let examples: Vec<Value> = lock(&self.samples).all().map(Sample::report).collect();
        json!({
            "since_unix_ms": self.since_unix_ms.load(Ordering::Relaxed),
            "waiting": self.waiting.callbacks(),
            "commands": commands,
            "faults": faults,
            "examples": examples,
        })
    }
}

impl Tally {
    fn new(counters: ShadowCounters) -> Self {
        Self {
            compared: Mutex::default(),
            dropped: AtomicU64::new(0),
            answered: Default::default(),
            answered_faults: AtomicU64::new(0),
            counters,
        }
    }

    /// Counts a comparison.
    pub(super) fn compared(&self, kind: Kind, present: &Outcome, candidate: &Outcome) {
        self.counters.compared(kind.index());
        let mut compared = lock(&self.compared);
        if let Some(count) = compared.kinds.get_mut(kind.index()) {
            *count += 1;
        }
        if !kind.is_without_fault() {
            return;
        }
        let (fuel, cpu) = ([present.fuel, candidate.fuel], [present.cpu, candidate.cpu]);
        self.counters.used(fuel, cpu);
        compared.fuel.iter_mut().zip(fuel).for_each(|(sum, fuel)| *sum += fuel);
        compared.cpu.iter_mut().zip(cpu).for_each(|(sum, cpu)| *sum += cpu);
    }

    /// Counts a callback that did not fit into the queue.
    pub(super) fn dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        self.counters.dropped();
    }

    /// Counts a callback that was answered by one side, while the candidate answers some.
    pub(super) fn answered(&self, side: Side, is_fault: bool) {
        let [present, candidate] = &self.answered;
        let count = if side == Side::Present { present } else { candidate };
        count.fetch_add(1, Ordering::Relaxed);
        self.counters.answered(side == Side::Candidate);
        if is_fault {
            self.answered_faults.fetch_add(1, Ordering::Relaxed);
            self.counters.failed();
        }
    }

    fn reset(&self) {
        *lock(&self.compared) = Compared::default();
        self.dropped.store(0, Ordering::Relaxed);
        self.answered.iter().for_each(|answered| answered.store(0, Ordering::Relaxed));
        self.answered_faults.store(0, Ordering::Relaxed);
    }

    /// The figures, if there are any.
    fn report(&self, platform: &str, command: &str) -> Option<Value> {
        let Compared { kinds, fuel, cpu } = *lock(&self.compared);
        let dropped = self.dropped.load(Ordering::Relaxed);
        let [present, candidate] = self.answered.each_ref().map(|answered| answered.load(Ordering::Relaxed));
        let faults = self.answered_faults.load(Ordering::Relaxed);
        if kinds.iter().sum::<u64>() + dropped + present + candidate == 0 {
            return None;
        }
        let of = |kind: Kind| kinds.get(kind.index()).copied().unwrap_or_default();
        let no_time = of(Kind::NoTime);
        let mut outcomes = serde_json::Map::new();
        for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::NoTime) {
            outcomes.insert(kind.name().to_owned(), of(kind).into());
        }
        let [present_ns, candidate_ns] = cpu.map(|cpu| u64::try_from(cpu.as_nanos()).unwrap_or(u64::MAX));
        let [present_fuel, candidate_fuel] = fuel;
        Some(json!({
            "platform": platform,
            "command": command,
            "compared": kinds.iter().sum::<u64>() - no_time,
            "outcomes": outcomes,
            "no_time": no_time,
            "dropped": dropped,
            "fuel": {"present": present_fuel, "candidate": candidate_fuel},
            "cpu_ns": {"present": present_ns, "candidate": candidate_ns},
            "answered": {"present": present, "candidate": candidate, "candidate_faults": faults},
        }))
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
