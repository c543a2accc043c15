//! Letters and spaces of 64 bytes, as bits.
//!
//! Plain letters are those in ASCII, and those of two bytes that never begin a word after another one: of Latin with
//! accents, of Greek, of Russian, of Arabic with its marks. Letters inside a word cost nothing more.

use crate::text::letters::ODD;

/// Bytes that are examined together.
pub(super) const BLOCK: usize = 64;
/// A block, and the following bytes that a word at its end needs.
pub(super) const WINDOW: usize = 80;

/// Padding beyond the end of a text. The last byte, which is never examined, differs: so the compiler copies a
/// constant, which costs less than filling memory.
pub(super) const PADDING: [u8; WINDOW] = {
    let mut padding = [b' '; WINDOW];
    if let Some(last) = padding.last_mut() {
        *last = b'.';
    }
    padding
};

/// The positions of one block, one bit each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// Bytes of plain letters.
    pub(super) letters: u64,
    /// Of these, in ASCII.
    pub(super) ascii: u64,
    /// Bytes whose symbol is [`ODD`].
    pub(super) odd: u64,
}

/// The positions of the block that begins at `from`. If it has letters in ASCII, `symbols` is set to the symbols of its
/// window, see [`fold`].
#[inline(never)]
pub(super) fn marks(bytes: &[u8], from: usize, symbols: &mut [u8; WINDOW]) -> Marks {
    let rest = bytes.get(from..).unwrap_or_default();
    let mut last;
    let window = match rest.first_chunk() {
        Some(window) => window,
        None => {
            last = PADDING;
            if let Some(part) = last.get_mut(..rest.len()) {
                part.copy_from_slice(rest);
            }
            &last
        }
    };
    let mut marks = of_window(window, symbols);
    // The second byte of a letter that the block before ends with.
    if let Some([lead, next]) = from.checked_sub(1).and_then(|from| bytes.get(from..)).and_then(<[u8]>::first_chunk)
        && is_plain(*lead, *next)
    {
        marks.letters |= 1;
    }
    marks
}

/// The symbol of a byte: a lower-case letter for a letter of that class, a space, a full stop for all signs that never
/// stand for a letter, and [`ODD`] for bytes that the slow path examines.
#[cfg_attr(target_feature = "simd128", allow(dead_code, reason = "vectors do the same"))]
const fn fold(byte: u8) -> u8 {
    match byte {
        b'l' | b'L' => b'i',
        b'a'..=b'z' | b'A'..=b'Z' => byte | 0x20,
        b' ' => b' ',
        b'0'..=b'9' | b'!' | b'$' | b'(' | b'+' | b'@' | b'|' | 0..b' ' | 0x7f.. => ODD,
        _ => b'.',
    }
}

/// Whether two bytes are a plain letter.
pub(super) const fn is_plain(lead: u8, next: u8) -> bool {
    match lead {
        // All but the signs of multiplication and division.
        0xc3 => next & 0xdf != 0x97,
        // All except an l with a middle dot.
        0xc4 => next < 0xbf,
        0xc5 => next > 0x80,
        0xcf => next < 0xb6,
        // Marks on any letter.
        0xcd => next < 0xb0,
        0xcc | 0xd0 | 0xd1 | 0xda => true,
        0xce => next >= 0x8e && next != 0xa2,
        0xd8 => matches!(next, 0xa1..=0xba),
        0xd9 => matches!(next, 0x80..=0x9f | 0xae..),
        // Excluding the signs among letters and marks.
        0xdb => next < 0xae && !matches!(next, 0x94 | 0x9d | 0x9e | 0xa9),
        _ => false,
    }
}

/// The positions of a block.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
use of_bytes as of_window;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use of_vectors as of_window;

/// Byte by byte.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
fn of_bytes(window: &[u8; WINDOW], symbols: &mut [u8; WINDOW]) -> Marks {
    for (byte, symbol) in window.iter().zip(symbols.iter_mut()) {
        *symbol = fold(*byte);
    }
    let mut marks = Marks::default();
    for (at, (byte, next)) in window.iter().zip(window.iter().skip(1)).take(BLOCK).enumerate() {
        marks.ascii |= u64::from(byte.is_ascii_alphabetic()) << at;
        marks.odd |= u64::from(fold(*byte) == ODD) << at;
        if is_plain(*byte, *next) {
            marks.letters |= (1 << at) | (2 << at);
        }
    }
    marks.letters |= marks.ascii;
    marks
}

