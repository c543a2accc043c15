//! The beginnings of listed words, as bits: a first filter that rules out nearly all positions of a text.
//!
//! A prefix is a sequence of classes in which no class follows itself, because a letter can be repeated. Its hash is
//! computed letter by letter, and each hash sets one bit (a Bloom filter with one hash function). A text is followed
//! while its letters form a prefix. Listed words always pass; about one in ten others passes too.

use super::bits::Bits;
use super::trie::Trie;
use crate::text::letters::{Kind, leet, read};

/// Maximum length of a prefix that has a bit, in letters. Longer ones always pass.
pub(super) const LETTERS_MAX: u8 = 16;
/// Bits for each letter of the list after common beginnings.
const BITS_PER_LETTER: usize = 12;
/// Letters of a token's key, one in each byte.
const TOKEN_LETTERS: usize = 8;

/// Where listed words end. No class of a letter is as high.
const END: u32 = 0x11_0000;
/// Where words end or go on after a space, or as below.
const PART: u32 = 0x11_0002;
/// Where words go on with letters of a script without spaces, after others.
const MIXED: u32 = 0x11_0001;

/// The beginning of a word, by its hash.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prefix(u32);

impl Prefix {
    pub(super) const NONE: Self = Self(0x2545_f491);

    /// The prefix with one more class.
    #[inline]
    pub(super) const fn then(self, class: u32) -> Self {
        Self((self.0 ^ class).wrapping_mul(0x9e37_79b1))
    }
}

/// The first eight letters in ASCII of a word or of a phrase's first word, by class, one in each byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token(pub(super) u64);

/// The beginnings of all words of a list.
#[derive(Debug)]
pub(super) struct Prefixes {
    bits: Bits,
    /// A bit for each sign and digit in ASCII that a word can begin with, as itself or for a letter.
    signs: [u64; 2],
    /// Whether words begin with signs that stand for no letter.
    pub(super) begin_with_signs: bool,
    /// Some words have a sign in them.
    pub(super) has_signs: bool,
    /// Some words are one character, or the same one several times.
    pub(super) has_single: bool,
}

/// A prefix during the traversal of the list, and its node.
struct Step {
    node: u32,
    prefix: Prefix,
    /// The class that was added last.
    last: u32,
    letters: u8,
    /// The letters so far, if a token can have them.
    token: Option<(u64, usize)>,
}

impl Prefixes {
    pub(super) fn of(trie: &Trie) -> Self {
        let mut prefixes = Self {
            bits: Bits::new(trie.len(), BITS_PER_LETTER),
            signs: [0; 2],
            begin_with_signs: false,
            has_signs: false,
            has_single: false,
        };
        for sign in (0..128_u8).filter(|byte| !leet(char::from(*byte)).is_empty()) {
            prefixes.add_sign(sign);
        }
        for unit in trie.children(0).1 {
            let class = unit.class as u32;
            if class < 128 && !unit.class.is_ascii_alphabetic() {
                prefixes.add_sign(class as u8);
                prefixes.begin_with_signs |= leet(unit.class).is_empty();
            }
        }
        let root = Step { node: 0, prefix: Prefix::NONE, last: 0, letters: 0, token: Some((0, 0)) };
        let mut steps = vec![root];
        while let Some(step) = steps.pop() {
            prefixes.add(trie, &step, &mut steps);
        }
        prefixes
    }

    /// Adds what goes on from one prefix.
    fn add(&mut self, trie: &Trie, step: &Step, steps: &mut Vec<Step>) {
        let (first, units) = trie.children(step.node);
        let is_mixed = trie.is_mixed(step.node);
        let is_end = trie.word(step.node).is_some();
        if is_end {
            self.has_single |= step.letters == 1;
            self.bits.set(step.prefix.then(END).0);
        }
        if is_mixed {
            self.bits.set(step.prefix.then(MIXED).0);
        }
        let is_part = is_end || is_mixed || trie.child(step.node, ' ', ' ').is_some();
        if is_part {
            self.bits.set(step.prefix.then(PART).0);
        }
        match step.token {
            Some((token, len)) if is_part || len == TOKEN_LETTERS => self.bits.set(spread(Token(token))),
            _ => {}
        }
        for (at, unit) in units.iter().enumerate() {
            let class = unit.class as u32;
            // Some modifier letters read as signs.
            let is_sign = matches!(read(unit.letter).kind, Kind::Sign | Kind::Clause | Kind::Emoji);
            self.has_signs |= is_sign || !(unit.letter.is_alphanumeric() || unit.letter == ' ');
            let is_same = class == step.last;
            let next = Step {
                node: first + at as u32,
                prefix: if is_same { step.prefix } else { step.prefix.then(class) },
                last: class,
                letters: step.letters + u8::from(!is_same),
                token: step
                    .token
                    .filter(|(_, len)| !is_same && *len < TOKEN_LETTERS && is_small(class))
                    .map(|(token, len)| (token | u64::from(class) << (len * 8), len + 1)),
            };
            self.bits.set(next.prefix.0);
            if next.letters < LETTERS_MAX {
                steps.push(next);
            }
        }
    }

    fn add_sign(&mut self, sign: u8) {
        if let Some(bits) = self.signs.get_mut(usize::from(sign / 64)) {
            *bits |= 1 << (sign % 64);
        }
    }

    /// Whether a word may begin like this.
    #[inline]
    pub(super) fn has(&self, prefix: Prefix) -> bool {
        self.bits.has(prefix.0)
    }

    /// Whether this may be a whole word.
    #[inline]
    pub(super) fn have_end(&self, prefix: Prefix) -> bool {
        self.bits.has(prefix.then(END).0)
    }

    /// Whether a word may begin like this and go on in a script without spaces.
    pub(super) fn are_mixed(&self, prefix: Prefix) -> bool {
        self.bits.has(prefix.then(MIXED).0)
    }

    /// Whether letters with a space after them may be a word, or the beginning of a phrase.
    #[inline]
    pub(super) fn have_part(&self, prefix: Prefix) -> bool {
        self.bits.has(prefix.then(PART).0)
    }

    /// Whether a token with a space after it may be a word, or the beginning of a phrase. Of a longer token its first
    /// letters are known.
    #[inline]
    pub(super) fn have_token(&self, token: Token) -> bool {
        self.bits.has(spread(token))
    }

    /// Whether a word may begin with this sign in ASCII.
    #[inline]
    pub(super) fn have_sign(&self, sign: u8) -> bool {
        self.signs.get(usize::from(sign / 64)).is_some_and(|bits| bits >> (sign % 64) & 1 != 0)
    }
}

const fn is_small(class: u32) -> bool {
    matches!(class, 0x61..=0x7a)
}

#[inline]
const fn spread(token: Token) -> u32 {
    (token.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
}
