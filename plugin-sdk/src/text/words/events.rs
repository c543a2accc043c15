//! The positions of a text that must be examined: the first letter of each word, and everything but plain letters and
//! spaces.

use super::marks::{BLOCK, Marks, marks};
use super::prefixes::Prefixes;
use super::tokens;

/// The places in a text, in order.
pub(super) struct Events<'t> {
    bytes: &'t [u8],
    /// Where the current block begins.
    block: usize,
    marks: Marks,
    /// Positions of the block that are left.
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
    use crate::text::words::marks::is_plain;

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
}
