//! The windows of all keys of a counter, with a maximum number of keys and bytes.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use super::window::Window;

/// The windows, by key.
#[derive(Debug)]
pub(super) struct Counts {
    hasher: RandomState,
    /// The hash of a key selects its shard, so that threads seldom wait for each other.
    shards: Vec<Mutex<Shard>>,
    entries: AtomicUsize,
    bytes: AtomicUsize,
    evicted: AtomicU64,
}

/// Some of the keys.
#[derive(Debug)]
struct Shard {
    windows: LruCache<Box<str>, Window>,
    is_saved: bool,
}

/// Maximum number of keys, and of bytes that they and their windows take. One key is kept in any case.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) entries_max: usize,
    pub(super) bytes_max: usize,
}

/// Number of shards. The parts of a saved state are numbered like them.
pub(super) const SHARDS: usize = 64;

/// What an entry takes besides its key and its list: a node and its place in a table.
const ENTRY_BYTES: usize = 128;

/// Number of keys that a callback may evict besides those that make room for what it added itself. There are more to
/// evict only where a maximum was lowered; they go with the next callbacks, or when the state is saved.
const EVICTED_AT_ONCE_MAX: usize = 16;

impl Counts {
    pub(super) fn new() -> Self {
        // Marked as not saved, so that the first save overwrites an older state of the same name.
        let shard = |_| Mutex::new(Shard { windows: LruCache::unbounded(), is_saved: false });
        Self {
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(shard).collect(),
            entries: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            evicted: AtomicU64::new(0),
        }
    }

    /// Changes a key's window, which is empty if the key is new, and returns its count.
    pub(super) fn with(&self, key: &str, now_ms: u64, room: Room, change: impl FnOnce(&mut Window)) -> i64 {
        let number = self.number(key);
        let (count, added) = {
            let Some(mut shard) = self.shard(number) else { return 0 };
            shard.is_saved = false;
            self.change(&mut shard, key, now_ms, change)
        };
        self.fit(number, room, added, EVICTED_AT_ONCE_MAX);
        count
    }

    /// Returns the count, and how many bytes were added.
    fn change(&self, shard: &mut Shard, key: &str, now_ms: u64, change: impl FnOnce(&mut Window)) -> (i64, usize) {
        if let Some(window) = shard.windows.get_mut(key) {
            let before = window.bytes();
            change(window);
            let count = window.count(now_ms);
            let after = window.bytes();
            self.bytes.fetch_add(after, Ordering::Relaxed);
            self.bytes.fetch_sub(before, Ordering::Relaxed);
            return (count, after.saturating_sub(before));
        }
        let mut window = Window::default();
        change(&mut window);
        let count = window.count(now_ms);
        let added = if window.is_empty() { 0 } else { self.insert(shard, key, window) };
        (count, added)
    }

    /// Returns how many bytes were added.
    fn insert(&self, shard: &mut Shard, key: &str, window: Window) -> usize {
        let added = bytes(key, &window);
        self.entries.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(added, Ordering::Relaxed);
        if let Some((key, window)) = shard.windows.push(key.into(), window) {
            self.gone(&key, &window);
        }
        added
    }

    fn gone(&self, key: &str, window: &Window) {
        self.entries.fetch_sub(1, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes(key, window), Ordering::Relaxed);
    }

    /// The count of a key, which becomes the most recently used one.
    pub(super) fn count(&self, key: &str, now_ms: u64) -> i64 {
        let shard = self.shard(self.number(key));
        shard.and_then(|mut shard| shard.windows.get_mut(key).map(|window| window.count(now_ms))).unwrap_or(0)
    }

    pub(super) fn remove(&self, key: &str) {
        let Some(mut shard) = self.shard(self.number(key)) else { return };
        if let Some(window) = shard.windows.pop(key) {
            shard.is_saved = false;
            self.gone(key, &window);
        }
    }

    pub(super) fn entries(&self) -> usize {
        self.entries.load(Ordering::Relaxed)
    }

