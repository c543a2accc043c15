//! The first filter for words of letters of one and two bytes: a few bytes rule out most words of most texts.

use super::grams::Grams;
use super::marks::{BLOCK, Marks, WINDOW};
use super::prefixes::{Prefixes, Token};

/// Bytes of a token that are examined.
const LEN: usize = 8;

/// The filter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tokens<'w> {
    pub(super) grams: &'w Grams,
    pub(super) prefixes: &'w Prefixes,
}

impl Tokens<'_> {
    /// Filters the positions where words begin in a block: keeps those at which a listed word may begin. Compares their
    /// first four symbols, and the whole token if it ends with a space inside the window and has no two adjacent
    /// letters of the same class. `bytes` are the text from the block on.
    #[inline(never)]
    pub(super) fn kept(self, symbols: &[u8; WINDOW], marks: Marks, starts: u64, bytes: &[u8]) -> u64 {
        let mut kept = self.kept_beyond_ascii(starts & !marks.ascii, bytes);
        let mut left = starts & marks.ascii;
        while left != 0 {
            let place = left.trailing_zeros() as usize;
            left &= left - 1;
            let Some(four) = symbols.get(place..).and_then(<[u8]>::first_chunk) else { continue };
            let gram = u32::from_le_bytes(*four);
            let may_begin = if gram & 0x8080_8080 != 0 { self.grams.have_pair(gram) } else { self.grams.have(gram) };
            let may_begin = may_begin && self.may_be_token(symbols, marks, place);
            if may_begin && (gram & 0x8080_8080 == 0 || self.may_begin_with(gram, bytes, place)) {
                kept |= 1 << place;
            }
        }
        kept
    }

    /// The same for a word with odd bytes among the first four.
    #[inline]
    fn may_begin_with(self, gram: u32, bytes: &[u8], place: usize) -> bool {
        // A digit, or a sign that stands for a letter.
        let is_sign = gram & 0x8000 != 0 && bytes.get(place + 1).is_some_and(u8::is_ascii);
        is_sign || self.grams.may_begin(bytes, place)
    }

    /// The same for words that begin with a letter of two bytes.
    #[inline]
    fn kept_beyond_ascii(self, starts: u64, bytes: &[u8]) -> u64 {
        let (mut left, mut kept) = (starts, 0);
        while left != 0 {
            let place = left.trailing_zeros() as usize;
            left &= left - 1;
            if self.grams.may_begin_word(bytes, place) {
                kept |= 1 << place;
            }
        }
        kept
    }

    /// Whether a token may be a word, or the beginning of a phrase.
    fn may_be_token(self, symbols: &[u8; WINDOW], marks: Marks, place: usize) -> bool {
        let len = (!(marks.ascii >> place)).trailing_zeros() as usize;
        // Two letters at least, in this block.
        if len < 2 || place + len > BLOCK || symbols.get(place + len) != Some(&b' ') {
            return true;
        }
        let token = symbols.get(place..).and_then(<[u8]>::first_chunk);
        let token = token.and_then(|token| token_of(u64::from_le_bytes(*token), len as u32));
        token.is_none_or(|token| self.prefixes.have_token(token))
    }
}

/// The first eight letters of a token; `None` if two adjacent ones have the same class.
#[inline]
fn token_of(symbols: u64, len: u32) -> Option<Token> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES * 0x80;
    let inner = if len < LEN as u32 { (1 << (len * 8)) - 1 } else { u64::MAX };
    let classes = symbols & inner;
    let other_than_next = ((classes ^ (classes >> 8)) & (ONES * 0x7f)) + ONES * 0x7f;
    let is_token = (classes | (!other_than_next & (inner >> 8))) & HIGH == 0;
    is_token.then_some(Token(classes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::words::marks::marks;

    fn token(text: &str) -> Option<String> {
        let mut symbols = [0; WINDOW];
        marks(text.as_bytes(), 0, &mut symbols);
        let first = symbols.first_chunk().unwrap();
        let Token(token) = token_of(u64::from_le_bytes(*first), text.len() as u32)?;
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
        ] {
            assert_eq!(token(text).as_deref(), expected, "{text}");
        }
    }
}
