// Read by the build script too.

/// The kind of a character of one or two bytes, for the fast path of the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Quick {
    /// Anything that needs a closer look: digits, signs that stand for letters, several letters in one.
    Other,
    /// A letter of a script with spaces, which has one class however it is written.
    Letter,
    /// Such a letter that occurs in Arabic's articles and prepositions.
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
