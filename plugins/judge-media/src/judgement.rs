//! The meaning of the judge's answers.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Reads answers.
#[derive(Debug)]
pub(crate) struct Judge {
    score_min: f64,
    /// In lower case.
    labels: BTreeSet<String>,
}

impl Judge {
    pub(crate) fn new(score_min: f64, labels: &[String]) -> Self {
        Self { score_min, labels: labels.iter().map(|label| label.trim().to_lowercase()).collect() }
    }

    /// Whether an answer refuses; `None` if it cannot be read.
    pub(crate) fn refuses(&self, answer: &Value) -> Option<bool> {
        match answer {
            Value::Null => None,
            Value::Bool(refuses) => Some(*refuses),
            Value::Number(_) => self.is_high(answer),
            Value::String(label) => (!self.labels.is_empty()).then(|| self.names(label)),
            Value::Array(elements) => self.any(elements.iter().map(|element| self.refuses(element))),
            Value::Object(_) if self.labels.is_empty() => None,
            Value::Object(members) => match members.get("label") {
                Some(Value::String(label)) => self.labelled(label, members),
                _ => self.any(members.iter().map(|(name, score)| self.scored(name, score))),
            },
        }
    }

    fn labelled(&self, label: &str, members: &Map<String, Value>) -> Option<bool> {
        match (self.names(label), members.get("score")) {
            (false, _) => Some(false),
            (true, None) => Some(true),
            (true, Some(score)) => self.is_high(score),
        }
    }

    /// A label and its score.
    fn scored(&self, name: &str, score: &Value) -> Option<bool> {
        match score {
            _ if !self.names(name) => Some(false),
            Value::Bool(refuses) => Some(*refuses),
            score => self.is_high(score),
        }
    }

    fn names(&self, label: &str) -> bool {
        self.labels.contains(&label.trim().to_lowercase())
    }

    fn is_high(&self, score: &Value) -> Option<bool> {
        score.as_f64().map(|score| score >= self.score_min)
    }

    /// One refusal is enough; otherwise all must be readable.
    fn any(&self, judgements: impl Iterator<Item = Option<bool>>) -> Option<bool> {
        let mut all = Some(false);
        for judgement in judgements {
            match judgement {
                Some(true) => return Some(true),
                Some(false) => {}
                None => all = None,
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_form_of_an_answer_is_read() {
        let judge = Judge::new(0.8, &["Porn".to_owned(), "violence".to_owned()]);
        for (answer, refuses) in [
            (json!(true), Some(true)),
            (json!(false), Some(false)),
            (json!(0.8), Some(true)),
            (json!(0.79), Some(false)),
            (json!(1), Some(true)),
            (json!("porn"), Some(true)),
            (json!(" PORN "), Some(true)),
            (json!("neutral"), Some(false)),
            (json!(["neutral", "violence"]), Some(true)),
            (json!(["neutral"]), Some(false)),
            (json!([]), Some(false)),
            (json!([null, "porn"]), Some(true)),
            (json!([null, "neutral"]), None),
            (json!({ "label": "porn" }), Some(true)),
            (json!({ "label": "porn", "score": 0.9 }), Some(true)),
            (json!({ "label": "porn", "score": 0.5 }), Some(false)),
            (json!({ "label": "porn", "score": "high" }), None),
            (json!({ "label": "neutral", "score": 0.99 }), Some(false)),
            (json!([{ "label": "neutral", "score": 0.1 }, { "label": "violence", "score": 0.9 }]), Some(true)),
            (json!({ "porn": 0.9, "neutral": 0.1 }), Some(true)),
            (json!({ "porn": 0.1, "neutral": 0.9, "model": "v2" }), Some(false)),
            (json!({ "porn": true }), Some(true)),
            (json!({ "porn": "high" }), None),
            (json!({}), Some(false)),
            (json!(null), None),
        ] {
            assert_eq!(judge.refuses(&answer), refuses, "{answer}");
        }
    }

    #[test]
    fn without_labels_only_scores_and_flags_are_read() {
        let judge = Judge::new(0.0, &[]);
        for answer in [json!("porn"), json!({ "porn": 1 }), json!({}), json!(["porn"])] {
            assert_eq!(judge.refuses(&answer), None, "{answer}");
        }
        // At zero, every score refuses that is not negative.
        assert_eq!(
            [json!(0), json!(-1), json!([0.5])].map(|answer| judge.refuses(&answer)),
            [true, false, true].map(Some)
        );
    }
}
