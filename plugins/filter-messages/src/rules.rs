//! What is looked for in a text, and what happens where it is found.

use std::ops::Range;

use plugin_sdk::Error;
use plugin_sdk::neutral::{Place, Shown};
use plugin_sdk::text::words::{Effort, Rules, Strictness, Words};
use serde::Deserialize;

use crate::patterns::{Pattern, Reading};

/// Most places in one message that are looked at: each costs 5000 to 20 000 units of fuel, and a message of listed
/// words alone would otherwise cost more than a call may.
pub(crate) const PLACES_MAX: usize = 256;

/// Most harmless words in one text in which something is found.
const HARMLESS_MAX: usize = 1024;

/// What happens to a message in which something is found; of several actions, the first in this order wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    Deny,
    Reply,
    Mask,
    Record,
}

impl Action {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Reply => "reply",
            Self::Mask => "mask",
            Self::Record => "record",
        }
    }
}

/// One rule: a category of words, or a pattern.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) action: Action,
    /// What the sender reads if the message is refused.
    pub(crate) message: String,
    pub(crate) what: What,
}

#[derive(Debug)]
pub(crate) enum What {
    Words,
    Pattern(Pattern),
}

/// All rules. Words with the same search rules are in one list, so that a text is searched once for all of them.
#[derive(Debug)]
pub(crate) struct RuleSet {
    pub(crate) rules: Vec<Rule>,
    groups: Vec<Group>,
    harmless: Option<Words>,
}

#[derive(Debug)]
struct Group {
    rules: Rules,
    /// Each word, and the number of its rule.
    words: Vec<(Box<str>, u32)>,
    prepared: Option<Words>,
}

/// Where a rule applies in one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hit<'r> {
    pub(crate) rule: usize,
    /// The listed word; `None` for a pattern.
    pub(crate) word: Option<&'r str>,
    pub(crate) range: Range<usize>,
}

impl RuleSet {
    pub(crate) fn new(harmless: Vec<String>) -> Result<Self, Error> {
        let anywhere = Rules { strictness: Strictness::Normal, whole_words: false };
        let harmless = if harmless.is_empty() { None } else { Some(Words::new(&harmless, anywhere)?) };
        Ok(Self { rules: Vec::new(), groups: Vec::new(), harmless })
    }

    pub(crate) fn add_words(&mut self, rule: Rule, words: Vec<String>, rules: Rules) {
        if words.is_empty() {
            return;
        }
        let number = self.rules.len() as u32;
        self.rules.push(rule);
        let words = words.into_iter().map(|word| (word.into_boxed_str(), number));
        match self.groups.iter_mut().find(|group| group.rules == rules) {
            Some(group) => group.words.extend(words),
            None => self.groups.push(Group { rules, words: words.collect(), prepared: None }),
        }
    }

