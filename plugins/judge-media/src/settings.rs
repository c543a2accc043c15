//! What the operator may set.

use std::collections::BTreeSet;

use plugin_sdk::{Error, text};
use serde::Deserialize;

use crate::elements::Kind;
use crate::judgement::Judge;

/// The settings as written; the comment at the top of the crate explains them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    elements: BTreeSet<Kind>,
    sizes: Sizes,
    score_min: f64,
    labels: Vec<String>,
    message: String,
    message_unknown: String,
    on_unknown: Otherwise,
    on_absent: Otherwise,
}

/// Which sizes of a picture are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Sizes {
    All,
    Largest,
}

/// What happens without a judgement. If several apply, the last one in this order wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Otherwise {
    Allow,
    AllowAndRecord,
    Fault,
    Deny,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            elements: BTreeSet::from([Kind::Picture, Kind::Video]),
            sizes: Sizes::All,
            score_min: 0.8,
            labels: Vec::new(),
            message: "This picture, video or text is not allowed here.".to_owned(),
            message_unknown: "This cannot be checked at the moment. Please try again.".to_owned(),
            on_unknown: Otherwise::AllowAndRecord,
            on_absent: Otherwise::Allow,
        }
    }
}

/// The settings, checked.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) elements: BTreeSet<Kind>,
    pub(crate) all_sizes: bool,
    pub(crate) judge: Judge,
    pub(crate) message: String,
    pub(crate) message_unknown: String,
    pub(crate) on_unknown: Otherwise,
    pub(crate) on_absent: Otherwise,
}

/// Largest `score_min`, in the judge's own unit.
const SCORE_MIN_MAX: f64 = 1_000_000.0;

impl Settings {
    pub(crate) fn check(self) -> Result<Checked, Error> {
        if self.elements.is_empty() {
            return Err("`elements` is empty: write what is judged, such as \"picture\"".into());
        }
        if !(0.0..=SCORE_MIN_MAX).contains(&self.score_min) {
            return Err("`score_min` must be a number from 0 to 1000000".into());
        }
        if let Some(index) = self.labels.iter().position(|label| text::is_blank(label)) {
            return Err(format!("`labels[{index}]` is blank: remove it, or fill it in").into());
        }
        for (name, message) in [("message", &self.message), ("message_unknown", &self.message_unknown)] {
            if text::is_blank(message) {
                return Err(format!("`{name}` has no visible character: write what the sender is to read").into());
            }
        }
        let Self { elements, sizes, score_min, labels, message, message_unknown, on_unknown, on_absent } = self;
        let judge = Judge::new(score_min, &labels);
        Ok(Checked { elements, all_sizes: sizes == Sizes::All, judge, message, message_unknown, on_unknown, on_absent })
    }
}
