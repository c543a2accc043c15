//! The second filter for a position: whether the text there continues like a listed word, by the classes of its letters
//! alone.
//!
//! It follows the same paths as the walk, but ignores which letters were repeated and how a letter differs from the
//! listed one. So it lets through some positions at which the walk finds nothing, and never rules out one at which it
//! does.

use super::budget::Budget;
use super::judge::ARTICLE;
use super::prefixes::{LETTERS_MAX, Prefix, Prefixes};
use super::rules::{Rules, Strictness};
use super::walk::{GAP_MAX, is_wild, may_show_nothing};
use crate::text::letters::{
    self, Kind, Letter, Quick, is_filler, is_spaced, is_symbol, leet, quick, quick_class, read, simplified_code,
};

/// Maximum number of characters that are examined from one position. If they still match, the position is walked.
const CHARACTERS_MAX: u32 = 48;
/// The same when only words as they are listed are searched for.
const LISTED_CHARACTERS_MAX: u32 = 4;
/// Length of a prefix at which it is looked up, in letters; most words are ruled out there.
const GLANCE: u8 = 6;
/// The cost of starting at a position, in characters.
const BEGINNING: u32 = 3;

/// What was read last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    /// A letter of a script with spaces.
    Letter,
    Digit,
    Other,
}

/// One path through the text.
#[derive(Clone, Copy)]
struct Way {
    at: usize,
    prefix: Prefix,
    /// The class that was read last.
    class: u32,
    last: Last,
    /// Letters of the prefix.
    letters: u8,
    /// Of these, since the list's last space, and the number of gaps between them.
    part: u8,
    gaps: u8,
    /// Some of these have a space.
    has_space: bool,
    /// Signs and spaces since the last letter, and whether the list has a space there.
    gap: u8,
    is_listed_gap: bool,
    /// A letter is of a script without spaces.
    has_unspaced: bool,
    /// Something was read as what it is.
    is_honest: bool,
}

impl Way {
    const fn from(at: usize) -> Self {
        Self {
            at,
            prefix: Prefix::NONE,
            class: 0,
            last: Last::Other,
            letters: 0,
            part: 0,
            gaps: 0,
            has_space: false,
            gap: 0,
            is_listed_gap: false,
            has_unspaced: false,
            is_honest: false,
        }
    }
}

/// The second filter, for one text.
pub(super) struct Probe<'t> {
    text: &'t str,
    prefixes: &'t Prefixes,
    rules: Rules,
    /// Other paths from the same position.
    ways: Vec<Way>,
    /// Only words as they are listed are searched for.
    is_listed_only: bool,
    characters: u32,
    /// Those of them since then.
    listed_characters: u32,
    budget: Budget,
}

/// What follows from a character.
enum Next {
    /// The path continues.
    On,
    /// There may be a word.
    Found,
    /// The path ends.
    End,
}

const SPACE: u32 = b' ' as u32;

impl<'t> Probe<'t> {
    pub(super) const fn new(text: &'t str, prefixes: &'t Prefixes, rules: Rules, budget: Budget) -> Self {
        Self {
            text,
            prefixes,
            rules,
            ways: Vec::new(),
            is_listed_only: false,
            characters: 0,
            listed_characters: 0,
            budget,
        }
    }

    /// Whether the budget of one text is used up.
    pub(super) const fn is_exhausted(&self) -> bool {
        self.characters >= self.budget.characters_max
    }

    /// Characters that were compared, without those after the budget was used up.
    pub(super) const fn characters(&self) -> u32 {
        self.characters
    }

    /// The same for those after it.
    pub(super) const fn listed_characters(&self) -> u32 {
        self.listed_characters
    }

    /// Whether the search has cost as much as it may.
    pub(super) const fn is_over(&self) -> bool {
        self.listed_characters >= self.budget.listed_characters_max
    }

    pub(super) const fn looks_for_listed(&self) -> bool {
        self.is_listed_only
    }

    /// From here on, only words as they are listed.
    pub(super) const fn look_for_listed(&mut self) {
        self.is_listed_only = true;
    }