    pub(crate) fn add_pattern(&mut self, rule: Rule, pattern: Pattern) {
        self.rules.push(Rule { what: What::Pattern(pattern), ..rule });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Words and their bytes, in all.
    pub(crate) fn size(&self) -> (usize, usize) {
        let words = || self.groups.iter().flat_map(|group| &group.words);
        (words().count(), words().map(|(word, _)| word.len()).sum())
    }

    /// Builds the lists, which takes a while; the host keeps the result for all calls.
    pub(crate) fn prepare(&mut self) -> Result<(), Error> {
        for group in &mut self.groups {
            let words: Vec<&str> = group.words.iter().map(|(word, _)| &**word).collect();
            group.prepared = Some(Words::new(&words, group.rules)?);
        }
        Ok(())
    }

    /// The strongest action of all rules, and what the sender reads then.
    pub(crate) fn strongest(&self) -> Option<(Action, &str)> {
        self.rules.iter().map(|rule| (rule.action, &*rule.message)).min_by_key(|(action, _)| *action)
    }

    /// What is found in a text that users read, as far as the effort allows.
    pub(crate) fn find<'r>(&'r self, shown: &Shown<'_>, effort: &mut Effort) -> Vec<Hit<'r>> {
        if shown.place != Place::Joined {
            return self.find_in(shown.text, effort, |_| true);
        }
        // Elements that follow each other are read with a space between them, or, by who looks closer, without. Each
        // has been searched by itself.
        let (apart, seams) = apart(shown.text, shown.seams);
        effort.with_places(PLACES_MAX, |effort| {
            let hits = self.find_across(&apart, &seams, effort, |_| true);
            if !hits.is_empty() || effort.is_over() {
                return hits;
            }
            self.find_across(shown.text, shown.seams, effort, |rules| rules.strictness == Strictness::Aggressive)
        })
    }

    /// What crosses one of these places.
    fn find_across<'r>(
        &'r self,
        text: &str,
        seams: &[usize],
        effort: &mut Effort,
        applies: impl Fn(Rules) -> bool,
    ) -> Vec<Hit<'r>> {
        let crosses = |hit: &Hit<'_>| {
            let next = seams.partition_point(|seam| *seam <= hit.range.start);
            seams.get(next).is_some_and(|seam| *seam < hit.range.end)
        };
        let mut hits = Vec::new();
        for part in around(text, seams) {
            let found = self.find_in(text.get(part.clone()).unwrap_or_default(), effort, &applies);
            let moved = |hit: Hit<'r>| Hit { range: hit.range.start + part.start..hit.range.end + part.start, ..hit };
            hits.extend(found.into_iter().map(moved).filter(crosses));
        }
        hits
    }

    fn find_in<'r>(&'r self, text: &str, effort: &mut Effort, applies: impl Fn(Rules) -> bool) -> Vec<Hit<'r>> {
        let mut hits = Vec::new();
        for group in self.groups.iter().filter(|group| applies(group.rules)) {
            let Some(words) = &group.prepared else { continue };
            hits.extend(words.find_within(text, effort).into_iter().filter_map(|found| {
                let (word, rule) = group.words.get(found.word)?;
                Some(Hit { rule: *rule as usize, word: Some(&**word), range: found.range })
            }));
        }
        let mut reading = None;
        for (rule, pattern) in self.rules.iter().enumerate() {
            if let What::Pattern(pattern) = pattern.what
                && !effort.is_over()
            {
                let places = pattern.find(reading.get_or_insert_with(|| Reading::new(text)), effort.places_left());
                effort.take_places(places.len());
                hits.extend(places.into_iter().map(|range| Hit { rule, word: None, range }));
            }
        }
        if !hits.is_empty()
            && !effort.is_over()
            && let Some(harmless) = &self.harmless
        {
            let harmless = effort.with_places(HARMLESS_MAX, |effort| harmless.find_within(text, effort));
            let harmless = Cover::new(harmless.into_iter().map(|found| found.range).collect());
            hits.retain(|hit| !harmless.has(&hit.range));
        }
        hits
    }
}

/// How far from a seam a word or pattern that crosses it can begin or end, in bytes. Any number of spaces can be between
/// letters: this is longer than what fits on a screen.
const ACROSS_BYTES_MAX: usize = 1024;

/// Joined texts up to this size are searched as a whole, which costs little.
const WHOLE_BYTES_MAX: usize = 8 * 1024;

/// The parts of a joined text that are searched again: those around its seams, in order and without overlaps.
fn around(text: &str, seams: &[usize]) -> Vec<Range<usize>> {
    if text.len() <= WHOLE_BYTES_MAX {
        return std::iter::once(0..text.len()).collect();
    }
    let mut parts: Vec<Range<usize>> = Vec::new();
    for seam in seams {
        let from = text.floor_char_boundary(seam.saturating_sub(ACROSS_BYTES_MAX));
        let to = text.ceil_char_boundary(seam.saturating_add(ACROSS_BYTES_MAX).min(text.len()));
        match parts.last_mut() {
            Some(last) if from <= last.end => last.end = to.max(last.end),
            _ => parts.push(from..to),
        }
    }
    parts
}

/// Parts of a text, ready to be asked whether one of them has another part within it: a text can have thousands of
/// both.
struct Cover(Vec<Range<usize>>);

impl Cover {
    fn new(mut parts: Vec<Range<usize>>) -> Self {
        parts.sort_by_key(|part| part.start);
        let mut end = 0;
        for part in &mut parts {
            // Where the longest ends of those that begin here or before.
            end = end.max(part.end);
            part.end = end;
        }
        Self(parts)
    }

    fn has(&self, part: &Range<usize>) -> bool {
        let before = self.0.partition_point(|of| of.start <= part.start);
        before.checked_sub(1).and_then(|last| self.0.get(last)).is_some_and(|of| part.end <= of.end)
    }
}

/// A text with a space at each seam, and where these are then.
fn apart(text: &str, seams: &[usize]) -> (String, Vec<usize>) {
    let mut apart = String::with_capacity(text.len() + seams.len());
    let (mut from, mut moved) = (0, Vec::with_capacity(seams.len()));
    for seam in seams {
        apart.push_str(text.get(from..*seam).unwrap_or_default());
        moved.push(apart.len());
        apart.push(' ');
        from = *seam;
    }
    apart.push_str(text.get(from..).unwrap_or_default());
    (apart, moved)
}
