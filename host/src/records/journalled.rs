//! Records with a journal: they are kept in it, and its sinks deliver them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use callgate_journal::sink::{SinkSettings, SinkStatus, Sinks};
use callgate_journal::{Clock, Journal, NewRecord};
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
    /// Held while sinks change; with what was wanted last.
    changing: Mutex<()>,
    wanted: arc_swap::ArcSwap<Vec<SinkSettings>>,
    written: AtomicU64,
    lost: AtomicU64,
}

/// How sure it must be that records are kept before the answer.
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
            wanted: arc_swap::ArcSwap::default(),
            written: AtomicU64::new(0),
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
                false => Err("too many wait for the journal's disk, or it fails".to_owned()),
            },
            Wait::OnDisk => match timeout_at(deadline.moment(), self.journal.keep_records(records)).await {
                Ok(kept) => kept.map_err(|error| error.to_string()),
                // They may be on their way.
                Err(_) => Err("they are not on disk when the answer is due, and may be lost".to_owned()),
            },
        };
        match kept {
            Ok(()) => {
                self.written.fetch_add(count as u64, Ordering::Relaxed);
            }
            Err(why) => {
                tracing::error!(records = count, "records are lost: {why}");
                self.lost.fetch_add(count as u64, Ordering::Relaxed);
            }
        }
    }

    /// Makes these the sinks, in the order in which it is asked for. Those that are the same as before go on.
    pub(super) async fn set_sinks(&self) {
        let _alone = self.changing.lock().await;
        let wanted = self.wanted.load_full();
        if let Err(error) = self.sinks.set(wanted.to_vec()).await {
            tracing::error!("sinks do not run: {error}; restart the host");
        }
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

    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}
