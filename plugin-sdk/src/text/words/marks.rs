//! Letters and spaces of 64 bytes, as bits.
//!
//! Plain letters are those in ASCII, and those of two bytes that never begin a word after another one: of Latin with
//! accents, of Greek, of Russian, of Arabic with its marks. Letters inside a word cost nothing more.

/// Bytes that are examined together.
pub(super) const BLOCK: usize = 64;

/// The positions of one block, one bit each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// Bytes of plain letters.
    pub(super) letters: u64,
    /// Of these, in ASCII.
    pub(super) ascii: u64,
    /// Spaces.
    pub(super) spaces: u64,
}

/// The positions of the block that begins at `from`.
#[inline(never)]
pub(super) fn marks(bytes: &[u8], from: usize) -> Marks {
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
        // All but an l with a middle dot.
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

/// The positions of a block; `next` is the block that begins one byte later.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::letters::{Kind, is_spaced, read};

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
