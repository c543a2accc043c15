//! A text in plain characters: small letters and digits in ASCII where they are forms of these.

use std::ops::Range;

use plugin_sdk::text::letters::{Kind, is_spaced, read, several};

use super::ends::is_known_end;

/// What stands in [`Line::plain`] for a letter beyond ASCII of a script that puts spaces between words.
pub(super) const SPACED_LETTER: u8 = 0x80;

/// The same for any other letter beyond ASCII.
pub(super) const OTHER_LETTER: u8 = 0x81;

/// The same for what is no letter.
pub(super) const SIGN: u8 = 0x82;

/// What is put between a word and a symbol beside it. It is no character of the text, and in no word.
const BOUNDARY: u8 = 0x83;

/// In [`Line::marks`]: the text has digits.
pub(super) const DIGIT: u8 = 1;

/// The text has an `@`.
pub(super) const AT: u8 = 2;

/// The text has a full stop or a colon.
pub(super) const STOP: u8 = 4;

/// In [`MARKS`]: no character of ASCII that is shown.
const OTHER: u8 = 8;

/// What each byte of a text is.
#[expect(clippy::indexing_slicing, reason = "a constant: a wrong index would not compile")]
const MARKS: [u8; 256] = {
    let mut marks = [OTHER; 256];
    let mut byte = 0;
    while byte < 128 {
        marks[byte] = match byte as u8 {
            b'0'..=b'9' => DIGIT,
            b'@' => AT,
            b'.' | b':' => STOP,
            b' '..=b'~' | b'\n' | b'\r' | b'\t' => 0,
            _ => OTHER,
        };
        byte += 1;
    }
    marks
};

fn mark(byte: u8) -> u8 {
    MARKS.get(usize::from(byte)).copied().unwrap_or(OTHER)
}

/// The characters of a text, and where each is in it.
pub(crate) struct Line<'t> {
    text: &'t str,
    plain: Vec<u8>,
    /// Where each character begins, in bytes of the text; `None` if each is a byte. The host takes no body of four
    /// gigabytes.
    starts: Option<Vec<u32>>,
    marks: u8,
    symbols: Symbols,
}

/// What the last character was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Symbols {
    /// No symbol.
    None,
    /// A symbol that is a letter of the word before it: `exⓐmple`.
    Joined,
    /// Symbols that are not part of the word beside them: `①example.com`.
    Apart {
        /// Number of digits among them.
        digits: usize,
    },
}

/// Digits before a symbol after which it is no digit of the same number.
const DIGITS_BEFORE_SYMBOL_MAX: usize = 8;

/// The mark that draws a key around a digit: `1️⃣`.
const KEYCAP: char = '\u{20e3}';

/// Fewest digits in circles that are the first ones of a number rather than the number of an item.
const DIGITS_OF_NUMBER_MIN: usize = 3;

/// Symbols in a row that are read to learn whether a number goes on after them.
const SYMBOLS_READ_MAX: usize = 8;

/// Longest known end and a full stop, in characters.
const KNOWN_END_CHARS_MAX: usize = 8;

/// Number of characters of ASCII after which more are added at once.
const LONG_RUN: usize = 12;

