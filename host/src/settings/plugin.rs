//! `[[plugin]]`: the plugins, and which callbacks each receives.

use std::path::PathBuf;
use std::time::Duration;

use callgate_dialects::{OnFault, Table};
use callgate_sandbox::{Fuel, PluginLimits};

use super::fact::Facts;
use super::file::{MIB, MS_PER_HOUR, Section, ms, size};
use super::limits;
use super::name::{NAME_RULE, is_name};
use super::pattern::{Pattern, canonical, commands_meant};
use super::platform::{ON_FAULT, Platform, Platforms};

/// The name of a plugin in the file. Inside the host, `@` and the name of the candidate follow that of a candidate's
/// plugin.
#[must_use]
pub fn plain_name(name: &str) -> &str {
    name.split_once('@').map_or(name, |(plugin, _)| plugin)
}

/// One plugin.
#[derive(Debug, Clone)]
pub struct Plugin {
    /// The table of the file that says so: `plugin`, or `shadow` for a plugin of a candidate.
    pub table: &'static str,
    /// The number of that table in the file, counted from 1.
    pub number: usize,
    /// Its name in logs and metrics.
    pub name: String,
    /// Where its module comes from.
    pub module: ModuleSource,
    /// The expected SHA-256 of the module.
    pub sha256: Option<String>,
    /// The file of the module's signature; `None`: next to the module.
    pub signature: Option<PathBuf>,
    /// Names of the platforms whose callbacks it receives.
    pub platforms: Vec<String>,
    /// Patterns of the commands that it receives.
    pub commands: Vec<Pattern>,
    /// The decision after its faults; `None`: that of the platform.
    pub on_fault: Option<OnFault>,
    /// Maximum number of its calls on workers at the same time; `None`: its share of them.
    pub calls_at_once_max: Option<usize>,
    /// Whether the answer waits until its records are on disk.
    pub durable: bool,
    /// Its limits.
    pub limits: PluginLimits,
    /// Its limits for entries of the journal.
    pub work: Work,
    /// Its own settings.
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// Names of the members of these that come from files, and the files.
    pub settings_files: Vec<(String, PathBuf)>,
    /// The facts that it may use: the name in its code, and that of the `[[fact]]`, sorted by the former.
    pub facts: Vec<(String, String)>,
}

impl Plugin {
    /// Whether both do the same: with the same module, settings, limits and decision after a fault.
    pub(super) fn is_as(&self, other: &Self) -> bool {
        let of =
            |it: &Self| (it.module.clone(), it.sha256.clone(), it.signature.clone(), it.on_fault, it.limits.clone());
        of(self) == of(other) && self.settings == other.settings && self.facts == other.facts
    }
}

/// The limits of a call that processes an entry of the journal; `None`: derived from those of the journal and of other
/// calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Wall time for one call.
    pub within: Option<Duration>,
    /// Fuel for one call.
    pub fuel: Option<Fuel>,
}

/// The keys of [`Work`].
pub(super) fn work(section: &mut Section<'_, '_>) -> Work {
    Work {
        within: section.number_if_given("work_within_ms", 1, MS_PER_HOUR).map(ms),
        fuel: section.number_if_given("fuel_per_work", 1, u64::MAX / 2).map(Fuel),
    }
}

/// Where a plugin's module comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModuleSource {
    /// A `.wasm` file.
    Wasm(PathBuf),
    /// A crate, which is built with cargo.
    Crate(PathBuf),
}

pub(super) fn read(
    root: &mut Section<'_, '_>,
    chat_servers: &Table,
    platforms: &Platforms,
    facts: &Facts<'_>,
    defaults: &PluginLimits,
) -> Vec<Plugin> {
    let mut plugins: Vec<Plugin> = Vec::new();
    for (index, section) in root.sections("plugin").into_iter().enumerate() {
        let others = &plugins;
        if let Some(plugin) =
            (Reading { number: index + 1, chat_servers, platforms, facts, defaults, others }).plugin(section)
        {
            plugins.push(plugin);
        }
    }
    plugins
}

/// What it takes to read a plugin.
struct Reading<'r> {
    number: usize,
    chat_servers: &'r Table,
    platforms: &'r Platforms,
    facts: &'r Facts<'r>,
    defaults: &'r PluginLimits,
    others: &'r [Plugin],
}

