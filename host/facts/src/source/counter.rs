//! Counts in sliding windows, kept in the memory of this host.

mod counts;
mod window;

use std::sync::Arc;

use callgate_catalogue::wire::Change;

use crate::lookup::Purpose;
use crate::lookup::{Answer, LookedUp, NotChanged, Source};
use crate::settings::{self, SourceSettings};
use counts::{Counts, Room};
use window::Window;

/// A sliding window for each key. The value of a key is a number, 0 for one that is not known.
///
/// The window is exact to the millisecond: each count expires `window` after it was added.
#[derive(Debug)]
pub(super) struct Counter {
    window_ms: u64,
    counts_callbacks: bool,
    moments_max: usize,
    room: Room,
    /// Shared with the counters of other generations: none of them loses what another one counts.
    counts: Arc<Counts>,
}

impl Counter {
    pub(super) fn new(settings: &settings::Counter) -> Self {
        Self::sharing(settings, Arc::new(Counts::new()))
    }

    fn sharing(settings: &settings::Counter, counts: Arc<Counts>) -> Self {
        Self {
            window_ms: u64::try_from(settings.window.as_millis()).unwrap_or(u64::MAX).max(1),
            counts_callbacks: settings.counts_callbacks,
            moments_max: settings.moments_max.max(settings::MOMENTS_MIN),
            room: Room { entries_max: settings.entries_max, bytes_max: settings.bytes_max },
            counts,
        }
    }

    fn with(&self, key: &str, now_ms: u64, change: impl FnOnce(&mut Window)) -> i64 {
        self.counts.with(key, now_ms, self.room, change)
    }

    fn until(&self, now_ms: u64, ttl_ms: Option<u64>) -> u64 {
        now_ms.saturating_add(ttl_ms.unwrap_or(self.window_ms))
    }
}

impl Source for Counter {
    fn look_up(&self, key: &str, purpose: Purpose, now_unix_ms: u64) -> LookedUp {
        let count = match purpose {
            Purpose::Decide if self.counts_callbacks => {
                let until = self.until(now_unix_ms, None);
                self.with(key, now_unix_ms, |window| window.add(now_unix_ms, until, 1, self.moments_max))
            }
            Purpose::Decide | Purpose::Try => self.counts.count(key, now_unix_ms),
        };
        LookedUp::Now(Answer::fresh(count.to_string()))
    }

    fn change(&self, key: &str, change: &Change<'_>, ttl_ms: Option<u64>, now_unix_ms: u64) -> Result<(), NotChanged> {
        let until = self.until(now_unix_ms, ttl_ms);
        match change {
            Change::Add(number) => {
                self.with(key, now_unix_ms, |window| window.add(now_unix_ms, until, *number, self.moments_max));
            }
            Change::Set(value) => {
                let number: i64 = value.parse().map_err(|_| NotChanged::NoNumber)?;
                self.with(key, now_unix_ms, |window| {
                    *window = Window::default();
                    window.add(now_unix_ms, until, number, self.moments_max);
                });
            }
            Change::Remove => self.counts.remove(key),
        }
        Ok(())
    }

    fn entries(&self) -> usize {
        self.counts.entries()
    }

    fn evicted(&self) -> u64 {
        self.counts.evicted()
    }

    /// Existing counts keep their expiry times.
    fn resumed(&self, settings: &SourceSettings) -> Option<Arc<dyn Source>> {
        let SourceSettings::Counter(settings) = settings else { return None };
        Some(Arc::new(Self::sharing(settings, Arc::clone(&self.counts))))
    }

    fn save(&self, all: bool, now_unix_ms: u64) -> Vec<(String, Vec<u8>)> {
        self.counts.save(all, now_unix_ms, self.room)
    }

