//! Which plugin is called, and with which callback and settings.

use std::path::PathBuf;

use callgate_dialects::ChatServer;
use clap::Args;
use serde_json::{Map, Value};

use super::request;
use crate::module;
use crate::stage::{Service, Stage, Staged};
use callgate_dialects::Callback;
use callgate_terminal::Failure;

/// What is called with what: the arguments that `run` and `profile` have in common.
#[derive(Debug, Args)]
pub(crate) struct Subject {
    /// The plugin: a `.wasm` or `.wat` file, or the folder of its crate, which is built
    #[arg(value_name = "PLUGIN")]
    pub(crate) plugin: PathBuf,

    /// The callback's JSON; `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) request: PathBuf,

    /// The plugin's own settings, TOML or JSON: what stands in the host's settings under [plugin.settings] [default:
    /// callbacks/settings.toml in the crate's folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,

    /// The chat server [default: the one that has the command]
    #[arg(long, value_parser = request::chat_server)]
    pub(crate) platform: Option<&'static dyn ChatServer>,

    /// The command, as it stands on the wire [default: what the request's `callbackCommand` says]
    #[arg(long)]
    pub(crate) command: Option<String>,
}

impl Subject {
    /// Reads the callback and the settings.
    ///
    /// # Errors
    /// If one of them cannot be used, or both are to come from standard input.
    pub(crate) fn read(&self) -> Result<(Callback, Map<String, Value>), Failure> {
        let settings = self.settings.as_deref();
        request::check_standard_input(&[("--request", Some(&self.request)), ("--settings", settings)])?;
        let callback = request::read(&self.request, self.platform, self.command.as_deref())?;
        let of_crate = crate::settings::of_crate(&self.plugin);
        let settings = settings.or(of_crate.as_deref());
        Ok((callback, settings.map(crate::settings::read).transpose()?.unwrap_or_default()))
    }

    /// Loads the plugin, with these settings; its crate is built first.
    ///
    /// # Errors
    /// If it cannot be built, or cannot be used with these settings.
    pub(crate) fn stage(&self, service: &dyn Service, settings: Map<String, Value>) -> Result<Box<dyn Stage>, Failure> {
        let module = module::built(&self.plugin)?;
        service.stage(Staged { module: module.path().into_owned(), name: module::name(&self.plugin), settings })
    }
}
