//! One plugin, alone, on a host that serves both platforms and listens nowhere.

use std::fmt::{Debug, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};

use super::request;
use crate::chain::Outcome;
use crate::cli::{Exit, Failure};
use crate::dialect::{Callback, Response};
use crate::host::{Host, Mounted, StartError};
use crate::plugin::{Engine, Fuel, Plugin};
use crate::settings::{ModuleSource, Settings};

/// A host with one plugin.
#[derive(Debug)]
pub struct Stage {
    host: Host,
}

/// What became of one callback.
#[derive(Debug)]
pub struct Played {
    /// The verdict, the records, the calls.
    pub outcome: Outcome,
    /// What the chat server would get.
    pub response: Response,
    /// What the plugin said.
    pub log: Vec<(tracing::Level, String)>,
}

/// What one callback cost: its largest call, if it carries several callbacks, because limits are for one call.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// Work.
    pub fuel: Fuel,
    /// Time.
    pub took: Duration,
    /// Whether a call gave no verdict.
    pub is_fault: bool,
}

impl Run {
    /// The cost of what was played.
    pub fn of(played: &Played) -> Self {
        let steps = &played.outcome.steps;
        Self {
            fuel: Fuel(steps.iter().map(|step| step.usage.fuel.0).max().unwrap_or(0)),
            took: steps.iter().map(|step| step.took).max().unwrap_or_default(),
            is_fault: played.outcome.fault.is_some() || steps.iter().any(|step| step.fault.is_some()),
        }
    }
}

/// The host around the plugin: every default, except that a plugin which keeps failing is not left alone.
const HOST: &str = r#"
[admin]
off = true
[limits]
calls_at_once_max = 1
breaker_faults_max = 0
[[platform]]
kind = "openim"
[[platform]]
kind = "tencent-chat"
[[platform.app]]
id = 1
[[plugin]]
name = "plugin"
wasm = "plugin.wasm"
commands = ["*"]
"#;

impl Stage {
    /// Builds the plugin if it is a crate, and loads it with these settings as `serve` does.
    ///
    /// # Errors
    /// If it cannot be built, or cannot be used with these settings.
    pub fn open(plugin: &Path, settings: Map<String, Value>) -> Result<Self, Failure> {
        Self::start(host()?, source(plugin)?, name(plugin), settings)
    }

    /// Loads the plugin under this name, with these settings, on a host that was made with [`host`].
    ///
    /// # Errors
    /// As [`Stage::open`].
    pub fn start(
        mut host: Settings,
        module: ModuleSource,
        name: String,
        settings: Map<String, Value>,
    ) -> Result<Self, Failure> {
        let entry = host.plugins.first_mut().ok_or_else(|| unexpected("there is no plugin in the settings"))?;
        entry.module = module;
        entry.name = name;
        entry.settings = settings;
        let host = silently(|| Host::start(host, &mut ())).map_err(|error| match error {
            StartError::Plugins(_) => Failure::new(Exit::Plugin, error),
            StartError::Engine(_) => Failure::new(Exit::Other, error),
        })?;
        Ok(Self { host })
    }

    /// The plugin.
    ///
    /// # Errors
    /// Never: it was loaded.
    pub fn plugin(&self) -> Result<&Plugin, Failure> {
        self.host.plugins().next().ok_or_else(|| Failure::new(Exit::Other, anyhow::anyhow!("there is no plugin")))
    }

    /// Answers a callback, without keeping its records.
    ///
    /// # Errors
    /// Never: both platforms are served.
    pub fn play(&self, callback: &Callback) -> Result<Played, Failure> {
        let mounted = self.mounted(callback)?;
        let listener = Listener::default();
        let said = Arc::clone(&listener.said);
        let (outcome, response) = tracing::subscriber::with_default(listener, || self.host.rehearse(mounted, callback));
        let log = std::mem::take(&mut *said.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Played { outcome, response, log })
    }

    /// What the plugin is handed when this callback is played, call by call.
    ///
    /// # Errors
    /// Never: both platforms are served.
    pub fn inputs(&self, callback: &Callback) -> Result<Vec<String>, Failure> {
        let mounted = self.mounted(callback)?;
        let chain = callback.command().and_then(|command| mounted.routes.find(command));
        let Some(chain) = chain.filter(|chain| !chain.links().is_empty()) else { return Ok(Vec::new()) };
        Ok(match callback.split() {
            Some(parts) => parts.iter().map(|part| chain.envelope(part)).collect(),
            None => vec![chain.envelope(callback)],
        })
    }

    /// The engine that the host made.
    pub fn engine(&self) -> &Engine {
        &self.host.engine
    }

    fn mounted(&self, callback: &Callback) -> Result<&Mounted, Failure> {
        let platform = callback.command().map_or(plugin_sdk::openim::PROTOCOL.name, |command| command.protocol);
        let mut platforms = self.host.platforms().iter();
        platforms
            .find(|mounted| mounted.platform.kind.name == platform)
            .ok_or_else(|| Failure::new(Exit::Other, anyhow::anyhow!("{platform} is not served")))
    }
}

