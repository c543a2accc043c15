//! The settings file, kept to say where something is that turns out to be wrong later.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::file::{File, Problem, Secrets};

/// Where settings come from.
#[derive(Clone)]
pub struct Source {
    path: PathBuf,
    text: Arc<str>,
}

/// The values of a settings file as text, by key: to be compared, and never to be shown.
#[derive(Debug, Default)]
pub struct Written {
    /// All keys but those of plugins. Platforms, candidates, sinks and facts are identified by name, not by number.
    pub keys: BTreeMap<String, String>,
    /// The keys of each plugin, without its own settings.
    pub plugins: BTreeMap<String, BTreeMap<String, String>>,
}

/// One step from the whole file to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'s> {
    /// To a key of a table.
    Key(&'s str),
    /// To an element of a list, counted from 1.
    Number(usize),
}

impl Source {
    pub(super) fn new(path: &Path, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.into() }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A mistake at this place; if the file does not have it, at the last step that it has.
    #[must_use]
    pub fn problem(&self, place: &[Step<'_>], message: &str) -> Problem {
        let mut key = String::new();
        for step in place {
            match step {
                Step::Key(name) if key.is_empty() => key.push_str(name),
                Step::Key(name) => key.extend([".", name]),
                Step::Number(number) => key.push_str(&format!("[{number}]")),
            }
        }
        let file = File::new(&self.path, &self.text, Secrets::Skip);
        file.report(self.position(place), &key, message);
        // The one that was just reported.
        file.into_problems().into_iter().next().unwrap_or_else(|| Problem {
            file: self.path.clone(),
            line: 0,
            key,
            message: message.to_owned(),
        })
    }

    /// What is written in the file.
    #[must_use]
    pub fn written(&self) -> Written {
        let (root, _) = DeTable::parse_recoverable(&self.text);
        let mut written = Written::default();
        for (key, value) in root.get_ref() {
            let tables = || value.get_ref().as_array().into_iter().flatten().filter_map(|one| one.get_ref().as_table());
            match key.get_ref().as_ref() {
                "plugin" => {
                    for table in tables() {
                        let mut keys = BTreeMap::new();
                        let own = ["settings", "settings_files"];
                        for (key, value) in table.iter().filter(|(key, _)| !own.contains(&key.get_ref().as_ref())) {
                            flatten(key.get_ref(), value.get_ref(), &mut keys);
                        }
                        written.plugins.insert(name(table), keys);
                    }
                }
                list @ ("platform" | "shadow" | "sink" | "fact") => {
                    for table in tables() {
                        let prefix = format!("{list} {}", name(table));
                        flatten_table(&prefix, table, &mut written.keys);
                    }
                }
                key => flatten(key, value.get_ref(), &mut written.keys),
            }
        }
        written
    }

    /// Whether there is a value at this place.
    #[must_use]
    pub fn has(&self, place: &[Step<'_>]) -> bool {
        let (root, _) = DeTable::parse_recoverable(&self.text);
        walk(root.get_ref(), place).1.is_some()
    }

    /// The key of the table at this place that is named `word`, or whose value is this text, or a list with it.
    #[must_use]
    pub fn member(&self, place: &[Step<'_>], word: &str) -> Option<String> {
        let (root, _) = DeTable::parse_recoverable(&self.text);
        let (_, value) = walk(root.get_ref(), place);
        let table = value?.as_table()?;
        let is_it = |value: &DeValue<'_>| value.as_str() == Some(word);
        let has_it = |value: &DeValue<'_>| {
            is_it(value) || value.as_array().is_some_and(|list| list.iter().any(|element| is_it(element.get_ref())))
        };
        let by_name = table.iter().find(|(key, _)| key.get_ref().as_ref() == word);
        let found = by_name.or_else(|| table.iter().find(|(_, value)| has_it(value.get_ref())));
        found.map(|(key, _)| key.get_ref().to_string())
    }

    fn position(&self, place: &[Step<'_>]) -> usize {
        let (root, _) = DeTable::parse_recoverable(&self.text);
        walk(root.get_ref(), place).0
    }
}

/// What a table of a list is called.
fn name(table: &DeTable<'_>) -> String {
    let text = |wanted: &str| {
        let (_, value) = table.iter().find(|(key, _)| key.get_ref().as_ref() == wanted)?;
        value.get_ref().as_str().map(str::to_owned)
    };
    text("name").or_else(|| text("kind")).unwrap_or_default()
}

fn flatten_table(prefix: &str, table: &DeTable<'_>, keys: &mut BTreeMap<String, String>) {
    for (key, value) in table.iter() {
        flatten(&format!("{prefix}.{}", key.get_ref()), value.get_ref(), keys);
    }
}

/// Adds a value under its key; a table's values each under their own.
fn flatten(key: &str, value: &DeValue<'_>, keys: &mut BTreeMap<String, String>) {
    match value {
        DeValue::Table(table) => flatten_table(key, table, keys),
        value => {
            keys.insert(key.to_owned(), plain(value));
        }
    }
}

/// A value as text, without where in the file it is.
fn plain(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(moment) => moment.to_string(),
        DeValue::Array(list) => list.iter().map(|element| plain(element.get_ref()) + ",").collect(),
        DeValue::Table(table) => {
            table.iter().map(|(key, value)| format!("{}={},", key.get_ref(), plain(value.get_ref()))).collect()
        }
    }
}

/// How far a table goes along these steps: the position of the last one that it has, and the value if it has all.
fn walk<'f, 't>(root: &'f DeTable<'t>, place: &[Step<'_>]) -> (usize, Option<&'f DeValue<'t>>) {
    let mut at = 0;
    let mut table = Some(root);
    let mut value: Option<&DeValue<'_>> = None;
    for step in place {
        let found = match step {
            Step::Key(name) => table.and_then(|table| {
                let (key, value) = table.iter().find(|(key, _)| key.get_ref().as_ref() == *name)?;
                Some((key.span().start, value.get_ref()))
            }),
            Step::Number(number) => value.and_then(|value| {
                let element = value.as_array()?.get(number.checked_sub(1)?)?;
                Some((element.span().start, element.get_ref()))
            }),
        };
        let Some((start, inner)) = found else { return (at, None) };
        at = start;
        table = inner.as_table();
        value = Some(inner);
    }
    (at, value)
}

/// The text is not shown.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_as_far_as_the_file_has_it() {
        let text =
            "[records]\nfile = \"x\"\n[[plugin]]\n[[plugin]]\nname = \"p\"\nsettings = { a = [1,\n{ b = 2 }] }\n";
        let source = Source::new(Path::new("host.toml"), text);
        use Step::{Key, Number};
        for (place, line, key) in [
            (&[Key("records"), Key("file")][..], 2, "records.file"),
            (&[Key("plugin"), Number(1)], 3, "plugin[1]"),
            (&[Key("plugin"), Number(2), Key("name")], 5, "plugin[2].name"),
            (&[Key("plugin"), Number(2), Key("wasm")], 4, "plugin[2].wasm"),
            (&[Key("plugin"), Number(3), Key("wasm")], 3, "plugin[3].wasm"),
            (
                &[Key("plugin"), Number(2), Key("settings"), Key("a"), Number(2), Key("b")],
                7,
                "plugin[2].settings.a[2].b",
            ),
            (&[Key("server")], 1, "server"),
        ] {
            let problem = source.problem(place, "m");
            assert_eq!((problem.line, problem.key.as_str()), (line, key));
        }
        let member = |word| source.member(&[Key("plugin"), Number(2)], word);
        assert_eq!(member("settings").as_deref(), Some("settings"));
        assert_eq!(member("p").as_deref(), Some("name"), "by its value");
        assert_eq!(member("x"), None);
    }
}
