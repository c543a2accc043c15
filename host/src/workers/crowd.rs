//! How crowded a flow is: what the dispatcher knows, for threads that must not ask it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::deadline::Deadline;
use crate::overload::Overload;

/// The lanes in which jobs with a deadline run.
pub(super) const LANES: usize = 2;

/// How many jobs of a flow wait and run, and how long that takes, as the dispatcher last saw it. Figures that belong
/// together may be from different moments.
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    /// The plugin's own `calls_at_once_max`; 0: it has none.
    bound: usize,
    lanes: [InLane; LANES],
}

#[derive(Debug, Default)]
struct InLane {
    waiting: AtomicUsize,
    running: AtomicUsize,
    slots: AtomicUsize,
    wait_ns: AtomicU64,
}

/// What the dispatcher says about a flow in one lane.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Look {
    /// Jobs that wait.
    pub(super) waiting: usize,
    /// Jobs that run.
    pub(super) running: usize,
    /// How many may run at the same time.
    pub(super) slots: usize,
    /// How long one more job would wait.
    pub(super) wait: Duration,
}

impl Crowd {
    /// The crowd of a flow whose plugin may have this number of concurrent calls on workers, if its settings limit
    /// them.
    pub(crate) fn new(bound: Option<usize>) -> Self {
        Self { bound: bound.unwrap_or(0), lanes: Default::default() }
    }

    pub(super) fn note(&self, lane: usize, look: Look) {
        let Some(figures) = self.lanes.get(lane) else { return };
        figures.waiting.store(look.waiting, Ordering::Relaxed);
        figures.running.store(look.running, Ordering::Relaxed);
        figures.slots.store(look.slots, Ordering::Relaxed);
        figures.wait_ns.store(u64::try_from(look.wait.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How long one more job would wait in this lane.
    pub(super) fn wait(&self, lane: usize) -> Duration {
        self.lanes.get(lane).map_or(Duration::ZERO, |lane| Duration::from_nanos(lane.wait_ns.load(Ordering::Relaxed)))
    }

    /// The overload to report for a job that started and then ran out of time: that of the lane with most of its flow's
    /// jobs.
    pub(crate) fn overload_now(&self, deadline: Deadline) -> Overload {
        let jobs = |lane: &usize| {
            let figures = self.lanes.get(*lane);
            figures.map_or(0, |lane| lane.waiting.load(Ordering::Relaxed) + lane.running.load(Ordering::Relaxed))
        };
        self.overload((0..LANES).max_by_key(jobs).unwrap_or_default(), deadline)
    }

    /// The overload to report for a job without enough time in this lane.
    pub(super) fn overload(&self, lane: usize, deadline: Deadline) -> Overload {
        let read = |figure: fn(&InLane) -> &AtomicUsize| {
            self.lanes.get(lane).map_or(0, |lane| figure(lane).load(Ordering::Relaxed))
        };
        let slots = read(|lane| &lane.slots).max(1);
        let limit = match self.bound > 0 && self.bound <= slots {
            true => "calls_at_once_max",
            false => "plugin_share_percent_max",
        };
        Overload {
            limit,
            value: slots,
            in_flight: read(|lane| &lane.running),
            waiting: read(|lane| &lane.waiting),
            wait: self.wait(lane),
            left: deadline.remaining_for_guests(),
        }
    }
}
