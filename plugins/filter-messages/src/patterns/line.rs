//! A text in plain characters: small letters and digits in ASCII where they are forms of these.

use std::ops::Range;

use plugin_sdk::text::letters::{Kind, is_spaced, read, several};

/// What stands in [`Line::plain`] for a letter beyond ASCII of a script that puts spaces between words.
pub(super) const SPACED_LETTER: u8 = 0x80;

/// The same for any other letter beyond ASCII.
pub(super) const OTHER_LETTER: u8 = 0x81;

/// The same for what is no letter.
const SIGN: u8 = 0x82;

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
}

/// Number of characters of ASCII after which more are added at once.
const LONG_RUN: usize = 12;

impl<'t> Line<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let mut line = Self { text, plain: Vec::with_capacity(text.len()), starts: None, marks: 0 };
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
        let starts = self.starts.get_or_insert_with(|| {
            let mut starts = Vec::with_capacity(self.text.len());
            starts.extend(0..at as u32);
            starts
        });
        let byte = match letter.kind {
            Kind::Invisible | Kind::Mark => None,
            // The sign of Chinese, its half width and the one of full width are one for the eye.
            _ if matches!(c, '。' | '｡') => Some(b'.'),
            Kind::Several => {
                self.plain.extend(several(letter).chars().map(|part| byte_of(part, true)));
                starts.resize(self.plain.len(), at as u32);
                None
            }
            kind => Some(byte_of(letter.letter, matches!(kind, Kind::Letter | Kind::Accented | Kind::Digit))),
        };
        if let Some(byte) = byte {
            self.marks |= mark(byte);
            self.plain.push(byte);
            starts.push(at as u32);
        }
        at + c.len_utf8()
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
        let before = (0..index).rev().take_while(|other| self.start(*other) == self.start(index)).count();
        several(letter).chars().nth(before)
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

/// The byte of a letter or sign in [`Line::plain`].
fn byte_of(letter: char, is_letter: bool) -> u8 {
    match u8::try_from(letter) {
        Ok(ascii @ ..0x80) => ascii,
        _ if !is_letter => SIGN,
        _ if is_spaced(letter) => SPACED_LETTER,
        _ => OTHER_LETTER,
    }
}
