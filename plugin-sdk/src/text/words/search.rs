//! Goes through a text and finds where a word can begin.
//!
//! Most places are passed after a look at three letters, because few words begin with them, and most of the others
//! after following plain letters to where no word goes on. Only what is left is walked.

use super::events::Events;
use super::rules::{Found, Rules, Strictness};
use super::trie::{Trie, Unit};
use super::walk::Walk;
use crate::text::letters::{Kind, Letter, is_arabic, is_spaced, leet, plain_class, read, simplified};

/// Which classes of letters words begin with, as bits at their hashes.
#[derive(Debug)]
pub(super) struct Beginnings {
    bits: Vec<u64>,
    /// The same for pairs of ASCII letters: a bit for each second one.
    pairs: [u32; 32],
    /// A bit for each sign in ASCII that a word can begin with, as itself or for a letter.
    signs: u128,
    /// Whether there are words of one letter, and of two.
    has_short: [bool; 2],
}

/// The row or the bit of an ASCII letter's class.
#[inline]
const fn row(class: u8) -> u8 {
    class & 31
}

/// Stands for any class.
const ANY: char = '\0';

impl Beginnings {
    /// Room for this many bits per word, so that one in ten strange beginnings looks like a word's.
    const BITS_PER_WORD: usize = 16;

    pub(super) fn of(words: &[(Vec<Unit>, u32)]) -> Self {
        let bits = (words.len() * Self::BITS_PER_WORD).next_power_of_two().max(4096);
        let mut beginnings = Self { bits: vec![0; bits / 64], pairs: [0; 32], signs: 0, has_short: [false; 2] };
        for sign in (0..128_u8).filter(|byte| !leet(char::from(*byte)).is_empty()) {
            beginnings.signs |= 1 << sign;
        }
        for (units, _) in words {
            let mut classes = units.iter().map(|unit| unit.class);
            let [first, second, third] = [(); 3].map(|()| classes.next());
            let (first, with_second) = (first.unwrap_or(ANY), second.unwrap_or(ANY));
            match (second, third) {
                (None, _) => beginnings.has_short[0] = true,
                (_, None) => beginnings.has_short[1] = true,
                _ => {}
            }
            if first.is_ascii() {
                beginnings.signs |= 1 << first as u8;
            }
            beginnings.add(first, ANY, ANY);
            beginnings.add(first, with_second, ANY);
            beginnings.add(first, with_second, third.unwrap_or(ANY));
            // A phrase without its spaces.
            let mut letters = units.iter().map(|unit| unit.class).filter(|class| *class != ' ');
            let [first, second, third] = [(); 3].map(|()| letters.next().unwrap_or(ANY));
            beginnings.add(first, second, ANY);
            beginnings.add(first, second, third);
        }
        beginnings
    }

    fn add(&mut self, first: char, second: char, third: char) {
        let hash = self.hash(first, second, third);
        if let Some(word) = self.bits.get_mut(hash / 64) {
            *word |= 1 << (hash % 64);
        }
        let of = |c: char| if c.is_ascii() { row(c as u8) } else { 0 };
        // A word of one letter goes on with anything, and so does one whose first letter is repeated.
        let seconds = if second.is_ascii_lowercase() {
            1 << of(second) | 1 << of(first)
        } else if second == ANY {
            0
        } else {
            1 << of(first)
        };
        if let Some(row) = self.pairs.get_mut(usize::from(of(first))).filter(|_| first.is_ascii_lowercase()) {
            *row |= seconds;
        }
    }

    /// Whether a word may begin here as it is listed, if that is in ASCII: it goes on with a letter or a space.
    fn may_be_listed(&self, bytes: &[u8], at: usize) -> bool {
        let Some([first, second]) = bytes.get(at..).and_then(<[u8]>::first_chunk) else { return true };
        if !first.is_ascii() {
            return true;
        }
        let class = if ascii(*first) == 0 { char::from(*first) } else { char::from(ascii(*first)) };
        match (*second, ascii(*second)) {
            (b' ', _) => self.has(class, ' ', ANY) || self.has_short[0] && self.has(class, ANY, ANY),
            (_, 0) => false,
            (_, second) => char::from(second) != class && self.has(class, char::from(second), ANY),
        }
    }

