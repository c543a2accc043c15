//! The counters of each fact, for the metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use callgate_catalogue::wire::Why;

use crate::lookup::Answer;

/// The counters of one fact.
#[derive(Debug, Default)]
pub struct Stats {
    asked: AtomicU64,
    known: AtomicU64,
    absent: AtomicU64,
    late: AtomicU64,
    failed: AtomicU64,
    changed: AtomicU64,
    not_changed: AtomicU64,
    hits: AtomicU64,
    stale: AtomicU64,
    coalesced: AtomicU64,
    fetched: AtomicU64,
    fetch_us: AtomicU64,
}

/// The counts of one fact since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// How often it was needed.
    pub asked: u64,
    /// How often there was a value.
    pub known: u64,
    /// How often the source had no value for the key.
    pub absent: u64,
    /// How often the source did not answer in time.
    pub late: u64,
    /// How often it failed.
    pub failed: u64,
    /// Updates that the source accepted. Over the network they are queued and may still fail, which is logged.
    pub changed: u64,
    /// Updates that were dropped, because the source cannot be changed in this way, or its queue is full.
    pub not_changed: u64,
    /// How often the cache had the answer.
    pub hits: u64,
    /// How often the cache had a stale answer, which was used while a new one was fetched.
    pub stale: u64,
    /// How often the same key was already being fetched.
    pub coalesced: u64,
    /// How many requests were sent over the network.
    pub fetched: u64,
    /// Total time of these requests.
    pub fetching: Duration,
}

/// The result of a cache lookup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cached {
    Hit,
    Stale,
    Coalesced,
}

impl Stats {
    pub(crate) fn asked(&self, answer: &Answer) {
        let counter = match &answer.value {
            Ok(_) => &self.known,
            Err(Why::Absent) => &self.absent,
            Err(Why::Late) => &self.late,
            Err(Why::Failed | Why::NotConfigured) => &self.failed,
        };
        self.asked.fetch_add(1, Ordering::Relaxed);
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn changed(&self, is_changed: bool) {
        let counter = if is_changed { &self.changed } else { &self.not_changed };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn cached(&self, cached: Cached) {
        let counter = match cached {
            Cached::Hit => &self.hits,
            Cached::Stale => &self.stale,
            Cached::Coalesced => &self.coalesced,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn fetched(&self, took: Duration) {
        self.fetched.fetch_add(1, Ordering::Relaxed);
        self.fetch_us.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The counts so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Totals {
            asked: read(&self.asked),
            known: read(&self.known),
            absent: read(&self.absent),
            late: read(&self.late),
            failed: read(&self.failed),
            changed: read(&self.changed),
            not_changed: read(&self.not_changed),
            hits: read(&self.hits),
            stale: read(&self.stale),
            coalesced: read(&self.coalesced),
            fetched: read(&self.fetched),
            fetching: Duration::from_micros(read(&self.fetch_us)),
        }
    }
}
