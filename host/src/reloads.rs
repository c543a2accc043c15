//! The status of reloads: the result of the last one, the files that it read, and a lock, so that there is one at a
//! time.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::files::{Seen, Stamp};
use crate::settings::Problem;

/// The state of reloads. A reload holds `alone` until it ends; the rest is also read by others, and locked briefly.
#[derive(Debug)]
pub(crate) struct Reloads {
    alone: Mutex<Watch>,
    status: Mutex<Status>,
}

/// The files that are watched.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// As they were when they were last read, for a reload or to see whether they have changed.
    pub(crate) files: Vec<Seen>,
    /// Those that have changed since, and how often in a row there were such.
    pub(crate) changing: (Vec<Changed>, u32),
}

/// A file that has changed, and what the system says of it now.
pub(crate) type Changed = (PathBuf, Option<Stamp>);

/// How reloads have ended.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// When what is in service was last found to be what the files say, or put into service, in Unix milliseconds.
    pub good_unix_ms: u64,
    /// What was wrong at the last reload; empty: nothing.
    pub problems: Vec<Problem>,
    /// When that was, in Unix milliseconds.
    pub failed_unix_ms: u64,
    /// What is wrong with the certificates of the listeners, while the previous ones stay in use; empty: nothing.
    pub certificates: Vec<Problem>,
    /// Keys whose values in the file take effect with a restart.
    pub restart: Vec<&'static str>,
    /// The stored configuration that was put back into service; `None`: the files are in service.
    pub rolled_back_to: Option<u64>,
    /// The number of the configuration in service, if it was stored.
    pub kept: Option<u64>,
    /// If it was not stored: the number of the last one before it that was.
    pub kept_before: Option<u64>,
    /// Reloads that put a new generation into service.
    pub changed: u64,
    /// Reloads that found nothing to change.
    pub unchanged: u64,
    /// Reloads that found a mistake.
    pub refused: u64,
}

impl Reloads {
    /// Of a host that was started at this moment.
    pub(crate) fn new(unix_ms: u64) -> Self {
        let status = Status { good_unix_ms: unix_ms, ..Status::default() };
        Self { alone: Mutex::default(), status: Mutex::new(status) }
    }

    /// Waits until no other reload is under way, and keeps others waiting until the guard is dropped.
    pub(crate) fn alone(&self) -> MutexGuard<'_, Watch> {
        self.alone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How reloads have ended.
    pub(crate) fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
