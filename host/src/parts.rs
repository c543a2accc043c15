//! The turn of a job that works on several parts of one request.

use std::time::Duration;

use callgate_sandbox::{Cancel, cpu};

use crate::deadline::Deadline;

/// Maximum CPU time that the parts of one request use before other jobs run; exceeded by one part at most.
const PARTS_CPU_MAX: Duration = Duration::from_millis(5);

/// A turn. It must stay on the thread on which it began.
pub(crate) struct Turn(Duration);

impl Turn {
    /// Begins here.
    pub(crate) fn begin() -> Self {
        Self(cpu::of_this_thread())
    }

    /// Whether other jobs have their turn before the next part.
    pub(crate) fn is_over(&self, deadline: Deadline, cancel: &Cancel) -> bool {
        // Without time left, each of the others would only say so.
        deadline.remaining_for_guests().is_zero()
            || cancel.is_cancelled()
            || cpu::of_this_thread().saturating_sub(self.0) >= PARTS_CPU_MAX
    }
}
