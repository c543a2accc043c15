//! A set of hashes as bits (a Bloom filter): no false negatives, some false positives.

/// Maximum number of bits of one set: 1 MiB.
const BITS_MAX: usize = 1 << 23;

/// A set in which each hash sets one bit.
#[derive(Debug)]
pub(super) struct Bits {
    words: Vec<u32>,
    /// The right shift that turns a hash into the index of a bit.
    shift: u32,
}

impl Bits {
    /// An empty set for this number of hashes.
    pub(super) fn new(hashes: usize, bits_per_hash: usize) -> Self {
        let bits = (hashes * bits_per_hash).next_power_of_two().clamp(4096, BITS_MAX);
        Self { words: vec![0; bits / 32], shift: 32 - bits.trailing_zeros() }
    }

    pub(super) fn set(&mut self, hash: u32) {
        let bit = hash >> self.shift;
        if let Some(word) = self.words.get_mut(bit as usize / 32) {
            *word |= 1 << (bit % 32);
        }
    }

    #[inline]
    pub(super) fn has(&self, hash: u32) -> bool {
        let bit = hash >> self.shift;
        self.words.get(bit as usize / 32).is_some_and(|word| word >> (bit % 32) & 1 != 0)
    }
}
