//! How much a search may cost.

/// Maximum work: without it, texts that consist of disguises, or of beginnings of listed words, would cost more than a
/// call may burn.
///
/// First all spellings are followed, until steps or characters are used up; from there on, only words as they are
/// listed are found, until the listed characters are used up; then the search ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    /// Steps of walks.
    pub(super) steps_max: usize,
    /// Characters that are compared with the beginnings of words.
    pub(super) characters_max: u32,
    /// The same while only words as they are listed are searched for.
    pub(super) listed_characters_max: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self { steps_max: 4000, characters_max: 16_000, listed_characters_max: u32::MAX }
    }
}

/// What searches of one message may cost, over all its texts and lists: see
/// [`Words::find_within`](super::Words::find_within).
///
/// Honest messages of 64 KiB burn 2 to 10 million units of fuel. One that is made to cost as much as it can ends the
/// effort at about 18 million.
#[derive(Debug, Clone)]
pub struct Effort {
    pub(super) budget: Budget,
    places: usize,
    /// A search ended before all was searched.
    is_cut: bool,
}

/// Work of one message while only words as they are listed are searched for.
const LISTED_CHARACTERS_MAX: u32 = 20_000;

impl Effort {
    /// For a message in which at most `places_max` places are of interest; 0 searches nothing.
    #[must_use]
    pub fn new(places_max: usize) -> Self {
        let budget = Budget { listed_characters_max: LISTED_CHARACTERS_MAX, ..Budget::default() };
        Self { budget, places: places_max, is_cut: false }
    }

    /// Whether the search stopped early: it found the maximum number of places, or cost too much.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.is_cut || self.places == 0
    }

    /// Places that may still be found.
    #[must_use]
    pub const fn places_left(&self) -> usize {
        self.places
    }

    /// Takes this many places, whatever was found there. With the last one it is over.
    pub const fn take_places(&mut self, count: usize) {
        self.places = self.places.saturating_sub(count);
    }

    /// Searches for something else, or once more, with a number of places of its own. If these are used up, the effort
    /// is over.
    pub fn with_places<T>(&mut self, places_max: usize, search: impl FnOnce(&mut Self) -> T) -> T {
        let places = std::mem::replace(&mut self.places, places_max);
        let found = search(self);
        self.is_cut |= self.places == 0;
        self.places = places;
        found
    }

    /// Takes what a search has spent.
    pub(super) fn spend(&mut self, steps: usize, characters: u32, listed_characters: u32) {
        self.budget.steps_max = self.budget.steps_max.saturating_sub(steps);
        self.budget.characters_max = self.budget.characters_max.saturating_sub(characters);
        self.budget.listed_characters_max = self.budget.listed_characters_max.saturating_sub(listed_characters);
        self.is_cut |= self.budget.listed_characters_max == 0;
    }
}
