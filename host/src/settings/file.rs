//! The file as written: tables, keys, types and positions. It does not know what the values mean.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use callgate_catalogue::line::one_line;
use callgate_terminal::nearest;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::files::{Kept, Seen};

/// One mistake in the settings.
///
/// The message never repeats a value: any of them may be a secret under the wrong key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// Line, counted from 1; 0 if it concerns the whole file.
    pub line: usize,
    /// The key, with the tables around it; empty for the whole file.
    pub key: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if !self.key.is_empty() {
            write!(f, ": `{}`", self.key)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Whether the secrets that the settings name are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Secrets {
    /// They are, and one that cannot be read is a mistake.
    #[default]
    Read,
    /// They are not: for checking settings where the secrets are not.
    Skip,
}

/// The text of a settings file, and the mistakes found in it so far.
pub(super) struct File<'t> {
    path: &'t Path,
    text: &'t str,
    secrets: Secrets,
    kept: Option<&'t Kept>,
    problems: RefCell<Vec<Problem>>,
    /// Mistakes beyond [`MISTAKES_MAX`].
    more: Cell<usize>,
    seen: RefCell<Vec<Seen>>,
}

/// Maximum number of mistakes that are named. Each costs a search through the file for its line, and a line of the log.
const MISTAKES_MAX: usize = 100;

impl<'t> File<'t> {
    pub(super) fn new(path: &'t Path, text: &'t str, secrets: Secrets) -> Self {
        let (problems, more, seen) = Default::default();
        Self { path, text, secrets, kept: None, problems, more, seen }
    }

    /// Files that it names are read from these copies, where they have one.
    pub(super) fn with_kept(self, kept: Option<&'t Kept>) -> Self {
        Self { kept, ..self }
    }

    /// Reads a text that a key of the settings names.
    pub(super) fn read_text(&self, key: &str, path: &Path, bytes_max: u64) -> std::io::Result<String> {
        self.read(key, path, bytes_max, false)
    }

    /// Reads a secret that a key of the settings names.
    pub(super) fn read_secret(&self, key: &str, path: &Path, bytes_max: u64) -> std::io::Result<String> {
        self.read(key, path, bytes_max, true)
    }

    fn read(&self, key: &str, path: &Path, bytes_max: u64, is_secret: bool) -> std::io::Result<String> {
        let (seen, bytes) = Seen::read(key, path, bytes_max, self.kept);
        self.seen.borrow_mut().push(Seen { is_secret, ..seen });
        String::from_utf8(bytes?).map_err(|_| std::io::Error::new(std::io::ErrorKind::InvalidData, "it is not UTF-8"))
    }

    /// The files that were read so far.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.borrow().clone()
    }

    /// Whether the secrets that it names are read.
    pub(super) fn secrets(&self) -> Secrets {
        self.secrets
    }

    /// Parses the text. A key that is there twice is a mistake like any other. After a syntax error the rest of the
    /// file is unreliable, and would only cause misleading messages: then the first such error is the only mistake, and
    /// there is no table.
    pub(super) fn parse(&self) -> Option<Spanned<DeTable<'t>>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        let (twice, broken): (Vec<_>, Vec<_>) =
            errors.into_iter().partition(|error| error.message() == "duplicate key");
        let start = |error: &toml::de::Error| error.span().map_or(0, |span| span.start);
        if let Some(first) = broken.iter().min_by_key(|error| start(error)) {
            self.report(start(first), "", first.message().to_owned());
            return None;
        }
        for error in &twice {
            if self.is_enough() {
                self.more.update(|more| more + 1);
                continue;
            }
            // The parser does not name the key. No other text of the file is shown: it may be a value.
            let key = error.span().and_then(|span| self.text.get(span)).unwrap_or_default();
            let key = format!("{}{key}", table_at(self.text, start(error), &table));
            self.report(start(error), &key, "is set twice: keep one of them");
        }
        Some(table)
    }

    pub(super) fn root<'f>(&'f self, table: &'f Spanned<DeTable<'t>>) -> Section<'f, 't> {
        Section { file: self, name: String::new(), at: 0, table: Some(table.get_ref()), known: Vec::new() }
    }

    pub(super) fn report(&self, at: usize, key: &str, message: impl Into<String>) {
        if self.is_enough() {
            return self.more.update(|more| more + 1);
        }
        let line = self.text.get(..at).map_or(0, |before| before.matches('\n').count() + 1);
        // A quoted key, or a platform's name in a message, may have line breaks in it.
        let (key, message) = (one_line(key), one_line(&message.into()));
        let problem = Problem { file: self.path.to_owned(), line, key, message };
        self.problems.borrow_mut().push(problem);
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| problem.line);
        if self.more.get() > 0 {
            let message = format!(
                "there are more than {MISTAKES_MAX} mistakes, of which {MISTAKES_MAX} are named: correct these first"
            );
            problems.push(Problem { file: self.path.to_owned(), line: 0, key: String::new(), message });
        }
        problems
    }

    /// How many mistakes there are so far.
    pub(super) fn mistakes(&self) -> usize {
        self.problems.borrow().len() + self.more.get()
    }

    fn is_enough(&self) -> bool {
        self.problems.borrow().len() >= MISTAKES_MAX
    }

    /// A path as written, relative to the folder of the settings file.
    pub(super) fn beside(&self, path: &str) -> PathBuf {
        self.path.parent().unwrap_or_else(|| Path::new("")).join(path)
    }
}

