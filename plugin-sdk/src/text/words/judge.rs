//! Whether a spelling is a listed word in disguise, or just looks a little like it.

use super::rules::{Rules, Strictness};
use crate::text::letters::{self, Kind, Letter, is_arabic, is_spaced, is_symbol, read};

/// The last letter of Arabic articles and prepositions. A ligature can combine it with the first letters of a word.
pub(super) const ARTICLE: char = 'ل';

/// What a letter of the text is for a letter of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Likeness {
    Same,
    /// The same with an accent that the list does not have, or with another one.
    Accent,
    /// Another letter that looks alike.
    Look {
        /// It belongs to an alphabet in which people write honest words.
        is_ordinary: bool,
    },
    /// A dotless `ı` for an `i`. Turkish has both, and short words that differ in nothing else: `sık` is an honest one.
    Dotless,
    Other,
}

/// Compares two letters of one class.
pub(super) fn likeness(listed: char, seen: Letter, raw: char, has_mark: bool, rules: Rules) -> Likeness {
    let (letter, is_exact) = (seen.letter, rules.strictness == Strictness::Exact);
    let is_accented = seen.kind == Kind::Accented || has_mark;
    if letter == listed {
        return if has_mark && !is_exact && listed.is_ascii() { Likeness::Accent } else { Likeness::Same };
    }
    // Half of Turkey's capitals are other languages' small letters.
    let is_capital_i = matches!(raw, 'I' | 'Ｉ');
    if is_capital_i && listed == 'ı' {
        return Likeness::Same;
    }
    // An accent in a character of its own: the same in another encoding.
    if has_mark && read(listed).kind == Kind::Accented {
        return Likeness::Same;
    }
    if is_exact {
        return Likeness::Other;
    }
    match (alphabet(listed), alphabet(letter)) {
        (Alphabet::Latin, Alphabet::Latin) => latin(listed, letter, raw, is_accented, rules),
        (Alphabet::Arabic, Alphabet::Arabic) => Likeness::Look { is_ordinary: false },
        (one, other) if one == other && one != Alphabet::None => {
            // The list's й is no и; the text's й is one with an accent.
            let is_more = is_accented && read(listed).kind != Kind::Accented;
            if is_more { Likeness::Accent } else { Likeness::Other }
        }
        (_, Alphabet::None) => Likeness::Look { is_ordinary: false },
        (_, _) => Likeness::Look { is_ordinary: is_ordinary(letter) },
    }
}

fn latin(listed: char, letter: char, raw: char, is_accented: bool, rules: Rules) -> Likeness {
    let is_look = Likeness::Look { is_ordinary: false };
    let is_aggressive = rules.strictness == Strictness::Aggressive;
    match (listed, letter) {
        // A capital I looks like an l, and a small l like a capital I; but `fill` is not `fiii`.
        ('l', 'i') if matches!(raw, 'I' | 'Ｉ') => is_look,
        ('l', 'i') | ('i', 'l') if !is_accented && is_aggressive => is_look,
        ('i', 'ı') if is_aggressive || !rules.whole_words => Likeness::Dotless,
        ('l', 'i' | 'ı') | ('i', 'l' | 'ı') | ('ı', _) => Likeness::Other,
        ('l', _) if is_i(letter) => Likeness::Other,
        ('i', _) if is_l(letter) => Likeness::Other,
        _ if listed.is_ascii() && is_accented => Likeness::Accent,
        // The list has an accent that the text has not: another word.
        _ if is_accented => Likeness::Accent,
        _ if listed.is_ascii() && !letter.is_ascii() => is_look,
        _ => Likeness::Other,
    }
}

fn is_i(letter: char) -> bool {
    matches!(letter, 'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ǐ' | 'ỉ' | 'ị')
}