    /// Whether a word may begin with this sign in ASCII.
    #[inline]
    const fn have_sign(&self, sign: u8) -> bool {
        self.signs >> (sign & 127) & 1 != 0
    }

    /// Whether a word may begin with two ASCII letters.
    #[inline]
    fn have_pair(&self, first: u8, second: u8) -> bool {
        let seconds = self.pairs.get(usize::from(row(first))).copied().unwrap_or(0);
        seconds >> row(second) & 1 != 0 || self.has_short[0]
    }

    #[inline]
    fn hash(&self, first: char, second: char, third: char) -> usize {
        let mixed = (first as u32).wrapping_mul(0x9e37_79b1)
            ^ (second as u32).wrapping_mul(0x85eb_ca6b)
            ^ (third as u32).wrapping_mul(0xc2b2_ae35);
        (mixed ^ mixed >> 15) as usize & (self.bits.len() * 64 - 1)
    }

    #[inline]
    fn has(&self, first: char, second: char, third: char) -> bool {
        let hash = self.hash(first, second, third);
        self.bits.get(hash / 64).is_some_and(|word| word & 1 << (hash % 64) != 0)
    }

    /// Whether a word may begin with three letters.
    #[inline]
    fn have_three(&self, first: char, second: char, third: char) -> bool {
        let [one, two] = self.has_short;
        // A letter that is repeated can be one letter of the list, so what follows is not known.
        if first == second {
            return self.has(first, ANY, ANY);
        }
        self.has(first, second, third)
            || (two || second == third) && self.has(first, second, ANY)
            || one && self.has(first, ANY, ANY)
    }

    /// Whether a word may begin with two letters.
    #[inline]
    fn have_two(&self, first: char, second: char) -> bool {
        self.has(first, second, ANY) || (first == second || self.has_short[0]) && self.has(first, ANY, ANY)
    }

    /// Whether a word may be, or may begin with, one letter that stands alone or two.
    fn have_alone(&self, first: char, second: Option<char>) -> bool {
        match second {
            Some(second) => self.has(first, second, ' ') || self.has_short[1] && self.has(first, second, ANY),
            None => self.has(first, ' ', ANY) || self.has_short[0] && self.has(first, ANY, ANY),
        }
    }
}

/// The classes of ASCII letters; 0 for what is none.
#[allow(clippy::indexing_slicing, reason = "in a constant, an index out of bounds does not compile")]
const ASCII: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
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

#[inline]
fn ascii(byte: u8) -> u8 {
    ASCII.get(byte as usize).copied().unwrap_or(0)
}

/// What is left of a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Nothing that a word could go on from.
    Nothing,
    /// A letter of a script with spaces.
    Letter,
    /// Letters that can be joined to an Arabic word.
    Prefix,
    Digit,
}

impl Before {
    const fn is_letter(self) -> bool {
        matches!(self, Self::Letter | Self::Prefix)
    }
}

/// A search for the words of a list.
pub(super) struct Search<'w> {
    pub(super) trie: &'w Trie,
    pub(super) beginnings: &'w Beginnings,
    pub(super) rules: Rules,
}

