//! Finds the next quote, backslash or bracket, 64 bytes at a time.
//!
//! Members of a callback are short, so a separate search for each name and value would spend most of its time starting
//! up. Instead, 64 bytes are scanned at a time, and each matching byte sets a bit.

use std::marker::PhantomData;

/// Bytes scanned together: one per bit of a mask.
const BLOCK: usize = 64;

/// A class of bytes.
pub(crate) trait Sought {
    /// Whether a byte is in this class.
    fn is(byte: u8) -> bool;

    /// The same for eight bytes at once: sets the upper bit of each that matches, and no other bit.
    fn in_word(word: u64) -> u64;

    /// The same for sixteen: sets all bits of each byte that matches.
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    fn in_vector(vector: core::arch::wasm32::v128) -> core::arch::wasm32::v128;
}

/// Quotes and backslashes: what ends a string, and what may escape a quote.
pub(crate) struct Quotes;

impl Sought for Quotes {
    fn is(byte: u8) -> bool {
        matches!(byte, b'"' | b'\\')
    }

    fn in_word(word: u64) -> u64 {
        equal(word, b'"') | equal(word, b'\\')
    }

    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    fn in_vector(vector: core::arch::wasm32::v128) -> core::arch::wasm32::v128 {
        use core::arch::wasm32::{u8x16_eq, u8x16_splat, v128_or};
        v128_or(u8x16_eq(vector, u8x16_splat(b'"')), u8x16_eq(vector, u8x16_splat(b'\\')))
    }
}

/// Backslashes: where escapes begin.
pub(crate) struct Backslashes;

impl Sought for Backslashes {
    fn is(byte: u8) -> bool {
        byte == b'\\'
    }

    fn in_word(word: u64) -> u64 {
        equal(word, b'\\')
    }

    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    fn in_vector(vector: core::arch::wasm32::v128) -> core::arch::wasm32::v128 {
        use core::arch::wasm32::{u8x16_eq, u8x16_splat};
        u8x16_eq(vector, u8x16_splat(b'\\'))
    }
}

/// Brackets of objects and arrays, and quotes, because brackets in strings do not count.
pub(crate) struct Brackets;

/// The bit in which `[` and `]` differ from `{` and `}`.
const CURLY: u8 = b'{' ^ b'[';

impl Sought for Brackets {
    fn is(byte: u8) -> bool {
        matches!(byte, b'"' | b'{' | b'[' | b'}' | b']')
    }

    fn in_word(word: u64) -> u64 {
        let curly = word | repeated(CURLY);
        equal(word, b'"') | equal(curly, b'{') | equal(curly, b'}')
    }

    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    fn in_vector(vector: core::arch::wasm32::v128) -> core::arch::wasm32::v128 {
        use core::arch::wasm32::{u8x16_eq, u8x16_splat, v128_or};
        let curly = v128_or(vector, u8x16_splat(CURLY));
        let brackets = v128_or(u8x16_eq(curly, u8x16_splat(b'{')), u8x16_eq(curly, u8x16_splat(b'}')));
        v128_or(brackets, u8x16_eq(vector, u8x16_splat(b'"')))
    }
}

/// Finds bytes of one class in one text, from beginning to end.
pub(crate) struct Finder<S> {
    /// The block scanned last.
    block: usize,
    /// Bit n: whether byte n matches.
    marks: u64,
    sought: PhantomData<S>,
}

impl<S: Sought> Finder<S> {
    /// Nothing scanned yet.
    pub(crate) const fn new() -> Self {
        Self { block: usize::MAX, marks: 0, sought: PhantomData }
    }

    /// The position of the first byte of this class at or after `from`. `bytes` must be the same each time.
    #[inline]
    pub(crate) fn first(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        let block = from / BLOCK;
        if block != self.block {
            self.look_at(bytes, block)?;
        }
        let marks = self.marks >> (from % BLOCK);
        if marks == 0 { self.first_from_block(bytes, block + 1) } else { Some(from + marks.trailing_zeros() as usize) }
    }

    #[inline(never)]
    fn first_from_block(&mut self, bytes: &[u8], block: usize) -> Option<usize> {
        let none_in = |block: &&[u8; BLOCK]| !has_any::<S>(block);
        let passed = bytes.as_chunks::<BLOCK>().0.get(block..)?.iter().take_while(none_in).count();
        self.look_at(bytes, block + passed)?;
        (self.marks != 0).then(|| self.block * BLOCK + self.marks.trailing_zeros() as usize)
    }

