//! Follows the words of a list through a text, from one place, past everything that can disguise them.
//!
//! At each character there are few ways on: the listed letter itself, a letter that it stands for, the same letter once
//! more, or a sign that is passed over. All are followed; which disguises were needed is counted on the way, and judged
//! where a word ends.

use super::budget::Budget;
use super::judge::{self, ARTICLE, Likeness, Spelling};
use super::rules::{Found, Rules, Strictness};
use super::trie::Trie;
use crate::text::letters::{self, Kind, Letter, is_filler, leet, read};

/// Maximum number of signs and spaces in a row inside a word.
pub(super) const GAP_MAX: u8 = 4;
/// Maximum number of steps from one place.
const STEPS_FROM_ONE_PLACE_MAX: usize = 400;
/// Bytes of marks and of what is invisible that can be read with a character at the cost of one step. Without this, one
/// step would read all the marks of a text.
const GLYPH_BYTES_PER_STEP: usize = 16;
/// Most letters that a sign may stand for in one word.
const WILD_MAX: u8 = 2;

/// One way through the text, up to a place.
#[derive(Clone, Copy)]
struct Way {
    at: usize,
    node: u32,
    /// The class and the letter that were read last.
    last: char,
    last_letter: char,
    /// Signs and spaces since then.
    gap: u8,
    /// Whether that gap is one that the list has too.
    is_listed_gap: bool,
    /// The last letter was repeated, so the list's own repetitions are over.
    is_repeated: bool,
    spelling: Spelling,
}

/// Spaces in a row, or one sign.
#[derive(Clone, Copy)]
struct Pause {
    end: usize,
    /// How many they are, up to [`GAP_MAX`].
    signs: u8,
}

/// A search in one text.
pub(super) struct Walk<'t> {
    text: &'t str,
    trie: &'t Trie,
    rules: Rules,
    ways: Vec<Way>,
    steps: usize,
    /// Steps that marks cost. They end no search from one place before the budget of the text is reached.
    mark_steps: usize,
    budget: Budget,
    /// Only words as they are listed are searched for.
    is_listed_only: bool,
}

/// A character of the text, with the marks on it.
struct Glyph {
    letter: Letter,
    raw: char,
    /// Where it ends, and where its marks do.
    end: usize,
    end_of_marks: usize,
    /// Something invisible is before it.
    follows_invisible: bool,
}

impl<'t> Walk<'t> {
    pub(super) fn new(text: &'t str, trie: &'t Trie, rules: Rules, budget: Budget) -> Self {
        Self { text, trie, rules, ways: Vec::new(), steps: 0, mark_steps: 0, budget, is_listed_only: false }
    }

    /// Whether the steps of one text are used up.
    pub(super) const fn is_exhausted(&self) -> bool {
        self.steps + self.mark_steps >= self.budget.steps_max
    }

    /// Steps so far, those of marks among them.
    pub(super) const fn steps(&self) -> usize {
        self.steps + self.mark_steps
    }

    /// From here on, only words as they are listed.
    pub(super) const fn look_for_listed(&mut self) {
        self.is_listed_only = true;
    }

    /// The longest word that begins at this place.
    pub(super) fn from(&mut self, start: usize) -> Option<Found> {
        if self.is_listed_only {
            return self.as_listed(start);
        }
        let mut best: Option<Found> = None;
        let spelling = Spelling::from(start);
        self.ways.push(Way {
            at: start,
            node: 0,
            last: '\0',
            last_letter: '\0',
            gap: 0,
            is_listed_gap: false,
            is_repeated: false,
            spelling,
        });
        let last = self.steps + STEPS_FROM_ONE_PLACE_MAX;
        let last_of_marks = self.mark_steps.saturating_add(self.budget.steps_max);
        while let Some(way) = self.ways.pop() {
            self.steps += 1;
            if self.steps > last || self.mark_steps > last_of_marks {
                self.ways.clear();
                break;
            }
            if way.gap == 0
                && let Some(word) = self.trie.word(way.node)
                && best.as_ref().is_none_or(|best| best.range.end < way.spelling.end)
                && judge::accepts(self.text, &way.spelling, self.rules)
            {
                best = Some(Found { range: start..way.spelling.end, word });
            }
            if let Some(glyph) = self.glyph(way.at) {
                self.step(way, &glyph);
            }
        }
        best
    }

    /// The longest word that is written at this place as it is listed.
    fn as_listed(&self, start: usize) -> Option<Found> {
        let mut best = None;
        let (mut node, mut spelling) = (0, Spelling::from(start));
        let mut at = start;
        while let Some(glyph) = self.glyph_at(at) {
            let Letter { letter, class, .. } = glyph.letter;
            let Some(child) = self.trie.child(node, letter, class) else { break };
            (node, at) = (child, glyph.end_of_marks);
            if class == ' ' {
                spelling.end_part();
            } else {
                spelling.read(at, class);
            }
            if let Some(word) = self.trie.word(node)
                && judge::accepts(self.text, &spelling, self.rules)
            {
                best = Some(Found { range: start..at, word });
            }
        }
        best
    }

