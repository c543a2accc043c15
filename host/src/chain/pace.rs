//! How long a plugin's calls take: whether they may run on a thread that other callbacks wait for, and if not, in which
//! lane of the workers.
//!
//! What counts is the CPU time of the thread around everything that a call causes: entering, calling, reading the
//! reply, putting the instance back or dropping it. Fuel does not see page faults, and wall time grows while a thread
//! waits for its core. But asking for CPU time costs a twentieth of a short callback, so it is only asked where
//! something could be wrong: on the workers always; on the other threads while a plugin is *watched*. A call whose wall
//! time is short was short, however it is measured.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// Calls of at most this much CPU time are quick.
const QUICK_MAX: Duration = Duration::from_micros(300);

/// What a brief call may take: the maximum time for which one call holds up a thread that other callbacks wait for,
/// give or take two ticks of the epoch. Enough for a quick call that is preempted once, and for the first call of a
/// plugin, which finds no instance and cold caches.
pub(super) const BRIEF_MAX: Duration = Duration::from_millis(2);

/// Quick calls after a long one that make a plugin quick again, the first time. It doubles each time that the plugin
/// then is long again, so that a plugin which is long now and then ends up on the workers for good.
const QUICK_CALLS_MIN: u32 = 256;

/// The number of doublings is bounded: 256 << 12 is a million calls.
const RELAPSES_MAX: u32 = 12;

/// Calls in a row that are quick, after which one relapse is forgotten.
const CALLS_TO_FORGET: u32 = 1 << 16;

/// Calls that are measured by CPU time after one whose wall time was long, the first time; it doubles each time that
/// another one was long meanwhile.
const WATCHED_CALLS_MIN: u32 = 16;

/// The same, with all doublings.
const WATCHED_CALLS_MAX: u32 = 4096;

/// Up to this number of watched calls, each is measured. Beyond it, the machine has been to blame several times in a
/// row, as where it is busy with other work all the time: then one in [`WATCHED_ONE_IN`] is measured.
const WATCHED_CLOSELY_MAX: u32 = 64;

/// See [`WATCHED_CLOSELY_MAX`]. Asking for CPU time twice costs half a microsecond.
const WATCHED_ONE_IN: u32 = 4;

/// How a plugin's calls have been of late. Figures that several threads write at the same time may miss a call.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Calls that must be quick before the plugin counts as quick again.
    calls_to_quick: AtomicU32,
    relapses: AtomicU32,
    /// Quick calls since the last one that was not, or since a relapse was forgotten.
    calm: AtomicU32,
    /// Calls that are still to be measured by CPU time.
    watched: AtomicU32,
    /// How many calls were watched after the last suspicion.
    watched_last: AtomicU32,
    /// Average CPU time of the calls on the workers, in nanoseconds: each counts for an eighth.
    average_ns: AtomicU64,
}

impl Pace {
    /// Whether its calls may be brief ones on a thread that other callbacks wait for.
    pub(super) fn is_quick(&self) -> bool {
        self.calls_to_quick.load(Ordering::Relaxed) == 0
    }

    /// Whether the next call must be measured by CPU time.
    pub(super) fn is_watched(&self) -> bool {
        let left = self.watched.load(Ordering::Relaxed);
        let is_close = self.watched_last.load(Ordering::Relaxed) <= WATCHED_CLOSELY_MAX;
        left > 0 && (is_close || left.is_multiple_of(WATCHED_ONE_IN))
    }

    /// What a call on a worker takes, on average.
    pub(super) fn average(&self) -> Duration {
        Duration::from_nanos(self.average_ns.load(Ordering::Relaxed))
    }

    /// A brief call ended within its bounds. `cpu` is there if it was measured. `is_spoiled`: it left nothing that the
    /// next call could run in, so that one pays for a new instance.
    pub(super) fn was_brief(&self, wall: Duration, cpu: Option<Duration>, is_spoiled: bool) {
        let watched = self.watched.load(Ordering::Relaxed);
        match cpu {
            _ if is_spoiled => return self.was_long(),
            Some(cpu) if cpu > QUICK_MAX => return self.was_long(),
            _ if watched > 0 => self.watched.store(watched - 1, Ordering::Relaxed),
            // It may have been the plugin, or the machine: the next calls will tell.
            None if wall > QUICK_MAX => {
                let watch = self.watched_last.load(Ordering::Relaxed).saturating_mul(2);
                let watch = watch.clamp(WATCHED_CALLS_MIN, WATCHED_CALLS_MAX);
                self.watched_last.store(watch, Ordering::Relaxed);
                self.watched.store(watch, Ordering::Relaxed);
            }
            _ => {}
        }
        let calm = self.calm.load(Ordering::Relaxed) + 1;
        if calm < CALLS_TO_FORGET {
            self.calm.store(calm, Ordering::Relaxed);
        } else {
            self.calm.store(0, Ordering::Relaxed);
            let relapses = self.relapses.load(Ordering::Relaxed);
            self.relapses.store(relapses.saturating_sub(1), Ordering::Relaxed);
            let watch = self.watched_last.load(Ordering::Relaxed);
            self.watched_last.store(watch / 2, Ordering::Relaxed);
        }
    }

