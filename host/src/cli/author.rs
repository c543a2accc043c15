//! The service as the author commands need it: a host around one plugin, which listens nowhere.

use std::fmt::{Debug, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use callgate_dialects::Callback;
use callgate_sandbox::{Engine, EngineLimits, Plugin, PluginLimits};
use callgate_terminal::{Exit, Failure};
use callgate_workshop::stage::{self, Call, Played, Staged};
use tracing::field::{Field, Visit};

use super::loading;
use crate::chain::Link;
use crate::host::{Host, Mounted, StartError};
use crate::settings::{ModuleSource, Settings};

/// Tries plugins out as `serve` would run them.
pub(super) struct Service;

impl stage::Service for Service {
    fn limits(&self) -> Result<(EngineLimits, PluginLimits), Failure> {
        settings().map(|settings| (settings.limits.engine, settings.limits.plugin))
    }

    fn stage(&self, subject: Staged) -> Result<Box<dyn stage::Stage>, Failure> {
        let mut settings = settings()?;
        let entry = settings.plugins.first_mut().ok_or_else(|| unexpected("there is no plugin in the settings"))?;
        entry.module = ModuleSource::Wasm(subject.module);
        entry.name = subject.name;
        entry.settings = subject.settings;
        let host =
            silently(|| Host::start_loading(settings, &mut (), loading::in_children())).map_err(
                |error| match error {
                    StartError::Plugins(_) => Failure::new(Exit::Plugin, error),
                    StartError::Engine(_) => Failure::new(Exit::Other, error),
                },
            )?;
        let link = host.links.first().cloned().ok_or_else(|| unexpected("the plugin is not there"))?;
        Ok(Box::new(Stage { host, link }))
    }
}

/// The host around the plugin: every default, except that a plugin which keeps failing is not suspended.
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

fn settings() -> Result<Settings, Failure> {
    Settings::parse(Path::new(""), HOST)
        .map_err(|problems| unexpected(&problems.iter().map(ToString::to_string).collect::<String>()))
}

fn unexpected(what: &str) -> Failure {
    Failure::new(Exit::Other, anyhow::anyhow!("{what}; please report this"))
}

/// The host's own log says nothing that an author needs.
fn silently<T>(run: impl FnOnce() -> T) -> T {
    tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::default(), run)
}

struct Stage {
    host: Host,
    link: Arc<Link>,
}

impl Stage {
    /// The platform that the callback is for: the settings have one of each kind.
    fn mounted(&self, callback: &Callback) -> Option<&Mounted> {
        let protocol = callback.command()?.platform;
        self.host.platforms().iter().find(|mounted| mounted.platform.server.protocol() == protocol)
    }
}

impl stage::Stage for Stage {
    fn plugin(&self) -> &Plugin {
        self.link.plugin()
    }

    fn engine(&self) -> &Engine {
        &self.host.engine
    }

    fn play(&self, callback: &Callback) -> Played {
        let listener = Listener::default();
        let said = Arc::clone(&listener.said);
        let played = self
            .mounted(callback)
            .map(|mounted| tracing::subscriber::with_default(listener, || self.host.rehearse(mounted, callback)));
        let (run, response) = played.unwrap_or_default();
        let calls = run.steps.into_iter().map(|step| Call {
            usage: step.usage,
            took: step.took,
            fault: step.fault,
            adjustments: step.adjustments,
        });
        let log = std::mem::take(&mut *said.lock().unwrap_or_else(PoisonError::into_inner));
        Played { decision: run.decision, calls: calls.collect(), fault: run.fault, records: run.records, response, log }
    }

    fn inputs(&self, callback: &Callback) -> Vec<String> {
        let chain = callback.command().and_then(|command| self.mounted(callback)?.routes.find(command));
        let Some(chain) = chain else { return Vec::new() };
        match callback.split() {
            Some(parts) => parts.iter().map(|part| chain.envelope(part)).collect(),
            None => vec![chain.envelope(callback)],
        }
    }
}

/// Keeps what plugins say: the events that name one.
#[derive(Default)]
struct Listener {
    said: Arc<Mutex<Vec<(&'static str, String)>>>,
}

impl tracing::Subscriber for Listener {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.is_event() && metadata.fields().field("plugin").is_some()
    }

    fn event(&self, event: &tracing::Event<'_>) {
        let mut message = Message::default();
        event.record(&mut message);
        let line = (name(*event.metadata().level()), message.0);
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

fn name(level: tracing::Level) -> &'static str {
    match level {
        tracing::Level::ERROR => "error",
        tracing::Level::WARN => "warn",
        tracing::Level::INFO => "info",
        tracing::Level::DEBUG => "debug",
        tracing::Level::TRACE => "trace",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_around_the_plugin_has_no_mistake() {
        settings().unwrap();
    }
}