    /// Reads a character, and counts the steps that its marks cost.
    fn glyph(&mut self, at: usize) -> Option<Glyph> {
        let glyph = self.glyph_at(at)?;
        self.mark_steps += (glyph.end_of_marks - at) / GLYPH_BYTES_PER_STEP;
        Some(glyph)
    }

    fn glyph_at(&self, at: usize) -> Option<Glyph> {
        // Most letters are in ASCII, and so is what follows.
        if let Some([byte @ (b'a'..=b'z' | b'A'..=b'Z'), next]) = self.text.as_bytes().get(at..at + 2)
            && next.is_ascii()
        {
            let letter = char::from(byte.to_ascii_lowercase());
            let class = if letter == 'l' { 'i' } else { letter };
            let letter = Letter { kind: Kind::Letter, letter, class, shown: None };
            let (raw, end) = (char::from(*byte), at + 1);
            return Some(Glyph { letter, raw, end, end_of_marks: end, follows_invisible: false });
        }
        let rest = self.text.get(at..)?;
        let mut chars = rest.char_indices();
        let (mut from, mut raw) = chars.next()?;
        let mut letter = read(raw);
        while letter.kind == Kind::Invisible {
            (from, raw) = chars.next()?;
            letter = read(raw);
        }
        let end = at + from + raw.len_utf8();
        let mut end_of_marks = end;
        if self.text.as_bytes().get(end).is_some_and(|byte| !byte.is_ascii()) {
            for c in self.text.get(end..).unwrap_or_default().chars() {
                match read(c).kind {
                    Kind::Mark => end_of_marks += c.len_utf8(),
                    _ => break,
                }
            }
        }
        Some(Glyph { letter, raw, end, end_of_marks, follows_invisible: from > 0 })
    }

    fn step(&mut self, way: Way, glyph: &Glyph) {
        let can_disguise = self.rules.strictness != Strictness::Exact;
        // What is tried last is followed first.
        if way.gap == 0 && (self.rules.strictness == Strictness::Aggressive || glyph.follows_invisible && can_disguise)
        {
            self.without_space(way, glyph);
        }
        match glyph.letter.kind {
            Kind::Mark | Kind::Invisible => self.ways.push(Way { at: glyph.end, ..way }),
            Kind::Letter | Kind::Accented => {
                if can_disguise {
                    self.repeat(way, glyph);
                }
                self.letter(way, glyph);
            }
            Kind::Several => self.several(way, glyph),
            Kind::Digit => {
                if can_disguise {
                    self.gap(way, glyph, Pause { end: glyph.end_of_marks, signs: 1 });
                    self.repeat(way, glyph);
                    self.leet(way, glyph);
                }
                self.exact(way, glyph);
            }
            Kind::Space | Kind::Sign | Kind::Clause | Kind::Emoji => {
                if is_filler(glyph.raw) && may_show_nothing(way.gap, way.is_listed_gap, self.rules) {
                    let at = self.end_of(glyph, |next| is_filler(next.raw)).end;
                    self.ways.push(Way { at, ..way });
                }
                let is_space = glyph.letter.kind == Kind::Space;
                let pause = self.end_of(glyph, |next| is_space && next.letter.kind == Kind::Space);
                if can_disguise {
                    self.wild(way, glyph);
                    self.leet(way, glyph);
                    self.gap(way, glyph, pause);
                }
                self.listed_gap(way, glyph, pause);
                if glyph.letter.kind != Kind::Space {
                    self.exact(way, glyph);
                }
            }
        }
    }

    /// Where characters like this one end.
    fn end_of(&mut self, glyph: &Glyph, is_like: impl Fn(&Glyph) -> bool) -> Pause {
        let mut pause = Pause { end: glyph.end_of_marks, signs: 1 };
        let is_over = |end| self.text.as_bytes().get(end).is_none_or(u8::is_ascii_alphanumeric);
        if is_over(pause.end) {
            return pause;
        }
        while let Some(next) = self.glyph(pause.end).filter(&is_like) {
            pause = Pause { end: next.end_of_marks, signs: (pause.signs + 1).min(GAP_MAX) };
        }
        pause
    }

    /// A gap is over where a letter is read.
    fn go_on(&mut self, way: Way, glyph: &Glyph, node: u32, spelling: Spelling) {
        let way = Way { last_letter: glyph.letter.letter, ..way };
        self.push(way, node, glyph.letter.class, spelling, glyph.end_of_marks);
    }