    fn look_at(&mut self, bytes: &[u8], block: usize) -> Option<()> {
        let rest = bytes.get(block * BLOCK..)?;
        self.block = block;
        self.marks = match (rest.first_chunk(), bytes.last_chunk()) {
            (Some(whole), _) => marks::<S>(whole),
            // The last block is incomplete: scan the last 64 bytes, and mask out those before it.
            (None, Some(last)) => marks::<S>(last).checked_shr((BLOCK - rest.len()) as u32).unwrap_or(0),
            (None, None) => marks_of_few::<S>(rest),
        };
        Some(())
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
fn marks<S: Sought>(block: &[u8; BLOCK]) -> u64 {
    use core::arch::wasm32::{u8x16_bitmask, v128_load};
    block.as_chunks::<16>().0.iter().rev().fold(0, |marks, lane| {
        // SAFETY: the reference is to sixteen bytes, and the load requires no alignment.
        let vector = unsafe { v128_load(lane.as_ptr().cast()) };
        marks << 16 | u64::from(u8x16_bitmask(S::in_vector(vector)))
    })
}

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
fn marks<S: Sought>(block: &[u8; BLOCK]) -> u64 {
    marks_of_few::<S>(block)
}

/// The mask of at most 64 bytes.
fn marks_of_few<S: Sought>(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let of_rest = rest.iter().rev().fold(0, |marks, byte| marks << 1 | u64::from(S::is(*byte)));
    words.iter().rev().fold(of_rest, |marks, word| {
        // The multiplication gathers the upper bits of all eight bytes, in order, in the product's upper byte.
        let of_word = (S::in_word(u64::from_le_bytes(*word)) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        marks << 8 | of_word
    })
}

/// Whether any byte is of this class; simple enough for the compiler to vectorise.
fn has_any<S: Sought>(block: &[u8; BLOCK]) -> bool {
    // Where there are none.
    if cfg!(all(target_arch = "wasm32", not(target_feature = "simd128"))) {
        return marks::<S>(block) != 0;
    }
    block.iter().fold(0, |any, byte| any | u8::from(S::is(*byte))) != 0
}

/// Eight times this byte.
const fn repeated(byte: u8) -> u64 {
    0x0101_0101_0101_0101 * byte as u64
}

/// The upper bit of each byte of `word` that is `byte`.
fn equal(word: u64, byte: u8) -> u64 {
    const LOWER: u64 = repeated(0x7f);
    // Zero where they are equal. Adding carries into the upper bit of every other byte, and never out of it.
    let differs = word ^ repeated(byte);
    !(((differs & LOWER) + LOWER) | differs | LOWER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all<S: Sought>(bytes: &[u8]) -> Vec<usize> {
        let mut finder = Finder::<S>::new();
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(at) = finder.first(bytes, from) {
            found.push(at);
            from = at + 1;
        }
        found
    }

    fn one_by_one<S: Sought>(bytes: &[u8]) -> Vec<usize> {
        (0..bytes.len()).filter(|at| S::is(bytes[*at])).collect()
    }

    /// The same numbers on every machine and in every run.
    fn random() -> impl FnMut(usize) -> usize {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        move |below| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below as u64) as usize
        }
    }

    #[test]
    fn every_byte_is_told_from_every_other_one() {
        for len in [1, 7, 8, 63, 64, 65, 130] {
            for byte in 0..=255_u8 {
                for at in [0, len / 2, len - 1] {
                    for neighbour in [b'a', byte.wrapping_sub(1), byte.wrapping_add(1), byte ^ 0x80] {
                        let mut bytes = vec![neighbour; len];
                        bytes[at] = byte;
                        assert_eq!(all::<Quotes>(&bytes), one_by_one::<Quotes>(&bytes), "{bytes:?}");
                        assert_eq!(all::<Brackets>(&bytes), one_by_one::<Brackets>(&bytes), "{bytes:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_is_passed_by() {
        let mut random = random();
        for len in (0..200).chain([1000]) {
            for alphabet in
                [&b"\"\\"[..], b"\"a", b"\"\\{}[]", b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"]", b"a"]
            {
                let bytes: Vec<u8> = (0..len).map(|_| alphabet[random(alphabet.len())]).collect();
                assert_eq!(all::<Quotes>(&bytes), one_by_one::<Quotes>(&bytes), "{bytes:?}");
                assert_eq!(all::<Brackets>(&bytes), one_by_one::<Brackets>(&bytes), "{bytes:?}");
                // From any place, in any order.
                let mut finder = Finder::<Quotes>::new();
                for from in (0..8).map(|_| random(len + 70)) {
                    let expected = (from..len).find(|at| Quotes::is(bytes[*at]));
                    assert_eq!(finder.first(&bytes, from), expected, "{bytes:?} from {from}");
                }
            }
        }
    }
}
