//! Opens a host's journal, processes its entries, and closes it.

use std::sync::Arc;
use std::time::Duration;

use callgate_journal::{Clock, Numbers};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::entries::Work;
use crate::host::Host;
use crate::keeping::KeepingError;

impl Host {
    /// Opens the journal, if the settings have one, and locks it against other hosts. Blocks.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn open_journal(&self, clock: Clock) -> Result<(), KeepingError> {
        self.keeping.open(&self.generation().settings().journal, clock)?;
        if let Some(journal) = self.keeping.journal() {
            self.restore_facts(journal);
        }
        Ok(())
    }

    /// Starts processing entries, those from before the start first, and the maintenance of facts. Must be called in a
    /// runtime.
    pub async fn work_off_entries(&self) {
        tokio::spawn(Self::tend_files(self.downgrade()));
        tokio::spawn(Self::save_counters(self.downgrade()));
        let Some(journal) = self.keeping.journal() else { return };
        self.keep_records_in(journal.clone(), self.keeping.clock()).await;
        let limits = self.generation().settings().journal.work_limits();
        let work = Work::of(self, Handle::current());
        if let Err(error) = journal.start_working(Arc::new(work), limits).await {
            tracing::error!("entries of the journal are not processed: {error}; restart the host");
        }
    }

    /// Stops starting entries.
    pub fn begin_no_entries(&self) {
        if let Some(journal) = self.keeping.journal() {
            journal.stop_working();
        }
    }

    /// Closes the journal. Running entries have `within` to end; then they return to the queue. In the rest of that
    /// time, sinks have up to 2 s to deliver what is on disk. Everything that was acknowledged is on disk in any case.
    pub async fn close_journal(&self, within: Duration) {
        let Some(journal) = self.keeping.journal() else { return };
        journal.stop_working();
        let until = Instant::now() + within;
        while journal.numbers().working > 0 && Instant::now() < until {
            sleep(LOOK_PAUSE).await;
        }
        let working = journal.numbers().working;
        if working > 0 {
            tracing::warn!(
                entries = working,
                "entries are still running: they are processed again after the next start"
            );
        }
        let deliver = async {
            let _ = journal.flush().await;
            self.settle_sinks().await;
        };
        // The rest is delivered after the next start.
        let _ = timeout_at(until.min(Instant::now() + SINKS_WITHIN), deliver).await;
        let host = self.clone();
        let settled = tokio::task::spawn_blocking(move || {
            host.save_facts();
            if let Some(decisions) = host.keeping.decisions() {
                decisions.settle();
            }
        });
        let close = async {
            let _ = settled.await;
            journal.close().await;
        };
        if timeout(CLOSE_WITHIN, close).await.is_err() {
            tracing::error!(
                "the journal's disk does not answer: the journal is not closed; nothing acknowledged is lost"
            );
        }
    }

    /// Waits until everything that was queued before is on disk; for tests.
    pub async fn settle_journal(&self) {
        let Some(journal) = self.keeping.journal() else { return };
        let host = self.clone();
        let _ = tokio::task::spawn_blocking(move || {
            if let Some(decisions) = host.keeping.decisions() {
                decisions.settle();
            }
        })
        .await;
        let _ = journal.flush().await;
    }

    /// Makes the journal read its clock after it was moved; for tests.
    pub fn tick_journal(&self) {
        if let Some(journal) = self.keeping.journal() {
            journal.tick();
        }
    }

    /// The numbers of the journal.
    pub fn journal_numbers(&self) -> Numbers {
        self.keeping.numbers()
    }
}

/// How often a stopping host checks whether the running entries are done.
const LOOK_PAUSE: Duration = Duration::from_millis(10);

/// Time for sinks to deliver what is on disk when the host stops: enough for sinks without a backlog. A sink with a
/// backlog would delay every stop, and its records are delivered after the next start.
const SINKS_WITHIN: Duration = Duration::from_secs(2);

/// Time to write and close the journal when the host stops, after the time for running callbacks. If the disk hangs,
/// everything that was acknowledged is on it already.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);
