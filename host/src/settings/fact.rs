//! `[[fact]]`: facts that plugins may use, and their sources.

mod counter;
mod file;
mod http;
mod redis;
mod shared;

use callgate_facts::settings::{self, OnFailure, SourceSettings};
use callgate_terminal::nearest;

use super::file::{At, File, Section};
use super::name::{NAME_RULE, is_name};

/// One fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Its number in the file, counted from 1.
    pub number: usize,
    /// Its settings.
    pub settings: settings::Fact,
}

/// The facts of the settings.
#[derive(Default)]
pub(super) struct Facts<'f> {
    /// Those without mistakes.
    pub(super) known: Vec<Fact>,
    /// The names of facts with mistakes, so that references to them are not reported as unknown.
    unclear: Vec<String>,
    /// The plugins that the facts name.
    plugins: Vec<At<&'f str>>,
}

/// The kinds of sources, by their names in the settings.
const KINDS: [(&str, Kind); 4] =
    [("counter", Kind::Counter), ("file", Kind::File), ("redis", Kind::Redis), ("http", Kind::Http)];

#[derive(Clone, Copy)]
enum Kind {
    Counter,
    File,
    Redis,
    Http,
}

/// Keys that only some sources have, with these sources.
const KEYS: [(&str, &[&str]); 40] = [
    ("window_ms", &["counter", "redis"]),
    ("count", &["counter", "redis"]),
    ("entries_max", &["counter"]),
    ("bytes_max", &["counter"]),
    ("moments_max", &["counter"]),
    ("path", &["file"]),
    ("format", &["file"]),
    ("key_column", &["file"]),
    ("value_column", &["file"]),
    ("keys_max", &["file"]),
    ("poll_ms", &["file"]),
    ("within_ms", &["redis", "http"]),
    ("cache_ms", &["redis", "http"]),
    ("stale_ms", &["redis", "http"]),
    ("cache_entries_max", &["redis", "http"]),
    ("cache_bytes_max", &["redis", "http"]),
    ("calls_at_once_max", &["redis", "http"]),
    ("url", &["redis", "http"]),
    ("urls", &["redis"]),
    ("cluster", &["redis"]),
    ("username", &["redis"]),
    ("password", &["redis"]),
    ("get", &["redis"]),
    ("hget", &["redis"]),
    ("field", &["redis"]),
    ("sismember", &["redis"]),
    ("member", &["redis"]),
    ("incr", &["redis"]),
    ("json", &["redis"]),
    ("writable", &["redis"]),
    ("allow_http", &["http"]),
    ("method", &["http"]),
    ("body", &["http"]),
    ("headers", &["http"]),
    ("statuses", &["http"]),
    ("absent_statuses", &["http"]),
    ("pointer", &["http"]),
    ("answer_bytes_max", &["redis", "http"]),
    ("private_networks", &["http"]),
    ("ca_file", &["redis", "http"]),
];

/// Maximum number of facts.
const FACTS_MAX: usize = 64;

pub(super) fn read<'f>(root: &mut Section<'f, '_>) -> Facts<'f> {
    let mut facts = Facts::default();
    let mistakes_before = root.file().mistakes();
    let sections = root.sections("fact");
    if root.file().mistakes() > mistakes_before {
        facts.unclear.push(String::new());
    }
    if sections.len() > FACTS_MAX {
        root.report("fact", format!("there are more than {FACTS_MAX} facts: remove some"));
    }
    for (index, section) in sections.into_iter().enumerate() {
        let file = section.file();
        let mistakes_before = file.mistakes();
        match facts.fact(section) {
            (_, Some(settings)) if file.mistakes() == mistakes_before => {
                facts.known.push(Fact { number: index + 1, settings });
            }
            (name, _) => facts.unclear.push(name),
        }
    }
    facts
}

