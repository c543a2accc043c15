//! The cached answers and running fetches of a source, by key, with a maximum number of keys and bytes.

use std::num::NonZeroUsize;
use std::sync::Arc;

use callgate_catalogue::wire::Why;
use lru::LruCache;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::lookup::Answer;
use crate::settings::Remote;

/// An LRU cache.
#[derive(Debug)]
pub(super) struct Cache {
    entries: LruCache<Box<str>, Entry>,
    /// Size of all keys and values, in bytes.
    bytes: usize,
    bytes_max: usize,
    /// Whether answers are used again; otherwise, a key is an entry only while it is being fetched.
    keeps: bool,
    evicted: u64,
}

/// The entry of a key.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// The last answer, and when it came.
    known: Option<(Result<Arc<str>, Why>, Instant)>,
    /// Receives the answer of the running fetch.
    pub(super) fetching: Option<watch::Receiver<Option<Answer>>>,
}

impl Entry {
    /// The last answer, and when it came.
    pub(super) fn known(&self) -> Option<&(Result<Arc<str>, Why>, Instant)> {
        self.known.as_ref()
    }

    fn bytes(&self) -> usize {
        self.known.as_ref().and_then(|(value, _)| value.as_ref().ok()).map_or(0, |value| value.len())
    }
}

impl Cache {
    pub(super) fn new(settings: &Remote) -> Self {
        // Nothing is allocated in advance: most hosts need few keys.
        let mut entries = LruCache::unbounded();
        entries.resize(NonZeroUsize::new(settings.cache_entries_max).unwrap_or(NonZeroUsize::MIN));
        let keeps = !settings.cache.is_zero() || !settings.stale.is_zero();
        Self { entries, bytes: 0, bytes_max: settings.cache_bytes_max, keeps, evicted: 0 }
    }

    /// The entry of a key, which becomes the most recently used one.
    pub(super) fn entry(&mut self, key: &str) -> Option<&mut Entry> {
        if self.entries.get(key).is_none() {
            if self.entries.len() >= self.entries.cap().get() {
                self.evict();
            }
            self.bytes += key.len();
            self.entries.push(key.into(), Entry::default());
            self.fit();
        }
        self.entries.get_mut(key)
    }

    /// Stores the answer of a fetch, unless a newer fetch or a change has made it obsolete, or its key was evicted.
    pub(super) fn fetched(&mut self, key: &str, fetch: &watch::Sender<Option<Answer>>, answer: &Answer) {
        let Some(entry) = self.entries.peek_mut(key) else { return };
        if !entry.fetching.as_ref().is_some_and(|fetching| fetching.same_channel(&fetch.subscribe())) {
            return;
        }
        entry.fetching = None;
        if !self.keeps {
            self.forget(key);
            return;
        }
        // Failures are not cached: the next fetch may succeed.
        if matches!(answer.value, Ok(_) | Err(Why::Absent)) {
            self.bytes -= entry.bytes();
            entry.known = Some((answer.value.clone(), Instant::now()));
            self.bytes += entry.bytes();
            self.fit();
        }
    }

    /// Removes a key with its running fetch.
    pub(super) fn forget(&mut self, key: &str) {
        if let Some(entry) = self.entries.pop(key) {
            self.bytes -= key.len() + entry.bytes();
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Evicts entries until the rest fits. The last one stays, even if it is too large: it was just used.
    fn fit(&mut self) {
        while self.bytes > self.bytes_max && self.entries.len() > 1 {
            self.evict();
        }
    }

    fn evict(&mut self) {
        if let Some((key, entry)) = self.entries.pop_lru() {
            self.bytes -= key.len() + entry.bytes();
            self.evicted += 1;
        }
    }
}
