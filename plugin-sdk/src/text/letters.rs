//! What a character reads as: the letter or digit behind its forms, from tables of Unicode and OpenCC.
//!
//! The tables are reduced when the sdk is built, and hold what the crate's features ask for. Looking a character up
//! costs 20 to 70 units of fuel, whatever the features.
//!
//! | feature | adds | bytes |
//! | --- | --- | --- |
//! | `letters` | small letters, digits of all scripts, accents, combining marks, kinds of signs | 68 000 |
//! | `compatibility` | Unicode's compatibility forms: full-width, mathematical, circled letters, ligatures | 22 000 |
//! | `look-alikes` | letters of other alphabets, and signs, that look alike | 13 000 |
//! | `chinese` | simplified for traditional characters | 9 000 |

use super::invisible::is_invisible;

mod kind;
#[cfg(feature = "words")]
mod quick;
mod script;

pub use kind::{Kind, is_filler};
#[cfg(feature = "words")]
pub(crate) use quick::{ODD, Quick, symbol_of};
pub use script::{is_arabic, is_spaced, is_symbol, leet};

include!(concat!(env!("OUT_DIR"), "/letters.rs"));

/// The table's line of a character: what it is written as, what it looks like, what its capital looks like.
#[derive(Debug, Clone, Copy)]
struct Entry(u16, u16, u16, Kind);

/// A character as it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Letter {
    /// What it is.
    pub kind: Kind,
    /// The letter itself: small, in its ordinary width, with its accent; in Chinese the simplified character. Of
    /// [`Kind::Several`] the number that [`several`] takes.
    pub letter: char,
    /// What it looks like: the same for all letters that are taken for each other, with and without accents. Mostly the
    /// Latin letter; `i` for `l` and `1` too, `o` for `0`.
    pub class: char,
    /// What it looks like as it is written, if that is something else: `n` for a Greek `Ν`, whose small letter is `ν`.
    pub shown: Option<char>,
}

/// How a character is read.
///
/// ```
/// use plugin_sdk::text::letters::{Kind, read};
///
/// assert_eq!((read('É').letter, read('É').class, read('É').kind), ('é', 'e', Kind::Accented));
/// assert_eq!(read('Ｓ').letter, 's');
/// assert_eq!(read('٣').letter, '3');
/// assert_eq!(read('\u{200b}').kind, Kind::Invisible);
/// assert_eq!(read('，').kind, Kind::Clause);
/// ```
#[must_use]
pub fn read(c: char) -> Letter {
    let code = c as u32;
    if let Some(letter) = ASCII.get(code as usize) {
        return *letter;
    }
    if (0x4e00..0xa000).contains(&code) {
        let simple = simplified(c);
        return Letter { kind: Kind::Letter, letter: simple, class: simple, shown: None };
    }
    let itself = |kind| Letter { kind, letter: c, class: c, shown: None };
    let Some(block) = INDEX.get(code as usize >> 6) else {
        return itself(if is_invisible(c) { Kind::Invisible } else { Kind::Letter });
    };
    let id = BLOCKS.get(usize::from(*block) << 6 | code as usize & 63).copied().unwrap_or(0);
    if id == 0 {
        return itself(Kind::Letter);
    }
    let Some(Entry(letter, class, shown, kind)) = ENTRIES.get(usize::from(id)) else { return itself(Kind::Letter) };
    Letter {
        kind: *kind,
        letter: of(*letter, c),
        class: of(*class, c),
        shown: if *shown == 0 { None } else { char::from_u32(u32::from(*shown)) },
    }
}

/// A character of one or two bytes in UTF-8: its kind and its class. The class is meaningless for [`Quick::Other`].
#[cfg(feature = "words")]
#[inline]
pub(crate) fn quick(code: u32) -> (Quick, u32) {
    let entry = QUICK.get(code as usize).copied().unwrap_or(0);
    (Quick::of(entry), entry & 0xff_ffff)
}

/// The symbol of an ASCII character at the beginning of a word: that of a letter, a space for all spaces, a full stop
/// for all other signs, 0 for invisible characters, or [`ODD`].
#[cfg(feature = "words")]
#[inline]
pub(crate) fn ascii_symbol(byte: u32) -> u8 {
    ASCII_SYMBOLS.get(byte as usize).copied().unwrap_or(ODD)
}

/// The same for a character of two bytes in UTF-8; the low byte of this number is its first byte.
#[cfg(feature = "words")]
#[inline]
pub(crate) fn symbol_of_two(bytes: u32) -> u8 {
    SYMBOLS.get((bytes & 0x1f | bytes >> 3 & 0x7e0) as usize).copied().unwrap_or(ODD)
}

/// The same for any character of one or two bytes.
#[cfg(feature = "words")]
pub(crate) fn symbol(code: u32) -> u8 {
    match code {
        0..0x80 => ascii_symbol(code),
        0x80..0x800 => symbol_of_two(code >> 6 | (code & 0x3f) << 8),
        _ => ODD,
    }
}

/// The class of a letter of one or two bytes in a script with spaces; `None` if the symbol does not determine it.
#[cfg(feature = "words")]
#[inline]
pub(crate) fn quick_class(code: u32) -> Option<u32> {
    const LETTER: u32 = (Quick::Letter as u32) << 24;
    let entry = QUICK.get(code as usize).copied().unwrap_or(0);
    // Of both kinds of letters.
    (entry.wrapping_sub(LETTER) < 2 << 24).then_some(entry & 0xff_ffff)
}

