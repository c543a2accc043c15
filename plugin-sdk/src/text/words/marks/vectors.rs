//! Letters, odd bytes and symbols of sixteen bytes at a time.

#[cfg(not(target_arch = "wasm32"))]
use super::lanes as arch;
#[cfg(target_arch = "wasm32")]
use core::arch::wasm32 as arch;

use arch::{
    i8x16_bitmask, i8x16_swizzle, u8x16, u8x16_eq, u8x16_lt, u8x16_ne, u8x16_shr, u8x16_splat, u8x16_sub, u64x2,
    u64x2_extract_lane, v128, v128_and, v128_andnot, v128_any_true, v128_bitselect, v128_or,
};

/// Sixteen bytes.
type Bytes = [u8; 16];

fn load(bytes: &Bytes) -> v128 {
    let [low, high] = bytes.as_chunks::<8>().0 else { return u8x16_splat(0) };
    u64x2(u64::from_le_bytes(*low), u64::from_le_bytes(*high))
}

fn store(bytes: &mut Bytes, vector: v128) {
    if let [low, high] = bytes.as_chunks_mut::<8>().0 {
        *low = u64x2_extract_lane::<0>(vector).to_le_bytes();
        *high = u64x2_extract_lane::<1>(vector).to_le_bytes();
    }
}

fn is(vector: v128, byte: u8) -> v128 {
    u8x16_eq(vector, u8x16_splat(byte))
}

fn within(vector: v128, from: u8, len: u8) -> v128 {
    u8x16_lt(u8x16_sub(vector, u8x16_splat(from)), u8x16_splat(len))
}

/// One bit for each lane.
#[inline]
pub(super) fn bits([a, b, c, d]: [v128; 4]) -> u64 {
    let [a, b, c, d] = [a, b, c, d].map(|vector| u32::from(i8x16_bitmask(vector)));
    u64::from(a | b << 16) | u64::from(c | d << 16) << 32
}

/// Which bytes are letters in ASCII.
#[inline]
pub(super) fn letters(bytes: &Bytes) -> v128 {
    within(v128_or(load(bytes), u8x16_splat(0x20)), b'a', 26)
}

/// Which bytes are odd.
#[inline]
pub(super) fn odd(bytes: &Bytes) -> v128 {
    let now = load(bytes);
    // Two lookups, by the high and low half of a byte: the rows of the table in which it is odd.
    let low = u8x16(0x5b, 0x4f, 0x4b, 0x4b, 0x4f, 0x4b, 0x4b, 0x4b, 0x4f, 0x4b, 0x43, 0x47, 0x63, 0x43, 0x43, 0x63);
    let high = u8x16(1, 2, 4, 8, 16, 0, 0, 32, 64, 64, 64, 64, 64, 64, 64, 64);
    let low = i8x16_swizzle(low, v128_and(now, u8x16_splat(0xf)));
    u8x16_ne(v128_and(low, i8x16_swizzle(high, u8x16_shr(now, 4))), u8x16_splat(0))
}

/// Writes the symbol of each byte, see [`fold`](super::fold).
#[inline]
pub(super) fn fold(bytes: &Bytes, letters: v128, odd: v128, symbols: &mut Bytes) {
    let now = load(bytes);
    let small = v128_or(now, u8x16_splat(0x20));
    let class = u8x16_sub(small, v128_and(is(small, b'l'), u8x16_splat(b'l' - b'i')));
    let sign = v128_bitselect(u8x16_splat(b' '), u8x16_splat(b'.'), is(now, b' '));
    store(symbols, v128_or(v128_bitselect(class, sign, letters), odd));
}

/// Whether any byte is in the range of `len` values that begins at `from`.
#[inline]
pub(super) fn have_any(bytes: [&Bytes; 4], from: u8, len: u8) -> bool {
    let [a, b, c, d] = bytes.map(|bytes| within(load(bytes), from, len));
    v128_any_true(v128_or(v128_or(a, b), v128_or(c, d)))
}

/// Which bytes are the first bytes of plain Latin letters; `next` is shifted by one byte.
#[inline]
pub(super) fn latin_leads(now: &Bytes, next: &Bytes) -> v128 {
    let (now, next) = (load(now), load(next));
    let latin = v128_andnot(is(now, 0xc3), is(v128_and(next, u8x16_splat(0xdf)), 0x97));
    let latin = v128_or(latin, v128_and(is(now, 0xc4), u8x16_lt(next, u8x16_splat(0xbf))));
    v128_or(latin, v128_andnot(is(now, 0xc5), is(next, 0x80)))
}

/// The same for Greek, Cyrillic and Arabic.
#[inline]
pub(super) fn other_leads(now: &Bytes, next: &Bytes) -> v128 {
    let (now, next) = (load(now), load(next));
    let mut leads = u8x16_splat(0);
    if v128_any_true(within(now, 0xcc, 6)) {
        let greek = v128_andnot(is(now, 0xce), v128_or(u8x16_lt(next, u8x16_splat(0x8e)), is(next, 0xa2)));
        let greek = v128_or(greek, v128_and(is(now, 0xcf), u8x16_lt(next, u8x16_splat(0xb6))));
        let marks = v128_or(is(now, 0xcc), v128_and(is(now, 0xcd), u8x16_lt(next, u8x16_splat(0xb0))));
        leads = v128_or(v128_or(marks, greek), within(now, 0xd0, 2));
    }
    if v128_any_true(within(now, 0xd8, 2)) {
        let arabic = v128_or(
            v128_and(is(now, 0xd8), within(next, 0xa1, 26)),
            v128_andnot(is(now, 0xd9), within(next, 0xa0, 14)),
        );
        leads = v128_or(leads, arabic);
    }
    if v128_any_true(within(now, 0xda, 2)) {
        let signs = v128_or(within(next, 0x9d, 2), v128_or(is(next, 0x94), is(next, 0xa9)));
        let persian = v128_andnot(v128_and(is(now, 0xdb), u8x16_lt(next, u8x16_splat(0xae))), signs);
        leads = v128_or(leads, v128_or(is(now, 0xda), persian));
    }
    leads
}
