//! Records with a journal: they are stored in it, and its sinks deliver them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use callgate_journal::sink::{SinkSettings, SinkStatus, Sinks, SinksError};
use callgate_journal::{Clock, Journal, NewRecord, NotKept};
use tokio::sync::Mutex;
use tokio::time::timeout_at;

use super::returned::{Origin, Returned};
use crate::deadline::Deadline;
use crate::settings::Sink;

/// The journal that records go into, and the sinks that read from it.
#[derive(Debug)]
pub(super) struct Journalled {
    journal: Journal,
    sinks: Sinks,
    /// Held while sinks change.
    changing: Mutex<()>,
    /// Whether a task retries to change them.
    is_retrying: AtomicBool,
    /// The sinks that were wanted last.
    wanted: arc_swap::ArcSwap<Vec<SinkSettings>>,
    lost: AtomicU64,
}

/// Pause after a failure before the sinks are started again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Whether the answer waits until records are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// They are written right after it.
    No,
    /// They are on disk, if that is possible within the deadline.
    OnDisk,
}

impl Journalled {
    pub(super) fn new(journal: Journal, clock: Clock) -> Self {
        Self {
            sinks: Sinks::new(journal.clone(), clock),
            journal,
            changing: Mutex::default(),
            is_retrying: AtomicBool::new(false),
            wanted: arc_swap::ArcSwap::default(),
            lost: AtomicU64::new(0),
        }
    }

    /// Keeps the records of a callback. Without room, or in time, they are lost, and counted.
    pub(super) async fn keep(&self, returned: Vec<Returned>, origin: &Origin, deadline: Deadline, wait: Wait) {
        let count = returned.len();
        let wait = match returned.iter().any(|record| record.plugin.is_durable) {
            true => Wait::OnDisk,
            false => wait,
        };
        let records: Vec<NewRecord> = returned.into_iter().map(|record| record.into_new(origin)).collect();
        let kept = match wait {
            Wait::No => match self.journal.offer_records(records) {
                true => Ok(()),
                false => Err("too many wait for the journal's disk, or the disk fails".to_owned()),
            },
            Wait::OnDisk => match timeout_at(deadline.moment(), self.journal.keep_records(records)).await {
                Ok(kept) => kept.map_err(|error| error.to_string()),
                // They may still be committed.
                Err(_) => Err("they are not on disk at the deadline of the answer, and may be lost".to_owned()),
            },
        };
        if let Err(why) = kept {
            tracing::error!(records = count, "records are lost: {why}");
            self.lost.fetch_add(count as u64, Ordering::Relaxed);
        }
    }

    /// Starts the sinks that were wanted last. Unchanged sinks continue. While the journal cannot be written to, for
    /// example because its disk is full, this is retried in the background.
    pub(super) async fn set_sinks(self: &Arc<Self>) {
        let Err(error) = self.try_sinks().await else { return };
        if matches!(error, SinksError::Cursors(NotKept::Closed)) || self.is_retrying.swap(true, Ordering::AcqRel) {
            return;
        }
        tracing::error!("the sinks do not run yet: {error}; retrying every second");
        let journalled = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(RETRY_AFTER).await;
                match journalled.try_sinks().await {
                    Ok(()) => break tracing::info!("the sinks run"),
                    Err(SinksError::Cursors(NotKept::Closed)) => break,
                    Err(_) => {}
                }
            }
            journalled.is_retrying.store(false, Ordering::Release);
        });
    }

    async fn try_sinks(&self) -> Result<(), SinksError> {
        let _alone = self.changing.lock().await;
        self.sinks.set(self.wanted.load_full().to_vec()).await
    }

    /// Notes which sinks there are to be.
    pub(super) fn want(&self, sinks: &[Sink]) {
        self.wanted.store(Arc::new(sinks.iter().map(|sink| sink.settings.clone()).collect()));
    }

    pub(super) fn sinks(&self) -> &Sinks {
        &self.sinks
    }

    pub(super) fn status(&self) -> Vec<SinkStatus> {
        self.sinks.status()
    }

    /// Records on disk, also those that were committed together with an entry.
    pub(super) fn written(&self) -> u64 {
        self.journal.numbers().records
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}
