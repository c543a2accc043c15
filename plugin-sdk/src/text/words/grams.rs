//! A filter for the beginnings of words, in scripts that put spaces between words: the set of all first four characters
//! that listed words can have, in any accepted spelling.
//!
//! Four symbols form one number. The set contains everything that a walk can read first: the letters of a word,
//! repeated letters, spaces and signs between letters, and whatever follows a short word. Digits and signs that stand
//! for letters, and characters of three or more bytes, have no symbols: positions with them always pass.

mod spelt;

use spelt::{END, LEN, SIGN, SPACE};

use super::bits::Bits;
use super::rules::{Rules, Strictness};
use super::trie::Trie;
use crate::text::letters::{ODD, ascii_symbol, symbol_of_two};

/// Bits for each number in the set, which gives one false positive in 25.
const BITS_PER_GRAM: usize = 24;
/// Number of words of the bit set of all pairs of symbols, 32 pairs each.
const PAIRS: usize = 1 << 11;

/// The beginnings of all words of a list.
#[derive(Debug)]
pub(super) struct Grams {
    words: Set,
    /// The beginnings of Arabic words, with and without joined prefixes.
    arabic: Set,
}

/// The sets of four symbols and of two.
#[derive(Debug)]
struct Set {
    fours: Bits,
    pairs: Box<[u32; PAIRS]>,
}

impl Grams {
    /// Builds the sets, if the rules allow the filter.
    pub(super) fn of(trie: &Trie, rules: Rules) -> Option<Self> {
        if !rules.whole_words || rules.strictness == Strictness::Aggressive {
            return None;
        }
        let words = Set::of(|each| spelt::of_words(trie, each));
        Some(Self { words, arabic: Set::of(|each| spelt::of_arabic(trie, each)) })
    }

    /// Whether a listed word may begin with these symbols; none of them is odd.
    #[inline]
    pub(super) fn have(&self, gram: u32) -> bool {
        self.words.have(gram)
    }

    /// Whether a listed word may begin with these two symbols. Higher bytes are ignored.
    #[inline]
    pub(super) fn have_pair(&self, gram: u32) -> bool {
        self.words.have_pair(gram)
    }

    /// Whether a listed word may begin at this position of a text.
    #[inline]
    pub(super) fn may_begin(&self, bytes: &[u8], at: usize) -> bool {
        self.words.may_begin(bytes, at)
    }

    /// Whether a listed word may begin at this position of a text, at the beginning of a word or after an Arabic
    /// prefix. After a mark without a letter, it may.
    #[inline]
    pub(super) fn may_begin_word(&self, bytes: &[u8], at: usize) -> bool {
        let is_arabic = bytes.get(at).is_some_and(|first| *first >= 0xd8);
        let set = if is_arabic { &self.arabic } else { &self.words };
        set.may_begin(bytes, at)
    }
}

impl Set {
    /// The set of all numbers that `of` passes to its argument.
    fn of(of: impl Fn(&mut dyn FnMut(u32))) -> Self {
        let mut count = 0;
        of(&mut |_| count += 1);
        let mut set = Self { fours: Bits::new(count, BITS_PER_GRAM), pairs: Box::new([0; PAIRS]) };
        of(&mut |gram| match gram < 1 << 16 {
            true => set.add_pair(gram),
            false => set.fours.set(spread(gram)),
        });
        // Symbols that are not letters always pass.
        for symbol in (0..=u32::from(u8::MAX)).filter(|symbol| !is_letter(*symbol as u8)) {
            for other in 0..=u32::from(u8::MAX) {
                set.add_pair(symbol << 8 | other);
                set.add_pair(other << 8 | symbol);
            }
        }
        set
    }

    fn add_pair(&mut self, pair: u32) {
        if let Some(pairs) = self.pairs.get_mut(pair as usize / 32) {
            *pairs |= 1 << (pair % 32);
        }
    }

    #[inline]
    fn have(&self, gram: u32) -> bool {
        self.fours.has(spread(gram))
    }

    #[inline]
    fn have_pair(&self, gram: u32) -> bool {
        let pairs = self.pairs.get((gram & 0xffff) as usize / 32);
        pairs.is_some_and(|pairs| pairs >> (gram % 32) & 1 != 0)
    }

    #[inline(never)]
    fn may_begin(&self, bytes: &[u8], at: usize) -> bool {
        let sixteen = bytes.get(at..).and_then(<[u8]>::first_chunk::<16>);
        let Some([low, high]) = sixteen.map(|sixteen| sixteen.as_chunks().0) else {
            return self.may_begin_with(bytes, at);
        };
        let (low, high) = (u64::from_le_bytes(*low), u64::from_le_bytes(*high));
        let answer = if are_twos(low) { self.answer_to_twos(low, high) } else { self.answer_to_letters(low) };
        answer.unwrap_or_else(|| self.may_begin_with(bytes, at))
    }