fn is_l(letter: char) -> bool {
    matches!(letter, 'ĺ' | 'ļ' | 'ľ' | 'ł' | 'ḷ' | 'ḹ' | 'ḻ' | 'ḽ')
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Alphabet {
    Latin,
    Greek,
    Cyrillic,
    Arabic,
    None,
}

const fn alphabet(letter: char) -> Alphabet {
    match letter {
        'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{2af}' | '\u{1d00}'..='\u{1dbf}' | '\u{1e00}'..='\u{1eff}' => {
            Alphabet::Latin
        }
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => Alphabet::Greek,
        '\u{400}'..='\u{52f}' => Alphabet::Cyrillic,
        _ if is_arabic(letter) => Alphabet::Arabic,
        _ => Alphabet::None,
    }
}

/// Letters of which people write honest words in another alphabet: those of Latin, Russian, Greek.
const fn is_ordinary(letter: char) -> bool {
    matches!(letter, 'a'..='z' | 'а'..='я' | 'α'..='ω')
}

/// How a word was spelt, up to a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spelling {
    start: usize,
    pub(super) end: usize,
    /// Letters of the list that were read, without spaces.
    pub(super) letters: u16,
    /// Of these, since the list's last space.
    pub(super) part: u16,
    pub(super) leet: u16,
    pub(super) looks: u16,
    pub(super) ordinary_looks: u16,
    /// Letters with an accent that the list does not have, and that is common in some language (`ü`, `ç`).
    accents: u16,
    /// Some of its letters are of a script without spaces, so that anything can be between all of them.
    pub(super) has_unspaced: bool,
    pub(super) wild: u8,
    pub(super) ends_wild: bool,
    /// It begins with a ligature whose first letter is the last one of its article.
    pub(super) ends_article: bool,
    /// The list has a space that the text does not have.
    pub(super) joined: bool,
    pub(super) has_dotless: bool,
    /// A dot is in the gap where the list has a space.
    has_dot: bool,
    last: char,
    gaps: Gaps,
    runs: Runs,
}

/// Places between two letters of a word where something else is.
#[derive(Debug, Clone, Copy, Default)]
struct Gaps {
    /// In the current part of the word.
    here: u16,
    /// Of these, with a space.
    spaces_here: u16,
    /// In all.
    all: u16,
    /// With the end of a clause, in a script without spaces.
    clauses: u16,
    /// Parts with a space or sign between all letters.
    parts: u8,
    /// A part of two letters is, which alone says nothing.
    is_doubtful: bool,
    is_wrong: bool,
}

/// Letters that are there more often than in the list.
#[derive(Debug, Clone, Copy, Default)]
struct Runs {
    /// How many letters are repeated; how often the current one is, and the one that is repeated most.
    repeated: u16,
    here: u16,
    longest: u16,
    /// How many repeated letters are vowels.
    vowels: u16,
    /// How many repeated letters are consonants at the beginning of a word.
    initials: u16,
}

impl Spelling {
    pub(super) fn from(start: usize) -> Self {
        Self {
            start,
            end: start,
            letters: 0,
            part: 0,
            leet: 0,
            looks: 0,
            ordinary_looks: 0,
            accents: 0,
            has_unspaced: false,
            wild: 0,
            ends_wild: false,
            ends_article: false,
            joined: false,
            has_dotless: false,
            has_dot: false,
            last: '\0',
            gaps: Gaps::default(),
            runs: Runs::default(),
        }
    }

    /// A letter has an accent that the list does not have.
    pub(super) fn accent(&mut self, raw: char, has_mark: bool) {
        // Those of German, Turkish, Scandinavian: many of their short words are other words with an accent.
        let is_common = matches!(
            raw,
            'ä' | 'ö' | 'ü' | 'ç' | 'ş' | 'ğ' | 'å' | 'ø' | 'Ä' | 'Ö' | 'Ü' | 'Ç' | 'Ş' | 'Ğ' | 'Å' | 'Ø'
        );
        self.accents += u16::from(is_common && !has_mark);
    }

    /// A letter of the list was read.
    pub(super) fn read(&mut self, end: usize, class: char) {
        self.end = end;
        self.letters += 1;
        self.part += 1;
        self.ends_wild = class == '\0';
        self.runs.here = 0;
        self.has_dot = false;
        self.has_unspaced |= !is_spaced(class);
        self.last = class;
    }

    /// The letter that was read last was there once more.
    pub(super) fn repeat(&mut self, letter: char, is_first: bool, end: usize) {
        self.end = end;
        if is_first {
            // The class of an l is that of an i.
            let is_vowel = matches!(self.last, 'a' | 'e' | 'i' | 'o' | 'u') && letter != 'l';
            let is_consonant = letter.is_ascii_alphabetic() && letter != 'l' && !is_vowel;
            self.runs.repeated += 1;
            self.runs.vowels += u16::from(is_vowel);
            self.runs.initials += u16::from(is_consonant && self.part == 1);
        }
        self.runs.here += 1;
        self.runs.longest = self.runs.longest.max(self.runs.here);
    }

    /// Notes a character between two letters of a word. Returns whether it is allowed there.
    pub(super) fn gap(&mut self, kind: Kind, is_first: bool, is_unspaced: bool, strictness: Strictness) -> bool {
        let is_aggressive = strictness == Strictness::Aggressive;
        match kind {
            Kind::Emoji if !is_aggressive => return false,
            Kind::Digit if !(is_aggressive && is_unspaced) => return false,
            Kind::Clause if is_unspaced => self.gaps.clauses += 1,
            Kind::Space if !is_unspaced && is_first => self.gaps.spaces_here += 1,
            _ => {}
        }
        if is_first {
            self.gaps.here += u16::from(!is_unspaced);
            self.gaps.all += 1;
        }
        true
    }