impl Reading<'_> {
    /// The plugin, if nothing is wrong with it.
    fn plugin(&self, mut section: Section<'_, '_>) -> Option<Plugin> {
        let mistakes_before = section.file().mistakes();
        let name = self.name(&mut section);
        let module = module(&mut section);
        let sha256 = sha256(&mut section);
        if sha256.is_some() && matches!(module, Some(ModuleSource::Crate(_))) {
            section.report("sha256", "is for a built module: use it with `wasm`, not with `source`");
        }
        let signature = signature(&mut section, module.as_ref());
        let (platforms, is_clear) = platform_names(&mut section, self.platforms);
        // Where it is not known for which platforms the plugin is, its commands may be of any.
        let servers = if is_clear {
            platforms.iter().map(|platform| platform.server).collect()
        } else {
            self.chat_servers.to_vec()
        };
        let commands = patterns(&mut section, self.chat_servers, &servers);
        let (on_fault, limits) = (on_fault(&mut section), limits::of_plugin(&mut section, self.defaults));
        let calls_at_once_max = calls_at_once_max(&mut section);
        let durable = section.flag("durable", false);
        let (settings, settings_files) = plugin_settings(&mut section);
        let name = name.unwrap_or_default();
        let plugin = Plugin {
            table: "plugin",
            number: self.number,
            facts: self.facts.of_plugin(&mut section, &name),
            name,
            module: module.unwrap_or_else(|| ModuleSource::Wasm(PathBuf::new())),
            sha256,
            signature,
            platforms: platforms.iter().map(|platform| platform.name.clone()).collect(),
            commands,
            on_fault,
            calls_at_once_max,
            durable,
            limits,
            work: work(&mut section),
            settings,
            settings_files,
        };
        let file = section.file();
        section.finish();
        (file.mistakes() == mistakes_before).then_some(plugin)
    }

    fn name(&self, section: &mut Section<'_, '_>) -> Option<String> {
        if !section.has("name") {
            section.report("name", "is missing: choose a name for logs and metrics");
            return None;
        }
        let name = section.text("name")?.value;
        if !is_name(name) {
            section.report("name", NAME_RULE);
        }
        if self.others.iter().any(|other| other.name == *name) {
            section.report("name", "another [[plugin]] has this name: give each its own `name`");
        }
        Some(name.to_owned())
    }
}

/// The keys that say what a plugin is, apart from its name and the callbacks that it gets.
pub(super) const KEYS: &[&str] = &[
    "wasm",
    "source",
    "sha256",
    "signature",
    "settings",
    "settings_files",
    "facts",
    "on_fault",
    "durable",
    "fuel_per_call",
    "fuel_to_configure",
    "call_within_ms",
    "memory_bytes_max",
    "reply_bytes_max",
    "module_bytes_max",
    "records_max",
    "record_bytes_max",
    "records_per_second_max",
];

pub(super) fn calls_at_once_max(section: &mut Section<'_, '_>) -> Option<usize> {
    section.number_if_given("calls_at_once_max", 1, 4096).map(size)
}

pub(super) fn on_fault(section: &mut Section<'_, '_>) -> Option<OnFault> {
    section.choice("on_fault", &ON_FAULT)
}

pub(super) fn module(section: &mut Section<'_, '_>) -> Option<ModuleSource> {
    let is_given = section.has("wasm") || section.has("source");
    let wasm = section.text("wasm").map(|at| section.file().beside(at.value));
    let source = section.text("source").map(|at| section.file().beside(at.value));
    match (wasm, source) {
        (None, None) if is_given => None,
        (Some(wasm), None) => Some(ModuleSource::Wasm(wasm)),
        (None, Some(source)) => {
            if !source.join("Cargo.toml").is_file() {
                section
                    .report("source", "there is no Cargo.toml in this folder: name the folder of the plugin's crate");
            }
            Some(ModuleSource::Crate(source))
        }
        (Some(_), Some(_)) => {
            section.report("wasm", "give either `wasm` (a built module) or `source` (a crate), not both");
            None
        }
        (None, None) => {
            section.report("wasm", "is missing: `wasm` (a built module) or `source` (the folder of a crate)");
            None
        }
    }
}

/// The file of the module's signature, if it is not next to the module.
pub(super) fn signature(section: &mut Section<'_, '_>, module: Option<&ModuleSource>) -> Option<PathBuf> {
    let signature = section.text("signature").map(|at| section.file().beside(at.value));
    if signature.is_some() && matches!(module, Some(ModuleSource::Crate(_))) {
        section.report("signature", "is for a built module: use it with `wasm`, not with `source`");
    }
    signature
}

