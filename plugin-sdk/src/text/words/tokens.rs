//! Tokens of ASCII letters with a space after them: most words of most texts, ruled out by eight bytes.

use super::marks::{BLOCK, Marks};
use super::prefixes::{Prefixes, Token};

/// Bytes of a token that are examined.
const LEN: usize = 8;

/// Of the positions of a block where words in ASCII begin, those at which no listed word does: by their first two letters,
/// and by the whole token if it ends with a space inside the block and has no two adjacent letters of the same class.
#[inline(never)]
pub(super) fn ruled_out(bytes: &[u8; BLOCK + LEN], starts: u64, marks: Marks, prefixes: &Prefixes) -> u64 {
    // Letters with two bytes begin no token.
    let mut starts = starts & marks.ascii;
    let mut ruled_out = 0;
    while starts != 0 {
        let place = starts.trailing_zeros();
        let start = starts & starts.wrapping_neg();
        starts ^= start;
        if marks.ascii >> place & 2 != 0
            && let Some([first, second]) = bytes.get(place as usize..).and_then(<[u8]>::first_chunk)
            && !prefixes.have_pair(*first, *second)
        {
            ruled_out |= start;
            continue;
        }
        let len = (!(marks.letters >> place)).trailing_zeros();
        // Two letters at least. Beyond the block, a shift has no bits left.
        let has_space = len >= 2 && marks.spaces.checked_shr(place + len).unwrap_or(0) & 1 != 0;
        if has_space
            && let Some(token) = bytes.get(place as usize..).and_then(<[u8]>::first_chunk)
            && let Some(token) = token_of(u64::from_le_bytes(*token), len)
            && !prefixes.have_token(token)
        {
            ruled_out |= start;
        }
    }
    ruled_out
}

/// Letters of a token, of more than eight the first ones; `None` if they are not all in ASCII, or if two adjacent
/// ones have the same class.
#[inline]
fn token_of(word: u64, len: u32) -> Option<Token> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES * 0x80;
    let inner = if len < LEN as u32 { (1 << (len * 8)) - 1 } else { u64::MAX };
    // Small letters. The class of an l is an i.
    let small = (word & inner) | (ONES * 0x20);
    let other_than_l = ((small ^ (ONES * b'l' as u64)) & (ONES * 0x7f)) + ONES * 0x7f;
    let classes = (small ^ (((!other_than_l & HIGH) >> 7) * u64::from(b'l' ^ b'i'))) & inner;
    let other_than_next = ((classes ^ (classes >> 8)) & (ONES * 0x7f)) + ONES * 0x7f;
    let is_token = (classes | (!other_than_next & (inner >> 8))) & HIGH == 0;
    is_token.then_some(Token(classes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> Option<String> {
        let mut bytes = [b' '; LEN];
        let len = text.len().min(LEN);
        bytes[..len].copy_from_slice(&text.as_bytes()[..len]);
        let Token(token) = token_of(u64::from_le_bytes(bytes), text.len() as u32)?;
        Some(String::from_utf8(token.to_le_bytes().into_iter().filter(|byte| *byte != 0).collect()).unwrap())
    }

    #[test]
    fn a_token_is_its_classes() {
        for (text, expected) in [
            ("Word", Some("word")),
            ("so", Some("so")),
            ("Loud", Some("ioud")),
            ("abcdefghijk", Some("abcdefgh")),
            ("abcdefgh", Some("abcdefgh")),
            ("see", None),
            ("Aa", None),
            ("ilo", None),
            ("abcdefghh", Some("abcdefgh")),
            ("né", None),
        ] {
            assert_eq!(token(text).as_deref(), expected, "{text}");
        }
    }
}
