//! Limits the records that a plugin may return per second: a token bucket.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A token bucket: allows this number per second, and as many at once after a pause.
#[derive(Debug)]
pub(super) struct Rate {
    per_second_max: u32,
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    /// What may still be taken.
    left: f64,
    at: Instant,
}

impl Rate {
    /// A full bucket; 0: no bound.
    pub(super) fn new(per_second_max: u32) -> Self {
        let bucket = Bucket { left: per_second_max.into(), at: Instant::now() };
        Self { per_second_max, bucket: Mutex::new(bucket) }
    }

    /// How many of `wanted` may go through now.
    pub(super) fn take(&self, wanted: usize) -> usize {
        if self.per_second_max == 0 || wanted == 0 {
            return wanted;
        }
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let since = now.saturating_duration_since(bucket.at).min(Duration::from_secs(1));
        let max = f64::from(self.per_second_max);
        bucket.left = (bucket.left + since.as_secs_f64() * max).min(max);
        bucket.at = now;
        let taken = wanted.min(bucket.left as usize);
        bucket.left -= taken as f64;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_second_brings_as_many_again_and_nothing_is_saved_up() {
        let rate = Rate::new(10);
        assert_eq!((rate.take(6), rate.take(6), rate.take(1)), (6, 4, 0));
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!(rate.take(10), 5);
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!((rate.take(11), rate.take(1)), (10, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn zero_is_no_bound() {
        assert_eq!(Rate::new(0).take(1_000_000), 1_000_000);
    }
}
