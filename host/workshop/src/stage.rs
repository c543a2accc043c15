//! What the author commands need from the service: a host with one plugin. The program provides it.
//!
//! The service is built on top of this crate, so it is passed in through these traits. Callbacks then take the same
//! path as in production.

use std::path::{Path, PathBuf};
use std::time::Duration;

use callgate_catalogue::wire::Why;
use callgate_dialects::explain::Explanation;
use callgate_dialects::{Adjustment, Callback, Decision, Response};
use callgate_sandbox::{Engine, EngineLimits, Fault, Fuel, Plugin, PluginLimits, Usage};
use callgate_terminal::Failure;
use serde_json::{Map, Value};

/// The service, as far as the author commands need it.
pub trait Service {
    /// The default limits of a host.
    ///
    /// # Errors
    /// If they cannot be determined.
    fn limits(&self) -> Result<(EngineLimits, PluginLimits), Failure>;

    /// Loads one plugin as the service does, with all defaults, except that a plugin that keeps failing is not
    /// suspended.
    ///
    /// # Errors
    /// If the plugin cannot be used with these settings.
    fn stage(&self, subject: Staged) -> Result<Box<dyn Stage>, Failure>;

    /// Callbacks from the journal of a host.
    ///
    /// # Errors
    /// If the settings or the journal cannot be read.
    fn kept(&self, wanted: &Wanted<'_>) -> Result<Vec<Kept>, Failure>;
}

/// Which callbacks of a journal.
#[derive(Debug)]
pub struct Wanted<'w> {
    /// The settings file of the host.
    pub settings: &'w Path,
    /// The plugin that they went to, by its name in those settings.
    pub plugin: &'w str,
    /// Members whose values are left out, besides those that the settings name.
    pub redact: &'w [String],
    /// Maximum number of callbacks; the newest are taken.
    pub max: usize,
}

/// A callback from a journal.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Names it: a command and a number.
    pub name: String,
    /// The request, as the chat server sent it, without what must not be stored.
    pub request: Value,
}

/// The plugin to load.
#[derive(Debug, Clone)]
pub struct Staged {
    /// Its module.
    pub module: PathBuf,
    /// Its name.
    pub name: String,
    /// Its own settings.
    pub settings: Map<String, Value>,
    /// The names of the facts that it needs or changes.
    pub facts: Vec<String>,
}

/// A host with one plugin and no listener.
pub trait Stage {
    /// The plugin.
    fn plugin(&self) -> &Plugin;

    /// The engine that it runs in.
    fn engine(&self) -> &Engine;

    /// Decides a callback with these facts. Its records and updates are returned, and have no effect. `facts` are those
    /// of [`Known::in_table`](callgate_catalogue::wire::Known::in_table).
    fn play(&self, callback: &Callback, facts: &Map<String, Value>) -> Played;

    /// What the real chat server does with an answer to a callback; `None` for a command that is not known.
    fn explain(&self, callback: &Callback, answer: &Response) -> Option<Explanation>;

    /// The inputs of each of the [`Played::calls`] for this callback, with these facts.
    fn inputs(&self, callback: &Callback, facts: &Map<String, Value>) -> Vec<Inputs>;
}

/// The inputs of a call: of `needs` and of `handle_callback`.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// The input of `needs`, if the plugin has it.
    pub needs: Option<String>,
    /// The input of `handle_callback`.
    pub handle: String,
}

/// A fact that a plugin needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its name in the plugin.
    pub fact: String,
    /// The key.
    pub key: String,
    /// The value as JSON, or why there is none.
    pub value: Result<String, Why>,
}

/// An update of a fact by a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The fact's name in the plugin; empty if its manifest does not list it.
    pub fact: String,
    /// The change as JSON, as the plugin wrote it.
    pub update: Value,
}

/// The outcome of one callback.
#[derive(Debug)]
pub struct Played {
    /// The decision.
    pub decision: Decision,
    /// The calls that were made, in order.
    pub calls: Vec<Call>,
    /// A fault that belongs to no plugin.
    pub fault: Option<Fault>,
    /// The facts that the plugin needs.
    pub asked: Vec<Asked>,
    /// Its updates of facts.
    pub updates: Vec<Wish>,
    /// The plugin's records, each as JSON on one line.
    pub records: Vec<String>,
    /// The response to the chat server.
    pub response: Response,
    /// The plugin's log lines: level, in lower case, and text.
    pub log: Vec<(&'static str, String)>,
}

/// One call of the plugin: for its verdict and, before that, for its needs.
#[derive(Debug, Clone)]
pub struct Call {
    /// What it used.
    pub usage: Usage,
    /// How long it took.
    pub took: Duration,
    /// CPU time that it cost, including everything it caused.
    pub cpu: Duration,
    /// Its fault, if it failed.
    pub fault: Option<Fault>,
    /// Requested changes that the chat server cannot carry out.
    pub adjustments: Vec<Adjustment>,
}

impl Played {
    /// All faults.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.fault.iter().chain(self.calls.iter().filter_map(|call| call.fault.as_ref()))
    }
}

/// The cost of one callback. For a request with several callbacks it is that of the largest call, because limits are
/// per call.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// Fuel burnt.
    pub fuel: Fuel,
    /// Time.
    pub took: Duration,
    /// Whether a call returned no verdict.
    pub is_fault: bool,
}

impl Cost {
    /// The cost of an outcome.
    #[must_use]
    pub fn of(played: &Played) -> Self {
        Self {
            fuel: Fuel(played.calls.iter().map(|call| call.usage.fuel.0).max().unwrap_or(0)),
            took: played.calls.iter().map(|call| call.took).max().unwrap_or_default(),
            is_fault: played.faults().next().is_some(),
        }
    }
}
