//! A sink without a journal: records are written while their callback waits, as far as its deadline allows, and lost if
//! that fails.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use callgate_journal::sink::SinkSettings;
use callgate_journal::sink::lines::Lines;
use tokio::sync::Semaphore;
use tokio::time::timeout_at;

use super::Named;
use crate::deadline::Deadline;
use crate::settings::Sink;

/// A sink of lines.
#[derive(Debug)]
pub(super) struct Direct {
    settings: SinkSettings,
    inner: Arc<Inner>,
    /// Permits to wait for the lines, each on its own thread.
    waiting: Arc<Semaphore>,
}

#[derive(Debug)]
struct Inner {
    name: String,
    lines: Mutex<Lines>,
    written: AtomicU64,
    lost: AtomicU64,
}

/// Callbacks whose records may wait for one sink at the same time, each on a thread of its own.
const WAITING_MAX: usize = 64;

impl Direct {
    /// The sink, if it writes lines: others need a journal, which the settings have made sure of.
    pub(super) fn new(sink: &Sink) -> Option<Self> {
        let settings = &sink.settings;
        let inner = Inner {
            name: settings.name.clone(),
            lines: Mutex::new(Lines::of(&settings.kind)?),
            written: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        };
        let waiting = Arc::new(Semaphore::new(WAITING_MAX));
        Some(Self { settings: settings.clone(), inner: Arc::new(inner), waiting })
    }

    /// Whether it is what the settings say.
    pub(super) fn is(&self, sink: &Sink) -> bool {
        self.settings == sink.settings
    }

    /// Whether the sink gets this record.
    pub(super) fn takes(&self, record: &Named) -> bool {
        self.settings.topics.take(record.returned.topic())
    }

    /// Writes records. Files can hang: then the answer does not wait for them beyond the deadline, and not more than a
    /// bounded number of records waits either.
    pub(super) async fn write(&self, records: Vec<Named>, deadline: Deadline, now_unix_ms: u64) {
        let permit = Arc::clone(&self.waiting).acquire_owned();
        let Ok(Ok(permit)) = timeout_at(deadline.moment(), permit).await else {
            return self.inner.lose(records.len(), "too many are waiting for it");
        };
        let inner = Arc::clone(&self.inner);
        let written = tokio::task::spawn_blocking(move || {
            inner.write(&records, Duration::from_millis(now_unix_ms));
            drop(permit);
        });
        if timeout_at(deadline.moment(), written).await.is_err() {
            let sink = self.inner.name.as_str();
            tracing::error!(sink, "the sink does not take records in time; the answer does not wait for it");
        }
    }

    pub(super) fn reopen(&self) {
        self.inner.lines.lock().unwrap_or_else(PoisonError::into_inner).reopen();
    }

    pub(super) fn written(&self) -> u64 {
        self.inner.written.load(Ordering::Relaxed)
    }

    pub(super) fn lost(&self) -> u64 {
        self.inner.lost.load(Ordering::Relaxed)
    }
}

impl Inner {
    /// A record that cannot be written is counted and logged: the chat server has no use for that news.
    fn write(&self, records: &[Named], now: Duration) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        match lines.write(records.iter().map(Named::event), now) {
            Ok(()) => {
                self.written.fetch_add(records.len() as u64, Ordering::Relaxed);
            }
            Err(error) => self.lose(records.len(), &error.to_string()),
        }
    }

    fn lose(&self, records: usize, why: &str) {
        tracing::error!(sink = self.name.as_str(), records, "records are lost: {why}");
        self.lost.fetch_add(records as u64, Ordering::Relaxed);
    }
}