    fn push(&mut self, way: Way, node: u32, last: char, mut spelling: Spelling, end: usize) {
        if way.is_listed_gap && way.gap == 0 {
            return;
        }
        spelling.read(end, last);
        let is_repeated = way.is_repeated && way.last == last;
        self.ways.push(Way { at: end, node, last, gap: 0, is_listed_gap: false, is_repeated, spelling, ..way });
    }

    fn exact(&mut self, way: Way, glyph: &Glyph) {
        let Letter { letter, class, .. } = glyph.letter;
        if let Some(child) = self.trie.child(way.node, letter, class) {
            self.go_on(way, glyph, child, way.spelling);
        }
    }

    fn letter(&mut self, way: Way, glyph: &Glyph) {
        let classes = [Some(glyph.letter.class), glyph.letter.shown];
        let has_mark = glyph.end_of_marks > glyph.end;
        for class in classes.into_iter().flatten() {
            if way.is_repeated && way.last == class && way.last_letter == glyph.letter.letter {
                continue;
            }
            let (first, units) = self.trie.of_class(way.node, class);
            for (at, unit) in units.iter().enumerate() {
                let likeness = judge::likeness(unit.letter, glyph.letter, glyph.raw, has_mark, self.rules);
                let mut spelling = way.spelling;
                match likeness {
                    Likeness::Same => {}
                    Likeness::Accent => spelling.accent(glyph.raw, has_mark),
                    Likeness::Look { is_ordinary } => {
                        spelling.looks += 1;
                        spelling.ordinary_looks += u16::from(is_ordinary);
                    }
                    Likeness::Dotless => spelling.has_dotless = true,
                    Likeness::Other => continue,
                }
                self.go_on(way, glyph, first + at as u32, spelling);
            }
        }
    }

    /// `ß` is read as two letters, at once.
    fn several(&mut self, way: Way, glyph: &Glyph) {
        let letters = letters::several(glyph.letter);
        if way.spelling.letters == 0
            && let Some(rest) = letters.strip_prefix(ARTICLE)
        {
            let mut spelling = way.spelling;
            spelling.ends_article = true;
            self.letters(Way { spelling, ..way }, glyph, rest);
        }
        self.letters(way, glyph, letters);
    }

    fn letters(&mut self, way: Way, glyph: &Glyph, letters: &str) {
        let mut node = way.node;
        let mut spelling = way.spelling;
        let mut last = way.last;
        for c in letters.chars() {
            let class = read(c).class;
            let Some(child) = self.trie.child(node, c, class) else { return };
            (node, last) = (child, class);
            spelling.read(glyph.end_of_marks, class);
        }
        // `push` reads one of them again. Between them nothing can be.
        spelling.letters -= u16::from(!letters.is_empty());
        spelling.part -= letters.chars().count() as u16;
        self.push(way, node, last, spelling, glyph.end_of_marks);
    }

    /// The same letter once more.
    fn repeat(&mut self, way: Way, glyph: &Glyph) {
        let letter = glyph.letter;
        let is_same = letter.class == way.last || leet(letter.letter).contains(&way.last);
        // A digit once more makes another number.
        if !is_same || way.spelling.letters == 0 || way.is_listed_gap || way.last.is_ascii_digit() {
            return;
        }
        let mut spelling = way.spelling;
        spelling.repeat(letter.letter, !way.is_repeated, glyph.end_of_marks);
        self.ways.push(Way { at: glyph.end_of_marks, gap: 0, is_repeated: true, spelling, ..way });
    }

    fn leet(&mut self, way: Way, glyph: &Glyph) {
        // Most signs stand for a letter only inside of a word: `hi!` ends with a sign.
        let is_closing = matches!(glyph.letter.letter, '$' | '@' | '§' | '|' | '€');
        let can_end = is_closing && way.gap == 0 && way.spelling.letters > 0;
        if glyph.letter.kind != Kind::Digit && !can_end && !self.has_letter_at(glyph.end_of_marks) {
            return;
        }
        for class in leet(glyph.letter.letter) {
            let (first, units) = self.trie.of_class(way.node, *class);
            for (at, unit) in units.iter().enumerate() {
                if unit.letter == *class || *class == 'i' && matches!(unit.letter, 'i' | 'l') {
                    let mut spelling = way.spelling;
                    spelling.leet += 1;
                    self.push(way, first + at as u32, *class, spelling, glyph.end_of_marks);
                }
            }
        }
    }

    fn has_letter_at(&mut self, at: usize) -> bool {
        let next = self.glyph(at).map(|next| next.letter);
        next.is_some_and(|next| {
            matches!(next.kind, Kind::Letter | Kind::Accented | Kind::Several | Kind::Digit)
                || !leet(next.letter).is_empty()
        })
    }

