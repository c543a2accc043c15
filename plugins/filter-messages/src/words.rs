//! A list of words, and where they occur in a text.

use std::ops::Range;

use aho_corasick::Input;
use aho_corasick::automaton::{Automaton, OverlappingState};
use aho_corasick::nfa::contiguous::NFA;
use plugin_sdk::{Error, text};
use serde::Deserialize;

/// Most words of a list. More are refused when the plugin is configured.
const WORDS_MAX: usize = 50_000;
/// Most bytes of all words of a list together, without comments. More are refused when the plugin is configured.
const WORDS_BYTES_MAX: usize = 1 << 20;

/// Words as the operator writes them.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "`words` must be a list of texts, or one text with a word on each line")]
pub(crate) enum WordList {
    /// One text for each word.
    List(Vec<String>),
    /// One text: a word on each line; blank lines, and lines that begin with `#`, are skipped.
    Lines(String),
}

impl Default for WordList {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

/// All words as one automaton, so that a search costs the same for one word and for thousands.
#[derive(Debug)]
pub(crate) struct Words {
    /// Of the library's three kinds the middle one. With 10 000 words its memory image has 4.3 MiB. A DFA's search
    /// costs a fifth less fuel, but its image has 9.6 MiB, and 49 MiB for Chinese words. The plain NFA that this one is
    /// made from would save 1.2 MiB at the same fuel, but its states are scattered: up to half as long again.
    automaton: NFA,
    match_whole_words: bool,
}

impl Words {
    /// Builds the automaton, which takes a while; the host keeps the result for all calls.
    pub(crate) fn new(list: WordList, match_whole_words: bool) -> Result<Self, Error> {
        let mut words = list.folded()?;
        words.sort_unstable();
        words.dedup();
        let bytes: usize = words.iter().map(String::len).sum();
        if words.is_empty() {
            return Err("`words` has no word; write a list of texts, or one text with a word on each line".into());
        }
        if words.len() > WORDS_MAX {
            let number = words.len();
            return Err(format!("`words` has {number} words; shorten it to at most {WORDS_MAX}").into());
        }
        if bytes > WORDS_BYTES_MAX {
            return Err(format!("`words` has {bytes} bytes of words; shorten it to at most {WORDS_BYTES_MAX}").into());
        }
        let automaton = NFA::builder().prefilter(false).build(&words).map_err(|error| Error::new(error.to_string()))?;
        Ok(Self { automaton, match_whole_words })
    }

    /// Whether a word occurs in `text`.
    pub(crate) fn occur_in(&self, text: &str) -> bool {
        self.find(&text::fold(text)).next().is_some()
    }

    /// `text` with `mask` for each visible character of the words in it; `None` if there are none.
    pub(crate) fn masked(&self, text: &str, mask: char) -> Option<String> {
        let folded = text::fold(text);
        let mut hit = vec![false; folded.len()];
        for word in self.find(&folded) {
            hit.get_mut(word).unwrap_or_default().fill(true);
        }
        hit.contains(&true).then(|| masked(text, &folded, &hit, mask))
    }

    /// Where words occur in a folded text, in bytes; words that overlap each count.
    fn find<'t>(&self, folded: &'t str) -> impl Iterator<Item = Range<usize>> + use<'_, 't> {
        let input = Input::new(folded);
        let mut state = OverlappingState::start();
        let next = move || {
            // An error would mean a search that the automaton was not built for, and the plain one it always is.
            self.automaton.try_find_overlapping(&input, &mut state).ok()?;
            state.get_match().map(|found| found.range())
        };
        std::iter::from_fn(next).filter(|word| !self.match_whole_words || stands_alone(folded, word))
    }
}

impl WordList {
    /// The words in the form in which texts are compared.
    fn folded(&self) -> Result<Vec<String>, Error> {
        match self {
            Self::List(words) => words
                .iter()
                .enumerate()
                .map(|(index, word)| match folded(word) {
                    word if word.is_empty() => {
                        Err(format!("`words[{index}]` has no visible character; remove it, or write a word").into())
                    }
                    word => Ok(word),
                })
                .collect(),
            Self::Lines(lines) => {
                let lines = lines.trim_start_matches('\u{feff}').lines().map(str::trim);
                Ok(lines.filter(|line| !line.starts_with('#')).map(folded).filter(|word| !word.is_empty()).collect())
            }
        }
    }
}

fn folded(word: &str) -> String {
    text::fold(&text::tidy(word))
}

/// Whether a word is not just a part of a longer one.
fn stands_alone(text: &str, word: &Range<usize>) -> bool {
    let goes_on_at = |at| {
        let (before, after) = text.split_at_checked(at).unwrap_or_default();
        before.chars().next_back().zip(after.chars().next()).is_some_and(|(left, right)| belong_together(left, right))
    };
    !goes_on_at(word.start) && !goes_on_at(word.end)
}

