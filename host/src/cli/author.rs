//! The service for the author commands: a host with one plugin and no listener.

use std::path::Path;
use std::sync::Arc;

use callgate_dialects::explain::Explanation;
use callgate_dialects::{Callback, Response};
use callgate_sandbox::{Engine, EngineLimits, Plugin, PluginLimits};
use callgate_terminal::{Exit, Failure};
use callgate_workshop::stage::{self, Call, Played, Staged};

use super::loading;
use crate::chain::Loaded;
use crate::generation::{Generation, Mounted};
use crate::host::{Host, StartError};
use crate::settings::{ModuleSource, Settings};

/// Runs plugins exactly as `serve` would.
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
                    StartError::Engine(_) | StartError::Workers(_) => Failure::new(Exit::Other, error),
                },
            )?;
        let loaded = host.generation().links().first().and_then(|link| link.loaded().cloned());
        let loaded = loaded.ok_or_else(|| unexpected("the plugin is not there"))?;
        let generation = Arc::clone(&host.generation());
        Ok(Box::new(Stage { host, generation, loaded }))
    }

    fn kept(&self, wanted: &stage::Wanted<'_>) -> Result<Vec<stage::Kept>, Failure> {
        super::journal::kept::read(wanted)
    }
}

/// The settings of that host: all defaults, except that a plugin that keeps failing is not suspended.
const HOST: &str = r#"
[admin]
off = true
[limits]
calls_at_once_max = 1
kept_instances_max = 1
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

/// Runs without the host's own log, which authors do not need.
fn silently<T>(run: impl FnOnce() -> T) -> T {
    tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::default(), run)
}

struct Stage {
    host: Host,
    generation: Arc<Generation>,
    loaded: Arc<Loaded>,
}

impl Stage {
    /// The callback's platform: the settings have one of each kind.
    fn mounted(&self, callback: &Callback) -> Option<&Mounted> {
        let protocol = callback.command()?.protocol;
        self.generation.platforms().iter().find(|mounted| mounted.platform.server.protocol().name == protocol)
    }
}

impl stage::Stage for Stage {
    fn plugin(&self) -> &Plugin {
        self.loaded.plugin()
    }

    fn engine(&self) -> &Engine {
        &self.host.engine
    }

    fn play(&self, callback: &Callback) -> Played {
        let played = self.mounted(callback).map(|mounted| self.host.rehearse(mounted, callback));
        let (run, response) = played.unwrap_or_default();
        let mut log = Vec::new();
        let mut calls = Vec::new();
        for step in run.steps {
            log.extend(step.log.into_iter().map(|(level, text)| (level.name(), text)));
            let (usage, took, cpu) = (step.usage, step.took, step.cpu);
            calls.push(Call { usage, took, cpu, fault: step.fault, adjustments: step.adjustments });
        }
        let records = run.records.into_iter().map(|record| record.data).collect();
        Played { decision: run.decision, calls, fault: run.fault, records, response, log }
    }

    fn explain(&self, callback: &Callback, answer: &Response) -> Option<Explanation> {
        let server = self.mounted(callback)?.platform.server;
        Some(server.explain(callback.command()?, callback.body(), answer.status.as_u16(), &answer.body))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_around_the_plugin_has_no_mistake() {
        settings().unwrap();
    }
}
