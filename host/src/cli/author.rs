//! The service for the author commands: a host with one plugin and no listener.

use std::path::Path;
use std::sync::Arc;

use callgate_catalogue::wire::{self, Known, Need};
use callgate_dialects::explain::Explanation;
use callgate_dialects::{Callback, Response};
use callgate_facts::Answer;
use callgate_facts::settings::{Counter, Fact as FactSettings, OnFailure, SourceSettings};
use callgate_sandbox::{Engine, EngineLimits, Plugin, PluginLimits};
use callgate_terminal::{Exit, Failure};
use callgate_workshop::stage::{self, Asked, Call, Inputs, Played, Staged, Wish};
use serde_json::{Map, Value};

use super::loading;
use crate::chain::{self, Found, Knowledge, Loaded, Mode};
use crate::deadline::Deadline;
use crate::generation::{Generation, Mounted};
use crate::host::{Host, StartError};
use crate::rehearsal::Trial;
use crate::settings::{Fact, ModuleSource, Settings};

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
        // Every fact of the plugin exists under its own name; the values come from the caller.
        let fact = |(index, name): (usize, String)| Fact {
            number: index + 1,
            settings: FactSettings {
                name,
                source: SourceSettings::Counter(Counter::default()),
                on_failure: OnFailure::Absent,
                plugins: Vec::new(),
            },
        };
        settings.facts = subject.facts.into_iter().enumerate().map(fact).collect();
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
    /// The given facts that the plugin needs, separately for each callback of a request.
    fn found(&self, mounted: &Mounted, callback: &Callback, facts: &Map<String, Value>) -> Vec<Found> {
        let table = Value::Object(facts.clone());
        let answer = |found: &Found| {
            let need = Need { fact: found.fact.as_str().into(), key: found.key.as_str().into() };
            let value = Known::in_table(need, &table).value.map(|value| Arc::from(&*value));
            Found::stored(found.fact.clone(), found.key.clone(), Answer { value, age_ms: 0 })
        };
        let asked = self.parts(callback).into_iter().filter_map(|part| self.knowledge(mounted, &part, &[]));
        asked.flat_map(|knowledge| knowledge.found().iter().map(answer).collect::<Vec<_>>()).collect()
    }

    /// The plugin's facts for one callback; `None` if it needs none.
    fn knowledge(&self, mounted: &Mounted, callback: &Callback, known: &[Found]) -> Option<Arc<Knowledge>> {
        let chain = mounted.routes.find(callback.command()?)?;
        let deadline = Deadline::new(tokio::time::Instant::now(), mounted.platform.answer_within);
        self.trial(known).find_out(chain, &self.host.engine, callback, deadline, Mode::Full)
    }

    /// Only the given facts are known.
    fn trial<'t>(&'t self, known: &'t [Found]) -> Trial<'t> {
        Trial { facts: self.generation.facts(), known, live: None }
    }

    /// The callbacks that a request carries.
    fn parts(&self, callback: &Callback) -> Vec<Callback> {
        callback.split().unwrap_or_else(|| vec![callback.clone()])
    }

    /// A change as the plugin wrote it.
    fn wish(&self, update: chain::Update) -> Wish {
        let chain::Update { fact, key, change, ttl_ms } = update;
        let fact = fact.map(|number| self.generation.facts().name(number).to_owned()).unwrap_or_default();
        let mut json = String::new();
        wire::Update { fact: fact.as_str().into(), key: key.into(), change, ttl_ms }.write(&mut json);
        Wish { update: serde_json::from_str(&json).unwrap_or_default(), fact }
    }

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

    fn play(&self, callback: &Callback, facts: &Map<String, Value>) -> Played {
        let played = self.mounted(callback).map(|mounted| {
            let found = self.found(mounted, callback, facts);
            self.host.rehearse(mounted, callback, self.trial(&found))
        });
        let (run, response) = played.unwrap_or_default();
        let asked = run.facts.iter().flat_map(|knowledge| knowledge.found()).map(|found| Asked {
            fact: found.fact.clone(),
            key: found.key.clone(),
            value: found.answer.value.as_deref().map(str::to_owned).map_err(|why| *why),
        });
        let asked = asked.collect();
        let mut log = Vec::new();
        let mut calls = Vec::new();
        for step in run.steps {
            log.extend(step.log.into_iter().map(|(level, text)| (level.name(), text)));
            let (usage, took, cpu) = (step.usage, step.took, step.cpu);
            calls.push(Call { usage, took, cpu, fault: step.fault, adjustments: step.adjustments });
        }
        let records = run.records.into_iter().map(|record| record.data).collect();
        let updates = run.updates.into_iter().map(|update| self.wish(update)).collect();
        Played { decision: run.decision, calls, fault: run.fault, asked, updates, records, response, log }
    }

    fn explain(&self, callback: &Callback, answer: &Response) -> Option<Explanation> {
        let server = self.mounted(callback)?.platform.server;
        Some(server.explain(callback.command()?, callback.body(), answer.status.as_u16(), &answer.body))
    }

    fn inputs(&self, callback: &Callback, facts: &Map<String, Value>) -> Vec<Inputs> {
        let Some(mounted) = self.mounted(callback) else { return Vec::new() };
        let Some(chain) = callback.command().and_then(|command| mounted.routes.find(command)) else {
            return Vec::new();
        };
        let found = self.found(mounted, callback, facts);
        let inputs = |part: &Callback| {
            let knowledge = self.knowledge(mounted, part, &found);
            Inputs {
                needs: knowledge.is_some().then(|| chain.envelope(part, None)),
                handle: chain.envelope(part, knowledge.as_deref()),
            }
        };
        self.parts(callback).iter().map(inputs).collect()
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