#[cfg(feature = "words")]
impl Quick {
    #[inline]
    const fn of(entry: u32) -> Self {
        match entry >> 24 {
            1 => Self::Letter,
            2 => Self::Joined,
            3 => Self::Nothing,
            4 => Self::Space,
            5 => Self::Clause,
            6 => Self::Sign,
            _ => Self::Other,
        }
    }
}

fn of(code: u16, c: char) -> char {
    if code == 0 { c } else { char::from_u32(u32::from(code)).unwrap_or(c) }
}

/// The letters that one character of [`Kind::Several`] stands for, small and without accents.
#[must_use]
pub fn several(letter: Letter) -> &'static str {
    let number = (letter.letter as usize).checked_sub(1).filter(|_| letter.kind == Kind::Several);
    number.and_then(|number| SEVERAL.get(number)).copied().unwrap_or_default()
}

/// The simplified character for a traditional one; any other character is itself. Without the feature `chinese` all
/// are.
///
/// ```
/// use plugin_sdk::text::letters::simplified;
/// # #[cfg(feature = "chinese")]
/// assert_eq!("免費紅旗".chars().map(simplified).collect::<String>(), "免费红旗");
/// assert_eq!(simplified('费'), '费');
/// ```
#[must_use]
#[inline]
pub fn simplified(c: char) -> char {
    char::from_u32(simplified_code(c as u32)).unwrap_or(c)
}

/// The same for the number of a character.
#[inline]
pub(crate) fn simplified_code(code: u32) -> u32 {
    let at = code.wrapping_sub(0x4e00) as usize;
    let bits = TRADITIONAL.get(at / 64).copied().unwrap_or(0);
    if bits >> (at % 64) & 1 == 0 { code } else { simplified_of(code, at, bits) }
}

#[inline(never)]
fn simplified_of(code: u32, at: usize, bits: u64) -> u32 {
    let rank = RANKS.get(at / 64).copied().unwrap_or(0);
    let before = usize::from(rank) + (bits & ((1 << (at % 64)) - 1)).count_ones() as usize;
    SIMPLIFIED.get(before).map_or(code, |code| u32::from(*code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(c: char) -> (Kind, char, char) {
        let read = read(c);
        (read.kind, read.letter, read.class)
    }

    #[test]
    #[cfg(feature = "words")]
    fn every_form_of_a_letter_reads_as_that_letter() {
        for c in "sSｓＳ𝐬𝒮𝔰𝕤𝖲𝗌𝘴𝙎𝚜ⓢⓈ⒮🄢🅂🅢🆂🇸ˢ".chars() {
            assert_eq!(reads(c), (Kind::Letter, 's', 's'), "{c}");
        }
        for (c, class) in [
            ('а', 'a'),
            ('е', 'e'),
            ('о', 'o'),
            ('р', 'p'),
            ('с', 'c'),
            ('х', 'x'),
            ('і', 'i'),
            ('ο', 'o'),
            ('α', 'a'),
            ('ʏ', 'y'),
            ('т', 't'),
            ('к', 'k'),
            ('м', 'm'),
            ('н', 'h'),
        ] {
            assert_eq!((read(c).letter, read(c).class), (c, class), "{c}");
        }
        assert_eq!(read('Ν').shown, Some('n'));
        assert_eq!(reads('ö'), (Kind::Accented, 'ö', 'o'));
        assert_eq!(reads('Ş'), (Kind::Accented, 'ş', 's'));
        assert_eq!(reads('ø'), (Kind::Accented, 'ø', 'o'));
        assert_eq!(reads('İ'), (Kind::Letter, 'i', 'i'));
        assert_eq!(reads('ı'), (Kind::Letter, 'ı', 'i'));
        assert_eq!(reads('l'), (Kind::Letter, 'l', 'i'));
        assert_eq!((several(read('ß')), several(read('ﬁ')), several(read('ẞ'))), ("ss", "fi", "ss"));
    }

    #[test]
    #[cfg(feature = "words")]
    fn scripts_without_latin_letters_keep_their_own() {
        assert_eq!(reads('が').1, 'が');
        assert_eq!(reads('가').1, '가');
        assert_eq!(reads('ि').0, Kind::Letter, "a vowel of Hindi is no accent");
        assert_eq!(reads('أ').1, 'ا');
        assert_eq!(reads('ﻢ').1, 'م');
        assert_eq!(reads('\u{640}').0, Kind::Mark);
        assert_eq!(reads('\u{64e}').0, Kind::Mark);
        assert_eq!(reads('費').1, '费');
        assert_eq!(reads('免'), (Kind::Letter, '免', '免'));
    }

    #[test]
    fn signs_are_told_apart() {
        for (c, kind) in [
            ('。', Kind::Clause),
            (',', Kind::Clause),
            ('.', Kind::Sign),
            ('-', Kind::Sign),
            ('·', Kind::Sign),
            ('_', Kind::Sign),
            ('🔥', Kind::Emoji),
            ('❤', Kind::Emoji),
            ('\u{3000}', Kind::Space),
            ('\u{fffd}', Kind::Sign),
            ('５', Kind::Digit),
            ('\u{ad}', Kind::Invisible),
            ('\n', Kind::Space),
        ] {
            assert_eq!(read(c).kind, kind, "{c:?}");
        }
    }
}
