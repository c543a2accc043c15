//! The pauses of entries and sinks after a failure.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Exponential back-off: each failure in a row doubles the pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackOff {
    /// The pause after the first failure.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
}

impl BackOff {
    /// The pause after this many failures in a row, without jitter. It is never longer than `longest`.
    #[must_use]
    pub fn after(&self, failures: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
        self.first.saturating_mul(doubled).min(self.longest)
    }

    /// The same with jitter: a random time from half of the pause to the whole, so that what has failed together does
    /// not try again together.
    #[must_use]
    pub fn with_jitter(&self, failures: u32) -> Duration {
        let whole = self.after(failures);
        // Randomly seeded for each: good enough to spread retries.
        let random = u32::try_from(RandomState::new().hash_one(failures) >> 32).unwrap_or_default();
        let half = whole / 2;
        half + half.mul_f64(f64::from(random) / f64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let back_off = BackOff { first: Duration::from_millis(100), longest: Duration::from_millis(700) };
        let pauses: Vec<_> = [0, 1, 2, 3, 4, 5, u32::MAX].map(|failures| back_off.after(failures).as_millis()).into();
        assert_eq!(pauses, [100, 100, 200, 400, 700, 700, 700]);
        for failures in 1..6 {
            let (whole, drawn) = (back_off.after(failures), back_off.with_jitter(failures));
            assert!(drawn >= whole / 2 && drawn <= whole, "{drawn:?} of {whole:?}");
        }
        let different: std::collections::HashSet<_> = (0..20).map(|_| back_off.with_jitter(3)).collect();
        assert!(different.len() > 1);
    }
}
