//! A plugin that fails every time is left alone for a while, so that it costs nothing and the log stays readable.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use callgate_sandbox::Fault;

/// Counts faults in a row. After `faults_max` of them the plugin is suspended for `pause`; then one call tries again.
#[derive(Debug)]
pub(crate) struct Breaker {
    faults_max: u32,
    pause: Duration,
    started: Instant,
    faults: AtomicU32,
    /// Milliseconds after `started` at which a call may try again; 0: not suspended.
    suspended_until_ms: AtomicU64,
}

impl Breaker {
    /// A breaker that opens after `faults_max` faults in a row; 0: never.
    pub(crate) fn new(faults_max: u32, pause: Duration) -> Self {
        Self {
            faults_max,
            pause,
            started: Instant::now(),
            faults: AtomicU32::new(0),
            suspended_until_ms: AtomicU64::new(0),
        }
    }

    /// Whether the plugin may be called now.
    ///
    /// # Errors
    /// [`Fault::Suspended`] if it is left alone.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        let until = self.suspended_until_ms.load(Ordering::Relaxed);
        if until == 0 {
            return Ok(());
        }
        let now = self.now_ms();
        let suspended = Fault::Suspended { faults: self.faults.load(Ordering::Relaxed) };
        if now < until {
            return Err(suspended);
        }
        // One caller gets the trial; the others wait for what becomes of it, or for another pause.
        let next = now + self.pause_ms();
        match self.suspended_until_ms.compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => Ok(()),
            Err(_) => Err(suspended),
        }
    }

    /// The plugin gave a verdict.
    pub(crate) fn succeeded(&self) {
        if self.faults.load(Ordering::Relaxed) != 0 {
            self.faults.store(0, Ordering::Relaxed);
            self.suspended_until_ms.store(0, Ordering::Relaxed);
        }
    }

    /// The plugin failed.
    pub(crate) fn failed(&self) {
        if self.faults_max == 0 {
            return;
        }
        let faults = self.faults.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if faults >= self.faults_max {
            self.suspended_until_ms.store(self.now_ms() + self.pause_ms(), Ordering::Relaxed);
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX / 2)
    }

    fn pause_ms(&self) -> u64 {
        u64::try_from(self.pause.as_millis()).unwrap_or(u64::MAX / 2).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_opens_after_the_last_allowed_fault_and_tries_one_call_after_the_pause() {
        let breaker = Breaker::new(2, Duration::from_millis(100));
        breaker.failed();
        assert!(breaker.check().is_ok());
        breaker.failed();
        assert_eq!(breaker.check(), Err(Fault::Suspended { faults: 2 }));
        tokio::time::advance(Duration::from_millis(100)).await;
        assert!(breaker.check().is_ok(), "one trial");
        assert!(breaker.check().is_err(), "and no second one");
        breaker.succeeded();
        assert!(breaker.check().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn zero_faults_means_never() {
        let breaker = Breaker::new(0, Duration::from_millis(1));
        for _ in 0..1000 {
            breaker.failed();
        }
        assert!(breaker.check().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_in_between_starts_the_count_anew() {
        let breaker = Breaker::new(2, Duration::from_millis(1));
        breaker.failed();
        breaker.succeeded();
        breaker.failed();
        assert!(breaker.check().is_ok());
    }
}