impl Search<'_> {
    /// Calls `found` for each place where a word occurs, until it returns false.
    pub(super) fn each(&self, text: &str, found: &mut dyn FnMut(Found) -> bool) {
        if self.trie.is_empty() {
            return;
        }
        let mut walk = Walk::new(text, self.trie, self.rules);
        let bytes = text.as_bytes();
        let mut events = Events::new(text, !self.rules.whole_words);
        // What the last character was that is no ASCII letter, and where it ended.
        let (mut last, mut end) = (Before::Nothing, 0);
        while let Some(at) = events.next() {
            let Some(byte) = bytes.get(at).copied() else { return };
            let class = ascii(byte);
            let begins = if class != 0 {
                let is_inner = self.rules.whole_words && last.is_letter() && end == at;
                !is_inner && self.may_begin(bytes, at, class)
            } else if is_ideograph(byte) {
                match self.ideographs(text, at, &mut walk, found) {
                    Some(next) => (last, end) = (Before::Nothing, next),
                    None => return,
                }
                events.skip_to(end);
                false
            } else {
                let before = match at.checked_sub(1).and_then(|before| bytes.get(before)) {
                    _ if end == at => last,
                    Some(byte) if ascii(*byte) != 0 => Before::Letter,
                    _ => Before::Nothing,
                };
                let is_sign = byte.is_ascii() && !byte.is_ascii_digit();
                if is_sign && (walk.is_exhausted() || !self.beginnings.have_sign(byte)) {
                    (last, end) = (if byte.is_ascii_control() && byte > 13 { before } else { Before::Nothing }, at + 1);
                    continue;
                }
                let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) else { return };
                end = at + c.len_utf8();
                let begins;
                (begins, last) =
                    if walk.is_exhausted() { self.as_listed(c, before) } else { self.other(text, at, c, before) };
                if !byte.is_ascii() {
                    if last == Before::Letter && self.rules.whole_words {
                        end = after_plain_letters(bytes, end);
                    }
                    events.skip_to(end);
                }
                begins
            };
            if begins
                && (!walk.is_exhausted() || self.beginnings.may_be_listed(bytes, at))
                && let Some(word) = walk.from(at)
                && !found(word)
            {
                return;
            }
        }
    }

    /// Goes through Chinese characters that follow each other, and returns where they end; `None` if nothing more is
    /// to be found.
    fn ideographs(
        &self,
        text: &str,
        mut at: usize,
        walk: &mut Walk<'_>,
        found: &mut dyn FnMut(Found) -> bool,
    ) -> Option<usize> {
        let bytes = text.as_bytes();
        let Some(mut class) = ideograph(bytes, at) else {
            // Another character that begins like these.
            let c = text.get(at..)?.chars().next()?;
            if self.other(text, at, c, Before::Nothing).0
                && let Some(word) = walk.from(at)
                && !found(word)
            {
                return None;
            }
            return Some(at + c.len_utf8());
        };
        loop {
            let next = ideograph(bytes, at + 3);
            let begins = match next {
                Some(next) => self.beginnings.have_two(class, next),
                None => {
                    let first = Letter { kind: Kind::Letter, letter: class, class, shown: None };
                    self.may_begin_here(text, at + 3, first)
                }
            };
            if begins
                && let Some(word) = walk.from(at)
                && !found(word)
            {
                return None;
            }
            at += 3;
            match next {
                Some(next) => class = next,
                None => return Some(at),
            }
        }
    }

    /// Whether a word may begin at an ASCII letter.
    #[inline]
    fn may_begin(&self, bytes: &[u8], at: usize, class: u8) -> bool {
        let Some([_, second, third, fourth]) = bytes.get(at..).and_then(<[u8]>::first_chunk) else {
            return self.may_begin_at_end(bytes, at, class);
        };
        let second_class = ascii(*second);
        if second_class == 0 {
            // `a `, but not `a b `, which can be a word that is drawn out.
            let is_drawn_out = match third {
                b' ' => *fourth != b' ',
                third => ascii(*third) == 0 || ascii(*fourth) == 0,
            };
            let is_alone = *second == b' ' || !is_open(bytes, at + 1);
            return !is_alone || is_drawn_out || self.beginnings.have_alone(char::from(class), None);
        }
        if !self.beginnings.have_pair(class, second_class) {
            return false;
        }
        let third_class = ascii(*third);
        let (first, second) = (char::from(class), char::from(second_class));
        if third_class == 0 {
            return *third != b' ' && is_open(bytes, at + 2) || self.beginnings.have_alone(first, Some(second));
        }
        self.beginnings.have_three(first, second, char::from(third_class))
            && (self.rules.strictness == Strictness::Aggressive || self.trie.may_go_on(bytes, at))
    }

    /// The same in the last three bytes.
    fn may_begin_at_end(&self, bytes: &[u8], at: usize, class: u8) -> bool {
        let next = |at: usize| bytes.get(at).copied().map_or(0, ascii);
        let first = char::from(class);
        match (next(at + 1), next(at + 2)) {
            (0, _) => is_open(bytes, at + 1) || self.beginnings.have_alone(first, None),
            (second, 0) => is_open(bytes, at + 2) || self.beginnings.have_alone(first, Some(char::from(second))),
            (second, third) => self.beginnings.have_three(first, char::from(second), char::from(third)),
        }
    }

    /// Whether a word may begin at a character that is no ASCII letter, and what this is for the next one.
    fn other(&self, text: &str, at: usize, c: char, before: Before) -> (bool, Before) {
        let letter = read(c);
        let is_whole = self.rules.whole_words;
        match letter.kind {
            Kind::Mark | Kind::Invisible => (false, before),
            Kind::Space => (false, Before::Nothing),
            Kind::Several => (!before.is_letter() || !is_whole, Before::Letter),
            Kind::Letter | Kind::Accented if is_spaced(letter.letter) => {
                let begins = match before {
                    Before::Letter => !is_whole,
                    _ => true,
                };
                let is_joined = is_arabic(c) && before != Before::Letter && is_joined(letter.letter);
                let now = if is_joined { Before::Prefix } else { Before::Letter };
                (begins && self.may_begin_here(text, at + c.len_utf8(), letter), now)
            }
            Kind::Letter | Kind::Accented => (self.may_begin_here(text, at + c.len_utf8(), letter), Before::Nothing),
            Kind::Digit => (before != Before::Digit, Before::Digit),
            Kind::Sign | Kind::Clause | Kind::Emoji => {
                let is_letter = !leet(letter.letter).is_empty() && !before.is_letter();
                let is_listed = self.trie.child(0, letter.letter, letter.class).is_some();
                (is_letter || is_listed, Before::Nothing)
            }
        }
    }

    /// The same where only words as they are listed are looked for.
    fn as_listed(&self, c: char, before: Before) -> (bool, Before) {
        let letter = read(c);
        let now = match letter.kind {
            Kind::Mark | Kind::Invisible => return (false, before),
            Kind::Digit => Before::Digit,
            Kind::Letter | Kind::Accented | Kind::Several if is_spaced(letter.letter) => Before::Letter,
            _ => Before::Nothing,
        };
        let is_inner = now == before && now != Before::Nothing && self.rules.whole_words;
        (!is_inner && self.beginnings.has(letter.class, ANY, ANY), now)
    }

    /// Whether a word may begin with this letter and with what follows it.
    fn may_begin_here(&self, text: &str, after: usize, first: Letter) -> bool {
        if first.shown.is_some() {
            return true;
        }
        let mut rest = text.get(after..).unwrap_or_default().chars();
        // Three letters, as nearly always.
        if is_spaced(first.letter)
            && let (Some(second), Some(third)) = (rest.next().and_then(plain_class), rest.next().and_then(plain_class))
        {
            return self.beginnings.have_three(first.class, second, third);
        }
        let mut next = text.get(after..).unwrap_or_default().chars().map(read);
        let is_letter =
            |letter: &Letter| matches!(letter.kind, Kind::Letter | Kind::Accented) && letter.shown.is_none();
        let second = next.next();
        if is_spaced(first.letter) {
            let third = next.next();
            return match (second, third) {
                (Some(second), Some(third)) if is_letter(&second) && is_letter(&third) => {
                    self.beginnings.have_three(first.class, second.class, third.class)
                }
                (None, _) => self.beginnings.have_alone(first.class, None),
                (Some(second), None) if is_letter(&second) => {
                    self.beginnings.have_alone(first.class, Some(second.class))
                }
                (Some(second), Some(third)) if is_letter(&second) && third.kind == Kind::Space => {
                    self.beginnings.have_alone(first.class, Some(second.class))
                }
                _ => true,
            };
        }
        match second {
            Some(second) if is_letter(&second) => self.beginnings.have_two(first.class, second.class),
            None => self.beginnings.have_alone(first.class, None),
            // Something between two characters.
            Some(_) => match next.next() {
                Some(third) if is_letter(&third) => {
                    self.beginnings.have_two(first.class, third.class) || self.beginnings.have_alone(first.class, None)
                }
                None => self.beginnings.have_alone(first.class, None),
                Some(_) => true,
            },
        }
    }
}

