//! What is different between two generations, without any value: values may be secrets.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::chain::Link;
use crate::generation::Generation;
use crate::settings::{Settings, Written};

/// What is different between two generations.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Names of plugins that were not there before.
    pub added: Vec<String>,
    /// Names of plugins that are not there any more.
    pub removed: Vec<String>,
    /// Plugins that were there before and are not the same, and what of them.
    pub changed: Vec<(String, Vec<String>)>,
    /// How many plugins are the same.
    pub unchanged: usize,
    /// Keys of the settings, plugins' apart, whose values are not the same.
    pub keys: Vec<String>,
}

impl Difference {
    /// Between two generations.
    #[must_use]
    pub fn between(before: &Generation, next: &Generation) -> Self {
        let (old, new) = (Side::of(before), Side::of(next));
        let mut difference = Self {
            added: missing(&new, &old),
            removed: missing(&old, &new),
            keys: differing(&old.written.keys, &new.written.keys),
            ..Self::default()
        };
        for (name, link) in &new.links {
            let Some(link_before) = old.links.get(name) else { continue };
            match parts(name, (&old, link_before), (&new, link)) {
                what if what.is_empty() => difference.unchanged += 1,
                what => difference.changed.push(((*name).to_owned(), what)),
            }
        }
        let order = |side: &Side<'_>, other: &Side<'_>| -> Vec<String> {
            let names = side.settings.plugins.iter().map(|plugin| plugin.name.clone());
            names.filter(|name| other.links.contains_key(name.as_str())).collect()
        };
        if order(&old, &new) != order(&new, &old) {
            difference.keys.push("the order of the plugins".to_owned());
        }
        difference.keys.extend(candidates(before, next));
        difference.keys.extend(files(old.settings, new.settings));
        difference
    }

    /// Whether nothing is different.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty() && self.keys.is_empty()
    }

    /// In lines, for a log or a terminal.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut list = |what: &str, names: &[String]| {
            if !names.is_empty() {
                lines.push(format!("{what}: {}", names.join(", ")));
            }
        };
        list("plugins added", &self.added);
        list("plugins removed", &self.removed);
        let changed = self.changed.iter().map(|(name, what)| format!("{name} ({})", what.join(", ")));
        list("plugins changed", &changed.collect::<Vec<_>>());
        list("settings changed", &self.keys);
        lines
    }
}

/// One of the two generations.
struct Side<'g> {
    settings: &'g Settings,
    links: BTreeMap<&'g str, &'g Arc<Link>>,
    written: Written,
}

impl<'g> Side<'g> {
    fn of(generation: &'g Generation) -> Self {
        let settings = generation.settings();
        let links = generation.links().iter().map(|link| (&**link.name(), link)).collect();
        Self { settings, links, written: settings.source.written() }
    }
}

/// The plugins of one side that the other does not have, in the order of the settings.
fn missing(side: &Side<'_>, other: &Side<'_>) -> Vec<String> {
    let names = side.settings.plugins.iter().map(|plugin| &plugin.name);
    names.filter(|name| !other.links.contains_key(name.as_str())).cloned().collect()
}

/// What of a plugin is not the same.
fn parts(name: &str, (old, before): (&Side<'_>, &Link), (new, link): (&Side<'_>, &Link)) -> Vec<String> {
    let mut what = Vec::new();
    match (before.loaded(), link.loaded()) {
        (Some(before), Some(loaded)) => {
            let (before, now) = (before.identity(), loaded.identity());
            if before.sha256 != now.sha256 {
                what.push("module".to_owned());
            }
            if !before.has_limits_of(now) {
                what.push("limits".to_owned());
            }
        }
        (None, Some(_)) => what.push("it is loaded now".to_owned()),
        (Some(_), None) => what.push("it is not loaded".to_owned()),
        (None, None) => {}
    }
    let empty = BTreeMap::new();
    let keys = |side: &'_ Side<'_>| side.written.plugins.get(name).cloned().unwrap_or_default();
    what.extend(differing(&keys(old), &keys(new)));
    let own = |side: &'_ Side<'_>| -> BTreeMap<String, String> {
        let plugin = side.settings.plugins.iter().find(|plugin| plugin.name == name);
        plugin.map_or_else(
            || empty.clone(),
            |plugin| {
                plugin.settings.iter().map(|(key, value)| (format!("settings.{key}"), value.to_string())).collect()
            },
        )
    };
    what.extend(differing(&own(old), &own(new)));
    what
}

/// The keys whose values are not the same on both sides.
fn differing(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Vec<String> {
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    keys.into_iter().filter(|key| old.get(*key) != new.get(*key)).cloned().collect()
}

/// The candidates that are made of something else although the settings file says the same.
fn candidates(before: &Generation, next: &Generation) -> Vec<String> {
    let made_of = |generation: &Generation| -> BTreeMap<String, String> {
        let links = generation.candidate_links().iter();
        links.map(|link| (format!("the module or the files of candidate {}", link.name()), link.made_of())).collect()
    };
    differing(&made_of(before), &made_of(next))
}

/// The keys that name files, such as those of secrets and certificates, whose files have other contents.
fn files(old: &Settings, new: &Settings) -> Vec<String> {
    let mut keys = Vec::new();
    // What `settings_files` name is compared as the settings of its plugin.
    for file in new.seen.iter().filter(|seen| !seen.key.is_empty() && !seen.key.contains(".settings_files")) {
        let before = old.seen.iter().find(|before| before.key == file.key);
        if before.is_some_and(|before| before.sha256 != file.sha256) {
            keys.push(format!("{} (its file)", file.key));
        }
    }
    keys
}