    fn restore(&self, part: &[u8]) {
        self.counts.restore(part, self.room);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::counts::SHARDS;
    use super::*;

    fn counter(window_ms: u64, settings: settings::Counter) -> Counter {
        Counter::new(&settings::Counter { window: Duration::from_millis(window_ms), ..settings })
    }

    fn value(source: &dyn Source, key: &str, purpose: Purpose, now: u64) -> i64 {
        match source.look_up(key, purpose, now) {
            LookedUp::Now(answer) => answer.value.unwrap().parse().unwrap(),
            LookedUp::Later(_) => panic!("a counter is here"),
        }
    }

    #[test]
    fn a_callback_counts_from_its_own_moment_until_the_window_is_over() {
        let counting = settings::Counter { counts_callbacks: true, ..Default::default() };
        let counter = counter(1000, counting);
        assert_eq!(value(&counter, "u", Purpose::Decide, 10), 1);
        assert_eq!(value(&counter, "u", Purpose::Try, 10), 1, "trying counts nothing");
        assert_eq!(value(&counter, "u", Purpose::Decide, 1009), 2);
        assert_eq!(value(&counter, "u", Purpose::Try, 1010), 1, "the first one is a window old");
        assert_eq!(value(&counter, "u", Purpose::Try, 2009), 0);
        assert_eq!(value(&counter, "v", Purpose::Try, 0), 0);
    }

    #[test]
    fn updates_add_set_and_remove() {
        let counter = counter(1000, settings::Counter::default());
        let change = |change, ttl| counter.change("u", &change, ttl, 0);
        assert_eq!(change(Change::Add(3), None), Ok(()));
        assert_eq!(change(Change::Add(-1), Some(10)), Ok(()));
        assert_eq!(value(&counter, "u", Purpose::Try, 0), 2);
        assert_eq!(value(&counter, "u", Purpose::Try, 10), 3);
        assert_eq!(change(Change::Set("7".into()), Some(5)), Ok(()));
        assert_eq!(value(&counter, "u", Purpose::Try, 4), 7);
        assert_eq!(value(&counter, "u", Purpose::Try, 5), 0);
        assert_eq!(change(Change::Set("\"7\"".into()), None), Err(NotChanged::NoNumber));
        assert_eq!(change(Change::Add(i64::MAX), None), Ok(()));
        assert_eq!(change(Change::Add(i64::MAX), None), Ok(()));
        assert_eq!(value(&counter, "u", Purpose::Try, 4), i64::MAX);
        assert_eq!(change(Change::Remove, None), Ok(()));
        assert_eq!((value(&counter, "u", Purpose::Try, 4), counter.entries()), (0, 0));
    }

    #[test]
    fn the_least_recently_used_keys_are_evicted() {
        let counter = counter(1000, settings::Counter { entries_max: 1, ..Default::default() });
        for key in ["a", "b"] {
            counter.change(key, &Change::Add(1), None, 0).unwrap();
        }
        assert_eq!((counter.entries(), counter.evicted()), (1, 1));
        assert_eq!(value(&counter, "a", Purpose::Try, 0), 0);
        assert_eq!(value(&counter, "b", Purpose::Try, 0), 1);
    }

    #[test]
    fn keys_and_their_windows_fit_into_the_bytes() {
        let room = settings::Counter { bytes_max: 64 * 1024, ..Default::default() };
        let counter = counter(1000, room);
        // Short keys, long ones, which take the room of many short ones, and then windows that grow.
        for key in 0..400 {
            counter.change(&key.to_string(), &Change::Add(1), None, 0).unwrap();
        }
        for key in 0..100 {
            counter.change(&format!("{key}{}", "k".repeat(4096)), &Change::Add(1), None, 0).unwrap();
        }
        assert!((10..=15).contains(&counter.entries()), "{}", counter.entries());
        counter.change(&"k".repeat(60_000), &Change::Add(1), None, 0).unwrap();
        assert!(counter.counts.bytes() <= 64 * 1024, "{}", counter.counts.bytes());
        for key in 0..30 {
            for now in 0..400 {
                counter.change(&format!("short{key}"), &Change::Add(1), None, now).unwrap();
            }
        }
        assert!((5..=16).contains(&counter.entries()), "{}", counter.entries());
        // One key stays, however large it is.
        let counter = self::counter(1000, settings::Counter { bytes_max: 0, entries_max: 0, ..Default::default() });
        for key in ["a", "b"] {
            counter.change(key, &Change::Add(1), None, 0).unwrap();
        }
        assert_eq!((counter.entries(), value(&counter, "b", Purpose::Try, 0)), (1, 1));
    }

    #[test]
    fn a_change_of_the_settings_loses_no_count_on_either_side() {
        let counting = |entries_max, window_ms| settings::Counter {
            entries_max,
            window: Duration::from_millis(window_ms),
            ..Default::default()
        };
        let before = Counter::new(&counting(1000, 1000));
        let add = |counter: &dyn Source, key: &str| counter.change(key, &Change::Add(1), None, 0).unwrap();
        (0..100).for_each(|key| add(&before, &key.to_string()));
        assert_eq!(before.save(false, 0).len(), SHARDS);
        let after = before.resumed(&SourceSettings::Counter(counting(90, 500))).unwrap();
        // Callbacks that came before the reload are still counted, and nothing is dropped unless it comes into service.
        assert_eq!(after.entries(), 100);
        add(&before, "0");
        assert_eq!(value(&*after, "0", Purpose::Try, 0), 2);
        add(&*after, "0");
        assert_eq!(value(&before, "0", Purpose::Try, 0), 3);
        assert_eq!(value(&before, "0", Purpose::Try, 500), 2);
        assert!(after.save(false, 0).len() > 1);
        assert_eq!((after.entries(), after.evicted()), (90, 10));
        assert_eq!(value(&*after, "0", Purpose::Try, 500), 2, "it was used last");
        assert!(
            before.resumed(&SourceSettings::File(settings::File::new("f".into(), settings::Format::Lines))).is_none()
        );
    }

    #[test]
    fn expired_windows_are_not_saved() {
        let counter = counter(1000, settings::Counter::default());
        (0..200).for_each(|key| counter.change(&key.to_string(), &Change::Add(1), None, key).unwrap());
        let parts = counter.save(false, 1099);
        assert_eq!(counter.entries(), 100);
        let next = self::counter(1000, settings::Counter::default());
        parts.iter().for_each(|(_, part)| next.restore(part));
        assert_eq!((next.entries(), value(&next, "100", Purpose::Try, 1099)), (100, 1));
    }

    #[test]
    fn a_sum_beyond_all_numbers_is_shown_as_the_largest_and_expires_exactly() {
        let counter = counter(1000, settings::Counter { moments_max: 16, ..Default::default() });
        for (now, number) in [(0, i64::MAX), (0, 5), (10, i64::MAX), (20, -3), (30, 7)] {
            counter.change("u", &Change::Add(number), None, now).unwrap();
        }
        assert_eq!(value(&counter, "u", Purpose::Try, 30), i64::MAX);
        assert_eq!(value(&counter, "u", Purpose::Try, 1029), 7);
        assert_eq!(value(&counter, "u", Purpose::Try, 1030), 0);
    }

    #[test]
    fn with_too_many_moments_the_count_is_never_too_low() {
        let counter = counter(161, settings::Counter { moments_max: 0, ..Default::default() });
        for now in 0..17 {
            counter.change("u", &Change::Add(1), None, now).unwrap();
        }
        assert_eq!(value(&counter, "u", Purpose::Try, 191), 17, "the first one would have expired");
        assert_eq!(value(&counter, "u", Purpose::Try, 192), 0, "all expire at a multiple of 32");
    }

    #[test]
    fn a_steady_rate_below_a_limit_stays_below_it() {
        // 300 in each window of 5 s, with room for 256 expiry times, for ten minutes.
        let counting = settings::Counter { counts_callbacks: true, ..Default::default() };
        let counter = counter(5000, counting);
        let most = (0..36_000_u64).map(|number| value(&counter, "u", Purpose::Decide, number * 50 / 3)).max();
        assert!((300..=306).contains(&most.unwrap()), "{most:?}");
    }

    #[test]
    fn two_threads_on_one_key_lose_nothing() {
        let counter = counter(1_000_000, settings::Counter { counts_callbacks: true, ..Default::default() });
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| (0..10_000).for_each(|now| _ = counter.look_up("u", Purpose::Decide, now)));
            }
        });
        assert_eq!(value(&counter, "u", Purpose::Try, 10_000), 20_000);
    }

    #[test]
    fn saved_counts_survive_a_restart() {
        let counter = counter(1000, settings::Counter::default());
        for key in 0..200 {
            counter.change(&format!("u{key}"), &Change::Add(key), None, key.unsigned_abs()).unwrap();
        }
        let parts = counter.save(false, 0);
        assert_eq!(parts.len(), SHARDS, "also those without keys: an earlier counter of this name may have had some");
        assert!(counter.save(false, 0).is_empty(), "nothing has changed since");
        assert_eq!(counter.save(true, 0).len(), SHARDS);
        let next = self::counter(1000, settings::Counter::default());
        parts.iter().for_each(|(_, part)| next.restore(part));
        assert_eq!(next.entries(), 200);
        for key in 0..200 {
            assert_eq!(value(&next, &format!("u{key}"), Purpose::Try, 500), key);
        }
        // Damaged entries are skipped.
        let whole = &parts[0].1;
        (0..whole.len()).for_each(|len| self::counter(1, Default::default()).restore(&whole[..len]));
    }

    proptest! {
        #[test]
        fn with_too_many_moments_a_count_lasts_a_bounded_time_too_long(
            (window_ms, moments_max) in (1..2000_u64, settings::MOMENTS_MIN..60),
            calls in prop::collection::vec((0..60_u64, prop::option::of(0..2000_u64)), 1..400),
        ) {
            let counter = counter(window_ms, settings::Counter { moments_max, ..Default::default() });
            let longest = calls.iter().filter_map(|(_, ttl_ms)| *ttl_ms).max().unwrap_or(0).max(window_ms);
            let late_max = (longest * 4).div_ceil(moments_max as u64 - 4) + 1;
            let (mut now, mut all) = (0, Vec::new());
            for (later, ttl_ms) in calls {
                now += later;
                counter.change("u", &Change::Add(1), ttl_ms, now).unwrap();
                all.push(now + ttl_ms.unwrap_or(window_ms));
                let count = |late: u64| all.iter().filter(|until| **until + late > now).count() as i64;
                let found = value(&counter, "u", Purpose::Try, now);
                prop_assert!((count(0)..=count(late_max)).contains(&found), "{} {found} {}", count(0), count(late_max));
            }
        }

        #[test]
        fn counts_are_those_of_a_list_of_all_callbacks(
            window_ms in 1..50_u64,
            calls in prop::collection::vec((0..4_u8, 0..20_u64), 1..200),
        ) {
            let counter = counter(window_ms, settings::Counter { counts_callbacks: true, ..Default::default() });
            let (mut now, mut all) = (0, HashMap::<u8, Vec<u64>>::new());
            for (key, later) in calls {
                now += later;
                let times = all.entry(key).or_default();
                times.push(now);
                let expected = times.iter().filter(|time| **time + window_ms > now).count();
                prop_assert_eq!(value(&counter, &key.to_string(), Purpose::Decide, now), expected as i64);
            }
        }
    }
}
