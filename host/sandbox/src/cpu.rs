//! The CPU time of the running thread: what something cost, whatever else the machine was doing meanwhile.

use std::time::Duration;

/// How long the running thread has been on a CPU since it began.
///
/// Asking costs about half a microsecond. Zero where the system does not tell.
#[must_use]
pub fn of_this_thread() -> Duration {
    #[cfg(unix)]
    {
        let spent = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        let seconds = u64::try_from(spent.tv_sec).unwrap_or(0);
        Duration::from_secs(seconds) + Duration::from_nanos(u64::try_from(spent.tv_nsec).unwrap_or(0))
    }
    #[cfg(not(unix))]
    Duration::ZERO
}
