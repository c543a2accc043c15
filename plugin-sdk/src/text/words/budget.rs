//! How much of one text is searched for all spellings.

/// Maximum work in one text; after that, only words as they are listed are found. Without it, a message that consists
/// of disguises would cost more than a call may burn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    /// Steps of walks.
    pub(super) steps_max: usize,
    /// Characters that are compared with the beginnings of words.
    pub(super) characters_max: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self { steps_max: 4000, characters_max: 12_000 }
    }
}
