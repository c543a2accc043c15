//! `[[shadow]]`: candidates, which are compared with what is in service, and may answer a part of the callbacks.

use std::path::PathBuf;
use std::time::Duration;

use callgate_dialects::Table;
use callgate_sandbox::PluginLimits;

use super::fact::Facts;
use super::file::{MIB, MS_PER_HOUR, Section, ms, size};
use super::name::{NAME_RULE, is_name};
use super::pattern::{Pattern, commands_meant};
use super::platform::{Platform, Platforms};
use super::plugin::{self, ModuleSource, Plugin, plain_name};

/// A candidate: the plugins with one change.
#[derive(Debug, Clone)]
pub struct Shadow {
    /// Its number in the file, counted from 1.
    pub number: usize,
    /// Its name in logs, metrics and commands.
    pub name: String,
    /// What is different.
    pub change: Change,
    /// Names of the platforms whose callbacks it is compared on.
    pub platforms: Vec<String>,
    /// Patterns of the commands that it is compared on.
    pub commands: Vec<Pattern>,
    /// The percentage of users whose callbacks it answers, from 0 to 100.
    pub percent: u8,
    /// When it does not answer any more.
    pub fall_back: FallBack,
    /// Maximum number of callbacks that wait to be compared.
    pub queue_max: usize,
    /// Maximum size of the bodies, queries and answers of these, together, in bytes.
    pub queue_bytes_max: usize,
}

/// What is different in a candidate.
#[derive(Debug, Clone)]
pub enum Change {
    /// Another build, other settings or other limits of a plugin.
    Replace {
        /// The index of the plugin in the settings.
        index: usize,
        /// What it is replaced by.
        with: Box<Plugin>,
    },
    /// One more plugin.
    Add {
        /// How many of the plugins in the settings run before it.
        at: usize,
        /// The plugin.
        plugin: Box<Plugin>,
    },
    /// One plugin less.
    Remove {
        /// The index of the plugin in the settings.
        index: usize,
        /// Its name.
        name: String,
    },
}

/// When the callbacks that a candidate answers are answered by what is in service again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FallBack {
    /// Maximum number of callbacks with a fault of the candidate, of a thousand that it answered; 0: none, 1000: it
    /// never falls back.
    pub faults_per_thousand_max: u32,
    /// The fault rate is computed from at least this number of callbacks.
    pub callbacks_min: u32,
    /// For how long callbacks are counted.
    pub window: Duration,
}

impl Shadow {
    /// The plugin that has to be loaded for it, if there is one.
    #[must_use]
    pub fn plugin(&self) -> Option<&Plugin> {
        match &self.change {
            Change::Replace { with, .. } => Some(with),
            Change::Add { plugin, .. } => Some(plugin),
            Change::Remove { .. } => None,
        }
    }
}

impl Shadow {
    /// As [`Shadow::plugin`].
    pub(crate) fn plugin_mut(&mut self) -> Option<&mut Plugin> {
        match &mut self.change {
            Change::Replace { with, .. } => Some(with),
            Change::Add { plugin, .. } => Some(plugin),
            Change::Remove { .. } => None,
        }
    }

    /// The commands that a candidate changes once it is promoted, and that it is not compared on: each with the name of
    /// its platform.
    #[must_use]
    pub fn not_compared(&self, plugins: &[Plugin], platforms: &[Platform]) -> Vec<String> {
        let (Change::Replace { index, .. } | Change::Remove { index, .. }) = &self.change else { return Vec::new() };
        let Some(plugin) = plugins.get(*index) else { return Vec::new() };
        let gets = |names: &[String], patterns: &[Pattern], platform: &Platform, name: &str| {
            names.contains(&platform.name) && patterns.iter().any(|pattern| pattern.matches(name))
        };
        let mut more = Vec::new();
        for platform in platforms {
            for command in platform.server.protocol().commands {
                if gets(&plugin.platforms, &plugin.commands, platform, command.name)
                    && !gets(&self.platforms, &self.commands, platform, command.name)
                {
                    more.push(format!("{} of {}", command.name, platform.name));
                }
            }
        }
        more
    }

    /// What is different, in a few words.
    #[must_use]
    pub fn summary(&self) -> String {
        let (what, name) = match &self.change {
            Change::Replace { with, .. } => ("replaces", &with.name),
            Change::Add { plugin, .. } => ("adds", &plugin.name),
            Change::Remove { name, .. } => ("removes", name),
        };
        format!("{what} {}", plain_name(name))
    }
}

