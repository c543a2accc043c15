//! The CPU time of a thread: what an operation cost, regardless of other load on the machine.

use std::time::Duration;

/// CPU time that the current thread has used since it started.
///
/// Reading it costs about half a microsecond. Zero where the system does not provide it.
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

/// The CPU time that a thread uses from a given moment on. Any thread can read it.
#[derive(Debug, Clone, Copy)]
pub struct Spending {
    #[cfg(target_os = "linux")]
    thread: rustix::thread::Pid,
    #[cfg(target_os = "linux")]
    before: Duration,
}

impl Spending {
    /// Measures this thread from now on. Costs about a microsecond.
    #[must_use]
    pub fn begin() -> Self {
        Self {
            #[cfg(target_os = "linux")]
            thread: rustix::thread::gettid(),
            #[cfg(target_os = "linux")]
            before: of_this_thread(),
        }
    }

    /// The CPU time until now. To be called on the thread itself, which may do something else afterwards.
    #[must_use]
    pub fn end(self) -> Duration {
        #[cfg(target_os = "linux")]
        return of_this_thread().saturating_sub(self.before);
        #[cfg(not(target_os = "linux"))]
        Duration::ZERO
    }

    /// The CPU time so far; zero if the system does not report it or the thread has ended. Costs some microseconds.
    #[must_use]
    pub fn so_far(self) -> Duration {
        #[cfg(target_os = "linux")]
        {
            // Nanoseconds on a CPU, followed by two other numbers.
            let path = format!("/proc/self/task/{}/schedstat", self.thread.as_raw_nonzero());
            let text = std::fs::read_to_string(path).unwrap_or_default();
            let on_cpu =
                text.split(' ').next().and_then(|ns| ns.parse().ok()).map_or(Duration::ZERO, Duration::from_nanos);
            on_cpu.saturating_sub(self.before)
        }
        #[cfg(not(target_os = "linux"))]
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(target_os = "linux")]
    fn what_another_thread_spends_is_seen_and_its_waiting_is_not() {
        use std::sync::mpsc::channel;

        use super::*;

        let ((tell, told), (go_on, gone_on)) = (channel(), channel::<()>());
        let other = std::thread::spawn(move || {
            let spending = Spending::begin();
            tell.send(spending).unwrap();
            while of_this_thread().saturating_sub(spending.before) < Duration::from_millis(20) {}
            tell.send(spending).unwrap();
            let _ = gone_on.recv();
        });
        let spending = told.recv().unwrap();
        while spending.so_far() < Duration::from_millis(10) {
            std::thread::yield_now();
        }
        told.recv().unwrap();
        // The thread may not have blocked yet.
        let (mut before, mut after) = (Duration::ZERO, spending.so_far());
        while before != after {
            std::thread::yield_now();
            (before, after) = (after, spending.so_far());
        }
        assert!(after >= Duration::from_millis(20));
        drop(go_on);
        other.join().unwrap();
    }
}
