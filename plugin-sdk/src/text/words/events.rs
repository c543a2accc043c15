//! Where a text needs a look: at the first letter of each word, and at all that is neither a plain letter nor a space.
//! 64 bytes are looked at together, and each place sets a bit.
//!
//! Plain letters are those in ASCII, and those of two bytes that never begin a word after another one: of Latin with
//! accents, of Greek, of Russian, of Arabic with its marks. What is inside of a word costs nothing more.

use super::prefixes::Prefixes;
use super::tokens;

/// Bytes looked at together.
pub(super) const BLOCK: usize = 64;

/// The places of one block, a bit each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// Bytes of plain letters.
    pub(super) letters: u64,
    /// Of these, in ASCII.
    pub(super) ascii: u64,
    /// Spaces.
    pub(super) spaces: u64,
}

/// The places of the block that begins at `from`.
#[inline(never)]
fn marks(bytes: &[u8], from: usize) -> Marks {
    let rest = bytes.get(from..).unwrap_or_default();
    let mut marks = match (rest.first_chunk(), rest.get(1..).and_then(<[u8]>::first_chunk)) {
        (Some(block), Some(next)) => of_block(block, next),
        _ => {
            let mut block = [0; BLOCK + 1];
            let len = rest.len().min(BLOCK);
            if let (Some(part), Some(rest)) = (block.get_mut(..len), rest.get(..len)) {
                part.copy_from_slice(rest);
            }
            match (block.first_chunk(), block.last_chunk()) {
                (Some(block), Some(next)) => of_block(block, next),
                _ => Marks::default(),
            }
        }
    };
    // The second byte of a letter that the block before ends with.
    if let Some([lead, next]) = from.checked_sub(1).and_then(|from| bytes.get(from..)).and_then(<[u8]>::first_chunk)
        && is_plain(*lead, *next)
    {
        marks.letters |= 1;
    }
    marks
}

/// Whether two bytes are a plain letter.
pub(super) const fn is_plain(lead: u8, next: u8) -> bool {
    match lead {
        // All but the signs of multiplication and division.
        0xc3 => next & 0xdf != 0x97,
        // All but an l with a dot beside it.
        0xc4 => next < 0xbf,
        0xc5 => next > 0x80,
        0xcf => next < 0xb6,
        0xd0 | 0xd1 | 0xda => true,
        0xce => next >= 0x8e && next != 0xa2,
        0xd8 => matches!(next, 0xa1..=0xba),
        0xd9 => matches!(next, 0x80..=0x9f | 0xae..),
        0xdb => next < 0x94,
        _ => false,
    }
}

/// The places of a block; `next` is the block that begins one byte later.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
fn of_block(block: &[u8; BLOCK], next: &[u8; BLOCK]) -> Marks {
    let mut marks = Marks::default();
    for (at, (byte, next)) in block.iter().zip(next).enumerate() {
        marks.spaces |= u64::from(*byte == b' ') << at;
        marks.ascii |= u64::from(byte.is_ascii_alphabetic()) << at;
        if is_plain(*byte, *next) {
            marks.letters |= (1 << at) | (2 << at);
        }
    }
    marks.letters |= marks.ascii;
    marks
}

/// The same with vectors, of sixteen bytes each.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
fn of_block(block: &[u8; BLOCK], next: &[u8; BLOCK]) -> Marks {
    use core::arch::wasm32::{
        i8x16_bitmask, u8x16_eq, u8x16_lt, u8x16_splat, u8x16_sub, u64x2, v128, v128_and, v128_andnot, v128_or,
    };
    let vector = |[low, high]: &[[u8; 8]; 2]| u64x2(u64::from_le_bytes(*low), u64::from_le_bytes(*high));
    let is = |vector: v128, byte: u8| u8x16_eq(vector, u8x16_splat(byte));
    let within = |vector: v128, from: u8, len: u8| u8x16_lt(u8x16_sub(vector, u8x16_splat(from)), u8x16_splat(len));
    let bits = |vector: v128| u64::from(i8x16_bitmask(vector));
    let (mut letters, mut ascii, mut spaces) = (0, 0, 0);
    fn pairs(block: &[u8]) -> &[[[u8; 8]; 2]] {
        block.as_chunks::<8>().0.as_chunks::<2>().0
    }
    for (now, next) in pairs(block).iter().zip(pairs(next)).rev() {
        let now = vector(now);
        let mut plain = bits(within(v128_or(now, u8x16_splat(0x20)), b'a', 26));
        ascii = ascii << 16 | plain;
        // No text of Chinese or of pictures has such bytes.
        if i8x16_bitmask(within(now, 0xc3, 25)) != 0 {
            let next = vector(next);
            let latin = v128_andnot(is(now, 0xc3), is(v128_and(next, u8x16_splat(0xdf)), 0x97));
            let latin = v128_or(latin, v128_and(is(now, 0xc4), u8x16_lt(next, u8x16_splat(0xbf))));
            let latin = v128_or(latin, v128_andnot(is(now, 0xc5), is(next, 0x80)));
            let all = v128_or(within(now, 0xd0, 2), is(now, 0xda));
            let all = v128_or(all, v128_and(is(now, 0xcf), u8x16_lt(next, u8x16_splat(0xb6))));
            let greek = v128_andnot(is(now, 0xce), v128_or(u8x16_lt(next, u8x16_splat(0x8e)), is(next, 0xa2)));
            let arabic = v128_or(
                v128_and(is(now, 0xd8), within(next, 0xa1, 26)),
                v128_andnot(is(now, 0xd9), within(next, 0xa0, 14)),
            );
            let persian = v128_and(is(now, 0xdb), u8x16_lt(next, u8x16_splat(0x94)));
            let leads = v128_or(v128_or(v128_or(latin, all), v128_or(greek, arabic)), persian);
            let leads = bits(leads);
            plain |= leads | leads << 1;
        }
        letters = letters << 16 | plain;
        spaces = spaces << 16 | bits(is(now, b' '));
    }
    Marks { letters, ascii, spaces }
}

