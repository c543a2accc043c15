//! The status of a sink: written by its thread, read by metrics and operators.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::record::Sequence;

/// What a sink does at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It delivers what comes.
    Running,
    /// Something has failed; it tries again after a pause.
    BackingOff {
        /// What failed.
        why: String,
        /// Since when nothing was delivered, in milliseconds since 1970-01-01 UTC.
        since_unix_ms: i64,
    },
    /// It has not come back from a write for a while: a pipe without a reader, a disk that does not answer.
    Hanging {
        /// Since when, in milliseconds since 1970-01-01 UTC.
        since_unix_ms: i64,
    },
    /// It delivers nothing until its settings change.
    Off {
        /// Why.
        why: String,
    },
}

impl State {
    /// Its name in metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::BackingOff { .. } => "backing_off",
            Self::Hanging { .. } => "hanging",
            Self::Off { .. } => "off",
        }
    }

    /// The names of all states.
    pub const NAMES: [&'static str; 4] = ["running", "backing_off", "hanging", "off"];
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Running => f.write_str("running"),
            Self::BackingOff { why, .. } => write!(f, "backing off: {why}"),
            Self::Hanging { .. } => f.write_str("hanging: a write does not finish"),
            Self::Off { why } => write!(f, "off: {why}"),
        }
    }
}

/// How a sink is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkStatus {
    /// Its name.
    pub name: String,
    /// Its kind, as in the settings.
    pub kind: &'static str,
    /// What it does.
    pub state: State,
    /// Records that it has delivered since it was started; one that is delivered again counts again.
    pub delivered: u64,
    /// Deliveries that failed since it was started.
    pub errors: u64,
    /// Records that were dropped after too many attempts.
    pub given_up: u64,
    /// Keys whose next record was refused, and which wait.
    pub parked_keys: u64,
    /// Why the last one of the refused records that are waiting for another attempt was refused; `None`: there is none.
    pub refusal: Option<String>,
    /// Records in the journal that it has not gone past, of any topic.
    pub lag_records: u64,
    /// Age of the oldest record that it has read and not delivered.
    pub lag_age: Duration,
}

/// What the thread of a sink and those who ask share.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    delivered: AtomicU64,
    errors: AtomicU64,
    given_up: AtomicU64,
    parked_keys: AtomicU64,
    refusal: Mutex<Option<String>>,
    /// The time of the oldest record under way; 0: there is none.
    oldest_unix_ms: AtomicI64,
    /// Since when a write is under way; 0: none is.
    writing_since_unix_ms: AtomicI64,
    /// Everything up to here is delivered.
    pub(super) delivered_to: watch::Sender<Sequence>,
}

/// A write that takes longer than this is reported as hanging.
const HANGING_MS: i64 = 10_000;

impl Shared {
    pub(super) fn new(cursor: Sequence) -> Self {
        Self {
            state: Mutex::new(State::Running),
            delivered: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            given_up: AtomicU64::new(0),
            parked_keys: AtomicU64::new(0),
            refusal: Mutex::default(),
            oldest_unix_ms: AtomicI64::new(0),
            writing_since_unix_ms: AtomicI64::new(0),
            delivered_to: watch::Sender::new(cursor),
        }
    }

    pub(super) fn set(&self, state: State) {
        let fails = state != State::Running;
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
        if fails {
            // Wakes tasks that wait for deliveries: they do not wait for a sink that fails.
            self.delivered_to.send_modify(|_| ());
        }
    }

    pub(super) fn state(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn delivered(&self, records: usize) {
        self.delivered.fetch_add(records as u64, Ordering::Relaxed);
    }

    pub(super) fn failed(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn gave_up(&self) {
        self.given_up.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes how many keys wait because their next record was refused.
    pub(super) fn parked(&self, keys: usize) {
        self.parked_keys.store(keys as u64, Ordering::Relaxed);
    }

    /// Notes why a record was refused, or that none of those under way was.
    pub(super) fn refusal(&self, why: Option<&str>) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = why.map(str::to_owned);
    }

    /// Notes the time of the oldest record under way; `None`: there is none.
    pub(super) fn oldest(&self, unix_ms: Option<i64>) {
        self.oldest_unix_ms.store(unix_ms.unwrap_or(0), Ordering::Relaxed);
    }

    /// Notes that a write begins, or with 0 that it has ended.
    pub(super) fn writing_since(&self, unix_ms: i64) {
        self.writing_since_unix_ms.store(unix_ms, Ordering::Relaxed);
    }

    pub(super) fn status(&self, name: &str, kind: &'static str, last: Sequence, now_unix_ms: i64) -> SinkStatus {
        let since_unix_ms = self.writing_since_unix_ms.load(Ordering::Relaxed);
        let state = match since_unix_ms > 0 && now_unix_ms - since_unix_ms >= HANGING_MS {
            true => State::Hanging { since_unix_ms },
            false => self.state(),
        };
        let lag = last.0.saturating_sub(self.delivered_to.borrow().0);
        let age_ms = match self.oldest_unix_ms.load(Ordering::Relaxed) {
            0 => 0,
            oldest => now_unix_ms.saturating_sub(oldest),
        };
        SinkStatus {
            name: name.to_owned(),
            kind,
            state,
            delivered: self.delivered.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            given_up: self.given_up.load(Ordering::Relaxed),
            parked_keys: self.parked_keys.load(Ordering::Relaxed),
            refusal: self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            lag_records: u64::try_from(lag).unwrap_or(0),
            lag_age: Duration::from_millis(u64::try_from(age_ms).unwrap_or(0)),
        }
    }
}