/// The name of the table that a place is in, with a dot behind it; empty at the top.
fn table_at(text: &str, at: usize, root: &Spanned<DeTable<'_>>) -> String {
    let mut name = String::new();
    let mut numbers: Vec<(String, usize)> = Vec::new();
    for line in text.get(..at).unwrap_or_default().lines() {
        let line = line.trim();
        let list = line.strip_prefix("[[").and_then(|rest| rest.split_once("]]"));
        let Some((path, _)) = list.or_else(|| line.strip_prefix('[').and_then(|rest| rest.split_once(']'))) else {
            continue;
        };
        // Only what is a table of this file, and no text that looks like one.
        if !root.get_ref().iter().any(|(key, _)| Some(key.get_ref().as_ref()) == path.split('.').next()) {
            continue;
        }
        if list.is_some() {
            match numbers.iter_mut().find(|(known, _)| known == path) {
                Some((_, number)) => *number += 1,
                None => numbers.push((path.to_owned(), 1)),
            }
            // Lists inside begin again.
            numbers.retain(|(known, _)| !known.starts_with(&format!("{path}.")));
        }
        name.clear();
        let mut whole = String::new();
        for piece in path.split('.') {
            whole.push_str(piece);
            name.push_str(piece);
            if let Some((_, number)) = numbers.iter().find(|(known, _)| *known == whole) {
                name.push_str(&format!("[{number}]"));
            }
            whole.push('.');
            name.push('.');
        }
    }
    name
}

/// One table of the file. Each getter records its key; a key that no getter has read is unknown.
pub(super) struct Section<'f, 't> {
    file: &'f File<'t>,
    name: String,
    at: usize,
    table: Option<&'f DeTable<'t>>,
    known: Vec<&'f str>,
}

/// A value and its position.
#[derive(Clone)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) at: usize,
    pub(super) key: String,
}

impl<'f, 't> Section<'f, 't> {
    fn get(&mut self, key: &'f str) -> Option<&'f Spanned<DeValue<'t>>> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        self.table?.iter().find(|(name, _)| name.get_ref().as_ref() == key).map(|(_, value)| value)
    }

    /// The full name of a key of this table.
    pub(super) fn key(&self, key: &str) -> String {
        match (self.name.as_str(), key) {
            ("", key) => key.to_owned(),
            (name, "") => name.to_owned(),
            (name, key) => format!("{name}.{key}"),
        }
    }

    /// Whether the table has this key, with a value of any type.
    pub(super) fn has(&mut self, key: &'f str) -> bool {
        self.get(key).is_some()
    }