pub(super) fn sha256(section: &mut Section<'_, '_>) -> Option<String> {
    let sha256 = section.text("sha256")?;
    if sha256.value.len() == 64 && sha256.value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(sha256.value.to_ascii_lowercase());
    }
    section.report("sha256", "must be 64 hexadecimal digits, as `sha256sum` prints them");
    None
}

/// The platforms that the plugin names, and whether all of them are known.
pub(super) fn platform_names<'p>(section: &mut Section<'_, '_>, platforms: &'p Platforms) -> (Vec<&'p Platform>, bool) {
    let is_given = section.has("platform");
    let Some(names) = section.texts("platform") else {
        return (platforms.known.iter().collect(), platforms.are_clear() && !is_given);
    };
    let (mut found, mut is_clear) = (Vec::new(), true);
    for name in names {
        if let Some(platform) = platforms.known.iter().find(|platform| platform.name == name.value) {
            found.push(platform);
            continue;
        }
        is_clear = false;
        if !platforms.may_be(name.value) {
            let known: Vec<String> = platforms.known.iter().map(|platform| format!("\"{}\"", platform.name)).collect();
            let message = format!("no [[platform]] has this name; known: {}", known.join(", "));
            section.file().report(name.at, &name.key, message);
        }
    }
    (found, is_clear)
}

pub(super) fn patterns(section: &mut Section<'_, '_>, chat_servers: &Table, servers: &Table) -> Vec<Pattern> {
    let is_given = section.has("commands");
    let mistakes_before = section.file().mistakes();
    let Some(patterns) = section.texts("commands") else {
        if !is_given {
            section.report("commands", "is missing: list the commands that the plugin receives, or \"*\" for all");
        }
        return Vec::new();
    };
    if patterns.is_empty() && section.file().mistakes() == mistakes_before {
        section.report(
            "commands",
            "is empty, so the plugin would never run: list the commands that it gets, or \"*\" for all",
        );
    }
    for pattern in &patterns {
        commands_meant(section, chat_servers, pattern, servers);
    }
    patterns.into_iter().map(|pattern| Pattern::new(canonical(pattern.value, servers))).collect()
}

/// Maximum size of a file under `settings_files`, in bytes. A plugin's settings are copied into its memory.
const SETTINGS_FILE_BYTES_MAX: u64 = 16 * MIB;

/// A plugin's own settings, and which of them come from files.
type Own = (serde_json::Map<String, serde_json::Value>, Vec<(String, PathBuf)>);

pub(super) fn plugin_settings(section: &mut Section<'_, '_>) -> Own {
    let settings = section.json("settings");
    with_files(section, settings)
}

/// A plugin's own settings where `settings` and `settings_files` replace those that it has now. What is not given
/// stays.
pub(super) fn settings_over(section: &mut Section<'_, '_>, present: &Plugin) -> Own {
    let is_from_file = |name: &String| present.settings_files.iter().any(|(known, _)| known == name);
    let (has_settings, has_files) = (section.has("settings"), section.has("settings_files"));
    let mut settings = match has_settings {
        true => section.json("settings"),
        false => present.settings.clone().into_iter().filter(|(name, _)| !is_from_file(name)).collect(),
    };
    if has_files {
        return with_files(section, settings);
    }
    for (name, _) in &present.settings_files {
        if settings.contains_key(name) {
            section.report("settings", format!("`{name}` is also in `settings_files` of the plugin: give both here"));
        }
        settings.extend(present.settings.get(name).map(|text| (name.clone(), text.clone())));
    }
    (settings, present.settings_files.clone())
}

fn with_files(section: &mut Section<'_, '_>, mut settings: serde_json::Map<String, serde_json::Value>) -> Own {
    let mut files = Vec::new();
    for (name, path) in section.pairs("settings_files") {
        let file = section.file();
        let full = file.beside(path.value);
        match file.read_text(&path.key, &full, SETTINGS_FILE_BYTES_MAX) {
            Ok(_) if settings.contains_key(&name) => {
                file.report(path.at, &path.key, "is also set in `settings`: set it in only one of them");
            }
            Ok(text) => {
                settings.insert(name.clone(), text.into());
                files.push((name, full));
            }
            Err(error) => file.report(path.at, &path.key, format!("cannot be read: {error}")),
        }
    }
    (settings, files)
}
