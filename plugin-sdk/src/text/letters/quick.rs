// Read by the build script too.

/// The kind of a character of one or two bytes, for the fast path of the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Quick {
    /// Anything that needs a closer look: digits, signs that stand for letters, several letters in one.
    Other,
    /// A letter of a script with spaces, which has one class however it is written.
    Letter,
    /// A letter of this kind that occurs in Arabic articles and prepositions.
    Joined,
    /// A mark, or an invisible character.
    Nothing,
    /// Any space.
    Space,
    /// The end of a clause.
    Clause,
    /// Any other sign.
    Sign,
}

/// A character that its symbol does not identify: the slow path examines it.
pub(crate) const ODD: u8 = 0xff;

/// The symbol of a letter: its class if that is in ASCII, otherwise a number that is unique within its alphabet.
pub(crate) const fn symbol_of(class: u32) -> u8 {
    if class < 0x80 { class as u8 } else { 0x80 | (class & 0x7f) as u8 }
}
