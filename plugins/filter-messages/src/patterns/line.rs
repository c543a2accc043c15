//! A text in plain characters: small letters and digits in ASCII where they are forms of these.

use std::ops::Range;

use plugin_sdk::text::letters::{Kind, read};

/// Characters, and where each is in the text.
pub(super) struct Line<'t> {
    text: &'t str,
    chars: Vec<(char, Range<usize>)>,
}

impl<'t> Line<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let plain = |(at, c): (usize, char)| {
            let letter = read(c);
            let plain = match letter.kind {
                Kind::Invisible | Kind::Mark => return None,
                // The sign of Chinese, its half width and the one of full width are one for the eye.
                _ if matches!(c, '。' | '｡') => '.',
                _ => letter.letter,
            };
            Some((plain, at..at + c.len_utf8()))
        };
        Self { text, chars: text.char_indices().filter_map(plain).collect() }
    }

    pub(super) fn len(&self) -> usize {
        self.chars.len()
    }

    /// The character at an index; `None` beyond either end.
    pub(super) fn at(&self, index: usize) -> Option<char> {
        self.chars.get(index).map(|(c, _)| *c)
    }

    /// Whether the full stop at an index is written as that of Chinese, in full or half width.
    pub(super) fn is_full_stop_of_chinese(&self, index: usize) -> bool {
        let range = self.chars.get(index).map(|(_, range)| range.clone());
        matches!(range.and_then(|range| self.text.get(range)), Some("。" | "｡"))
    }

    pub(super) fn before(&self, index: usize) -> Option<char> {
        index.checked_sub(1).and_then(|before| self.at(before))
    }

    /// The index after the last character from `from` on that is like this.
    pub(super) fn while_is(&self, from: usize, is: impl Fn(char) -> bool) -> usize {
        (from..self.len()).find(|at| !self.at(*at).is_some_and(&is)).unwrap_or(self.len())
    }

    /// The index of the first character before `to` from which on all are like this.
    pub(super) fn back_while(&self, to: usize, is: impl Fn(char) -> bool) -> usize {
        (0..to).rev().find(|at| !self.at(*at).is_some_and(&is)).map_or(0, |at| at + 1)
    }

    pub(super) fn text(&self, part: Range<usize>) -> String {
        self.chars.get(part).unwrap_or_default().iter().map(|(c, _)| *c).collect()
    }

    pub(super) fn starts_with(&self, at: usize, text: &str) -> bool {
        text.chars().enumerate().all(|(index, c)| self.at(at + index) == Some(c))
    }

    /// A part as bytes of the text.
    pub(super) fn bytes(&self, part: Range<usize>) -> Range<usize> {
        let start = self.chars.get(part.start).map_or(0, |(_, range)| range.start);
        let end = part.end.checked_sub(1).and_then(|last| self.chars.get(last)).map_or(start, |(_, range)| range.end);
        start..end
    }
}