    /// Skips the letters that a word begins with. Returns whether a word is possible, if these letters decide it;
    /// otherwise the probe continues after them.
    #[inline]
    fn glance(&self, way: &mut Way) -> Option<bool> {
        let bytes = self.text.as_bytes();
        while let Some((code, len)) = short(bytes, way.at) {
            if let Some(class) = quick_class(code) {
                if class != way.class {
                    (way.prefix, way.class) = (way.prefix.then(class), class);
                    way.letters += 1;
                    if way.letters == LETTERS_MAX || way.letters == GLANCE && !self.prefixes.has(way.prefix) {
                        return Some(self.prefixes.has(way.prefix));
                    }
                }
            } else if quick(code).0 == Quick::Nothing {
                // The list may have a space there.
                if is_unseen(code) && self.prefixes.has(way.prefix.then(SPACE)) {
                    return None;
                }
            } else {
                let is_over = way.letters >= 2 && quick(code).0 == Quick::Space;
                let may_be = if is_over { self.prefixes.have_part(way.prefix) } else { self.may_go_on(way) };
                return if may_be { None } else { Some(false) };
            }
            way.at += len;
        }
        if self.may_go_on(way) { None } else { Some(false) }
    }

    /// Whether a word may begin at a letter in ASCII as it is listed, by the next two bytes alone: whether
    /// [`glance_at_listed`](Self::glance_at_listed) must look. It leaves to it all that does not show or is no plain
    /// space.
    #[inline]
    pub(super) fn may_be_listed(&self, at: usize) -> bool {
        const SHOWN: std::ops::RangeInclusive<u8> = b' '..=b'~';
        let bytes = self.text.as_bytes();
        let Some([first, second, third]) = bytes.get(at..).and_then(<[u8]>::first_chunk) else { return true };
        if !SHOWN.contains(second) {
            return true;
        }
        let [first, second_class] = [first, second].map(|byte| class_of_ascii(*byte));
        if first == second_class {
            return true;
        }
        let one = Prefix::NONE.then(first);
        if self.prefixes.has_single && self.prefixes.have_end(one) {
            return true;
        }
        let is_sign = second.is_ascii_punctuation() && !self.prefixes.has_signs;
        let two = one.then(second_class);
        if is_sign || !self.prefixes.has(two) {
            return false;
        }
        let third_class = class_of_ascii(*third);
        let may_go_on = !third.is_ascii_alphanumeric() || third_class == second_class;
        may_go_on || self.prefixes.has(two.then(third_class)) || self.prefixes.have_end(two)
    }

    /// Whether the first letters may begin a word that is written as it is listed.
    #[inline]
    fn glance_at_listed(&self, mut at: usize) -> bool {
        const MOST: u8 = 3;
        let bytes = self.text.as_bytes();
        let (mut prefix, mut last, mut letters) = (Prefix::NONE, 0, 0);
        while let Some((code, len)) = short(bytes, at) {
            at += len;
            let class = match quick_class(code) {
                Some(class) => class,
                // Signs and digits in ASCII are their own classes.
                None if quick(code).0 == Quick::Nothing => continue,
                None if code < 0x80 => {
                    if self.prefixes.have_end(prefix) && (letters > 1 || self.prefixes.has_single) {
                        return true;
                    }
                    let class = if code < SPACE { SPACE } else { code };
                    // Anything can follow a word that ends with a sign or a digit.
                    if class != SPACE && self.prefixes.have_end(prefix.then(class)) {
                        return true;
                    }
                    class
                }
                None => {
                    let is_over = letters >= 2 && quick(code).0 == Quick::Space;
                    let may_go_on = letters == 0 || self.prefixes.has(prefix);
                    return if is_over { self.prefixes.have_part(prefix) } else { may_go_on };
                }
            };
            if class != last {
                (prefix, last) = (prefix.then(class), class);
                letters += 1;
                if letters == MOST {
                    break;
                }
            }
        }
        letters == 0 || self.prefixes.has(prefix)
    }

    #[inline]
    fn may_go_on(&self, way: &Way) -> bool {
        way.letters == 0 || self.prefixes.has(way.prefix)
    }

    /// Whether a word may begin here.
    pub(super) fn may_begin(&mut self, at: usize) -> bool {
        if self.is_listed_only && self.rules.whole_words && !self.glance_at_listed(at) {
            return false;
        }
        let mut way = Way::from(at);
        let mut characters = 0;
        if !self.is_listed_only && self.rules.whole_words && self.rules.strictness != Strictness::Aggressive {
            if let Some(may_begin) = self.glance(&mut way) {
                return may_begin;
            }
            if way.letters > 0 {
                (way.last, way.part, way.is_honest) = (Last::Letter, way.letters, true);
                characters = u32::from(way.letters);
            }
        }
        let most = if self.is_listed_only { LISTED_CHARACTERS_MAX } else { CHARACTERS_MAX };
        let may_begin = loop {
            match self.character(&mut way) {
                Next::On if characters < most => {}
                Next::On | Next::Found => break true,
                Next::End => match self.ways.pop() {
                    Some(other) if other.letters >= LETTERS_MAX => break true,
                    Some(other) => way = other,
                    None => break false,
                },
            }
            characters += 1;
        };
        self.ways.clear();
        let spent = if self.is_listed_only { &mut self.listed_characters } else { &mut self.characters };
        *spent = spent.saturating_add(characters + BEGINNING);
        may_begin
    }

