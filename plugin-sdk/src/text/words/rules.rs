//! How words are looked for, and where they are found.

use std::ops::Range;

use serde::Deserialize;

/// How far a spelling may be from the listed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strictness {
    /// Letter case, the width of letters, the kind and number of spaces, and what does not show make no difference.
    Exact,
    /// Nor do: spaces or signs between all letters (`f r e e`, `f.r.e.e`), a sign for a space (`free-money`), letters
    /// that look alike, mathematical and circled letters, digits and signs for letters (`fr3e`), letters that are there
    /// three times, a doubled vowel or a doubled first consonant other than `l` (`ffree`; further doubled letters do
    /// not matter then), something invisible for a space, accents and combining marks that the list does not have. In
    /// scripts without spaces: spaces and signs between any characters, and traditional characters.
    #[default]
    Normal,
    /// Nor do: a sign between two letters (`fr.ee`), a sign for a letter (`m*ney`), emoji between letters, a space that
    /// is left out of a long phrase, a doubled letter, `l` for `i`; and in scripts without spaces, digits between
    /// characters, and the end of a clause inside a word.
    Aggressive,
}

/// How words are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// How far a spelling may be from the listed one.
    pub strictness: Strictness,
    /// Whether a word counts only where it is no part of a longer one, in scripts that put spaces between words; in
    /// Arabic, articles and prepositions can be joined to it.
    pub whole_words: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { strictness: Strictness::Normal, whole_words: true }
    }
}

/// Where a listed word was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The part of the text, in bytes.
    pub range: Range<usize>,
    /// The word's index in the list.
    pub word: usize,
}
