//! Finds listed words in what people write, however they spell them.
//!
//! A word is compared letter by letter with the text, and each difference is judged for this word: an accent that the
//! list does not have is a disguise (`fréé`), an accent that it does have is another word (`got` is not `göt`). So
//! lists of several languages can be searched together.
//!
//! ```
//! use plugin_sdk::text::words::{Rules, Strictness, Words};
//!
//! let words = Words::new(&["free money", "免费", "göt"], Rules::default())?;
//! for text in ["FREE  money", "f.r.e.e money", "free-money", "fr3e mоney", "freeee moneу", "免 費"] {
//!     assert!(words.occur_in(text), "{text}");
//! }
//! for text in ["carefree moneybags", "got it", "避免，费用"] {
//!     assert!(!words.occur_in(text), "{text}");
//! }
//! let found = words.find_all("now: f r e e money!");
//! assert_eq!((found[0].range.clone(), found[0].word), (5..18, 0));
//! # Ok::<(), plugin_sdk::Error>(())
//! ```
//!
//! The cost depends on how much of a text begins like listed words. With some hundred words in five languages, 64
//! KiB of prose burn 30 to 45 units of fuel per byte; where no word of the list is in the text's language, 20 to 40.
//! With 10 000 words of the text's own language it is 80 in English, and exceeds the fuel of a call in Chinese and
//! Arabic. A list takes 16 bytes for each letter after a common beginning, 20 to 60 bytes for the beginning of each
//! word, and 24 KiB. In a text that consists of disguises, only the first 4000 steps follow every spelling, and at most
//! 16 000 characters are compared with beginnings; after that, words are found only as they are listed.

mod bits;
mod budget;
#[cfg(test)]
mod evasions;
mod events;
mod grams;
mod judge;
mod list;
mod marks;
mod prefixes;
mod probe;
mod rules;
mod search;
mod tokens;
mod trie;
mod walk;
mod wide;

use std::ops::Range;

pub use budget::Effort;
pub use list::Words;
pub use rules::{Found, Rules, Strictness};

/// The parts of a text that are to be hidden, with `mask` for each visible character: spaces stay, so that a reader
/// sees how long the words were. What does not show inside of a word goes.
///
/// ```
/// use plugin_sdk::text::words::masked;
/// assert_eq!(masked("so: free money!", 4..14, '*'), "**** *****");
/// ```
#[must_use]
pub fn masked(text: &str, range: Range<usize>, mask: char) -> String {
    use super::letters::{Kind, read};

    let part = text.get(range).unwrap_or_default();
    let mut masked = String::with_capacity(part.len());
    for c in part.chars() {
        match read(c).kind {
            Kind::Space => masked.push(c),
            Kind::Mark | Kind::Invisible => {}
            _ => masked.push(mask),
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(list: &[&str], strictness: Strictness) -> Words {
        Words::new(list, Rules { strictness, whole_words: true }).unwrap()
    }

    const LIST: [&str; 14] = [
        "free money",
        "免费",
        "五星红旗",
        "win",
        "24",
        "спам",
        "göt",
        "scheiße",
        "sıkıcı",
        "كلب",
        "قحبة",
        "classic",
        "badword",
        "get rich by friday",
    ];

    fn finds(strictness: Strictness, text: &str) -> bool {
        words(&LIST, strictness).occur_in(text)
    }

    const NORMAL: &[&str] = &[
        "f  r  e  e  money",
        "ＳＩＫＩＣＩ",
        "c|assic",
        "FREE MONEY",
        "ｆｒｅｅ\u{3000}money",
        "f\u{200b}ree \n money",
        "so: free money!",
        "\u{fffd} free money",
        "f.r.e.e money",
        "f r e e money",
        "f r e e m o n e y",
        "f-r-e-e-m-o-n-e-y",
        "free-money",
        "free_money",
        "free.money",
        "fr3e money",
        "fr33 m0n3y",
        "frее money",
        "fréé money",
        "fre\u{301}e money",
        "freeee money",
        "ffrreeee mmooney",
        "𝓯𝓻𝓮𝓮 money",
        "ⓕⓡⓔⓔ ⓜⓞⓝⓔⓨ",
        "🅵🆁🅴🅴 money",
        "a f r e e m o n e y",
        "I w i n",
        "f̶r̶e̶e̶ money",
        "免费",
        "免 费",
        "现在免 费的",
        "免-费",
        "免費",
        "五 星红旗迎风飘扬",
        "五-星-红-旗",
        "五星紅旗",
        "五，星，红，旗",
        "a WIN.",
        "_win_",
        "win24x",
        "微win信",
        "Спам!",
        "cпам",
        "с п а м",
        "спaм",
        "GÖT",
        "go\u{308}t",
        "g ö t",
        "SCHEISSE",
        "scheisse",
        "ScheiẞE",
        "sch3isse",
        "SIKICI",
        "sıkıcı",
        "كلب",
        "الكلب",
        "كـلـب",
        "كَلْب",
        "ك ل ب",
        "والقحبه",
        "ﻛﻠﺐ",
        "cIassic",
        "g e t  r i c h  b y  f r i d a y",
        "get-rich-by-friday",
        "b@dword",
        "bädwörd",
        "b a d w o r d",
        "fuuck badwooord",
    ];

    #[test]
    fn spellings_that_normal_finds() {
        for text in NORMAL {
            assert!(finds(Strictness::Normal, text), "{text:?}");
        }
    }

    #[test]
    fn spellings_that_only_aggressive_finds() {
        for text in [
            "免１费",
            "免1费",
            "免，费",
            "fr.ee money",
            "fre#e money",
            "badw*rd",
            "b*dw*rd",
            "f🔥r🔥e🔥e money",
            "b🔥a🔥d🔥w🔥o🔥r🔥d",
            "freemoney",
            "bad.word",
            "免🔥费",
            "ciassic",
            "baddword",
        ] {
            assert!(!finds(Strictness::Normal, text), "{text:?}");
            assert!(finds(Strictness::Aggressive, text), "{text:?}");
        }
    }

    #[test]
    fn other_words_are_not_found() {
        for text in [
            "wing",
            "rewind",
            "Win\u{e9}",
            "2024",
            "спамер",
            "got",
            "GOT it",
            "carefree moneybags",
            "free. Money talks",
            "w in",
            "wi n",
            "3.14159",
            "user.name@",
            "w i n g s",
            "24,5 und 124",
            "避免，费用",
            "كلبشة",
            "مكلب",
            "badwordy",
            "freed money",
            "sikici",
            "bad word",
            "免",
            "",
            "win\u{301}g",
            "wııng",
            "wn",
            "f e money",
            "gótico",
        ] {
            let expected = ["24,5 und 124"].contains(&text);
            assert_eq!(finds(Strictness::Normal, text), expected, "{text:?}");
        }
    }

    #[test]
    fn exact_finds_what_is_written_like_the_list() {
        for (text, expected) in [
            ("FREE  money", true),
            ("ｆｒｅｅ money", true),
            ("fr\u{ad}ee money", true),
            ("f r e e money", false),
            ("fréé money", false),
            ("fr3e money", false),
            ("go\u{308}t", true),
            ("免費", true),
            ("免 费", false),
            ("freee money", false),
            ("free-money", false),
        ] {
            assert_eq!(finds(Strictness::Exact, text), expected, "{text:?}");
        }
    }
}