/// The places in a text, in order.
pub(super) struct Events<'t> {
    bytes: &'t [u8],
    /// Where the current block begins.
    block: usize,
    marks: Marks,
    /// Places of the block that are left.
    places: u64,
    /// Whether each letter counts, and not only the first of a word.
    every_letter: bool,
    /// What tokens may be.
    tokens: Option<&'t Prefixes>,
}

impl<'t> Events<'t> {
    pub(super) fn new(text: &'t str, every_letter: bool, tokens: Option<&'t Prefixes>) -> Self {
        let mut events =
            Self { bytes: text.as_bytes(), block: 0, marks: Marks::default(), places: 0, every_letter, tokens };
        events.look_at(0);
        events
    }

    #[inline]
    fn look_at(&mut self, block: usize) {
        let ends_with_letter = self.marks.letters >> (BLOCK - 1);
        self.block = block;
        self.marks = marks(self.bytes, block);
        let Marks { letters, spaces, .. } = self.marks;
        let starts = if self.every_letter { letters } else { letters & !(letters << 1 | ends_with_letter) };
        self.places = starts | !(letters | spaces);
        if let Some(prefixes) = self.tokens
            && let Some(bytes) = self.bytes.get(block..).and_then(<[u8]>::first_chunk)
        {
            self.places &= !tokens::ruled_out(bytes, starts, self.marks, prefixes);
        }
        if let Some(left @ 0..BLOCK) = self.bytes.len().checked_sub(block) {
            self.places &= (1 << left) - 1;
        }
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
    #[inline]
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
    use crate::text::letters::{Kind, is_spaced, read};

    #[test]
    fn every_place_is_found_in_its_order() {
        let texts = ["", "a", " ", "ab cd, e1f", "日本 ab", "@AZ[`az{ \u{7f}é", "x", "éa ßь, كَلب٣ ÷ x×y"];
        for text in texts.iter().map(|text| text.repeat(13)).chain(texts.map(str::to_owned)) {
            for every_letter in [false, true] {
                let bytes = text.as_bytes();
                let is_lead = |at: usize| bytes.get(at + 1).is_some_and(|next| is_plain(bytes[at], *next));
                let is_letter = |at: usize| bytes[at].is_ascii_alphabetic() || is_lead(at) || at > 0 && is_lead(at - 1);
                let expected: Vec<usize> = (0..bytes.len())
                    .filter(|at| match bytes[*at] {
                        b' ' => false,
                        _ if is_letter(*at) => every_letter || *at == 0 || !is_letter(at - 1),
                        _ => true,
                    })
                    .collect();
                let mut events = Events::new(&text, every_letter, None);
                let found: Vec<usize> = std::iter::from_fn(|| events.next()).collect();
                assert_eq!(found, expected, "{text:?}");
                for from in 0..bytes.len() {
                    let mut events = Events::new(&text, every_letter, None);
                    events.skip_to(from);
                    let found: Vec<usize> = std::iter::from_fn(|| events.next()).collect();
                    let expected: Vec<usize> = expected.iter().copied().filter(|at| *at >= from).collect();
                    assert_eq!(found, expected, "{text:?} from {from}");
                }
            }
        }
    }

    #[test]
    fn plain_letters_go_on_a_word() {
        let mut plain = 0;
        for c in '\u{80}'..='\u{7ff}' {
            let mut bytes = [0; 2];
            c.encode_utf8(&mut bytes);
            if is_plain(bytes[0], bytes[1]) {
                plain += 1;
                let letter = read(c);
                let is_letter = matches!(letter.kind, Kind::Letter | Kind::Accented) && is_spaced(letter.letter);
                let is_other = matches!(letter.kind, Kind::Several | Kind::Mark | Kind::Invisible);
                assert!(is_letter || is_other, "{c:?} {letter:?}");
            }
        }
        assert!(plain > 500, "{plain}");
    }
}