    /// One character further.
    #[inline]
    fn character(&mut self, way: &mut Way) -> Next {
        let bytes = self.text.as_bytes();
        let Some((code, len)) = short(bytes, way.at) else {
            return match bytes.get(way.at) {
                Some(_) => self.long(way),
                None if self.ends(way) => Next::Found,
                None => Next::End,
            };
        };
        let (kind, class) = quick(code);
        match kind {
            Quick::Letter | Quick::Joined => self.spaced(way, len, class),
            Quick::Nothing => {
                way.at += len;
                if is_unseen(code) {
                    self.unseen(way);
                }
                Next::On
            }
            Quick::Space => self.sign(way, len, Kind::Space, SPACE),
            Quick::Clause => self.sign(way, len, Kind::Clause, class),
            Quick::Sign => self.sign(way, len, Kind::Sign, class),
            Quick::Other => self.other(way),
        }
    }

    /// The same for characters of three bytes and more.
    fn long(&mut self, way: &mut Way) -> Next {
        match ideograph(self.text.as_bytes(), way.at) {
            Some(class) => self.unspaced(way, 3, class),
            None => self.other(way),
        }
    }

    /// Any character.
    fn other(&mut self, way: &mut Way) -> Next {
        let Some(c) = self.text.get(way.at..).and_then(|rest| rest.chars().next()) else { return Next::End };
        let (len, letter) = (c.len_utf8(), read(c));
        if !is_symbol(c) {
            return self.of_kind(way, c, len, letter);
        }
        // Words end before it and after it.
        way.last = Last::Other;
        let next = self.of_kind(way, c, len, letter);
        way.last = Last::Other;
        next
    }

    fn of_kind(&mut self, way: &mut Way, c: char, len: usize, letter: Letter) -> Next {
        let class = letter.class as u32;
        match letter.kind {
            Kind::Mark | Kind::Invisible => {
                way.at += len;
                if letter.kind == Kind::Invisible {
                    self.unseen(way);
                }
                Next::On
            }
            Kind::Letter | Kind::Accented => {
                let has_spaces = is_spaced(letter.letter) && (letter.shown.is_some() || letter.letter.is_alphabetic());
                let is_inner = has_spaces && way.last == Last::Letter && self.rules.whole_words;
                if let Some(shown) = letter.shown {
                    self.joined(way);
                    let may_go_on = [class, shown as u32].into_iter().any(|class| self.goes_on(way, class));
                    return if may_go_on || !is_inner && self.ends(way) { Next::Found } else { Next::End };
                }
                if has_spaces { self.spaced(way, len, class) } else { self.unspaced(way, len, class) }
            }
            Kind::Several => self.several(way, len, letter),
            Kind::Digit => self.digit(way, len, letter),
            kind => {
                if !leet(letter.letter).is_empty() {
                    self.joined(way);
                }
                if is_filler(c) && may_show_nothing(way.gap, way.is_listed_gap, self.rules) {
                    self.ways.push(Way { at: way.at + len, ..*way });
                }
                self.leet(way, len, letter.letter, Last::Other);
                self.sign(way, len, kind, class)
            }
        }
    }

    /// A letter of a script with spaces: no word ends between two of them.
    #[inline]
    fn spaced(&mut self, way: &mut Way, len: usize, class: u32) -> Next {
        let is_inner = way.last == Last::Letter && self.rules.whole_words && way.gap == 0;
        if !is_inner && self.ends(way) {
            return Next::Found;
        }
        self.joined(way);
        (way.at, way.last, way.is_honest) = (way.at + len, Last::Letter, true);
        self.letter(way, class)
    }

    /// A letter of a script without spaces: words end before it, and go on with it after anything.
    #[inline]
    fn unspaced(&mut self, way: &mut Way, len: usize, class: u32) -> Next {
        if self.ends(way) {
            return Next::Found;
        }
        self.joined(way);
        (way.at, way.last, way.is_honest) = (way.at + len, Last::Other, true);
        way.has_unspaced = true;
        self.letter(way, class)
    }

