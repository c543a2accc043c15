//! What is known of reloads: that there is one at a time.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// One reload at a time.
#[derive(Debug, Default)]
pub(crate) struct Reloads(Mutex<()>);

impl Reloads {
    /// Waits until no other reload is under way, and keeps others waiting until the guard is dropped.
    pub(crate) fn alone(&self) -> MutexGuard<'_, ()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
