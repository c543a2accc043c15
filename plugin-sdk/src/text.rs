//! Comparing text that people write to get around a rule.
//!
//! A user who is denied `support` tries `SUPPORT`, `ＳＵＰＰＯＲＴ`, `s u p p o r t` and `sup<zero-width space>port`.
//! The functions here bring such spellings to one form, without tables that would weigh more than a plugin does.

mod invisible;
#[cfg(feature = "letters")]
pub mod letters;
#[cfg(feature = "words")]
pub mod words;

use std::borrow::Cow;

pub use invisible::{is_invisible, is_space};

/// Whether a text shows nothing: spaces, and characters that are invisible.
///
/// ```
/// assert!(plugin_sdk::text::is_blank(" \u{200b}\u{3000}"));
/// assert!(!plugin_sdk::text::is_blank("a"));
/// ```
#[must_use]
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| is_space(c) || is_invisible(c) || c.is_control())
}

/// One character in its simplest form: lower case, full-width forms as ASCII, any space as `' '`; `None` for what is
/// invisible, control characters among them.
///
/// ```
/// use plugin_sdk::text::fold_char;
/// assert_eq!(fold_char('Ｓ'), Some('s'));
/// assert_eq!(fold_char('\u{a0}'), Some(' '));
/// assert_eq!(fold_char('\u{200d}'), None);
/// assert_eq!(fold_char('\u{1}'), None);
/// ```
#[must_use]
pub fn fold_char(c: char) -> Option<char> {
    if c.is_ascii_graphic() {
        return Some(c.to_ascii_lowercase());
    }
    if is_caseless_letter(c) {
        return Some(c);
    }
    if is_invisible(c) || c.is_control() && !is_space(c) {
        return None;
    }
    if is_space(c) {
        return Some(' ');
    }
    // FF01 to FF5E are ASCII's 21 to 7E, moved by FEE0.
    let c = match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        _ => c,
    };
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(single), None) => Some(single),
        _ => Some(c),
    }
}

/// Chinese characters, Japanese syllables and Korean ones, without the marks beside them: most of what is written in
/// these languages, and nothing of it folds.
const fn is_caseless_letter(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
}

/// A text normalised for comparing spellings: folded characters, runs of spaces collapsed, none at the ends, and
/// spaced-out letters (`s u p p o r t`) joined.
///
/// ```
/// use plugin_sdk::text::fold;
/// assert_eq!(fold("  0fficial ＳＵＰＰＯＲＴ"), "0fficial support");
/// assert_eq!(fold("S-u-p p o r t"), "s-u-p port"); // only spaces are looked through
/// assert_eq!(fold("s u p\u{3000}p o r t"), "support");
/// assert_eq!(fold("I am a user"), "i am a user");
/// ```
#[must_use]
pub fn fold(text: &str) -> String {
    let (folded, stands_singly) = match Ordinary::of(text) {
        Some(ordinary) => (text.to_ascii_lowercase(), ordinary.stands_singly),
        None => {
            let folded = fold_chars(text);
            let stands_singly = stands_singly(&folded);
            (folded, stands_singly)
        }
    };
    if stands_singly { join_single_letters(&folded) } else { folded }
}

fn fold_chars(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars().filter_map(fold_char) {
        if c != ' ' || !(folded.is_empty() || folded.ends_with(' ')) {
            folded.push(c);
        }
    }
    if folded.ends_with(' ') {
        folded.pop();
    }
    folded
}

/// A text of visible ASCII characters with single spaces between them, as most English texts are. It is tidy already,
/// and the same pass finds out whether it has single letters in a row.
struct Ordinary {
    /// See [`stands_singly`].
    stands_singly: bool,
}

impl Ordinary {
    fn of(text: &str) -> Option<Self> {
        let (mut stands_singly, mut row, mut letters) = (false, 0_usize, 0_usize);
        // The end is like a space.
        for byte in text.bytes().chain([b' ']) {
            if byte.is_ascii_graphic() {
                letters += 1;
            } else if byte == b' ' && letters > 0 {
                row = if letters == 1 { row + 1 } else { 0 };
                stands_singly |= row >= SINGLES_IN_ROW;
                letters = 0;
            } else {
                return None;
            }
        }
        Some(Self { stands_singly })
    }
}

/// This many single letters in a row are joined; two (`a b`) are common in honest text.
const SINGLES_IN_ROW: usize = 3;

/// Whether single letters follow each other.
fn stands_singly(folded: &str) -> bool {
    let mut row = 0;
    folded.split(' ').any(|word| {
        row = if is_single(word) { row + 1 } else { 0 };
        row >= SINGLES_IN_ROW
    })
}

