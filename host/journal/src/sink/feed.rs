//! Feeds a sink: reads the records after its cursor, and moves the cursor as they are delivered.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::settings::SinkSettings;
use super::status::{Shared, State};
use crate::clock::Clock;
use crate::journal::Journal;
use crate::record::{Record, RecordBatch, Sequence, SinkCursor};
use crate::sqlite::reader::Reader;

/// Maximum number of records that are read at once.
const RECORDS_MAX: usize = 1024;

/// Maximum size of records that are read at once, in bytes; one that is larger comes alone.
const BYTES_MAX: usize = 4 << 20;

/// The records for one sink.
pub(in crate::sink) struct Feed {
    pub(super) settings: SinkSettings,
    pub(super) shared: Arc<Shared>,
    pub(super) clock: Clock,
    journal: Journal,
    reader: Reader,
    /// Everything up to here was read.
    read_to: Sequence,
    /// Everything up to here was delivered, as it was last saved.
    saved: Sequence,
    records: watch::Receiver<Sequence>,
    stop: watch::Receiver<bool>,
    failures: u32,
}

impl Feed {
    pub(super) fn new(
        journal: Journal,
        clock: Clock,
        settings: SinkSettings,
        shared: Arc<Shared>,
        cursor: Sequence,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let (reader, records) = (journal.reader(), journal.watch_records());
        Self { settings, shared, clock, journal, reader, read_to: cursor, saved: cursor, records, stop, failures: 0 }
    }

    /// Whether the sink is to end.
    pub(super) fn is_stopped(&self) -> bool {
        *self.stop.borrow() || self.stop.has_changed().is_err()
    }

    /// Signals when the sink must stop.
    pub(super) fn stop(&self) -> watch::Receiver<bool> {
        self.stop.clone()
    }

    /// The next records, as soon as there are some; `None`: the sink is to end. `is_idle`: everything that was read
    /// before is delivered. May be dropped while it waits.
    pub(super) async fn next(&mut self, is_idle: bool) -> Option<Vec<Record>> {
        loop {
            if self.is_stopped() {
                return None;
            }
            let last = *self.records.borrow_and_update();
            if last > self.read_to {
                match self.read(last) {
                    Ok(batch) => {
                        self.read_to = batch.read_to;
                        if !batch.records.is_empty() {
                            return Some(batch.records);
                        }
                    }
                    Err(why) => self.fail(&why, Duration::ZERO).await,
                }
                continue;
            }
            if is_idle {
                self.shared.oldest(None);
                self.delivered_to(self.read_to);
            }
            if !self.wait().await {
                return None;
            }
        }
    }

    /// Waits for another record; `false`: the sink is to end.
    async fn wait(&mut self) -> bool {
        let mut stop = self.stop.clone();
        tokio::select! {
            changed = self.records.changed() => changed.is_ok(),
            _ = stop.wait_for(|stop| *stop) => false,
        }
    }

    fn read(&mut self, last: Sequence) -> Result<RecordBatch, String> {
        let topics = &self.settings.topics;
        let batch = self.reader.records_after(self.read_to, RECORDS_MAX, BYTES_MAX, |topic| topics.take(topic));
        let mut batch = batch.map_err(|error| format!("the journal cannot be read: {error}"))?;
        // Those in between were dropped because of their age.
        if batch.records.is_empty() && batch.read_to <= self.read_to {
            batch.read_to = last;
        }
        if batch.damaged > 0 {
            let sink = self.settings.name.as_str();
            tracing::error!(sink, records = batch.damaged, "records in the journal are damaged and skipped");
        }
        Ok(batch)
    }

    /// The journal that it reads.
    pub(super) fn journal(&self) -> Journal {
        self.journal.clone()
    }

    /// Everything that was read up to now.
    pub(super) fn read_to(&self) -> Sequence {
        self.read_to
    }

    /// Notes that everything up to here is delivered.
    pub(super) fn delivered_to(&mut self, sequence: Sequence) {
        if sequence > self.saved {
            self.saved = sequence;
            let (sink, state) = (self.settings.name.clone(), String::new());
            self.journal.save_cursor(SinkCursor { sink, delivered_to: sequence, state });
        }
        self.shared.delivered_to.send_replace(self.saved);
    }

    /// Notes that a delivery has succeeded.
    pub(super) fn succeed(&mut self) {
        if self.failures > 0 {
            self.failures = 0;
            tracing::info!(sink = self.settings.name.as_str(), "the sink delivers again");
        }
        self.shared.set(State::Running);
    }

    /// Notes that a delivery has failed. Returns how long the sink has to wait before it tries again: at least
    /// `at_least`.
    pub(super) fn note_failure(&mut self, why: &str, at_least: Duration) -> Duration {
        self.shared.failed();
        self.failures = self.failures.saturating_add(1);
        let pause = self.settings.back_off.with_jitter(self.failures).max(at_least);
        let since_unix_ms = match self.shared.state() {
            State::BackingOff { since_unix_ms, .. } => since_unix_ms,
            _ => self.clock.now_unix_ms(),
        };
        self.shared.set(State::BackingOff { why: why.to_owned(), since_unix_ms });
        let (sink, pause_ms) = (self.settings.name.as_str(), u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
        // Only the first failure is an error in the log; metrics and /readyz report the rest.
        match self.failures {
            1 => tracing::error!(sink, pause_ms, "the sink fails and retries: {why}"),
            failures => tracing::debug!(sink, failures, pause_ms, "the sink fails: {why}"),
        }
        pause
    }

    /// Notes that a delivery has failed, and waits before the next attempt, or until the sink is stopped.
    pub(super) async fn fail(&mut self, why: &str, at_least: Duration) {
        let pause = self.note_failure(why, at_least);
        let mut stop = self.stop();
        // The sender is gone, so nothing else could stop the sink.
        let _ = timeout(pause, stop.wait_for(|stop| *stop)).await;
    }
}
