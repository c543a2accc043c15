//! The settings that the server ends up with: its file, and the variables that override it, as viper 1.18.2 and
//! mapstructure 1.5.0 read them.
//!
//! - Names of keys are compared without case. Unknown keys are ignored.
//! - A variable `IMENV_WEBHOOKS_KEY_MEMBER` counts only for a member that is in the file, and only if it is not empty: a
//!   member that the file lacks is not asked for (`Unmarshal` goes through `AllKeys`; the build tag that changes this,
//!   `viper_bind_struct`, is not set). A variable `IMENV_WEBHOOKS_KEY` hides all members of the key
//!   (`isPathShadowedInAutoEnv`).
//! - Texts are converted: flags as `strconv.ParseBool` does, numbers as `strconv.ParseInt` with base 0 does. What cannot
//!   be converted keeps the service from starting. `yes` and `on` are texts, and cannot be converted.

use std::collections::BTreeMap;

use super::yaml::{Key, Node, Value};

/// Names of variables begin with this.
pub(super) const PREFIX: &str = "IMENV_WEBHOOKS_";

/// The file and the variables.
pub(super) struct File<'c> {
    root: Vec<(Key, Node)>,
    /// By name, without [`PREFIX`], in capitals.
    environment: BTreeMap<String, &'c str>,
}

/// Where a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum From {
    /// This line of the file.
    Line(usize),
    /// This variable.
    Variable(String),
}

/// A setting as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) text: String,
    /// Whether it is quoted in the file.
    is_quoted: bool,
    pub(super) from: From,
}

/// A setting that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

impl<'c> File<'c> {
    pub(super) fn new(root: Vec<(Key, Node)>, environment: &'c [(String, String)]) -> Self {
        // Go reads names as they are written, and asks for them in capitals.
        let ours = environment.iter().filter_map(|(name, value)| {
            let name = name.strip_prefix(PREFIX)?;
            (!value.is_empty()).then(|| (name.to_owned(), value.as_str()))
        });
        Self { root, environment: ours.collect() }
    }

    /// The keys at the top of the file.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&Key, &Node)> {
        self.root.iter().map(|(key, node)| (key, node))
    }

    /// What the file has under a key at its top.
    pub(super) fn find(&self, key: &str) -> Option<(&Key, &Node)> {
        self.keys().find(|(found, _)| found.text.eq_ignore_ascii_case(key))
    }

    /// A member of a key; an empty `member` means the key itself.
    pub(super) fn setting(&self, key: &str, member: &str) -> Option<Written> {
        let (_, node) = self.find(key)?;
        let node = if member.is_empty() { node } else { node.member(member)? };
        if !member.is_empty() && self.hides(key) {
            return None;
        }
        let name = variable(key, member);
        if let Some(value) = self.environment.get(name.as_str()) {
            let from = From::Variable(format!("{PREFIX}{name}"));
            return Some(Written { text: (*value).to_owned(), is_quoted: true, from });
        }
        let (text, is_quoted) = match &node.value {
            Value::Scalar { text, is_plain } => (text.clone(), !is_plain),
            Value::Null => return None,
            Value::List(_) | Value::Map(_) => (String::from("[…]"), true),
        };
        Some(Written { text, is_quoted, from: From::Line(node.line) })
    }

    /// The elements of a list; from a variable, they are separated by commas (mapstructure's hook of viper).
    pub(super) fn list(&self, key: &str, member: &str) -> Vec<String> {
        let Some((_, node)) = self.find(key) else { return Vec::new() };
        let Some(node) = node.member(member).filter(|_| !self.hides(key)) else { return Vec::new() };
        if let Some(value) = self.environment.get(variable(key, member).as_str()) {
            return value.split(',').map(str::to_owned).collect();
        }
        let texts = |node: &Node| match &node.value {
            Value::Scalar { text, .. } => Some(text.clone()),
            _ => None,
        };
        match &node.value {
            Value::List(nodes) => nodes.iter().filter_map(texts).collect(),
            Value::Scalar { text, .. } if !text.is_empty() => text.split(',').map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether a variable with the name of the key alone hides its members.
    pub(super) fn hides(&self, key: &str) -> bool {
        self.environment.contains_key(variable(key, "").as_str())
    }

    /// The names of all variables, without the prefix.
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        self.environment.keys().map(String::as_str)
    }
}

/// The name of the variable that overrides a member, without the prefix.
pub(super) fn variable(key: &str, member: &str) -> String {
    let name = if member.is_empty() { key.to_owned() } else { format!("{key}_{member}") };
    name.to_ascii_uppercase()
}

impl Written {
    /// As a flag.
    pub(super) fn flag(&self) -> Result<bool, Unreadable> {
        match self.text.as_str() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
            "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
            text => match (self.is_quoted, text.parse::<f64>()) {
                // A number in the file is true unless it is 0.
                (false, Ok(number)) => Ok(number != 0.0),
                _ => Err(Unreadable),
            },
        }
    }

    /// As a whole number.
    pub(super) fn number(&self) -> Result<i64, Unreadable> {
        let text = self.text.replace('_', "");
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, text.strip_prefix('+').unwrap_or(&text)),
        };
        let (digits, radix) = match digits.get(..2).map(str::to_ascii_lowercase).as_deref() {
            Some("0x") => (digits.get(2..).unwrap_or_default(), 16),
            Some("0o") => (digits.get(2..).unwrap_or_default(), 8),
            Some("0b") => (digits.get(2..).unwrap_or_default(), 2),
            _ if digits.len() > 1 && digits.starts_with('0') => (digits, 8),
            _ => (digits, 10),
        };
        match i64::from_str_radix(digits, radix) {
            Ok(number) => Ok(sign * number),
            Err(_) if text.is_empty() => Ok(0),
            // The file's numbers may have a fraction, which is cut off.
            Err(_) if !self.is_quoted => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(number as i64),
                _ if matches!(text.to_ascii_lowercase().as_str(), "true") => Ok(1),
                _ if matches!(text.to_ascii_lowercase().as_str(), "false") => Ok(0),
                _ => Err(Unreadable),
            },
            Err(_) => Err(Unreadable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, is_quoted: bool) -> Written {
        Written { text: text.to_owned(), is_quoted, from: From::Line(1) }
    }

    #[test]
    fn texts_are_converted_as_the_server_does() {
        for (text, is_quoted, flag) in [
            ("true", false, Ok(true)),
            ("T", true, Ok(true)),
            ("False", false, Ok(false)),
            ("", true, Ok(false)),
            ("2", false, Ok(true)),
            ("2", true, Err(Unreadable)),
            ("yes", false, Err(Unreadable)),
            ("on", false, Err(Unreadable)),
        ] {
            assert_eq!(written(text, is_quoted).flag(), flag, "{text}");
        }
        for (text, is_quoted, number) in [
            ("5", false, Ok(5)),
            ("5", true, Ok(5)),
            ("5.9", false, Ok(5)),
            ("5.9", true, Err(Unreadable)),
            ("0x10", true, Ok(16)),
            ("010", true, Ok(8)),
            ("-1", false, Ok(-1)),
            ("", true, Ok(0)),
            ("5s", false, Err(Unreadable)),
            ("true", false, Ok(1)),
        ] {
            assert_eq!(written(text, is_quoted).number(), number, "{text}");
        }
    }
}
