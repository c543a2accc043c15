//! A sink without a journal: records are written while their callback waits, as far as its deadline allows, and lost if
//! that fails.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use callgate_journal::sink::lines::Lines;
use callgate_journal::sink::{SinkSettings, SinkStatus, State};
use tokio::sync::Semaphore;
use tokio::time::timeout_at;

use super::named::Named;
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
    errors: AtomicU64,
    /// Why the last write failed, and since when they do, in milliseconds since 1970-01-01 UTC.
    failure: Mutex<Option<(String, i64)>>,
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
            errors: AtomicU64::new(0),
            failure: Mutex::default(),
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
            return self.inner.lose(records.len(), "too many callbacks wait for this sink", now_unix_ms);
        };
        let inner = Arc::clone(&self.inner);
        let written = tokio::task::spawn_blocking(move || {
            inner.write(&records, Duration::from_millis(now_unix_ms));
            drop(permit);
        });
        if timeout_at(deadline.moment(), written).await.is_err() {
            let sink = self.inner.name.as_str();
            tracing::error!(
                sink,
                "the sink does not write records in time; the answer is sent without waiting for them"
            );
        }
    }

    pub(super) fn reopen(&self) {
        self.inner.lines.lock().unwrap_or_else(PoisonError::into_inner).reopen();
    }

    /// How it is doing.
    pub(super) fn status(&self) -> SinkStatus {
        SinkStatus {
            name: self.settings.name.clone(),
            kind: self.settings.kind.name(),
            state: match self.inner.failure.lock().unwrap_or_else(PoisonError::into_inner).clone() {
                Some((why, since_unix_ms)) => State::BackingOff { why, since_unix_ms },
                None => State::Running,
            },
            delivered: self.written(),
            errors: self.inner.errors.load(Ordering::Relaxed),
            given_up: self.lost(),
            parked_keys: 0,
            refusal: None,
            lag_records: 0,
            lag_age: Duration::ZERO,
        }
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
        let written =
            self.lines.lock().unwrap_or_else(PoisonError::into_inner).write(records.iter().map(Named::event), now);
        match written {
            Ok(()) => {
                self.written.fetch_add(records.len() as u64, Ordering::Relaxed);
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = None;
            }
            Err(error) => {
                self.lose(records.len(), &error.to_string(), u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
            }
        }
    }

    fn lose(&self, records: usize, why: &str, now_unix_ms: u64) {
        tracing::error!(sink = self.name.as_str(), records, "records are lost: {why}");
        self.errors.fetch_add(1, Ordering::Relaxed);
        self.lost.fetch_add(records as u64, Ordering::Relaxed);
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        let since = failure.as_ref().map_or(i64::try_from(now_unix_ms).unwrap_or(i64::MAX), |(_, since)| *since);
        *failure = Some((why.to_owned(), since));
    }
}
