//! Goes through a text and finds where a word can begin.
//!
//! There are three filters, and most positions only reach the first: a few instructions rule out a token of ASCII
//! letters, two Chinese characters, or a block of a script that the list does not have. The remaining positions are
//! probed, letter by letter. Only positions that still match a listed word are walked.

use super::budget::Budget;
use super::events::{Events, Looks};
use super::grams::{Grams, is_letter};
use super::marks::is_plain;
use super::prefixes::{Prefix, Prefixes};
use super::probe::Probe;
use super::rules::{Found, Rules};
use super::tokens::Tokens;
use super::trie::Trie;
use super::walk::Walk;
use super::wide::{Wide, four, is_ideograph, is_wide};
use crate::text::letters::{
    Kind, Letter, ODD, Quick, ascii_symbol, is_arabic, is_spaced, is_symbol, leet, quick, read, simplified_code,
    symbol_of, symbol_of_two,
};

/// What precedes a position.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Nothing that could be the beginning of a longer word.
    Nothing,
    /// A letter of a script with spaces.
    Letter,
    Digit,
    /// Letters that can be joined to an Arabic word: `و` or `ف`,
    And,
    /// one of `ب`, `ك` after it or alone,
    By,
    /// `ل`, which can be doubled,
    To,
    /// `ال`, `لل` or `س`, after which the word begins;
    Article,
    /// and a first `ا`, after which only `ل` can come.
    Alif,
}

impl Before {
    /// Whether a letter is part of a word that began before it.
    const fn is_inner(self) -> bool {
        matches!(self, Self::Letter | Self::Alif)
    }

    const fn is_letter(self) -> bool {
        !matches!(self, Self::Nothing | Self::Digit)
    }

    /// One more of the letters that can be joined to a word.
    #[inline]
    const fn then(self, letter: u8) -> Self {
        const AND: u8 = symbol_of('و' as u32);
        const FOR: u8 = symbol_of('ف' as u32);
        const BY: u8 = symbol_of('ب' as u32);
        const LIKE: u8 = symbol_of('ك' as u32);
        const TO: u8 = symbol_of('ل' as u32);
        const WILL: u8 = symbol_of('س' as u32);
        const ALIF: u8 = symbol_of('ا' as u32);
        match (self, letter) {
            (Self::Nothing | Self::Digit, AND | FOR) => Self::And,
            (Self::Nothing | Self::Digit | Self::And, BY | LIKE) => Self::By,
            (Self::Nothing | Self::Digit | Self::And, TO) => Self::To,
            (Self::Nothing | Self::Digit | Self::And, WILL) | (Self::Alif | Self::To, TO) => Self::Article,
            (Self::Nothing | Self::Digit | Self::And | Self::By | Self::To, ALIF) => Self::Alif,
            _ => Self::Letter,
        }
    }
}

/// What is left of a letter of a script with spaces, on the slow path.
#[inline]
fn after(before: Before, letter: Letter) -> Before {
    match letter.letter {
        '\0'..'\u{590}' => Before::Letter,
        arabic if is_arabic(arabic) => before.then(symbol_of(letter.class as u32)),
        mark if !mark.is_alphabetic() => Before::Nothing,
        _ => Before::Letter,
    }
}

/// A search for the words of a list.
pub(super) struct Search<'w> {
    pub(super) trie: &'w Trie,
    pub(super) prefixes: &'w Prefixes,
    pub(super) grams: Option<&'w Grams>,
    pub(super) wide: &'w Wide,
    pub(super) rules: Rules,
    pub(super) budget: Budget,
}

impl Search<'_> {
    /// Calls `found` for each place where a word occurs, until it returns false or the budget is used up.
    pub(super) fn each(&self, text: &str, found: &mut dyn FnMut(Found) -> bool) -> Spent {
        if self.trie.is_empty() {
            return Spent::default();
        }
        let mut pass = Pass {
            search: self,
            text,
            walk: Walk::new(text, self.trie, self.rules, self.budget),
            probe: Probe::new(text, self.prefixes, self.rules, self.budget),
            found,
            before: Before::Nothing,
            end: 0,
        };
        let bytes = text.as_bytes();
        let looks = Looks {
            every_letter: !self.rules.whole_words,
            every_sign: self.prefixes.begin_with_signs,
            tokens: self.grams.map(|grams| Tokens { grams, prefixes: self.prefixes }),
        };
        let mut events = Events::new(text, looks);
        if self.budget.steps_max == 0 || self.budget.characters_max == 0 {
            pass.look_for_listed();
            events.keep_all();
        }
        while let Some(at) = events.next() {
            let Some(byte) = bytes.get(at).copied() else { break };
            if at < pass.end {
                // A mark or what is invisible, within letters that were read together.
                continue;
            }
            let goes_on = if byte.is_ascii_alphabetic() {
                let is_inner = pass.end == at && pass.before.is_inner() && self.rules.whole_words;
                is_inner || pass.probe.looks_for_listed() && !pass.probe.may_be_listed(at) || pass.candidate(at)
            } else if byte.is_ascii() {
                pass.sign(at, byte)
            } else if bytes.get(at + 1).is_some_and(|next| is_plain(byte, *next)) {
                pass.word(at)
            } else if byte & 0xc0 == 0x80 {
                // The second byte of a letter.
                true
            } else {
                let goes_on = pass.run(at);
                events.skip_to(pass.end);
                goes_on
            };
            if !goes_on {
                break;
            }
            if pass.probe.looks_for_listed() {
                // Comparing with the words as listed costs less than ruling out disguises.
                events.keep_all();
            }
        }
        Spent {
            steps: pass.walk.steps(),
            characters: pass.probe.characters(),
            listed_characters: pass.probe.listed_characters(),
        }
    }
}

