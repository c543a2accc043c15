//! Ends a call that nobody waits for any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often a running call looks whether it is still wanted. It costs a running guest one look at a clock each time.
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
    /// The call need not go on. It notices within some milliseconds, and then ends as if its time were over.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it need not go on.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
