//! Lists of words.

use callgate_catalogue::Error;

use super::budget::{Budget, Effort};
use super::grams::Grams;
use super::prefixes::Prefixes;
use super::rules::{Found, Rules};
use super::search::Search;
use super::trie::{self, Trie};
use super::wide::Wide;

/// A list of words, prepared for searching.
#[derive(Debug)]
pub struct Words {
    trie: Trie,
    prefixes: Prefixes,
    grams: Option<Grams>,
    wide: Wide,
    rules: Rules,
    budget: Budget,
}

impl Words {
    /// Prepares a list; do this in `configure`. It may be empty.
    ///
    /// # Errors
    /// If a word shows nothing; the error has its index.
    pub fn new<T: AsRef<str>>(words: &[T], rules: Rules) -> Result<Self, Error> {
        let mut units = Vec::with_capacity(words.len());
        for (index, word) in words.iter().enumerate() {
            let word = trie::units(word.as_ref());
            if word.is_empty() {
                return Err(Error::new(format!("word {index} has no visible character")));
            }
            units.push((word, index as u32));
        }
        let trie = Trie::new(units);
        let prefixes = Prefixes::of(&trie);
        let (grams, wide) = (Grams::of(&trie, rules), Wide::of(&trie));
        Ok(Self { trie, prefixes, grams, wide, rules, budget: Budget::default() })
    }

    /// Whether a word occurs in `text`.
    #[must_use]
    pub fn occur_in(&self, text: &str) -> bool {
        self.find(text).is_some()
    }

    /// The first place where a word occurs.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Found> {
        let mut first = None;
        self.search().each(text, &mut |found| {
            first = Some(found);
            false
        });
        first
    }

    /// All places where words occur, by where they begin; where several begin, the longest. They may overlap.
    ///
    /// A place costs 4000 to 5000 units of fuel, and so does a place where a word could begin: use
    /// [`find_within`](Self::find_within) for what strangers write.
    #[must_use]
    pub fn find_all(&self, text: &str) -> Vec<Found> {
        let mut all = Vec::new();
        self.search().each(text, &mut |found| {
            all.push(found);
            true
        });
        all
    }

    /// The first of these places, as far as an effort allows, which searches of several texts and lists share.
    ///
    /// If the effort [is over](Effort::is_over), the rest of the text was not searched: a message for which that
    /// happens is better refused, for honest ones need a small part of it.
    ///
    /// ```
    /// # use plugin_sdk::text::words::{Effort, Rules, Words};
    /// let words = Words::new(&["free"], Rules::default())?;
    /// let mut effort = Effort::new(3);
    /// assert_eq!(words.find_within("free, free", &mut effort).len(), 2);
    /// assert!(!effort.is_over());
    /// assert_eq!(words.find_within("free, free", &mut effort).len(), 1);
    /// assert!(effort.is_over());
    /// # Ok::<(), plugin_sdk::Error>(())
    /// ```
    #[must_use]
    pub fn find_within(&self, text: &str, effort: &mut Effort) -> Vec<Found> {
        let mut places = Vec::new();
        if effort.is_over() {
            return places;
        }
        let search = Search { budget: effort.budget, ..self.search() };
        let spent = search.each(text, &mut |found| {
            places.push(found);
            places.len() < effort.places_left()
        });
        effort.take_places(places.len());
        effort.spend(spent.steps, spent.characters, spent.listed_characters);
        places
    }

    /// A list with no word finds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.trie.is_empty()
    }

    /// For tests, which walk from every position.
    #[cfg(test)]
    pub(super) fn walk<'t>(&'t self, text: &'t str) -> super::walk::Walk<'t> {
        super::walk::Walk::new(text, &self.trie, self.rules, self.budget)
    }

    /// For tests, which search with other budgets.
    #[cfg(test)]
    pub(super) fn with(self, budget: Budget) -> Self {
        Self { budget, ..self }
    }

    fn search(&self) -> Search<'_> {
        let Self { trie, prefixes, grams, wide, rules, budget } = self;
        Search { trie, prefixes, grams: grams.as_ref(), wide, rules: *rules, budget: *budget }
    }
}