/// What a search has cost, as [`Budget`] counts it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spent {
    pub(super) steps: usize,
    pub(super) characters: u32,
    pub(super) listed_characters: u32,
}

/// One pass through a text.
struct Pass<'s, 't> {
    search: &'s Search<'s>,
    text: &'t str,
    walk: Walk<'t>,
    probe: Probe<'t>,
    found: &'s mut dyn FnMut(Found) -> bool,
    /// The last character that was not an ASCII letter, and where it ended.
    before: Before,
    end: usize,
}

impl Pass<'_, '_> {
    /// Searches for a word at a position; returns whether the search continues.
    fn candidate(&mut self, at: usize) -> bool {
        let word = if self.probe.may_begin(at) { self.walk.from(at) } else { None };
        if self.walk.is_exhausted() || self.probe.is_exhausted() {
            self.look_for_listed();
        }
        word.is_none_or(|word| (self.found)(word)) && !self.probe.is_over()
    }

    fn look_for_listed(&mut self) {
        self.walk.look_for_listed();
        self.probe.look_for_listed();
    }

    /// A position that is not an ASCII letter and was not ruled out.
    fn before(&self, at: usize) -> Before {
        let last = at.checked_sub(1).and_then(|before| self.text.as_bytes().get(before));
        match last {
            _ if self.end == at => self.before,
            // Beyond ASCII: everything but plain letters has reported where it ended.
            Some(byte) if byte.is_ascii_alphabetic() || !byte.is_ascii() => Before::Letter,
            _ => Before::Nothing,
        }
    }

    /// A digit or a sign in ASCII.
    fn sign(&mut self, at: usize, byte: u8) -> bool {
        let before = self.before(at);
        self.end = at + 1;
        let is_digit = byte.is_ascii_digit();
        self.before = match byte {
            _ if is_digit => Before::Digit,
            // Control characters do not show.
            0..=8 | 14..=31 | 127 => before,
            _ => Before::Nothing,
        };
        if !self.search.prefixes.have_sign(byte) {
            return true;
        }
        let is_for_letter = match before {
            _ if self.probe.looks_for_listed() => false,
            _ if !self.search.rules.whole_words => true,
            before if is_digit => before != Before::Digit,
            before => !before.is_letter() && !leet(char::from(byte)).is_empty(),
        };
        let may_begin = is_for_letter && (is_digit || self.is_before_letter(at + 1)) || self.is_listed(u32::from(byte));
        !may_begin || self.candidate(at)
    }

    /// Whether a letter, or a character that stands for one, may be at a position. A sign stands for a letter only
    /// before these.
    fn is_before_letter(&self, at: usize) -> bool {
        let next = self.text.as_bytes().get(at);
        next.is_some_and(|next| {
            let symbol = ascii_symbol(u32::from(*next));
            !next.is_ascii() || is_letter(symbol) || [0, ODD].contains(&symbol)
        })
    }

    fn is_listed(&self, class: u32) -> bool {
        self.search.prefixes.has(Prefix::NONE.then(class))
    }

    /// Handles letters of two bytes, from the first one to where no word can begin any more.
    fn word(&mut self, mut at: usize) -> bool {
        let bytes = self.text.as_bytes();
        let is_whole = self.search.rules.whole_words;
        let mut before = self.before(at);
        loop {
            let word = four(bytes, at);
            if word & 0xe0 != 0xc0 {
                break;
            }
            let symbol = symbol_of_two(word);
            if symbol != 0 {
                if symbol == ODD {
                    return self.odd(at, before);
                }
                if !is_letter(symbol) {
                    break;
                }
                let is_inner = is_whole && before.is_inner();
                let grams = self.search.grams.filter(|_| !self.probe.looks_for_listed());
                let may_begin = || grams.is_none_or(|grams| grams.may_begin(bytes, at));
                if !is_inner && may_begin() && !self.candidate(at) {
                    return false;
                }
                before = if word & 0xff < 0xd8 { Before::Letter } else { before.then(symbol) };
                if before == Before::Letter {
                    return true;
                }
            }
            at += 2;
            if !is_whole {
                break;
            }
        }
        // What comes next can begin a word.
        (self.before, self.end) = (before, at);
        let is_letter = bytes.get(at).is_some_and(u8::is_ascii_alphabetic);
        !is_letter || !is_whole || before.is_letter() || self.candidate(at)
    }