/// The same with vectors, of sixteen bytes each.
#[cfg(any(test, all(target_arch = "wasm32", target_feature = "simd128")))]
fn of_vectors(window: &[u8; WINDOW], symbols: &mut [u8; WINDOW]) -> Marks {
    let ([a, b, c, d, e], []) = window.as_chunks() else { return Marks::default() };
    let ([of_a, of_b, of_c, of_d, of_e], []) = symbols.as_chunks_mut() else { return Marks::default() };
    let all = [a, b, c, d].map(vectors::letters);
    let odd = [a, b, c, d].map(vectors::odd);
    let ascii = vectors::bits(all);
    if ascii != 0 {
        let ([in_a, in_b, in_c, in_d], [odd_a, odd_b, odd_c, odd_d]) = (all, odd);
        vectors::fold(a, in_a, odd_a, of_a);
        vectors::fold(b, in_b, odd_b, of_b);
        vectors::fold(c, in_c, odd_c, of_c);
        vectors::fold(d, in_d, odd_d, of_d);
        vectors::fold(e, vectors::letters(e), vectors::odd(e), of_e);
    }
    let mut letters = ascii;
    // Chinese texts and emoji never contain such bytes.
    if vectors::have_any([a, b, c, d], 0xc3, 25)
        && let Some(next) = window.get(1..).map(<[u8]>::as_chunks)
        && let ([next_a, next_b, next_c, next_d, ..], _) = next
    {
        let pairs = [(a, next_a), (b, next_b), (c, next_c), (d, next_d)];
        let mut leads = 0;
        if vectors::have_any([a, b, c, d], 0xc3, 3) {
            leads = vectors::bits(pairs.map(|(now, next)| vectors::latin_leads(now, next)));
        }
        if vectors::have_any([a, b, c, d], 0xcc, 16) {
            leads |= vectors::bits(pairs.map(|(now, next)| vectors::other_leads(now, next)));
        }
        letters |= leads | leads << 1;
    }
    Marks { letters, ascii, odd: vectors::bits(odd) }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod lanes;
#[cfg(any(test, all(target_arch = "wasm32", target_feature = "simd128")))]
mod vectors;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::letters::{Kind, is_spaced, read, symbol};

    #[test]
    fn a_byte_has_the_symbol_of_its_character() {
        for byte in 0..=u8::MAX {
            let symbol = symbol(u32::from(byte));
            let is_odd = !byte.is_ascii() || [0, ODD].contains(&symbol) || symbol == b' ' && byte != b' ';
            assert_eq!(fold(byte), if is_odd { ODD } else { symbol }, "{byte}");
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

    /// Windows with these two bytes at each position, one after the other.
    fn windows(filler: u8, lead: u8, next: u8) -> impl Iterator<Item = [u8; WINDOW]> {
        (0..WINDOW - 1).map(move |at| {
            let mut window = [filler; WINDOW];
            (window[at], window[at + 1]) = (lead, next);
            window
        })
    }

    fn assert_alike(window: &[u8; WINDOW]) {
        let (mut symbols, mut expected_symbols) = (PADDING, PADDING);
        let expected = of_bytes(window, &mut expected_symbols);
        assert_eq!(of_vectors(window, &mut symbols), expected, "{window:x?}");
        // Only blocks with letters in ASCII need them.
        if expected.ascii != 0 {
            assert_eq!(symbols, expected_symbols, "{window:x?}");
        }
    }

    #[test]
    fn vectors_mark_what_bytes_mark() {
        for lead in 0..=u8::MAX {
            // A first byte is before a second one, in every text.
            let nexts = if lead < 0xc0 { 0..=0xbf } else { 0x80..=0xbf };
            for next in nexts {
                // In the first lane of a vector, in another one, across two vectors, and across the end of the block.
                for (at, window) in windows(b'a', lead, next).enumerate() {
                    if [0, 15, 37, 63, 64].contains(&at) {
                        assert_alike(&window);
                    }
                }
            }
        }
        for (lead, next) in [(b'e', b'L'), (b'0', b'$'), (0xc3, 0xa9), (0xd0, 0xb1), (0xd8, 0xa7), (0xdb, 0x8c)] {
            for filler in [b' ', b'a', b'.', 0xe4, 0xcc] {
                windows(filler, lead, next).for_each(|window| assert_alike(&window));
            }
        }
    }

    #[test]
    fn vectors_mark_texts_of_several_scripts_alike() {
        let text = "Naïve ﬁ éłø 1! Ναι ѿ привет كَلب٣ ۀ\u{6dd} 免费 🔥 L|l ŀ Ā×÷ \u{7f}\t".repeat(9);
        for window in text.as_bytes().windows(WINDOW) {
            assert_alike(window.try_into().unwrap());
        }
    }
}
