//! What an author's commands need of the service: a host around one plugin, which the program provides.
//!
//! The service is built on top of this crate, not below it, so it comes in through these traits. A callback that is
//! tried out takes the way that it takes in production.

use std::path::PathBuf;
use std::time::Duration;

use callgate_dialects::{Adjustment, Callback, Decision, Response};
use callgate_sandbox::{Engine, EngineLimits, Fault, Fuel, Plugin, PluginLimits, Usage};
use callgate_terminal::Failure;
use serde_json::{Map, Value};

/// The service, as far as it can be tried out.
pub trait Service {
    /// The limits of a host whose settings set none.
    ///
    /// # Errors
    /// If they cannot be told.
    fn limits(&self) -> Result<(EngineLimits, PluginLimits), Failure>;

    /// Loads one plugin as the service does, with every default, except that a plugin which keeps failing is not
    /// suspended.
    ///
    /// # Errors
    /// If the plugin cannot be used with these settings.
    fn stage(&self, subject: Staged) -> Result<Box<dyn Stage>, Failure>;
}

/// The plugin that is tried out.
#[derive(Debug, Clone)]
pub struct Staged {
    /// Its module.
    pub module: PathBuf,
    /// Its name, as a host's settings might call it.
    pub name: String,
    /// Its own settings.
    pub settings: Map<String, Value>,
}

/// A host with one plugin, which listens nowhere.
pub trait Stage {
    /// The plugin.
    fn plugin(&self) -> &Plugin;

    /// The engine that it runs in.
    fn engine(&self) -> &Engine;

    /// Answers a callback, without keeping its records.
    fn play(&self, callback: &Callback) -> Played;

    /// What the plugin is given when this callback is played, call by call.
    fn inputs(&self, callback: &Callback) -> Vec<String>;
}

/// What became of one callback.
#[derive(Debug)]
pub struct Played {
    /// What is to happen to the operation.
    pub decision: Decision,
    /// The calls that were made, in order.
    pub calls: Vec<Call>,
    /// A fault that belongs to no plugin.
    pub fault: Option<Fault>,
    /// Data that the plugin wants handed on, each a JSON text on one line.
    pub records: Vec<String>,
    /// What the chat server would get.
    pub response: Response,
    /// What the plugin said: level, in lower case, and text.
    pub log: Vec<(&'static str, String)>,
}

/// One call of the plugin.
#[derive(Debug, Clone)]
pub struct Call {
    /// What it used.
    pub usage: Usage,
    /// How long it took.
    pub took: Duration,
    /// CPU time that it cost, all that it caused included.
    pub cpu: Duration,
    /// How it failed.
    pub fault: Option<Fault>,
    /// What it asked for and the chat server cannot do.
    pub adjustments: Vec<Adjustment>,
}

impl Played {
    /// How calls failed.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.fault.iter().chain(self.calls.iter().filter_map(|call| call.fault.as_ref()))
    }
}

/// What one callback cost: its largest call, if it carries several callbacks, because limits are for one call.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// Work.
    pub fuel: Fuel,
    /// Time.
    pub took: Duration,
    /// Whether a call gave no verdict.
    pub is_fault: bool,
}

impl Cost {
    /// The cost of what was played.
    #[must_use]
    pub fn of(played: &Played) -> Self {
        Self {
            fuel: Fuel(played.calls.iter().map(|call| call.usage.fuel.0).max().unwrap_or(0)),
            took: played.calls.iter().map(|call| call.took).max().unwrap_or_default(),
            is_fault: played.faults().next().is_some(),
        }
    }
}