    /// Whether a word may begin with letters of two bytes.
    #[inline]
    fn answer_to_twos(&self, low: u64, high: u64) -> Option<bool> {
        let symbol = |nth: u32| u32::from(symbol_of_two((low >> (nth * 16)) as u32));
        let (first, second) = (symbol(0), symbol(1));
        if first == 0 {
            return Some(true);
        }
        if second == 0 {
            return self.answer_with_marks(low, high);
        }
        if !self.have_pair(first | second << 8) {
            return Some(false);
        }
        let gram = first | second << 8 | symbol(2) << 16 | symbol(3) << 24;
        if are_letters(gram) { Some(self.have(gram)) } else { self.answer_with_marks(low, high) }
    }

    /// Whether a word may begin with four letters of one or two bytes.
    #[inline]
    fn answer_to_letters(&self, mut word: u64) -> Option<bool> {
        let mut gram = 0;
        for shift in [0, 8, 16, 24] {
            let first = word as u32;
            let symbol = if first & 0x80 == 0 {
                word >>= 8;
                ascii_symbol(first & 0x7f)
            } else if first & 0xe0 == 0xc0 {
                word >>= 16;
                symbol_of_two(first)
            } else {
                return Some(true);
            };
            if !is_letter(symbol) {
                return match (symbol, shift) {
                    (0, 0) | (ODD, _) => Some(true),
                    // A space ends a word of adjacent letters.
                    (SPACE, 16..) => Some(self.are_word(gram)),
                    _ => None,
                };
            }
            gram |= u32::from(symbol) << shift;
            if shift == 8 && !self.have_pair(gram) {
                return Some(false);
            }
        }
        Some(self.have(gram))
    }

    /// Whether a word may begin with four letters of two bytes and the marks on them.
    #[inline]
    fn answer_with_marks(&self, low: u64, high: u64) -> Option<bool> {
        let (mut gram, mut shift) = (0, 0);
        for word in [low, high] {
            if !are_twos(word) {
                return None;
            }
            for nth in 0..4 {
                let symbol = symbol_of_two((word >> (nth * 16)) as u32);
                if symbol == 0 {
                    continue;
                }
                if !is_letter(symbol) {
                    return None;
                }
                gram |= u32::from(symbol) << shift;
                shift += 8;
                if shift == 16 && !self.have_pair(gram) {
                    return Some(false);
                }
                if shift == LEN * 8 {
                    return Some(self.have(gram));
                }
            }
        }
        None
    }

    /// The same with anything between the letters.
    #[inline(never)]
    fn may_begin_with(&self, bytes: &[u8], mut at: usize) -> bool {
        let (mut gram, mut shift) = (0, 0);
        while shift < LEN * 8 {
            let word = two(bytes, at);
            let symbol = if word & 0xe0 == 0xc0 {
                at += 2;
                symbol_of_two(word)
            } else if word & 0x80 == 0 {
                at += 1;
                ascii_symbol(word & 0x7f)
            } else {
                return true;
            };
            if !is_letter(symbol) {
                match symbol {
                    0 if shift > 0 => continue,
                    0 | ODD => return true,
                    _ if self.are_word(gram) => return true,
                    _ => {}
                }
            }
            gram |= u32::from(symbol) << shift;
            shift += 8;
            if shift == 16 && !self.have_pair(gram) {
                return false;
            }
            // Anything may follow a word that ends with a sign.
            if symbol == SIGN && shift < LEN * 8 && self.are_word(gram) {
                return true;
            }
        }
        self.have(gram)
    }

    /// Whether up to three symbols are a word, or continue after a space.
    fn are_word(&self, gram: u32) -> bool {
        self.have(gram | END)
    }
}

/// The two bytes at a position, padded with spaces beyond the end.
#[inline]
fn two(bytes: &[u8], at: usize) -> u32 {
    match bytes.get(at..).and_then(<[u8]>::first_chunk) {
        Some(two) => u32::from(u16::from_le_bytes(*two)),
        None => u32::from(bytes.get(at).copied().unwrap_or(SPACE)) | u32::from(SPACE) << 8,
    }
}

/// Whether eight bytes are four characters of two bytes; the first one must be known to be one.
#[inline]
const fn are_twos(bytes: u64) -> bool {
    const FIRSTS: u64 = 0x00e0_00e0_00e0_00e0;
    bytes & FIRSTS == FIRSTS & FIRSTS << 1
}

/// Whether a symbol stands for a letter.
#[inline]
pub(super) const fn is_letter(symbol: u8) -> bool {
    symbol.wrapping_sub(b'a') < ODD - b'a'
}

/// Whether all four symbols stand for letters.
#[inline]
const fn are_letters(gram: u32) -> bool {
    const HIGH: u32 = 0x8080_8080;
    let odd = ((gram & !HIGH) + 0x0101_0101) & gram;
    (gram | gram << 1) & !odd & HIGH == HIGH
}

#[inline]
const fn spread(gram: u32) -> u32 {
    gram.wrapping_mul(0x9e37_79b1)
}