    fn goes_on(&self, way: &Way, class: u32) -> bool {
        class == way.class || self.prefixes.has(way.prefix.then(class))
    }

    /// The prefix with one more letter, or with the last one again.
    #[inline]
    fn letter(&self, way: &mut Way, class: u32) -> Next {
        (way.gap, way.is_listed_gap) = (0, false);
        if class == way.class {
            return Next::On;
        }
        let prefix = way.prefix.then(class);
        if !self.prefixes.has(prefix) {
            return Next::End;
        }
        (way.prefix, way.class) = (prefix, class);
        way.has_unspaced |= class >= 0x900 && char::from_u32(class).is_some_and(|class| !is_spaced(class));
        way.letters += 1;
        way.part += 1;
        if way.letters >= LETTERS_MAX { Next::Found } else { Next::On }
    }

    /// Adds a path from here, by a letter of this class.
    fn also(&mut self, way: &Way, len: usize, class: u32, last: Last, is_honest: bool) {
        if self.goes_on(way, class) {
            let mut other = *way;
            (other.at, other.last, other.is_honest) = (way.at + len, last, way.is_honest || is_honest);
            let _ = self.letter(&mut other, class);
            self.ways.push(other);
        }
    }

    /// Several letters in one character.
    fn several(&mut self, way: &mut Way, len: usize, letter: Letter) -> Next {
        let is_inner = way.last == Last::Letter && self.rules.whole_words && way.gap == 0;
        if !is_inner && self.ends(way) {
            return Next::Found;
        }
        self.joined(way);
        let letters = letters::several(letter);
        (way.at, way.last, way.is_honest) = (way.at + len, Last::Letter, true);
        if way.letters == 0
            && let Some(rest) = letters.strip_prefix(ARTICLE)
        {
            let mut other = *way;
            if !matches!(self.letters(&mut other, rest), Next::End) {
                self.ways.push(other);
            }
        }
        self.letters(way, letters)
    }

    /// Letters between which nothing can be.
    fn letters(&self, way: &mut Way, letters: &str) -> Next {
        let part = way.part + 1;
        for c in letters.chars() {
            match self.letter(way, read(c).class as u32) {
                Next::On => {}
                end => return end,
            }
        }
        way.part = part;
        Next::On
    }

    fn digit(&mut self, way: &mut Way, len: usize, letter: Letter) -> Next {
        let is_inner = way.last == Last::Digit && self.rules.whole_words && way.gap == 0;
        if !is_inner && self.ends(way) {
            return Next::Found;
        }
        if self.rules.strictness == Strictness::Aggressive && way.has_unspaced && way.gap < GAP_MAX {
            self.ways.push(Way { at: way.at + len, gap: way.gap + 1, last: Last::Digit, ..*way });
        }
        self.joined(way);
        self.leet(way, len, letter.letter, Last::Digit);
        self.also(way, len, letter.class as u32, Last::Digit, true);
        Next::End
    }

    /// The letters that a digit or a sign stands for.
    fn leet(&mut self, way: &Way, len: usize, sign: char, last: Last) {
        if self.rules.strictness != Strictness::Exact && !self.is_listed_only {
            for class in leet(sign) {
                self.also(way, len, *class as u32, last, false);
            }
        }
    }

    /// A space or a sign: where the list has a space or this sign, or between two letters of a word.
    fn sign(&mut self, way: &mut Way, len: usize, kind: Kind, class: u32) -> Next {
        let strictness = self.rules.strictness;
        let may_be_letter = || char::from_u32(class).is_some_and(is_wild) && way.gap == 0 && way.letters > 0;
        if self.ends(way) || strictness == Strictness::Aggressive && may_be_letter() {
            return Next::Found;
        }
        if kind != Kind::Space && self.prefixes.has_signs {
            self.joined(way);
        }
        if kind != Kind::Space && self.prefixes.has_signs || self.is_listed_only {
            self.also(way, len, class, Last::Other, true);
        }
        if self.is_listed_only {
            return Next::End;
        }
        way.at += len;
        let may_be_space = match (strictness, kind) {
            (_, Kind::Space) | (Strictness::Aggressive, _) | (Strictness::Normal, Kind::Sign) => true,
            (Strictness::Normal | Strictness::Exact, _) => false,
        };
        if may_be_space && way.gap == 0 && way.letters > 0 && way.class != SPACE {
            let prefix = way.prefix.then(SPACE);
            if self.prefixes.has(prefix) {
                let other = Way { prefix, class: SPACE, letters: way.letters + 1, part: 0, gaps: 0, ..*way };
                self.ways.push(Way { has_space: false, gap: 1, is_listed_gap: true, last: Last::Other, ..other });
            }
        }
        if self.gap(way, kind) { Next::On } else { self.after_space(way, kind) }
    }

