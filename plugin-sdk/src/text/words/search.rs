//! Goes through a text and finds where a word can begin.
//!
//! Most places are passed after a look at three letters, because few words begin with them. Only the others are walked.

use super::trie::Unit;
use super::walk::Walk;
use super::{Found, Words};
use crate::text::letters::{Kind, is_arabic, is_spaced, leet, read};

/// Which classes of letters words begin with, as bits at their hashes.
#[derive(Debug)]
pub(super) struct Beginnings {
    bits: Vec<u64>,
    /// Whether there are words of one letter, and of two.
    has_short: [bool; 2],
}

impl Beginnings {
    /// Room for this many bits per word, so that one in ten strange beginnings looks like a word's.
    const BITS_PER_WORD: usize = 12;

    pub(super) fn of(words: &[(Vec<Unit>, u32)]) -> Self {
        let bits = (words.len() * Self::BITS_PER_WORD).next_power_of_two().max(4096);
        let mut beginnings = Self { bits: vec![0; bits / 64], has_short: [false; 2] };
        for (units, _) in words {
            let classes: Vec<char> =
                units.iter().map(|unit| unit.class).filter(|class| *class != ' ').take(3).collect();
            let class = |at: usize| classes.get(at).copied().unwrap_or('\0');
            match classes.len() {
                len @ (1 | 2) => {
                    if let Some(has) = beginnings.has_short.get_mut(len - 1) {
                        *has = true;
                    }
                }
                _ => beginnings.add(class(0), class(1), '\0'),
            }
            beginnings.add(class(0), class(1), class(2));
        }
        beginnings
    }

    fn add(&mut self, first: char, second: char, third: char) {
        let hash = self.hash(first, second, third);
        if let Some(word) = self.bits.get_mut(hash / 64) {
            *word |= 1 << (hash % 64);
        }
    }

    fn hash(&self, first: char, second: char, third: char) -> usize {
        let mixed = (first as u32).wrapping_mul(0x9e37_79b1)
            ^ (second as u32).wrapping_mul(0x85eb_ca6b)
            ^ (third as u32).wrapping_mul(0xc2b2_ae35);
        let mixed = mixed ^ mixed >> 15;
        mixed as usize & (self.bits.len() * 64 - 1)
    }

    fn has(&self, first: char, second: char, third: char) -> bool {
        let hash = self.hash(first, second, third);
        self.bits.get(hash / 64).is_some_and(|word| word & 1 << (hash % 64) != 0)
    }

    /// Whether a word may begin with three letters.
    #[inline]
    fn have_three(&self, first: char, second: char, third: char) -> bool {
        let [one, two] = self.has_short;
        self.has(first, second, third) || two && self.has(first, second, '\0') || one && self.has(first, '\0', '\0')
    }

    /// Whether a word may begin with two letters.
    fn have_two(&self, first: char, second: char) -> bool {
        self.has(first, second, '\0') || self.has_short[0] && self.has(first, '\0', '\0')
    }
}

/// The classes of ASCII letters; 0 for what is none.
const ASCII: [u8; 128] = {
    let mut classes = [0; 128];
    let mut byte = 0;
    while byte < 128 {
        let lower = (byte as u8).to_ascii_lowercase();
        classes[byte] = match lower {
            b'l' => b'i',
            b'a'..=b'z' => lower,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

fn ascii(byte: u8) -> u8 {
    ASCII.get(usize::from(byte)).copied().unwrap_or(0)
}

/// What is left of a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Nothing that a word could go on from.
    Nothing,
    /// A letter of a script with spaces.
    Letter,
    Digit,
}

impl Words {
    /// Calls `found` for each place where a word occurs, until it returns false.
    pub(super) fn search(&self, text: &str, found: &mut dyn FnMut(Found) -> bool) {
        if self.trie.is_empty() {
            return;
        }
        let mut walk = Walk::new(text, &self.trie, self.rules);
        let bytes = text.as_bytes();
        let mut before = Before::Nothing;
        // Where the current word of Arabic begins.
        let mut arabic = 0;
        let mut at = 0;
        while let Some(byte) = bytes.get(at).copied() {
            let (mut begins, len, now);
            let class = ascii(byte);
            if class != 0 {
                (len, now) = (1, Before::Letter);
                begins = (before != Before::Letter || !self.rules.whole_words) && self.may_begin(bytes, at, class);
            } else if byte == b' ' {
                (begins, len, now) = (false, 1, Before::Nothing);
            } else {
                let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) else { return };
                len = c.len_utf8();
                (begins, now) = self.other(text, at, c, before);
                if is_arabic(c) {
                    arabic = if before == Before::Letter { arabic } else { at };
                    // A preposition, the article, or both can be joined to a word.
                    begins |= at > arabic && at - arabic <= PREFIX_BYTES_MAX && now == Before::Letter;
                }
            }
            if begins
                && let Some(word) = walk.from(at)
                && !found(word)
            {
                return;
            }
            before = now;
            at += len;
        }
    }

    /// Whether a word may begin at an ASCII letter.
    #[inline]
    fn may_begin(&self, bytes: &[u8], at: usize, class: u8) -> bool {
        let next = |at: usize| bytes.get(at).copied().map_or(0, ascii);
        let (second, third) = (next(at + 1), next(at + 2));
        // What is no plain letter, or the same one again, can be a disguise.
        second == 0
            || third == 0
            || second == class
            || third == second
            || self.beginnings.have_three(char::from(class), char::from(second), char::from(third))
    }

    /// Whether a word may begin at a character that is no ASCII letter, and what this is for the next one.
    fn other(&self, text: &str, at: usize, c: char, before: Before) -> (bool, Before) {
        let letter = read(c);
        match letter.kind {
            Kind::Mark | Kind::Invisible => (false, before),
            Kind::Space => (false, Before::Nothing),
            Kind::Letter | Kind::Accented | Kind::Several
                if is_spaced(letter.letter) || letter.kind == Kind::Several =>
            {
                (before != Before::Letter || !self.rules.whole_words, Before::Letter)
            }
            Kind::Letter | Kind::Accented | Kind::Several => {
                let next = text.get(at + c.len_utf8()..).and_then(|rest| rest.chars().next()).map(read);
                let may_begin = match next {
                    Some(next) if next.kind == Kind::Letter && next.class != letter.class => {
                        self.beginnings.have_two(letter.class, next.class)
                    }
                    _ => true,
                };
                (may_begin, Before::Nothing)
            }
            Kind::Digit => (before != Before::Digit, Before::Digit),
            Kind::Sign | Kind::Clause | Kind::Emoji => {
                let is_letter = !leet(letter.letter).is_empty() && before != Before::Letter;
                let is_listed = self.trie.child(0, letter.letter, letter.class).is_some();
                (is_letter || is_listed, Before::Nothing)
            }
        }
    }
}

/// The longest prefix that can be joined to an Arabic word, in bytes: four letters.
const PREFIX_BYTES_MAX: usize = 8;