    /// Whether something is between all letters of the word's current part, or can be because of its script.
    pub(super) const fn is_drawn_out(&self) -> bool {
        self.has_unspaced || self.gaps.here + 1 >= self.part
    }

    /// Notes a character where the list has a space. Returns whether it can stand for one.
    pub(super) fn listed_gap(&mut self, kind: Kind, raw: char, strictness: Strictness, before: u8) -> bool {
        match (strictness, kind) {
            // A dot and a space end a sentence.
            (_, Kind::Space) => !self.has_dot || strictness == Strictness::Aggressive || self.gaps.all > 0,
            (Strictness::Exact, _) | (_, Kind::Digit) => false,
            (Strictness::Aggressive, _) => true,
            (Strictness::Normal, Kind::Sign) => {
                self.has_dot |= raw == '.';
                before == 0 || self.gaps.all > 0 || !matches!(raw, '.' | '"' | '(' | ')')
            }
            (Strictness::Normal, _) => false,
        }
    }

    /// The list has a space here.
    pub(super) fn end_part(&mut self) {
        let inner = self.part.saturating_sub(1);
        let is_full = self.gaps.here >= inner && inner > 0;
        if self.gaps.here > 0 {
            if is_full && inner >= 2 {
                self.gaps.parts = self.gaps.parts.saturating_add(1);
            } else if is_full {
                self.gaps.is_doubtful = true;
            } else if self.gaps.spaces_here > 0 || self.gaps.here < 2 || self.gaps.here * 2 < inner {
                self.gaps.is_wrong = true;
            }
        }
        (self.part, self.gaps.here, self.gaps.spaces_here) = (0, 0, 0);
    }

    /// Whether the gaps are those of a word that is drawn out, not those between words.
    fn has_good_gaps(&self, strictness: Strictness) -> bool {
        if self.gaps.all == 0 {
            return true;
        }
        let is_aggressive = strictness == Strictness::Aggressive;
        if self.has_unspaced {
            return is_aggressive || self.gaps.clauses == 0 || self.letters > 2;
        }
        let mut whole = *self;
        whole.end_part();
        let Gaps { is_wrong, is_doubtful, parts, .. } = whole.gaps;
        // One sign is enough for some, but a space is between words.
        !is_wrong && (!is_doubtful || parts > 0) || is_aggressive && self.letters > 2 && self.gaps.spaces_here == 0
    }

    fn has_good_letters(&self, strictness: Strictness) -> bool {
        let Self { letters, leet, looks, ordinary_looks, accents, wild, .. } = *self;
        let is_aggressive = strictness == Strictness::Aggressive;
        // Something must be left of the word. Two letters can be anything.
        if leet > 0 && (letters < 3 || leet >= letters || letters < 5 && leet * 3 > letters * 2) {
            return false;
        }
        // A word of Cyrillic letters that all look Latin is mostly a Russian word.
        if ordinary_looks > 0 && looks == letters && ordinary_looks == letters && letters < 5 {
            return false;
        }
        // `gün` is a word of its own; so are many short ones with accents.
        if accents > 0 && letters <= 3 && !is_aggressive && self.runs.longest == 0 {
            return false;
        }
        if wild > 0 && (letters < 4 - u16::from(wild == 1) || u16::from(wild) * 2 > letters || self.ends_wild) {
            return false;
        }
        (!self.joined || letters >= 8) && (!self.has_dotless || letters >= DOTLESS_LETTERS_MIN)
    }

    /// A letter that is there twice can be honest spelling: `raping` is not `rapping`. Three times it is not, and at
    /// the beginning of a word twice is not, except for `ll`.
    fn has_good_runs(&self, strictness: Strictness) -> bool {
        let Runs { repeated, longest, vowels, initials, .. } = self.runs;
        repeated == 0
            || longest >= 2
            || (repeated >= 2 || self.letters >= 4)
                && (vowels > 0 || initials > 0 || strictness == Strictness::Aggressive)
    }
}

/// Fewest letters of a word in which a dotless `ı` is a disguise.
const DOTLESS_LETTERS_MIN: u16 = 5;

/// Whether a word that was spelt like this counts, in this text.
pub(super) fn accepts(text: &str, spelling: &Spelling, rules: Rules) -> bool {
    let strictness = rules.strictness;
    spelling.has_good_gaps(strictness)
        && spelling.has_good_letters(strictness)
        && spelling.has_good_runs(strictness)
        && (!rules.whole_words || stands_alone(text, spelling))
}

