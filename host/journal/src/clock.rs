//! The time of day, which tests move by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The time in milliseconds since 1970, UTC.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that shows this time until it is moved. Clones show the same time.
    ///
    /// After moving it, [`Journal::tick`](crate::Journal::tick) has the journal look at it.
    pub fn manual(unix_ms: i64) -> Self {
        Self(Some(Arc::new(AtomicI64::new(unix_ms))))
    }

    /// Moves a manual clock forward; the system's clock stays as it is.
    pub fn advance_ms(&self, ms: i64) {
        if let Some(time) = &self.0 {
            time.fetch_add(ms, Ordering::SeqCst);
        }
    }

    /// Milliseconds since 1970, UTC; 0 for a system whose clock is earlier.
    pub fn now_unix_ms(&self) -> i64 {
        match &self.0 {
            Some(time) => time.load(Ordering::SeqCst),
            None => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
            }
        }
    }

    /// Whether tests move this clock: then nothing happens by the passing of real time.
    pub(crate) fn is_manual(&self) -> bool {
        self.0.is_some()
    }
}
