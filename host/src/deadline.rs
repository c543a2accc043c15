//! The deadline of a callback: a point in time, set when the head of the request has been read.

use std::time::Duration;

use tokio::time::Instant;

/// When the answer must have been decided. It is one moment for the whole chain.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    arrived: Instant,
    moment: Instant,
    answer_within: Duration,
}

/// Kept back for rendering and writing the answer: a tenth of the time, at most this much.
const RESERVE_MAX: Duration = Duration::from_millis(50);

/// How much earlier guests are ended: a tenth of the time, at most this; many times the tick of the epoch.
const GUEST_MARGIN_MAX: Duration = Duration::from_millis(25);

impl Deadline {
    /// The deadline of a callback that arrived at `arrived` and must be answered within `answer_within`.
    pub(crate) fn new(arrived: Instant, answer_within: Duration) -> Self {
        Self { arrived, moment: arrived + answer_within - (answer_within / 10).min(RESERVE_MAX), answer_within }
    }

    /// What is left; zero once it has passed.
    pub(crate) fn remaining(self) -> Duration {
        self.moment.saturating_duration_since(Instant::now())
    }

    /// What is left for guests. They are ended a little before the task that waits for them gives up, so that a chain
    /// can still say what was decided before, and whose fault it is that there is no more.
    pub(crate) fn remaining_for_guests(self) -> Duration {
        self.remaining().saturating_sub((self.answer_within / 10).min(GUEST_MARGIN_MAX))
    }

    /// What there would have been for guests without any waiting.
    pub(crate) fn all_for_guests(self) -> Duration {
        let margin = (self.answer_within / 10).min(GUEST_MARGIN_MAX);
        self.moment.saturating_duration_since(self.arrived).saturating_sub(margin)
    }

    /// The latest useful start of a call that takes this long: later, it would miss the deadline. (Calls that take
    /// nearly all of the time may still start in the first half of it; otherwise they would never start.)
    pub(crate) fn last_start(self, takes: Duration) -> Instant {
        let margin = (self.answer_within / 10).min(GUEST_MARGIN_MAX);
        let before = margin + takes.min(self.all_for_guests() / 2);
        self.moment.checked_sub(before).unwrap_or(self.arrived)
    }

    /// How long ago the request arrived.
    pub(crate) fn elapsed(self) -> Duration {
        self.arrived.elapsed()
    }

    /// The moment itself, for timers.
    pub(crate) fn moment(self) -> Instant {
        self.moment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_counts_from_arrival_and_never_below_zero() {
        let deadline = Deadline::new(Instant::now(), Duration::from_millis(100));
        assert_eq!(deadline.remaining(), Duration::from_millis(90));
        tokio::time::advance(Duration::from_millis(60)).await;
        assert_eq!(deadline.remaining(), Duration::from_millis(30));
        assert_eq!(deadline.remaining_for_guests(), Duration::from_millis(20));
        assert_eq!(deadline.all_for_guests(), Duration::from_millis(80));
        tokio::time::advance(Duration::from_millis(60)).await;
        assert_eq!(deadline.remaining(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_long_starts_early_or_not_at_all() {
        let now = Instant::now();
        let deadline = Deadline::new(now, Duration::from_millis(1000));
        for (takes, last) in [(0, 925), (100, 825), (462, 463), (10_000, 462)] {
            let last_start = deadline.last_start(Duration::from_millis(takes)).duration_since(now);
            assert_eq!(last_start.as_millis(), last, "{takes}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_reserve_is_a_tenth_but_at_most_50_ms() {
        let now = Instant::now();
        assert_eq!(Deadline::new(now, Duration::from_millis(4500)).remaining(), Duration::from_millis(4450));
        assert_eq!(Deadline::new(now, Duration::ZERO).remaining(), Duration::ZERO);
    }
}
