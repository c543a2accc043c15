//! Redacts JSON before it is stored: the values of the named members are replaced, and so are texts that quote them.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Replaces a redacted text.
pub(crate) const REDACTED: &str = "[redacted]";

/// Replaces the values of members, at any depth.
#[derive(Debug)]
pub(crate) struct Redaction<'n> {
    names: &'n [String],
    /// Texts that were taken out: they are not shown elsewhere either.
    taken: Vec<String>,
    has_changed: bool,
}

/// Shorter texts are not looked for in other texts: they are in every word.
const QUOTED_BYTES_MIN: usize = 3;

/// Maximum number of redacted values that are searched for in other texts, and maximum length of each, in bytes.
const TAKEN_MAX: usize = 64;
const TAKEN_BYTES_MAX: usize = 256;

/// How deeply JSON inside of texts is looked into: chat servers nest it twice.
const TEXTS_DEPTH_MAX: usize = 4;

impl<'n> Redaction<'n> {
    /// Takes out members with these names, in any letter case.
    pub(crate) fn new(names: &'n [String]) -> Self {
        Self { names, taken: Vec::new(), has_changed: false }
    }

    /// Whether anything was taken out.
    pub(crate) fn has_changed(&self) -> bool {
        self.has_changed
    }

    /// The redacted JSON; unchanged, byte for byte, if there is nothing to redact. `None` if it is not JSON and so
    /// cannot be searched.
    pub(crate) fn json(&mut self, json: &str) -> Option<Box<RawValue>> {
        let exactly = || RawValue::from_string(json.to_owned()).ok();
        if self.names.is_empty() {
            return exactly();
        }
        let mut value: Value = serde_json::from_str(json).ok()?;
        match self.value(&mut value, TEXTS_DEPTH_MAX) {
            true => serde_json::value::to_raw_value(&value).ok(),
            // A member that is there twice is shown once by the parser.
            false if self.names_are_in(json) => serde_json::value::to_raw_value(&value).ok(),
            false => exactly(),
        }
    }

    /// Collects the values that would be redacted in this JSON, which is not stored itself, so that texts that quote
    /// them are redacted.
    pub(crate) fn note_in(&mut self, json: &str) {
        if !self.names.is_empty() {
            let _ = self.json(json);
        }
    }

    /// A text of a plugin, unless it quotes what was taken out.
    pub(crate) fn text(&self, text: &str) -> String {
        match self.taken.iter().any(|taken| text.contains(taken.as_str())) {
            true => REDACTED.to_owned(),
            false => text.to_owned(),
        }
    }

    fn is_named(&self, name: &str) -> bool {
        self.names.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    fn names_are_in(&self, json: &str) -> bool {
        json.contains('\\')
            || self.names.iter().any(|name| json.to_ascii_lowercase().contains(&name.to_ascii_lowercase()))
    }

    /// Whether something was replaced in this value.
    fn value(&mut self, value: &mut Value, texts: usize) -> bool {
        match value {
            Value::Object(members) => self.members(members, texts),
            Value::Array(list) => {
                let mut any = false;
                for item in list {
                    any |= self.value(item, texts);
                }
                any
            }
            Value::String(text) => self.inside(text, texts),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    fn members(&mut self, members: &mut Map<String, Value>, texts: usize) -> bool {
        let mut any = false;
        for (name, value) in members.iter_mut() {
            if self.is_named(name) {
                self.note(value);
                *value = empty(value);
                self.has_changed = true;
                any = true;
            } else {
                any |= self.value(value, texts);
            }
        }
        any
    }

    /// Chat servers send JSON in texts.
    fn inside(&mut self, text: &mut String, texts: usize) -> bool {
        if texts == 0 || !text.trim_start().starts_with(['{', '[']) {
            return false;
        }
        let Ok(mut inner) = serde_json::from_str::<Value>(text) else { return false };
        let any = self.value(&mut inner, texts - 1);
        if any {
            *text = inner.to_string();
        }
        any
    }

    /// Remembers the texts in a value that is taken out.
    fn note(&mut self, value: &Value) {
        match value {
            Value::String(text) => {
                if let Ok(inner @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str::<Value>(text) {
                    self.note(&inner);
                }
                let text = text.trim();
                let beginning = text.get(..text.floor_char_boundary(TAKEN_BYTES_MAX)).unwrap_or_default();
                if beginning.len() >= QUOTED_BYTES_MIN && self.taken.len() < TAKEN_MAX {
                    self.taken.push(beginning.to_owned());
                }
            }
            Value::Array(list) => list.iter().for_each(|item| self.note(item)),
            Value::Object(members) => members.values().for_each(|item| self.note(item)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// A value of the same type that says nothing, so that a plugin can still read the callback.
fn empty(value: &Value) -> Value {
    match value {
        Value::String(_) => REDACTED.into(),
        Value::Number(_) => 0.into(),
        Value::Bool(_) => false.into(),
        Value::Array(_) => Value::Array(Vec::new()),
        Value::Object(_) => Value::Object(Map::new()),
        Value::Null => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(names: &[&str], json: &str) -> (String, bool) {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut redaction = Redaction::new(&names);
        let json = redaction.json(json).map(|raw| raw.get().to_owned()).unwrap_or_default();
        (json, redaction.has_changed())
    }

    #[test]
    fn members_are_taken_out_at_any_depth_and_in_json_inside_of_texts() {
        let (json, changed) = redacted(&["content"], r#"{"a":[{"Content":"secret"}],"content":{"x":1},"n":1.50}"#);
        assert_eq!(json, r#"{"a":[{"Content":"[redacted]"}],"content":{},"n":1.5}"#);
        assert!(changed);
        let inner = r#"{"b":"{\"content\":\"secret\",\"k\":2}"}"#;
        assert_eq!(redacted(&["content"], inner).0, r#"{"b":"{\"content\":\"[redacted]\",\"k\":2}"}"#);
        let twice = r#"{"content":"a secret","content":"another"}"#;
        assert_eq!(redacted(&["content"], twice).0, r#"{"content":"[redacted]"}"#);
        let escaped = r#"{"c\u006fntent":"secret"}"#;
        assert!(!redacted(&["content"], escaped).0.contains("secret"));
    }

    #[test]
    fn what_has_none_of_them_stays_to_the_byte() {
        let json = "{ \"a\" : 1.50 ,\n\"b\":\"x\"}";
        assert_eq!(redacted(&["content"], json), (json.to_owned(), false));
        assert_eq!(redacted(&[], json), (json.to_owned(), false));
        assert_eq!(redacted(&["content"], "no json").0, "");
    }

    #[test]
    fn texts_that_quote_what_was_taken_out_are_not_shown() {
        let names = ["content".to_owned()];
        let mut redaction = Redaction::new(&names);
        redaction.json(r#"{"content":"{\"content\":\"buy now\"}","x":"y"}"#);
        assert_eq!(redaction.text("found: buy now!"), REDACTED);
        assert_eq!(redaction.text("rule 7"), "rule 7");
    }
}
