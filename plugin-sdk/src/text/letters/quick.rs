// Read by the build script too.

/// What a character of one or two bytes is for a search that looks once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Quick {
    /// Anything that needs a closer look: digits, signs that stand for letters, several letters in one.
    Other,
    /// A letter of a script with spaces, which has one class however it is written.
    Letter,
    /// Such a letter of which Arabic's articles and prepositions are made.
    Joined,
    /// A mark, or what does not show.
    Nothing,
    /// Any space.
    Space,
    /// The end of a clause.
    Clause,
    /// Any other sign.
    Sign,
}