fn is_single(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some() && chars.next().is_none()
}

fn join_single_letters(folded: &str) -> String {
    let mut joined = String::with_capacity(folded.len());
    let mut after_single = false;
    for word in folded.split(' ') {
        let single = is_single(word);
        if !(joined.is_empty() || single && after_single) {
            joined.push(' ');
        }
        joined.push_str(word);
        after_single = single;
    }
    joined
}

/// Runs of white space as one space, none at the ends, invisible characters left out: what a name should look like.
/// Borrowed if it looks so already.
///
/// ```
/// assert_eq!(plugin_sdk::text::tidy("  John   Doe "), "John Doe");
/// assert_eq!(plugin_sdk::text::tidy("Jo\u{200d}hn\u{200b}"), "John");
/// assert_eq!(plugin_sdk::text::tidy("👩\u{200d}🚀"), "👩\u{200d}🚀"); // one picture
/// ```
#[must_use]
pub fn tidy(text: &str) -> Cow<'_, str> {
    if Ordinary::of(text).is_some() {
        return Cow::Borrowed(text);
    }
    let is_spaced_only = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let tidy = if is_spaced_only { tidy_spaces(text) } else { tidy_chars(text) };
    if tidy == text { Cow::Borrowed(text) } else { Cow::Owned(tidy) }
}

/// The words of a text in which only spaces can be too many.
fn tidy_spaces(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    let mut from = 0;
    // The end is like a space.
    for (at, byte) in text.bytes().chain([b' ']).enumerate() {
        if byte == b' ' {
            if at > from {
                if !tidy.is_empty() {
                    tidy.push(' ');
                }
                tidy.push_str(text.get(from..at).unwrap_or_default());
            }
            from = at + 1;
        }
    }
    tidy
}

fn tidy_chars(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if is_space(c) {
            if !(tidy.is_empty() || tidy.ends_with(' ')) {
                tidy.push(' ');
            }
        } else if is_joiner(c) {
            // Emoji and some scripts are made with these; next to ASCII they only hide something.
            let joins = |c: Option<char>| c.is_some_and(|c| !c.is_ascii() && !is_space(c));
            if joins(tidy.chars().next_back()) && joins(chars.peek().copied()) {
                tidy.push(c);
            }
        } else if !is_removable(c) {
            tidy.push(c);
        }
    }
    if tidy.ends_with(' ') {
        tidy.pop();
    }
    tidy
}

/// Whether a character joins its neighbours, or keeps them apart, without showing itself.
const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Whether a character can go without changing what a reader sees: control characters, and what is invisible except
/// the selectors that emoji are made of.
fn is_removable(c: char) -> bool {
    c.is_control() || is_invisible(c) && !matches!(c, '\u{fe00}'..='\u{fe0f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every text with this many of these characters.
    fn texts(characters: &[char], len: usize) -> Vec<String> {
        (0..len).fold(vec![String::new()], |texts, _| {
            let shorter = texts.iter();
            let longer = shorter.flat_map(|text| characters.iter().map(move |c| format!("{text}{c}")));
            longer.chain([String::new()]).collect()
        })
    }

    #[test]
    fn letters_without_a_case_fold_to_themselves() {
        for c in ('\0'..=char::MAX).filter(|c| is_caseless_letter(*c)) {
            let mut lower = c.to_lowercase();
            assert_eq!((lower.next(), lower.next()), (Some(c), None), "{c:?}");
            assert!(
                !is_invisible(c) && !is_space(c) && !c.is_control() && !('\u{ff01}'..='\u{ff5e}').contains(&c),
                "{c:?}"
            );
        }
        assert!(is_caseless_letter('免') && !is_caseless_letter('\u{3164}'));
    }

    #[test]
    fn ordinary_texts_go_the_short_way_to_the_same_place() {
        let mut ordinary = 0;
        for text in texts(&['a', 'B', '~', ' ', '\t', '\u{7f}', 'é'], 6) {
            let folded = fold_chars(&text);
            if let Some(found) = Ordinary::of(&text) {
                ordinary += 1;
                assert_eq!(text.to_ascii_lowercase(), folded, "{text:?}");
                assert_eq!(found.stands_singly, stands_singly(&folded), "{text:?}");
            }
            let tidied = tidy_chars(&text);
            assert_eq!(tidy(&text), tidied, "{text:?}");
            assert_eq!(matches!(tidy(&text), Cow::Borrowed(_)), text == tidied, "{text:?}");
        }
        assert!(ordinary > 500, "{ordinary}");
    }
}
