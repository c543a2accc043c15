//! A semaphore that knows how long one waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::deadline::Deadline;
use crate::overload::Overload;

/// Permits for a limited resource.
#[derive(Debug)]
pub(crate) struct Gate {
    /// The key of the limit.
    limit: &'static str,
    permits: Arc<Semaphore>,
    permits_max: usize,
    /// How much of the limit one permit covers.
    each: usize,
    waiting: AtomicUsize,
    /// Average of the last waits, each of which counts for an eighth, in nanoseconds.
    wait_ns: AtomicU64,
}

impl Gate {
    /// This number of permits, each for `each` units of `limit`.
    pub(crate) fn new(limit: &'static str, permits_max: usize, each: usize) -> Self {
        let permits_max = permits_max.min(Semaphore::MAX_PERMITS);
        let permits = Arc::new(Semaphore::new(permits_max));
        Self { limit, permits, permits_max, each, waiting: AtomicUsize::new(0), wait_ns: AtomicU64::new(0) }
    }

    /// How many permits there are.
    pub(crate) fn permits_max(&self) -> usize {
        self.permits_max
    }

    /// How many permits are taken.
    pub(crate) fn taken(&self) -> usize {
        self.permits_max.saturating_sub(self.permits.available_permits())
    }

    /// Takes this number of permits, if they become available before the deadline.
    ///
    /// # Errors
    /// If they are not.
    pub(crate) async fn enter(&self, permits: u32, deadline: Deadline) -> Result<OwnedSemaphorePermit, Overload> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_many_owned(permits) {
            return Ok(permit);
        }
        let (began, waiting) = (Instant::now(), Waiting::new(&self.waiting));
        let entered = timeout_at(deadline.moment(), Arc::clone(&self.permits).acquire_many_owned(permits)).await;
        let overload = self.figures(deadline);
        drop(waiting);
        self.learn(began.elapsed());
        match entered {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(overload),
        }
    }

    /// Whether another waiter for this number of permits would wait past its deadline, and for which limit. Always
    /// `None` while enough permits are free.
    pub(crate) fn overload(&self, permits: usize, deadline: Deadline) -> Option<Overload> {
        let is_closed = self.permits.available_permits() < permits && self.wait() > deadline.remaining();
        is_closed.then(|| self.figures(deadline))
    }

    fn figures(&self, deadline: Deadline) -> Overload {
        Overload {
            limit: self.limit,
            value: self.permits_max.saturating_mul(self.each),
            in_flight: self.taken().saturating_mul(self.each),
            waiting: self.waiting.load(Ordering::Relaxed),
            wait: self.wait(),
            left: deadline.remaining(),
        }
    }

    fn wait(&self) -> Duration {
        Duration::from_nanos(self.wait_ns.load(Ordering::Relaxed))
    }

    /// If two threads update the average at the same time, one of the two values may be lost.
    fn learn(&self, wait: Duration) {
        let (ns, average) =
            (u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX / 8), self.wait_ns.load(Ordering::Relaxed));
        let next = if average == 0 { ns } else { average - average / 8 + ns / 8 };
        self.wait_ns.store(next, Ordering::Relaxed);
    }
}

/// Counts as waiting for as long as it lives.
struct Waiting<'g>(&'g AtomicUsize);

impl<'g> Waiting<'g> {
    fn new(count: &'g AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(ms: u64) -> Deadline {
        // A tenth is reserved.
        Deadline::new(Instant::now(), Duration::from_millis(ms * 10 / 9))
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_would_wait_for_too_long_is_told_so_at_once() {
        let gate = Gate::new("in_flight_max", 2, 1);
        let permits = (gate.enter(1, within(90)).await.unwrap(), gate.enter(1, within(90)).await.unwrap());
        // Nothing is known yet of how long it takes.
        assert_eq!(gate.overload(1, within(9)), None);
        let refused = gate.enter(1, within(90)).await.unwrap_err();
        let expected = Overload {
            limit: "in_flight_max",
            value: 2,
            in_flight: 2,
            waiting: 1,
            wait: Duration::ZERO,
            left: Duration::ZERO,
        };
        assert_eq!(refused, expected);
        assert_eq!(gate.overload(1, within(900)), None, "there is time to wait");
        let overload = gate.overload(1, within(9)).unwrap();
        assert_eq!((overload.waiting, overload.wait.as_millis()), (0, 90));
        drop(permits.0);
        assert_eq!(gate.overload(1, within(9)), None, "a permit is free");
        assert_eq!(gate.taken(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_goes_waits_no_more() {
        let gate = Gate::new("bodies_bytes_max", 1, 64);
        let _permit = gate.enter(1, within(90)).await.unwrap();
        {
            let waits = gate.enter(1, within(900));
            let mut waits = std::pin::pin!(waits);
            tokio::select! {
                biased;
                _ = &mut waits => panic!("there is one permit"),
                refused = gate.enter(1, within(9)) => {
                    let overload = refused.unwrap_err();
                    assert_eq!((overload.waiting, overload.value, overload.in_flight), (2, 64, 64));
                }
            }
        }
        assert_eq!(gate.enter(1, within(9)).await.unwrap_err().waiting, 1, "only itself");
    }
}
