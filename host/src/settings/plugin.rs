//! `[[plugin]]`: the plugins, and which callbacks each receives.

use std::path::PathBuf;

use callgate_dialects::{OnFault, Table};
use callgate_sandbox::PluginLimits;

use super::file::{MIB, Section, read_bounded};
use super::limits;
use super::pattern::{Pattern, canonical, commands_meant};
use super::platform::{ON_FAULT, Platform};

/// One plugin.
#[derive(Debug, Clone)]
pub struct Plugin {
    /// Its name in logs and metrics.
    pub name: String,
    /// Where its module comes from.
    pub module: ModuleSource,
    /// The expected SHA-256 of the module.
    pub sha256: Option<String>,
    /// Names of the platforms whose callbacks it receives.
    pub platforms: Vec<String>,
    /// Patterns of the commands that it receives.
    pub commands: Vec<Pattern>,
    /// The decision after its faults; `None`: that of the platform.
    pub on_fault: Option<OnFault>,
    /// Its limits.
    pub limits: PluginLimits,
    /// Its own settings.
    pub settings: serde_json::Map<String, serde_json::Value>,
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
    platforms: &[Platform],
    defaults: &PluginLimits,
) -> Vec<Plugin> {
    let mut plugins: Vec<Plugin> = Vec::new();
    for section in root.sections("plugin") {
        if let Some(plugin) = plugin(section, chat_servers, platforms, defaults, &plugins) {
            plugins.push(plugin);
        }
    }
    plugins
}

fn plugin(
    mut section: Section<'_, '_>,
    chat_servers: &Table,
    platforms: &[Platform],
    defaults: &PluginLimits,
    others: &[Plugin],
) -> Option<Plugin> {
    let name = match section.text("name") {
        Some(name) if !name.value.is_empty() && name.value.len() <= 64 && name.value.bytes().all(is_name_byte) => {
            Some(name.value.to_owned())
        }
        Some(_) => {
            section.report("name", "must be 1 to 64 letters, digits, `-`, `_` or `.`");
            None
        }
        None => {
            section.report("name", "is missing: choose a name for logs and metrics");
            None
        }
    };
    if let Some(name) = &name {
        if others.iter().any(|other| other.name == *name) {
            section.report("name", "another [[plugin]] has this name: give each its own `name`");
        }
        section.rename(format!("plugin {name}"));
    }
    let module = module(&mut section);
    let sha256 = sha256(&mut section);
    if sha256.is_some() && matches!(module, Some(ModuleSource::Crate(_))) {
        section.report("sha256", "is for a built module: use it with `wasm`, not with `source`");
    }
    let platforms = platform_names(&mut section, platforms);
    let servers: Vec<_> = platforms.iter().map(|platform| platform.server).collect();
    let commands = patterns(&mut section, chat_servers, &servers);
    let plugin = Plugin {
        name: name.clone().unwrap_or_default(),
        module: module.clone().unwrap_or_else(|| ModuleSource::Wasm(PathBuf::new())),
        sha256,
        platforms: platforms.iter().map(|platform| platform.name.clone()).collect(),
        commands,
        on_fault: section.choice("on_fault", &ON_FAULT),
        limits: limits::of_plugin(&mut section, defaults),
        settings: plugin_settings(&mut section),
    };
    section.finish();
    (name.is_some() && module.is_some()).then_some(plugin)
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

fn module(section: &mut Section<'_, '_>) -> Option<ModuleSource> {
    let wasm = section.text("wasm").map(|at| section.file().beside(at.value));
    let source = section.text("source").map(|at| section.file().beside(at.value));
    match (wasm, source) {
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

fn sha256(section: &mut Section<'_, '_>) -> Option<String> {
    let sha256 = section.text("sha256")?;
    if sha256.value.len() == 64 && sha256.value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(sha256.value.to_ascii_lowercase());
    }
    section.report("sha256", "must be 64 hexadecimal digits, as `sha256sum` prints them");
    None
}

fn platform_names<'p>(section: &mut Section<'_, '_>, platforms: &'p [Platform]) -> Vec<&'p Platform> {
    let Some(names) = section.texts("platform") else { return platforms.iter().collect() };
    let mut found = Vec::new();
    for name in names {
        match platforms.iter().find(|platform| platform.name == name.value) {
            Some(platform) => found.push(platform),
            None => {
                let known: Vec<String> = platforms.iter().map(|platform| format!("\"{}\"", platform.name)).collect();
                let message = format!("no [[platform]] has this name; known: {}", known.join(", "));
                section.file().report(name.at, &name.key, message);
            }
        }
    }
    found
}

fn patterns(section: &mut Section<'_, '_>, chat_servers: &Table, servers: &Table) -> Vec<Pattern> {
    let Some(patterns) = section.texts("commands") else {
        section.report("commands", "is missing: list the commands that the plugin gets, or \"*\" for all");
        return Vec::new();
    };
    if patterns.is_empty() {
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

fn plugin_settings(section: &mut Section<'_, '_>) -> serde_json::Map<String, serde_json::Value> {
    let mut settings = section.json("settings");
    for (name, path) in section.pairs("settings_files") {
        let file = section.file();
        let full = file.beside(path.value);
        match read_bounded(&full, SETTINGS_FILE_BYTES_MAX) {
            Ok(text) if text.len() as u64 > SETTINGS_FILE_BYTES_MAX => {
                file.report(path.at, &path.key, format!("is larger than {SETTINGS_FILE_BYTES_MAX} bytes"));
            }
            Ok(_) if settings.contains_key(&name) => {
                file.report(path.at, &path.key, "is also set in `settings`: set it in only one of them");
            }
            Ok(text) => {
                settings.insert(name, text.into());
            }
            Err(error) => file.report(path.at, &path.key, format!("cannot be read: {error}")),
        }
    }
    settings
}