impl<'f> Facts<'f> {
    /// The name of a fact, and its settings if all required keys are valid.
    fn fact(&mut self, mut section: Section<'f, '_>) -> (String, Option<settings::Fact>) {
        let name = self.name(&mut section);
        let source_name = match section.has("source") {
            true => section.choice("source", &KINDS.map(|(name, kind)| (name, (name, kind)))),
            false => {
                section.report("source", "is missing: set it to \"counter\", \"file\", \"redis\" or \"http\"");
                None
            }
        };
        let on_failure = [("absent", OnFailure::Absent), ("fault", OnFailure::Fault)];
        let on_failure = section.choice("on_failure", &on_failure).unwrap_or_default();
        let asking = section.texts("plugins").unwrap_or_default();
        let plugins = asking.iter().map(|plugin| plugin.value.to_owned()).collect();
        self.plugins.extend(asking);
        let source = source_name.and_then(|(_, kind)| match kind {
            Kind::Counter => Some(SourceSettings::Counter(counter::read(&mut section))),
            Kind::File => file::read(&mut section).map(SourceSettings::File),
            Kind::Redis => redis::read(&mut section).map(SourceSettings::Redis),
            Kind::Http => http::read(&mut section).map(SourceSettings::Http),
        });
        for (key, of) in KEYS {
            if section.has(key) && source_name.is_some_and(|(name, _)| !of.contains(&name)) {
                section.report(key, format!("is for source = \"{}\" only", of.join("\" and \"")));
            }
        }
        section.finish();
        let settings =
            source.map(|source| settings::Fact { name: name.clone().unwrap_or_default(), source, on_failure, plugins });
        (name.unwrap_or_default(), settings)
    }

    fn name(&self, section: &mut Section<'_, '_>) -> Option<String> {
        if !section.has("name") {
            section.report("name", "is missing: choose a name for the log, for metrics, and for `facts` of [[plugin]]");
            return None;
        }
        let name = section.text("name")?.value;
        if !is_name(name) {
            section.report("name", NAME_RULE);
        }
        let is_known = self.known.iter().any(|other| other.settings.name == name);
        if is_known || self.unclear.iter().any(|other| other == name) {
            section.report("name", "another [[fact]] has this name: give each its own `name`");
        }
        Some(name.to_owned())
    }

    /// The key `facts` of a plugin.
    pub(super) fn of_plugin(&self, section: &mut Section<'_, '_>, plugin: &str) -> Vec<(String, String)> {
        let mut facts = Vec::new();
        for (own, fact) in section.pairs("facts") {
            let report = |message: String| section.file().report(fact.at, &fact.key, message);
            if !is_name(&own) {
                report(format!("the name in the plugin's code {NAME_RULE}"));
            }
            match self.known.iter().find(|known| known.settings.name == fact.value) {
                Some(Fact { settings: known, .. }) => {
                    if !known.plugins.is_empty() && !known.plugins.iter().any(|name| name == plugin) {
                        report(format!(
                            "the [[fact]] is not for this plugin: add the plugin to `plugins` of {}, or remove this",
                            known.name
                        ));
                    }
                }
                None if self.unclear.iter().any(|name| name.is_empty() || name == fact.value) => {}
                None => {
                    let names = self.known.iter().map(|known| known.settings.name.as_str());
                    report(unknown("fact", fact.value, names));
                }
            }
            facts.push((own, fact.value.to_owned()));
        }
        facts.sort();
        facts
    }

    /// Reports plugins that the facts name and that do not exist.
    pub(super) fn check_plugins(&self, file: &File<'_>, names: &[&str]) {
        for asking in &self.plugins {
            if !names.contains(&asking.value) {
                file.report(asking.at, &asking.key, unknown("plugin", asking.value, names.iter().copied()));
            }
        }
    }
}

/// The error for the name of a fact or a plugin that does not exist.
fn unknown<'k>(table: &str, name: &str, known: impl Iterator<Item = &'k str> + Clone) -> String {
    let message = format!("no [[{table}]] has this name");
    if let Some(nearest) = nearest(name, known.clone()) {
        return format!("{message}; did you mean `{nearest}`?");
    }
    let mut known: Vec<String> = known.map(|name| format!("\"{name}\"")).collect();
    known.dedup();
    match known.is_empty() {
        true => format!("{message}: the settings have none"),
        false => format!("{message}; known: {}", known.join(", ")),
    }
}