impl<'t> Line<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let mut line =
            Self { text, plain: Vec::with_capacity(text.len()), starts: None, marks: 0, symbols: Symbols::None };
        let (mut at, bytes) = (0, text.as_bytes());
        while let Some(first) = bytes.get(at) {
            match mark(*first) {
                OTHER => at = line.push(at),
                _ => at = line.push_ascii(at, bytes),
            }
        }
        line
    }

    /// Adds the plain characters of ASCII that begin here, and says where they end.
    fn push_ascii(&mut self, from: usize, bytes: &[u8]) -> usize {
        let rest = bytes.get(from..).unwrap_or_default();
        if self.symbols != Symbols::None {
            let first = rest.first().copied().unwrap_or_default();
            self.end_symbols(from, first.is_ascii_alphanumeric(), first.is_ascii_digit());
        }
        let mut at = from;
        for byte in rest.iter().take(LONG_RUN) {
            let mark = mark(*byte);
            if mark == OTHER {
                return at;
            }
            self.marks |= mark;
            self.plain.push(byte.to_ascii_lowercase());
            if let Some(starts) = &mut self.starts {
                starts.push(at as u32);
            }
            at += 1;
        }
        let to = at + self.push_long(rest.get(LONG_RUN..).unwrap_or_default());
        if let Some(starts) = &mut self.starts {
            starts.extend(at as u32..to as u32);
        }
        to
    }

    /// Adds more of these at once, which costs least, and says how many.
    fn push_long(&mut self, rest: &[u8]) -> usize {
        let mut marks = 0;
        let len = rest.iter().take_while(|byte| {
            let mark = mark(**byte);
            marks |= mark & !OTHER;
            mark != OTHER
        });
        let run = rest.get(..len.count()).unwrap_or_default();
        self.marks |= marks;
        let first = self.plain.len();
        self.plain.extend_from_slice(run);
        self.plain.get_mut(first..).unwrap_or_default().make_ascii_lowercase();
        run.len()
    }

    /// Adds what the character reads as that begins here, and says where it ends.
    fn push(&mut self, at: usize) -> usize {
        let Some(c) = self.text.get(at..).and_then(|rest| rest.chars().next()) else { return at + 1 };
        let letter = read(c);
        if self.starts.is_none() {
            let mut starts = Vec::with_capacity(self.text.len());
            starts.extend(0..at as u32);
            self.starts = Some(starts);
        }
        let byte = match letter.kind {
            Kind::Invisible | Kind::Mark => {
                if c == KEYCAP && !self.is_keycap(at + c.len_utf8()) {
                    self.symbols = Symbols::Apart { digits: 0 };
                }
                return at + c.len_utf8();
            }
            // The sign of Chinese, its half width and the one of full width are one for the eye.
            _ if matches!(c, '。' | '｡') => b'.',
            // Digits in black circles.
            _ if matches!(c, '❶'..='➓') => SIGN,
            Kind::Several => b'a',
            kind => byte_of(letter.letter, matches!(kind, Kind::Letter | Kind::Accented | Kind::Digit)),
        };
        if byte.is_ascii_alphanumeric() && is_symbol(c) {
            let is_digit = byte.is_ascii_digit();
            match &mut self.symbols {
                Symbols::None => self.begin_symbols(at, is_digit),
                Symbols::Joined => {}
                Symbols::Apart { digits } => *digits += usize::from(is_digit),
            }
        } else if self.symbols != Symbols::None {
            let is_word = byte.is_ascii_alphanumeric() || matches!(byte, SPACED_LETTER | OTHER_LETTER);
            self.end_symbols(at, is_word, byte.is_ascii_digit());
        }
        if letter.kind == Kind::Several {
            several(letter).chars().for_each(|part| self.push_byte(at, byte_of(part, true)));
        } else {
            self.push_byte(at, byte);
        }
        at + c.len_utf8()
    }

    /// Whether the character that begins here is in a keycap.
    fn is_keycap(&self, at: usize) -> bool {
        let rest = self.text.get(at..).unwrap_or_default();
        rest.chars().nth(1).is_some_and(|c| matches!(c, KEYCAP | '\u{fe0f}'))
    }

    fn push_byte(&mut self, at: usize, byte: u8) {
        self.marks |= mark(byte);
        self.plain.push(byte);
        if let Some(starts) = &mut self.starts {
            starts.push(at as u32);
        }
    }

    /// Puts a sign between a word and a symbol after it, unless the symbol is a letter or a digit of this word: text
    /// that is all symbols reads as words, yet a flag or a footnote after an address is no part of it.
    fn begin_symbols(&mut self, at: usize, is_digit: bool) {
        let end = self.plain.len();
        if is_digit && self.plain.last().is_none_or(|last| !last.is_ascii_digit()) {
            return self.begin_symbols_apart(at, is_digit);
        }
        let tail = self.plain.get(end.saturating_sub(KNOWN_END_CHARS_MAX)..).unwrap_or_default();
        let (before, last) = tail.split_last().map_or((tail, SIGN), |(last, before)| (before, *last));
        let is_joined = match last {
            b'0'..=b'9' => {
                is_digit
                    && tail.iter().rev().take_while(|byte| byte.is_ascii_digit()).count() < DIGITS_BEFORE_SYMBOL_MAX
                    && self.goes_on_after_symbols(at)
            }
            b'a'..=b'z' => {
                let label = tail.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
                label.len() == tail.len() || !is_known_end(label)
            }
            b'.' => !is_digit && before.last().is_some_and(u8::is_ascii_alphanumeric),
            _ => false,
        };
        if is_joined {
            self.symbols = Symbols::Joined;
        } else {
            self.begin_symbols_apart(at, is_digit);
        }
    }

    fn begin_symbols_apart(&mut self, at: usize, is_digit: bool) {
        if self
            .plain
            .last()
            .is_some_and(|last| last.is_ascii_alphanumeric() || matches!(*last, SPACED_LETTER | OTHER_LETTER))
        {
            self.push_byte(at, BOUNDARY);
        }
        self.symbols = Symbols::Apart { digits: usize::from(is_digit) };
    }

    /// Whether a digit follows the symbols that begin here.
    fn goes_on_after_symbols(&self, at: usize) -> bool {
        let mut rest = self.text.get(at..).unwrap_or_default().chars().take(SYMBOLS_READ_MAX);
        rest.find(|c| !is_symbol(*c)).is_some_and(|c| c.is_ascii_digit())
    }

    /// Puts a sign between symbols and a word after them, unless they are of this word, or digits of this number.
    fn end_symbols(&mut self, at: usize, is_word: bool, is_digit: bool) {
        if let Symbols::Apart { digits } = self.symbols
            && is_word
            && (digits < DIGITS_OF_NUMBER_MIN || !is_digit)
        {
            self.push_byte(at, BOUNDARY);
        }
        self.symbols = Symbols::None;
    }

    /// The character of the text that begins at an index of the line; `None` beyond either end.
    fn original(&self, index: usize) -> Option<char> {
        self.text.get(self.start(index)..)?.chars().next()
    }

    /// Where the character at an index begins, in bytes of the text.
    fn start(&self, index: usize) -> usize {
        let Some(starts) = &self.starts else { return index.min(self.text.len()) };
        starts.get(index).map_or(self.text.len(), |start| *start as usize)
    }

    /// Whether the text has a character of these marks.
    pub(super) fn has(&self, marks: u8) -> bool {
        self.marks & marks != 0
    }

    pub(super) fn len(&self) -> usize {
        self.plain.len()
    }

    /// The characters of a part, a byte for each: its own in ASCII, otherwise [`SPACED_LETTER`], [`OTHER_LETTER`] or
    /// the byte of signs.
    pub(super) fn plain(&self, part: Range<usize>) -> &[u8] {
        self.plain.get(part).unwrap_or_default()
    }

    /// The byte of one character; that of signs beyond either end.
    pub(super) fn byte(&self, index: usize) -> u8 {
        self.plain.get(index).copied().unwrap_or(SIGN)
    }

    /// The character at an index; `None` beyond either end.
    pub(super) fn at(&self, index: usize) -> Option<char> {
        match self.plain.get(index)? {
            ascii @ ..0x80 => Some(char::from(*ascii)),
            _ => self.letter(index),
        }
    }

    /// What a character beyond ASCII reads as: of one that is several letters, the letter of this index.
    fn letter(&self, index: usize) -> Option<char> {
        let letter = read(self.original(index)?);
        if letter.kind != Kind::Several {
            return Some(letter.letter);
        }
        let is_same = |other: &usize| self.start(*other) == self.start(index) && self.byte(*other) != BOUNDARY;
        let before = (0..index).rev().take_while(is_same).count();
        several(letter).chars().nth(before)
    }

    /// Whether the letter at an index is a capital.
    pub(super) fn is_capital(&self, index: usize) -> bool {
        self.original(index).is_some_and(char::is_uppercase)
    }

    /// Whether the character at an index is a picture.
    pub(super) fn is_emoji(&self, index: usize) -> bool {
        self.byte(index) == SIGN && self.original(index).is_some_and(|c| read(c).kind == Kind::Emoji)
    }

    /// Whether the sign at an index is one of Chinese writing, which ends an address: `，` for `,`.
    pub(super) fn is_sign_of_chinese(&self, index: usize) -> bool {
        matches!(self.byte(index), b',' | b'.' | b':' | b';' | b'!' | b'?' | b'(' | b')')
            && self
                .original(index)
                .is_some_and(|c| matches!(c, '，' | '。' | '｡' | '：' | '；' | '！' | '？' | '（' | '）'))
    }

    /// Whether the full stop at an index is written as that of Chinese, in full or half width.
    pub(super) fn is_full_stop_of_chinese(&self, index: usize) -> bool {
        self.byte(index) == b'.' && matches!(self.original(index), Some('。' | '｡'))
    }

    pub(super) fn before(&self, index: usize) -> Option<char> {
        index.checked_sub(1).and_then(|before| self.at(before))
    }

    /// The index after the last character from `from` on whose byte is like this.
    pub(super) fn while_is(&self, from: usize, is: impl Fn(u8) -> bool) -> usize {
        let rest = self.plain.get(from..).unwrap_or_default();
        from + rest.iter().position(|byte| !is(*byte)).unwrap_or(rest.len())
    }

    pub(super) fn starts_with(&self, at: usize, text: &str) -> bool {
        self.plain.get(at..).is_some_and(|rest| rest.starts_with(text.as_bytes()))
    }

    /// A part as bytes of the text.
    pub(super) fn bytes(&self, part: Range<usize>) -> Range<usize> {
        let start = self.start(part.start);
        let last = part.end.checked_sub(1).filter(|last| *last >= part.start);
        let end = last.and_then(|last| Some(self.start(last) + self.original(last)?.len_utf8()));
        start..end.unwrap_or(start)
    }
}

/// Whether a letter or a digit is written as a symbol: flags, circled and raised characters, marks such as `™`.
const fn is_symbol(c: char) -> bool {
    matches!(
        c,
        'ª' | '²'
            | '³'
            | '¹'
            | 'º'
            | '\u{2070}'..='\u{209f}'
            | '№'
            | '℠'..='™'
            | 'ℹ'
            | '℻'
            | '\u{2460}'..='\u{24ff}'
            | '\u{3300}'..='\u{33ff}'
            | '\u{1f100}'..='\u{1f1ff}'
    )
}

/// The byte of a letter or sign in [`Line::plain`].
fn byte_of(letter: char, is_letter: bool) -> u8 {
    match u8::try_from(letter) {
        Ok(ascii @ ..0x80) => ascii,
        _ if !is_letter => SIGN,
        _ if is_spaced(letter) => SPACED_LETTER,
        _ => OTHER_LETTER,
    }
}
