//! No filter rules out what a walk from every position finds.

use super::*;
use crate::text::words::{Strictness, Words};

/// Pseudo-random numbers, the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }

    fn text(&mut self, characters: &[char], most: usize) -> String {
        (0..=self.below(most)).map(|_| characters[self.below(characters.len())]).collect()
    }

    /// Up to this many bytes of other text, which move a word within a block of the search.
    fn filler(&mut self, characters: &[char], bytes_max: usize) -> String {
        const FILLERS: [&str; 5] = ["x ", "lorem ipsum dolor ", "да и нет ", "我们 ", "🔥 "];
        let bytes = self.below(bytes_max + 1);
        let mut filler = String::new();
        while filler.len() < bytes {
            match FILLERS.get(self.below(10)) {
                Some(part) => filler += part,
                None => filler += &self.text(characters, 6),
            }
        }
        filler
    }

    /// Words up to 20 letters, mostly short ones.
    fn list(&mut self, characters: &[char]) -> Vec<String> {
        let list = (0..=self.below(8)).map(|_| {
            let most = [6, 6, 6, 20][self.below(4)];
            self.text(characters, most)
        });
        list.filter(|word| Words::new(&[word], Rules::default()).is_ok()).collect()
    }

    /// A text with listed words, drawn out or not.
    fn message(&mut self, characters: &[char], list: &[String]) -> String {
        let most = [0, 12, 130][self.below(3)];
        let mut text = self.filler(characters, most);
        for _ in 0..self.below(3) {
            let word = list.get(self.below(8)).map_or("", |word| word);
            let between = ["", "", " ", ".", "-", "\u{1}"][self.below(6)];
            text.extend(word.chars().flat_map(|c| [c.to_string(), between.to_owned()]));
            text += &self.text(characters, 8);
        }
        let most = [0, 12, 130][self.below(3)];
        text + &self.filler(characters, most)
    }
}

const ALPHABETS: [&str; 17] = [
    "de🇩🇪™mº㎡²ª№noʼ ",
    "ßéüÖñøﬀ é",
    "ΝαΑηβНнВв -.",
    "كَلْبُۡوال\u{6dd}ـ ",
    "şıİIğüöç al.'",
    "ab .",
    "abel iI1l!| -",
    "frem on-y e3 .,",
    "feE3ßs ﬁi -é",
    "五星紅红1免费費-，。a",
    "كلبوفسا .ّـأقح",
    "спамcnoВл .-",
    "e\u{301}\u{200b}o\u{308} \u{1}\u{3164}\u{ad}",
    "微win信g点 .",
    "नमग🔥e*# ガｱ",
    "ﺍﺎﻝﻟﻠﻞﻙﻛﻜﻚﺏﺑﺒﺐﻭﻻﻷكلبا ",
    "s$§＄５5pａam€𝓪ⓢ@℮eᑎn₦₮t",
];

/// A budget that no text exhausts.
const UNLIMITED: Budget = Budget { steps_max: usize::MAX, characters_max: u32::MAX, listed_characters_max: u32::MAX };

/// Whether the search must look for words at a position. Signs in ASCII and beyond stand for a first letter only where
/// no letter is before them, unless parts of words count.
fn begins(text: &str, at: usize, whole_words: bool) -> bool {
    let kind_of = |c: char| read(c).kind;
    let is_letter = |c: char| match read(c).kind {
        Kind::Letter | Kind::Accented => is_spaced(read(c).letter),
        kind => kind == Kind::Several,
    };
    let last = text[..at].chars().rev().find(|c| !matches!(kind_of(*c), Kind::Mark | Kind::Invisible));
    match text[at..].chars().next().map(kind_of) {
        None | Some(Kind::Mark | Kind::Invisible | Kind::Space) => false,
        Some(Kind::Letter | Kind::Accented | Kind::Several | Kind::Digit) => true,
        Some(Kind::Sign | Kind::Clause | Kind::Emoji) => !whole_words || !last.is_some_and(is_letter),
    }
}

/// All words that a walk finds, by where they begin.
fn walked(words: &Words, text: &str, whole_words: bool, is_listed_only: bool) -> Vec<Found> {
    let starts = text.char_indices().filter(|(at, _)| begins(text, *at, whole_words));
    let walk = |(at, _)| {
        let mut walk = words.walk(text);
        if is_listed_only {
            walk.look_for_listed();
        }
        walk.from(at)
    };
    starts.filter_map(walk).collect()
}

