//! Which plugin is called, and with which callback and settings.

use std::path::PathBuf;

use clap::Args;
use plugin_sdk::catalogue::Protocol;
use serde_json::{Map, Value};

use super::{request, stage};
use crate::cli::Failure;
use crate::dialect::Callback;

/// What is called with what: the arguments that `run` and `profile` have in common.
#[derive(Debug, Args)]
pub struct Subject {
    /// The plugin: a `.wasm` file, or the folder of its crate, which is built
    #[arg(value_name = "PLUGIN")]
    pub(crate) plugin: PathBuf,

    /// The callback's JSON; `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) request: PathBuf,

    /// The plugin's own settings, TOML or JSON: what stands in the host's settings under [plugin.settings]
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,

    /// The chat server [default: the one that has the command]
    #[arg(long, value_parser = request::platform)]
    pub(crate) platform: Option<&'static Protocol>,

    /// The command, as it stands on the wire [default: what the request's `callbackCommand` says]
    #[arg(long)]
    pub(crate) command: Option<String>,
}

impl Subject {
    /// Reads the callback and the settings.
    ///
    /// # Errors
    /// If one of them cannot be used, or both are to come from standard input.
    pub fn read(&self) -> Result<(Callback, Map<String, Value>), Failure> {
        let settings = self.settings.as_deref();
        request::check_standard_input(&[("--request", Some(&self.request)), ("--settings", settings)])?;
        let callback = request::read(&self.request, self.platform, self.command.as_deref())?;
        Ok((callback, settings.map(stage::settings).transpose()?.unwrap_or_default()))
    }
}
