//! A compact, read-only map of keys.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// Maximum size of a value, in bytes: it becomes part of a plugin's input.
pub(super) const VALUE_BYTES_MAX: usize = 65_536;

/// A map from keys to values. Each key takes 8 bytes, and 4 more unless all keys have the same value. Equal values are
/// stored once.
///
/// Only a 64-bit hash of each key is stored, so ten million keys of any length take 80 to 120 MB. The price is false
/// positives: a key that is not in the file matches with a probability of n / 2^64, which is one lookup in 1.8
/// trillion for ten million keys. An attacker cannot search for such a key, because the hash is seeded with a random
/// secret.
#[derive(Debug)]
pub(super) struct Keys {
    hasher: RandomState,
    /// The hashes, sorted.
    hashes: Vec<u64>,
    /// For each hash, the index of its value; empty: all keys have the first value.
    numbers: Vec<u32>,
    values: Vec<Arc<str>>,
}

impl Keys {
    /// The value of a key.
    pub(super) fn find(&self, key: &str) -> Option<&Arc<str>> {
        let at = self.position(self.hasher.hash_one(key))?;
        let number = self.numbers.get(at).copied().unwrap_or(0);
        self.values.get(usize::try_from(number).ok()?)
    }

    /// Hashes are evenly distributed, so the first guess is nearly always close.
    fn position(&self, hash: u64) -> Option<usize> {
        let len = self.hashes.len();
        let guess = usize::try_from((u128::from(hash) * len as u128) >> 64).ok()?;
        let mut width = 64;
        let (mut from, mut to) = (guess.saturating_sub(width), guess.saturating_add(width).min(len));
        while from > 0 && self.hashes.get(from).is_some_and(|first| *first > hash) {
            width *= 2;
            from = from.saturating_sub(width);
        }
        while to < len && self.hashes.get(to - 1).is_some_and(|last| *last < hash) {
            width *= 2;
            to = to.saturating_add(width).min(len);
        }
        self.hashes.get(from..to)?.binary_search(&hash).ok().map(|at| from + at)
    }

    /// Number of keys.
    pub(super) fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Memory that the keys use, without the values.
    pub(super) fn bytes(&self) -> usize {
        self.hashes.capacity() * size_of::<u64>() + self.numbers.capacity() * size_of::<u32>()
    }
}

/// Collects keys.
#[derive(Debug)]
pub(super) struct Collector {
    hasher: RandomState,
    keys_max: usize,
    /// Hash, and index of the value.
    keys: Vec<(u64, u32)>,
    values: indexed::Values,
}

impl Collector {
    pub(super) fn new(keys_max: usize) -> Self {
        Self { hasher: RandomState::new(), keys_max, keys: Vec::new(), values: indexed::Values::default() }
    }

    /// Adds a key. If a key is added twice, the later value wins.
    ///
    /// # Errors
    /// Which limit is exceeded.
    pub(super) fn add(&mut self, key: &str, value: &str) -> Result<(), String> {
        if self.keys.len() >= self.keys_max {
            return Err(format!("it has more than {} keys: raise `keys_max`, or divide the file", self.keys_max));
        }
        let number = self.values.number(value).ok_or("it has more than 4294967295 different values")?;
        self.keys.push((self.hasher.hash_one(key), number));
        Ok(())
    }

    pub(super) fn finish(self) -> Keys {
        let Self { hasher, mut keys, values, .. } = self;
        // The sort is stable: of equal keys, the later one stays last.
        keys.sort_by_key(|(hash, _)| *hash);
        let mut kept: Vec<(u64, u32)> = Vec::with_capacity(keys.len());
        for (hash, number) in keys {
            match kept.last_mut() {
                Some((known, value)) if *known == hash => *value = number,
                _ => kept.push((hash, number)),
            }
        }
        let values = values.finish();
        let numbers = match values.len() {
            0 | 1 => Vec::new(),
            _ => kept.iter().map(|(_, number)| *number).collect(),
        };
        // Collecting in place would keep the allocation of the pairs, which is twice as large.
        let mut hashes = Vec::with_capacity(kept.len());
        hashes.extend(kept.iter().map(|(hash, _)| *hash));
        Keys { hasher, hashes, numbers, values }
    }
}

/// Distinct values by index.
mod indexed {
    use std::collections::HashMap;
    use std::sync::Arc;

    #[derive(Debug, Default)]
    pub(super) struct Values {
        numbers: HashMap<Arc<str>, u32>,
        values: Vec<Arc<str>>,
    }

    impl Values {
        pub(super) fn number(&mut self, value: &str) -> Option<u32> {
            if let Some(number) = self.numbers.get(value) {
                return Some(*number);
            }
            let number = u32::try_from(self.values.len()).ok()?;
            let value: Arc<str> = value.into();
            self.values.push(Arc::clone(&value));
            self.numbers.insert(value, number);
            Some(number)
        }

        pub(super) fn finish(self) -> Vec<Arc<str>> {
            self.values
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_maximum_is_kept() {
        let mut collector = Collector::new(1);
        assert_eq!(collector.add("a", "true"), Ok(()));
        assert!(collector.add("b", "true").unwrap_err().contains("`keys_max`"));
        let keys = collector.finish();
        assert_eq!((keys.len(), keys.bytes(), keys.find("b")), (1, 8, None));
        assert_eq!(Collector::new(0).finish().find(""), None);
    }

    proptest! {
        #[test]
        fn keys_are_found_with_their_last_value(pairs in prop::collection::vec(("[a-c]{0,3}", "[0-9]"), 0..200)) {
            let mut collector = Collector::new(1000);
            let mut expected = std::collections::HashMap::new();
            for (key, value) in &pairs {
                collector.add(key, value).unwrap();
                expected.insert(key.as_str(), value.as_str());
            }
            let keys = collector.finish();
            prop_assert_eq!(keys.len(), expected.len());
            for key in ["", "a", "b", "c", "aa", "ab", "abc", "ccc", "d"] {
                prop_assert_eq!(keys.find(key).map(|value| &**value), expected.get(key).copied());
            }
        }
    }
}