    /// A space or a sign where the list has a space.
    fn listed_gap(&mut self, way: Way, glyph: &Glyph, pause: Pause) {
        if way.is_listed_gap {
            // More of the same gap.
            let mut spelling = way.spelling;
            if way.gap < GAP_MAX && spelling.listed_gap(glyph.letter.kind, glyph.raw, self.rules.strictness, way.gap) {
                self.ways.push(Way { at: pause.end, gap: (way.gap + pause.signs).min(GAP_MAX), spelling, ..way });
            } else if way.gap >= GAP_MAX && glyph.letter.kind == Kind::Space {
                self.ways.push(Way { at: pause.end, ..way });
            }
            return;
        }
        let Some(node) = self.trie.child(way.node, ' ', ' ') else { return };
        let mut spelling = way.spelling;
        if way.gap == 0 && spelling.listed_gap(glyph.letter.kind, glyph.raw, self.rules.strictness, 0) {
            spelling.end_part();
            self.ways.push(Way {
                at: pause.end,
                node,
                gap: pause.signs,
                is_listed_gap: true,
                is_repeated: false,
                last: ' ',
                spelling,
                ..way
            });
        }
    }

    /// A phrase without one of its spaces: a long one, or with something invisible instead.
    #[inline(never)]
    fn without_space(&mut self, way: Way, glyph: &Glyph) {
        let Some(node) = self.trie.child(way.node, ' ', ' ') else { return };
        let mut spelling = way.spelling;
        spelling.joined |= !glyph.follows_invisible;
        spelling.end_part();
        let way = Way { node, last: ' ', is_repeated: false, spelling, ..way };
        match glyph.letter.kind {
            Kind::Letter | Kind::Accented => self.letter(way, glyph),
            Kind::Several => self.several(way, glyph),
            Kind::Digit | Kind::Sign | Kind::Clause | Kind::Emoji => {
                self.leet(way, glyph);
                self.exact(way, glyph);
            }
            Kind::Mark | Kind::Invisible | Kind::Space => {}
        }
    }

    /// A space or a sign inside of a word.
    fn gap(&mut self, way: Way, glyph: &Glyph, pause: Pause) {
        if way.is_listed_gap || way.spelling.letters == 0 {
            return;
        }
        if way.gap >= GAP_MAX {
            // Any number of spaces may follow, except where parts of words count: columns of a table would make words.
            if glyph.letter.kind == Kind::Space && self.rules.whole_words {
                self.ways.push(Way { at: pause.end, ..way });
            }
            return;
        }
        let is_unspaced = way.spelling.has_unspaced;
        let mut spelling = way.spelling;
        // A space after adjacent letters ends their word.
        if glyph.letter.kind == Kind::Space
            && way.gap == 0
            && self.rules.strictness == Strictness::Normal
            && !spelling.is_drawn_out()
            && !self.trie.is_mixed(way.node)
        {
            return;
        }
        if spelling.gap(glyph.letter.kind, way.gap == 0, is_unspaced, self.rules.strictness) {
            let one = Pause { end: glyph.end_of_marks, signs: 1 };
            let pause = if self.rules.whole_words { pause } else { one };
            self.ways.push(Way { at: pause.end, gap: (way.gap + pause.signs).min(GAP_MAX), spelling, ..way });
        }
    }

    /// A sign for any one letter: `m*ney`.
    fn wild(&mut self, way: Way, glyph: &Glyph) {
        if self.rules.strictness != Strictness::Aggressive
            || !is_wild(glyph.letter.letter)
            || way.gap > 0
            || way.is_listed_gap
            || way.spelling.letters == 0
            || way.spelling.wild >= WILD_MAX
        {
            return;
        }
        let (first, units) = self.trie.children(way.node);
        self.steps += units.len();
        for (at, unit) in units.iter().enumerate() {
            if unit.letter.is_alphabetic() {
                let mut spelling = way.spelling;
                spelling.wild += 1;
                self.push(way, first + at as u32, '\0', spelling, glyph.end_of_marks);
            }
        }
    }
}

/// Whether a blank letter is followed as if it were not there. Inside a gap it is one of the gap's spaces: if both were
/// followed there, each blank letter would double the number of ways.
pub(super) const fn may_show_nothing(gap: u8, is_listed_gap: bool, rules: Rules) -> bool {
    gap == 0 || gap >= GAP_MAX && !is_listed_gap && !rules.whole_words
}

/// Whether a sign can stand for any one letter.
pub(super) const fn is_wild(sign: char) -> bool {
    matches!(sign, '*' | '#' | '_' | '%' | '?' | '.' | '-' | '•' | '·' | '\u{fffd}')
}
