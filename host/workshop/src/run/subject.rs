//! The arguments that `run` and `profile` share: plugin, callback and settings.

use std::path::PathBuf;

use callgate_dialects::ChatServer;
use clap::Args;
use serde_json::{Map, Value};

use super::request;
use crate::facts;
use crate::module;
use crate::stage::{Service, Stage, Staged};
use callgate_dialects::Callback;
use callgate_sandbox::Plugin;
use callgate_terminal::Failure;

/// A plugin, a callback and settings.
#[derive(Debug, Args)]
pub(crate) struct Subject {
    /// The plugin: a `.wasm` or `.wat` file, or the folder of its crate, which is built first
    #[arg(value_name = "PLUGIN")]
    pub(crate) plugin: PathBuf,

    /// The callback's JSON; `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) request: PathBuf,

    /// The plugin's own settings, in TOML or JSON, as in the host's settings under [plugin.settings] [default:
    /// callbacks/settings.toml in the crate's folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,

    /// The facts of the plugin, as JSON: {"sent": {"u1": 3}} gives the fact `sent` the value 3 for the key `u1`, and
    /// none for other keys; {"sent": "late"} is the reason why it is missing [default: NAME.facts.json next to
    /// NAME.request.json]
    #[arg(long, value_name = "FILE")]
    pub(crate) facts: Option<PathBuf>,

    /// The chat server [default: the one that has the command]
    #[arg(long, value_parser = request::chat_server)]
    pub(crate) platform: Option<&'static dyn ChatServer>,

    /// The command, as the chat server names it [default: the request's `callbackCommand`]
    #[arg(long)]
    pub(crate) command: Option<String>,
}

impl Subject {
    /// Reads the callback and the settings.
    ///
    /// # Errors
    /// If one of them cannot be used, or both name standard input.
    pub(crate) fn read(&self) -> Result<(Callback, Map<String, Value>), Failure> {
        let (settings, facts) = (self.settings.as_deref(), self.facts.as_deref());
        let arguments = [("--request", Some(self.request.as_path())), ("--settings", settings), ("--facts", facts)];
        request::check_standard_input(&arguments)?;
        let callback = request::read(&self.request, self.platform, self.command.as_deref())?;
        let of_crate = crate::settings::of_crate(&self.plugin);
        let settings = settings.or(of_crate.as_deref());
        Ok((callback, settings.map(crate::settings::read).transpose()?.unwrap_or_default()))
    }

    /// Loads the plugin with these settings, after building its crate if necessary.
    ///
    /// # Errors
    /// If it cannot be built, or cannot be used with these settings.
    pub(crate) fn stage(&self, service: &dyn Service, settings: Map<String, Value>) -> Result<Box<dyn Stage>, Failure> {
        let module = module::built(&self.plugin)?;
        let (path, name) = (module.path().into_owned(), module::name(&self.plugin));
        service.stage(Staged { facts: module::facts(&path), module: path, name, settings })
    }

    /// Reads the facts for the plugin.
    ///
    /// # Errors
    /// If they cannot be used, or the plugin does not use them.
    pub(crate) fn facts(&self, plugin: &Plugin) -> Result<facts::Table, Failure> {
        let beside = facts::beside(&self.request);
        let Some(path) = self.facts.as_deref().or(beside.as_deref()) else { return Ok(facts::Table::new()) };
        let table = facts::read(path)?;
        facts::check_names(&table, path, plugin.manifest())?;
        Ok(table)
    }
}