/// Whether a word is not just a part of a longer one.
fn stands_alone(text: &str, spelling: &Spelling) -> bool {
    let (before, after) =
        (text.get(..spelling.start).unwrap_or_default(), text.get(spelling.end..).unwrap_or_default());
    let first = text.get(spelling.start..).and_then(|word| word.chars().next());
    let last = text.get(..spelling.end).and_then(|word| word.chars().rev().find(|c| is_visible(*c)));
    let (Some(first), Some(last)) = (first, last) else { return false };
    if spelling.gaps.here > 0 && !spelling.has_unspaced && !is_drawn_out_alone(before, after) {
        return false;
    }
    let left = before.chars().rev().find(|c| is_visible(*c));
    let right = after.chars().find(|c| is_visible(*c));
    let may_follow =
        |left| is_arabic(first_of(read(first))) && is_prefix(before, spelling) || !belong_together(left, first);
    let starts = match left {
        _ if spelling.ends_article => is_prefix(before, spelling),
        left => left.is_none_or(may_follow),
    };
    starts && right.is_none_or(|right| !belong_together(last, right))
}

/// The first letter that a character stands for.
fn first_of(letter: Letter) -> char {
    letters::several(letter).chars().next().unwrap_or(letter.letter)
}

fn is_visible(c: char) -> bool {
    !matches!(read(c).kind, Kind::Mark | Kind::Invisible)
}

/// Whether two neighbours are of one word: two letters of a script that puts spaces between words, or two digits.
/// A symbol is of a word of symbols only: in `casino🇩🇪` a flag follows.
fn belong_together(left: char, right: char) -> bool {
    if is_symbol(left) != is_symbol(right) {
        return false;
    }
    let (left, right) = (read(left), read(right));
    is_of_word(left) && is_of_word(right) || left.kind == Kind::Digit && right.kind == Kind::Digit
}

/// Whether a character is a letter of a script that puts spaces between words.
fn is_of_word(letter: Letter) -> bool {
    match letter.kind {
        Kind::Letter | Kind::Accented => is_spaced(letter.letter) && letter.letter.is_alphabetic(),
        Kind::Several => true,
        _ => false,
    }
}

/// Letters that stand singly go on in letters that stand singly: `w i n g` is not `win`. A word of one letter beside
/// them is no part of theirs.
fn is_drawn_out_alone(before: &str, after: &str) -> bool {
    let single = |mut chars: &mut dyn Iterator<Item = char>| {
        let mut letters = 0;
        let mut last = None;
        let mut is_single = true;
        for c in &mut chars {
            match read(c).kind {
                Kind::Letter | Kind::Accented | Kind::Several => {
                    if last.is_some() {
                        is_single = false;
                        break;
                    }
                    last = Some(c);
                }
                Kind::Mark | Kind::Invisible => {}
                _ if last.is_some() => break,
                _ => {
                    letters += 1;
                    if letters > 2 {
                        break;
                    }
                }
            }
        }
        last.filter(|_| is_single)
    };
    let goes_on = |c: Option<char>| {
        c.is_some_and(|c| !matches!(read(c).class, 'a' | 'i' | 'o' | 'u' | 'y' | 'e') && is_spaced(c))
    };
    !goes_on(single(&mut before.chars().rev())) && !goes_on(single(&mut after.chars()))
}

/// Whether the letters directly before an Arabic word are an article or a preposition: `و`, `ف`, then `ب`, `ك`, `ل`,
/// `س`, then `ال`; or `لل`.
fn is_prefix(before: &str, spelling: &Spelling) -> bool {
    let letters = spelling.letters;
    let mut prefix: Vec<char> = Vec::with_capacity(5);
    prefix.extend(spelling.ends_article.then_some(ARTICLE));
    for c in before.chars().rev() {
        let letter = read(c);
        match letter.kind {
            Kind::Mark | Kind::Invisible => {}
            Kind::Letter if is_arabic(letter.letter) && prefix.len() < 5 => prefix.push(letter.letter),
            _ if is_of_word(letter) => return false,
            _ => break,
        }
    }
    prefix.reverse();
    let mut rest: &[char] = &prefix;
    if let Some(after) = rest.strip_prefix(&['و']).or_else(|| rest.strip_prefix(&['ف'])) {
        rest = after;
    }
    let has_article = matches!(rest, [.., 'ا', 'ل'] | ['ل', 'ل']);
    let is_known = matches!(rest, [] | ['ا', 'ل'] | ['ب' | 'ك' | 'ل' | 'س'] | ['ب' | 'ك' | 'ل', 'ا', 'ل'] | ['ل', 'ل']);
    // A short word with one letter before it is mostly another word, unless that is an `and`.
    is_known && !prefix.is_empty() && (has_article || letters >= 4 || letters == 3 && prefix == ['و'])
}
