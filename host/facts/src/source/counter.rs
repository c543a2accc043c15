//! Counts in sliding windows, kept in the memory of this host.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use callgate_catalogue::wire::Change;
use lru::LruCache;

use crate::lookup::Purpose;
use crate::lookup::{Answer, LookedUp, NotChanged, Source};
use crate::settings;

/// A sliding window for each key. The value of a key is a number, 0 for one that is not known.
///
/// The window is exact to the millisecond: each count expires `window` after it was added.
#[derive(Debug)]
pub(super) struct Counter {
    window_ms: u64,
    counts_callbacks: bool,
    moments_max: usize,
    hasher: RandomState,
    /// The hash of a key selects its shard, so that threads seldom wait for each other.
    shards: Vec<Mutex<Shard>>,
    evicted: AtomicU64,
    /// Whether something was restored since it was last saved.
    is_restored: AtomicBool,
}

/// Some of the keys.
#[derive(Debug)]
struct Shard {
    windows: LruCache<Box<str>, Window>,
    is_saved: bool,
}

/// Number of shards; fewer if `entries_max` is smaller.
const SHARDS: usize = 64;

impl Counter {
    pub(super) fn new(settings: &settings::Counter) -> Self {
        let entries_max = settings.entries_max.max(1);
        let shards = SHARDS.min(entries_max);
        let shard = |number: usize| {
            let entries = entries_max / shards + usize::from(number < entries_max % shards);
            let entries = NonZeroUsize::new(entries).unwrap_or(NonZeroUsize::MIN);
            // Nothing is allocated in advance: most hosts need few keys.
            let mut windows = LruCache::unbounded();
            windows.resize(entries);
            Mutex::new(Shard { windows, is_saved: true })
        };
        Self {
            window_ms: u64::try_from(settings.window.as_millis()).unwrap_or(u64::MAX).max(1),
            counts_callbacks: settings.counts_callbacks,
            moments_max: settings.moments_max.max(2),
            hasher: RandomState::new(),
            shards: (0..shards).map(shard).collect(),
            evicted: AtomicU64::new(0),
            is_restored: AtomicBool::new(false),
        }
    }

    fn shard(&self, key: &str) -> Option<MutexGuard<'_, Shard>> {
        let number = self.hasher.hash_one(key) % self.shards.len().max(1) as u64;
        let shard = self.shards.get(usize::try_from(number).unwrap_or(0))?;
        Some(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes a key's window, which is empty if the key is new, and returns its count.
    fn with(&self, key: &str, now_ms: u64, change: impl FnOnce(&mut Window)) -> i64 {
        let Some(mut shard) = self.shard(key) else { return 0 };
        shard.is_saved = false;
        if let Some(window) = shard.windows.get_mut(key) {
            window.forget(now_ms);
            change(window);
            return window.total;
        }
        let mut window = Window::default();
        change(&mut window);
        let total = window.total;
        if !window.moments.is_empty() && shard.windows.push(key.into(), window).is_some() {
            self.evicted.fetch_add(1, Ordering::Relaxed);
        }
        total
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
                self.with(key, now_unix_ms, |window| window.add(until, 1, self.moments_max))
            }
            Purpose::Decide | Purpose::Try => {
                let shard = self.shard(key);
                shard
                    .and_then(|mut shard| shard.windows.get_mut(key).map(|window| window.count(now_unix_ms)))
                    .unwrap_or(0)
            }
        };
        LookedUp::Now(Answer::fresh(count.to_string()))
    }

    fn change(&self, key: &str, change: &Change<'_>, ttl_ms: Option<u64>, now_unix_ms: u64) -> Result<(), NotChanged> {
        let until = self.until(now_unix_ms, ttl_ms);
        match change {
            Change::Add(number) => {
                self.with(key, now_unix_ms, |window| window.add(until, *number, self.moments_max));
            }
            Change::Set(value) => {
                let number: i64 = value.parse().map_err(|_| NotChanged::NoNumber)?;
                self.with(key, now_unix_ms, |window| {
                    *window = Window::default();
                    window.add(until, number, self.moments_max);
                });
            }
            Change::Remove => {
                if let Some(mut shard) = self.shard(key) {
                    shard.is_saved = false;
                    shard.windows.pop(key);
                }
            }
        }
        Ok(())
    }

    fn entries(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).windows.len()).sum()
    }

    fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    fn save(&self, all: bool) -> Vec<(String, Vec<u8>)> {
        let mut parts = Vec::new();
        // Saved shards beyond the current number would come back otherwise.
        if self.is_restored.swap(false, Ordering::Relaxed) || all {
            parts.extend((self.shards.len()..SHARDS).map(|number| (number.to_string(), Vec::new())));
        }
        for (number, shard) in self.shards.iter().enumerate() {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            if !std::mem::replace(&mut shard.is_saved, true) || all {
                let mut part = Vec::new();
                // The least recently used first, so that the order survives the restart.
                for (key, window) in shard.windows.iter().rev() {
                    window.write(key, &mut part);
                }
                parts.push((number.to_string(), part));
            }
        }
        parts
    }

    fn restore(&self, mut part: &[u8]) {
        self.is_restored.store(true, Ordering::Relaxed);
        for shard in &self.shards {
            // A key may be in another shard now, and must not be restored from its old one as well.
            shard.lock().unwrap_or_else(PoisonError::into_inner).is_saved = false;
        }
        while let Some((key, window)) = Window::read(&mut part) {
            // The number of shards and the hasher may differ from those of the saved state.
            if let Some(mut shard) = self.shard(key) {
                shard.windows.push(key.into(), window);
            }
        }
    }
}

