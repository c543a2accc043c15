//! Stops a running call when its result is no longer needed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often a running call checks whether it was cancelled. Each check reads a clock once.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A switch that ends a call. Clones are the same switch.
///
/// ```
/// # use callgate_sandbox::Cancel;
/// let cancel = Cancel::default();
/// let other = cancel.clone();
/// assert!(!other.is_cancelled());
/// cancel.cancel();
/// assert!(other.is_cancelled());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Cancels the call. It notices within some milliseconds, and then ends as if its time were over.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it need not go on.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