    /// Whether the path continues past a space or a sign.
    fn gap(&self, way: &mut Way, kind: Kind) -> bool {
        let strictness = self.rules.strictness;
        if way.is_listed_gap {
            way.gap = (way.gap + 1).min(GAP_MAX);
            return true;
        }
        let is_emoji = kind == Kind::Emoji && strictness != Strictness::Aggressive;
        if strictness == Strictness::Exact || way.letters == 0 || way.gap >= GAP_MAX || is_emoji {
            return kind == Kind::Space && way.gap >= GAP_MAX && self.rules.whole_words;
        }
        if way.gap == 0 && !way.has_unspaced {
            if kind == Kind::Space && strictness == Strictness::Normal && way.gaps + 1 < way.part {
                return false;
            }
            way.gaps += 1;
            way.has_space |= kind == Kind::Space;
        }
        way.gap += 1;
        way.last = Last::Other;
        true
    }

    /// A space ends a word that is not drawn out, unless it continues in a script without spaces.
    fn after_space(&self, way: &Way, kind: Kind) -> Next {
        let may_go_on = kind == Kind::Space && way.gap == 0 && way.letters > 0 && self.prefixes.are_mixed(way.prefix);
        if may_go_on && self.rules.strictness == Strictness::Normal { Next::Found } else { Next::End }
    }

    /// A phrase without its spaces, which only the aggressive rules find: another path continues after the space.
    #[inline]
    fn joined(&mut self, way: &Way) {
        if self.rules.strictness == Strictness::Aggressive {
            self.without_space(way);
        }
    }

    /// Something invisible, where the list may have a space.
    #[inline(never)]
    fn unseen(&mut self, way: &Way) {
        if self.rules.strictness == Strictness::Normal {
            self.without_space(way);
        }
    }

    /// Adds a path that continues after a space of the list.
    #[inline]
    fn without_space(&mut self, way: &Way) {
        if way.gap > 0 || way.letters == 0 || way.class == SPACE {
            return;
        }
        let prefix = way.prefix.then(SPACE);
        if self.prefixes.has(prefix) {
            let other = Way { prefix, class: SPACE, letters: way.letters + 1, part: 0, gaps: 0, ..*way };
            self.ways.push(Way { has_space: false, ..other });
        }
    }

    /// Whether the path is at the end of a word, with valid gaps.
    #[inline]
    fn ends(&self, way: &Way) -> bool {
        if way.gap > 0 || !way.is_honest || !self.prefixes.have_end(way.prefix) {
            return false;
        }
        let inner = way.part.saturating_sub(1);
        let is_drawn_out = way.gaps >= inner || !way.has_space && way.gaps >= 2 && way.gaps * 2 >= inner;
        way.gaps == 0 || way.has_unspaced || self.rules.strictness != Strictness::Normal || is_drawn_out
    }
}

/// Whether a character of kind [`Quick::Nothing`] is invisible rather than a mark.
#[inline]
const fn is_unseen(code: u32) -> bool {
    matches!(code, 0..0x300 | 0x34f | 0x61c)
}

/// The class of a character in ASCII; signs and digits are their own classes.
#[inline]
fn class_of_ascii(byte: u8) -> u32 {
    quick_class(u32::from(byte)).unwrap_or(u32::from(byte))
}

/// The character of one or two bytes at a place, and how many they are.
#[inline]
pub(super) fn short(bytes: &[u8], at: usize) -> Option<(u32, usize)> {
    let first = u32::from(*bytes.get(at)?);
    if first < 0x80 {
        return Some((first, 1));
    }
    let second = u32::from(*bytes.get(at + 1)?);
    if first < 0xe0 { Some(((first & 0x1f) << 6 | second & 0x3f, 2)) } else { None }
}

/// The class of the Chinese character at a position, if there is one: its simplified form.
#[inline]
pub(super) fn ideograph(bytes: &[u8], at: usize) -> Option<u32> {
    let [first, second, third] = *bytes.get(at..)?.first_chunk()?;
    let code = u32::from(first) << 12 | u32::from(second & 0x3f) << 6 | u32::from(third & 0x3f);
    // E4 B8 80 to E9 BF BF.
    if code.wrapping_sub(0xe_4e00) < 0x5200 { Some(simplified_code(code & 0xffff)) } else { None }
}