/// The settings of the host around the plugin.
///
/// # Errors
/// Never: a test reads them.
pub fn host() -> Result<Settings, Failure> {
    Settings::parse(Path::new(""), HOST)
        .map_err(|problems| unexpected(&problems.iter().map(ToString::to_string).collect::<String>()))
}

fn unexpected(what: &str) -> Failure {
    Failure::new(Exit::Other, anyhow::anyhow!("{what}; please report this"))
}

/// The module's file, or the crate that it is built from.
///
/// # Errors
/// If it is neither.
pub fn source(plugin: &Path) -> Result<ModuleSource, Failure> {
    if plugin.is_file() {
        return Ok(ModuleSource::Wasm(plugin.to_owned()));
    }
    match check_crate(plugin) {
        Ok(()) => Ok(ModuleSource::Crate(plugin.to_owned())),
        Err(why) => Err(Failure::new(Exit::Plugin, anyhow::anyhow!("{} {why}, or a `.wasm` file", plugin.display()))),
    }
}

/// Whether a folder holds a crate, which cargo could build.
///
/// # Errors
/// What it is instead, and what to name.
pub fn check_crate(folder: &Path) -> Result<(), String> {
    if let Err(error) = std::fs::metadata(folder) {
        return Err(format!("cannot be read ({error}): name the folder of a plugin's crate"));
    }
    match std::fs::read_to_string(folder.join("Cargo.toml")) {
        Err(_) => Err("has no Cargo.toml: name the folder of a plugin's crate".to_owned()),
        // What is wrong with a manifest, cargo says better.
        Ok(text) if toml::from_str::<toml::Table>(&text).is_ok_and(|manifest| !manifest.contains_key("package")) => {
            Err("is a workspace: name the folder of one plugin's crate".to_owned())
        }
        Ok(_) => Ok(()),
    }
}

/// The file's or folder's own name, as a host's settings might call it.
pub fn name(plugin: &Path) -> String {
    let full = plugin.canonicalize().unwrap_or_else(|_| plugin.to_owned());
    full.file_stem().map_or_else(|| "plugin".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

/// The host's own log says nothing that an author needs.
fn silently<T>(run: impl FnOnce() -> T) -> T {
    tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::default(), run)
}

/// Reads a plugin's settings: TOML, or a JSON object.
///
/// # Errors
/// If the file cannot be read, or is neither.
pub fn settings(path: &Path) -> Result<Map<String, Value>, Failure> {
    let wrong = |what: String| Failure::new(Exit::Settings, anyhow::anyhow!("{}: {what}", path.display()));
    let bytes =
        request::bytes(path, "the plugin's settings").map_err(|failure| Failure { exit: Exit::Settings, ..failure })?;
    let text =
        String::from_utf8(bytes).map_err(|_| wrong("the settings are not UTF-8: save them as UTF-8".to_owned()))?;
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(&text)
            .map_err(|error| wrong(format!("the settings are not JSON ({error}): correct it, or write TOML")));
    }
    let table: toml::Table = toml::from_str(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let why = error.message().replace('\n', ", ");
        wrong(format!("the settings are not TOML (line {line}: {why}): correct it, or write a JSON object"))
    })?;
    table.into_iter().map(|(key, value)| Ok((key, json(value).map_err(wrong)?))).collect()
}

/// As the host hands a plugin its settings.
fn json(value: toml::Value) -> Result<Value, String> {
    Ok(match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) if number.is_finite() => number.into(),
        toml::Value::Float(_) => return Err("JSON has no such number; plugins get their settings as JSON".to_owned()),
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Datetime(when) => when.to_string().into(),
        toml::Value::Array(list) => list.into_iter().map(json).collect::<Result<_, _>>()?,
        toml::Value::Table(table) => {
            Value::Object(table.into_iter().map(|(key, value)| Ok((key, json(value)?))).collect::<Result<_, String>>()?)
        }
    })
}

/// Keeps what plugins say: the events that name one.
#[derive(Default)]
struct Listener {
    said: Arc<Mutex<Vec<(tracing::Level, String)>>>,
}

impl tracing::Subscriber for Listener {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.is_event() && metadata.fields().field("plugin").is_some()
    }

    fn event(&self, event: &tracing::Event<'_>) {
        let mut message = Message::default();
        event.record(&mut message);
        let line = (*event.metadata().level(), message.0);
        self.said.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

/// The text of an event.
#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            // Writing into a text does not fail.
            let _ = write!(self.0, "{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_around_the_plugin_has_no_mistake() {
        host().unwrap();
    }

    #[test]
    fn toml_becomes_the_json_that_the_host_would_hand_over() {
        let value: toml::Value = toml::from_str("a = 1\nb = [\"x\", 2.5]\nc = { d = 2026-01-02, e = true }").unwrap();
        assert_eq!(
            json(value).unwrap(),
            serde_json::json!({ "a": 1, "b": ["x", 2.5], "c": { "d": "2026-01-02", "e": true } })
        );
        assert!(json(toml::Value::Float(f64::NAN)).is_err());
    }
}