    pub(super) fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    /// The parts that have changed since the last call, or all; each with its name. Expired windows are dropped.
    pub(super) fn save(&self, all: bool, now_ms: u64, room: Room) -> Vec<(String, Vec<u8>)> {
        // One key of each shard at a time, so that the least recently used ones of all shards go first.
        while (0..SHARDS).filter(|number| self.fit(*number, room, 0, 1)).count() > 0 {}
        let mut parts = Vec::new();
        for number in 0..self.shards.len() {
            let Some(mut shard) = self.shard(number) else { continue };
            if !std::mem::replace(&mut shard.is_saved, true) || all {
                self.drop_expired(&mut shard, now_ms);
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

    fn drop_expired(&self, shard: &mut Shard, now_ms: u64) {
        let mut expired = Vec::new();
        for (key, window) in shard.windows.iter_mut() {
            let before = window.bytes();
            window.shrink(now_ms);
            self.bytes.fetch_sub(before - window.bytes(), Ordering::Relaxed);
            if window.is_empty() {
                expired.push(key.clone());
            }
        }
        for key in expired {
            if let Some(window) = shard.windows.pop(&key) {
                self.gone(&key, &window);
            }
        }
    }

    /// Adds what [`Counts::save`] returned.
    pub(super) fn restore(&self, mut part: &[u8], room: Room) {
        for shard in &self.shards {
            // A key may be in another shard now, and must not be restored from its old one as well.
            shard.lock().unwrap_or_else(PoisonError::into_inner).is_saved = false;
        }
        while let Some((key, window)) = Window::read(&mut part) {
            // The hasher differs from that of the saved state.
            let number = self.number(key);
            let added = self.shard(number).map_or(0, |mut shard| self.insert(&mut shard, key, window));
            self.fit(number, room, added, EVICTED_AT_ONCE_MAX);
        }
    }

    fn number(&self, key: &str) -> usize {
        usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0)
    }

    fn shard(&self, number: usize) -> Option<MutexGuard<'_, Shard>> {
        Some(self.shards.get(number)?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Evicts keys until the rest fits: this many, and more only until as many bytes are freed as were `added`, so that
    /// no callback makes the table larger than it may be. `last_used`: the shard of the key that was used last, which
    /// stays. Returns whether a key was evicted.
    fn fit(&self, last_used: usize, room: Room, added: usize, evicted_max: usize) -> bool {
        let (mut freed, mut evicted) = (0, 0);
        while (self.entries() > room.entries_max.max(1) || self.bytes.load(Ordering::Relaxed) > room.bytes_max)
            && (evicted < evicted_max || freed < added)
        {
            let Some(bytes) = self.evict(last_used) else { break };
            (freed, evicted) = (freed + bytes, evicted + 1);
        }
        evicted > 0
    }

    /// Evicts the least recently used key of the first shard with several keys, beginning with this one; if there is
    /// none, a key of any other shard. Returns how many bytes this frees.
    fn evict(&self, last_used: usize) -> Option<usize> {
        let in_turn = || (last_used..SHARDS).chain(0..last_used);
        in_turn()
            .find_map(|number| self.evict_from(number, 2))
            .or_else(|| in_turn().skip(1).find_map(|number| self.evict_from(number, 1)))
    }

    /// Evicts the least recently used key of a shard that has at least `keys_min` keys.
    fn evict_from(&self, number: usize, keys_min: usize) -> Option<usize> {
        let mut shard = self.shard(number).filter(|shard| shard.windows.len() >= keys_min)?;
        let (key, window) = shard.windows.pop_lru()?;
        shard.is_saved = false;
        self.gone(&key, &window);
        self.evicted.fetch_add(1, Ordering::Relaxed);
        Some(bytes(&key, &window))
    }

    /// What keys and windows take, in bytes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}

fn bytes(key: &str, window: &Window) -> usize {
    ENTRY_BYTES + key.len() + window.bytes()
}