/// The first byte of Chinese characters, and of few others.
const fn is_ideograph(byte: u8) -> bool {
    matches!(byte, 0xe4..=0xe9)
}

/// The simplified form of the Chinese character at a place, if there is one.
#[inline]
fn ideograph(bytes: &[u8], at: usize) -> Option<char> {
    let [first @ 0xe4..=0xe9, second, third] = *bytes.get(at..)?.first_chunk()? else { return None };
    let code = u32::from(first & 0xf) << 12 | u32::from(second & 0x3f) << 6 | u32::from(third & 0x3f);
    if code < 0x4e00 { None } else { char::from_u32(code).map(simplified) }
}

/// Where the letters end that are inside of a word and need no look: those of Latin with accents, of Russian and of
/// Arabic, of two bytes each.
fn after_plain_letters(bytes: &[u8], mut at: usize) -> usize {
    while let Some([lead @ 0xc3..=0xd9, low]) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let code = u16::from(lead & 0x1f) << 6 | u16::from(low & 0x3f);
        if !matches!(code, 0xc0..=0xd6 | 0xd8..=0xf6 | 0xf8..=0x24f | 0x400..=0x44f | 0x621..=0x63a | 0x641..=0x64a) {
            break;
        }
        at += 2;
    }
    at
}

/// Whether what is here can be part of a word in disguise: everything but a space, and a sign with one after it.
fn is_open(bytes: &[u8], at: usize) -> bool {
    match bytes.get(at) {
        None | Some(b' ') => false,
        Some(b',' | b'.' | b'!' | b'?' | b':' | b';' | b')') => !matches!(bytes.get(at + 1), None | Some(b' ')),
        Some(_) => true,
    }
}

