//! Whether a plugin has been quick of late: then it may run on a thread that also moves bytes.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use callgate_sandbox::Fuel;

/// A call longer than this should not be made on a thread that also moves bytes for other callbacks.
pub(super) const QUICK: Duration = Duration::from_micros(300);

/// Number of quick calls after a long one that make a plugin quick again: at most one callback in this many waits
/// behind it.
const QUICK_CALLS_MIN: u32 = 256;

/// For how long a chain that ceases to be quick may hold up a thread that also moves bytes: a small part of the time
/// in which any chat server waits, and enough for a chain of several plugins with the usual `fuel_per_call`.
pub(super) const HELD_UP_MAX: Duration = Duration::from_millis(100);

/// How a plugin's calls have been of late.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Calls that must be short before the plugin counts as quick again.
    calls_to_quick: AtomicU32,
}

impl Pace {
    pub(super) fn is_quick(&self) -> bool {
        self.calls_to_quick.load(Ordering::Relaxed) == 0
    }

    /// Takes note of how much a call did. Fuel tells, not time: a call during which its thread had to wait would look
    /// long on a busy machine, be handed to yet another thread, and so make the machine busier.
    pub(super) fn did(&self, fuel: Fuel, quick: Fuel) {
        if fuel > quick {
            self.calls_to_quick.store(QUICK_CALLS_MIN, Ordering::Relaxed);
        } else {
            let left = self.calls_to_quick.load(Ordering::Relaxed);
            if left > 0 {
                self.calls_to_quick.store(left - 1, Ordering::Relaxed);
            }
        }
    }
}
