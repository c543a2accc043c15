//! The settings that the server ends up with: its file, and the variables that override it, as viper 1.18.2 and
//! mapstructure 1.5.0 read them.
//!
//! - Names of keys are compared without case. Unknown keys are ignored.
//! - A variable `IMENV_WEBHOOKS_KEY_MEMBER` counts only for a member that is in the file, and only if it is not empty:
//!   a member that the file lacks is not asked for (`Unmarshal` goes through `AllKeys`; the build tag that changes
//!   this, `viper_bind_struct`, is not set). A variable `IMENV_WEBHOOKS_KEY` hides all members of the key
//!   (`isPathShadowedInAutoEnv`). A variable for a member counts all the same.
//! - Texts are converted: flags as `strconv.ParseBool` does, numbers as `strconv.ParseInt` with base 0 does. What
//!   cannot be converted keeps the service from starting. `yes` and `on` are texts, and cannot be converted.

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
        Self { root: undotted(root), environment: ours.collect() }
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
        let name = variable(key, member);
        if let Some(value) = self.environment.get(name.as_str()) {
            let from = From::Variable(format!("{PREFIX}{name}"));
            return Some(Written { text: (*value).to_owned(), is_quoted: true, from });
        }
        if !member.is_empty() && self.hides(key) {
            return None;
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
        let Some(node) = node.member(member) else { return Vec::new() };
        if let Some(value) = self.environment.get(variable(key, member).as_str()) {
            return value.split(',').map(str::to_owned).collect();
        }
        let texts = |node: &Node| match &node.value {
            Value::Scalar { text, .. } => Some(text.clone()),
            _ => None,
        };
        match &node.value {
            _ if self.hides(key) => Vec::new(),
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

/// Puts `key.member` at the top of the file where `member` under `key` would be: viper makes no difference.
fn undotted(root: Vec<(Key, Node)>) -> Vec<(Key, Node)> {
    let (dotted, mut root): (Vec<_>, Vec<_>) = root.into_iter().partition(|(key, _)| key.text.contains('.'));
    for (key, node) in dotted {
        let (outer, inner) = key.text.split_once('.').unwrap_or_default();
        let member = (Key { line: key.line, text: inner.to_owned() }, node);
        match root.iter_mut().find(|(known, _)| known.text.eq_ignore_ascii_case(outer)) {
            Some((_, Node { value: Value::Map(members), .. })) => members.push(member),
            Some(_) => {}
            None => {
                let outer = Key { line: key.line, text: outer.to_owned() };
                root.push((outer, Node { line: key.line, value: Value::Map(vec![member]) }));
            }
        }
    }
    root
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
            // A number in the file is true unless it is 0.
            _ => self.fraction().map(|number| number != 0.0).ok_or(Unreadable),
        }
    }

    /// A number in the file, without quotes.
    fn fraction(&self) -> Option<f64> {
        let is_number = !self.is_quoted && self.text.bytes().all(|byte| b"0123456789+-.eE_".contains(&byte));
        is_number.then(|| self.text.replace('_', "").parse().ok()).flatten()
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
            Err(_) if !self.is_quoted => match (self.fraction(), text.to_ascii_lowercase().as_str()) {
                (Some(number), _) => Ok(number as i64),
                (None, "true") => Ok(1),
                (None, "false") => Ok(0),
                (None, _) => Err(Unreadable),
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
            ("nan", false, Err(Unreadable)),
            ("1.5", false, Ok(true)),
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
            ("1e1", false, Ok(10)),
            ("0x1_0", true, Ok(16)),
            (" 5", true, Err(Unreadable)),
            ("", true, Ok(0)),
            ("5s", false, Err(Unreadable)),
            ("true", false, Ok(1)),
        ] {
            assert_eq!(written(text, is_quoted).number(), number, "{text}");
        }
    }

    /// `beforeAddFriend.enable` with this file and these variables. Each case was compared with viper, mapstructure and
    /// go-yaml v3.
    #[test]
    fn files_and_variables_are_read_as_the_server_does() {
        let enable = |text: &str, variables: &[(&str, &str)]| {
            let environment: Vec<_> =
                variables.iter().map(|(name, value)| (format!("{PREFIX}{name}"), (*value).to_owned())).collect();
            let file = File::new(super::super::yaml::parse(text).unwrap(), &environment);
            file.setting("beforeAddFriend", "enable").map(|setting| setting.flag().is_ok_and(|flag| flag))
        };
        let on = "beforeAddFriend:\n  enable: true\n";
        for (text, variables, expected) in [
            (on, &[][..], Some(true)),
            ("BEFOREADDFRIEND:\n  Enable: true\n", &[], Some(true)),
            ("beforeAddFriend.enable: true\n", &[], Some(true)),
            ("beforeAddFriend:\n  enable:\n", &[], None),
            ("d: &d\n  enable: true\nbeforeAddFriend:\n  <<: *d\n", &[], Some(true)),
            ("\u{feff}beforeAddFriend:\r\n  enable: true\r\n", &[], Some(true)),
            (on, &[("BEFOREADDFRIEND_ENABLE", "false")], Some(false)),
            (on, &[("beforeaddfriend_enable", "false")], Some(true)),
            (on, &[("BEFOREADDFRIEND_ENABLE", "")], Some(true)),
            ("beforeAddFriend:\n  timeout: 5\n", &[("BEFOREADDFRIEND_ENABLE", "true")], None),
            ("beforeAddFriend:\n", &[("BEFOREADDFRIEND_ENABLE", "true")], None),
            ("beforeAddFriend:\n  enable:\n", &[("BEFOREADDFRIEND_ENABLE", "true")], Some(true)),
            (on, &[("BEFOREADDFRIEND", "x")], None),
            (on, &[("BEFOREADDFRIEND", "x"), ("BEFOREADDFRIEND_ENABLE", "true")], Some(true)),
        ] {
            assert_eq!(enable(text, variables), expected, "{text} {variables:?}");
        }
    }

    #[test]
    fn lists_may_be_texts_with_commas() {
        let list = |text: &str, variable: &str| {
            let environment = [(format!("{PREFIX}BEFOREADDFRIEND_DENIEDTYPES"), variable.to_owned())];
            let file = File::new(super::super::yaml::parse(text).unwrap(), &environment);
            file.list("beforeAddFriend", "deniedTypes")
        };
        assert_eq!(list("beforeAddFriend:\n  deniedTypes: [1, '101']\n", ""), ["1", "101"]);
        assert_eq!(list("beforeAddFriend:\n  deniedTypes: '1,101'\n", ""), ["1", "101"]);
        assert_eq!(list("beforeAddFriend:\n  deniedTypes: 101\n", ""), ["101"]);
        assert_eq!(list("beforeAddFriend:\n  deniedTypes: [1]\n", "2,3"), ["2", "3"]);
        assert_eq!(list("beforeAddFriend:\n  enable: true\n", "2,3"), Vec::<String>::new());
    }
}