/// The window of one key.
#[derive(Debug, Default, PartialEq, Eq)]
struct Window {
    /// Expiry times, in milliseconds since 1970-01-01 UTC, with the numbers that expire then; in ascending order.
    moments: VecDeque<(u64, i64)>,
    /// The sum of these numbers.
    total: i64,
}

impl Window {
    /// The count at this moment.
    fn count(&mut self, now_ms: u64) -> i64 {
        self.forget(now_ms);
        self.total
    }

    /// Removes what has expired.
    fn forget(&mut self, now_ms: u64) {
        while let Some((until, number)) = self.moments.front() {
            if *until > now_ms {
                break;
            }
            self.total = self.total.saturating_sub(*number);
            self.moments.pop_front();
        }
    }

    /// Adds a number that expires at this time.
    fn add(&mut self, until: u64, number: i64, moments_max: usize) {
        // Nearly always appended at the end. The exceptions: updates with a `ttl_ms`, and a clock that was set back.
        let at = self.moments.iter().rposition(|(known, _)| *known <= until).map_or(0, |at| at + 1);
        self.total = self.total.saturating_add(number);
        match at.checked_sub(1).and_then(|last| self.moments.get_mut(last)) {
            Some((known, sum)) if *known == until => *sum = sum.saturating_add(number),
            _ => self.moments.insert(at, (until, number)),
        }
        if self.moments.len() > moments_max
            && let Some((_, oldest)) = self.moments.pop_front()
            && let Some((_, next)) = self.moments.front_mut()
        {
            *next = next.saturating_add(oldest);
        }
    }

    /// Appends it: the lengths of the key and of the list, the key, and the list; numbers little-endian.
    fn write(&self, key: &str, to: &mut Vec<u8>) {
        let len = |len: usize| u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes();
        to.extend(len(key.len()));
        to.extend(len(self.moments.len()));
        to.extend(key.as_bytes());
        for (until, number) in &self.moments {
            to.extend(until.to_le_bytes());
            to.extend(number.to_le_bytes());
        }
    }

    /// Reads what [`Window::write`] appended; `None` at the end, or where it is damaged.
    fn read<'a>(from: &mut &'a [u8]) -> Option<(&'a str, Self)> {
        let mut take = |len: usize| {
            let (taken, rest) = from.split_at_checked(len)?;
            *from = rest;
            Some(taken)
        };
        let mut len = || Some(u32::from_le_bytes(*take(4)?.first_chunk()?) as usize);
        let (key, moments) = (len()?, len()?);
        let key = std::str::from_utf8(take(key)?).ok()?;
        let mut window = Self::default();
        for _ in 0..moments {
            let until = u64::from_le_bytes(*take(8)?.first_chunk()?);
            let number = i64::from_le_bytes(*take(8)?.first_chunk()?);
            window.total = window.total.saturating_add(number);
            window.moments.push_back((until, number));
        }
        Some((key, window))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::time::Duration;

    use proptest::prelude::*;

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
    fn with_too_many_moments_the_count_is_never_too_low() {
        let counter = counter(100, settings::Counter { moments_max: 2, ..Default::default() });
        for now in [0, 10, 20] {
            counter.change("u", &Change::Add(1), None, now).unwrap();
        }
        assert_eq!(value(&counter, "u", Purpose::Try, 105), 3, "the first one counts as long as the second");
        assert_eq!(value(&counter, "u", Purpose::Try, 110), 1);
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
        let parts = counter.save(false);
        assert!(counter.save(false).is_empty(), "nothing has changed since");
        assert_eq!(counter.save(true).len(), SHARDS);
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