/// Whether two neighbours are of one word: two letters of an alphabet that puts spaces between words, or two digits.
fn belong_together(left: char, right: char) -> bool {
    // Latin, Greek and Cyrillic, then their extensions.
    let spaced_letter = |c: char| c.is_alphabetic() && matches!(c, '\0'..='\u{52f}' | '\u{1e00}'..='\u{1fff}');
    spaced_letter(left) && spaced_letter(right) || left.is_ascii_digit() && right.is_ascii_digit()
}

/// Masks the characters of `text` whose place in its folded form is `hit`.
///
/// Folding changes single characters and leaves some out, but never their order: so both are read side by side, and a
/// character that the folded form does not go on with is one that was left out.
fn masked(text: &str, folded: &str, hit: &[bool], mask: char) -> String {
    let is_hit = |at: usize| hit.get(at).copied().unwrap_or(false);
    let mut masked = String::with_capacity(text.len());
    let mut rest = folded.chars();
    for c in text.chars() {
        let at = folded.len() - rest.as_str().len();
        let folded_char = text::fold_char(c);
        if folded_char.is_some() && folded_char == rest.clone().next() {
            rest.next();
            let space = folded_char == Some(' ');
            masked.push(if is_hit(at) && !space { mask } else { c });
        } else if folded_char.is_some() || !(is_hit(at) && at.checked_sub(1).is_some_and(is_hit)) {
            masked.push(c); // a space that was one too many, or an invisible character that is not inside of a word
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Words {
        Words::new(WordList::List(words.iter().map(|word| (*word).to_owned()).collect()), true).unwrap()
    }

    #[test]
    fn spellings_do_not_hide_a_word() {
        let words = words(&["free money"]);
        for text in ["FREE MONEY", "ｆｒｅｅ\u{3000}money", "f\u{200b}ree \n money", "so: free money!"] {
            assert!(words.occur_in(text), "{text:?}");
        }
    }

    #[test]
    fn whole_words_are_matched_where_spaces_stand_between_words() {
        let words = words(&["win", "24", "免费", "спам"]);
        for text in ["wing", "rewind", "Win\u{e9}", "2024", "спамер"] {
            assert!(!words.occur_in(text), "{text:?}");
        }
        for text in ["a WIN.", "_win_", "win24x", "微win信", "现在免费吗", "免 费 吗", "Спам!"] {
            assert!(words.occur_in(text), "{text:?}");
        }
    }

    #[test]
    fn parts_of_words_are_matched_on_request() {
        let words = Words::new(WordList::Lines("win".to_owned()), false).unwrap();
        assert!(words.occur_in("rewinding"));
    }

    #[test]
    fn a_masked_word_keeps_its_visible_length() {
        let words = words(&["free money", "money back", "spam", "免费"]);
        for (text, masked) in [
            ("Get FREE money!", "Get **** *****!"),
            ("free money back", "**** ***** ****"), // two words overlap
            ("  free \u{3000} money  ", "  **** \u{3000} *****  "),
            ("a s\u{200b}p\u{200b}am\u{200b} b", "a ****\u{200b} b"),
            ("\u{200b}ｓｐａｍ", "\u{200b}****"),
            ("s p a m", "* * * *"),
            ("İ免费é", "İ**é"),
        ] {
            assert_eq!(words.masked(text, '*').as_deref(), Some(masked), "{text:?}");
            assert!(!words.occur_in(masked), "{masked:?}");
        }
        assert_eq!(words.masked("nothing here", '*'), None);
    }

    #[test]
    fn every_text_lines_up_with_its_folded_form() {
        let characters = ['a', 'Ａ', 'İ', '免', ' ', '\u{3000}', '\u{200b}'];
        let mut texts = vec![String::new()];
        for _ in 0..5 {
            let longer = texts.iter().flat_map(|text| characters.map(|c| format!("{text}{c}")));
            texts = longer.collect();
            for text in &texts {
                let folded = text::fold(text);
                let masked = masked(text, &folded, &vec![true; folded.len()], '*');
                let visible = folded.chars().filter(|c| *c != ' ').count();
                assert_eq!(masked.chars().filter(|c| *c == '*').count(), visible, "{text:?}");
                assert_eq!(masked.chars().filter(|c| text::is_space(*c)).count(), spaces(text), "{text:?}");
            }
        }
    }

    fn spaces(text: &str) -> usize {
        text.chars().filter(|c| text::is_space(*c)).count()
    }

    #[test]
    fn lists_have_their_bounds() {
        let numbered = |count: usize| WordList::List((0..count).map(|number| format!("word{number}")).collect());
        assert!(Words::new(numbered(10_000), true).unwrap().occur_in("is word9999 listed?"));
        let error = Words::new(numbered(WORDS_MAX + 1), true).unwrap_err();
        assert_eq!(error.to_string(), "`words` has 50001 words; shorten it to at most 50000");
        let error = Words::new(WordList::Lines("a".repeat(WORDS_BYTES_MAX + 1)), true).unwrap_err();
        assert_eq!(error.to_string(), "`words` has 1048577 bytes of words; shorten it to at most 1048576");
    }
}
