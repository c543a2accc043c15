//! Enumerates all beginnings of listed words, as symbols.

use crate::text::letters::{is_arabic, is_spaced, symbol, symbol_of};
use crate::text::words::trie::Trie;

/// Number of symbols.
pub(super) const LEN: u32 = 4;
pub(super) const SPACE: u8 = b' ';
pub(super) const SIGN: u8 = b'.';
/// Marks the last symbol after a whole word or before a space. No character has this symbol.
pub(super) const END: u32 = 1 << 24;
/// All symbols of characters in ASCII; an l is an i.
const EVERY: &[u8] = b"abcdefghijkmnopqrstuvwxyz .";

/// A partial spelling of a word.
#[derive(Clone, Copy)]
struct Spelt {
    node: u32,
    gram: u32,
    len: u32,
    /// The letter or sign of the word that was read last; 0: none yet.
    last: u8,
    /// Letters since the list's last space, and the number of gaps between them.
    part: u8,
    gaps: u8,
    gap: Gap,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    None,
    /// Between two letters of the word.
    Inner,
    /// At a space of the list.
    Listed,
}

impl Spelt {
    const ROOT: Self = Self { node: 0, gram: 0, len: 0, last: 0, part: 0, gaps: 0, gap: Gap::None };

    const fn with(self, symbol: u8) -> Self {
        Self { gram: self.gram | (symbol as u32) << (self.len * 8), len: self.len + 1, ..self }
    }
}

/// Calls `each` with the first two and the first four symbols of all words.
pub(super) fn of_words(trie: &Trie, each: &mut dyn FnMut(u32)) {
    go_on(trie, Spelt::ROOT, each);
}

/// The same for Arabic words after each prefix, and without one.
pub(super) fn of_arabic(trie: &Trie, each: &mut dyn FnMut(u32)) {
    let (first, units) = trie.children(0);
    for (unit, node) in units.iter().zip(first..).filter(|(unit, _)| is_arabic(unit.class)) {
        let last = symbol_of(unit.class as u32);
        for and in ["", "و", "ف"] {
            for article in ["", "ب", "ك", "ل", "س", "ال", "بال", "كال", "لال", "لل"] {
                let mut spelt = Spelt::ROOT;
                for letter in and.chars().chain(article.chars()) {
                    spelt = spelt.with(symbol_of(letter as u32));
                }
                if spelt.len < LEN {
                    spelt = Spelt { node, last, part: 1, ..spelt.with(last) };
                }
                if spelt.len > 2 {
                    each(spelt.gram & 0xffff);
                }
                go_on(trie, spelt, each);
            }
        }
    }
}

/// Calls `each` with every continuation of a word, and with its first two symbols.
fn go_on(trie: &Trie, spelt: Spelt, each: &mut dyn FnMut(u32)) {
    if spelt.len == 2 || spelt.len == LEN {
        each(spelt.gram);
    }
    if spelt.len == LEN {
        return;
    }
    let is_word = spelt.gap == Gap::None && trie.word(spelt.node).is_some();
    if is_word || spelt.len >= 2 && spelt.gap == Gap::None && may_go_on_after_space(trie, spelt) {
        each(spelt.gram | END);
    }
    if is_word {
        let ends = if spelt.last == SIGN { EVERY } else { &[SPACE, SIGN] };
        // If all symbols are in ASCII, only sets of four are looked up.
        let ends = if spelt.gram & 0x80 == 0 { ends } else { &[] };
        ends.iter().for_each(|end| fill(spelt.with(*end), each));
    }
    if spelt.gap != Gap::Listed && spelt.last != 0 && spelt.last != SIGN {
        // The same letter again.
        go_on(trie, Spelt { gap: Gap::None, ..spelt }.with(spelt.last), each);
    }
    if spelt.last != 0 {
        gaps(trie, spelt, each);
    }
    letters(trie, spelt, each);
}

/// The letters that may come next.
fn letters(trie: &Trie, spelt: Spelt, each: &mut dyn FnMut(u32)) {
    let (first, units) = trie.children(spelt.node);
    for (unit, child) in units.iter().zip(first..) {
        let class = unit.class as u32;
        let next = Spelt { node: child, part: spelt.part + 1, gap: Gap::None, ..spelt };
        // Some modifier letters are signs.
        let is_sign = symbol(class) == SIGN;
        if unit.class.is_alphabetic() && is_spaced(unit.class) && !is_sign {
            let letter = symbol_of(class);
            go_on(trie, Spelt { last: letter, ..next }.with(letter), each);
        } else if spelt.last != 0 && unit.class != ' ' && is_sign {
            go_on(trie, Spelt { last: SIGN, ..next }.with(SIGN), each);
        }
    }
}

/// Whether a space may separate two letters here: after adjacent letters, it ends their word.
fn is_drawn_out(trie: &Trie, spelt: Spelt) -> bool {
    spelt.gaps + 1 >= spelt.part || trie.is_mixed(spelt.node)
}

fn may_go_on_after_space(trie: &Trie, spelt: Spelt) -> bool {
    is_drawn_out(trie, spelt) || trie.child(spelt.node, ' ', ' ').is_some()
}

/// Spaces and signs after a letter; for a space of the list also what is invisible, which has no symbol.
fn gaps(trie: &Trie, spelt: Spelt, each: &mut dyn FnMut(u32)) {
    if spelt.gap == Gap::None
        && let Some(node) = trie.child(spelt.node, ' ', ' ')
    {
        letters(trie, Spelt { node, part: 0, gaps: 0, ..spelt }, each);
    }
    for sign in [SPACE, SIGN] {
        if spelt.gap != Gap::None {
            go_on(trie, spelt.with(sign), each);
            continue;
        }
        if sign == SIGN || is_drawn_out(trie, spelt) {
            go_on(trie, Spelt { gaps: spelt.gaps + 1, gap: Gap::Inner, ..spelt }.with(sign), each);
        }
        if let Some(node) = trie.child(spelt.node, ' ', ' ') {
            go_on(trie, Spelt { node, part: 0, gaps: 0, gap: Gap::Listed, ..spelt }.with(sign), each);
        }
    }
}

/// Anything that follows a whole word in ASCII.
fn fill(spelt: Spelt, each: &mut dyn FnMut(u32)) {
    if spelt.len == 2 || spelt.len == LEN {
        each(spelt.gram);
    }
    if spelt.len < LEN {
        EVERY.iter().for_each(|symbol| fill(spelt.with(*symbol), each));
    }
}
