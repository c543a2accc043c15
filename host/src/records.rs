//! Records leave the corridor here: they go to their sinks.

mod direct;
mod journalled;
mod named;
mod returned;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use callgate_journal::sink::SinkStatus;
use callgate_journal::{Clock, Journal};
use tokio::runtime::Handle;

use crate::deadline::Deadline;
use crate::settings::Sink;
use direct::Direct;
use journalled::Journalled;
use named::Named;

pub(crate) use journalled::Wait;
pub(crate) use returned::{Author, Origin, Returned, valid_traceparent};

/// Where records go.
#[derive(Debug)]
pub(crate) struct Records {
    /// The journal, where there is one, and the runtime that its sinks are changed in.
    journalled: OnceLock<(Arc<Journalled>, Handle)>,
    /// Each of the sinks, without a journal in between.
    direct: ArcSwap<Vec<Arc<Direct>>>,
    /// Those of sinks that are gone: counters never go down.
    written_before: AtomicU64,
    lost_before: AtomicU64,
    /// Begins the IDs of all records since the start.
    run: String,
    number: AtomicU64,
    lost: AtomicU64,
    unrouted: AtomicU64,
}

impl Records {
    /// Records go straight to these sinks. `run` names this run of the host, and no other one.
    pub(crate) fn new(sinks: &[Sink], run: String) -> Self {
        Self {
            journalled: OnceLock::new(),
            direct: ArcSwap::from_pointee(made(sinks, &[])),
            written_before: AtomicU64::new(0),
            lost_before: AtomicU64::new(0),
            run,
            number: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            unrouted: AtomicU64::new(0),
        }
    }

    /// Has records go into this journal from now on, and these sinks read from it. Must be called in a runtime.
    pub(crate) async fn use_journal(&self, journal: Journal, clock: Clock, sinks: &[Sink]) {
        let journalled = Arc::new(Journalled::new(journal, clock));
        journalled.want(sinks);
        journalled.set_sinks().await;
        let _ = self.journalled.set((journalled, Handle::current()));
    }

    /// Hands over records. With a journal it waits as `wait` says; without, until the sinks have them. Not beyond the
    /// deadline: disks can hang.
    pub(crate) async fn keep(
        &self,
        returned: Vec<Returned>,
        origin: Origin,
        deadline: Deadline,
        wait: Wait,
        now_unix_ms: u64,
    ) {
        match self.journalled.get() {
            Some((journalled, _)) => journalled.keep(returned, &origin, deadline, wait).await,
            None => self.write(returned, origin, deadline, now_unix_ms).await,
        }
    }

    async fn write(&self, returned: Vec<Returned>, origin: Origin, deadline: Deadline, now_unix_ms: u64) {
        let origin = Arc::new(origin);
        let records: Vec<Named> = returned.into_iter().map(|returned| self.name(returned, &origin)).collect();
        let sinks = self.direct.load_full();
        let is_taken = |record: &Named| sinks.iter().any(|sink| sink.takes(record));
        let unrouted = records.iter().filter(|record| !is_taken(record)).count() as u64;
        if unrouted > 0 && self.unrouted.fetch_add(unrouted, Ordering::Relaxed) == 0 {
            tracing::warn!(
                "a record has a topic that no [[sink]] receives: it is discarded and counted; add the topic to a sink"
            );
        }
        for sink in sinks.iter() {
            let its: Vec<Named> = records.iter().filter(|record| sink.takes(record)).cloned().collect();
            if !its.is_empty() {
                sink.write(its, deadline, now_unix_ms).await;
            }
        }
    }

    fn name(&self, returned: Returned, origin: &Arc<Origin>) -> Named {
        let number = self.number.fetch_add(1, Ordering::Relaxed) + 1;
        Named { id: format!("{}-r{number}", self.run), returned, origin: Arc::clone(origin) }
    }

    /// Makes these the sinks. Those that are the same as before go on.
    pub(crate) fn set_sinks(&self, sinks: &[Sink]) {
        if let Some((journalled, runtime)) = self.journalled.get() {
            journalled.want(sinks);
            let journalled = Arc::clone(journalled);
            runtime.spawn(async move { journalled.set_sinks().await });
            return;
        }
        let before = self.direct.load_full();
        let next = made(sinks, &before);
        for gone in before.iter().filter(|sink| !next.iter().any(|other| Arc::ptr_eq(other, sink))) {
            self.written_before.fetch_add(gone.written(), Ordering::Relaxed);
            self.lost_before.fetch_add(gone.lost(), Ordering::Relaxed);
        }
        self.direct.store(Arc::new(next));
    }

    /// Closes the files of all sinks; the next records open them again, because they may have been renamed. Blocks
    /// while records are written.
    pub(crate) fn reopen(&self) {
        if let Some((journalled, _)) = self.journalled.get() {
            journalled.sinks().reopen();
        }
        self.direct.load().iter().for_each(|sink| sink.reopen());
    }

    /// How the sinks are doing.
    pub(crate) fn status(&self) -> Vec<SinkStatus> {
        match self.journalled.get() {
            Some((journalled, _)) => journalled.status(),
            None => self.direct.load().iter().map(|sink| sink.status()).collect(),
        }
    }

    /// Waits until each sink that works has what is on disk now, for a bounded time.
    pub(crate) async fn settle(&self) {
        if let Some((journalled, _)) = self.journalled.get() {
            journalled.sinks().settle().await;
        }
    }

    /// Counts and logs the records of a plugin that exceeded its limit.
    pub(crate) fn left_out(&self, records: usize) {
        tracing::warn!(records, "records are dropped: a plugin returns more than `records_per_second_max`");
        self.lost.fetch_add(records as u64, Ordering::Relaxed);
    }

    /// Records stored since the start; without a journal, written by all sinks together.
    pub(crate) fn written(&self) -> u64 {
        let journalled = self.journalled.get().map_or(0, |(journalled, _)| journalled.written());
        journalled
            + self.written_before.load(Ordering::Relaxed)
            + self.direct.load().iter().map(|sink| sink.written()).sum::<u64>()
    }

    /// Records that could not be written; one that two sinks lose counts twice.
    pub(crate) fn lost(&self) -> u64 {
        let of_sinks: u64 = self.direct.load().iter().map(|sink| sink.lost()).sum();
        let journalled = self.journalled.get().map_or(0, |(journalled, _)| journalled.lost());
        journalled + self.lost.load(Ordering::Relaxed) + self.lost_before.load(Ordering::Relaxed) + of_sinks
    }

    /// Records whose topic no sink receives.
    pub(crate) fn unrouted(&self) -> u64 {
        self.unrouted.load(Ordering::Relaxed)
    }
}

/// These sinks; those among `before` that are the same are taken over.
fn made(sinks: &[Sink], before: &[Arc<Direct>]) -> Vec<Arc<Direct>> {
    let made = sinks.iter().filter_map(|sink| match before.iter().find(|before| before.is(sink)) {
        Some(same) => Some(Arc::clone(same)),
        None => Direct::new(sink).map(Arc::new),
    });
    made.collect()
}
