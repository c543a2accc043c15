// Read by the build script too.

/// Whether a character is a letter that is blank: the fillers of Korean syllables. Most fonts show a gap, some show
/// nothing.
///
/// ```
/// use plugin_sdk::text::letters::{Kind, is_filler, read};
/// assert!(is_filler('\u{3164}'));
/// assert_eq!(read('\u{3164}').kind, Kind::Space);
/// ```
#[must_use]
pub const fn is_filler(c: char) -> bool {
    matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}')
}

/// What a character is, for reading words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A letter, or a character of a script without letters.
    Letter,
    /// A letter with an accent.
    Accented,
    /// A digit.
    Digit,
    /// A mark on the letter before it, or the line that stretches an Arabic word.
    Mark,
    /// Any space, and what shows as one.
    Space,
    /// A sign.
    Sign,
    /// A sign that ends a clause or a sentence.
    Clause,
    /// A picture.
    Emoji,
    /// Several letters in one character: `ß`, `ﬁ`, `㎏`.
    Several,
    /// Invisible.
    Invisible,
}