#[test]
fn nothing_that_a_walk_finds_is_ruled_out() {
    let mut dice = Dice(1);
    let (mut hits, mut listed_hits) = (0, 0);
    for round in 0..600 {
        let alphabets = [ALPHABETS[round % 17], ALPHABETS[dice.below(17)]].concat();
        let characters: Vec<char> = alphabets.chars().collect();
        let list = dice.list(&characters);
        for strictness in [Strictness::Exact, Strictness::Normal, Strictness::Aggressive] {
            for whole_words in [true, false] {
                let rules = Rules { strictness, whole_words };
                let mut words = Words::new(&list, rules).unwrap().with(UNLIMITED);
                for _ in 0..4 {
                    let text = dice.message(&characters, &list);
                    let found = words.find_all(&text);
                    hits += found.len();
                    for word in walked(&words, &text, whole_words, false) {
                        assert!(found.contains(&word), "{list:?} in {text:?}: {word:?}, {rules:?}, found {found:?}");
                    }
                }
                let (steps_max, characters_max) = (dice.below(40), dice.below(100) as u32);
                words = words.with(Budget { steps_max, characters_max, listed_characters_max: u32::MAX });
                for _ in 0..4 {
                    let text = dice.message(&characters, &list);
                    let found = words.find_all(&text);
                    listed_hits += found.len();
                    for word in walked(&words, &text, whole_words, true) {
                        // Before the budget was exhausted, a longer word may have been found there.
                        let is_found =
                            |found: &Found| found.range.start == word.range.start && found.range.end >= word.range.end;
                        assert!(found.iter().any(is_found), "{list:?} in {text:?}: {word:?}, {rules:?}, listed");
                    }
                }
            }
        }
    }
    assert!(hits > 10_000 && listed_hits > 5000, "{hits}, {listed_hits}");
}

#[test]
fn marks_and_invisible_characters_before_a_word_are_no_letters() {
    let words = Words::new(&["spam"], Rules::default()).unwrap();
    for before in ["\u{ad}\u{308}\u{308}\u{ad}\u{1}", "\u{308}\u{ad}\u{1}", "é\u{308}\u{ad} \u{ad}\u{308}\u{ad}\u{1}"]
    {
        assert!(words.occur_in(&format!("{before}spam")), "{before:?}");
    }
}

#[test]
fn symbols_beside_a_word_are_no_letters_of_it() {
    let words = Words::new(&["casino", "免费"], Rules::default()).unwrap();
    for symbol in
        ["🇩🇪", "ℹ️", "Ⓜ️", "🅿️", "™", "™️", "℠", "№", "ª", "º", "㏄", "㎡", "①", "²", "ʼ", "ʹ", "ˮ", "ʻ", "ː", "ˆ"]
    {
        for text in
            [format!("{symbol}casino"), format!("Casino{symbol} here"), format!("to the {symbol}casino{symbol}")]
        {
            assert!(words.occur_in(&text), "{text}");
        }
    }
    for text in ["ⓒⓐⓢⓘⓝⓞ", "cⓐsino", "🇨🇦🇸🇮🇳🇴", "cʼaʼsʼiʼnʼo"] {
        assert!(words.occur_in(text), "{text}");
    }
    for text in ["ⓒⓐⓢⓘⓝⓞⓢ", "casinos", "xcasino"] {
        assert!(!words.occur_in(text), "{text}");
    }
}

#[test]
fn a_dotless_i_is_an_i_where_that_makes_no_other_word() {
    let rules = |strictness, whole_words| Rules { strictness, whole_words };
    for (rules, is_found) in [
        (rules(Strictness::Normal, true), false),
        (rules(Strictness::Normal, false), true),
        (rules(Strictness::Aggressive, true), true),
        (rules(Strictness::Exact, false), false),
    ] {
        let words = Words::new(&["admin", "sik"], rules).unwrap();
        assert_eq!(words.occur_in("admın"), is_found, "{rules:?}");
        assert!(!words.occur_in("sık"), "{rules:?}");
    }
}
