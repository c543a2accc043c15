//! All words of a list as a trie, stored level by level: the children of a node are adjacent.

use crate::text::letters::{self, Kind, is_spaced, read};

/// A letter of a listed word, and the class by which it is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Unit {
    pub(super) class: char,
    pub(super) letter: char,
}

/// A word as it is compared: its letters, single spaces between them, its signs.
pub(super) fn units(word: &str) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::with_capacity(word.len());
    for c in word.chars() {
        let read = read(c);
        match read.kind {
            Kind::Mark | Kind::Invisible => {}
            Kind::Space => {
                if units.last().is_some_and(|last| last.letter != ' ') {
                    units.push(Unit { class: ' ', letter: ' ' });
                }
            }
            Kind::Several => units.extend(letters::several(read).chars().map(unit)),
            _ => units.push(unit(read.letter)),
        }
    }
    if units.last().is_some_and(|last| last.letter == ' ') {
        units.pop();
    }
    units
}

/// The unit of a letter that is read already.
fn unit(letter: char) -> Unit {
    let read = read(letter);
    Unit { class: read.class, letter: read.letter }
}

const NO_WORD: u32 = u32::MAX;

/// The tree. A node is a number; the first is the root.
#[derive(Debug)]
pub(super) struct Trie {
    units: Vec<Unit>,
    /// The first child of each node, and one entry more.
    children: Vec<u32>,
    words: Vec<u32>,
    /// The root's children by the class of an ASCII letter: the first, and how many.
    roots: [(u32, u32); 32],
    /// Nodes from which words go on with a letter of a script without spaces: a bit each.
    mixed: Vec<u64>,
}

impl Trie {
    pub(super) fn new(mut list: Vec<(Vec<Unit>, u32)>) -> Self {
        list.sort();
        list.dedup_by(|second, first| second.0 == first.0);
        let root = Unit { class: '\0', letter: '\0' };
        let mut trie =
            Self { units: vec![root], children: Vec::new(), words: Vec::new(), roots: [(0, 0); 32], mixed: Vec::new() };
        // The part of the sorted list that is below each node, in the order of the nodes.
        let mut parts = Vec::with_capacity(list.len());
        parts.push(0..list.len());
        let (mut node, mut depth, mut level_ends) = (0, 0, 1);
        while let Some(part) = parts.get(node).cloned() {
            if node == level_ends {
                level_ends = parts.len();
                depth += 1;
            }
            trie.children.push(parts.len() as u32);
            let mut rest = list.get(part.clone()).unwrap_or_default();
            let mut at = part.start;
            let ends = rest.first().filter(|(word, _)| word.len() == depth);
            trie.words.push(ends.map_or(NO_WORD, |(_, index)| *index));
            if ends.is_some() {
                rest = rest.get(1..).unwrap_or_default();
                at += 1;
            }
            while let Some(unit) = rest.first().and_then(|(word, _)| word.get(depth).copied()) {
                let len = rest.partition_point(|(word, _)| word.get(depth) == Some(&unit));
                trie.units.push(unit);
                parts.push(at..at + len);
                rest = rest.get(len..).unwrap_or_default();
                at += len;
            }
            node += 1;
        }
        trie.children.push(parts.len() as u32);
        for class in 'a'..='z' {
            let (first, units) = trie.searched(0, class);
            let found = (first, units.len() as u32);
            if let Some(root) = trie.roots.get_mut(class as usize & 31) {
                *root = found;
            }
        }
        trie.mixed = trie.mixed();
        trie
    }

    /// A node's children come after it, so they are known when nodes are visited from the last to the first.
    fn mixed(&self) -> Vec<u64> {
        let mut mixed = vec![0_u64; self.len().div_ceil(64)];
        for node in (0..self.len() as u32).rev() {
            let (first, units) = self.children(node);
            let mut units = units.iter().zip(first..);
            if units.any(|(unit, child)| !is_spaced(unit.class) || bit(&mixed, child))
                && let Some(word) = mixed.get_mut(node as usize / 64)
            {
                *word |= 1 << (node % 64);
            }
        }
        mixed
    }

    /// Nodes, the root among them.
    pub(super) fn len(&self) -> usize {
        self.units.len()
    }

    /// Whether words go on from here with a letter of a script without spaces.
    pub(super) fn is_mixed(&self, node: u32) -> bool {
        bit(&self.mixed, node)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.units.len() == 1
    }

    /// The word that ends at a node.
    pub(super) fn word(&self, node: u32) -> Option<usize> {
        self.words.get(node as usize).filter(|word| **word != NO_WORD).map(|word| *word as usize)
    }

    /// The children of a node: the number of the first, and their units.
    pub(super) fn children(&self, node: u32) -> (u32, &[Unit]) {
        let bound = |at: u32| self.children.get(at as usize).copied().unwrap_or(0);
        let (first, end) = (bound(node), bound(node + 1));
        (first, self.units.get(first as usize..end as usize).unwrap_or_default())
    }

    /// The children of a node that are of this class.
    pub(super) fn of_class(&self, node: u32, class: char) -> (u32, &[Unit]) {
        if node == 0
            && class.is_ascii_lowercase()
            && let Some((first, len)) = self.roots.get(class as usize & 31)
        {
            return (*first, self.units.get(*first as usize..(first + len) as usize).unwrap_or_default());
        }
        self.searched(node, class)
    }

    fn searched(&self, node: u32, class: char) -> (u32, &[Unit]) {
        let (first, units) = self.children(node);
        let mut low = 0;
        // Halving pays where there are many: at the root.
        if units.len() > 12 {
            low = units.partition_point(|unit| unit.class < class);
        } else {
            while units.get(low).is_some_and(|unit| unit.class < class) {
                low += 1;
            }
        }
        let mut high = low;
        while units.get(high).is_some_and(|unit| unit.class == class) {
            high += 1;
        }
        (first + low as u32, units.get(low..high).unwrap_or_default())
    }

    /// The child that is exactly this letter.
    pub(super) fn child(&self, node: u32, letter: char, class: char) -> Option<u32> {
        let (first, units) = self.of_class(node, class);
        units.iter().position(|unit| unit.letter == letter).map(|at| first + at as u32)
    }
}

fn bit(bits: &[u64], at: u32) -> bool {
    bits.get(at as usize / 64).is_some_and(|word| word >> (at % 64) & 1 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_a_list_is_at_the_end_of_its_letters() {
        let list = ["free", "free money", "fr", "straße", "免費", "a", "free"];
        let trie = Trie::new(list.iter().enumerate().map(|(index, word)| (units(word), index as u32)).collect());
        for (index, word) in list.iter().enumerate().take(6) {
            let end = units(word).iter().try_fold(0, |node, unit| trie.child(node, unit.letter, unit.class));
            assert_eq!(end.and_then(|end| trie.word(end)), Some(index), "{word}");
        }
        assert!(trie.child(0, 'x', 'x').is_none());
        assert_eq!(units(" S\u{200b}traße  x ").iter().map(|unit| unit.letter).collect::<String>(), "strasse x");
    }
}
