// Read by the build script too.

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
    /// Any space.
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
