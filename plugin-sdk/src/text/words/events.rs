//! The positions of a text that must be examined: the first letter of each word, and everything but plain letters and
//! spaces.

use super::marks::{BLOCK, Marks, PADDING, WINDOW, marks};
use super::tokens::Tokens;

/// Which positions of a text are examined.
#[derive(Debug, Clone, Copy)]
pub(super) struct Looks<'w> {
    /// Each letter, and not only the first one of a word.
    pub(super) every_letter: bool,
    /// Each sign, and not only those that stand for letters.
    pub(super) every_sign: bool,
    /// Filters tokens in ASCII.
    pub(super) tokens: Option<Tokens<'w>>,
}

/// Iterates over the positions of a text, in order.
pub(super) struct Events<'t> {
    bytes: &'t [u8],
    /// Where the current block begins.
    block: usize,
    marks: Marks,
    symbols: [u8; WINDOW],
    /// The remaining positions of the current block.
    places: u64,
    looks: Looks<'t>,
}

impl<'t> Events<'t> {
    pub(super) fn new(text: &'t str, looks: Looks<'t>) -> Self {
        let (marks, symbols) = (Marks::default(), PADDING);
        let mut events = Self { bytes: text.as_bytes(), block: 0, marks, symbols, places: 0, looks };
        events.look_at(0);
        events
    }

    #[inline]
    fn look_at(&mut self, block: usize) {
        let ends_with_letter = self.marks.letters >> (BLOCK - 1);
        self.block = block;
        self.marks = marks(self.bytes, block, &mut self.symbols);
        let Marks { letters, odd, .. } = self.marks;
        let mut starts = if self.looks.every_letter { letters } else { letters & !(letters << 1 | ends_with_letter) };
        if let Some(tokens) = self.looks.tokens {
            let rest = self.bytes.get(block..).unwrap_or_default();
            starts = tokens.kept(&self.symbols, self.marks, starts, rest);
        }
        let signs = if self.looks.every_sign { self.signs() } else { odd };
        self.places = starts | (signs & !letters);
        if let Some(left @ 0..BLOCK) = self.bytes.len().checked_sub(block) {
            self.places &= (1 << left) - 1;
        }
    }

    /// Everything except spaces.
    #[inline(never)]
    fn signs(&self) -> u64 {
        let bytes = self.bytes.get(self.block..).unwrap_or_default();
        bytes.iter().zip(0..BLOCK).fold(0, |signs, (byte, at)| signs | u64::from(*byte != b' ') << at)
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

    /// Turns the filter off, from the next block on.
    pub(super) const fn keep_all(&mut self) {
        self.looks.tokens = None;
    }

    /// Skips to this position, at which no plain letter continues a word.
    #[inline]
    pub(super) fn skip_to(&mut self, at: usize) {
        let block = at - at % BLOCK;
        if block > self.block {
            // The character that ends here is not a plain letter.
            self.marks = Marks::default();
            (self.block, self.places) = (block, 0);
            if block < self.bytes.len() {
                self.look_at(block);
            }
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
    use crate::text::letters::{ODD, symbol};
    use crate::text::words::marks::is_plain;

    /// Whether a byte that is not a letter must be examined.
    fn is_odd(byte: u8) -> bool {
        !byte.is_ascii() || byte != b' ' && byte.is_ascii_whitespace() || [0, ODD].contains(&symbol(u32::from(byte)))
    }

    #[test]
    fn every_place_is_found_in_its_order() {
        let texts = ["", "a", " ", "ab cd, e1f", "日本 ab", "@AZ[`az{ \u{7f}é", "x", "éa ßь, كَلب٣ ÷ x×y\n."];
        for text in texts.iter().map(|text| text.repeat(13)).chain(texts.map(str::to_owned)) {
            for (every_letter, every_sign) in [(false, true), (true, true), (false, false)] {
                let bytes = text.as_bytes();
                let is_lead = |at: usize| bytes.get(at + 1).is_some_and(|next| is_plain(bytes[at], *next));
                let is_letter = |at: usize| bytes[at].is_ascii_alphabetic() || is_lead(at) || at > 0 && is_lead(at - 1);
                let expected: Vec<usize> = (0..bytes.len())
                    .filter(|at| match bytes[*at] {
                        b' ' => false,
                        _ if is_letter(*at) => every_letter || *at == 0 || !is_letter(at - 1),
                        byte => every_sign || is_odd(byte),
                    })
                    .collect();
                let looks = Looks { every_letter, every_sign, tokens: None };
                let mut events = Events::new(&text, looks);
                let found: Vec<usize> = std::iter::from_fn(|| events.next()).collect();
                assert_eq!(found, expected, "{text:?}");
                for from in (0..bytes.len()).filter(|from| *from == 0 || !is_letter(from - 1)) {
                    let mut events = Events::new(&text, looks);
                    events.skip_to(from);
                    let found: Vec<usize> = std::iter::from_fn(|| events.next()).collect();
                    let expected: Vec<usize> = expected.iter().copied().filter(|at| *at >= from).collect();
                    assert_eq!(found, expected, "{text:?} from {from}");
                }
            }
        }
    }
}
