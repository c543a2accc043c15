//! Records leave the corridor here: they go to their sinks.

mod direct;
mod returned;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use callgate_journal::envelope::Event;

use crate::deadline::Deadline;
use crate::settings::Sink;
use direct::Direct;

pub(crate) use returned::{Author, Origin, Returned, valid_traceparent};

/// What becomes of records.
#[derive(Debug)]
pub(crate) struct Records {
    /// Each of the sinks, without a journal in between.
    direct: Vec<Direct>,
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
            direct: sinks.iter().filter_map(Direct::new).collect(),
            run,
            number: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            unrouted: AtomicU64::new(0),
        }
    }

    /// Hands records to their sinks, and waits until they have them; not beyond the deadline, for files can hang.
    pub(crate) async fn keep(&self, returned: Vec<Returned>, origin: Origin, deadline: Deadline, now_unix_ms: u64) {
        let origin = Arc::new(origin);
        let records: Vec<Named> = returned.into_iter().map(|returned| self.name(returned, &origin)).collect();
        let is_taken = |record: &Named| self.direct.iter().any(|sink| sink.takes(record));
        let unrouted = records.iter().filter(|record| !is_taken(record)).count() as u64;
        if unrouted > 0 && self.unrouted.fetch_add(unrouted, Ordering::Relaxed) == 0 {
            tracing::warn!("a record has a topic that no [[sink]] takes: it goes nowhere, and is only counted");
        }
        for sink in &self.direct {
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

    /// Closes the files of all sinks; the next records open them again, because they may have been renamed. Blocks while
    /// records are written.
    pub(crate) fn reopen(&self) {
        self.direct.iter().for_each(Direct::reopen);
    }

    /// Counts and logs the records of a plugin that exceeded its limit.
    pub(crate) fn left_out(&self, records: usize) {
        tracing::warn!(records, "records are left out: a plugin gives more than `records_per_second_max`");
        self.lost.fetch_add(records as u64, Ordering::Relaxed);
    }

    /// Records written since the start, by all sinks together.
    pub(crate) fn written(&self) -> u64 {
        self.direct.iter().map(Direct::written).sum()
    }

    /// Records that could not be written; one that two sinks lose counts twice.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed) + self.direct.iter().map(Direct::lost).sum::<u64>()
    }

    /// Records whose topic no sink takes.
    pub(crate) fn unrouted(&self) -> u64 {
        self.unrouted.load(Ordering::Relaxed)
    }
}

/// A record with an ID.
#[derive(Debug, Clone)]
struct Named {
    id: String,
    returned: Returned,
    origin: Arc<Origin>,
}

impl Named {
    fn event(&self) -> Event<'_> {
        let (returned, origin) = (&self.returned, &self.origin);
        Event {
            id: &self.id,
            sequence: None,
            topic: returned.topic(),
            key: &origin.key,
            platform: &origin.platform,
            command: &origin.command,
            plugin: &returned.plugin.name,
            plugin_sha256: &returned.plugin.sha256,
            traceparent: origin.traceparent.as_deref(),
            at_unix_ms: i64::try_from(origin.arrived_unix_ms).unwrap_or(i64::MAX),
            data: &returned.data,
        }
    }
}
