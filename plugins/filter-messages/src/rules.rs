//! What is looked for in a text, and what happens where it is found.

use std::ops::Range;

use plugin_sdk::Error;
use plugin_sdk::neutral::{Place, Shown};
use plugin_sdk::text::words::{Rules, Strictness, Words};
use serde::Deserialize;

use crate::patterns::Pattern;

/// What happens to a message in which something is found; of several the first in this order.
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

/// All rules. Words that are looked for alike are in one list, so that a text is searched once for all of them.
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

    /// What is found in a text that users read.
    pub(crate) fn find<'r>(&'r self, shown: &Shown<'_>) -> Vec<Hit<'r>> {
        if shown.place != Place::Joined {
            return self.find_in(shown.text, |_| true);
        }
        // Elements that follow each other are read with a space between them, or, by who looks closer, without.
        let apart = apart(shown.text, shown.seams);
        let crosses =
            |seams: &[usize], hit: &Hit<'_>| seams.iter().any(|seam| hit.range.start < *seam && *seam < hit.range.end);
        let mut hits = self.find_in(&apart.0, |_| true);
        hits.retain(|hit| crosses(&apart.1, hit));
        if hits.is_empty() {
            hits = self.find_in(shown.text, |rules| rules.strictness == Strictness::Aggressive);
            hits.retain(|hit| crosses(shown.seams, hit));
        }
        hits
    }

    fn find_in<'r>(&'r self, text: &str, applies: impl Fn(Rules) -> bool) -> Vec<Hit<'r>> {
        let mut hits = Vec::new();
        for group in self.groups.iter().filter(|group| applies(group.rules)) {
            let Some(words) = &group.prepared else { continue };
            hits.extend(words.find_all(text).into_iter().filter_map(|found| {
                let (word, rule) = group.words.get(found.word)?;
                Some(Hit { rule: *rule as usize, word: Some(&**word), range: found.range })
            }));
        }
        for (rule, pattern) in self.rules.iter().enumerate() {
            if let What::Pattern(pattern) = pattern.what {
                hits.extend(pattern.find(text).into_iter().map(|range| Hit { rule, word: None, range }));
            }
        }
        if !hits.is_empty()
            && let Some(harmless) = &self.harmless
        {
            let harmless = harmless.find_all(text);
            let is_in = |hit: &Hit<'_>, of: &Range<usize>| of.start <= hit.range.start && hit.range.end <= of.end;
            hits.retain(|hit| !harmless.iter().any(|found| is_in(hit, &found.range)));
        }
        hits
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
