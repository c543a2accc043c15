//! The vector instructions of WebAssembly that `vectors` uses, one lane after the other, so that it is tested on
//! machines that have other vectors. The names are those of `core::arch::wasm32`.
#![allow(non_camel_case_types, reason = "the names of `core::arch::wasm32`")]

/// Sixteen lanes of a byte each.
pub(super) type v128 = [u8; 16];

fn each(a: v128, b: v128, lane: impl Fn(u8, u8) -> u8) -> v128 {
    let mut others = b.into_iter();
    a.map(|a| lane(a, others.next().unwrap_or_default()))
}

/// All bits of a lane, or none.
fn all(is_set: bool) -> u8 {
    if is_set { u8::MAX } else { 0 }
}

#[expect(clippy::too_many_arguments, reason = "one for each lane, as in `core::arch::wasm32`")]
pub(super) fn u8x16(
    a: u8,
    b: u8,
    c: u8,
    d: u8,
    e: u8,
    f: u8,
    g: u8,
    h: u8,
    i: u8,
    j: u8,
    k: u8,
    l: u8,
    m: u8,
    n: u8,
    o: u8,
    p: u8,
) -> v128 {
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
}

pub(super) fn u64x2(low: u64, high: u64) -> v128 {
    (u128::from(low) | u128::from(high) << 64).to_le_bytes()
}

pub(super) fn u64x2_extract_lane<const N: usize>(a: v128) -> u64 {
    (u128::from_le_bytes(a) >> (64 * N)) as u64
}

pub(super) fn u8x16_splat(byte: u8) -> v128 {
    [byte; 16]
}

pub(super) fn u8x16_eq(a: v128, b: v128) -> v128 {
    each(a, b, |a, b| all(a == b))
}

pub(super) fn u8x16_ne(a: v128, b: v128) -> v128 {
    each(a, b, |a, b| all(a != b))
}

pub(super) fn u8x16_lt(a: v128, b: v128) -> v128 {
    each(a, b, |a, b| all(a < b))
}

pub(super) fn u8x16_sub(a: v128, b: v128) -> v128 {
    each(a, b, u8::wrapping_sub)
}

pub(super) fn u8x16_shr(a: v128, bits: u32) -> v128 {
    a.map(|lane| lane >> (bits % 8))
}

pub(super) fn v128_and(a: v128, b: v128) -> v128 {
    each(a, b, |a, b| a & b)
}

pub(super) fn v128_andnot(a: v128, b: v128) -> v128 {
    each(a, b, |a, b| a & !b)
}

pub(super) fn v128_or(a: v128, b: v128) -> v128 {
    each(a, b, |a, b| a | b)
}

pub(super) fn v128_bitselect(a: v128, b: v128, mask: v128) -> v128 {
    v128_or(v128_and(a, mask), v128_andnot(b, mask))
}

pub(super) fn v128_any_true(a: v128) -> bool {
    a != [0; 16]
}

pub(super) fn i8x16_bitmask(a: v128) -> u16 {
    a.iter().zip(0..).fold(0, |bits, (lane, at)| bits | u16::from(lane >> 7) << at)
}

pub(super) fn i8x16_swizzle(a: v128, lanes: v128) -> v128 {
    lanes.map(|lane| a.get(usize::from(lane)).copied().unwrap_or(0))
}