/// Letters of which Arabic's articles and prepositions are made.
const fn is_joined(letter: char) -> bool {
    matches!(letter, 'و' | 'ف' | 'ب' | 'ك' | 'ل' | 'س' | 'ا')
}

impl Trie {
    /// Whether words may go on after the plain letters at this place: a letter in ASCII is either the next one of the
    /// list, or the last one again. What is no plain letter may be anything.
    fn may_go_on(&self, bytes: &[u8], from: usize) -> bool {
        let (mut node, mut last) = (0, 0);
        for byte in bytes.get(from..).unwrap_or_default() {
            let class = ascii(*byte);
            if class == 0 || class == last {
                return true;
            }
            let next = if node == 0 { self.root(class) } else { self.only_of_class(node, char::from(class)) };
            match next {
                Only::None => return false,
                Only::One(child) => node = child,
                Only::Several => return true,
            }
            if self.word(node).is_some() {
                return true;
            }
            last = class;
        }
        true
    }

    /// The root's children, which are many.
    fn root(&self, class: u8) -> Only {
        match self.roots.get(usize::from(row(class))) {
            Some((first, 1)) => Only::One(*first),
            Some((_, 0)) | None => Only::None,
            Some(_) => Only::Several,
        }
    }

    fn only_of_class(&self, node: u32, class: char) -> Only {
        let (first, units) = self.of_class(node, class);
        match units.len() {
            0 => Only::None,
            1 => Only::One(first),
            _ => Only::Several,
        }
    }
}

/// The children of one class.
enum Only {
    None,
    One(u32),
    Several,
}