    /// Counts these keys as known, without reading them.
    pub(super) fn ignore(&mut self, keys: &[&'static str]) {
        self.known.extend_from_slice(keys);
    }

    /// Whether the table has this key, with a table as its value.
    pub(super) fn is_table(&mut self, key: &'f str) -> bool {
        self.get(key).is_some_and(|value| value.get_ref().is_table())
    }

    /// Where it begins, as a number of bytes.
    pub(super) fn place(&self) -> usize {
        self.at
    }

    /// Reports a mistake in a key of this table; if the key is absent, at the position of the table.
    pub(super) fn report(&self, key: &str, message: impl Into<String>) {
        let at = self
            .table
            .and_then(|table| table.iter().find(|(name, _)| name.get_ref().as_ref() == key))
            .map_or(self.at, |(name, _)| name.span().start);
        self.file.report(at, &self.key(key), message);
    }

    pub(super) fn file(&self) -> &'f File<'t> {
        self.file
    }

    fn typed<T>(
        &mut self,
        key: &'f str,
        expected: &str,
        read: impl FnOnce(&'f DeValue<'t>) -> Option<T>,
    ) -> Option<At<T>> {
        let value = self.get(key)?;
        match read(value.get_ref()) {
            Some(read) => Some(At { value: read, at: value.span().start, key: self.key(key) }),
            None => {
                let found = value.get_ref().type_str();
                self.file.report(value.span().start, &self.key(key), format!("expected {expected}, found {found}"));
                None
            }
        }
    }

    pub(super) fn text(&mut self, key: &'f str) -> Option<At<&'f str>> {
        self.typed(key, "a string in quotes", DeValue::as_str)
    }

    pub(super) fn flag(&mut self, key: &'static str, default: bool) -> bool {
        self.typed(key, "true or false", DeValue::as_bool).map_or(default, |at| at.value)
    }

    /// An integer from `min` to `max`, both included.
    pub(super) fn number(&mut self, key: &'static str, default: u64, min: u64, max: u64) -> u64 {
        self.number_if_given(key, min, max).unwrap_or(default)
    }

    pub(super) fn number_if_given(&mut self, key: &'static str, min: u64, max: u64) -> Option<u64> {
        let expected = format!("an integer from {min} to {max}");
        let number = self.typed(key, &expected, |value| value.as_integer().cloned())?;
        match u64::from_str_radix(&number.value.as_str().replace('_', ""), number.value.radix()) {
            Ok(value) if (min..=max).contains(&value) => Some(value),
            _ => {
                self.file.report(number.at, &number.key, format!("must be {expected}"));
                None
            }
        }
    }

    /// A list of integers from `min` to `max`, both included.
    pub(super) fn numbers(&mut self, key: &'static str, min: u64, max: u64) -> Option<Vec<u64>> {
        let expected = format!("a list of integers from {min} to {max}");
        let list = self.typed(key, &expected, DeValue::as_array)?;
        let mut numbers = Vec::new();
        for value in list.value {
            let number = value.get_ref().as_integer();
            let number = number.and_then(|it| u64::from_str_radix(&it.as_str().replace('_', ""), it.radix()).ok());
            let Some(number) = number.filter(|number| (min..=max).contains(number)) else {
                self.file.report(value.span().start, &list.key, format!("must be {expected}"));
                break;
            };
            numbers.push(number);
        }
        Some(numbers)
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text(key)?;
        let found = choices.iter().find(|(word, _)| *word == text.value);
        if found.is_none() {
            let words: Vec<String> = choices.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            self.file.report(text.at, &text.key, format!("must be {}", words.join(" or ")));
        }
        found.map(|(_, choice)| *choice)
    }

    /// One string, or several in a list.
    pub(super) fn texts(&mut self, key: &'static str) -> Option<Vec<At<&'f str>>> {
        let name = self.key(key);
        let value = self.get(key)?;
        let one = |value: &'f Spanned<DeValue<'t>>| {
            let text = value.get_ref().as_str();
            if text.is_none() {
                let found = value.get_ref().type_str();
                self.file.report(value.span().start, &name, format!("expected a string in quotes, found {found}"));
            }
            text.map(|text| At { value: text, at: value.span().start, key: name.clone() })
        };
        Some(match value.get_ref().as_array() {
            Some(list) => list.iter().filter_map(one).collect(),
            None => one(value).into_iter().collect(),
        })
    }

    /// A sub-table; empty if it is absent.
    pub(super) fn section(&mut self, key: &'f str) -> Section<'f, 't> {
        let name = self.key(key);
        let at = self.at;
        let found = self.typed(key, "a table", DeValue::as_table);
        Section {
            file: self.file,
            name,
            at: found.as_ref().map_or(at, |found| found.at),
            table: found.map(|found| found.value),
            known: Vec::new(),
        }
    }

    /// The tables of `[[key]]`.
    pub(super) fn sections(&mut self, key: &'static str) -> Vec<Section<'f, 't>> {
        let name = self.key(key);
        // In the file, the name of the table has no number.
        let plain: String = name.split(['[', ']']).step_by(2).collect();
        self.tables(key, &format!("tables, written [[{plain}]]"))
    }

    /// The tables of a list; `expected` says what they are.
    pub(super) fn tables(&mut self, key: &'static str, expected: &str) -> Vec<Section<'f, 't>> {
        let Some(list) = self.typed(key, expected, DeValue::as_array) else { return Vec::new() };
        let mut sections = Vec::new();
        for (number, value) in list.value.iter().enumerate() {
            match value.get_ref().as_table() {
                Some(table) => sections.push(Section {
                    file: self.file,
                    name: format!("{}[{}]", list.key, number + 1),
                    at: value.span().start,
                    table: Some(table),
                    known: Vec::new(),
                }),
                None => self.file.report(value.span().start, &list.key, format!("expected {expected}")),
            }
        }
        sections
    }

    /// Any table, as JSON.
    pub(super) fn json(&mut self, key: &'static str) -> serde_json::Map<String, serde_json::Value> {
        let name = self.key(key);
        match self.typed(key, "a table", DeValue::as_table) {
            Some(table) => table
                .value
                .iter()
                .map(|(key, value)| {
                    (key.get_ref().to_string(), json(self.file, &format!("{name}.{}", key.get_ref()), value))
                })
                .collect(),
            None => serde_json::Map::new(),
        }
    }

    /// A table of strings whose keys are free.
    pub(super) fn pairs(&mut self, key: &'static str) -> Vec<(String, At<&'f str>)> {
        let name = self.key(key);
        let Some(table) = self.typed(key, "a table of strings", DeValue::as_table) else { return Vec::new() };
        let mut pairs = Vec::new();
        for (free, value) in table.value {
            let key = format!("{name}.{}", free.get_ref());
            match value.get_ref().as_str() {
                Some(text) => {
                    pairs.push((free.get_ref().to_string(), At { value: text, at: value.span().start, key }));
                }
                None => self.file.report(value.span().start, &key, "expected a string in quotes"),
            }
        }
        pairs
    }

    /// A table with arbitrary keys, and the list of these keys.
    pub(super) fn free(&mut self, key: &'static str) -> (Section<'f, 't>, Vec<&'f str>) {
        let section = self.section(key);
        let keys = section.table.map(|table| table.iter().map(|(key, _)| key.get_ref().as_ref()).collect());
        (section, keys.unwrap_or_default())
    }

    /// Reports every key that no getter has read.
    pub(super) fn finish(self) {
        let Some(table) = self.table else { return };
        for (name, _) in table {
            let key = name.get_ref().as_ref();
            if !self.known.contains(&key) {
                let message = match nearest(key, self.known.iter().copied()) {
                    Some(nearest) => format!("unknown key; did you mean `{nearest}`?"),
                    None => {
                        let known: Vec<String> = self.known.iter().map(|known| format!("`{known}`")).collect();
                        format!("unknown key; known keys: {}", known.join(", "))
                    }
                };
                self.file.report(name.span().start, &self.key(key), message);
            }
        }
    }
}

fn json(file: &File<'_>, key: &str, value: &Spanned<DeValue<'_>>) -> serde_json::Value {
    use serde_json::Value;
    match value.get_ref() {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Array(list) => list.iter().map(|value| json(file, key, value)).collect(),
        DeValue::Table(table) => Value::Object(
            table
                .iter()
                .map(|(name, value)| {
                    (name.get_ref().to_string(), json(file, &format!("{key}.{}", name.get_ref()), value))
                })
                .collect(),
        ),
        DeValue::Integer(number) => match i64::from_str_radix(&number.as_str().replace('_', ""), number.radix()) {
            Ok(number) => number.into(),
            Err(_) => {
                file.report(value.span().start, key, "the number does not fit into 64 bits");
                Value::Null
            }
        },
        DeValue::Float(number) => match number.as_str().replace('_', "").parse::<f64>() {
            Ok(number) if number.is_finite() => number.into(),
            _ => {
                file.report(
                    value.span().start,
                    key,
                    "must be a finite number: plugins get their settings as JSON, which has no inf or nan",
                );
                Value::Null
            }
        },
        DeValue::Datetime(when) => Value::String(when.to_string()),
    }
}

/// Milliseconds in an hour, the maximum of most durations.
pub(super) const MS_PER_HOUR: u64 = 3_600_000;

/// Bytes in a kibibyte.
pub(super) const KIB: u64 = 1 << 10;

/// Bytes in a mebibyte.
pub(super) const MIB: u64 = 1 << 20;

pub(super) fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

pub(super) fn ms(number: u64) -> Duration {
    Duration::from_millis(number)
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
