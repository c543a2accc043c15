//! The first filter for characters of three bytes: whether a listed word can begin with one of them, and with two
//! Chinese characters.

use super::bits::Bits;
use super::trie::Trie;
use crate::text::letters::{Kind, Letter, is_spaced, leet, read, simplified_code};

/// Characters from 0 to 0xffff, in blocks of 64.
const BLOCKS: usize = 1024;
const IDEOGRAPHS: std::ops::Range<u32> = 0x4e00..0xa000;
/// Bits for each pair of characters.
const BITS_PER_PAIR: usize = 64;

/// The characters of three bytes that listed words begin with.
#[derive(Debug)]
pub(super) struct Wide {
    /// A bit for each character that begins no word, and after which a word can begin. Blocks of 64 are indexed by the
    /// first two bytes, the second one first.
    passed: Box<[u64; BLOCKS]>,
    /// The first two characters of Chinese words in every accepted form, and each first character doubled.
    pairs: Bits,
}

impl Wide {
    pub(super) fn of(trie: &Trie) -> Self {
        let mut firsts = Box::new([0; BLOCKS]);
        let (_, units) = trie.children(0);
        for unit in units {
            set(&mut firsts, unit.class as u32);
        }
        let mut passed = Box::new([0; BLOCKS]);
        for code in 0x800..0x1_0000 {
            let block = code >> 12 | code >> 2 & 0x3f0;
            if char::from_u32(code).is_some_and(|c| is_passed(read(c), &firsts)) {
                set(&mut passed, block << 6 | code & 0x3f);
            }
        }
        let written = Written::new();
        let mut count = 0;
        each_pair(trie, &written, &mut |_| count += 1);
        let mut pairs = Bits::new(count, BITS_PER_PAIR);
        each_pair(trie, &written, &mut |pair| pairs.set(pair));
        Self { passed, pairs }
    }

    /// Whether a character of three bytes begins no word and does not affect the next one.
    #[inline]
    pub(super) fn pass(&self, bytes: u32) -> bool {
        let block = bytes & 0xf | bytes >> 4 & 0x3f0;
        let bits = self.passed.get(block as usize).copied().unwrap_or(0);
        bits >> (bytes >> 16 & 0x3f) & 1 != 0
    }

    /// Whether a word of several characters may begin with these two Chinese ones.
    #[inline]
    pub(super) fn have_pair(&self, first: u32, second: u32) -> bool {
        self.pairs.has(pair(first, second))
    }
}

/// Whether four bytes begin with a three-byte character.
#[inline]
pub(super) const fn is_wide(bytes: u32) -> bool {
    bytes & 0x00c0_c0f0 == 0x0080_80e0
}

/// Whether four bytes begin with a Chinese character, U+4E00 to U+9FFF.
#[inline]
pub(super) const fn is_ideograph(bytes: u32) -> bool {
    // From E4 B8 80 to E9 BF BF.
    (bytes & 0xff).wrapping_sub(0xe5) < 5 || bytes & 0xff == 0xe4 && bytes & 0xff00 >= 0xb800
}

/// The four bytes at a position, padded with 0 beyond the end.
#[inline]
pub(super) fn four(bytes: &[u8], at: usize) -> u32 {
    match bytes.get(at..).and_then(<[u8]>::first_chunk) {
        Some(four) => u32::from_le_bytes(*four),
        None => last(bytes, at),
    }
}

#[inline(never)]
fn last(bytes: &[u8], at: usize) -> u32 {
    match bytes.get(at..) {
        Some([first, second, third]) => u32::from_le_bytes([*first, *second, *third, 0]),
        Some([first, second]) => u32::from_le_bytes([*first, *second, 0, 0]),
        Some([first]) => u32::from(*first),
        _ => 0,
    }
}

/// The hash of two characters by their first three bytes.
#[inline]
const fn pair(first: u32, second: u32) -> u32 {
    ((first & 0xff_ffff).wrapping_mul(0x85eb_ca6b) ^ (second & 0xff_ffff)).wrapping_mul(0x9e37_79b1)
}

fn set(bits: &mut [u64; BLOCKS], code: u32) {
    if let Some(block) = bits.get_mut(code as usize / 64) {
        *block |= 1 << (code % 64);
    }
}

fn is_passed(letter: Letter, firsts: &[u64; BLOCKS]) -> bool {
    let begins = |class: char| {
        let block = firsts.get(class as usize / 64);
        block.is_none_or(|block| block >> (class as u32 % 64) & 1 != 0)
    };
    match letter.kind {
        Kind::Space => true,
        Kind::Sign | Kind::Clause | Kind::Emoji => leet(letter.letter).is_empty() && !begins(letter.class),
        Kind::Letter | Kind::Accented => {
            !is_spaced(letter.letter) && !begins(letter.class) && !letter.shown.is_some_and(begins)
        }
        Kind::Digit | Kind::Several | Kind::Mark | Kind::Invisible => false,
    }
}

/// Chinese characters by their simplified form, if that differs.
struct Written(Vec<(u32, u32)>);

impl Written {
    fn new() -> Self {
        let mut others: Vec<(u32, u32)> = IDEOGRAPHS.map(|code| (simplified_code(code), code)).collect();
        others.retain(|(simple, code)| simple != code);
        others.sort_unstable();
        Self(others)
    }

    /// All forms of a character, as bytes.
    fn of(&self, class: u32) -> impl Iterator<Item = u32> + Clone {
        let from = self.0.partition_point(|(simple, _)| *simple < class);
        let others = self.0.get(from..).unwrap_or_default();
        let others = others.iter().take_while(move |(simple, _)| *simple == class).map(|(_, code)| *code);
        std::iter::once(class).chain(others).filter(|code| IDEOGRAPHS.contains(code)).map(bytes_of)
    }
}

const fn bytes_of(code: u32) -> u32 {
    (0xe0 | code >> 12) | (0x80 | code >> 6 & 0x3f) << 8 | (0x80 | code & 0x3f) << 16
}

/// Calls `each` with the hashes of all pairs that words begin with.
fn each_pair(trie: &Trie, written: &Written, each: &mut dyn FnMut(u32)) {
    let (first, units) = trie.children(0);
    for (unit, node) in units.iter().zip(first..) {
        let class = unit.class as u32;
        if !IDEOGRAPHS.contains(&class) {
            continue;
        }
        let after_space = trie.child(node, ' ', ' ').map(|space| trie.children(space).1);
        let seconds = trie.children(node).1.iter().chain(after_space.unwrap_or_default());
        // The first one can be repeated.
        for second in seconds.map(|unit| unit.class as u32).chain([class]) {
            for first in written.of(class) {
                written.of(second).for_each(|second| each(pair(first, second)));
            }
        }
    }
}
