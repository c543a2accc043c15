//! Where a text needs a look: at the first letter of each word in ASCII, and at all that is neither such a letter nor a
//! space. 64 bytes are looked at together, and each place sets a bit.

/// Bytes looked at together.
pub(super) const BLOCK: usize = 64;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = ONES * 0x80;

/// The upper bit of each byte that is an ASCII letter.
const fn letters(word: u64) -> u64 {
    // Seven bits and small letters, so that no sum reaches the next byte.
    let small = (word | (ONES * 0x20)) & (ONES * 0x7f);
    let from_a = small + ONES * (0x80 - b'a' as u64);
    let beyond_z = small + ONES * (0x80 - b'z' as u64 - 1);
    from_a & !beyond_z & !word & HIGH
}

/// The upper bit of each byte that is a space.
const fn spaces(word: u64) -> u64 {
    let other = word ^ (ONES * b' ' as u64);
    !(((other & (ONES * 0x7f)) + ONES * 0x7f) | other) & HIGH
}

/// The upper bits of eight bytes, in order, as one byte.
const fn gathered(bits: u64) -> u64 {
    (bits >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// The places of one block: letters, and what is neither a letter nor a space.
fn marks(block: &[u8]) -> (u64, u64) {
    let (words, rest) = block.as_chunks::<8>();
    let (mut all_letters, mut others) = (0, 0);
    let mut add = |index: usize, word: u64, valid: u64| {
        let (letters, spaces) = (gathered(letters(word)), gathered(spaces(word)));
        all_letters |= letters << (index * 8);
        others |= (!(letters | spaces) & valid) << (index * 8);
    };
    for (index, word) in words.iter().enumerate() {
        add(index, u64::from_le_bytes(*word), 0xff);
    }
    if !rest.is_empty() {
        let word = rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        add(words.len(), word, (1 << rest.len()) - 1);
    }
    (all_letters, others)
}

/// The places in a text, in order.
pub(super) struct Events<'t> {
    bytes: &'t [u8],
    /// Where the current block begins, and its places that are left.
    block: usize,
    places: u64,
    /// Whether the block before ended with a letter.
    carry: u64,
    /// Whether each letter counts, and not only the first of a word.
    every_letter: bool,
}

impl<'t> Events<'t> {
    pub(super) fn new(text: &'t str, every_letter: bool) -> Self {
        let mut events = Self { bytes: text.as_bytes(), block: 0, places: 0, carry: 0, every_letter };
        events.look_at(0);
        events
    }

    fn look_at(&mut self, block: usize) {
        self.block = block;
        let rest = self.bytes.get(block..).unwrap_or_default();
        let (letters, others) = marks(rest.get(..BLOCK).unwrap_or(rest));
        let starts = if self.every_letter { letters } else { letters & !(letters << 1 | self.carry) };
        self.carry = letters >> (BLOCK - 1);
        self.places = starts | others;
    }

    /// The next place.
    #[inline]
    pub(super) fn next(&mut self) -> Option<usize> {
        while self.places == 0 {
            if self.block + BLOCK >= self.bytes.len() {
                return None;
            }
            self.look_at(self.block + BLOCK);
        }
        let place = self.places.trailing_zeros() as usize;
        self.places &= self.places - 1;
        Some(self.block + place)
    }

    /// Leaves out all places before this one.
    pub(super) fn skip_to(&mut self, at: usize) {
        while at >= self.block + BLOCK && self.block + BLOCK < self.bytes.len() {
            self.look_at(self.block + BLOCK);
        }
        match at.checked_sub(self.block) {
            Some(within @ 0..BLOCK) => self.places &= u64::MAX << within,
            Some(_) => self.places = 0,
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_found_in_its_order() {
        let texts = ["", "a", " ", "ab cd, e1f", "日本 ab", "@AZ[`az{ \u{7f}é", "x"];
        for text in texts.iter().map(|text| text.repeat(13)).chain(texts.map(str::to_owned)) {
            for every_letter in [false, true] {
                let bytes = text.as_bytes();
                let is_letter = |at: usize| bytes[at].is_ascii_alphabetic();
                let expected: Vec<usize> = (0..bytes.len())
                    .filter(|at| match bytes[*at] {
                        b' ' => false,
                        byte if byte.is_ascii_alphabetic() => every_letter || *at == 0 || !is_letter(at - 1),
                        _ => true,
                    })
                    .collect();
                let mut events = Events::new(&text, every_letter);
                let found: Vec<usize> = std::iter::from_fn(|| events.next()).collect();
                assert_eq!(found, expected, "{text:?}");
                for from in 0..bytes.len() {
                    let mut events = Events::new(&text, every_letter);
                    events.skip_to(from);
                    let found: Vec<usize> = std::iter::from_fn(|| events.next()).collect();
                    let expected: Vec<usize> = expected.iter().copied().filter(|at| *at >= from).collect();
                    assert_eq!(found, expected, "{text:?} from {from}");
                }
            }
        }
    }
}
