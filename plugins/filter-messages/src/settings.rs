//! What the operator may set.

use plugin_sdk::neutral::CustomText;
use plugin_sdk::text::words::{Rules, Strictness};
use plugin_sdk::{Error, text};
use serde::Deserialize;

use crate::patterns::Pattern;
use crate::rules::{Action, Rule, RuleSet, What};
use crate::words::{WORDS_BYTES_MAX, WORDS_MAX, WordList};

/// The settings as written; the comment at the top of the crate explains them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    words: WordList,
    action: Action,
    message: Option<String>,
    strictness: Strictness,
    mask_character: char,
    match_whole_words: bool,
    harmless_words: WordList,
    categories: Vec<Category>,
    patterns: Patterns,
    mentions_max: Option<usize>,
    custom_text: Vec<String>,
    strikes: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            words: WordList::default(),
            action: Action::Deny,
            message: None,
            strictness: Strictness::Normal,
            mask_character: '*',
            match_whole_words: true,
            harmless_words: WordList::default(),
            categories: Vec::new(),
            patterns: Patterns::default(),
            mentions_max: None,
            custom_text: Vec::new(),
            strikes: false,
        }
    }
}

/// Words with an action of their own. What is left out is as for `words`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Category {
    name: String,
    words: WordList,
    action: Option<Action>,
    message: Option<String>,
    strictness: Option<Strictness>,
    match_whole_words: Option<bool>,
}

/// What happens to a message with a pattern; a pattern without an action is not looked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Patterns {
    links: Option<Action>,
    emails: Option<Action>,
    phones: Option<Action>,
    numbers: Option<Action>,
    numbers_digits_min: Option<usize>,
}

/// Fewest digits of a number that is looked for, if the settings do not say.
const NUMBERS_DIGITS_MIN: usize = 6;

/// The settings, checked.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) rules: RuleSet,
    pub(crate) mask: char,
    pub(crate) custom: CustomText,
    pub(crate) mentions: Option<(usize, Action)>,
    /// Whether refusals are strikes.
    pub(crate) strikes: bool,
}

impl Settings {
    pub(crate) fn check(self) -> Result<Checked, Error> {
        let mask = self.mask_character;
        // A letter could make a new word out of the rest, and what does not show would hide that anything was there.
        if mask.is_alphanumeric() || mask.is_control() || text::is_space(mask) || text::is_invisible(mask) {
            return Err("`mask_character` must be a visible sign that is no letter or digit, for example \"*\"".into());
        }
        let custom =
            CustomText::new(&self.custom_text).map_err(|error| Error::new(format!("`custom_text`: {error}")))?;
        let own = Rules { strictness: self.strictness, whole_words: self.match_whole_words };
        let mut rules = RuleSet::new(self.harmless_words.words("harmless_words")?)?;
        let rule = Rule::new("words", self.action, self.message.as_deref())?;
        rules.add_words(rule, self.words.words("words")?, own);
        for (index, category) in self.categories.into_iter().enumerate() {
            let setting = format!("categories[{index}].words");
            let words = category.words.words(&setting)?;
            if words.is_empty() {
                return Err(format!("`{setting}` has no word; remove the category, or write words").into());
            }
            let message = category.message.as_deref().or(self.message.as_deref());
            let rule = Rule::new(&category.name, category.action.unwrap_or(self.action), message)?;
            let whole_words = category.match_whole_words.unwrap_or(self.match_whole_words);
            rules.add_words(
                rule,
                words,
                Rules { strictness: category.strictness.unwrap_or(self.strictness), whole_words },
            );
        }
        let digits_min = self.patterns.numbers_digits_min.unwrap_or(NUMBERS_DIGITS_MIN);
        if digits_min < 3 {
            return Err(
                "`patterns.numbers_digits_min` must be at least 3: shorter numbers are in every other message".into()
            );
        }
        for (name, action, pattern) in [
            ("links", self.patterns.links, Pattern::Link),
            ("emails", self.patterns.emails, Pattern::Email),
            ("phones", self.patterns.phones, Pattern::Phone),
            ("numbers", self.patterns.numbers, Pattern::Number { digits_min }),
        ] {
            if let Some(action) = action {
                rules.add_pattern(Rule::new(name, action, self.message.as_deref())?, pattern);
            }
        }
        if rules.is_empty() && self.mentions_max.is_none() {
            return Err("`words` has no word; write a list of texts, or one text with a word on each line".into());
        }
        let (number, bytes) = rules.size();
        if number > WORDS_MAX {
            return Err(format!("`words` has {number} words; shorten it to at most {WORDS_MAX}").into());
        }
        if bytes > WORDS_BYTES_MAX {
            return Err(format!("`words` has {bytes} bytes of words; shorten it to at most {WORDS_BYTES_MAX}").into());
        }
        rules.prepare()?;
        let mention_action = if self.action == Action::Mask { Action::Deny } else { self.action };
        let mentions = self.mentions_max.map(|max| (max, mention_action));
        Ok(Checked { rules, mask, custom, mentions, strikes: self.strikes })
    }
}

impl Rule {
    fn new(name: &str, action: Action, message: Option<&str>) -> Result<Self, Error> {
        if text::is_blank(name) {
            return Err("a category's `name` has no visible character; it is written into records".into());
        }
        if action == Action::Reply && message.is_none() {
            return Err(format!(
                "`{name}` has the action \"reply\" and no `message`: write what the sender is to read"
            )
            .into());
        }
        let message = message.unwrap_or("This message contains a word that is not allowed here.");
        Ok(Self { name: name.to_owned(), action, message: message.to_owned(), what: What::Words })
    }
}