    /// A brief call was stopped, and will be made again on a worker. Until that has said what it takes, the plugin does
    /// not count as quick.
    pub(super) fn was_too_long(&self) {
        self.calls_to_quick.fetch_max(1, Ordering::Relaxed);
    }

    /// A call on a worker ended, after this much CPU time. `is_spoiled` as for a brief one.
    pub(super) fn worked(&self, cpu: Duration, is_spoiled: bool) {
        let ns = u64::try_from(cpu.as_nanos()).unwrap_or(u64::MAX / 8);
        let average = self.average_ns.load(Ordering::Relaxed);
        let next = if average == 0 { ns } else { average - average / 8 + ns / 8 };
        self.average_ns.store(next, Ordering::Relaxed);
        if cpu > QUICK_MAX || is_spoiled {
            return self.was_long();
        }
        let left = self.calls_to_quick.load(Ordering::Relaxed);
        self.calls_to_quick.store(left.saturating_sub(1), Ordering::Relaxed);
    }

    /// Records a call of `needs` on a worker. A quick one says nothing about how long a verdict takes, so only a slow
    /// one counts.
    pub(super) fn prepared(&self, cpu: Duration, is_spoiled: bool) {
        if cpu > QUICK_MAX || is_spoiled {
            self.was_long();
        }
    }

    fn was_long(&self) {
        self.calm.store(0, Ordering::Relaxed);
        let relapses = self.relapses.load(Ordering::Relaxed);
        if self.calls_to_quick.load(Ordering::Relaxed) <= 1 {
            self.relapses.store((relapses + 1).min(RELAPSES_MAX), Ordering::Relaxed);
        }
        self.calls_to_quick.store(QUICK_CALLS_MIN << relapses.min(RELAPSES_MAX), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_micros(20);
    const LONG: Duration = Duration::from_micros(301);

    #[test]
    fn a_long_call_on_a_worker_keeps_a_plugin_there_and_each_relapse_twice_as_long() {
        let pace = Pace::default();
        for calls in [256, 512, 1024] {
            assert!(pace.is_quick());
            pace.worked(LONG, false);
            for _ in 0..calls {
                assert!(!pace.is_quick());
                pace.worked(SHORT, false);
            }
        }
        assert!(pace.is_quick());
        pace.worked(QUICK_MAX, false);
        assert!(pace.is_quick(), "the bound itself is quick");
        pace.worked(SHORT, true);
        assert!(!pace.is_quick(), "its instance could not be kept");
    }

    #[test]
    fn wall_time_makes_suspicious_and_cpu_time_decides() {
        let pace = Pace::default();
        pace.was_brief(LONG, None, false);
        assert!(pace.is_watched() && pace.is_quick());
        for _ in 0..WATCHED_CALLS_MIN {
            assert!(pace.is_watched());
            pace.was_brief(LONG, Some(SHORT), false);
        }
        assert!(!pace.is_watched() && pace.is_quick(), "it was the machine");
        pace.was_brief(LONG, None, false);
        for _ in 0..2 * WATCHED_CALLS_MIN {
            assert!(pace.is_watched());
            pace.was_brief(SHORT, Some(SHORT), false);
        }
        assert!(!pace.is_watched());
        pace.was_brief(LONG, None, false);
        pace.was_brief(LONG, Some(LONG), false);
        assert!(!pace.is_quick(), "it was the plugin");
        let pace = Pace::default();
        pace.was_brief(SHORT, None, true);
        assert!(!pace.is_quick(), "its instance could not be kept");
    }

    #[test]
    fn on_a_busy_machine_some_of_the_calls_are_measured_and_a_plugin_that_is_long_is_found_all_the_same() {
        let pace = Pace::default();
        let call = |cpu| {
            let is_measured = pace.is_watched();
            pace.was_brief(LONG, is_measured.then_some(cpu), false);
            is_measured
        };
        let measured = (0..100_000).filter(|_| call(SHORT)).count();
        assert!((24_000..26_500).contains(&measured) && pace.is_quick(), "{measured}");
        let is_found = (0..2 * WATCHED_ONE_IN).any(|_| {
            call(LONG);
            !pace.is_quick()
        });
        assert!(is_found);
    }

    #[test]
    fn what_is_long_ago_is_forgotten() {
        let pace = Pace::default();
        pace.worked(LONG, false);
        (0..256).for_each(|_| pace.worked(SHORT, false));
        (0..CALLS_TO_FORGET).for_each(|_| pace.was_brief(SHORT, None, false));
        pace.worked(LONG, false);
        (0..256).for_each(|_| pace.worked(SHORT, false));
        assert!(pace.is_quick());
    }

    #[test]
    fn the_average_follows_the_calls() {
        let pace = Pace::default();
        assert_eq!(pace.average(), Duration::ZERO);
        pace.worked(Duration::from_millis(8), false);
        assert_eq!(pace.average(), Duration::from_millis(8));
        pace.worked(Duration::ZERO, false);
        assert_eq!(pace.average(), Duration::from_millis(7));
    }
}