    /// Handles a character of two bytes on the slow path. Returns whether the search continues.
    fn odd(&mut self, at: usize, before: Before) -> bool {
        before.is_inner() && self.search.rules.whole_words || self.candidate(at)
    }

    /// Characters beyond ASCII that follow each other and are no plain letters.
    fn run(&mut self, mut at: usize) -> bool {
        let bytes = self.text.as_bytes();
        let mut before = self.before(at);
        loop {
            let word = four(bytes, at);
            let goes_on;
            match word & 0xff {
                0..0x80 => break,
                0x80..0xe0 => {
                    if is_plain(word as u8, (word >> 8) as u8) {
                        break;
                    }
                    (goes_on, before) = self.short(at, word, before);
                    at += 2;
                }
                _ if is_wide(word) => {
                    let next = self.after_passed(at);
                    if next > at {
                        (goes_on, before, at) = (true, Before::Nothing, next);
                    } else {
                        (goes_on, before) = if is_ideograph(word) {
                            (self.candidate(at), Before::Nothing)
                        } else {
                            self.other(at, before)
                        };
                        at += 3;
                    }
                }
                _ => {
                    (goes_on, before) = self.other(at, before);
                    at += 4;
                }
            }
            if !goes_on {
                return false;
            }
        }
        (self.before, self.end) = (before, at);
        true
    }

    /// A character of two bytes that is not a plain letter.
    fn short(&mut self, at: usize, word: u32, before: Before) -> (bool, Before) {
        let (kind, class) = quick((word & 0x1f) << 6 | word >> 8 & 0x3f);
        match kind {
            Quick::Letter | Quick::Joined => {
                let is_inner = self.search.rules.whole_words && before.is_inner();
                let before = if kind == Quick::Joined { before.then(symbol_of(class)) } else { Before::Letter };
                (is_inner || self.candidate(at), before)
            }
            Quick::Nothing => (true, before),
            Quick::Space => (true, Before::Nothing),
            Quick::Clause | Quick::Sign => (!self.is_listed(class) || self.candidate(at), Before::Nothing),
            Quick::Other => self.other(at, before),
        }
    }

    /// The end of a run of three-byte characters that begin no word, with single spaces between them.
    #[inline]
    fn after_passed(&self, mut at: usize) -> usize {
        let (wide, bytes) = (self.search.wide, self.text.as_bytes());
        loop {
            let word = four(bytes, at);
            if is_wide(word) {
                if !wide.pass(word) && self.may_begin_with(word, at) {
                    break;
                }
                at += 3;
            } else if word & 0xf0ff == 0xe020 {
                at += 1;
            } else {
                break;
            }
        }
        at
    }

    /// Whether a word may begin with a Chinese character, by the one after it.
    #[inline]
    fn may_begin_with(&self, first: u32, at: usize) -> bool {
        let second = four(self.text.as_bytes(), at + 3);
        if !is_ideograph(first) || !is_ideograph(second) || self.search.wide.have_pair(first, second) {
            return true;
        }
        self.search.prefixes.has_single && self.is_word(first)
    }

    fn is_word(&self, character: u32) -> bool {
        let code = (character & 0xf) << 12 | (character >> 8 & 0x3f) << 6 | character >> 16 & 0x3f;
        self.search.prefixes.have_end(Prefix::NONE.then(simplified_code(code)))
    }

    /// Handles any character. Returns whether the search continues, and the kind of the character, for the next one.
    fn other(&mut self, at: usize, before: Before) -> (bool, Before) {
        let Some(c) = self.text.get(at..).and_then(|rest| rest.chars().next()) else { return (false, before) };
        let letter = read(c);
        let is_whole = self.search.rules.whole_words;
        let (begins, now) = match letter.kind {
            Kind::Mark | Kind::Invisible => (false, before),
            Kind::Space => (false, Before::Nothing),
            // Beside plain letters it is of no word, but a word can be written with it.
            Kind::Letter | Kind::Accented | Kind::Several if is_symbol(c) => (true, Before::Nothing),
            // After `ا` a ligature can be the rest of an article and the first letters of a word.
            Kind::Several => (before != Before::Letter || !is_whole, Before::Letter),
            Kind::Letter | Kind::Accented if is_spaced(letter.letter) => {
                (!before.is_inner() || !is_whole, after(before, letter))
            }
            Kind::Letter | Kind::Accented => (true, Before::Nothing),
            Kind::Digit => (before != Before::Digit || !is_whole, Before::Digit),
            Kind::Sign | Kind::Clause | Kind::Emoji => {
                let is_for_letter = !leet(letter.letter).is_empty() && (!before.is_letter() || !is_whole);
                (is_for_letter || self.is_listed(letter.class as u32), Before::Nothing)
            }
        };
        let may_be = !self.probe.looks_for_listed() || letter.shown.is_some() || self.is_listed(letter.class as u32);
        let begins = begins && (may_be || letter.kind == Kind::Several);
        (!begins || self.candidate(at), now)
    }
}

#[cfg(test)]
mod tests;