/// What it takes to read a candidate.
pub(super) struct Context<'c> {
    pub(super) chat_servers: &'c Table,
    pub(super) platforms: &'c Platforms,
    /// The plugins that have no mistakes.
    pub(super) plugins: &'c [Plugin],
    /// Whether that is all of them.
    pub(super) are_plugins_clear: bool,
    pub(super) facts: &'c Facts<'c>,
    pub(super) defaults: &'c PluginLimits,
}

/// Maximum number of candidates: each has chains of its own, and a share of one thread.
const SHADOWS_MAX: usize = 16;

pub(super) fn read(root: &mut Section<'_, '_>, context: &Context<'_>) -> Vec<Shadow> {
    let mut shadows: Vec<Shadow> = Vec::new();
    for (index, section) in root.sections("shadow").into_iter().enumerate() {
        if index == SHADOWS_MAX {
            section.report("", format!("there are more than {SHADOWS_MAX} candidates: promote or remove some"));
            break;
        }
        if let Some(shadow) = context.shadow(section, index + 1, &shadows) {
            shadows.push(shadow);
        }
    }
    shadows
}

/// The keys of which a candidate has exactly one.
const CHANGES: [&str; 3] = ["replace", "add", "remove"];

impl Context<'_> {
    /// The candidate, if nothing is wrong with it.
    fn shadow(&self, mut section: Section<'_, '_>, number: usize, others: &[Shadow]) -> Option<Shadow> {
        let mistakes_before = section.file().mistakes();
        let name = name(&mut section, others);
        let mut change = self.change(&mut section, name.as_deref().unwrap_or_default(), number);
        let (platforms, commands) = match &change {
            Some(change) => self.callbacks(&mut section, change),
            None => {
                // Read, so that these keys are not unknown.
                for key in ["platform", "commands", "before", "after"] {
                    section.has(key);
                }
                section.ignore(plugin::KEYS);
                Default::default()
            }
        };
        if let Some(Change::Add { plugin, .. }) = &mut change {
            plugin.platforms.clone_from(&platforms);
            plugin.commands.clone_from(&commands);
        }
        let small = |number| u32::try_from(number).unwrap_or(u32::MAX);
        let percent = u8::try_from(section.number("percent", 0, 0, 100)).unwrap_or(100);
        let fall_back = FallBack {
            faults_per_thousand_max: small(section.number("faults_per_thousand_max", 10, 0, 1000)),
            callbacks_min: small(section.number("fault_callbacks_min", 100, 1, 1_000_000)),
            window: ms(section.number("fault_window_ms", 60_000, 1, MS_PER_HOUR)),
        };
        let queue_max = size(section.number("queue_max", 1024, 1, 1_000_000));
        let queue_bytes_max = size(section.number("queue_bytes_max", 16 * MIB, 1, 1024 * MIB));
        let Some(change) = change else {
            section.finish();
            return None;
        };
        let name = name.unwrap_or_default();
        let shadow =
            Shadow { number, name, change, platforms, commands, percent, fall_back, queue_max, queue_bytes_max };
        self.check_answering(&section, &shadow, others);
        let file = section.file();
        section.finish();
        (file.mistakes() == mistakes_before).then_some(shadow)
    }

    fn change(&self, section: &mut Section<'_, '_>, name: &str, number: usize) -> Option<Change> {
        let given: Vec<&str> = CHANGES.into_iter().filter(|key| section.has(key)).collect();
        let key = match given[..] {
            [key] => key,
            [] => {
                let why = "does not say what is different: give `replace` (the name of a plugin that gets another build or \
                           other settings), `add` (a name for one more plugin) or `remove` (the name of a plugin)";
                section.report("", why);
                return None;
            }
            [_, second, ..] => {
                let why = format!(
                    "a candidate has one change, and this one has {}: make a [[shadow]] of each",
                    given.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" and ")
                );
                section.report(second, why);
                return None;
            }
        };
        let said = section.text(key)?.value.to_owned();
        match key {
            "replace" => {
                let (index, present) = self.known(section, key, &said)?;
                let mistakes_before = section.file().mistakes();
                let with = self.replacement(section, present, name, number);
                if with.is_as(present) && section.file().mistakes() == mistakes_before {
                    section.report("replace", "changes nothing: every key has the value that the plugin already has");
                }
                Some(Change::Replace { index, with: Box::new(with) })
            }
            "remove" => {
                let (index, _) = self.known(section, key, &said)?;
                Some(Change::Remove { index, name: said })
            }
            _ => self.addition(section, &said, name, number),
        }
    }

    /// The plugin of this name.
    fn known(&self, section: &Section<'_, '_>, key: &'static str, name: &str) -> Option<(usize, &Plugin)> {
        let found = self.plugins.iter().enumerate().find(|(_, plugin)| plugin.name == name);
        if found.is_none() && self.are_plugins_clear {
            let known: Vec<_> = self.plugins.iter().map(|plugin| format!("\"{}\"", plugin.name)).collect();
            let message = match known.is_empty() {
                true => "no [[plugin]] has this name: there is none yet, so use `add`".to_owned(),
                false => format!("no [[plugin]] has this name; known: {}", known.join(", ")),
            };
            section.report(key, message);
        }
        found
    }

    /// The plugin as `replace` makes it: what is not given is as it is now.
    fn replacement(&self, section: &mut Section<'_, '_>, present: &Plugin, shadow: &str, number: usize) -> Plugin {
        self.refuse_places(section, "replace");
        let is_different = plugin::KEYS.iter().any(|key| section.has(key));
        if !is_different {
            let why = "changes nothing: give `wasm` or `source` (another build), `settings`, `settings_files`, \
                       `facts`, `on_fault` or limits";
            section.report("replace", why);
        }
        let module = match section.has("wasm") || section.has("source") {
            true => plugin::module(section),
            false => None,
        };
        let sha256 = plugin::sha256(section);
        if sha256.is_some() && !matches!(module, Some(ModuleSource::Wasm(_))) {
            section.report("sha256", "is for another build: use it with `wasm`");
        }
        let signature = plugin::signature(section, module.as_ref());
        let is_same_module = module.is_none();
        let (settings, settings_files) = plugin::settings_over(section, present);
        Plugin {
            table: "shadow",
            number,
            name: candidate_name(&present.name, shadow),
            module: module.unwrap_or_else(|| present.module.clone()),
            sha256: sha256.or_else(|| present.sha256.clone().filter(|_| is_same_module)),
            signature: signature.or_else(|| present.signature.clone().filter(|_| is_same_module)),
            on_fault: plugin::on_fault(section).or(present.on_fault),
            durable: section.flag("durable", present.durable),
            work: plugin::work(section),
            limits: super::limits::of_plugin(section, &present.limits),
            settings,
            settings_files,
            facts: match section.has("facts") {
                true => self.facts.of_plugin(section, &present.name),
                false => present.facts.clone(),
            },
            ..present.clone()
        }
    }

    /// One more plugin. Its commands and platforms are those of the candidate.
    fn addition(&self, section: &mut Section<'_, '_>, added: &str, shadow: &str, number: usize) -> Option<Change> {
        if !is_name(added) {
            section.report("add", NAME_RULE);
        }
        if self.plugins.iter().any(|plugin| plugin.name == added) {
            section.report("add", "a [[plugin]] has this name already: choose another one, or use `replace`");
        }
        let at = self.position(section);
        let module = plugin::module(section);
        let sha256 = plugin::sha256(section);
        if sha256.is_some() && matches!(module, Some(ModuleSource::Crate(_))) {
            section.report("sha256", "is for a built module: use it with `wasm`, not with `source`");
        }
        let signature = plugin::signature(section, module.as_ref());
        let (settings, settings_files) = plugin::plugin_settings(section);
        let plugin = Plugin {
            table: "shadow",
            number,
            name: candidate_name(added, shadow),
            module: module.unwrap_or_else(|| ModuleSource::Wasm(PathBuf::new())),
            sha256,
            signature,
            platforms: Vec::new(),
            commands: Vec::new(),
            on_fault: plugin::on_fault(section),
            calls_at_once_max: plugin::calls_at_once_max(section),
            durable: section.flag("durable", false),
            work: plugin::work(section),
            limits: super::limits::of_plugin(section, self.defaults),
            settings,
            settings_files,
            facts: self.facts.of_plugin(section, added),
        };
        Some(Change::Add { at: at?, plugin: Box::new(plugin) })
    }

    /// How many plugins run before one that is added.
    fn position(&self, section: &mut Section<'_, '_>) -> Option<usize> {
        let before = section.text("before").map(|at| at.value.to_owned());
        let after = section.text("after").map(|at| at.value.to_owned());
        match (before, after) {
            (Some(_), Some(_)) => {
                section.report("after", "give either `before` or `after`, not both");
                None
            }
            (Some(before), None) => self.known(section, "before", &before).map(|(index, _)| index),
            (None, Some(after)) => self.known(section, "after", &after).map(|(index, _)| index + 1),
            // The last one, unless a type was wrong.
            (None, None) => (!section.has("before") && !section.has("after")).then_some(self.plugins.len()),
        }
    }

    fn refuse_places(&self, section: &mut Section<'_, '_>, with: &str) {
        for key in ["before", "after"] {
            if section.has(key) {
                section.report(key, format!("is only for `add`: with `{with}` the order does not change"));
            }
        }
    }

    /// The callbacks that a candidate is compared on.
    fn callbacks(&self, section: &mut Section<'_, '_>, change: &Change) -> (Vec<String>, Vec<Pattern>) {
        let present = match change {
            Change::Replace { index, .. } => self.plugins.get(*index),
            Change::Remove { index, .. } => {
                for key in plugin::KEYS {
                    if section.has(key) {
                        section.report(key, "has no effect with `remove`: remove this key");
                    }
                }
                self.refuse_places(section, "remove");
                self.plugins.get(*index)
            }
            Change::Add { .. } => None,
        };
        let is_given = section.has("platform");
        let (platforms, is_clear) = plugin::platform_names(section, self.platforms);
        let of_present = |platform: &&Platform| present.is_none_or(|plugin| plugin.platforms.contains(&platform.name));
        if is_given && is_clear && !platforms.iter().any(of_present) {
            section.report(
                "platform",
                "the plugin receives no callbacks of this platform, so there is nothing to compare",
            );
        }
        let platforms: Vec<&Platform> = platforms.into_iter().filter(of_present).collect();
        let servers: Vec<_> = match is_clear {
            true => platforms.iter().map(|platform| platform.server).collect(),
            false => self.chat_servers.to_vec(),
        };
        let mistakes_before = section.file().mistakes();
        let commands = match present.filter(|_| !section.has("commands")) {
            Some(present) => present.commands.clone(),
            None => plugin::patterns(section, self.chat_servers, &servers),
        };
        if let Some(present) = present.filter(|_| section.file().mistakes() == mistakes_before) {
            self.check_overlap(section, present, &servers);
        }
        (platforms.iter().map(|platform| platform.name.clone()).collect(), commands)
    }

    /// Reports commands of the candidate that the plugin does not get.
    fn check_overlap(&self, section: &mut Section<'_, '_>, present: &Plugin, servers: &Table) {
        for pattern in section.texts("commands").unwrap_or_default() {
            let meant = commands_meant(section, self.chat_servers, &pattern, servers);
            let is_ours = |name: &str| present.commands.iter().any(|pattern| pattern.matches(name));
            if !meant.iter().any(|command| is_ours(command.name)) {
                let why = "the plugin does not receive this command, so there is nothing to compare";
                section.file().report(pattern.at, &pattern.key, why);
            }
        }
    }

    /// Reports callbacks that two candidates would answer.
    fn check_answering(&self, section: &Section<'_, '_>, shadow: &Shadow, others: &[Shadow]) {
        let answers = |shadow: &Shadow, platform: &Platform, name: &str| {
            shadow.percent > 0
                && shadow.platforms.contains(&platform.name)
                && shadow.commands.iter().any(|pattern| pattern.matches(name))
        };
        let both = |other: &&Shadow| {
            self.platforms.known.iter().any(|platform| {
                let mut commands = platform.server.protocol().commands.iter();
                commands
                    .any(|command| answers(shadow, platform, command.name) && answers(other, platform, command.name))
            })
        };
        if others.iter().any(|other| both(&other)) {
            let why = "another [[shadow]] answers a part of the same callbacks: set `percent` of one of them to 0, or give \
                       them different `commands`";
            section.report("percent", why);
        }
    }
}

/// How a plugin of a candidate is called in logs and metrics. No plugin of the settings can have such a name.
fn candidate_name(plugin: &str, shadow: &str) -> String {
    format!("{plugin}@{shadow}")
}

fn name(section: &mut Section<'_, '_>, others: &[Shadow]) -> Option<String> {
    if !section.has("name") {
        section.report("name", "is missing: choose a name for logs, metrics and `callgate shadow`");
        return None;
    }
    let name = section.text("name")?.value;
    if !is_name(name) {
        section.report("name", NAME_RULE);
    }
    if others.iter().any(|other| other.name == *name) {
        section.report("name", "another [[shadow]] has this name: give each its own `name`");
    }
    Some(name.to_owned())
}
